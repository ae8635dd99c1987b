"""Turns of what is due by time: taken by one leader each, renewed while they go on, and ended with when the next one is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from app.db import sites, tasks
from app.db.sites import SiteRow
from app.domain.errors import PicwardError, PlatformUnavailable
from app.domain.platform import SiteState
from app.domain.tasks import HOUSE, LEASE_SECONDS, RETRY_SECONDS, SLICE_SECONDS, TIMINGS, Claim, Next, Task, retry_seconds
from app.domain.time import SECOND
from app.services.core import Core
from app.services.sites import upkeep

log = logging.getLogger(__name__)

PROVING = frozenset({Task.RECONCILE, Task.LISTEN})
"""Tasks that ask the platform whatever happens: one that went well shows that the site is well again."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Hold a task that has its turn in this process. `site` is None for the house's, and `over` is set when it must end now."""

    claim: Claim
    row: SiteRow | None
    over: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.monotonic)

    @property
    def site(self) -> SiteRow:
        if self.row is None:
            raise ValueError(f"{self.claim.kind} is no task of a site.")
        return self.row

    def stopping(self) -> bool:
        """Tell whether the task must go to the end of the line: its slice is used up, or the worker stops."""
        return self.over.is_set() or time.monotonic() - self.began > SLICE_SECONDS


def due(core: Core) -> tuple[bool, bool]:
    """Tell whether a task is due, and whether a site waits to be listened to; one look-up, however many sites there are."""
    with core.db.read() as connection:
        return tasks.look(connection, core.now())


def take(core: Core, *, listening: bool = False) -> Turn | None:
    """Take the oldest task that is due; None when there is none."""
    while due(core)[listening]:
        with core.db.write() as connection:
            claim = tasks.claim(connection, core.now(), LEASE_SECONDS * SECOND, listening=listening)
            row = sites.get(connection, claim.site_id) if claim is not None and claim.site_id != HOUSE else None
            if claim is None:
                return None
            if claim.site_id == HOUSE or _worked_for(core, row):
                return Turn(claim, row)
            tasks.end(connection, claim, None, core.now())  # it was paused, or removed, while this had its last turn
    return None


def _worked_for(core: Core, row: SiteRow | None) -> bool:
    return row is not None and row.state is SiteState.ACTIVE and row.platform in core.platforms


def renew(core: Core, turns: Iterable[Turn]) -> None:
    """Hold turns for another lease. Over are those that another leader has by now, and a listener's whose site has changed."""
    with core.db.write() as connection:
        until = core.now() + LEASE_SECONDS * SECOND
        for turn in turns:
            asked = tasks.renew(connection, turn.claim, until)
            if asked is None or (asked and turn.claim.kind is Task.LISTEN):
                turn.over.set()


def end(core: Core, turn: Turn, following: Next) -> None:
    """End a turn that went well, and say when the next one is."""
    claim, latest = turn.claim, core.now() + TIMINGS[turn.claim.kind].longest
    due_at = min(following.due_at, latest) if following.due_at is not None else None
    quiet = claim.quiet + 1 if following.quiet else 0
    with core.db.write() as connection:
        if not tasks.end(connection, claim, due_at, core.now(), quiet=quiet, cursor=following.cursor):
            return
        if claim.kind is Task.PULSE:
            sites.change(connection, claim.site_id, pulsed_at=core.now())
        _note(connection, turn, "")


def fail(core: Core, turn: Turn, error: Exception) -> None:
    """End a turn that failed: it is tried again later, where it stopped if the platform was only away, and its owner sees why."""
    claim, lasted = turn.claim, time.monotonic() - turn.began
    failures = claim.failures + 1 if lasted < RETRY_SECONDS else 1  # what held for so long was well meanwhile
    away = isinstance(error, PlatformUnavailable)
    asked = error.retry_after if isinstance(error, PlatformUnavailable) else None
    said = str(error) if isinstance(error, PicwardError) else f"{type(error).__name__}: {error}"
    wait = int(retry_seconds(claim.kind, failures, asked) * SECOND)
    with core.db.write() as connection:
        due_at = core.now() + min(wait, TIMINGS[claim.kind].longest)
        cursor = claim.cursor if away else ""
        if tasks.end(connection, claim, due_at, core.now(), failures=failures, problem=said, cursor=cursor):
            _note(connection, turn, said)


def _note(connection: Connection, turn: Turn, problem: str) -> None:
    claim, proven = turn.claim, turn.claim.kind in PROVING and not problem
    if claim.site_id == HOUSE or not (problem or claim.problem or proven):
        return
    wrong = upkeep.note_trouble(connection, claim.site_id, claim.problem, problem, proven=proven)
    if wrong:
        log.warning("site %s is in trouble: %s", claim.site_id, wrong)
    elif wrong is not None:
        log.info("site %s is well again", claim.site_id)
