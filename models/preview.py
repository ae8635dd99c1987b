"""What a reviewer sees: a small picture, clear and blurred."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageFilter, ImageOps

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
