"""Clocks that are wrong: noticed, told to owners, and what one left behind put right."""

from __future__ import annotations

import logging

from app.db import audit, tasks
from app.domain.tasks import LEASE_SECONDS, TIMINGS
from app.domain.time import DAY, HOUR, MINUTE, SECOND
from app.services.core import Core

log = logging.getLogger(__name__)

ACTION = "clock.wrong"
"""What the trail calls it."""

SHOWN = DAY
"""How long owners see that a clock was wrong."""

SAME = MINUTE
"""Within what time several workers tell of the same."""

DIFFERENCE = MINUTE
"""How far ahead of this machine's clock another's may be: kept in step they differ by less."""


def tell_jump(core: Core, moved: int) -> None:
    """Tell that a machine's clock was set, `moved` microseconds ahead or, below zero, back."""
    way = "ahead" if moved > 0 else "back"
    _tell(core, f"A worker's clock was set {way} by {span(abs(moved))}.")


def mind_start(core: Core) -> None:
    """Tell when the clock is behind what was written last; a worker's first act."""
    with core.db.read() as connection:
        newest = audit.newest_at(connection)
    if (behind := newest - core.now()) > DIFFERENCE:
        _tell(core, f"A worker's clock is {span(behind)} behind what was written last: it was set back, or another ran ahead.")


def mind_future(core: Core) -> None:
    """Make due now what a clock that ran ahead put too far into the future, and tell of it."""
    longest = {kind: max(timing.longest, LEASE_SECONDS * SECOND) + DIFFERENCE for kind, timing in TIMINGS.items()}
    with core.db.read() as connection:
        if not tasks.in_future(connection, core.now(), longest):
            return
    with core.db.write() as connection:
        count, ahead = tasks.give_up_future(connection, core.now(), longest)
    if count:
        what = "1 task was" if count == 1 else f"{count} tasks were"
        _tell(core, f"{what} due up to {span(ahead)} ahead: a clock had run ahead. Due now instead.")
        core.wake()


def trouble(core: Core) -> str:
    """Say what was wrong with a clock lately, "" when nothing was."""
    with core.db.read() as connection:
        last = audit.last_of(connection, ACTION)
    return last.text if last is not None and abs(core.now() - last.at) < SHOWN else ""


def _tell(core: Core, text: str) -> None:
    log.warning("%s", text)
    with core.db.write() as connection:
        last = audit.last_of(connection, ACTION)
        if last is None or last.text != text or abs(core.now() - last.at) > SAME:
            audit.add(connection, core.now(), "worker", ACTION, text)


def span(microseconds: int) -> str:
    """Write a span of time in its largest unit."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if microseconds >= unit:
            return f"{microseconds // unit} {name}{'s' if microseconds // unit > 1 else ''}"
    return f"{microseconds // SECOND} seconds"
