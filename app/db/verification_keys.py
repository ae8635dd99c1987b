"""The keys that vendors publish to prove their deliveries by, as fetched last."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from app.db.sql import columns, put, read_one
from app.db.tables import verification_keys as keys


@dataclass(frozen=True, slots=True)
class KeysRow:
    """Hold a platform's keys; `tried_at` is when they were last asked for, whatever came of it."""

    platform: str
    text: str
    fetched_at: int
    tried_at: int


_ONE = select(*columns(keys, KeysRow)).where(keys.c.platform == bindparam("platform"))


def get(connection: Connection, platform: str) -> KeysRow | None:
    return read_one(connection, _ONE, KeysRow, {"platform": platform})


def note_try(connection: Connection, platform: str, now: int) -> None:
    put(connection, keys, {"platform": platform, "tried_at": now})


def keep(connection: Connection, platform: str, text: str, now: int) -> None:
    connection.execute(update(keys).where(keys.c.platform == platform).values(text=text, fetched_at=now))
