"""Names and marks: what an object is called at each of its places, and the signed mark by which we know our own writes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.errors import MediaGone
from app.domain.media import MediaRef
from app.domain.platform import Site

MAX_ID = 400
"""Characters of a media id that the core stores. Object names have up to 1024 bytes; longer ones are named by their digest."""

MARK = "picward"
"""The custom metadata key of our mark. Clients can write it, so nothing but a valid signature makes it count."""

MODERATION = "moderation"
"""The custom metadata key that tells the app's rules what was decided."""

TOKENS = "firebaseStorageDownloadTokens"
"""The custom metadata key by which Firebase knows download addresses; who has one passes all rules."""

_DIGESTED = re.compile(r"#sha256:[0-9a-f]{64}")


def media_id(name: str) -> str:
    return name if len(name) <= MAX_ID and not _DIGESTED.fullmatch(name) else f"#sha256:{_digest(name)}"


def name_of(site: Site, media: MediaRef) -> str:
    """Recover the object name of an image. Raise `MediaGone` for a long one whose name was forgotten."""
    if not _DIGESTED.fullmatch(media.id):
        return media.id
    name = media.source.removeprefix(f"gs://{site.key}/")
    if media_id(name) != media.id:
        raise MediaGone("The name of this picture is not known any more.")
    return name


def document_id(site: Site, name: str) -> str:
    """Make the id under which the app is told of a picture: sha256 of `bucket/name`, in lower-case hex."""
    return _digest(f"{site.key}/{name}")


def quarantine_folder(name: str) -> str:
    """Name the folder for a picture's hidden versions, below the quarantine prefix; a digest keeps long names short."""
    return _digest(name)[:40]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Kind(StrEnum):
    HERE = "here"
    """We put this very generation here; it is the version `origin` again."""

    LEAVING = "leaving"
    """We are about to delete this very generation."""

    COPYING = "copying"
    """A copy that is not finished. It is bound to a name and an origin, but to no generation, and proves nothing alone."""


@dataclass(frozen=True, slots=True)
class Mark:
    kind: Kind
    origin: str


def mark(site: Site, kind: Kind, name: str, generation: int | str, origin: str) -> str:
    """Sign a mark for one generation of an object ("" for a copy whose generation is not known before it exists)."""
    return f"v1.{kind}.{origin}.{_mac(site.secrets[0], site, kind, name, str(generation), origin)}"


def read_mark(site: Site, metadata: Mapping[str, object] | None, name: str, generation: int | str) -> Mark | None:
    """Read an object's mark if we signed it for this very generation (or for a copy); a forged or replayed one is None."""
    text = (metadata or {}).get(MARK)
    parts = text.split(".") if isinstance(text, str) and text.isascii() else []
    if len(parts) != 4 or parts[0] != "v1" or parts[1] not in list(Kind):
        return None
    kind, origin = Kind(parts[1]), parts[2]
    bound = "" if kind is Kind.COPYING else str(generation)
    proven = False
    for secret in site.secrets:
        proven |= hmac.compare_digest(_mac(secret, site, kind, name, bound, origin), parts[3])
    return Mark(kind, origin) if proven else None


def sign_text(site: Site, text: str) -> str:
    """Sign what we keep in the bucket for ourselves."""
    return _hmac(site.secrets[0], ["picward text v1", site.key, text])


def signed_text(site: Site, text: str, mac: str) -> bool:
    return mac.isascii() and any(
        hmac.compare_digest(_hmac(secret, ["picward text v1", site.key, text]), mac) for secret in site.secrets
    )


def _mac(secret: str, site: Site, kind: Kind, name: str, generation: str, origin: str) -> str:
    return _hmac(secret, ["picward mark v1", site.key, kind.value, name, generation, origin])


def _hmac(secret: str, parts: list[str]) -> str:
    mac = hmac.new(secret.encode(), json.dumps(parts).encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac[:24]).decode("ascii")
