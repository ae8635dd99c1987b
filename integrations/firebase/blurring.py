"""A small blurred copy that an app can show in a hidden picture's place."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from app.domain.errors import MediaUnreadable
from app.domain.media import MediaRef
from app.domain.taxonomy import restricted
from integrations.firebase import naming
from integrations.firebase.apps import Overtaken
from integrations.firebase.storage import Place, Store

_VERSION = "picward-version"


def name_of(store: Store, media: MediaRef) -> str:
    return f"{store.settings.blurred}{naming.document_id(store.site, naming.name_of(store.site, media))}.webp"


def write(store: Store, media: MediaRef, categories: tuple[str, ...], limit: int, blurred: Callable[[bytes], bytes]) -> str:
    """Write the blurred copy of a hidden picture, once, and give its name; "" where there must or can be none.

    `blurred` gives the copy as WebP, b"" of what cannot be decoded.
    """
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
