"""The interface of anything that turns a decoded image into signals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.domain.signals import Signal


class HashKind(StrEnum):
    SHA256 = "sha256"
    PDQ = "pdq"


class ListKind(StrEnum):
    BLOCK = "block"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class HashEntry:
    """Hold one line of a hash list. `value` is lower-case hex: 64 digits for both kinds. `site_id` "" means every site."""

    kind: HashKind
    value: str
    list: ListKind
    category: str
    note: str = ""
    site_id: str = ""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hold what names an image's bytes and looks: sha256 hex, PDQ hex ("" below the quality floor), size in pixels.

    `others` are the hashes of its other looks: on another ground, with its colours managed, a later frame.
    """

    sha256: str
    pdq: str
    width: int
    height: int
    others: tuple[str, ...] = ()

    @property
    def looks(self) -> tuple[str, ...]:
        """Give every look's hash once, those below the quality floor left out."""
        return tuple(dict.fromkeys(filter(None, (self.pdq, *self.others))))


@dataclass(frozen=True, slots=True)
class Judgement:
    """Hold what the detectors made of one image's bytes.

    `signals` has an entry for each detector that ran, empty when it saw nothing; they are reusable for the same bytes
    across sites. `failures` say in words what could not be judged, and force REVIEW. `preview` makes the WebP bytes of the
    picture at most 512 px on its longer side, clear and blurred, or None when it could not be decoded.
    """

    fingerprint: Fingerprint
    signals: Mapping[str, tuple[Signal, ...]]
    failures: tuple[str, ...] = ()
    preview: Callable[[], tuple[bytes, bytes] | None] = lambda: None


class Judge(Protocol):
    """Be what services ask to look at bytes; the wiring gives them the one in `models`. Safe to share between threads."""

    @property
    def detectors(self) -> Mapping[str, str]:
        """Map each detector's id to its version."""

    @property
    def categories(self) -> frozenset[str]:
        """Give the categories that its detectors can find."""

    def judge(self, data: bytes, wanted: Collection[str]) -> Judgement:
        """Decode once and run the wanted detectors. Never raise for what is in the bytes: that becomes a failure."""

    def match(self, fingerprint: Fingerprint, entries: HashIndex) -> tuple[Signal, ...]:
        """Compare a fingerprint with hash lists. An allow entry gives a signal of category `owner.allowed_hash`."""

    def match_all(self, fingerprints: Sequence[Fingerprint], entries: HashIndex) -> Mapping[int, tuple[Signal, ...]]:
        """Match many pictures at once: the place of each that matches, and what `match` gives for it."""

    def index(self, entries: Sequence[HashEntry]) -> HashIndex:
        """Prepare hash lists for matching; built once per change of the lists."""

    def check(self, detector: str) -> None:
        """Load a detector and run it once. Raise `ModelUnavailable` when it cannot run."""


class HashIndex(Protocol):
    def __len__(self) -> int: ...
