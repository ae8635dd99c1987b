from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from app.db.statements import execute_compiled
from app.db.tables import policies, sites


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(sites), dict(values))


_ONE = select(sites).where(sites.c.id == bindparam("site"))


def get(connection: Connection, site_id: str) -> Row[Any] | None:
    return connection.execute(_ONE, {"site": site_id}).one_or_none()


_STORED = select(sites.c.platform, sites.c.name, sites.c.state, sites.c.secrets, sites.c.connection, sites.c.settings).where(
    sites.c.id == bindparam("site")
)


def stored(connection: Connection, site_id: str) -> object | None:
    """Give what a site is made of exactly as it is stored, to compare with; much cheaper than reading it."""
    rows = execute_compiled(connection, _STORED, {"site": site_id})
    return tuple(rows[0]) if rows else None


def every(connection: Connection, states: Sequence[str] = ()) -> Sequence[Row[Any]]:
    query = select(sites).order_by(sites.c.created_at)
    if states:
        query = query.where(sites.c.state.in_(states))
    return connection.execute(query).all()


def change(connection: Connection, site_id: str, values: Mapping[str, Any]) -> None:
    connection.execute(update(sites).where(sites.c.id == site_id).values(dict(values)))


def take_turn(connection: Connection, site_id: str, column: str, before: int, now: int) -> bool:
    """Mark periodic work (`scanned_at`, `pulsed_at`) as begun; False when another worker took the turn."""
    turn = sites.c[column]
    statement = update(sites).where(sites.c.id == site_id, turn <= before).values({turn: now})
    return connection.execute(statement).rowcount == 1


def add_policy(connection: Connection, site_id: str, version: int, rules: Any, now: int, person: str) -> None:
    connection.execute(insert(policies).values(site_id=site_id, version=version, rules=rules, created_at=now, created_by=person))


def policy(connection: Connection, site_id: str, version: int | None = None) -> Mapping[str, Any] | None:
    """Give one version of a site's policy, the newest when none is named."""
    query = select(policies).where(policies.c.site_id == site_id)
    if version is not None:
        query = query.where(policies.c.version == version)
    row = connection.execute(query.order_by(policies.c.version.desc()).limit(1)).one_or_none()
    return dict(row._mapping) if row else None


def policy_versions(connection: Connection, site_id: str) -> Sequence[Row[Any]]:
    return connection.execute(select(policies).where(policies.c.site_id == site_id).order_by(policies.c.version.desc())).all()
