"""Pictures that people try: their bytes until they are judged, and then what was seen."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, func, insert, literal_column, select, update

from app.db.tables import attempts
from app.domain.jobs import WorkState

# Written into the statement, since a planner may only use a partial index for a value that it knows.
_DUE = attempts.c.state == literal_column("'due'")


def add(connection: Connection, id: str, person_id: int, picture: bytes, now: int) -> None:
    connection.execute(insert(attempts).values(id=id, person_id=person_id, state=WorkState.DUE, picture=picture, created_at=now))


def count(connection: Connection, person_id: int) -> int:
    """Count what one person has under way, or has not put away."""
    query = select(func.count()).select_from(attempts).where(attempts.c.person_id == person_id)
    return int(connection.execute(query).scalar_one())


_DUE_NOW = select(exists().where(_DUE))


def due(connection: Connection) -> bool:
    return bool(connection.execute(_DUE_NOW).scalar())


def claim(connection: Connection, since: int) -> Row[Any] | None:
    """Take the oldest picture that waits and came after `since`. It is taken once: a worker that dies of it leaves it."""
    oldest = select(attempts.c.id).where(_DUE, attempts.c.created_at > since).order_by(attempts.c.created_at).limit(1)
    statement = update(attempts).where(attempts.c.id == oldest.scalar_subquery(), _DUE).values(state=WorkState.BUSY)
    return connection.execute(statement.returning(*attempts.c)).one_or_none()


def end(connection: Connection, id: str, answer: bytes, shown: bytes | None) -> None:
    """Keep what was seen, and drop the picture itself."""
    values = {"state": WorkState.DONE, "answer": answer, "shown": shown, "picture": None}
    connection.execute(update(attempts).where(attempts.c.id == id).values(values))


def get(connection: Connection, id: str, person_id: int) -> Any:
    query = select(attempts.c.id, attempts.c.state, attempts.c.answer, attempts.c.shown, attempts.c.created_at)
    return connection.execute(query.where(attempts.c.id == id, attempts.c.person_id == person_id)).one_or_none()


def forget(connection: Connection, person_id: int, id: str) -> int:
    return connection.execute(delete(attempts).where(attempts.c.id == id, attempts.c.person_id == person_id)).rowcount


_OLD = select(exists().where(attempts.c.created_at < bindparam("before")))


def any_before(connection: Connection, before: int) -> bool:
    return bool(connection.execute(_OLD, {"before": before}).scalar())


def forget_before(connection: Connection, before: int) -> int:
    return connection.execute(delete(attempts).where(attempts.c.created_at < before)).rowcount
