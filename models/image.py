"""Bytes to bounded RGB: one decode of a picture to all that people may see of it, shared by all detectors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from io import BytesIO
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
from models.animation import frames, gif_patches, png_patches
from models.colour import Meaning, Rendering, meaning_of, rendering_of
from models.container import Shell, shell_of, sniff
from models.zygote import one_at_a_time

VIEW_SIDE = 512
"""Pixels of the longer side of a frame that we keep: what PDQ hashes and a preview shows."""

_DRAFT_SIDE = 480
"""A JPEG is decoded at the smallest eighth of its size that is no smaller; a 12-megapixel one gives 500 px at once."""

DECODING = 2
"""Raised when the same bytes may give other looks than before. 1 gave one look a frame: on grey, with colours as stored."""

NEUTRAL = (128, 128, 128)

GROUNDS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": NEUTRAL}
"""What pages show through transparent parts. Grey lies between the others: what is half transparent may be seen on it alone."""

_OPAQUE = 249
"""Alpha from which on nobody sees the ground; below it somewhere, a picture is judged on white and on black."""

_HALF_TRANSPARENT = 0.05
"""The share of a picture from which on it is judged on grey, too; soft edges and shadows have less."""

# Peak bytes for each pixel until the view is made: the worst of the format's modes, measured in child processes.
_DECODE_BYTES = {"JPEG": 1, "progressive JPEG": 9, "PNG": 13, "GIF": 13, "BMP": 9, "WEBP": 17, "AVIF": 12, "HEIF": 9}

# And what rendering by a profile needs, when it is done before the picture is small: a copy, and its colours.
_RENDER_BYTES = 7

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

# Decodes that need more than this many bytes wait for each other, so that they do not add up their peaks.
_LARGE = 200_000_000

# The plugins that `sniff` names, imported so that Pillow never goes looking for others.
_PLUGINS = (AvifImagePlugin, BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin)

# One picture is one thread's work: the workers' threads are as many as the cores already.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pillow_heif.options.DECODE_THREADS = 1
pillow_heif.register_heif_opener()
# What Pillow warns of (sizes above our own limit, broken EXIF) says nothing new, and would fill the log.
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True, slots=True)
class View:
    """Hold one way of seeing one frame: RGB, upright, at most `VIEW_SIDE` px on the longer side.

    `frame` counts from 1 in an animation and is 0 in a still picture; `ground` is what shows through, "" when nothing does;
    `stored` views take the file's own numbers for colours, as a program does that knows no colour profiles.
    """

    image: Image.Image = field(repr=False)
    frame: int = 0
    ground: str = ""
    stored: bool = False

    @property
    def words(self) -> str:
        """Say for people how the picture is seen here; "" for a plain still one."""
        parts = (
            f"picture {self.frame} of the animation" if self.frame else "",
            f"on {self.ground}" if self.ground else "",
            "without its colour profile" if self.stored else "",
        )
        return ", ".join(filter(None, parts))


@dataclass(slots=True)
class Picture:
    """A decoded picture.

    `width` and `height` are the file's own pixels, upright. `views` are all that people may see of it: a still, opaque
    picture has one, a transparent one is seen on white and on black, and an animation has those frames that differ from the
    one before. `unseen` says in words what could not be looked at, "" when all was. `plain` is the first frame on grey with
    its colours as stored, where no view is that: earlier versions knew pictures by it, and lists may still.
    """

    data: bytes = field(repr=False)
    format: str
    width: int
    height: int
    views: tuple[View, ...] = field(repr=False)
    frame_count: int = 1
    unseen: str = ""
    plain: Image.Image | None = field(default=None, repr=False)
    _scaled: dict[int, tuple[Image.Image, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def blank(cls) -> Picture:
        """Make a grey picture, to try a detector with."""
        return cls(b"", "", VIEW_SIDE, VIEW_SIDE, (View(Image.new("RGB", (VIEW_SIDE, VIEW_SIDE), NEUTRAL)),))

    @property
    def frames(self) -> tuple[Image.Image, ...]:
        """Give the views' pixels."""
        return tuple(view.image for view in self.views)

    def scaled(self, side: int) -> tuple[Image.Image, ...]:
        """Scale every view so that its longer side has exactly `side` px, small ones included; each size is made once."""
        if side not in self._scaled:
            self._scaled[side] = tuple(_fit(view.image, side) for view in self.views)
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
            meaning = meaning_of(shell.data, form, opened)
            rendering = rendering_of(meaning, opened.mode)
            large = _check_size(opened, form, limits, rendering) > _LARGE
            with one_at_a_time() if large else nullcontext():
                return _decode(opened, form, shell, data, limits, meaning, rendering)
    except MediaUnreadable:
        raise
    except Image.DecompressionBombError:
        raise MediaUnreadable(f"The picture claims more than {limits.max_pixels / 1e6:.0f} megapixels.") from None
    except MemoryError:
        raise MediaUnreadable("There is not enough memory to decode the picture.") from None
    except Exception as error:
        # Pillow raises OSError, SyntaxError, struct.error, KeyError, OverflowError and more for what is in a file.
        raise MediaUnreadable(f"The {form} file is damaged or incomplete and cannot be decoded.") from error


def _check_size(opened: Image.Image, form: str, limits: ImageLimits, rendering: Rendering | None = None) -> int:
    """Estimate the bytes that decoding needs at most. Raise `MediaUnreadable` when that or the size is over the limit."""
    pixels = opened.width * opened.height
    if pixels > limits.max_pixels:
        raise MediaUnreadable(
            f"The picture has {pixels / 1e6:.0f} megapixels ({opened.width} x {opened.height}); "
            f"{limits.max_pixels / 1e6:.0f} are the limit."
        )
    whole = rendering is not None and not rendering.mild
    each = _DECODE_BYTES["progressive JPEG" if form == "JPEG" and ("progressive" in opened.info or whole) else form]
    cost = pixels * (each + _RENDER_BYTES if whole else each)
    if cost > limits.max_decode_bytes:
        raise MediaUnreadable(
            f"Decoding this {pixels / 1e6:.0f}-megapixel {form} file would take up to {cost / 1e6:.0f} MB of memory; "
            f"{limits.max_decode_bytes / 1e6:.0f} are the limit."
        )
    return cost


def _decode(
    opened: Image.Image,
    form: str,
    shell: Shell,
    data: bytes,
    limits: ImageLimits,
    meaning: Meaning,
    rendering: Rendering | None,
) -> Picture:
    width, height = opened.size
    count = _count(opened, form, shell.frames)
    depth = shell.data[24] if form == "PNG" else 8
    doubts = [meaning.strange, rendering.strange if rendering else "", _doubt(opened, depth, rendering)]
    if rendering is None or rendering.mild:
        opened.draft("RGB", _within(opened.size, _DRAFT_SIDE))
    views: list[View] = []
    latest: dict[tuple[str, bool], Image.Image] = {}
    plain: Image.Image | None = None
    # Before the pixels: what a PNG says after them, no browser follows.
    turn = _orientation(opened, form)
    seen, shown, broken = 0, 0, ""
    try:
        for frame in _frames(opened, form, shell, count, depth, limits):
            seen += 1
            looks, before = _looks(frame, rendering)
            if turn in _TURNS:
                looks = [replace(look, image=look.image.transpose(_TURNS[turn])) for look in looks]
                before = before and before.transpose(_TURNS[turn])
            if seen == 1:
                plain = before
            new = [look for look in looks if _is_new(look, latest)]
            latest |= {(look.ground, look.stored): look.image for look in new}
            views += [replace(look, frame=seen) for look in new]
            shown += bool(new)
            if shown >= limits.max_frames or len(views) >= limits.max_looks:
                break
    except Exception:
        if not views:
            raise
        broken = f"Frame {seen + 1} of {count} could not be decoded"
    if not views:
        raise MediaUnreadable(f"The {form} file has no picture in it.")
    if seen < count:
        doubts.append(f"{f'{broken}; only' if broken else 'Only'} the first {seen} of {count} frames were looked at.")
    if len({view.frame for view in views}) == 1:
        views = [replace(view, frame=0) for view in views]
    if 5 <= turn <= 8:
        width, height = height, width
    return Picture(data, form, width, height, tuple(views), count, " ".join(filter(None, doubts)), plain)


def _doubt(opened: Image.Image, depth: int, rendering: Rendering | None) -> str:
    """Say what a browser may show of 16 bits that Pillow does not."""
    if depth != 16 or (opened.mode.startswith("I;16") and (rendering is None or rendering.mild)):
        return ""
    if "transparency" in opened.info or (rendering is not None and not rendering.mild):
        return "The picture has 16 bits for each colour and is transparent or coloured in an unusual way; browsers differ in it."
    return ""


def _is_new(look: View, latest: dict[tuple[str, bool], Image.Image]) -> bool:
    """Say whether a look differs from the same look at the frame before, if there was one."""
    before = latest.get((look.ground, look.stored))
    return before is None or _differ(before, look.image)


def _count(opened: Image.Image, form: str, shown: int) -> int:
    """Count the frames that a browser shows, as the file claims or as its outside shows, whichever is more."""
    if form in ("JPEG", "HEIF"):
        # A second picture in these files is a depth map or a stereo twin.
        return 1
    # Pillow would read a whole GIF to count its frames.
    claimed = 1 if form == "GIF" else int(getattr(opened, "n_frames", 1))
    return max(claimed, shown, 1)


def _frames(opened: Image.Image, form: str, shell: Shell, count: int, depth: int, limits: ImageLimits) -> Iterator[Image.Image]:
    """Decode frame after frame, in order since most formats build on the one before, until a budget is used up."""
    deadline = monotonic() + limits.max_seconds
    pixels = 0
    for number, frame in enumerate(_source(opened, form, shell, depth)):
        if monotonic() > deadline:
            if number == 0:
                raise MediaUnreadable(f"Decoding the picture took longer than {limits.max_seconds:.0f} s.")
            return
        yield frame
        if number + 1 >= min(count, limits.max_frames_decoded):
            return
        _check_size(frame, form, limits)
        pixels += frame.width * frame.height
        if pixels > limits.max_frame_pixels:
            return


def _source(opened: Image.Image, form: str, shell: Shell, depth: int) -> Iterator[Image.Image]:
    """Give frames in one of the modes L, LA, RGB, RGBA, RGBa and CMYK."""
    if form == "GIF" or (form == "PNG" and shell.frames):
        patches = gif_patches(shell.data) if form == "GIF" else png_patches(shell.data)
        # Of a GIF this is the screen, and no smaller than the first frame, as browsers repair it.
        yield from frames(patches, form, opened.size, lambda patch: _simple(patch, depth).convert("RGBA"))
        return
    number = 0
    while True:
        opened.load()
        yield _simple(opened, depth)
        number += 1
        try:
            opened.seek(number)
        except EOFError:
            return


def _orientation(opened: Image.Image, form: str) -> int:
    """Read the EXIF orientation that browsers follow, 1 to 8; broken metadata does not make a picture unreadable."""
    if form in ("HEIF", "WEBP"):
        # HEIF's own transformations count and are applied by the decoder; of WebP no browser turns what EXIF says.
        return 1
    try:
        # Not `getexif`, which also asks XMP, as no browser does.
        exif = Image.Exif()
        exif.load(opened.info.get("exif") or b"")
        turn = exif.get(0x0112, 1)
    except Exception:
        return 1
    return turn if isinstance(turn, int) else 1


def _simple(frame: Image.Image, depth: int = 8) -> Image.Image:
    """Bring a frame to one of a few modes, without loss of what shows."""
    key = frame.info.get("transparency")
    if frame.mode.startswith("I;16"):
        # Pillow's own conversion clips 16 bits at 255, which makes a white page of nearly every picture.
        deep = np.asarray(frame)
        grey = Image.fromarray((deep // 257).astype(np.uint8))
        if isinstance(key, int):
            grey.putalpha(Image.fromarray(((deep != key) * 255).astype(np.uint8)))
        return grey
    if frame.mode in ("1", "L") and isinstance(key, int):
        # The key has the file's depth, the pixels have eight bits by now.
        grey = frame.convert("L")
        level = key * 255 // ((1 << min(depth, 8)) - 1)
        grey.putalpha(grey.point([0 if value == level else 255 for value in range(256)]))
        return grey
    if frame.has_transparency_data and frame.mode not in ("RGBA", "LA", "RGBa"):
        return frame.convert("RGBA")
    if frame.mode in ("RGB", "L", "RGBA", "LA", "RGBa", "CMYK"):
        return frame
    return frame.convert("L" if frame.mode == "1" else "RGB")


def _looks(frame: Image.Image, rendering: Rendering | None) -> tuple[list[View], Image.Image | None]:
    """Give all looks at a frame that differ, and the one of earlier versions when it is none of them."""
    small = _straight(_fit(frame, VIEW_SIDE) if max(frame.size) > VIEW_SIDE else frame)
    if rendering is None:
        looks = _on_grounds(small, False)
    elif rendering.mild:
        looks = _on_grounds(rendering.apply(small), False)
    else:
        shown = rendering.apply(_straight(frame))
        looks = _on_grounds(_fit(shown, VIEW_SIDE) if max(shown.size) > VIEW_SIDE else shown, False)
        known = {look.ground: look.image for look in looks}
        looks += [look for look in _on_grounds(small, True) if _differ(known[look.ground], look.image)]
    if (rendering is None or rendering.nothing) and not looks[0].ground:
        return looks, None
    return looks, _flat(small, NEUTRAL)


def _straight(image: Image.Image) -> Image.Image:
    return image.convert("RGBA") if image.mode == "RGBa" else image


def _on_grounds(image: Image.Image, stored: bool) -> list[View]:
    """Lay a picture on what pages show through it; one view when nothing does."""
    if image.mode not in ("RGBA", "LA"):
        return [View(_flat(image, NEUTRAL), stored=stored)]
    alpha = image.getchannel("A")
    cells = np.asarray(alpha.resize((96, 96), Image.Resampling.BOX))
    if cells.min() >= _OPAQUE:
        return [View(_flat(image, NEUTRAL), stored=stored)]
    half = np.asarray(alpha)
    grounds = ["white", "black"]
    if np.mean((half > 31) & (half < 224)) > _HALF_TRANSPARENT:
        grounds.append("grey")
    return [View(_flat(image, GROUNDS[ground]), ground=ground, stored=stored) for ground in grounds]


def _flat(image: Image.Image, ground: tuple[int, int, int]) -> Image.Image:
    """Make a picture RGB on a ground; always a copy, so that it outlives the file and the next frame."""
    if image.mode in ("RGBA", "LA"):
        under = Image.new("RGBA", image.size, (*ground, 255))
        under.alpha_composite(image.convert("RGBA"))
        image = under
    plain = image.convert("RGB")
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
