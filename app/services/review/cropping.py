"""The part of a preview that scored."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from app.domain.media import Region

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
