"""Accounts, sessions, one-time links and the sign-in limiter. Tokens are stored as their sha256 only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from app.db.tables import links, people, sessions, sign_in_tries


def add(connection: Connection, email: str, name: str, password: str, role: str, now: int) -> int:
    statement = insert(people).values(email=email, name=name, password=password, role=role, created_at=now)
    return int(connection.execute(statement.returning(people.c.id)).scalar_one())


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(people)).scalar_one())


def by_email(connection: Connection, email: str) -> Row[Any] | None:
    return connection.execute(select(people).where(people.c.email == email)).one_or_none()


def add_link(connection: Connection, token: str, purpose: str, expires_at: int) -> None:
    connection.execute(delete(links).where(links.c.purpose == purpose, links.c.used_at.is_(None)))
    connection.execute(insert(links).values(token=token, purpose=purpose, expires_at=expires_at))


def link_open(connection: Connection, token: str, purpose: str, now: int) -> bool:
    query = select(links).where(
        links.c.token == token, links.c.purpose == purpose, links.c.used_at.is_(None), links.c.expires_at > now
    )
    return connection.execute(query).one_or_none() is not None


def use_link(connection: Connection, token: str, purpose: str, now: int) -> bool:
    """Use a link up; False when it was used, is too old or never was."""
    statement = update(links).where(
        links.c.token == token, links.c.purpose == purpose, links.c.used_at.is_(None), links.c.expires_at > now
    )
    return connection.execute(statement.values(used_at=now)).rowcount == 1


def add_session(connection: Connection, token: str, person_id: int, form_token: str, now: int, expires_at: int) -> None:
    connection.execute(
        insert(sessions).values(token=token, person_id=person_id, form_token=form_token, created_at=now, expires_at=expires_at)
    )


def session(connection: Connection, token: str, now: int) -> Any:
    query = (
        select(people.c.id, people.c.email, people.c.name, people.c.role, sessions.c.form_token)
        .join(sessions, sessions.c.person_id == people.c.id)
        .where(sessions.c.token == token, sessions.c.expires_at > now)
    )
    return connection.execute(query).one_or_none()


def end_session(connection: Connection, token: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.token == token))


def tries(connection: Connection, key: str, since: int) -> int:
    query = select(func.count()).where(sign_in_tries.c.key == key, sign_in_tries.c.tried_at > since)
    return int(connection.execute(query).scalar_one())


def add_try(connection: Connection, key: str, now: int) -> None:
    connection.execute(insert(sign_in_tries).values(key=key, tried_at=now))


def forget(connection: Connection, now: int, tries_before: int) -> None:
    """Drop expired sessions and links, and old sign-in tries."""
    connection.execute(delete(sessions).where(sessions.c.expires_at < now))
    connection.execute(delete(links).where(links.c.expires_at < now))
    connection.execute(delete(sign_in_tries).where(sign_in_tries.c.tried_at < tries_before))
