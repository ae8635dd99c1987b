"""Wrong passwords, counted by whose they were and where they came from, before each is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, cast, delete, select, update

from app.db.sql import columns, insert_many, read_all
from app.db.tables import sign_in_tries as table


@dataclass(frozen=True, slots=True)
class TriesRow:
    """Hold how many tries a key has that were not forgotten by the last of them."""

    key: str
    count: int
    tried_at: int


def locked(connection: Connection, keys: list[str]) -> dict[str, TriesRow]:
    """Give the tries of each key, and keep every other process from changing them until this transaction ends."""
    insert_many(connection, table, [{"key": key, "count": 0, "tried_at": 0} for key in sorted(keys)])
    query = select(*columns(table, TriesRow)).where(table.c.key.in_(keys)).order_by(table.c.key).with_for_update()
    return {row.key: row for row in read_all(connection, query, TriesRow)}


def keep(connection: Connection, key: str, count: int, tried_at: int) -> None:
    connection.execute(update(table).where(table.c.key == key).values(count=count, tried_at=tried_at))


def give_back(connection: Connection, keys: list[str]) -> None:
    """Take one try of each key back."""
    connection.execute(update(table).where(table.c.key.in_(keys), table.c.count > 0).values(count=table.c.count - 1))


def clear(connection: Connection, key: str) -> None:
    connection.execute(delete(table).where(table.c.key == key))


def forget(connection: Connection, now: int, recovery: int) -> None:
    """Drop what counts no more: one try is forgotten in each `recovery`, both microseconds."""
    connection.execute(delete(table).where(table.c.tried_at + cast(table.c.count, BigInteger) * recovery < now))
