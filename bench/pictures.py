"""Benign pictures for the benchmarks: made on the spot, the same on every machine, no network."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw


def photo(width: int, height: int, seed: int) -> Image.Image:
    """Draw something that compresses like a photo: soft patches, shapes with edges, grain at half the size."""
    random = np.random.default_rng(seed)
    ground = Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    image = ground.resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        across, down = int(random.integers(2, max(3, width // 5))), int(random.integers(2, max(3, height // 5)))
        colour = tuple(random.integers(0, 256, 3).tolist())
        (draw.ellipse if random.random() < 0.5 else draw.rectangle)((x, y, x + across, y + down), fill=colour)
    grain = random.integers(0, 256, (height // 2 + 1, width // 2 + 1), dtype=np.uint8)
    layer = Image.fromarray(grain).resize((width, height), Image.Resampling.BILINEAR).convert("RGB")
    return Image.blend(image, layer, 0.08)


def cut_out(image: Image.Image) -> Image.Image:
    """Make what lies around an ellipse transparent, as shops show their goods."""
    alpha = Image.new("L", image.size)
    ImageDraw.Draw(alpha).ellipse((image.width // 6, image.height // 6, image.width * 5 // 6, image.height * 5 // 6), fill=255)
    made = image.copy()
    made.putalpha(alpha)
    return made


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def twelve_megapixels(seed: int = 12) -> bytes:
    """Make a 4000 x 3000 JPEG, as a phone takes it."""
    return encoded(photo(4000, 3000, seed), "JPEG", quality=90)


def shop_size(seed: int = 10) -> bytes:
    """Make a 1024 x 768 JPEG, as a shop or a blog stores it."""
    return encoded(photo(1024, 768, seed), "JPEG", quality=85)


# What platforms hold: mostly JPEG of middle size, some large ones, some PNG and WebP.
_MIX = (
    ("JPEG", 1024, 768),
    ("JPEG", 800, 1200),
    ("JPEG", 2048, 1536),
    ("PNG", 800, 600),
    ("JPEG", 640, 480),
    ("WEBP", 1000, 1000),
    ("JPEG", 4000, 3000),
    ("JPEG", 1600, 1067),
    ("PNG", 1080, 1080),
    ("JPEG", 3024, 4032),
)


def mixed(count: int = 200) -> Iterator[bytes]:
    """Make pictures of mixed sizes and formats, all different, in formats that the peer reads too."""
    for number in range(count):
        form, width, height = _MIX[number % len(_MIX)]
        yield encoded(photo(width, height, 1000 + number), form, **({"quality": 88} if form != "PNG" else {}))
