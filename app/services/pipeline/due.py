"""What is due now, and what a dead worker or a wrong clock left."""

from __future__ import annotations

import logging

from app.db import leases, lines
from app.services.core import Core

log = logging.getLogger(__name__)


def sweep(core: Core) -> int:
    """Make due again what a dead worker held, or a wrong clock put off; return how many items that were."""
    with core.db.write() as connection:
        now = core.now()
        mended = [leases.mend(connection, line, now) for line in lines.LINES]
    lost, late = sum(dead for dead, _ in mended), sum(late for _, late in mended)
    if lost:
        log.warning("the leases of %d items ran out: they are tried again", lost)
    if late:
        log.warning("%d items were put off by more than a day, by a clock that was wrong: they are tried now", late)
    return lost + late


def look(core: Core) -> tuple[bool, bool]:
    """Tell whether a job and an action are due, after sweeping when something is amiss. Cheap on an idle machine."""
    core.db.tidy()
    now = core.now()
    with core.db.read() as connection:
        (job, job_amiss), (action, action_amiss) = (lines.look(connection, line, now) for line in lines.LINES)
    if not (job_amiss or action_amiss):
        return job, action
    sweep(core)
    return job or job_amiss, action or action_amiss


def fill_stuck(core: Core) -> None:
    """Line up what stands behind though its site has room: what an update, or two transactions of one moment, left so."""
    with core.db.write() as connection:
        sites = lines.fill_stuck(connection, core.now())
    if sites:
        log.info("work of %d sites was lined up again", sites)
