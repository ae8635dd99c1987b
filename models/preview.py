"""What a reviewer sees: a small picture, clear and blurred, and the part of it that scored."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageFilter, ImageOps

from app.domain.media import Region

_CELLS = 20
"""The blurred picture carries this many grey cells on its longer side and nothing finer; no filter brings more back."""


def preview_of(view: Image.Image) -> tuple[bytes, bytes]:
    """Make the clear and the blurred WebP of a view, both of its size."""
    return _webp(view, 75), _webp(blurred(view), 50)


def blurred(view: Image.Image) -> Image.Image:
    """Make a view grey and reduce it to a few cells, which are then smoothed to its size."""
    cell = max(view.size) / _CELLS
    size = max(1, round(view.width / cell)), max(1, round(view.height / cell))
    cells = ImageOps.grayscale(view).resize(size, Image.Resampling.BOX)
    return cells.resize(view.size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(cell / 2))


def _webp(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    image.save(out, "WEBP", quality=quality, method=2)
    return out.getvalue()


MARGIN = 0.15
"""How much is shown around the region, as a share of its sides: without any, people cannot tell what they see."""

LEAST_SIDE = 24
"""Pixels; a smaller part is grown to this side."""


def crop(preview: bytes, region: Region) -> bytes:
    """Cut a region out of one of our own previews, as WebP."""
    with Image.open(BytesIO(preview), formats=("WEBP",)) as picture:
        across, down = region.width * MARGIN, region.height * MARGIN
        left, right = _span(region.x - across, region.x + region.width + across, picture.width)
        top, bottom = _span(region.y - down, region.y + region.height + down, picture.height)
        part = picture.crop((left, top, right, bottom))
        out = BytesIO()
        part.save(out, "WEBP", quality=75)
    return out.getvalue()


def _span(first: float, last: float, side: int) -> tuple[int, int]:
    """Turn shares of a side into pixels within it, at least `LEAST_SIDE` of them where there are so many."""
    begin = min(max(int(first * side), 0), max(side - LEAST_SIDE, 0))
    return begin, min(max(int(last * side), begin + LEAST_SIDE), side)
