"""What detectors see."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.media import Region


@dataclass(frozen=True, slots=True)
class Signal:
    """A category that a detector saw, with a score of 0.0 to 1.0 and, where it knows, the region.

    `note` is for people: which list an entry stands on, how far a hash was.
    """

    detector: str
    version: str
    category: str
    score: float
    region: Region | None = None
    note: str = ""
