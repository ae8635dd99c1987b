"""What is due by time: its kinds, how far ahead each may lie, and how long one turn of it goes on."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.time import DAY, HOUR, MINUTE, SECOND


class Task(StrEnum):
    """A kind of task. A site has each at most once, and so has the house: what is done for all sites together."""

    PULSE = "pulse"
    RECONCILE = "reconcile"
    REPLAY = "replay"
    SCAN = "scan"
    NOTICES = "notices"
    LISTEN = "listen"
    KEYS = "keys"
    COMPARE = "compare"
    TRIED = "tried"
    NEWS = "news"
    WAITING = "waiting"
    RETENTION = "retention"
    ARRANGE = "arrange"
    HEARTBEAT = "heartbeat"


HOUSE = ""
"""The site of a task that is the house's."""

LEASE_SECONDS = 15
"""How long a turn is its worker's without being renewed, and so how long what a dead worker had waits. It is renewed three times
as often."""

SLICE_SECONDS = 2.0
"""How long a turn goes on before the task goes to the end of the line. It ends with the page, or the batch, that it is at."""

SITE_TURNS = 2
"""Turns of one site that run at a time in all workers together: one that answers slowly holds no more threads than these."""

RETRY_SECONDS = 60
"""How long a task waits after a turn that failed; each failure doubles it, up to `RETRY_MOST_SECONDS`."""

RETRY_MOST_SECONDS = 900
"""How long a task waits at most after a failure: so soon it is seen that a site is back."""

LISTEN_RETRY_SECONDS = 2
"""As `RETRY_SECONDS`, for a listener: what it waits for comes by no other way. It waits at most `RETRY_SECONDS`."""

LISTEN_SECONDS = 60
"""How long a listener keeps its thread while others wait for one."""

HEARTBEAT_SECONDS = 300
"""How often it is noted that a worker runs, and so how exactly it is known for how long none did."""

SPACING = SECOND // 20
"""How far apart sites' turns are put, in microseconds, that became due at the same time while no worker ran."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Tell when a kind of task comes.

    It is never due more than `longest` microseconds ahead: what lies further was put there by a clock that ran ahead, and
    is due now. `always` is true of what is always there, and false of what comes and goes with what needs it.
    """

    longest: int
    house: bool = False
    always: bool = False


TIMINGS: Mapping[Task, Timing] = {
    Task.PULSE: Timing(DAY),
    Task.RECONCILE: Timing(DAY),
    Task.REPLAY: Timing(HOUR),
    Task.SCAN: Timing(DAY),  # a platform may prepare its listing for so long
    Task.NOTICES: Timing(DAY),
    Task.LISTEN: Timing(HOUR),
    Task.KEYS: Timing(DAY, house=True),
    Task.COMPARE: Timing(HOUR, house=True),
    Task.TRIED: Timing(HOUR, house=True),
    Task.NEWS: Timing(MINUTE, house=True, always=True),
    Task.WAITING: Timing(HOUR, house=True, always=True),
    Task.RETENTION: Timing(HOUR, house=True, always=True),
    Task.ARRANGE: Timing(DAY, house=True, always=True),
    Task.HEARTBEAT: Timing(HEARTBEAT_SECONDS * SECOND, house=True, always=True),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold a task that is to have a turn. `token` fences it: who has an older one ends nothing.

    `was_due_at` is when it was due. `failures` and `quiet` count the turns before this one, in a row, that failed and that
    found nothing to do; `cursor` is where the last one stopped, "" for the beginning.
    """

    id: int
    site_id: str
    kind: Task
    token: int
    was_due_at: int
    failures: int
    quiet: int
    problem: str
    cursor: str


@dataclass(frozen=True, slots=True)
class Next:
    """Tell how a turn ended: when the task is due again, None for never, where it goes on, and whether it found nothing."""

    due_at: int | None
    cursor: str = ""
    quiet: bool = False


def spread(now: int, every: int, site_id: str) -> int:
    """Choose a site's next time, after `now` and at most `every` microseconds later; sites' times are spread evenly over it."""
    phase = zlib.crc32(site_id.encode()) * every >> 32
    return now + every - (now - phase) % every


def retry_seconds(kind: Task, failures: int, asked: float | None = None) -> float:
    """Choose how long a task waits that failed so many times in a row, or as long as the platform asked for."""
    listens = kind is Task.LISTEN
    first, most = (LISTEN_RETRY_SECONDS, RETRY_SECONDS) if listens else (RETRY_SECONDS, RETRY_MOST_SECONDS)
    return max(min(first * 2.0 ** min(failures - 1, 20), most), asked or 0.0)


QUIET_APART_SECONDS = 5
"""How far apart the pulses of quiet sites are, all together: they cost a third of a percent of a core at the most. With few sites
none waits for that."""


def quiet_seconds(shortest: int, longest: int, quiet: int, sites: int) -> int:
    """Choose the interval of a site where so many turns in a row found nothing to do: each doubles it, up to `longest`, and as
    long as the number of `sites` makes it worth while."""
    return max(shortest, min(shortest << min(quiet, 20), longest, sites * QUIET_APART_SECONDS))
