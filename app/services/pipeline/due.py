"""What is due now, and what a dead worker held."""

from __future__ import annotations

from app.db import enforcements, jobs
from app.services.core import Core


def sweep(core: Core) -> int:
    """Make due again what a dead worker held; return how many items that were."""
    with core.db.write() as connection:
        return jobs.sweep(connection, core.now()) + enforcements.sweep(connection, core.now())


def look(core: Core) -> tuple[bool, bool]:
    """Tell whether a job and an action are due, after sweeping when a lease ran out. Cheap on an idle machine."""
    core.db.tidy()
    now = core.now()
    with core.db.read() as connection:
        job, lost_job = jobs.look(connection, now)
        action, lost_action = enforcements.look(connection, now)
    if not (lost_job or lost_action):
        return job, action
    sweep(core)
    return job or lost_job, action or lost_action
