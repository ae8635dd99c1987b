"""The work to reach a decision for one image version."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from app.domain.media import MediaRef


class Priority(IntEnum):
    """The order of claims: a person waiting, new uploads, rescans, back-fill."""

    PERSON = 0
    UPLOAD = 1
    RESCAN = 2
    BACKFILL = 3


class WorkState(StrEnum):
    """DUE waits for its `run_at`; BUSY is leased; the others have ended. PARKED and DRIFTED wait for the owner."""

    DUE = "due"
    BUSY = "busy"
    DONE = "done"
    GONE = "gone"
    PARKED = "parked"
    DRIFTED = "drifted"
    SUPERSEDED = "superseded"


class ScanState(StrEnum):
    """ASKED waits for a worker's next page; RUNNING is in the hands of who began it; STOPPED goes on when it is asked again."""

    ASKED = "asked"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class ModerationJob:
    """A claimed job.

    `attempts` counts every claim, `deaths` those at which the worker died or stumbled. `token` fences it: what is written
    with an older token is refused.
    """

    id: int
    site_id: str
    media: MediaRef
    round: int
    priority: Priority
    attempts: int
    deaths: int
    token: int


SHARE = 4
"""Rows of one site that stand in front of the workers, or are with one, as a number of jobs and one of actions. More than a
machine has cores to judge with, and half of a worker's threads: one site alone keeps them busy, and never holds them all."""

MAX_DEATHS = 5
"""How often a worker may die or stumble at one item before a person must look: the item itself may be the cause."""


def retry_delay(attempts: int, asked: float | None = None) -> float:
    """Choose the seconds to wait before try number `attempts + 1`: 5 s doubling to 6 h.

    A platform that says when to come back is asked again then, though after several tries not more often than once a minute.
    """
    grown = 5.0 * 2.0 ** min(max(attempts - 1, 0), 20)
    return max(min(grown, 60.0), asked) if asked is not None else min(grown, 21_600.0)
