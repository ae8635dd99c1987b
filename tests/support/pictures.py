"""Pictures that the default model is known to judge in a certain way."""

from __future__ import annotations

import io
import math

from PIL import Image


def colour_wheel(side: int = 900) -> bytes:
    """Draw what NudeNet takes for nudity at 0.78: its best-known mistake, and a picture that nobody minds."""
    wheel = Image.new("HSV", (side, side))
    middle = side / 2
    wheel.putdata(
        [
            (
                int(math.atan2(y - middle, x - middle) / math.tau % 1 * 255),
                int(min(math.hypot(x - middle, y - middle) / middle, 1) * 255),
                255,
            )
            for y in range(side)
            for x in range(side)
        ]
    )
    inside = Image.radial_gradient("L").resize((side, side)).point(lambda far: 255 * (far < 172))
    out = io.BytesIO()
    Image.composite(wheel.convert("RGB"), Image.new("RGB", (side, side), "white"), inside).save(out, "JPEG", quality=92)
    return out.getvalue()
