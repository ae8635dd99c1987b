"""How far each scan came, so that an interrupted one goes on from there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from app.db.tables import scans, sites
from app.domain.platform import SiteState


def begin(connection: Connection, site_id: str, state: str, now: int, *, counting: bool = False, stop_at: int = 0) -> int:
    """Begin a scan: "running" by who calls, or "asked" for, to be done by a worker page by page."""
    blank = {"cursor": "", "seen": 0, "queued": 0, "problem": "", "started_at": now, "updated_at": now}
    statement = insert(scans).values(site_id=site_id, state=state, counting=counting, stop_at=stop_at, **blank)
    return int(connection.execute(statement.returning(scans.c.id)).scalar_one())


def unfinished(connection: Connection, site_id: str, *, counting: bool = False) -> Row[Any] | None:
    """Give the last scan of a site if it was interrupted: it goes on from its cursor."""
    row = last(connection, site_id, counting=counting)
    return row if row is not None and row.state != "done" else None


def asked(connection: Connection, now: int) -> list[tuple[str, bool]]:
    """Give the active sites that wait for a worker's next page, and whose platform is ready with it; True for a mere count."""
    query = (
        select(scans.c.site_id, scans.c.counting)
        .join(sites, sites.c.id == scans.c.site_id)
        .where(scans.c.state == "asked", scans.c.run_at <= now, sites.c.state == SiteState.ACTIVE)
        .order_by(scans.c.id)
    )
    return [(row.site_id, row.counting) for row in connection.execute(query)]


def stop(connection: Connection, site_id: str) -> int:
    """Stop what is asked for or at work; return how many scans that were."""
    statement = update(scans).where(scans.c.site_id == site_id, scans.c.state.in_(["asked", "running"]))
    return connection.execute(statement.values(state="stopped")).rowcount


def hurry(connection: Connection, site_id: str, now: int) -> None:
    """Go on with a waiting scan now."""
    statement = update(scans).where(scans.c.site_id == site_id, scans.c.state == "asked", scans.c.run_at > now)
    connection.execute(statement.values(run_at=now))


def last(connection: Connection, site_id: str, *, counting: bool = False) -> Row[Any] | None:
    query = select(scans).where(scans.c.site_id == site_id, scans.c.counting.is_(counting))
    return connection.execute(query.order_by(scans.c.id.desc()).limit(1)).one_or_none()


def advance(connection: Connection, scan_id: int, **values: Any) -> None:
    connection.execute(update(scans).where(scans.c.id == scan_id).values(**values))


def state(connection: Connection, scan_id: int) -> str:
    return str(connection.execute(select(scans.c.state).where(scans.c.id == scan_id)).scalar_one())
