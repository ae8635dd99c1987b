"""What an owner sees of sites at a glance, counted for a page of sites at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select, text

from app.db.sql import read_all
from app.db.tables import deliveries, enforcements, jobs, sites, waiting
from app.domain.jobs import WorkState


@dataclass(frozen=True, slots=True)
class Glance:
    """Hold a site's counts, without what is restricted or escalated; the times are None where there is nothing."""

    site_id: str
    waiting: int
    oldest_waiting: int | None
    queued: int
    oldest_queued: int | None
    last_delivery_at: int | None
    parked: int = 0


_SEEN = (waiting.c.site_id == sites.c.id, waiting.c.restricted.is_(False), waiting.c.escalated.is_(False))
# As the indexes say it, word for word: a planner may only use a partial index for a condition that it knows.
_QUEUED = (jobs.c.site_id == sites.c.id, text("jobs.state IN ('due', 'busy')"))
_PARKED = (enforcements.c.state.in_([WorkState.PARKED, WorkState.DRIFTED]), text("enforcements.state <> 'done'"))
_GLANCE = select(
    sites.c.id,
    select(func.count()).select_from(waiting).where(*_SEEN).scalar_subquery(),
    select(func.min(waiting.c.since + 0)).where(*_SEEN).scalar_subquery(),  # else all that waits is walked for a site without any
    select(func.count()).select_from(jobs).where(*_QUEUED).scalar_subquery(),
    select(func.min(jobs.c.created_at)).where(*_QUEUED).scalar_subquery(),
    select(func.max(deliveries.c.received_at)).where(deliveries.c.site_id == sites.c.id).scalar_subquery(),
)


def of_sites(connection: Connection, site_ids: Collection[str]) -> dict[str, Glance]:
    ids = list(site_ids)
    found = read_all(connection, _GLANCE.where(sites.c.id.in_(ids)), Glance)
    query = select(enforcements.c.site_id, func.count()).where(*_PARKED, enforcements.c.site_id.in_(ids))
    parked = {site_id: count for site_id, count in connection.execute(query.group_by(enforcements.c.site_id))}
    return {row.site_id: replace(row, parked=parked.get(row.site_id, 0)) for row in found}
