"""Pictures that people try, encrypted, until they are put away or too old."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from app.db.sql import columns, read_one, written
from app.db.tables import tried_pictures
from app.domain.jobs import WorkState

_DUE = tried_pictures.c.state == written(WorkState.DUE)


@dataclass(frozen=True, slots=True)
class Taken:
    """Hold a picture that is to be judged now."""

    id: str
    picture: bytes


@dataclass(frozen=True, slots=True)
class TriedPictureRow:
    """Hold what was seen in a picture, once it is DONE; `shown` is a small one, None where it cannot or must not be shown."""

    id: str
    state: WorkState
    answer: bytes | None
    shown: bytes | None
    created_at: int


def add(connection: Connection, id: str, person_id: int, picture: bytes, now: int) -> None:
    connection.execute(
        insert(tried_pictures).values(id=id, person_id=person_id, state=WorkState.DUE, picture=picture, created_at=now)
    )


def count(connection: Connection, person_id: int) -> int:
    """Count what one person has under way, or has not put away."""
    query = select(func.count()).select_from(tried_pictures).where(tried_pictures.c.person_id == person_id)
    return int(connection.execute(query).scalar_one())


_DUE_NOW = select(exists().where(_DUE))


def due(connection: Connection) -> bool:
    return bool(connection.execute(_DUE_NOW).scalar())


def claim(connection: Connection, since: int) -> Taken | None:
    """Take the oldest picture that waits and came after `since`. It is taken once: a worker that dies of it leaves it."""
    oldest = (
        select(tried_pictures.c.id)
        .where(_DUE, tried_pictures.c.created_at > since)
        .order_by(tried_pictures.c.created_at)
        .limit(1)
    )
    statement = update(tried_pictures).where(tried_pictures.c.id == oldest.scalar_subquery(), _DUE).values(state=WorkState.BUSY)
    return read_one(connection, statement.returning(*columns(tried_pictures, Taken)), Taken)


def end(connection: Connection, id: str, answer: bytes, shown: bytes | None) -> None:
    """Keep what was seen, and drop the picture itself."""
    values = {"state": WorkState.DONE, "answer": answer, "shown": shown, "picture": None}
    connection.execute(update(tried_pictures).where(tried_pictures.c.id == id).values(values))


def get(connection: Connection, id: str, person_id: int) -> TriedPictureRow | None:
    query = select(*columns(tried_pictures, TriedPictureRow)).where(
        tried_pictures.c.id == id, tried_pictures.c.person_id == person_id
    )
    return read_one(connection, query, TriedPictureRow)


def forget(connection: Connection, person_id: int, id: str) -> int:
    return connection.execute(
        delete(tried_pictures).where(tried_pictures.c.id == id, tried_pictures.c.person_id == person_id)
    ).rowcount


def oldest_at(connection: Connection) -> int | None:
    oldest: int | None = connection.execute(select(func.min(tried_pictures.c.created_at))).scalar_one()
    return oldest


def forget_before(connection: Connection, before: int) -> int:
    return connection.execute(delete(tried_pictures).where(tried_pictures.c.created_at < before)).rowcount
