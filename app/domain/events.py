"""What a delivery says, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.decisions import Verdict
from app.domain.media import MediaRef


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook request exactly as received. Header names are lower case; `received_at` is UTC microseconds."""

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
    """An image is gone; with `version` only that version of it, since another may be there by now."""

    media_id: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class ParentDeleted:
    """A listing or post is gone, with all its images."""

    parent: str


@dataclass(frozen=True, slots=True)
class ParentSeen:
    """The images that a parent holds now, as a hint. Hidden ones that are missing are looked at again before it is believed."""

    parent: str
    media_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParentShown:
    """The images of a parent that people can see now, as a hint. A hide of one is looked at again before it is believed."""

    parent: str
    media_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerdictGiven:
    """A person's verdict that was given at the platform; it binds like one given in the console.

    `sha256` is of the bytes that the person saw. `never_again` puts them on the site's block list.
    """

    media: MediaRef
    sha256: str
    verdict: Verdict
    person: str
    never_again: bool = False


@dataclass(frozen=True, slots=True)
class VerdictUndone:
    """A person took back, at the platform, the verdict that they gave there: what was before it is in force again."""

    media: MediaRef
    person: str


@dataclass(frozen=True, slots=True)
class ScanWanted:
    scope: str = ""


@dataclass(frozen=True, slots=True)
class ScanAdvanced:
    """The listing that a waiting scan asked for is ready."""


@dataclass(frozen=True, slots=True)
class ChangesSeen:
    """Something changed there that was not told one by one: what did is asked for at once, by `Platform.changed`."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A line for the audit trail, and nothing else: `action` is a dotted word, `text` is for people."""

    action: str
    text: str


@dataclass(frozen=True, slots=True)
class AddressTold:
    """Where the site is to be asked from now on, as part of its connection; used when it cannot be reached where it was."""

    connection: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SiteRemoved:
    pass


@dataclass(frozen=True, slots=True)
class ErasureWanted:
    """A wish that what we keep about these images be erased; all of the site's when `media_ids` is empty.

    With `whole_site` nothing of the site stays but that it was erased.
    """

    media_ids: tuple[str, ...] = ()
    whole_site: bool = False


Event = (
    MediaUploaded
    | MediaDeleted
    | ParentDeleted
    | ParentSeen
    | ParentShown
    | VerdictGiven
    | VerdictUndone
    | ScanWanted
    | ScanAdvanced
    | ChangesSeen
    | Noted
    | AddressTold
    | SiteRemoved
    | ErasureWanted
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The id that every retry of a delivery shares, and its events in order.

    The body of one that is `personal` names people who are none of our business: it is not stored. `skipped` counts what it tells
    of that is not judged, since it is no image.
    """

    id: str
    events: tuple[Event, ...]
    personal: bool = False
    skipped: int = 0
