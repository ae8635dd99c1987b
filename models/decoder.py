"""Pictures decoded in the sandbox: what the child does, and how its answer is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from io import BytesIO
from typing import Annotated, Any, Literal

from PIL import Image, ImageCms, ImageFile
from pydantic import BaseModel, ConfigDict, Field

from app.domain.errors import MediaUnreadable
from app.domain.limits import ImageLimits
from models.image import VIEW_SIDE, Picture, View, read
from models.sandbox import Sandbox
from models.zygote import Answer, Bytes

_Line = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Count = Annotated[int, Field(ge=0, le=10_000_000)]


class _View(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    frame: _Count
    ground: Literal["", "white", "black", "grey"]
    stored: bool


class _Facts(BaseModel):
    """Describe what a child says about a picture; `refused` is a sentence, and then there is no more."""

    model_config = ConfigDict(extra="forbid", strict=True)

    refused: _Line = ""
    format: Literal["", "JPEG", "PNG", "GIF", "BMP", "WEBP", "AVIF", "HEIF"] = ""
    width: _Count = 0
    height: _Count = 0
    frame_count: _Count = 1
    unseen: _Line = ""
    plain: bool = False
    views: list[_View] = []


def decode(data: bytes, arguments: dict[str, Any]) -> Answer:
    """Run `models.image.read` in a child. The arrays are the views, and `plain` after them where there is one: four bytes a
    pixel, as Pillow has them."""
    try:
        picture = read(data, ImageLimits(**arguments))
    except MediaUnreadable as error:
        return {"refused": str(error)}, []
    facts = {
        "format": picture.format,
        "width": picture.width,
        "height": picture.height,
        "frame_count": picture.frame_count,
        "unseen": picture.unseen,
        "plain": picture.plain is not None,
        "views": [{"frame": view.frame, "ground": view.ground, "stored": view.stored} for view in picture.views],
    }
    images = [*picture.frames, *([picture.plain] if picture.plain is not None else [])]
    return facts, [Pixels(image) for image in images]


@dataclass(frozen=True, slots=True)
class Pixels:
    """An image's pixels as Pillow holds them: leaving out each fourth byte, and putting it back, costs more than to copy it."""

    image: Image.Image

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.image.height, self.image.width, 4

    def write(self, file: int, at: int) -> None:
        """Write them without a copy in between."""
        with open(file, "wb", buffering=0, closefd=False) as out:
            out.seek(at)
            whole = (0, 0, *self.image.size)
            ImageFile._save(self.image, out, [ImageFile._Tile("raw", whole, 0, ("RGBX", 0, 1))])


def _image_of(array: Bytes) -> Image.Image:
    image = Image.new("RGB", (array.shape[1], array.shape[0]), None)
    image.frombytes(array, "raw", "RGBX")
    return image


def warm() -> None:
    """Read a picture of every format once: Pillow imports what it needs as it goes."""
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    one, two = Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64), "white")
    for form in ("JPEG", "MPO", "PNG", "GIF", "BMP", "WEBP", "AVIF", "HEIF"):
        out = BytesIO()
        several = {"save_all": True, "append_images": [two]} if form in ("MPO", "PNG", "GIF", "WEBP") else {}
        one.save(out, form, exif=exif.tobytes(), icc_profile=profile, **several)
        read(out.getvalue())


def decoded(sandbox: Sandbox, data: bytes, limits: ImageLimits) -> Picture:
    """Decode a picture in a child. Raise `MediaUnreadable` for the picture, `SandboxFailed` when the child did not answer."""
    if len(data) > limits.max_image_bytes:
        raise MediaUnreadable(f"The file has {len(data) / 1e6:.1f} MB; {limits.max_image_bytes / 1e6:.0f} are the limit.")
    facts, images = sandbox.run("picture", data, _arguments(limits), _taken)
    if facts.refused:
        raise MediaUnreadable(facts.refused)
    views = tuple(View(image, view.frame, view.ground, view.stored) for image, view in zip(images, facts.views, strict=False))
    plain = images[-1] if facts.plain else None
    return Picture(data, facts.format, facts.width, facts.height, views, facts.frame_count, facts.unseen, plain)


@cache
def _arguments(limits: ImageLimits) -> dict[str, Any]:
    return asdict(limits)


def _taken(said: dict[str, Any], arrays: Sequence[Bytes]) -> tuple[_Facts, list[Image.Image]]:
    """Copy what a child says. Raise `ValueError` when it is no picture."""
    facts = _Facts.model_validate(said)
    if facts.refused:
        return facts, []
    sized = all(array.ndim == 3 and array.shape[2] == 4 and max(array.shape) <= VIEW_SIDE for array in arrays)
    if not sized or not facts.views or len(arrays) != len(facts.views) + facts.plain:
        raise ValueError("the answer is no picture")
    return facts, [_image_of(array) for array in arrays]
