"""What happens by the clock: pulses, reconciliation, replays of new policies, scans, notices, retention."""

from __future__ import annotations

import logging
from collections.abc import Callable

from app.domain.errors import PicwardError
from app.domain.time import SECOND
from app.services.core import Core
from app.services.people import sessions
from app.services.pipeline import intake, previews, replay, scan
from app.services.rules import lists
from app.services.sites import sites
from app.services.sites.sites import SiteRow
from app.services.telling import insights, notices
from app.services.trying import pictures

log = logging.getLogger(__name__)


def tend_sites(core: Core, stopping: Callable[[], bool]) -> None:
    """Run each active site's periodic work that is due; trouble at one site does not stop the others."""
    scan.step(core)
    until = core.now() + int(scan.SLICE_SECONDS * SECOND)
    lists.compare(core, lambda: stopping() or core.now() > until)
    pictures.forget_old(core)
    for row in sites.active(core):
        if stopping():
            return
        if row.platform in core.platforms:
            _tell(core, row)
            _tend(core, row, stopping)


def _tend(core: Core, row: SiteRow, stopping: Callable[[], bool]) -> None:
    platform = core.platform(row.platform)
    try:
        if platform.pulse_seconds and sites.take_turn(core, row.id, "pulsed_at", platform.pulse_seconds):
            platform.pulse(sites.open_site(core, row))
            sites.note_problem(core, row.id, row.problem, "")
        if sites.take_turn(core, row.id, "scanned_at", platform.reconcile_seconds):
            scan.reconcile_site(core, row, stopping)
        replay.catch_up(core, row.id, row.replayed_version, stopping)
    except PicwardError as error:
        sites.note_problem(core, row.id, row.problem, str(error))
    except Exception as error:
        log.exception("upkeep of site %s failed", row.id)
        sites.note_problem(core, row.id, row.problem, f"{type(error).__name__}: {error}")


def _tell(core: Core, row: SiteRow) -> None:
    """Send the owner what there is to tell; apart from the rest, since it must go out when the site is in trouble."""
    if not (row.settings.get("tell_emails") or row.settings.get("tell_webhook")):
        return
    try:
        notices.tend(core, row.id, row.name, sites.open_site(core, row).settings, row.problem)
    except Exception:
        log.exception("telling the owner of site %s failed", row.id)


def forget(core: Core) -> None:
    """Drop what retention says, and note what waits: the figures of a day need it."""
    intake.forget_bodies(core)
    sessions.forget_old(core)
    previews.forget_old(core)
    insights.note_waiting(core)
