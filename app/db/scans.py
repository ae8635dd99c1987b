from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from app.db.tables import scans


def begin(connection: Connection, site_id: str, state: str, now: int) -> int:
    """Begin a scan: "running" by who calls, or "asked" for, to be done by a worker page by page."""
    statement = insert(scans).values(
        site_id=site_id, cursor="", seen=0, queued=0, state=state, problem="", started_at=now, updated_at=now
    )
    return int(connection.execute(statement.returning(scans.c.id)).scalar_one())


def unfinished(connection: Connection, site_id: str) -> Row[Any] | None:
    """Give the last scan of a site if it was interrupted: it goes on from its cursor."""
    query = select(scans).where(scans.c.site_id == site_id).order_by(scans.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return row if row is not None and row.state != "done" else None


def asked(connection: Connection) -> list[str]:
    """Give the sites that wait for a worker's next page of a scan."""
    return list(connection.execute(select(scans.c.site_id).where(scans.c.state == "asked").distinct()).scalars())


def last(connection: Connection, site_id: str) -> Row[Any] | None:
    query = select(scans).where(scans.c.site_id == site_id).order_by(scans.c.id.desc()).limit(1)
    return connection.execute(query).one_or_none()


def advance(connection: Connection, scan_id: int, **values: Any) -> None:
    connection.execute(update(scans).where(scans.c.id == scan_id).values(**values))
