"""One site's objects through the Admin SDK: every read and write is about one generation, and nothing else is touched."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, cast
from urllib.parse import quote

from app.domain.errors import MediaGone, MediaUnreadable, PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from app.domain.platform import Site
from integrations.firebase import intake, naming
from integrations.firebase.apps import BYTES_SECONDS, CONNECT_SECONDS, TIMEOUT, Overtaken, app_of, asking, explained
from integrations.firebase.naming import Kind
from integrations.firebase.settings import Config, Layout, Settings
from integrations.kit.untrusted import Untrusted

STORAGE = "Cloud Storage"
_WHOLE = (CONNECT_SECONDS, BYTES_SECONDS)
_REWRITE_CALLS = 1_000  # a call copies at least 1 MiB; pictures of 20 MB need one
_CHUNK_BYTES = 65_536

PUBLIC = ("allUsers", "allAuthenticatedUsers")
"""Who stands for everybody in access lists; other entries are the bucket's and the owners' business."""

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

    def readers(self, blob: Blob) -> tuple[str, ...]:
        """List which of PUBLIC may read by the object's own access list; () where it has none, or we may not look."""
        try:
            with asking(STORAGE):
                blob.acl.reload(timeout=TIMEOUT, retry=None)
        except PlatformRefused:
            return ()
        return tuple(sorted({entry["entity"] for entry in blob.acl}.intersection(PUBLIC)))

    def version_of(self, blob: Blob) -> str:
        """Tell which version an object is: its generation, or the one that we brought back here."""
        mark = naming.read_mark(self.site, blob.metadata, blob.name, blob.generation)
        return mark.origin if mark is not None and mark.kind is not Kind.COPYING else str(blob.generation)

    def ref(self, blob: Blob) -> MediaRef:
        return intake.media(self.site, blob.name, self.version_of(blob), described(blob))

    def find(self, media: MediaRef) -> Found:
        """Find exactly this version, wherever it is now. Raise `MediaGone`."""
        name = naming.name_of(self.site, media)
        here = self.get(name)
        if here is not None and self.version_of(here) == media.version:
            return Found(Place.UPLOADED, here)
        published = self.published(name, media.version)
        if published is not None:
            return Found(Place.PUBLISHED, published)
        hidden = self.get(self.hidden_name(name, media.version), self.quarantine)
        if hidden is not None:
            return Found(Place.HIDDEN, hidden)
        raise self.gone(here)

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
        packed = (blob.content_encoding or "").strip().lower() == "gzip"
        with asking(STORAGE), preconditions():
            data: bytes = blob.download_as_bytes(
                raw_download=True, if_generation_match=blob.generation, timeout=_WHOLE, retry=None
            )
        # Stored compressed, an object is decompressed for its readers; what they would see is what is judged.
        return _gunzipped(data, limit) if packed else data

    # -- writing -----------------------------------------------------------------------------------------------------------

    def patch(self, blob: Blob, metadata: Mapping[str, str | None], **fields: Any) -> Blob:
        """Change only these keys and fields of one generation, and return it as it then is. Raise `Overtaken`."""
        fresh = blob.bucket.blob(blob.name)
        fresh.metadata = dict(metadata)
        for name, value in fields.items():
            setattr(fresh, name, value)
        with asking(STORAGE), preconditions():
            fresh.patch(if_generation_match=blob.generation, timeout=TIMEOUT, retry=None)
        return fresh

    def copy(self, source: Blob, bucket: Any, name: str, fields: Mapping[str, Any], over: int) -> Blob:
        """Copy one generation over the generation `over` (0: over nothing), with these fields. Raise `Overtaken`."""
        target = bucket.blob(name)
        for key, value in fields.items():
            if value is not None:
                setattr(target, key, value)
        token = None
        with asking(STORAGE), preconditions():
            for _ in range(_REWRITE_CALLS):
                token, _, _ = target.rewrite(
                    source,
                    token=token,
                    if_generation_match=over,
                    if_source_generation_match=source.generation,
                    timeout=_WHOLE,
                    retry=None,
                )
                if token is None:
                    return target
        raise PlatformUnavailable(f"{STORAGE} did not finish a copy.")

    def write(self, bucket: Any, name: str, data: bytes, content_type: str, over: int, metadata: Mapping[str, str]) -> Blob:
        """Write a small object of ours. Raise `Overtaken`."""
        blob = bucket.blob(name)
        blob.cache_control = "private, no-store"
        blob.metadata = dict(metadata)
        with asking(STORAGE), preconditions():
            blob.upload_from_string(data, content_type, if_generation_match=over, timeout=_WHOLE, retry=None)
        return blob

    def grant(self, blob: Blob, readers: tuple[str, ...]) -> None:
        """Allow these of PUBLIC to read one generation by its own access list. Raise `Overtaken`."""
        with asking(STORAGE), preconditions():
            for entity in readers:
                blob.acl.entity(entity).grant_read()
            if readers:
                blob.acl.save(if_generation_match=blob.generation, timeout=TIMEOUT, retry=None)

    def remove(self, blob: Blob) -> None:
        """Delete one generation; nothing happens when it is already gone. Raise `Overtaken` when another is there."""
        with asking(STORAGE), _missing(), preconditions(but_missing=True):
            blob.bucket.blob(blob.name).delete(if_generation_match=blob.generation, timeout=TIMEOUT, retry=None)

    def address(self, name: str, token: str) -> str:
        """Build the download address that Firebase's clients use; whoever has it is not subject to the rules."""
        base = os.environ.get("STORAGE_EMULATOR_HOST", "").rstrip("/") or "https://firebasestorage.googleapis.com"
        return f"{base}/v0/b/{self.site.key}/o/{quote(name, safe='')}?alt=media&token={token}"


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
        if "bucket does not exist" in str(error.errors):
            raise PlatformRefused("The bucket does not exist.") from None
        noted.append(True)


@contextmanager
def preconditions(*, but_missing: bool = False) -> Iterator[None]:
    """Turn a precondition that does not hold, and an object that is gone, into `Overtaken`."""
    from google.api_core.exceptions import NotFound, PreconditionFailed

    try:
        yield
    except PreconditionFailed:
        raise Overtaken from None
    except NotFound as error:
        if but_missing or not explained(error) or "bucket does not exist" in str(error.errors):
            raise
        raise Overtaken from None


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
