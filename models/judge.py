"""The judge that the wiring gives to services: one decode, every wanted detector, and the hash lists."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

from app.domain.detector import Fingerprint, HashEntry, HashIndex, Judgement
from app.domain.errors import MediaUnreadable, ModelUnavailable, SandboxFailed
from app.domain.limits import ImageLimits
from app.domain.signals import Signal
from app.domain.taxonomy import CATEGORIES, Severity
from models.decoder import decoded
from models.hashes import index as hashes
from models.hashes.pdq import QUALITY_FLOOR, Look, look_of
from models.image import DECODING, Picture
from models.preview import preview_of
from models.registry import Card, Detector, Machine, cards, load
from models.runtime import CPU
from models.sandbox import Sandbox

_log = logging.getLogger(__name__)


class LocalJudge:
    """The judge of this process: pictures are decoded in the sandbox and looked at here. Threads share it; detectors and their
    sessions are made on first use."""

    def __init__(
        self,
        weights: Path | None = None,
        providers: Sequence[str] = (CPU,),
        limits: ImageLimits | None = None,
        sandbox: Sandbox | None = None,
    ) -> None:
        self._machine = Machine(weights, tuple(providers))
        self._limits = limits or ImageLimits()
        self._sandbox = sandbox or SANDBOX
        self._cards: Mapping[str, Card] = cards()
        self._loaded: dict[str, Detector] = {}
        self._loading = Lock()

    @property
    def detectors(self) -> Mapping[str, str]:
        """Map each detector's id to its version."""
        return {id_: card.version for id_, card in self._cards.items()}

    @property
    def decoding(self) -> int:
        """Number how bytes become looks."""
        return DECODING

    @property
    def categories(self) -> frozenset[str]:
        """List the categories that its detectors can find."""
        return frozenset(label.category for card in self._cards.values() for label in card.classes.values())

    def judge(self, data: bytes, wanted: Collection[str]) -> Judgement:
        """Decode once and run the wanted detectors. Never raise for what is in the bytes: that becomes a failure."""
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            picture = self._decode(data)
        except MediaUnreadable as error:
            return Judgement(Fingerprint(sha256, "", 0, 0), {}, (str(error),))
        # Before the model runs: the views are still in the processor's cache, and hashing them takes half the time.
        looks = [look_of(view.image) for view in picture.views]
        fingerprint = _fingerprint(sha256, picture, looks)
        signals: dict[str, tuple[Signal, ...]] = {}
        failures = [picture.unseen] if picture.unseen else []
        for id_ in sorted(wanted):
            try:
                signals[id_] = self._detector(id_).look(picture)
            except ModelUnavailable as error:
                failures.append(str(error))
            except Exception as error:
                # Whatever a detector raises is about this picture; the worker lives, and a person looks.
                _log.exception("detector %s failed on %s", id_, sha256)
                failures.append(f"The detector {id_} could not look at this picture ({type(error).__name__}).")
        return Judgement(
            fingerprint,
            signals,
            tuple(failures),
            lambda listed: self._preview(picture, looks, signals, _placed(listed, fingerprint, looks)),
        )

    def _decode(self, data: bytes) -> Picture:
        return decoded(self._sandbox, data, self._limits)

    def _preview(
        self, picture: Picture, looks: Sequence[Look], seen: Mapping[str, tuple[Signal, ...]], listed: Sequence[Signal]
    ) -> tuple[bytes, bytes]:
        """Show the view in which the worst was seen, or that with the most detail when nothing was.

        Which view it was is not kept with signals: where they were known already, it is looked for.
        """
        if len(picture.views) == 1:
            return preview_of(picture.views[0].image)
        found = [signal for signals in (listed, *seen.values()) for signal in signals if signal.view is not None]
        for id_ in self._cards.keys() - seen.keys():
            try:
                found += self._detector(id_).look(picture)
            except Exception:
                _log.exception("detector %s failed on a preview", id_)
        clearest = max(range(len(looks)), key=lambda place: looks[place].quality)
        worst = max(found, key=_badness, default=None)
        return preview_of(picture.views[clearest if worst is None or worst.view is None else worst.view].image)

    def match(self, fingerprint: Fingerprint, entries: HashIndex) -> tuple[Signal, ...]:
        """Compare a fingerprint with hash lists. An allow entry gives a signal of category `ALLOWED_HASH`."""
        if not isinstance(entries, hashes.Index):
            raise TypeError("the index was not made by LocalJudge.index")
        return entries.match(fingerprint)

    def match_all(self, fingerprints: Sequence[Fingerprint], entries: HashIndex) -> dict[int, tuple[Signal, ...]]:
        """Match many pictures at once: map the position of each that matches to what `match` finds for it."""
        if not isinstance(entries, hashes.Index):
            raise TypeError("the index was not made by LocalJudge.index")
        return entries.match_all(fingerprints)

    def index(self, entries: Sequence[HashEntry]) -> hashes.Index:
        """Prepare hash lists for matching. Raise `HashListUnreadable` when a value is not 64 hex digits."""
        return hashes.Index(entries)

    def check(self, id_: str) -> None:
        """Load a detector and run it once on a blank picture. Raise `ModelUnavailable` when it, or the sandbox, cannot run."""
        try:
            self._sandbox.start()
        except SandboxFailed as error:
            raise ModelUnavailable(str(error)) from error
        self._detector(id_).look(Picture.blank())

    def _detector(self, id_: str) -> Detector:
        detector = self._loaded.get(id_)
        if detector is None:
            if id_ not in self._cards:
                raise ModelUnavailable(f"There is no detector {id_} here.")
            with self._loading:
                detector = self._loaded.get(id_)
                if detector is None:
                    detector = self._loaded[id_] = load(self._cards[id_], self._machine)
        return detector


SANDBOX = Sandbox()
"""The one of this process; its children are as many as threads judge at once."""


def _badness(signal: Signal) -> tuple[bool, float]:
    category = CATEGORIES.get(signal.category)
    return category is None or category.severity > Severity.INFORMATION, signal.score


def _placed(listed: Sequence[Signal], fingerprint: Fingerprint, looks: Sequence[Look]) -> list[Signal]:
    """Say of what lists know in which view it is, instead of by which hash; what is in none is left out."""
    views = {look.hash: place for place, look in reversed(list(enumerate(looks)))}
    known = [(signal, fingerprint.looks[signal.view]) for signal in listed if signal.view is not None]
    return [replace(signal, view=views[look]) for signal, look in known if look in views]


def _fingerprint(sha256: str, picture: Picture, looks: Sequence[Look]) -> Fingerprint:
    """Hold every look. The first hash is what earlier versions made of the picture, so that their rows and lists match."""
    before = [look_of(picture.plain)] if picture.plain is not None else []
    first, *others = [look.hash if look.quality >= QUALITY_FLOOR else "" for look in (*before, *looks)]
    # In order and once each; "" stays, for it says that a look has no hash.
    return Fingerprint(sha256, first, picture.width, picture.height, tuple(dict.fromkeys(others)) if others else ())
