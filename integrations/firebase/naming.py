"""Names and marks: what an object is called at each of its places, and the signed mark by which we know our own writes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.errors import MediaGone
from app.domain.media import MediaRef
from app.domain.platform import Site

MAX_ID = 400
"""Characters of a media id that the core stores. Object names have up to 1024 bytes; longer ones are named by their digest."""

MARK = "picward"
"""The custom metadata key of our mark. Clients can write it, so nothing but a valid signature makes it count."""

OURS, SHARED = "v2", "v1"
"""Who signed a mark: the site's own key, or, before there was one, the secret that whoever forwards uploads knows, too."""

MODERATION = "moderation"
"""The custom metadata key that tells the app's rules what was decided."""

TOKENS = "firebaseStorageDownloadTokens"
"""The custom metadata key by which Firebase knows download addresses; who has one passes all rules."""

_DIGESTED = re.compile(r"#sha256:[0-9a-f]{64}")


NUL = "\x00"
"""What object names may hold, and no database takes; such a name is written as in an address, under an id that is a digest."""


def media_id(name: str) -> str:
    plain = len(name) <= MAX_ID and NUL not in name and not _DIGESTED.fullmatch(name)
    return name if plain else f"#sha256:{_digest(name)}"


def written(name: str) -> str:
    """Write an object name so that any place can hold it; `name_of` and `read_name` read it again."""
    return name.replace("%", "%25").replace(NUL, "%00") if NUL in name else name


def read_name(text: str, fits: Callable[[str], bool]) -> str | None:
    """Read a name that was written, by what only the right one fits; None when neither reading does."""
    return next((name for name in (text, text.replace("%00", NUL).replace("%25", "%")) if fits(name)), None)


def name_of(site: Site, media: MediaRef) -> str:
    """Recover the object name of an image. Raise `MediaGone` for a long one whose name was forgotten."""
    if not _DIGESTED.fullmatch(media.id):
        return media.id
    name = read_name(media.source.removeprefix(f"gs://{site.key}/"), lambda name: media_id(name) == media.id)
    if name is None:
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
    return f"{OURS}.{kind}.{origin}.{_sign(site, ['picward mark v2', site.key, kind, name, str(generation), origin])}"


def read_mark(
    site: Site, metadata: Mapping[str, object] | None, name: str, generation: int | str, created_at: int
) -> Mark | None:
    """Read an object's mark if we signed it for this very generation (or for a copy); a forged or replayed one is None.

    `created_at` is when the object was made, in UTC microseconds.
    """
    text = (metadata or {}).get(MARK)
    parts = text.split(".") if isinstance(text, str) and text.isascii() else []
    if len(parts) != 4 or parts[1] not in list(Kind):
        return None
    signed_by, kind, origin, mac = parts[0], Kind(parts[1]), parts[2], parts[3]
    said = [site.key, kind, name, "" if kind is Kind.COPYING else str(generation), origin]
    if signed_by == OURS:
        proven = _equal(_sign(site, ["picward mark v2", *said]), mac)
    else:
        proven = signed_by == SHARED and _signed_by_secret(site, ["picward mark v1", *said], mac, created_at)
    return Mark(kind, origin) if proven else None


def sign_text(site: Site, text: str) -> str:
    """Sign what we keep in the bucket for ourselves."""
    return f"{OURS}.{_sign(site, ['picward text v2', site.key, text])}"


def signed_text(site: Site, text: str, mac: str, created_at: int) -> bool:
    """Say whether we signed a text that was written at `created_at`, in UTC microseconds."""
    if mac.startswith(f"{OURS}."):
        return _equal(sign_text(site, text), mac)
    return _signed_by_secret(site, ["picward text v1", site.key, text], mac, created_at)


def _sign(site: Site, parts: Sequence[str]) -> str:
    if not site.own_key:
        raise ValueError("this site has no key to sign with")
    return _hmac(site.own_key, parts)


def _signed_by_secret(site: Site, parts: Sequence[str], mac: str, created_at: int) -> bool:
    """Say whether a secret signed something while that was what we signed with: whoever forwards uploads knows it, too."""
    found = [_equal(_hmac(secret.encode(), parts), mac) for secret in site.secrets]
    return any(found) and 0 < created_at < site.own_key_at


def _hmac(key: bytes, parts: Sequence[str]) -> str:
    mac = hmac.new(key, json.dumps(parts).encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac[:24]).decode("ascii")


def _equal(expected: str, mac: str) -> bool:
    return mac.isascii() and hmac.compare_digest(expected, mac)
