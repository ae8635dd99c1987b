"""The keys that vendors publish to prove their deliveries by, as fetched last."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.db.sql import columns, read_one
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


def take_turn(connection: Connection, platform: str, known: KeysRow | None, now: int) -> bool:
    """Mark the keys as being fetched; False when another worker took the turn since `known` was read."""
    if known is None:
        try:
            connection.execute(insert(keys).values(platform=platform, tried_at=now))
        except IntegrityError:
            return False
        return True
    mine = (keys.c.platform == platform, keys.c.tried_at == known.tried_at)
    return connection.execute(update(keys).where(*mine).values(tried_at=now)).rowcount == 1


def keep(connection: Connection, platform: str, text: str, now: int) -> None:
    connection.execute(update(keys).where(keys.c.platform == platform).values(text=text, fetched_at=now))
