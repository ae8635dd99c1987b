"""Deliveries, exactly as they came, each counted once for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from app.db.sql import columns, insert_once, read_all, read_one, values, written
from app.db.tables import deliveries


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Hold a delivery that is to be counted. `delivery_id` is shared by every retry of it."""

    site_id: str
    delivery_id: str
    received_at: int
    path: str
    headers: Mapping[str, str]
    body: bytes
    problem: str


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """Hold a stored delivery; `body` is empty once it was forgotten."""

    id: int
    site_id: str
    received_at: int
    path: str
    headers: Mapping[str, str]
    body: bytes
    problem: str


def add(connection: Connection, delivery: NewDelivery) -> int | None:
    """Count a delivery once for ever: None when its id was seen before."""
    return insert_once(connection, deliveries, values(delivery))


def last_at(connection: Connection, site_id: str) -> int | None:
    return connection.execute(select(func.max(deliveries.c.received_at)).where(deliveries.c.site_id == site_id)).scalar()


_ALL = select(*columns(deliveries, DeliveryRow))


def unreadable(connection: Connection, site_id: str, limit: int) -> list[DeliveryRow]:
    query = _ALL.where(deliveries.c.site_id == site_id, deliveries.c.problem != written(""))
    return read_all(connection, query.order_by(deliveries.c.id.desc()).limit(limit), DeliveryRow)


def get(connection: Connection, delivery_id: int) -> DeliveryRow | None:
    return read_one(connection, _ALL.where(deliveries.c.id == delivery_id), DeliveryRow)


def mark(connection: Connection, delivery_id: int, problem: str) -> None:
    connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(problem=problem))


def forget_bodies(connection: Connection, before: int) -> int:
    """Drop what old deliveries said; their ids stay, so that a very late retry is still known."""
    statement = update(deliveries).where(deliveries.c.received_at < before, func.length(deliveries.c.body) > 0)
    return connection.execute(statement.values(body=b"", headers={})).rowcount


def forget_site_bodies(connection: Connection, site_id: str) -> None:
    connection.execute(update(deliveries).where(deliveries.c.site_id == site_id).values(body=b"", headers={}))
