"""What is in the bucket: first the watched objects by name, then the hidden ones, page by page from a cursor that lasts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef, Page
from app.domain.time import SECOND
from integrations.firebase import intake, naming
from integrations.firebase.apps import TIMEOUT, BucketMissing, asking
from integrations.firebase.hiding import NAME
from integrations.firebase.storage import STORAGE, Blob, Store, described, made_at
from integrations.kit.untrusted import Untrusted

PAGE_SIZE = 1_000
"""How many objects one listing asks for; the most that Cloud Storage gives."""

FIELDS = "items(name,generation,contentType,size,metadata,timeCreated,updated),nextPageToken"
"""What is asked for of each object: 0.3 kB instead of 1.2 kB."""

SINCE_SECONDS = 600
"""How far Cloud Storage's clock and ours may be apart when only what is new is asked for."""

RECENT = 100
"""Of how many of the newest objects an owner is told how many are watched."""

SAMPLED_PAGES = 10
"""How many pages an estimate reads before it says “more than”."""

LIST_PRICE, READ_PRICE, TRAFFIC_PRICE = 0.05 / 10_000, 0.004 / 10_000, 0.12 / 1_000_000_000
"""US dollars per listing call (Class A), per metadata or byte read (Class B), and per byte that leaves Google's network.
List prices of Standard storage in a region, https://cloud.google.com/storage/pricing; regions and contracts differ."""

_WATCHED, _HIDDEN = "w", "h"
"""What a cursor begins with: the watched objects, or the hidden ones of the quarantine and, by number, of those before it. The
name that it goes on after follows as in an address, since names may hold what no database takes."""

_PLAIN = {"o": _WATCHED, "q": _HIDDEN}
"""What the cursors of earlier versions began with; in them the name follows as it is."""


def page(store: Store, cursor: str, since: int = 0) -> Page:
    """List one page after the cursor; with `since` (UTC µs) only of what came after that, and nothing hidden."""
    phase, turn, after = _read(cursor) if cursor else (_WATCHED, 0, "")
    if phase == _HIDDEN:
        return _hidden(store, turn, after)
    blobs, more = _listed(store, store.bucket, store.settings.watched_prefix(), after)
    media = tuple(_media(store, blobs, since - SINCE_SECONDS * SECOND if since else 0))
    if more:
        return Page(media, _written(_WATCHED, blobs[-1].name) if blobs else cursor)
    return Page(media, "" if since else _written(_HIDDEN))


def _written(phase: str, after: str = "", turn: int = 0) -> str:
    return f"{phase}{turn or ''}:{quote(after)}"


def _read(cursor: str) -> tuple[str, int, str]:
    phase, _, after = cursor.partition(":")
    found = re.fullmatch(rf"([{_WATCHED}o])|([{_HIDDEN}q])(\d{{0,3}})", phase) if ":" in cursor else None
    if found is None:
        raise PlatformRefused("The listing cannot go on from here; start it again.")
    letter, turn = found[1] or found[2], int(found[3] or 0)
    return (_PLAIN[letter], turn, after) if letter in _PLAIN else (letter, turn, unquote(after))


def _listed(store: Store, bucket: Any, prefix: str, after: str) -> tuple[list[Blob], bool]:
    """List the objects after a name, and say whether there are more."""
    with asking(STORAGE):
        found = bucket.list_blobs(
            prefix=prefix or None,
            start_offset=after or None,
            page_size=PAGE_SIZE,
            fields=FIELDS,
            timeout=TIMEOUT,
            retry=None,
        )
        blobs: list[Blob] = []
        for answer in found.pages:
            # start_offset is inclusive.
            blobs = [blob for blob in answer if blob.name != after]
            if blobs:
                break
        more = bool(found.next_page_token)
        if not blobs and not more:
            # An answer that says nothing looks like an empty bucket; who may list is told so by another call.
            granted = bucket.test_iam_permissions(["storage.objects.list"], timeout=TIMEOUT, retry=None)
            if "storage.objects.list" not in granted:
                raise PlatformUnavailable(f"{STORAGE} answered what cannot be read.")
        return blobs, more


def _media(store: Store, blobs: Iterable[Blob], since: int) -> Iterable[MediaRef]:
    for blob in blobs:
        resource = described(blob)
        if not store.settings.watches(blob.name):
            continue
        # A type that was changed, too, is a change: what was no picture before may be shown as one now.
        changed_at = int(blob.updated.timestamp() * SECOND) if blob.updated is not None else since
        if changed_at >= since and intake.may_be_picture(blob.name, resource.label("contentType"), resource.label("size", 20)):
            yield intake.media(store.site, blob.name, store.version_of(blob), resource)


def _hidden(store: Store, turn: int, after: str) -> Page:
    """List hidden pictures, the newest version of each, unless something is in their place again."""
    places = store.quarantines()
    if turn >= len(places):
        return Page(())  # the settings forgot a place meanwhile
    bucket, prefix = places[turn]
    try:
        blobs, more = _listed(store, bucket, prefix, after)
    except BucketMissing:
        if turn == 0:
            raise
        blobs, more = [], False
    newest: dict[str, tuple[int, str]] = {}
    folders = [blob.name.rpartition("/")[0] for blob in blobs]
    # The last folder may go on in the next page; then it is looked at as a whole there.
    cut = folders[-1] if more and folders and folders[0] != folders[-1] else ""
    kept = [blob for blob, folder in zip(blobs, folders, strict=True) if folder != cut]
    for blob in kept:
        folder, _, version = blob.name.rpartition("/")
        said, below = str((blob.metadata or {}).get(NAME, "")), folder.removeprefix(prefix)
        name = naming.read_name(said, lambda name, below=below: naming.quarantine_folder(name) == below)  # type: ignore[misc]
        if not version.isdigit() or name is None:
            continue
        newest[name] = max(newest.get(name, (0, "")), (int(version), version))
    media = tuple(
        intake.media(store.site, name, version, Untrusted({})) for name, (_, version) in newest.items() if store.get(name) is None
    )
    if more and kept:
        return Page(media, _written(_HIDDEN, kept[-1].name, turn))
    return Page(media, _written(_HIDDEN, turn=turn + 1) if turn + 1 < len(places) else "")


def matching(store: Store) -> str:
    """Say how many of the newest objects are watched, so that a path which fits none of them is seen."""
    blobs, more = _listed(store, store.bucket, "", "")
    settings = store.settings
    blobs = [blob for blob in blobs if not blob.name.endswith("/") and not settings.ours(blob.name)]
    newest = sorted(blobs, key=made_at, reverse=True)[:RECENT]
    watched = [blob for blob in newest if settings.watches(blob.name)]
    skipped = sum(
        not intake.may_be_picture(blob.name, blob.content_type or "", "" if blob.size is None else str(blob.size))
        for blob in watched
    )
    if not newest:
        return "nothing is in it yet" if not more else f"none of its first {PAGE_SIZE} objects is an upload"
    among = f" among its first {PAGE_SIZE}" if more else ""
    counted = f"{len(watched)} of its {len(newest)} newest objects{among} are in the watched paths"
    return f"{counted}, and {skipped} of these are no pictures by their types and names" if skipped else counted


def estimate(store: Store) -> str:
    """Estimate what looking at every watched picture costs, from up to ten pages of the listing."""
    seen, size, calls, after, more = 0, 0, 0, "", True
    while more and calls < SAMPLED_PAGES:
        blobs, more = _listed(store, store.bucket, store.settings.watched_prefix(), after)
        calls += 1
        for blob in blobs:
            resource = described(blob)
            if store.settings.watches(blob.name) and intake.may_be_picture(
                blob.name, resource.label("contentType"), resource.label("size", 20)
            ):
                seen, size = seen + 1, size + int(blob.size or 0)
        after = blobs[-1].name if blobs else after
    if not seen:
        return "No picture was found in the watched paths" + (" so far." if more else ".")
    each = size / seen
    # A picture costs two reads (its metadata and its bytes) and two writes (the verdict), which are priced as listings.
    price = calls * LIST_PRICE + seen * (2 * READ_PRICE + 2 * LIST_PRICE)
    traffic = size * TRAFFIC_PRICE
    count = f"More than {seen}" if more else str(seen)
    per = f", so about ${(price + traffic) / seen * 100_000:.2f} for 100,000" if more else ""
    return (
        f"{count} pictures of {each / 1_000:.0f} kB on average: about ${price:.2f} for Cloud Storage's calls and "
        f"${traffic:.2f} for traffic if Picward runs outside Google's network, nothing inside the bucket's region{per} "
        "(list prices of November 2026)."
    )
