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
from integrations.firebase.storage import PUBLIC, Access, Blob, Store, made_at, private
from integrations.kit.untrusted import Untrusted, read_json

VERSION = 1
MAX_BYTES = 120_000
"""How large a journal may be; metadata are 8 KiB at most, and escaped not six times as long, an access list half of that."""

MAX_ACCESS = 100
"""How many entries an access list may have: https://cloud.google.com/storage/quotas#objects."""

_FIELDS = ("content_type", "cache_control", "content_disposition", "content_encoding", "content_language")


@dataclass(frozen=True, slots=True)
class Journal:
    """One version's state before it was hidden. Download tokens are credentials and are never kept.

    `name` is where it was, which for a published picture is not what it was uploaded as. `access` is its whole access list, None
    where it had none; what earlier versions wrote has only those of `readers` that stand for everybody.
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
    readers: tuple[str, ...] = ()
    access: Access | None = None

    def put_back(self) -> dict[str, Any]:
        """Return every field besides the metadata as it was, None for those that it did not have."""
        fields: dict[str, Any] = {name: self.fields.get(name) for name in _FIELDS}
        if self.custom_time:
            fields["custom_time"] = datetime.fromisoformat(self.custom_time)
        return fields

    def access_over(self, now: Access | None) -> Access | None:
        """Return the access list that an object put back here must be given, None when it is right as it is now."""
        if now is None:
            return None
        wanted = self.access if self.access is not None else {**private(now), **dict.fromkeys(self.readers, "READER")}
        return None if wanted == now else wanted

    def fits(self, blob: Blob) -> bool:
        """Tell whether an object has the bytes that were hidden."""
        same = (blob.size, blob.crc32c or "") == (self.size, self.crc32c)
        return same and (not self.md5 or (blob.md5_hash or "") == self.md5)


def of(blob: Blob, version: str, access: Access | None = None) -> Journal:
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
        # Read by earlier versions, should one be put back.
        readers=tuple(sorted((access or {}).keys() & PUBLIC)),
        access=access,
    )


def keep(store: Store, name: str, journal: Journal) -> Journal:
    """Write the journal of a picture that is about to be hidden, and return what an earlier try wrote in its place."""
    text = json.dumps({"v": VERSION, **asdict(journal)}, sort_keys=True)
    signed = json.dumps({"text": text, "mac": naming.sign_text(store.site, text)}).encode()
    try:
        written = store.write(store.quarantine, _name(store, name, journal.version), signed, "application/json", 0, {})
        store.shut(written)
    except Overtaken:
        earlier = load(store, name, journal.version)
        if earlier is None:
            raise PlatformRefused(
                f"The journal of {naming.written(name)[:200]} in the quarantine is not ours; remove it."
            ) from None
        return earlier
    return journal


def load(store: Store, name: str, version: str, said: tuple[str, str] | None = None) -> Journal | None:
    """Read the journal of what was uploaded as `name`, None when there is none that we signed; `said` is where its undo says
    that it was hidden."""
    for bucket, hidden in store.hidden_places(name, version, said):
        blob = store.look(name_beside(hidden), bucket)
        journal = _signed(store, blob) if blob is not None else None
        if journal is not None and journal.name in (name, store.public_name(name)) and journal.version == version:
            return journal
    return None


def _signed(store: Store, blob: Blob) -> Journal | None:
    try:
        text, mac = _written(store, blob)
        return _read(read_json(text.encode())) if naming.signed_text(store.site, text, mac, made_at(blob)) else None
    except (DeliveryUnreadable, Overtaken):
        return None


def unproven(store: Store, blob: Blob) -> Journal:
    """Read a journal whoever wrote it. Raise `DeliveryUnreadable`, `Overtaken`."""
    return _read(read_json(_written(store, blob)[0].encode()))


def _written(store: Store, blob: Blob) -> tuple[str, str]:
    if blob.size > MAX_BYTES:
        raise DeliveryUnreadable(f"It has more than {MAX_BYTES} bytes.")
    outer = read_json(store.read(blob, MAX_BYTES))
    return outer.text("text", MAX_BYTES), outer.text("mac", 100)


def forget(store: Store, name: str, version: str) -> None:
    """Remove a journal, last of all."""
    for bucket, hidden in store.hidden_places(name, version):
        blob = store.look(name_beside(hidden), bucket)
        if blob is not None:
            store.remove(blob)


def name_beside(hidden: str) -> str:
    """Name the journal of a hidden copy."""
    return hidden + ".json"


def _name(store: Store, name: str, version: str) -> str:
    return name_beside(store.hidden_name(name, version))


def to_undo(journal: Journal, hidden: Blob) -> dict[str, Any]:
    """Write the undo of a HIDE: the journal in plain JSON, and where the bytes are now."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(journal)))
    return {"v": VERSION, **plain, "hidden": {"bucket": hidden.bucket.name, "name": hidden.name}}


def place_of(undo: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """Read where an undo says that the bytes are, as bucket and name; None where an earlier version did not say."""
    try:
        said = Untrusted(dict(undo or {})).object("hidden")
        return said.text("bucket", 222), said.text("name", 1_024)
    except DeliveryUnreadable:
        return None


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
        name=fields.text("name", 1_024, nul=True),
        version=fields.text("version", 19),
        size=fields.integer("size", 0),
        md5=fields.text("md5", 100, default=""),
        crc32c=fields.text("crc32c", 100, default=""),
        fields={name: str(value) for name, value in fields.plain("fields").items() if name in _FIELDS},
        metadata={str(key): str(value) for key, value in fields.plain("metadata").items()},
        custom_time=fields.text("custom_time", 100, default=""),
        had_token=fields.flag("had_token"),
        readers=tuple(one for one in fields.texts("readers", 10, 100) if one in PUBLIC),
        access=_access(fields) if "access" in fields else None,
    )


def _access(fields: Untrusted) -> Access:
    found = fields.plain("access")
    if len(found) > MAX_ACCESS:
        raise DeliveryUnreadable(f"access has more than {MAX_ACCESS} entries.")
    return {str(who): str(role) for who, role in found.items()}
