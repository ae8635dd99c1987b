"""What detectors see."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.domain.media import Region


@dataclass(frozen=True, slots=True)
class Signal:
    """A category that a detector saw, with a score of 0.0 to 1.0 and, where it knows, the region.

    `note` is for people: which list an entry stands on, how far a hash was. `view` is the place of the look that showed it, among
    the picture's views or, for a list, the fingerprint's looks; None for none in particular. It is not kept.
    """

    detector: str
    version: str
    category: str
    score: float
    region: Region | None = None
    note: str = ""
    view: int | None = field(default=None, compare=False)
