"""What a delivery says, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.decisions import Verdict
from app.domain.media import MediaRef


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hold one webhook request exactly as received. Header names are lower case; `received_at` is UTC microseconds."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    received_at: int


@dataclass(frozen=True, slots=True)
class MediaUploaded:
    media: MediaRef


@dataclass(frozen=True, slots=True)
class MediaDeleted:
    media_id: str


@dataclass(frozen=True, slots=True)
class VerdictGiven:
    """Carry a person's verdict that was given at the platform; it binds like one given in the console.

    `sha256` is of the bytes that the person judged. `never_again` puts them on the site's block list.
    """

    media: MediaRef
    sha256: str
    verdict: Verdict
    person: str
    never_again: bool = False


@dataclass(frozen=True, slots=True)
class ScanWanted:
    scope: str = ""


@dataclass(frozen=True, slots=True)
class SiteRemoved:
    pass


@dataclass(frozen=True, slots=True)
class ErasureWanted:
    """Ask that what we keep about these images is erased; all of the site's when `media_ids` is empty."""

    media_ids: tuple[str, ...] = ()


Event = MediaUploaded | MediaDeleted | VerdictGiven | ScanWanted | SiteRemoved | ErasureWanted


@dataclass(frozen=True, slots=True)
class Parsed:
    """Hold the id that every retry of a delivery shares, and its events in order."""

    id: str
    events: tuple[Event, ...]
