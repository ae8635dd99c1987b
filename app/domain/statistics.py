"""What is counted per site and day, and spans of time counted in steps. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import ceil, log2

_STEPS = 4
"""Steps for each doubling of a span of time: 19 % wide, so that a percentile is at most that much too high."""


class Tally(StrEnum):
    """Name what is counted per site, day and category; `app.db.tallies` says what stands in the place of the category."""

    JUDGED = "judged"
    FOUND = "found"
    JUDGED_IN = "judged_in"
    HIDDEN = "hidden"
    RESTORED = "restored"
    ANSWERED = "answered"
    ANSWERED_IN = "answered_in"
    CONFIRMED = "confirmed"
    OVERTURNED = "overturned"
    EXPOSED = "exposed"
    WAITING = "waiting"


def step_of(seconds: float) -> int:
    """Map a span of time to the step that it is counted in, which ends at `end_of` it. All up to 1 ms is in step 0."""
    return max(0, ceil(_STEPS * log2(max(seconds, 0.001) * 1000) - 1e-9))


def end_of(step: int) -> float:
    """Compute a step's upper end, in seconds."""
    return float(2 ** (step / _STEPS) / 1000)


def percentile(steps: Mapping[int, int], part: float) -> float | None:
    """Compute the seconds within which this part (0.0 to 1.0) of the counted spans lies; None without any."""
    total = sum(steps.values())
    if total <= 0:
        return None
    wanted, seen = part * total, 0
    for step in sorted(steps):
        seen += steps[step]
        if seen >= wanted:
            return end_of(step)
    return end_of(max(steps))
