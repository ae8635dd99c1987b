"""Accounts, sessions, one-time links and the sign-in limiter. Tokens are stored as their sha256 only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from app.db.tables import audit, links, people, sessions, sign_in_tries


def add(
    connection: Connection, email: str, name: str, password: str, role: str, now: int, sites: Collection[str] = frozenset()
) -> int:
    statement = insert(people).values(
        email=email, name=name, password=password, role=role, created_at=now, sites=sorted(sites), disabled_at=None
    )
    return int(connection.execute(statement.returning(people.c.id)).scalar_one())


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(people)).scalar_one())


def every(connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(select(people).order_by(people.c.id)).all()


def get(connection: Connection, person_id: int) -> Row[Any] | None:
    return connection.execute(select(people).where(people.c.id == person_id)).one_or_none()


def by_email(connection: Connection, email: str) -> Row[Any] | None:
    return connection.execute(select(people).where(people.c.email == email)).one_or_none()


def change(connection: Connection, person_id: int, **values: Any) -> None:
    connection.execute(update(people).where(people.c.id == person_id).values(**values))


def with_role(connection: Connection, role: str) -> list[int]:
    """List who has a role and is not disabled, and keep others from changing them until this transaction ends."""
    query = select(people.c.id).where(people.c.role == role, people.c.disabled_at.is_(None)).order_by(people.c.id)
    return list(connection.execute(query.with_for_update()).scalars())


def add_link(connection: Connection, token: str, purpose: str, expires_at: int, **about: Any) -> None:
    """Store a link; `about` says who it is for, and an unused one for the same stops working."""
    same: list[ColumnElement[bool]] = [links.c.purpose == purpose, links.c.used_at.is_(None)]
    same += [links.c[name] == about[name] for name in ("person_id", "email") if name in about]
    connection.execute(delete(links).where(*same))
    connection.execute(insert(links).values(token=token, purpose=purpose, expires_at=expires_at, **about))


def _open(purpose: str, now: int) -> tuple[ColumnElement[bool], ...]:
    return links.c.purpose == purpose, links.c.used_at.is_(None), links.c.expires_at > now


def link(connection: Connection, token: str, purpose: str, now: int) -> Row[Any] | None:
    """Give a link that still works."""
    return connection.execute(select(links).where(links.c.token == token, *_open(purpose, now))).one_or_none()


def open_links(connection: Connection, purpose: str, now: int) -> Sequence[Row[Any]]:
    return connection.execute(select(links).where(*_open(purpose, now)).order_by(links.c.created_at, links.c.token)).all()


def use_link(connection: Connection, token: str, purpose: str, now: int) -> bool:
    """Use a link up; False when it was used, is too old or never was."""
    statement = update(links).where(links.c.token == token, *_open(purpose, now))
    return connection.execute(statement.values(used_at=now)).rowcount == 1


def forget_link(connection: Connection, token: str, purpose: str) -> bool:
    statement = delete(links).where(links.c.token == token, links.c.purpose == purpose, links.c.used_at.is_(None))
    return connection.execute(statement).rowcount == 1


def forget_links_of(connection: Connection, person_id: int) -> None:
    connection.execute(delete(links).where(links.c.person_id == person_id, links.c.used_at.is_(None)))


def add_session(
    connection: Connection, token: str, person_id: int, form_token: str, now: int, expires_at: int, agent: str = ""
) -> None:
    connection.execute(
        insert(sessions).values(
            token=token, person_id=person_id, form_token=form_token, created_at=now, expires_at=expires_at, agent=agent
        )
    )


def session(connection: Connection, token: str, now: int) -> Any:
    """Give who is signed in with a token; a disabled person is not."""
    query = (
        select(people.c.id, people.c.email, people.c.name, people.c.role, people.c.sites, sessions.c.form_token)
        .join(sessions, sessions.c.person_id == people.c.id)
        .where(sessions.c.token == token, sessions.c.expires_at > now, people.c.disabled_at.is_(None))
    )
    return connection.execute(query).one_or_none()


def sessions_of(connection: Connection, person_id: int, now: int) -> Sequence[Row[Any]]:
    query = select(sessions).where(sessions.c.person_id == person_id, sessions.c.expires_at > now)
    return connection.execute(query.order_by(sessions.c.created_at.desc(), sessions.c.token)).all()


def end_session(connection: Connection, token: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.token == token))


def end_sessions(connection: Connection, person_id: int, but: str = "") -> int:
    """End a person's sessions, all but one when that is named; return how many."""
    return connection.execute(delete(sessions).where(sessions.c.person_id == person_id, sessions.c.token != but)).rowcount


def tries(connection: Connection, key: str, since: int) -> int:
    query = select(func.count()).where(sign_in_tries.c.key == key, sign_in_tries.c.tried_at > since)
    return int(connection.execute(query).scalar_one())


def add_try(connection: Connection, key: str, now: int) -> None:
    connection.execute(insert(sign_in_tries).values(key=key, tried_at=now))


def trail(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """List what happened to accounts, invitations and tokens, newest first."""
    about = audit.c.action.startswith("person.") | audit.c.action.startswith("token.")
    query = select(audit).where(audit.c.site_id == "", audit.c.media_id == "", about)
    return connection.execute(query.order_by(audit.c.id.desc()).limit(limit)).all()


def forget(connection: Connection, now: int, tries_before: int) -> None:
    """Drop expired sessions and links, and old sign-in tries."""
    connection.execute(delete(sessions).where(sessions.c.expires_at < now))
    connection.execute(delete(links).where(links.c.expires_at < now))
    connection.execute(delete(sign_in_tries).where(sign_in_tries.c.tried_at < tries_before))
