"""Accounts, their sessions, one-time links and known networks. Tokens are stored as their sha256 only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from app.db.sql import columns, put, read_all, read_one
from app.db.tables import known_networks, links, people, sessions
from app.domain.roles import LinkPurpose, Role


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Hold an account. `sites` are ids, none for every site."""

    id: int
    email: str
    name: str
    password: str
    role: Role
    sites: Sequence[str]
    created_at: int
    disabled_at: int | None


class PersonChange(TypedDict, total=False):
    """Name the columns that may be changed by themselves."""

    name: str
    password: str
    role: Role
    sites: Sequence[str]
    disabled_at: int | None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """Hold a one-time link, by the digest of what it holds. `person_id` is whose password it sets; `email`, `role` and `sites`
    are of who is let in, empty where it lets nobody in."""

    token: str
    purpose: LinkPurpose
    expires_at: int
    person_id: int | None
    email: str
    role: str
    sites: Sequence[str]
    created_at: int
    created_by: str


class LinkAbout(TypedDict, total=False):
    """Say who a link is for, and who made it."""

    person_id: int
    email: str
    role: Role
    sites: Sequence[str]
    created_at: int
    created_by: str


@dataclass(frozen=True, slots=True)
class SignedInRow:
    """Hold a session with its person; both may have to be let in again."""

    id: int
    email: str
    name: str
    role: Role
    sites: Sequence[str]
    form_token: str
    password: str
    created_at: int
    expires_at: int
    seen_at: int
    proven_at: int


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Hold one sign-in, by the digest of its cookie."""

    token: str
    agent: str
    created_at: int
    seen_at: int


_PEOPLE = select(*columns(people, PersonRow))
_LINKS = select(*columns(links, LinkRow))


def add(
    connection: Connection, email: str, name: str, password: str, role: Role, now: int, sites: Collection[str] = frozenset()
) -> int:
    statement = insert(people).values(
        email=email, name=name, password=password, role=role, created_at=now, sites=sorted(sites), disabled_at=None
    )
    return int(connection.execute(statement.returning(people.c.id)).scalar_one())


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(people)).scalar_one())


def every(connection: Connection) -> list[PersonRow]:
    return read_all(connection, _PEOPLE.order_by(people.c.id), PersonRow)


def get(connection: Connection, person_id: int) -> PersonRow | None:
    return read_one(connection, _PEOPLE.where(people.c.id == person_id), PersonRow)


def by_email(connection: Connection, email: str) -> PersonRow | None:
    return read_one(connection, _PEOPLE.where(people.c.email == email), PersonRow)


def change(connection: Connection, person_id: int, **changes: Unpack[PersonChange]) -> None:
    connection.execute(update(people).where(people.c.id == person_id).values(**changes))


def with_role(connection: Connection, role: Role) -> list[int]:
    """List who has a role and is not disabled, and keep others from changing them until this transaction ends."""
    query = select(people.c.id).where(people.c.role == role, people.c.disabled_at.is_(None)).order_by(people.c.id)
    return list(connection.execute(query.with_for_update()).scalars())


def add_link(connection: Connection, token: str, purpose: LinkPurpose, expires_at: int, **about: Unpack[LinkAbout]) -> None:
    """Store a link; `about` says who it is for, and an unused one for the same stops working."""
    same: list[ColumnElement[bool]] = [links.c.purpose == purpose, links.c.used_at.is_(None)]
    if "person_id" in about:
        same.append(links.c.person_id == about["person_id"])
    if "email" in about:
        same.append(links.c.email == about["email"])
    connection.execute(delete(links).where(*same))
    connection.execute(insert(links).values(token=token, purpose=purpose, expires_at=expires_at, **about))


def _open(purpose: LinkPurpose, now: int) -> tuple[ColumnElement[bool], ...]:
    return links.c.purpose == purpose, links.c.used_at.is_(None), links.c.expires_at > now


def link(connection: Connection, token: str, purpose: LinkPurpose, now: int) -> LinkRow | None:
    """Give a link that still works."""
    return read_one(connection, _LINKS.where(links.c.token == token, *_open(purpose, now)), LinkRow)


def open_links(connection: Connection, purpose: LinkPurpose, now: int) -> list[LinkRow]:
    return read_all(connection, _LINKS.where(*_open(purpose, now)).order_by(links.c.created_at, links.c.token), LinkRow)


def use_link(connection: Connection, token: str, purpose: LinkPurpose, now: int) -> bool:
    """Use a link up; False when it was used, is too old or never was."""
    statement = update(links).where(links.c.token == token, *_open(purpose, now))
    return connection.execute(statement.values(used_at=now)).rowcount == 1


def forget_link(connection: Connection, token: str, purpose: LinkPurpose) -> bool:
    statement = delete(links).where(links.c.token == token, links.c.purpose == purpose, links.c.used_at.is_(None))
    return connection.execute(statement).rowcount == 1


def forget_links_of(connection: Connection, person_id: int) -> None:
    connection.execute(delete(links).where(links.c.person_id == person_id, links.c.used_at.is_(None)))


def add_session(
    connection: Connection, token: str, person_id: int, form_token: str, now: int, expires_at: int, agent: str, proven_at: int
) -> None:
    connection.execute(
        insert(sessions).values(
            token=token,
            person_id=person_id,
            form_token=form_token,
            created_at=now,
            expires_at=expires_at,
            agent=agent,
            seen_at=now,
            proven_at=proven_at,
        )
    )


def session(connection: Connection, token: str) -> SignedInRow | None:
    """Give a session with its person, also one that ran out; none of a disabled person."""
    of_person = (people.c.id, people.c.email, people.c.name, people.c.role, people.c.sites)
    of_session = (sessions.c.created_at, sessions.c.expires_at, sessions.c.seen_at, sessions.c.proven_at)
    query = (
        select(*of_person, sessions.c.form_token, people.c.password, *of_session)
        .join(sessions, sessions.c.person_id == people.c.id)
        .where(sessions.c.token == token, people.c.disabled_at.is_(None))
    )
    return read_one(connection, query, SignedInRow)


def sessions_of(connection: Connection, person_id: int, now: int, seen_after: int) -> list[SessionRow]:
    query = select(*columns(sessions, SessionRow)).where(sessions.c.person_id == person_id, sessions.c.expires_at > now)
    query = query.where(sessions.c.seen_at > seen_after)
    return read_all(connection, query.order_by(sessions.c.created_at.desc(), sessions.c.token), SessionRow)


def see_session(connection: Connection, token: str, now: int) -> None:
    connection.execute(update(sessions).where(sessions.c.token == token).values(seen_at=now))


def prove_session(connection: Connection, token: str, now: int) -> None:
    connection.execute(update(sessions).where(sessions.c.token == token).values(seen_at=now, proven_at=now))


def renew_session(connection: Connection, token: str, renewed: str, now: int, expires_at: int) -> bool:
    """Give a session that ran out another token, and let it go on; False when it is gone."""
    statement = update(sessions).where(sessions.c.token == token)
    return connection.execute(statement.values(token=renewed, seen_at=now, proven_at=now, expires_at=expires_at)).rowcount == 1


def end_session(connection: Connection, token: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.token == token))


def end_sessions(connection: Connection, person_id: int, but: str = "") -> int:
    """End a person's sessions, all but one when that is named; return how many."""
    return connection.execute(delete(sessions).where(sessions.c.person_id == person_id, sessions.c.token != but)).rowcount


def _guests(site_id: str) -> Select[Any]:
    """Choose whom a site let in: their addresses end in its id, and no password is theirs."""
    return select(people.c.id).where(people.c.email.endswith(f"@{site_id}", autoescape=True), people.c.password == "")


def count_guests(connection: Connection, site_id: str) -> int:
    return int(connection.execute(select(func.count()).select_from(_guests(site_id).subquery())).scalar_one())


def end_guests(connection: Connection, site_id: str) -> None:
    """End the sessions and drop the links of all whom a site let in."""
    connection.execute(delete(sessions).where(sessions.c.person_id.in_(_guests(site_id))))
    theirs = links.c.purpose == LinkPurpose.GUEST, links.c.email.endswith(f"@{site_id}", autoescape=True)
    connection.execute(delete(links).where(*theirs))


def knows_network(connection: Connection, person_id: int, network: str, since: int) -> bool:
    """Tell whether a person came in from a network since then."""
    mine = (known_networks.c.person_id == person_id, known_networks.c.network == network)
    return connection.execute(select(known_networks.c.seen_at).where(*mine, known_networks.c.seen_at > since)).first() is not None


def know_network(connection: Connection, person_id: int, network: str, now: int) -> None:
    put(connection, known_networks, {"person_id": person_id, "network": network, "seen_at": now})


def forget(connection: Connection, now: int, sessions_before: int, networks_before: int) -> None:
    """Drop expired links, and sessions and networks that are older than that."""
    connection.execute(delete(sessions).where(sessions.c.expires_at < sessions_before))
    connection.execute(delete(links).where(links.c.expires_at < now))
    connection.execute(delete(known_networks).where(known_networks.c.seen_at < networks_before))
