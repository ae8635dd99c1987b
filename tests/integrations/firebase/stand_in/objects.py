"""The buckets and objects of the Cloud Storage stand-in: generations, preconditions, holds and access, without HTTP.

After the JSON API's reference: https://cloud.google.com/storage/docs/json_api/v1/objects and …/docs/request-preconditions.
"""

from __future__ import annotations

import base64
import bisect
import hashlib
import struct
import time
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import google_crc32c

from tests.integrations.firebase.stand_in.server import Refusal

TOKENS = "firebaseStorageDownloadTokens"
WRITABLE = (
    "contentType", "metadata", "cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "customTime",
)  # fmt: skip
"""What a client may set on an object and a copy carries along."""

HOLDS = ("temporaryHold", "eventBasedHold")
MAX_METADATA_BYTES = 8192
"""All custom metadata of an object together: https://cloud.google.com/storage/quotas#objects."""

MAX_NAME_BYTES = 1024
"""The same page: the UTF-8 of an object's name."""

PUBLIC = ("allUsers", "READER")

Emit = Callable[[str, "StoredObject", Mapping[str, str]], None]


@dataclass(frozen=True, slots=True)
class Generated:
    """Be contents that are made when they are asked for, so that many objects take little memory."""

    make: Callable[[int], bytes]
    index: int
    size: int

    def __len__(self) -> int:
        return self.size

    def __bytes__(self) -> bytes:
        data = self.make(self.index)
        assert len(data) == self.size, "generated contents must all be of one size"
        return data


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Be one version of one object; a change makes a new one."""

    bucket: str
    name: str
    generation: int
    """In microseconds since 1970, as Cloud Storage does it (and never promises)."""
    content: bytes | Generated = field(repr=False)
    fields: Mapping[str, Any]
    """The writable fields and the holds, by their JSON names."""
    acl: frozenset[tuple[str, str]] = frozenset()
    metageneration: int = 1
    updated: int = 0

    @property
    def data(self) -> bytes:
        return bytes(self.content)

    @property
    def size(self) -> int:
        return len(self.content)

    @property
    def content_type(self) -> str:
        return str(self.fields.get("contentType", "application/octet-stream"))

    @property
    def cache_control(self) -> str | None:
        return self.fields.get("cacheControl")

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.fields.get("metadata") or {})

    @property
    def tokens(self) -> tuple[str, ...]:
        return tuple(token for token in self.metadata.get(TOKENS, "").split(",") if token)

    @property
    def temporary_hold(self) -> bool:
        return bool(self.fields.get("temporaryHold"))

    @property
    def public(self) -> bool:
        return PUBLIC in self.acl or ("allUsers", "OWNER") in self.acl

    @property
    def held(self) -> bool:
        return any(self.fields.get(hold) for hold in HOLDS)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Be the preconditions of one request on one object."""

    generation: int | None = None
    generation_not: int | None = None
    metageneration: int | None = None
    metageneration_not: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, str], prefix: str = "if") -> Conditions:
        names = ("GenerationMatch", "GenerationNotMatch", "MetagenerationMatch", "MetagenerationNotMatch")
        return cls(*(number(query, prefix + name) for name in names))

    def check(self, found: StoredObject | None, reading: bool = False) -> None:
        """Raise 412 (304 for a read that wants only something new) unless they hold; no object has generation 0."""
        generation = found.generation if found else 0
        metageneration = found.metageneration if found else 0
        if self.generation not in (None, generation) or self.metageneration not in (None, metageneration):
            raise _unmet(412)
        if self.generation_not == generation or self.metageneration_not == metageneration:
            raise _unmet(304 if reading else 412)


def _unmet(status: int) -> Refusal:
    return Refusal(status, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")


def number(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    try:
        return int(query[name])
    except ValueError:
        raise Refusal(400, "invalid", f"Invalid value for {name}") from None


class Clock:
    """Give generations: microseconds, each greater than all before."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return self._last


class Pace:
    """Take one change a second of each object, as Cloud Storage documents it, by a clock in seconds; off without one.

    https://cloud.google.com/storage/quotas#objects: "Maximum rate of writes to the same object name: One write per second".
    """

    def __init__(self) -> None:
        self.clock: Callable[[], float] | None = None
        self.refused = 0
        self._last: dict[tuple[str, str], float] = {}

    def check(self, bucket: str, name: str) -> None:
        if self.clock is None:
            return
        now = self.clock()
        if now - self._last.get((bucket, name), now - 1) < 1:
            self.refused += 1
            raise Refusal(
                429,
                "rateLimitExceeded",
                f"The object {bucket}/{name} exceeded the rate limit for object mutation operations (create, update, and "
                "delete). Please reduce your request rate. See https://cloud.google.com/storage/docs/gcs429.",
            )
        self._last[bucket, name] = now


class Bucket:
    """Hold objects; the methods with long arguments are the API's, those with short ones are for tests."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        emit: Emit,
        lock: AbstractContextManager[Any],
        pace: Pace,
        *,
        uniform: bool = False,
        public: bool = False,
    ) -> None:
        self.name = name
        self.uniform = uniform
        """Uniform bucket-level access: no object has an access list of its own."""
        self.open = public
        """allUsers may read every object, by the bucket's policy."""
        self.default_acl: frozenset[tuple[str, str]] = frozenset()
        """Who gets what on a new object that says nothing about it (the bucket's default object ACL)."""
        self.nobody_public = False
        """Public access prevention: nothing may be given to everybody."""
        self.unknown: frozenset[str] = frozenset()
        """Accounts that were deleted: lists that they are on stay, and no new one may name them."""
        self.versioning = False
        """Object versioning: what is overwritten or deleted stays, under its generation."""
        self.permissions: frozenset[str] | None = None
        self.notifications: dict[str, dict[str, Any]] = {}
        self._clock, self._emit, self._lock, self._pace = clock, emit, lock, pace
        self._noncurrent: dict[tuple[str, int], StoredObject] = {}
        self._objects: dict[str, StoredObject] = {}
        self._names: list[str] = []

    # -- for tests ---------------------------------------------------------------------------------------------------------

    def put(
        self,
        name: str,
        data: bytes,
        *,
        content_type: str = "image/png",
        metadata: Mapping[str, str] | None = None,
        cache_control: str | None = None,
        token: str | bool | None = None,
        acl_public: bool = False,
    ) -> StoredObject:
        """Upload as an app's user would, over what is there; `token` is a download token, or True for a new one."""
        custom = dict(metadata or {})
        if token:
            custom[TOKENS] = token if isinstance(token, str) else str(uuid.uuid4())
        fields = {"contentType": content_type, "metadata": custom or None, "cacheControl": cache_control}
        return self.insert(name, data, fields, frozenset({PUBLIC}) if acl_public else None, Conditions())

    def remove(self, name: str) -> None:
        self.delete(name, None, Conditions())

    def get(self, name: str) -> StoredObject | None:
        return self._objects.get(name)

    def names(self) -> list[str]:
        return list(self._names)

    def snapshot(self) -> dict[str, object]:
        """Give what its users can tell of every object; download tokens are left out, since none is ever the same again."""
        return {
            name: (
                one.data,
                one.content_type,
                {key: value for key, value in one.metadata.items() if key != TOKENS},
                one.cache_control,
                self.readable(one),
            )
            for name, one in sorted(self._objects.items())
        }

    def fill(
        self,
        prefix: str,
        count: int,
        *,
        make: Callable[[int], bytes] | None = None,
        content_type: str = "image/png",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Add many objects that take little memory. Nobody is notified; `make` gives contents of one size by their number."""
        made = make or tiny_png
        size = len(made(0))
        fields = {"contentType": content_type} | ({"metadata": dict(metadata)} if metadata else {})
        for index in range(count):
            name = f"{prefix}{index:08d}.png"
            generation = self._clock.next()
            self._objects[name] = StoredObject(
                self.name, name, generation, Generated(made, index, size), fields, updated=generation
            )
        self._names = sorted(self._objects)

    # -- the API -----------------------------------------------------------------------------------------------------------

    def readable(self, found: StoredObject) -> bool:
        return self.open or (found.public and not self.uniform)

    def look(self, name: str, generation: int | None, conditions: Conditions, reading: bool = False) -> StoredObject:
        """Find an object. Raise 404 for a missing one and for a generation that is there no more."""
        found = self._noncurrent.get((name, generation or 0)) or self._objects.get(name)
        if found is None or generation not in (None, found.generation):
            raise Refusal(404, "notFound", f"No such object: {self.name}/{name}")
        conditions.check(found, reading)
        return found

    def insert(
        self,
        name: str,
        content: bytes | Generated,
        fields: Mapping[str, Any],
        acl: frozenset[tuple[str, str]] | None,
        conditions: Conditions,
    ) -> StoredObject:
        """Put a version there; without an access list of its own it gets the bucket's default."""
        with self._lock:
            return self._insert(name, content, fields, acl, conditions)

    def _insert(
        self,
        name: str,
        content: bytes | Generated,
        fields: Mapping[str, Any],
        acl: frozenset[tuple[str, str]] | None,
        conditions: Conditions,
    ) -> StoredObject:
        check_name(name)
        old = self._objects.get(name)
        conditions.check(old)
        self._pace.check(self.name, name)
        if old is not None and old.held:
            raise _held(old)
        if acl and self.uniform:
            raise uniform_only()
        self._prevent(acl)
        acl = (frozenset() if self.uniform else self.default_acl) if acl is None else acl
        kept = {key: value for key, value in fields.items() if key in (*WRITABLE, *HOLDS) and value is not None}
        check_metadata(kept.get("metadata"))
        kept.setdefault("contentType", "application/octet-stream")
        generation = self._clock.next()
        new = StoredObject(self.name, name, generation, content, kept, acl, updated=generation)
        self._objects[name] = new
        if old is None:
            bisect.insort(self._names, name)
            self._emit("OBJECT_FINALIZE", new, {})
        else:
            self._set_aside(old)
            self._emit("OBJECT_DELETE", old, {"overwrittenByGeneration": str(generation)})
            self._emit("OBJECT_FINALIZE", new, {"overwroteGeneration": str(old.generation)})
        return new

    def change(
        self,
        found: StoredObject,
        fields: Mapping[str, Any],
        acl: frozenset[tuple[str, str]] | None = None,
    ) -> StoredObject:
        """Put other metadata on a version; `fields` are all of them."""
        if acl is not None and self.uniform:
            raise uniform_only()
        self._prevent(acl)
        check_metadata(fields.get("metadata"))
        with self._lock:
            self._pace.check(self.name, found.name)
            new = replace(
                found,
                fields={key: value for key, value in fields.items() if value is not None},
                acl=found.acl if acl is None else acl,
                metageneration=found.metageneration + 1,
                updated=self._clock.next(),
            )
            self._objects[found.name] = new
            self._emit("OBJECT_METADATA_UPDATE", new, {})
            return new

    def delete(self, name: str, generation: int | None, conditions: Conditions) -> StoredObject:
        with self._lock:
            found = self.look(name, generation, conditions)
            if found.held:
                raise _held(found)
            self._pace.check(self.name, name)
            del self._objects[name]
            del self._names[bisect.bisect_left(self._names, name)]
            self._set_aside(found)
            self._emit("OBJECT_DELETE", found, {})
            return found

    def _set_aside(self, old: StoredObject) -> None:
        if self.versioning:
            self._noncurrent[old.name, old.generation] = old

    def _prevent(self, acl: frozenset[tuple[str, str]] | None) -> None:
        if self.nobody_public and any(entity in ("allUsers", "allAuthenticatedUsers") for entity, _ in acl or ()):
            members = "The member bindings allUsers and allAuthenticatedUsers"
            raise Refusal(412, "conditionNotMet", f"{members} are not allowed since public access prevention is enforced.")
        for entity, _ in acl or ():
            if entity in self.unknown:
                raise Refusal(400, "invalid", f"Could not find user: {entity.partition('-')[2]}")

    def walk(self, start: str) -> Iterator[StoredObject]:
        """Go through the objects by name, from the first that is not before `start`."""
        for index in range(bisect.bisect_left(self._names, start), len(self._names)):
            yield self._objects[self._names[index]]


def _held(found: StoredObject) -> Refusal:
    text = f"Object '{found.bucket}/{found.name}' is under active Temporary hold and cannot be deleted, overwritten or archived."
    return Refusal(403, "forbidden", text)


def uniform_only() -> Refusal:
    return Refusal(400, "invalid", "Cannot use ACL API to update object policy when uniform bucket-level access is enabled.")


def check_name(name: str) -> None:
    size = len(name.encode())
    if not 1 <= size <= MAX_NAME_BYTES or name in (".", "..") or "\r" in name or "\n" in name:
        raise Refusal(400, "invalid", "Invalid object name")


def check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, Mapping) or any(not isinstance(value, str) for value in metadata.values()):
        raise Refusal(400, "invalid", "Invalid value for metadata: values are strings")
    if sum(len(f"{key}{value}".encode()) for key, value in metadata.items()) > MAX_METADATA_BYTES:
        raise Refusal(400, "invalid", "Your metadata exceeds the maximum allowed metadata size")


def patched(fields: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Give fields as a PATCH leaves them: null removes, and custom metadata is merged key by key."""
    new = dict(fields)
    for key, value in changes.items():
        if key == "metadata" and value is not None:
            if not isinstance(value, Mapping):
                raise Refusal(400, "invalid", "Invalid value for metadata")
            merged = dict(fields.get("metadata") or {}) | dict(value)
            value = {name: text for name, text in merged.items() if text is not None} or None
        if key in (*WRITABLE, *HOLDS):
            new[key] = value
    return new


def resource(found: StoredObject, address: str, wanted: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Describe an object as the JSON API does; of generated contents only what is `wanted` is computed."""
    path = f"b/{found.bucket}/o/{quote(found.name, safe='')}"
    created = moment(found.generation)
    described: dict[str, Any] = {
        "kind": "storage#object",
        "id": f"{found.bucket}/{found.name}/{found.generation}",
        "selfLink": f"{address}/storage/v1/{path}",
        "mediaLink": f"{address}/download/storage/v1/{path}?generation={found.generation}&alt=media",
        "name": found.name,
        "bucket": found.bucket,
        "generation": str(found.generation),
        "metageneration": str(found.metageneration),
        "storageClass": "STANDARD",
        "size": str(found.size),
        "md5Hash": partial(md5_of, found),
        "crc32c": partial(crc32c_of, found),
        "etag": base64.b64encode(f"{found.generation}/{found.metageneration}".encode()).decode(),
        "timeCreated": created,
        "updated": moment(found.updated),
        "timeStorageClassUpdated": created,
        **found.fields,
    }
    kept = {key: value for key, value in described.items() if wanted is None or key in wanted}
    return {key: value() if isinstance(value, partial) else value for key, value in kept.items()}


def md5_of(found: StoredObject) -> str:
    return base64.b64encode(hashlib.md5(found.data, usedforsecurity=False).digest()).decode()


def crc32c_of(found: StoredObject) -> str:
    return base64.b64encode(google_crc32c.Checksum(found.data).digest()).decode()


def moment(microseconds: int) -> str:
    """Write a time as Google's JSON does: RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tiny_png(index: int) -> bytes:
    """Make a valid picture of 8 x 8 pixels and 133 bytes or so, other pixels for every number below 2^32."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = struct.pack(">I", index) * 2
    pixels = zlib.compress(b"".join(b"\0" + row for _ in range(8)), 0)
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
