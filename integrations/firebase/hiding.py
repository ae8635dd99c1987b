"""HIDE, RESTORE and DELETE: taking a picture away for real, and bringing it back as it was.

A download token passes all rules, so it goes first. Then the bytes move into the quarantine, then the source goes. Each
step can be repeated and is about one generation, so a kill between any two of them, and a new upload at any moment, end well.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.errors import PicwardError, PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from integrations.firebase import journal as journals
from integrations.firebase import naming
from integrations.firebase.apps import Held, Overtaken
from integrations.firebase.journal import Journal
from integrations.firebase.naming import MARK, MODERATION, TOKENS, Kind, name_of
from integrations.firebase.storage import PUBLIC, STORAGE, Access, Blob, Place, Store, closing, owners

NO_STORE = "private, no-store"

NAME = "picward-name"
"""The metadata key under which a hidden copy says what it was uploaded as; its own name is a digest."""

CROWDED_BYTES = 4_096
"""From how many bytes of custom metadata on they are dropped before the copy, so that ours fit into the 8 KiB."""

APPROVED, PENDING, REJECTED, FLAGGED, DELETED = "approved", "pending", "rejected", "flagged", "deleted"
"""What the app is told, and what an object's metadata say under `moderation`."""

TAKEN = "Another file took the picture's place meanwhile. The hidden one stays in the quarantine."


NAMED = 5
"""How many entries of an access list are named to the owner; a list has 100 at most."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that may be seen, None where it is hidden, and in words what is not as it was before."""

    blob: Blob | None
    drifted: str = ""


def hide(store: Store, media: MediaRef) -> dict[str, Any]:
    """Take a version away and return its undo. Raise `MediaGone` when it is not there, or no longer."""
    found = store.find(media)
    name = name_of(store.site, media)
    if found.place is Place.HIDDEN:
        journal = journals.load(store, name, media.version)
        if journal is None or not journal.fits(found.blob):
            raise PlatformRefused(f"What the quarantine holds of {naming.written(name)[:200]} is not what was put there.")
        return journals.to_undo(journal, found.blob)
    source = found.blob
    access = store.access(source)
    # What an interrupted try has done is not done again: each of its steps counts as a change of the object.
    begun = store.mark_of(source) == naming.Mark(Kind.LEAVING, media.version)
    journal = (journals.load(store, name, media.version) if begun else None) or journals.keep(
        store, name, journals.of(source, media.version, access)
    )
    closed: Blob | None = None
    try:
        closed = _close(store, source, media.version, access)
        copy = _take(store, closed, name, journal)
        try:
            store.remove(closed)
        except Overtaken:
            # Overwritten meanwhile: this version can no longer be seen, and the newer one has its own event.
            store.remove(copy)
            raise
    except Overtaken:
        journals.forget(store, name, media.version)
        raise store.gone(store.get(name)) from None
    except Held:
        raise  # it stays in its place, where nobody reaches it any more
    except PlatformRefused:
        shut = closed or (source if begun else None)
        # What is still half shut needs its journal: the next try and a RESTORE read in it what it was.
        if shut is None or _reopen(store, shut, media.version, journal, None if begun else (source, access)):
            _abandon(store, name, journal)
        raise
    return journals.to_undo(journal, copy)


def _close(store: Store, source: Blob, version: str, access: Access | None) -> Blob:
    """Shut every way to the bytes that needs no rules, and say whose delete will follow."""
    theirs = source.metadata or {}
    crowded = sum(len(f"{key}{value}".encode()) for key, value in theirs.items()) > CROWDED_BYTES
    ours = {TOKENS: None, MODERATION: REJECTED, MARK: _leaving(store, source, version)}
    public = access is not None and access.keys() & PUBLIC
    done = {key: theirs.get(key) for key in ours} == ours and source.cache_control == NO_STORE
    if done and not crowded and not public:
        return source
    metadata = {**(dict.fromkeys(theirs) if crowded else {}), **ours}
    return store.patch_with(source, metadata, closing(access) if access and public else [None], cache_control=NO_STORE)[0]


def _reopen(store: Store, closed: Blob, version: str, journal: Journal, found: tuple[Blob, Access | None] | None) -> bool:
    """Give a picture back what `_close` took, where it cannot be hidden: half shut it would be neither shown nor hidden.

    `found` is how this very call found it, old addresses included; None where an earlier one had closed it. Return False when
    it stays shut.
    """
    try:
        if found is None:
            # Of an access list that is refused the journal holds the rest.
            return not _dress(store, closed, version, journal, None).drifted
        source, access = found
        theirs = {**dict.fromkeys((TOKENS, MODERATION, MARK)), **(source.metadata or {})}
        store.patch(closed, theirs, access, cache_control=source.cache_control)
    except PicwardError:
        return False  # the refusal before it is what the owner hears
    except Overtaken:
        return True  # a newer upload is in its place
    return True


def _abandon(store: Store, name: str, journal: Journal) -> None:
    """Remove what a hide that was refused left in the quarantine, but not what somebody else put there."""
    with contextlib.suppress(Overtaken, PicwardError):
        copy = store.get(store.hidden_name(name, journal.version), store.quarantine)
        if copy is not None and journal.fits(copy):
            store.remove(copy)
        if copy is None or journal.fits(copy):
            journals.forget(store, name, journal.version)


def _leaving(store: Store, source: Blob, version: str) -> str:
    return naming.mark(store.site, Kind.LEAVING, source.name, source.generation, version)


def _take(store: Store, source: Blob, name: str, journal: Journal) -> Blob:
    """Copy the bytes into the quarantine and prove that they are there, and that no token came along."""
    target = store.hidden_name(name, journal.version)
    fields = {
        "content_type": "application/octet-stream",
        "content_disposition": "attachment",
        "content_encoding": journal.fields.get("content_encoding"),
        "cache_control": NO_STORE,
        "metadata": {NAME: naming.written(name)},
    }
    # Overtaken: an earlier try made it, or the source is another one now. What is there tells.
    with contextlib.suppress(Overtaken):
        store.copy(source, store.quarantine, target, fields, over=0)
    copy = store.get(target, store.quarantine)
    if copy is None:
        raise Overtaken
    if not journal.fits(copy):
        raise PlatformRefused(f"What the quarantine holds of {naming.written(name)[:200]} is not what was put there.")
    # Services differ in whether metadata of the source are merged into a copy, and a client may have made a new token.
    if TOKENS in (copy.metadata or {}):
        copy = store.patch(copy, {TOKENS: None})
        if TOKENS in (copy.metadata or {}):
            raise PlatformUnavailable(f"{STORAGE} did not take the download token away.")
    store.shut(copy)
    return copy


def restore(store: Store, media: MediaRef, undo: Mapping[str, Any] | None, approved: bool) -> Shown:
    """Bring a hidden version back. Call the returned `clean` once everybody has been told. Raise `MediaGone`."""
    said = journals.place_of(undo)
    found = store.find(media, said)
    name = name_of(store.site, media)
    journal = journals.from_undo(store.site, undo) or journals.load(store, name, media.version, said)
    try:
        if found.place is not Place.HIDDEN:
            back = _reopened(store, found.blob, name, media.version, journal)
        elif journal is None or not journal.fits(found.blob):
            raise PlatformRefused(f"What the quarantine holds of {naming.written(name)[:200]} is not what was put there.")
        else:
            target = store.public_name(journal.name) if approved else journal.name
            over = _free(store, target, media.version)
            if over is None:
                return Shown(None, TAKEN)
            fresh = {**journal.put_back(), "metadata": {**journal.metadata, MARK: _copying(store, target, media.version)}}
            copy = store.copy(found.blob, store.bucket, target, fresh, over)
            return _finish(store, copy, media.version, journal, APPROVED if approved else None)
        if not approved:
            return back
        labelled = label(store, media, APPROVED)
        return Shown(labelled.blob, labelled.drifted or back.drifted)
    except Overtaken:
        return Shown(None, TAKEN)


def _free(store: Store, name: str, version: str) -> int | None:
    """Look up which generation a copy may replace: 0 when none is there, None when another file is."""
    there = store.get(name)
    if there is None:
        return 0
    mark = store.mark_of(there)
    # A copy of our own that was not finished is made again: only a generation that we made ourselves is ever vouched for.
    return int(there.generation) if mark is not None and mark == naming.Mark(Kind.COPYING, version) else None


def _copying(store: Store, name: str, version: str) -> str:
    return naming.mark(store.site, Kind.COPYING, name, "", version)


def _finish(store: Store, copy: Blob, version: str, journal: Journal, word: str | None) -> Shown:
    """Dress a copy that we just made; one that cannot be is removed, so that the picture is in one place only."""
    try:
        return _dress(store, copy, version, journal, word)
    except PlatformRefused:
        with contextlib.suppress(Overtaken, PicwardError):
            store.remove(copy)
        raise


def _dress(store: Store, blob: Blob, version: str, journal: Journal, word: str | None) -> Shown:
    """Restore everything but the bytes, with a new token where there was one, and vouch for this generation."""
    mark = naming.mark(store.site, Kind.HERE, blob.name, blob.generation, version)
    ours = {
        NAME: None,
        MARK: mark if str(blob.generation) != version else None,
        MODERATION: word,
        TOKENS: str(uuid.uuid4()) if journal.had_token else None,
    }
    now = store.access(blob)
    wanted = journal.access_over(now)
    lists = _opening(wanted, now) if wanted is not None and now is not None else [None]
    fields = {**journal.put_back(), **_caching(store, word)}
    dressed, given = store.patch_with(blob, {**journal.metadata, **ours}, lists, **fields)
    return Shown(dressed, _lost(wanted or {}, (now if given is None else given) or {}))


def _opening(wanted: Access, now: Access) -> list[Access | None]:
    """List what to try to make of an access list, the best first: as it was; as it is, or with the owners alone, for everybody if
    it was; and as it is. Whoever was kept out stays out."""
    kept = {who: role for who, role in now.items() if who not in PUBLIC or who in wanted}
    public = {who: role for who, role in wanted.items() if who in PUBLIC}
    return [
        wanted,
        {**kept, **public},
        *([{**owners(now), **public}] if public else []),
        *([None] if kept == now else [kept, {}]),
    ]


def _lost(wanted: Access, given: Access) -> str:
    lost = sorted(who for who, role in wanted.items() if given.get(who) != role)
    if not lost:
        return ""
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    named = ", ".join(who[:100] for who in lost[:NAMED])
    return (
        f"The picture can be seen, but {STORAGE} refused its access list as it was. These are not on it any more: {named}{more}. "
        "Give them access again where they should have it."
    )


def _caching(store: Store, word: str | None) -> dict[str, Any]:
    """Say how an approved picture may be kept by caches, where the owner wants another than the upload's own."""
    wanted = store.settings.approved_cache
    return {"cache_control": wanted} if wanted and word == APPROVED else {}


def _reopened(store: Store, blob: Blob, name: str, version: str, journal: Journal | None) -> Shown:
    """Undo what an interrupted HIDE did to a picture that is still in its place, or say again what a RESTORE could not."""
    mark = store.mark_of(blob)
    if mark is None or journal is None:
        return Shown(blob)
    if mark.kind is Kind.LEAVING:
        return _dress(store, blob, version, journal, None)
    now = store.access(blob)
    # While its journal is there, the restore that put it back did not end, and the owner heard nothing of it.
    unsaid = now is not None and journals.load(store, name, version) is not None
    return Shown(blob, _lost(journal.access or {}, now or {}) if unsaid else "")


def clean(store: Store, media: MediaRef, undo: Mapping[str, Any] | None) -> None:
    """Empty the quarantine of a version that is back in its place, or deleted."""
    name = name_of(store.site, media)
    for bucket, hidden in store.hidden_places(name, media.version, journals.place_of(undo)):
        # The journal last: without it the copy could not be brought back.
        for left in (hidden, journals.name_beside(hidden)):
            blob = store.look(left, bucket)
            # Overtaken: another worker is at it.
            with contextlib.suppress(Overtaken):
                if blob is not None:
                    store.remove(blob)


def delete(store: Store, media: MediaRef, undo: Mapping[str, Any] | None) -> None:
    """Remove a version from where it is seen; `clean` empties the quarantine of it. Nothing happens when it is nowhere."""
    name = name_of(store.site, media)
    here = store.get(name)
    clean(store, media, undo)
    for blob in (here, store.published(name, media.version)):
        if blob is not None and store.version_of(blob) == media.version:
            try:
                store.remove(blob)
            except Overtaken:
                continue


def label(store: Store, media: MediaRef, word: str) -> Shown:
    """Write a verdict to where the app's rules see it, and publish what is approved; what is hidden stays so."""
    found = store.find(media)
    if found.place is Place.HIDDEN:
        return Shown(None)
    blob = found.blob
    try:
        if word == APPROVED and store.public_name(blob.name) != blob.name:
            return _publish(store, blob, media.version)
        cache = _caching(store, word)
        known = {name: getattr(blob, name) for name in cache}
        if (blob.metadata or {}).get(MODERATION) == word and known == cache:
            return Shown(blob)
        return Shown(store.patch(blob, {MODERATION: word}, None, **cache))
    except Overtaken:
        raise store.gone(store.get(blob.name)) from None


def _publish(store: Store, source: Blob, version: str) -> Shown:
    """Move an approved upload to where the public may see it, over an earlier version of it that we published."""
    target = store.public_name(source.name)
    there = store.get(target)
    mark = store.mark_of(there) if there is not None else None
    if there is not None and mark is None:
        raise PlatformRefused(f"{naming.written(target)[:200]} is a file that Picward did not put there; it is not overwritten.")
    if mark is not None and int(mark.origin) > int(version):
        raise store.gone(store.get(source.name))
    published = Shown(there)
    if there is None or mark != naming.Mark(Kind.HERE, version):
        journal = journals.of(source, version, store.access(source))
        # The old address goes with the source; until then it shows what was just approved.
        store.patch(source, {MARK: _leaving(store, source, version)})
        fresh = {**journal.put_back(), "metadata": {**journal.metadata, MARK: _copying(store, target, version)}}
        copy = store.copy(source, store.bucket, target, fresh, int(there.generation) if there is not None else 0)
        published = _finish(store, copy, version, journal, APPROVED)
    # Overtaken: by a newer upload, which has its own event.
    with contextlib.suppress(Overtaken):
        store.remove(source)
    return published
