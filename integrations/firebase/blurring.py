"""A small blurred copy that an app can show in a hidden picture's place."""

from __future__ import annotations

import contextlib
import io

from app.domain.errors import MediaUnreadable
from app.domain.media import MediaRef
from app.domain.taxonomy import restricted
from integrations.firebase import naming
from integrations.firebase.apps import Overtaken
from integrations.firebase.storage import Place, Store

SIDE = 256
"""The longer side of a blurred copy in pixels; a placeholder needs no more, and shows no more."""

BLUR = 16
"""The radius of the blur in pixels of the copy: a sixteenth of its side, in which no detail survives."""

MAX_PIXELS = 60_000_000
"""How many pixels are decoded; larger pictures have no blurred copy. The judge's own limit is of this order."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_VERSION = "picward-version"


def name_of(store: Store, media: MediaRef) -> str:
    return f"{store.settings.blurred}{naming.document_id(store.site, naming.name_of(store.site, media))}.webp"


def write(store: Store, media: MediaRef, categories: tuple[str, ...], limit: int) -> str:
    """Write the blurred copy of a hidden picture, once, and give its name; "" where there must or can be none."""
    if not store.settings.blurred_copy or restricted(categories):
        return ""
    name = name_of(store, media)
    there = store.get(name)
    if there is not None and (there.metadata or {}).get(_VERSION) == media.version:
        return name
    found = store.find(media)
    if found.place is not Place.HIDDEN:
        return ""
    try:
        data = blurred(store.read(found.blob, limit))
    except (MediaUnreadable, Overtaken):
        return ""
    if not data:
        return ""
    try:
        store.write(store.bucket, name, data, "image/webp", int(there.generation) if there else 0, {_VERSION: media.version})
    except Overtaken:
        return ""
    return name


def remove(store: Store, media: MediaRef) -> None:
    """Remove a version's blurred copy, if there is one."""
    blob = store.get(name_of(store, media)) if store.settings.blurred_copy else None
    if blob is not None and (blob.metadata or {}).get(_VERSION) == media.version:
        with contextlib.suppress(Overtaken):
            store.remove(blob)


def blurred(data: bytes) -> bytes:
    """Blur a picture beyond recognition and give it as a small WebP; b"" for what cannot be decoded within bounds."""
    from PIL import Image, ImageFilter, ImageOps

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                return b""
            opened.draft("RGB", (SIDE * 2, SIDE * 2))
            picture = ImageOps.exif_transpose(opened).convert("RGB")
            picture.thumbnail((SIDE, SIDE))
            out = io.BytesIO()
            picture.filter(ImageFilter.GaussianBlur(BLUR)).save(out, "WEBP", quality=60)
            return out.getvalue()
    # Pillow's readers raise whatever a hostile file makes them stumble over; a picture without a blurred copy is hidden, too.
    except Exception:
        return b""
