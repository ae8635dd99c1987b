"""Tiny pictures that nobody minds, for what is recorded."""

from __future__ import annotations

import io
import math
import os
import time
from pathlib import Path

from PIL import Image


def drawing(number: int, kind: str = "PNG", side: int = 96) -> bytes:
    """Draw a few rectangles that no two numbers share."""
    image = Image.new("RGB", (side, side * 3 // 4), (number * 37 % 256, number * 101 % 256, number * 17 % 256))
    image.paste((250 - number, number * 53 % 256, 90), (number % 7 * 8, 8, side // 2, side // 2))
    made = io.BytesIO()
    image.save(made, kind)
    return made.getvalue()


def colour_wheel(side: int = 96) -> bytes:
    """Draw what NudeNet takes for nudity at 0.7: its best-known mistake, and a picture that nobody minds."""
    wheel, middle = Image.new("HSV", (side, side)), side / 2

    def at(x: float, y: float) -> tuple[int, int, int]:
        return int(math.atan2(y, x) / math.tau % 1 * 255), int(min(math.hypot(x, y) / middle, 1) * 255), 255

    wheel.putdata([at(x - middle, y - middle) for y in range(side) for x in range(side)])
    inside = Image.radial_gradient("L").resize((side, side)).point(lambda far: 255 * (far < 172))
    made = io.BytesIO()
    Image.composite(wheel.convert("RGB"), Image.new("RGB", (side, side), "white"), inside).save(made, "JPEG", quality=92)
    return made.getvalue()


def write(path: Path, data: bytes, *, mode: int = 0o644, days_old: int = 900) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    long_ago = time.time_ns() - days_old * 86_400 * 10**9
    os.utime(path, ns=(long_ago, long_ago))
