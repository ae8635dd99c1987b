"""Deliveries as they were received, each stored once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, literal_column, select, update

from app.db.statements import insert_once
from app.db.tables import deliveries

# Written into the statement, since a planner may only use a partial index for a value that it knows.
_NONE: ColumnElement[str] = literal_column("''")


def add(connection: Connection, **values: Any) -> int | None:
    """Count a delivery once for ever: None when its id was seen before."""
    return insert_once(connection, deliveries, values)


def last_at(connection: Connection, site_id: str) -> int | None:
    return connection.execute(select(func.max(deliveries.c.received_at)).where(deliveries.c.site_id == site_id)).scalar()


def unreadable(connection: Connection, site_id: str, limit: int) -> Sequence[Any]:
    query = select(deliveries.c.id, deliveries.c.received_at, deliveries.c.problem).where(
        deliveries.c.site_id == site_id, deliveries.c.problem != _NONE
    )
    return connection.execute(query.order_by(deliveries.c.id.desc()).limit(limit)).all()


def get(connection: Connection, delivery: int) -> Row[Any] | None:
    return connection.execute(select(deliveries).where(deliveries.c.id == delivery)).one_or_none()


def mark(connection: Connection, delivery: int, problem: str) -> None:
    connection.execute(update(deliveries).where(deliveries.c.id == delivery).values(problem=problem))


def forget_bodies(connection: Connection, before: int) -> int:
    """Drop what old deliveries said; their ids stay, so that a very late retry is still known."""
    statement = update(deliveries).where(deliveries.c.received_at < before, func.length(deliveries.c.body) > 0)
    return connection.execute(statement.values(body=b"", headers={})).rowcount


def forget_site_bodies(connection: Connection, site_id: str) -> None:
    connection.execute(update(deliveries).where(deliveries.c.site_id == site_id).values(body=b"", headers={}))
