"""Many decisions at once: what may be asked of them together, and how each one ends."""

from __future__ import annotations

from enum import StrEnum


class BatchKind(StrEnum):
    """Name what is asked. The values of the first two are the verdicts that they give."""

    ALLOW = "allow"
    BLOCK = "block"
    UNDO = "undo"


class ItemState(StrEnum):
    """Say how one decision of a batch ends: as wanted; decided by others meanwhile; gone; being reviewed by another; short of
    a second person."""

    TO_DO = ""
    DONE = "done"
    STALE = "stale"
    GONE = "gone"
    BUSY = "busy"
    NEEDS_TWO = "needs two"
