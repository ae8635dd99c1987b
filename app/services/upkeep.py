"""What happens by the clock: sweeping lost leases, pulses, reconciliation, replays of new policies, retention."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import Row

from app.db import attempts, deliveries, enforcements, jobs, people, pictures
from app.db import sites as rows
from app.domain.errors import PicwardError
from app.domain.platform import SiteState
from app.services import attempt, insights, lists, notices, policies, replay, scan, sites
from app.services.core import DAY, SECOND, Core
from app.services.people import TRIES_MINUTES

log = logging.getLogger(__name__)


def sweep(core: Core) -> int:
    """Make due again what a dead worker held; return how many items that were."""
    with core.db.write() as connection:
        return jobs.sweep(connection, core.now()) + enforcements.sweep(connection, core.now())


def look(core: Core) -> tuple[bool, bool]:
    """Say whether a job and an action are due, after sweeping when a lease ran out. Cheap on an idle machine."""
    core.db.tidy()
    now = core.now()
    with core.db.read() as connection:
        job, lost_job = jobs.look(connection, now)
        action, lost_action = enforcements.look(connection, now)
        job = job or attempts.due(connection)
    if not (lost_job or lost_action):
        return job, action
    sweep(core)
    return job or lost_job, action or lost_action


def tend_sites(core: Core, stopping: Callable[[], bool]) -> None:
    """Do each active site's periodic work that is due; one site's trouble does not stop the others."""
    scan.step(core)
    until = core.now() + int(scan.SLICE_SECONDS * SECOND)
    lists.compare(core, lambda: stopping() or core.now() > until)
    attempt.forget_old(core)
    with core.db.read() as connection:
        active = rows.every(connection, [SiteState.ACTIVE])
    for row in active:
        if stopping():
            return
        platform = core.platforms.get(row.platform)
        if platform is None:
            continue
        _tell(core, row)
        try:
            if platform.pulse_seconds and _turn(core, row.id, "pulsed_at", platform.pulse_seconds):
                platform.pulse(sites.open_site(core, row))
                _well(core, row.id, row.problem)
            if _turn(core, row.id, "scanned_at", platform.reconcile_seconds):
                _reconcile(core, row, stopping)
            _replay(core, row.id, row.replayed_version, stopping)
        except PicwardError as error:
            _ill(core, row.id, row.problem, str(error))
        except Exception as error:
            log.exception("upkeep of site %s failed", row.id)
            _ill(core, row.id, row.problem, f"{type(error).__name__}: {error}")


def _tell(core: Core, row: Row[Any]) -> None:
    """Send the owner what there is to tell; apart from the rest, since it must go out when the site is in trouble."""
    if not (row.settings.get("tell_emails") or row.settings.get("tell_webhook")):
        return
    try:
        notices.tend(core, row.id, row.name, sites.open_site(core, row).settings, row.problem)
    except Exception:
        log.exception("telling the owner of site %s failed", row.id)


def _turn(core: Core, site_id: str, column: str, seconds: int) -> bool:
    before = core.now() - seconds * SECOND
    with core.db.read() as connection:
        row = rows.get(connection, site_id)
    if row is None or getattr(row, column) > before:
        return False
    with core.db.write() as connection:
        return rows.take_turn(connection, site_id, column, before, core.now())


SWEEP_MARGIN_SECONDS = 900
"""How far back of the last reconciliation the next one looks: platforms' clocks and indexes lag by minutes."""


def _reconcile(core: Core, row: Row[Any], stopping: Callable[[], bool]) -> None:
    begun, paired_at = core.now(), row.paired_at or 0
    since = max(row.swept_at or paired_at, paired_at) - SWEEP_MARGIN_SECONDS * SECOND
    scan.reconcile(core, sites.open_site(core, row), paired_at, since, stopping)
    if not stopping():
        with core.db.write() as connection:
            rows.change(connection, row.id, {"swept_at": begun})


def _ill(core: Core, site_id: str, known: str, problem: str) -> None:
    if problem != known:
        with core.db.write() as connection:
            rows.change(connection, site_id, {"problem": problem})


def _well(core: Core, site_id: str, known: str) -> None:
    if known:
        _ill(core, site_id, known, "")


def _replay(core: Core, site_id: str, replayed: int, stopping: Callable[[], bool]) -> None:
    with core.db.read() as connection:
        version = policies.load(connection, site_id).version
    if version <= replayed:
        return
    while not stopping():
        if replay.replay_policy(core, site_id) == 0:
            with core.db.write() as connection:
                rows.change(connection, site_id, {"replayed_version": version})
            core.wake()
            return


def forget(core: Core) -> None:
    """Drop what retention says: old delivery bodies, previews, sessions, sign-in tries."""
    now = core.now()
    with core.db.write() as connection:
        deliveries.forget_bodies(connection, now - core.limits.delivery_days * DAY)
        people.forget(connection, now, now - TRIES_MINUTES * 60 * SECOND)
        for row in rows.every(connection):
            days = row.settings.get("preview_days", 30)
            pictures.forget_previews(connection, row.id, now - days * DAY)
    insights.note_waiting(core)
