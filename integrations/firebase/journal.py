"""What a picture was before it was hidden. It is written beside the hidden copy before anything is changed.

Custom metadata could not hold it: a client may have filled all 8 KiB, and the picture could then never be hidden.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from app.domain.errors import DeliveryUnreadable, PlatformRefused
from app.domain.platform import Site
from integrations.firebase import naming
from integrations.firebase.apps import Overtaken
from integrations.firebase.storage import PUBLIC, Blob, Store
from integrations.kit.untrusted import Untrusted, read_json

VERSION = 1
MAX_BYTES = 60_000
"""How large a journal may be; metadata are 8 KiB at most, and escaped not six times as long."""

_FIELDS = ("content_type", "cache_control", "content_disposition", "content_encoding", "content_language")


@dataclass(frozen=True, slots=True)
class Journal:
    """One version's state before it was hidden. Download tokens are credentials and are never kept.

    `name` is where it was, which for a published picture is not what it was uploaded as.
    """

    name: str
    version: str
    size: int
    md5: str
    crc32c: str
    fields: Mapping[str, str]
    metadata: Mapping[str, str]
    custom_time: str
    had_token: bool
    readers: tuple[str, ...]

    def put_back(self) -> dict[str, Any]:
        """Return every field besides the metadata as it was, None for those that it did not have."""
        fields: dict[str, Any] = {name: self.fields.get(name) for name in _FIELDS}
        if self.custom_time:
            fields["custom_time"] = datetime.fromisoformat(self.custom_time)
        return fields

    def fits(self, blob: Blob) -> bool:
        """Tell whether an object has the bytes that were hidden."""
        same = (blob.size, blob.crc32c or "") == (self.size, self.crc32c)
        return same and (not self.md5 or (blob.md5_hash or "") == self.md5)


def of(blob: Blob, version: str, readers: tuple[str, ...] = ()) -> Journal:
    """Describe a loaded object as it is now."""
    metadata = dict(blob.metadata or {})
    had_token = bool(metadata.pop(naming.TOKENS, ""))
    for key in (naming.MARK, naming.MODERATION):
        metadata.pop(key, None)
    return Journal(
        name=blob.name,
        version=version,
        size=int(blob.size),
        md5=blob.md5_hash or "",
        crc32c=blob.crc32c or "",
        fields={name: value for name in _FIELDS if (value := getattr(blob, name))},
        metadata=metadata,
        custom_time=blob.custom_time.isoformat() if blob.custom_time else "",
        had_token=had_token,
        readers=readers,
    )


def keep(store: Store, name: str, journal: Journal) -> Journal:
    """Write the journal of a picture that is about to be hidden, and return what an earlier try wrote in its place."""
    text = json.dumps({"v": VERSION, **asdict(journal)}, sort_keys=True)
    signed = json.dumps({"text": text, "mac": naming.sign_text(store.site, text)}).encode()
    try:
        store.write(store.quarantine, _name(store, name, journal.version), signed, "application/json", 0, {})
    except Overtaken:
        earlier = load(store, name, journal.version)
        if earlier is None:
            raise PlatformRefused(f"The journal of {name[:200]} in the quarantine is not ours; remove it.") from None
        return earlier
    return journal


def load(store: Store, name: str, version: str) -> Journal | None:
    """Read the journal of what was uploaded as `name`, None when there is none that we signed."""
    blob = store.get(_name(store, name, version), store.quarantine)
    if blob is None or blob.size > MAX_BYTES:
        return None
    try:
        outer = read_json(store.read(blob, MAX_BYTES))
        text = outer.text("text", MAX_BYTES)
        if not naming.signed_text(store.site, text, outer.text("mac", 100)):
            return None
        journal = _read(read_json(text.encode()))
    except (DeliveryUnreadable, Overtaken):
        return None
    return journal if journal.name in (name, store.public_name(name)) and journal.version == version else None


def forget(store: Store, name: str, version: str) -> None:
    """Remove a journal, last of all."""
    blob = store.get(_name(store, name, version), store.quarantine)
    if blob is not None:
        store.remove(blob)


def _name(store: Store, name: str, version: str) -> str:
    return store.hidden_name(name, version) + ".json"


def to_undo(journal: Journal) -> dict[str, Any]:
    """Write the undo of a HIDE: the journal in plain JSON."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(journal)))
    return {"v": VERSION, **plain}


def from_undo(site: Site, undo: Mapping[str, Any] | None) -> Journal | None:
    """Read the journal back out of an undo that the core kept."""
    try:
        return _read(Untrusted(dict(undo))) if undo else None
    except DeliveryUnreadable:
        raise PlatformRefused(f"What is kept about the hidden picture of {site.key} cannot be read.") from None


def _read(fields: Untrusted) -> Journal:
    if fields.integer("v") != VERSION:
        raise DeliveryUnreadable(f"v is not {VERSION}.")
    return Journal(
        name=fields.text("name", 1_024),
        version=fields.text("version", 19),
        size=fields.integer("size", 0),
        md5=fields.text("md5", 100, default=""),
        crc32c=fields.text("crc32c", 100, default=""),
        fields={name: str(value) for name, value in fields.plain("fields").items() if name in _FIELDS},
        metadata={str(key): str(value) for key, value in fields.plain("metadata").items()},
        custom_time=fields.text("custom_time", 100, default=""),
        had_token=fields.flag("had_token"),
        readers=tuple(one for one in fields.texts("readers", 10, 100) if one in PUBLIC),
    )
