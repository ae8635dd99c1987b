"""What is judged is what a real browser shows: every trick, on a white and on a black page."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.domain.errors import MediaUnreadable
from models.image import Picture, read
from tests.support.tricks import TRICKS

pytestmark = pytest.mark.e2e

LIMIT = 12.0
"""Levels of 256 by which a block of 8 x 8 may differ in the mean: rounding, and what a lossy format leaves to the decoder."""

ASKS_A_PERSON = {
    "png: 16-bit colours with a key",
    "png: cICP PQ",
    "avif: PQ",
    "avif: two colour boxes",
    "avif: no colour box but one for nobody",
    "avif: no colour box, PQ",
    "jpeg: profile of two kinds",
}
"""What we do not render as a browser does. The list is the tests' promise that nothing else goes to a person."""

CONTRAST = 24.0
"""Levels between the hidden shapes and their ground that are surely seen."""


def blocks(image: Image.Image) -> np.ndarray:
    return np.asarray(image.resize((image.width // 8, image.height // 8), Image.Resampling.BOX), np.float64)


def far(one: Image.Image, other: Image.Image) -> float:
    """Give the largest mean difference of a block."""
    if one.size != other.size:
        return 255.0
    return float(np.abs(blocks(one) - blocks(other)).mean(axis=2).max())


def contrast(image: Image.Image) -> float:
    seen = blocks(image)
    return float((seen.max(axis=(0, 1)) - seen.min(axis=(0, 1))).max())


@pytest.fixture(scope="module")
def shown(browser: Any) -> dict[tuple[str, str], Image.Image]:
    """Show every trick on both pages and photograph it, animations after their last frame has come."""
    found: dict[tuple[str, str], Image.Image] = {}
    page = browser.new_page(viewport={"width": 400, "height": 300})
    for ground in ("white", "black"):
        for name, (kind, make) in TRICKS.items():
            source = f"data:image/{kind};base64,{base64.b64encode(make()).decode()}"
            page.set_content(f'<body style="margin:0;background:{ground}"><img style="display:block" src="{source}">')
            size = page.evaluate(
                "async () => { const image = document.querySelector('img'); await image.decode();"
                " return [image.naturalWidth, image.naturalHeight] }"
            )
            page.wait_for_timeout(700 if "animation" in name or "cleared" in name else 0)
            taken = page.screenshot(clip={"x": 0, "y": 0, "width": size[0], "height": size[1]})
            found[name, ground] = Image.open(BytesIO(taken)).convert("RGB")
    page.close()
    return found


def judged(name: str) -> Picture | None:
    try:
        return read(TRICKS[name][1]())
    except MediaUnreadable:
        return None


def looks_on(picture: Picture, ground: str) -> list[Image.Image]:
    return [view.image for view in picture.views if view.ground in ("", ground)]


@pytest.mark.table("looks of a picture in Chromium")
@pytest.mark.parametrize("ground", ["white", "black"])
@pytest.mark.parametrize("name", TRICKS)
def test_what_is_shown_is_judged(shown: dict[tuple[str, str], Image.Image], name: str, ground: str) -> None:
    picture = judged(name)
    if name in ASKS_A_PERSON:
        assert picture is None or picture.unseen
        return
    assert picture is not None and picture.unseen == ""
    assert min(far(look, shown[name, ground]) for look in looks_on(picture, ground)) <= LIMIT


@pytest.mark.table("looks of a picture in Chromium")
@pytest.mark.parametrize("name", TRICKS)
def test_the_trick_is_delivered(shown: dict[tuple[str, str], Image.Image], name: str) -> None:
    """The shapes are seen in the browser, on one of the pages at least; else the rows above say nothing."""
    if name in ("png: iCCP wins over gAMA",):
        # This one shows that nothing is: the profile says so, against the chunk.
        assert contrast(shown[name, "white"]) < CONTRAST
        return
    assert max(contrast(shown[name, ground]) for ground in ("white", "black")) >= CONTRAST
