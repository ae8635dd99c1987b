"""Hash lists made ready for matching."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.domain.detector import MATCH_DISTANCE, Fingerprint, HashEntry, HashKind, ListKind
from app.domain.errors import HashListUnreadable
from app.domain.signals import Signal
from app.domain.taxonomy import ALLOWED_HASH
from models.hashes.pdq import turns_of

DETECTOR = "hashes"
VERSION = "1"

_WORDS = 4
# If two hashes differ in at most 31 of 256 bits, one of their four words differs in at most 7, since 4 x 8 is 32.
_NEAR_WORD = MATCH_DISTANCE // _WORDS
_ROWS = 1 << 16
"""Hashes looked at in one step, so that a scan's working memory stays in the processor's cache."""

Words = NDArray[np.uint64]


class Index:
    """Entries, found by exact sha256 and by PDQ within 31 bits of the picture or one of its turns.

    A scan over plain columns needs no structure: a million hashes are 32 MB, and all eight turns take 20 to 60 ms.
    """

    def __init__(self, entries: Sequence[HashEntry]) -> None:
        """Read the entries. Raise `HashListUnreadable` for a value that is not 64 hex digits."""
        self._size = len(entries)
        self._exact: dict[str, list[HashEntry]] = {}
        self._looks: list[HashEntry] = []
        for entry in entries:
            if entry.kind is HashKind.SHA256:
                self._exact.setdefault(entry.value, []).append(entry)
            else:
                self._looks.append(entry)
        self._columns = _words([entry.value for entry in self._looks])

    def __len__(self) -> int:
        return self._size

    def match(self, fingerprint: Fingerprint) -> tuple[Signal, ...]:
        """Find the nearest match for each list and category, strongest first.

        One look on a block list is enough. An allow list must know every look: else what it knows would let through whatever
        is drawn beside it.
        """
        found: list[tuple[int, int | None, HashEntry]] = [(0, None, entry) for entry in self._exact.get(fingerprint.sha256, ())]
        if fingerprint.looks and self._looks:
            near = [[(distance, self._looks[row]) for row, distance in self._near(look).items()] for look in fingerprint.looks]
            known = "" not in fingerprint.others and all(any(e.list is ListKind.ALLOW for _, e in one) for one in near)
            found += [
                (distance, place, entry)
                for place, one in enumerate(near)
                for distance, entry in one
                if known or entry.list is not ListKind.ALLOW
            ]
        nearest: dict[tuple[ListKind, str], Signal] = {}
        for distance, place, entry in sorted(found, key=lambda match: (match[0], match[1] is not None)):
            nearest.setdefault((entry.list, entry.category), _signal(entry, distance, place))
        return tuple(nearest.values())

    def match_all(self, fingerprints: Sequence[Fingerprint]) -> dict[int, tuple[Signal, ...]]:
        """Match many pictures: map the position of each that matches to what `match` finds for it.

        Turning is an isometry: a turn of the picture is as far from an entry as the picture is from a turn of the entry. So the
        entries are turned, once, and each is compared with all pictures in one step.
        """
        wanted = {n for n, fingerprint in enumerate(fingerprints) if fingerprint.sha256 in self._exact}
        places = [n for n, fingerprint in enumerate(fingerprints) for _ in fingerprint.looks]
        if self._looks and places:
            columns = _words([look for fingerprint in fingerprints for look in fingerprint.looks])
            near = np.zeros(len(places), bool)
            for words in self._turned.T:
                far = np.bitwise_count(columns[0] ^ words[0])
                for column, word in zip(columns[1:], words[1:], strict=True):
                    far = far + np.bitwise_count(column ^ word)  # at most 256 in uint8: a wrap at 256 is caught by match
                near |= far <= MATCH_DISTANCE
            wanted.update(places[row] for row in np.flatnonzero(near).tolist())
        found = {n: self.match(fingerprints[n]) for n in sorted(wanted)}
        return {n: signals for n, signals in found.items() if signals}

    @cached_property
    def _turned(self) -> Words:
        return _words([turn for entry in self._looks for turn in dict.fromkeys(turns_of(entry.value))])

    def _near(self, value: str) -> dict[int, int]:
        """Map rows within the distance to their distance, the least over all turns."""
        found: dict[int, int] = {}
        turns = _words(list(dict.fromkeys(turns_of(value)))).T
        for start in range(0, len(self._looks), _ROWS):
            chunk = self._columns[:, start : start + _ROWS]
            for turn in turns:
                near = np.zeros(chunk.shape[1], bool)
                for column, word in zip(chunk, turn, strict=True):
                    near |= np.bitwise_count(column ^ word) <= _NEAR_WORD
                rows = np.flatnonzero(near)
                distances = np.bitwise_count(chunk[:, rows] ^ turn[:, None]).sum(axis=0, dtype=np.int64)
                for row, distance in zip(rows.tolist(), distances.tolist(), strict=True):
                    if distance <= MATCH_DISTANCE:
                        found[start + row] = min(distance, found.get(start + row, distance))
        return found


def _words(values: list[str]) -> Words:
    """Lay hashes out as four columns of 64 bits."""
    try:
        packed = bytes.fromhex("".join(values))
    except ValueError:
        packed = b""
    if len(packed) != 32 * len(values) or any(len(value) != 64 for value in values):
        raise HashListUnreadable("A PDQ hash in the list is not 64 hex digits.")
    return np.ascontiguousarray(np.frombuffer(packed, ">u8").reshape(-1, _WORDS).T.astype(np.uint64))


def _signal(entry: HashEntry, distance: int, place: int | None) -> Signal:
    """Say that an entry knows the look at a place, or the very bytes where that is None."""
    allowed, exact = entry.list is ListKind.ALLOW, place is None
    how = "the same file" if exact else f"looks the same, {distance} of 256 bits differ"
    category = ALLOWED_HASH if allowed else entry.category
    score = 1.0 if exact else round(1.0 - distance / (10 * MATCH_DISTANCE), 4)
    return Signal(DETECTOR, VERSION, category, score, note=f"{entry.note}: {how}" if entry.note else how, view=place)
