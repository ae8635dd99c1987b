"""The CDN: images of a shop's files, resized and re-encoded as asked."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from PIL import Image

from tests.integrations.shopify.stand_in.answers import Answer

if TYPE_CHECKING:
    from tests.integrations.shopify.stand_in.shop import Shop

MAX_PIXELS = 5_760
_FORMATS = {"jpg": "JPEG", "pjpg": "JPEG", "png": "PNG", "webp": "WEBP"}


def answer(shop: Shop, name: str, query: str, accept: str) -> Answer:
    """Give the bytes that are there today: `v` only keeps caches apart. 404 when the file was deleted."""
    scripted = shop.scripts.next("cdn")
    if scripted is not None:
        return scripted
    number = name.partition(".")[0]
    media = shop.files.get(f"gid://shopify/MediaImage/{number}")
    if media is None or not media.ready or media.name != name:
        return Answer(404, {"Content-Type": "text/plain"}, b"Not Found")
    wanted = {key: values[-1] for key, values in parse_qs(query).items()}
    width, height = (int(wanted.get(side, 0) or 0) for side in ("width", "height"))
    if max(width, height) > MAX_PIXELS:
        return Answer(400, {"Content-Type": "text/plain"}, b"Bad Request")
    data, kind = rendition(media.data, width, height, wanted.get("format", ""))
    headers = {"Content-Type": f"image/{kind.lower()}", "Cache-Control": "public, max-age=31557600", "Vary": "Accept"}
    return Answer(200, headers, data)


@lru_cache(256)
def rendition(data: bytes, width: int, height: int, wanted: str) -> tuple[bytes, str]:
    """Shrink an image into a box, never enlarging it; untouched bytes when nothing is asked."""
    with Image.open(io.BytesIO(data)) as image:
        kind = _FORMATS.get(wanted, image.format or "JPEG")
        if kind == image.format and not width and not height:
            return data, kind
        shrunk = image.convert("RGB") if kind == "JPEG" else image.copy()
        shrunk.thumbnail((width or image.width, height or image.height))
        made = io.BytesIO()
        shrunk.save(made, kind)
        return made.getvalue(), kind
