"""Pictures that the tests draw, ordinary and hostile."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw


def photo(width: int = 640, height: int = 480, seed: int = 1) -> Image.Image:
    """Draw something like a photo: soft colour patches, shapes and grain."""
    random = np.random.default_rng(seed)
    patches = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(patches)
    for _ in range(6):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        draw.ellipse((x, y, x + width // 5, y + height // 4), fill=tuple(random.integers(0, 256, 3).tolist()))
    grain = random.integers(-12, 13, (height, width, 3))
    return Image.fromarray((np.asarray(patches, np.int16) + grain).clip(0, 255).astype(np.uint8))


def squares(seed: int) -> Image.Image:
    """Draw black and white squares, as strong as a picture can be: half its contrast is enough for a hash."""
    drawn = np.random.default_rng(seed).integers(0, 2, (12, 16)).astype(np.uint8) * 255
    return Image.fromarray(drawn).resize((640, 480), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bomb(side: int = 50_000) -> bytes:
    """Make a small PNG whose header claims `side` x `side` grey pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
        + png_chunk(b"IEND", b"")
    )


def with_segments(jpeg: bytes, segments: int, size: int = 65_000, marker: int = 0xE1, start: bytes = b"Exif\0\0") -> bytes:
    """Put segments of `size` bytes right after a JPEG's first marker."""
    body = start + bytes(size - len(start))
    return jpeg[:2] + (struct.pack(">BBH", 0xFF, marker, size + 2) + body) * segments + jpeg[2:]


def animation(frames: int, form: str = "GIF", side: int = 64) -> bytes:
    """Make an animation whose frames all differ."""
    pictures = [
        Image.new("RGB", (side, side), (number * 37 % 256, number * 11 % 256, number * 83 % 256)) for number in range(frames)
    ]
    return encoded(pictures[0], form, save_all=True, append_images=pictures[1:], duration=40)


def halves(width: int = 200, height: int = 100) -> Image.Image:
    """Draw the left half red and the right half blue."""
    image = Image.new("RGB", (width, height), (250, 0, 0))
    image.paste((0, 0, 250), (width // 2, 0, width, height))
    return image
