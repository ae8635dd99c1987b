"""One site's objects through the Admin SDK: every read and write is about one generation, and nothing else is touched."""

from __future__ import annotations

import io
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, cast
from urllib.parse import quote

from app.domain.errors import CredentialsExpired, MediaGone, MediaUnreadable, PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from app.domain.platform import Site
from app.domain.time import SECOND
from integrations.firebase import intake, naming
from integrations.firebase.apps import (
    BYTES_SECONDS,
    CONNECT_SECONDS,
    TIMEOUT,
    BucketMissing,
    Overtaken,
    app_of,
    asking,
    explained,
    reason_of,
)
from integrations.firebase.naming import Kind
from integrations.firebase.settings import Config, Layout, Settings
from integrations.firebase.sniffing import HEAD_BYTES
from integrations.kit.untrusted import Untrusted

STORAGE = "Cloud Storage"
_WHOLE = (CONNECT_SECONDS, BYTES_SECONDS)
_REWRITE_CALLS = 1_000  # a call copies at least 1 MiB; pictures of 20 MB need one
_CHUNK_BYTES = 65_536

PAUSES_SECONDS = (1.1, 2.2, 4.4)
"""How long to wait before a change that came too soon after another of the same object is tried again: Cloud Storage takes one a
second of each (https://cloud.google.com/storage/quotas#objects), and a hide or a restore makes two."""

PUBLIC = ("allUsers", "allAuthenticatedUsers")
"""Who stands for everybody in access lists."""

Access = Mapping[str, str]
"""An object's own access list: who (`allUsers`, `user-x@example.org`) may do what (`READER`, `OWNER`)."""

Blob = Any
"""A google.cloud.storage.Blob; the library has no types."""


class Place(Enum):
    UPLOADED = "where it was uploaded to"
    PUBLISHED = "where approved pictures are"
    HIDDEN = "in the quarantine"


@dataclass(frozen=True, slots=True)
class Found:
    """Where a version is now. `blob` is loaded; of a hidden one it is the copy in the quarantine."""

    place: Place
    blob: Blob


@dataclass(frozen=True)
class Store:
    """The bucket and the quarantine of one site. Cheap to make: the connections behind it are shared in the process."""

    site: Site
    config: Config = field(default_factory=Config)
    _without_lists: set[str] = field(default_factory=set, repr=False, compare=False)
    """Buckets whose objects have no access lists of their own, as far as this store has asked."""

    @property
    def settings(self) -> Settings:
        return cast(Settings, self.site.settings)

    @cached_property
    def bucket(self) -> Any:
        return self._open(self.site.key)

    @cached_property
    def quarantine(self) -> Any:
        return self._open(self.settings.quarantine_bucket or self.site.key)

    def _open(self, name: str) -> Any:
        if not name:
            raise PlatformRefused("The site has no bucket.")
        app = app_of(self.site, self.config)
        with asking(STORAGE):
            from firebase_admin import storage

            bucket = storage.bucket(name, app=app)
            # A redirect would carry us, and for GET our token's request, to an address that nobody checked.
            bucket.client._http.max_redirects = 0
            return bucket

    # -- names -------------------------------------------------------------------------------------------------------------

    def hidden_name(self, name: str, version: str) -> str:
        return f"{self.settings.quarantine}{naming.quarantine_folder(name)}/{version}"

    def hidden_places(self, name: str, version: str, said: tuple[str, str] | None = None) -> Iterator[tuple[Any, str]]:
        """Go through every place where a version may be hidden, as bucket and name: where it goes now, where its undo says it
        went, and where hidden pictures went before the settings named another place."""
        tail = f"{naming.quarantine_folder(name)}/{version}"
        first, *others = [(bucket.name, f"{prefix}{tail}") for bucket, prefix in self.quarantines()]
        for bucket, hidden in dict.fromkeys((first, *((said,) if said else ()), *others)):
            yield self._open(bucket), hidden

    def look(self, name: str, bucket: Any) -> Blob | None:
        """Load an object of a quarantine, None when there is none; one of before may have gone with its bucket."""
        try:
            return self.get(name, bucket)
        except BucketMissing:
            if bucket.name in (self.site.key, self.quarantine.name):
                raise
            return None

    def quarantines(self) -> list[tuple[Any, str]]:
        """List where pictures are hidden, as bucket and prefix, and after that where they were before."""
        before = ((self._open(bucket), prefix) for bucket, prefix in self.settings.moved_from(self.site.key))
        return [(self.quarantine, self.settings.quarantine), *before]

    def public_name(self, name: str) -> str:
        """Name an upload as it is called once published; the same where approved pictures stay in place."""
        if self.settings.layout is Layout.PENDING_PUBLIC and name.startswith(self.settings.pending):
            return self.settings.public + name.removeprefix(self.settings.pending)
        return name

    # -- reading -----------------------------------------------------------------------------------------------------------

    def get(self, name: str, bucket: Any = None) -> Blob | None:
        """Load an object's metadata, None when there is none."""
        blob = (bucket or self.bucket).blob(name)
        with asking(STORAGE), _missing() as missing:
            blob.reload(timeout=TIMEOUT, retry=None)
        if missing:
            return None
        with asking(STORAGE):
            if blob.generation is None or blob.size is None:
                raise PlatformUnavailable(f"{STORAGE} answered what cannot be read.")
        return blob

    def sample(self, bucket: Any, prefix: str) -> list[Blob]:
        """Give one object whose name begins so, [] when there is none."""
        with asking(STORAGE):
            return list(bucket.list_blobs(prefix=prefix, max_results=1, timeout=TIMEOUT, retry=None))

    def access(self, blob: Blob) -> Access | None:
        """Read an object's own access list; None where the bucket knows none, or we may not look."""
        if blob.bucket.name in self._without_lists:
            return None
        try:
            with asking(STORAGE):
                blob.acl.reload(timeout=TIMEOUT, retry=None)
        except CredentialsExpired:
            raise
        except PlatformRefused:
            self._without_lists.add(blob.bucket.name)
            return None
        return {entry["entity"]: entry["role"] for entry in blob.acl}

    def shut(self, blob: Blob) -> None:
        """Take everybody off the access list of an object of ours: a bucket can give each new one a list that has them on it."""
        access = self.access(blob)
        if access is not None and access.keys() & PUBLIC:
            self.patch_with(blob, {}, closing(access))

    def version_of(self, blob: Blob) -> str:
        """Tell which version an object is: its generation, or the one that we brought back here."""
        mark = self.mark_of(blob)
        return mark.origin if mark is not None and mark.kind is not Kind.COPYING else str(blob.generation)

    def mark_of(self, blob: Blob) -> naming.Mark | None:
        """Read the mark of a loaded object, None where we left none."""
        return naming.read_mark(self.site, blob.metadata, blob.name, blob.generation, made_at(blob))

    def ref(self, blob: Blob) -> MediaRef:
        return intake.media(self.site, blob.name, self.version_of(blob), described(blob))

    def find(self, media: MediaRef, said: tuple[str, str] | None = None) -> Found:
        """Find exactly this version, wherever it is now; `said` is where its undo says it was hidden. Raise `MediaGone`."""
        name = naming.name_of(self.site, media)
        # Twice: another worker may take it from one place to another between two of the looks.
        found = self._found(name, media.version, said) or self._found(name, media.version, said)
        if found is None:
            raise self.gone(self.get(name))
        return found

    def _found(self, name: str, version: str, said: tuple[str, str] | None) -> Found | None:
        here = self.get(name)
        if here is not None and self.version_of(here) == version:
            return Found(Place.UPLOADED, here)
        published = self.published(name, version)
        if published is not None:
            return Found(Place.PUBLISHED, published)
        looks = (self.look(hidden, bucket) for bucket, hidden in self.hidden_places(name, version, said))
        return next((Found(Place.HIDDEN, hidden) for hidden in looks if hidden is not None), None)

    def published(self, name: str, version: str) -> Blob | None:
        """Find the published copy of a version, if there is one that we made."""
        public = self.public_name(name)
        blob = self.get(public) if public != name else None
        return blob if blob is not None and self.version_of(blob) == version else None

    def gone(self, now: Blob | None) -> MediaGone:
        if now is None:
            return MediaGone("The picture is not in the bucket any more.")
        if not self.settings.watches(now.name):
            return MediaGone("Another picture is in its place.")
        return MediaGone("A newer upload is in the picture's place.", self.ref(now))

    def read(self, blob: Blob, limit: int) -> bytes:
        """Download one generation, as a browser would get it. Raise `MediaUnreadable` over `limit` bytes, `Overtaken`."""
        if blob.size > limit:
            raise MediaUnreadable(f"The picture is larger than {limit} bytes.")
        # The download writes what its answer's headers say, and do not say, over what is known.
        packed, generation = (blob.content_encoding or "").strip().lower() == "gzip", blob.generation
        data: bytes = self._asking_about(
            lambda: self._there(blob),
            lambda: blob.download_as_bytes(raw_download=True, if_generation_match=generation, timeout=_WHOLE, retry=None),
        )
        # Stored compressed, an object is decompressed for its readers; what they would see is what is judged.
        return _gunzipped(data, limit) if packed else data

    def head(self, blob: Blob) -> bytes:
        """Download the first bytes of one generation, as they are stored. Raise `Overtaken`."""
        data: bytes = self._asking_about(
            lambda: self._there(blob),
            lambda: blob.bucket.blob(blob.name).download_as_bytes(
                start=0,
                end=HEAD_BYTES - 1,
                raw_download=True,
                checksum=None,
                if_generation_match=blob.generation,
                timeout=_WHOLE,
                retry=None,
            ),
        )
        return data

    # -- writing -----------------------------------------------------------------------------------------------------------

    def patch(self, blob: Blob, metadata: Mapping[str, str | None], access: Access | None = None, **fields: Any) -> Blob:
        """Change only these keys and fields of one generation, and its whole access list where one is given, in one write.

        Return the object as it then is. Raise `Overtaken`.
        """
        fresh = blob.bucket.blob(blob.name)
        if metadata:
            fresh.metadata = dict(metadata)
        for name, value in fields.items():
            setattr(fresh, name, value)
        if access is not None:
            # What `acl.save` sends, too; a write of its own would be a second one within the second.
            fresh._patch_property("acl", [{"entity": who, "role": role} for who, role in sorted(access.items())])
        self._asking_about(
            lambda: self._there(blob),
            lambda: fresh.patch(if_generation_match=blob.generation, timeout=TIMEOUT, retry=None),
        )
        if access is not None and not access.keys() & PUBLIC and exposed(fresh):
            raise PlatformUnavailable(f"{STORAGE} did not take everybody off an object's access list.")
        return fresh

    def patch_with(
        self, blob: Blob, metadata: Mapping[str, str | None], lists: Sequence[Access | None], **fields: Any
    ) -> tuple[Blob, Access | None]:
        """Change as `patch` does, with the first of these access lists that is not refused, and return that list, too.

        A list as it was can be refused for good: one account on it was deleted since, or nobody may be public any more.
        """
        *better, last = lists
        for access in better:
            try:
                return self.patch(blob, metadata, access, **fields), access
            except CredentialsExpired:
                raise
            except PlatformRefused:
                continue
        return self.patch(blob, metadata, last, **fields), last

    def copy(self, source: Blob, bucket: Any, name: str, fields: Mapping[str, Any], over: int) -> Blob:
        """Copy one generation over the generation `over` (0: over nothing), with these fields. Raise `Overtaken`."""
        target = bucket.blob(name)
        for key, value in fields.items():
            if value is not None:
                setattr(target, key, value)
        token = None

        def step() -> Any:
            return target.rewrite(
                source,
                token=token,
                if_generation_match=over,
                if_source_generation_match=source.generation,
                timeout=_WHOLE,
                retry=None,
            )

        for _ in range(_REWRITE_CALLS):
            token, _, _ = self._asking_about(lambda: self._there(source) and self._is(over, bucket, name), step)
            if token is None:
                return target
        raise PlatformUnavailable(f"{STORAGE} did not finish a copy.")

    def write(self, bucket: Any, name: str, data: bytes, content_type: str, over: int, metadata: Mapping[str, str]) -> Blob:
        """Write a small object of ours. Raise `Overtaken`."""
        blob = bucket.blob(name)
        blob.cache_control = "private, no-store"
        blob.metadata = dict(metadata)
        self._asking_about(
            lambda: self._is(over, bucket, name),
            lambda: blob.upload_from_string(data, content_type, if_generation_match=over, timeout=_WHOLE, retry=None),
        )
        return blob

    def remove(self, blob: Blob) -> None:
        """Delete one generation; nothing happens when it is already gone. Raise `Overtaken` when another is there."""
        gone = blob.bucket.blob(blob.name)
        try:
            self._asking_about(
                lambda: self._there(blob),
                lambda: gone.delete(if_generation_match=blob.generation, timeout=TIMEOUT, retry=None),
            )
        except Overtaken:
            if not self._is(0, blob.bucket, blob.name):
                raise

    def _there(self, blob: Blob) -> bool:
        return self._is(int(blob.generation), blob.bucket, blob.name)

    def _is(self, generation: int, bucket: Any, name: str) -> bool:
        """Tell whether this very generation is the live one, or none where it is 0."""
        now = self.get(name, bucket)
        return (int(now.generation) if now is not None else 0) == generation

    def _asking_about(self, holds: Callable[[], bool], ask: Callable[[], Any]) -> Any:
        """Ask for something that has a precondition, again after a pause where the object was changed a moment ago.

        A precondition that failed is looked into: `holds` tells whether what it asks for is there. If it is, Cloud Storage
        refuses for another reason (a policy of the organisation, public access prevention), which is raised; if not, `Overtaken`.
        """
        from google.api_core.exceptions import NotFound, PreconditionFailed, TooManyRequests

        for pause in (*PAUSES_SECONDS, 0.0):
            with asking(STORAGE):
                try:
                    return ask()
                except TooManyRequests as error:
                    if not pause or not explained(error):
                        raise
                except (NotFound, PreconditionFailed) as error:
                    if not explained(error) or "bucket does not exist" in reason_of(error):
                        raise
                    if not holds():
                        raise Overtaken from None
                    if isinstance(error, NotFound):
                        raise PlatformUnavailable(f"{STORAGE} does not find an object that is there.") from None
                    raise
            time.sleep(pause)

    @property
    def firebase(self) -> str:
        """Name the address that Firebase's clients ask; an emulator has one for all."""
        return os.environ.get("STORAGE_EMULATOR_HOST", "").rstrip("/") or "https://firebasestorage.googleapis.com"

    def address(self, name: str, token: str) -> str:
        """Build the download address that Firebase's clients use; whoever has it is not subject to the rules."""
        return f"{self.firebase}/v0/b/{self.site.key}/o/{quote(name, safe='')}?alt=media&token={token}"


def private(access: Access) -> Access:
    """Return a list of readers without those who stand for everybody."""
    return {who: role for who, role in access.items() if who not in PUBLIC}


def closing(access: Access) -> list[Access]:
    """List what may take a list's place so that everybody is off it, the best first. An empty one leaves the object's owner."""
    return [private(access), owners(access), {}]


def owners(access: Access) -> Access:
    return {who: role for who, role in private(access).items() if role == "OWNER"}


def exposed(blob: Blob) -> bool:
    """Tell whether everybody may read an object by the list that its last change answered with."""
    return any(entry.get("entity") in PUBLIC for entry in blob._properties.get("acl") or ())


def made_at(blob: Blob) -> int:
    """Give when an object was made, in UTC microseconds, 0 where that is not said."""
    return int(blob.time_created.timestamp() * SECOND) if blob.time_created is not None else 0


def described(blob: Blob) -> Untrusted:
    """Describe an object in the form of a notice."""
    created = blob.time_created
    return Untrusted(
        {
            "contentType": blob.content_type,
            "size": None if blob.size is None else str(blob.size),
            "timeCreated": created.isoformat() if created is not None else None,
        }
    )


@contextmanager
def _missing() -> Iterator[list[bool]]:
    """Note that an object is missing, if Cloud Storage itself says so of the object and not of the bucket."""
    from google.api_core.exceptions import NotFound

    noted: list[bool] = []
    try:
        yield noted
    except NotFound as error:
        if not explained(error):
            raise PlatformUnavailable(f"{STORAGE} did not answer as itself (404).") from None
        if "bucket does not exist" in reason_of(error):
            raise BucketMissing("The bucket does not exist.") from None
        noted.append(True)


def _gunzipped(data: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    out = io.BytesIO()
    try:
        for start in range(0, len(data), _CHUNK_BYTES):
            rest = data[start : start + _CHUNK_BYTES]
            while rest and not unpacker.eof:
                out.write(unpacker.decompress(rest, _CHUNK_BYTES))
                rest = unpacker.unconsumed_tail
                if out.tell() > limit:
                    raise MediaUnreadable(f"The picture is larger than {limit} bytes once it is unpacked.")
        out.write(unpacker.flush(_CHUNK_BYTES))
    except zlib.error:
        raise MediaUnreadable("The picture is stored as gzip and cannot be unpacked.") from None
    if out.tell() > limit or not unpacker.eof:
        raise MediaUnreadable("The picture is stored as gzip and is cut off or too large.")
    return out.getvalue()
