"""The interface of anything that turns a decoded image into signals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.domain.signals import Signal
from app.domain.taxonomy import ALLOWED_HASH, BLOCKED_HASH

MATCH_DISTANCE = 31
"""Bits of 256 that may differ between two PDQ hashes of one picture; the distance that Meta's README recommends."""


class HashKind(StrEnum):
    SHA256 = "sha256"
    PDQ = "pdq"


class ListKind(StrEnum):
    BLOCK = "block"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class HashEntry:
    """One line of a hash list. `value` is lower-case hex: 64 digits for both kinds. `site_id` "" means every site."""

    kind: HashKind
    value: str
    list: ListKind
    category: str
    note: str = ""
    site_id: str = ""


OWN_CATEGORY = {ListKind.BLOCK: BLOCKED_HASH, ListKind.ALLOW: ALLOWED_HASH}
"""What a match with a list means where its entry names no category."""


def entries_of(sha256: str, looks: Iterable[str], on: ListKind, note: str, site_id: str = "") -> list[HashEntry]:
    """Know one picture by its bytes and by every look at it."""
    known = [(HashKind.SHA256, sha256), *((HashKind.PDQ, look) for look in looks)]
    return [HashEntry(kind, value, on, OWN_CATEGORY[on], note, site_id) for kind, value in known if value]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What identifies an image's bytes and looks: sha256 hex, PDQ hex ("" below the quality floor), size in pixels.

    `others` are the hashes of its other looks, each once: on another ground, with its colours managed, a later frame. A "" among
    them says that some look has no hash.
    """

    sha256: str
    pdq: str
    width: int
    height: int
    others: tuple[str, ...] = ()

    @property
    def looks(self) -> tuple[str, ...]:
        """List every look's hash once, those below the quality floor left out."""
        return tuple(dict.fromkeys(filter(None, (self.pdq, *self.others))))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the detectors made of one image's bytes.

    `signals` has an entry for each detector that ran, empty when it saw nothing; they are reusable for the same bytes
    across sites. `failures` say in words what could not be judged, and force REVIEW. `preview` makes WebP bytes of the
    worst look at the picture, given what lists found, at most 512 px on its longer side, clear and blurred; None when it could
    not be decoded.
    """

    fingerprint: Fingerprint
    signals: Mapping[str, tuple[Signal, ...]]
    failures: tuple[str, ...] = ()
    preview: Callable[[Sequence[Signal]], tuple[bytes, bytes] | None] = lambda listed: None


class Judge(Protocol):
    """What services ask to look at bytes; the wiring passes in the one from `models`. Safe to share between threads."""

    @property
    def detectors(self) -> Mapping[str, str]:
        """Map each detector's id to its version."""

    @property
    def decoding(self) -> int:
        """Number how bytes become looks. What was seen of an earlier one's looks serves replays, and no new judgement."""

    @property
    def categories(self) -> frozenset[str]:
        """List the categories that its detectors can find."""

    def judge(self, data: bytes, wanted: Collection[str]) -> Judgement:
        """Decode once and run the wanted detectors. Never raise for what is in the bytes: that becomes a failure."""

    def match(self, fingerprint: Fingerprint, entries: HashIndex) -> tuple[Signal, ...]:
        """Compare a fingerprint with hash lists. An allow entry gives a signal of category `ALLOWED_HASH`."""

    def match_all(self, fingerprints: Sequence[Fingerprint], entries: HashIndex) -> Mapping[int, tuple[Signal, ...]]:
        """Match many pictures at once: the place of each that matches, and what `match` gives for it."""

    def index(self, entries: Sequence[HashEntry]) -> HashIndex:
        """Prepare hash lists for matching; built once per change of the lists."""

    def check(self, detector: str) -> None:
        """Load a detector and run it once. Raise `ModelUnavailable` when it cannot run."""


class HashIndex(Protocol):
    def __len__(self) -> int: ...
