"""Bytes to bounded RGB: one decode of a picture, shared by all detectors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from io import BytesIO
from threading import Lock
from time import monotonic

import numpy as np
import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from app.domain.errors import MediaUnreadable
from app.domain.limits import ImageLimits
from models.container import shell_of, sniff

VIEW_SIDE = 512
"""Pixels of the longer side of a frame that we keep: what PDQ hashes and a preview shows."""

_DRAFT_SIDE = 480
"""A JPEG is decoded at the smallest eighth of its size that is no smaller; a 12-megapixel one gives 500 px at once."""

NEUTRAL = (128, 128, 128)
"""What shows through transparent parts, so that colours hidden under them are not judged."""

# Peak bytes for each pixel until the view is made: the worst of the format's modes, measured in child processes.
_DECODE_BYTES = {"JPEG": 1, "progressive JPEG": 9, "PNG": 13, "GIF": 13, "BMP": 9, "WEBP": 17, "AVIF": 12, "HEIF": 9}

# What makes a picture upright, by its EXIF orientation; 5 to 8 swap width and height.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Decodes that need more than this many bytes wait for each other, so that threads do not add up their peaks.
_LARGE = 200_000_000
_one_large_at_a_time = Lock()

# The plugins that `sniff` names, imported so that Pillow never goes looking for others.
_PLUGINS = (AvifImagePlugin, BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin)

# One picture is one thread's work: the workers' threads are as many as the cores already.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pillow_heif.options.DECODE_THREADS = 1
pillow_heif.register_heif_opener()
# What Pillow warns of (sizes above our own limit, broken EXIF) says nothing new, and would fill the log.
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(slots=True)
class Picture:
    """A decoded picture.

    `width` and `height` are the file's own pixels, upright. `frames` are RGB, upright, at most `VIEW_SIDE` px on the
    longer side; a still picture has one, an animation only those that differ from the one before. `unseen` says in words
    what could not be looked at, "" when all was.
    """

    data: bytes = field(repr=False)
    format: str
    width: int
    height: int
    frames: tuple[Image.Image, ...] = field(repr=False)
    frame_count: int = 1
    unseen: str = ""
    _scaled: dict[int, tuple[Image.Image, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def blank(cls) -> Picture:
        """Make a grey picture, to try a detector with."""
        return cls(b"", "", VIEW_SIDE, VIEW_SIDE, (Image.new("RGB", (VIEW_SIDE, VIEW_SIDE), NEUTRAL),))

    def scaled(self, side: int) -> tuple[Image.Image, ...]:
        """Scale every frame so that its longer side has exactly `side` px, small ones included; each size is made once."""
        if side not in self._scaled:
            self._scaled[side] = tuple(_fit(frame, side) for frame in self.frames)
        return self._scaled[side]


def read(data: bytes, limits: ImageLimits | None = None) -> Picture:
    """Decode a picture within the limits. Raise `MediaUnreadable` with a sentence for the owner, and nothing else."""
    limits = limits or ImageLimits()
    if not data:
        raise MediaUnreadable("The file is empty.")
    if len(data) > limits.max_image_bytes:
        raise MediaUnreadable(f"The file has {len(data) / 1e6:.1f} MB; {limits.max_image_bytes / 1e6:.0f} are the limit.")
    form = sniff(data)
    if not form:
        raise MediaUnreadable("The file is no JPEG, PNG, GIF, WebP, AVIF, HEIC or BMP picture.")
    shell = shell_of(data, form, limits)
    try:
        with Image.open(BytesIO(shell.data), formats=(form,)) as opened:
            large = _check_size(opened, form, limits) > _LARGE
            with _one_large_at_a_time if large else nullcontext():
                return _decode(opened, form, shell.frames, data, limits)
    except MediaUnreadable:
        raise
    except Image.DecompressionBombError:
        raise MediaUnreadable(f"The picture claims more than {limits.max_pixels / 1e6:.0f} megapixels.") from None
    except MemoryError:
        raise MediaUnreadable("There is not enough memory to decode the picture.") from None
    except Exception as error:
        # Pillow raises OSError, SyntaxError, struct.error, KeyError, OverflowError and more for what is in a file.
        raise MediaUnreadable(f"The {form} file is damaged or incomplete and cannot be decoded.") from error


def _check_size(opened: Image.Image, form: str, limits: ImageLimits) -> int:
    """Estimate the bytes that decoding needs at most. Raise `MediaUnreadable` when that or the size is over the limit."""
    pixels = opened.width * opened.height
    if pixels > limits.max_pixels:
        raise MediaUnreadable(
            f"The picture has {pixels / 1e6:.0f} megapixels ({opened.width} x {opened.height}); "
            f"{limits.max_pixels / 1e6:.0f} are the limit."
        )
    cost = pixels * _DECODE_BYTES["progressive JPEG" if "progressive" in opened.info else form]
    if cost > limits.max_decode_bytes:
        raise MediaUnreadable(
            f"Decoding this {pixels / 1e6:.0f}-megapixel {form} file would take up to {cost / 1e6:.0f} MB of memory; "
            f"{limits.max_decode_bytes / 1e6:.0f} are the limit."
        )
    return cost


def _decode(opened: Image.Image, form: str, shown: int, data: bytes, limits: ImageLimits) -> Picture:
    width, height = opened.size
    count = _count(opened, form, shown)
    opened.draft("RGB", _within(opened.size, _DRAFT_SIDE))
    frames: list[Image.Image] = []
    seen, turn, unseen = 0, 1, ""
    try:
        for frame in _frames(opened, count, form, limits):
            seen += 1
            if seen == 1:
                # Not before the pixels: a PNG's metadata may stand after them.
                turn = _orientation(frame, form)
            view = _view(frame)
            if turn in _TURNS:
                view = view.transpose(_TURNS[turn])
            if not frames or _differ(frames[-1], view):
                frames.append(view)
            if len(frames) >= limits.max_frames:
                break
    except Exception:
        if not frames:
            raise
        unseen = f"Frame {seen + 1} of {count} could not be decoded"
    if seen < count:
        unseen = f"{unseen}; only" if unseen else "Only"
        unseen += f" the first {seen} of {count} frames were looked at."
    if 5 <= turn <= 8:
        width, height = height, width
    return Picture(data, form, width, height, tuple(frames), count, unseen)


def _count(opened: Image.Image, form: str, shown: int) -> int:
    """Count the frames that a browser shows, as the file claims or as its outside shows, whichever is more."""
    if form in ("JPEG", "HEIF"):
        # A second picture in these files is a depth map or a stereo twin.
        return 1
    # Pillow would read a whole GIF to count its frames.
    claimed = 1 if form == "GIF" else int(getattr(opened, "n_frames", 1))
    return max(claimed, shown, 1)


def _frames(opened: Image.Image, count: int, form: str, limits: ImageLimits) -> Iterator[Image.Image]:
    """Decode frame after frame, in order since most formats build on the one before, until a budget is used up."""
    deadline = monotonic() + limits.max_seconds
    pixels = 0
    for number in range(min(count, limits.max_frames_decoded)):
        if number:
            try:
                opened.seek(number)
            except EOFError:
                return
            _check_size(opened, form, limits)
            pixels += opened.width * opened.height
            if pixels > limits.max_frame_pixels:
                return
        opened.load()
        if monotonic() > deadline:
            if number == 0:
                raise MediaUnreadable(f"Decoding the picture took longer than {limits.max_seconds:.0f} s.")
            return
        yield opened


def _orientation(opened: Image.Image, form: str) -> int:
    """Read the EXIF orientation, 1 to 8; broken metadata does not make a picture unreadable."""
    if form == "HEIF":
        # Its own transformations count and are applied by the decoder; what EXIF says is not to be followed.
        return 1
    try:
        turn = opened.getexif().get(0x0112, 1)
    except Exception:
        return 1
    return turn if isinstance(turn, int) else 1


def _view(frame: Image.Image) -> Image.Image:
    """Make a frame RGB and at most `VIEW_SIDE` px on its longer side; where it can be, colours are converted last."""
    if frame.mode.startswith("I;16"):
        # Pillow's own conversion clips 16 bits at 255, which makes a white page of nearly every picture.
        frame = Image.fromarray((np.asarray(frame) // 257).astype(np.uint8))
    elif frame.has_transparency_data and frame.mode not in ("RGBA", "LA", "RGBa", "La"):
        frame = frame.convert("RGBA")
    elif frame.mode == "1":
        frame = frame.convert("L")
    elif frame.mode not in ("RGB", "L", "RGBA", "LA", "RGBa", "La", "CMYK", "YCbCr"):
        frame = frame.convert("RGB")
    small = _fit(frame, VIEW_SIDE) if max(frame.size) > VIEW_SIDE else frame
    if small.mode in ("RGBa", "La"):
        small = small.convert({"RGBa": "RGBA", "La": "LA"}[small.mode])
    if small.mode in ("RGBA", "LA"):
        ground = Image.new("RGBA", small.size, (*NEUTRAL, 255))
        ground.alpha_composite(small.convert("RGBA"))
        small = ground
    # `convert` copies, so that the view outlives the file and the next frame.
    plain = small.convert("RGB")
    plain.info = {}
    return plain


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Fit a size into a square, rounded down: Pillow's draft mode takes it as the least that it may give."""
    longer = max(size)
    return max(1, size[0] * side // longer), max(1, size[1] * side // longer)


def _fit(image: Image.Image, side: int) -> Image.Image:
    longer = max(image.size)
    if longer == side:
        return image
    size = max(1, round(image.width * side / longer)), max(1, round(image.height * side / longer))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _differ(before: Image.Image, after: Image.Image) -> bool:
    """Tell whether two frames differ anywhere by more than a shade, seen in cells of about a hundredth of the width."""
    cells = tuple(np.asarray(image.resize((96, 96), Image.Resampling.BOX), dtype=np.int16) for image in (before, after))
    return bool(np.abs(cells[0] - cells[1]).max() > 6)
