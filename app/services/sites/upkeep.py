"""Which tasks a site has: they come and go with what needs them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from app.db import policies as policy_rows
from app.db import scans, tasks
from app.db import sites as rows
from app.db.engine import Database
from app.db.sites import SiteRow
from app.domain.platform import SiteState
from app.domain.tasks import HOUSE, SPACING, TIMINGS, Task
from app.domain.time import SECOND
from app.services.core import Core
from app.services.telling import notices

log = logging.getLogger(__name__)

TOGETHER = 500
"""Sites that are looked at between two questions whether to stop: some milliseconds, and few round trips."""

OF_SITES = frozenset(kind for kind, timing in TIMINGS.items() if not timing.house)


def follow(core: Core, connection: Connection, site_id: str, *, at_once: bool = False) -> None:
    """Give a site the tasks that it needs now and take the others away; in the transaction that changed the site.

    With `at_once` all are due now, as when it is connected, or goes on after a pause.
    """
    row = rows.get(connection, site_id)
    if row is None:
        return
    there = tasks.of_sites(connection, [site_id]).get(site_id, ())
    needed = _needed(core, connection, [row])[site_id]
    now = core.now()
    for kind, due_at in needed.items():
        if at_once or kind not in there or kind is Task.LISTEN:  # it listens to the site as it was
            tasks.ask(connection, site_id, kind, now if at_once else due_at, now)
    tasks.drop(connection, site_id, OF_SITES - needed.keys(), now)
    if at_once and core.platform(row.platform).verification_keys_seconds:
        tasks.ask(connection, HOUSE, Task.KEYS, now, now)


def begin(core: Core) -> None:
    """Make sure of what the house always does, and have all sites looked at; a worker's first act."""
    now = core.now()
    with core.db.write() as connection:
        for kind, timing in TIMINGS.items():
            if timing.always:
                tasks.ask(connection, HOUSE, kind, now + (0 if kind is Task.ARRANGE else timing.longest), now)


def arrange(core: Core, after: str, stopping: Callable[[], bool]) -> str:
    """Look from the id `after` on whether all sites have their tasks; return where to go on, "" at the end.

    It finds what an update needs anew, and what is due at once on many sites follows one another.
    """
    overdue = 0
    while True:
        now = core.now()
        with core.db.read() as connection:
            found = rows.page(connection, after, TOGETHER)
            there = tasks.of_sites(connection, [row.id for row in found])
            needed = _needed(core, connection, found)
        missing = [
            (site_id, kind, due_at)
            for site_id, kinds in needed.items()
            for kind, due_at in kinds.items()
            if kind not in there.get(site_id, ())
        ]
        extra = {site_id: kinds - needed[site_id].keys() for site_id, kinds in there.items()}
        if missing or any(extra.values()):
            with core.db.write() as connection:
                for site_id, kind, due_at in missing:
                    overdue += due_at <= now
                    tasks.ask(connection, site_id, kind, due_at if due_at > now else now + overdue * SPACING, now)
                for site_id, kinds in extra.items():
                    if kinds:
                        tasks.drop(connection, site_id, kinds, now)
        if len(found) < TOGETHER:
            break
        after = found[-1].id
        if stopping():
            return after
    with core.db.write() as connection:
        for kind in (Task.KEYS, Task.COMPARE, Task.TRIED):
            tasks.ask(connection, HOUSE, kind, core.now(), core.now())
    return ""


COUNTED_SECONDS = 300.0
"""How long a count of sites is taken for true: it looks through all of them, and hardly changes."""

_counted: WeakKeyDictionary[Database, dict[Task, tuple[float, int]]] = WeakKeyDictionary()


def count(core: Core, kind: Task) -> int:
    """Count the sites that have a kind of task, now or some minutes ago."""
    counted = _counted.setdefault(core.db, {})
    until, found = counted.get(kind, (0.0, 0))
    if time.monotonic() > until:
        with core.db.read() as connection:
            found = tasks.count(connection, kind)
        counted[kind] = (time.monotonic() + COUNTED_SECONDS, found)
    return found


def after_silence(core: Core, silence: int) -> None:
    """See to all sites that are pulsed rarely, one after the other: while no worker ran they may have been unable to tell."""
    with core.db.write() as connection:
        count = tasks.bring_forward(connection, Task.PULSE, core.now())
    if count:
        log.info("no worker ran for %d s: %d sites are seen to", silence // SECOND, count)


def _needed(core: Core, connection: Connection, sites: Sequence[SiteRow]) -> dict[str, Mapping[Task, int]]:
    """Give the tasks that sites need, and when each is due."""
    ids = [row.id for row in sites]
    newest, asked = policy_rows.newest(connection, ids), scans.asked_of(connection, ids)
    return {row.id: _needed_by(core, row, newest.get(row.id, 0), row.id in asked) for row in sites}


def _needed_by(core: Core, row: SiteRow, newest_policy: int, scan_asked: bool) -> Mapping[Task, int]:
    platform, now = core.platforms.get(row.platform), core.now()
    if platform is None or row.state is not SiteState.ACTIVE:
        return {}
    needed = {Task.RECONCILE: row.scanned_at + platform.reconcile_seconds * SECOND}
    if platform.pulse_seconds:
        needed[Task.PULSE] = row.pulsed_at + platform.pulse_seconds * SECOND
    if platform.listens:
        needed[Task.LISTEN] = now
    if newest_policy > row.replayed_version:
        needed[Task.REPLAY] = now
    if scan_asked:
        needed[Task.SCAN] = now
    if notices.ways(row.settings):
        needed[Task.NOTICES] = now
    return needed


def note_trouble(connection: Connection, site_id: str, before: str, after: str, *, proven: bool) -> str | None:
    """Show what a task found wrong with a site, `after`, instead of what it found the last time, `before`; "" is nothing.

    What others found stays, unless the platform has just `proven` to answer: then only what another task still finds. Return
    what is wrong now, None where that has not changed.
    """
    row = rows.get(connection, site_id)
    if row is None or (not after and row.problem != before and not proven):
        return None
    wrong = after or next((task.problem for task in tasks.of_site(connection, site_id) if task.problem), "")
    if wrong == row.problem:
        return None
    rows.change(connection, site_id, problem=wrong)
    return wrong
