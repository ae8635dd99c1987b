"""Connected sites, with their secrets and credentials encrypted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, literal_column, select, update

from app.db.statements import execute_compiled
from app.db.tables import decisions, metadata, policies, sites
from app.domain.platform import SiteState


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(sites), dict(values))


_ONE = select(sites).where(sites.c.id == bindparam("site"))


def get(connection: Connection, site_id: str) -> Row[Any] | None:
    return connection.execute(_ONE, {"site": site_id}).one_or_none()


_KEYED = select(sites).where(sites.c.platform == bindparam("platform"), sites.c.key == bindparam("key"))


def by_key(connection: Connection, platform: str, key: str) -> Row[Any] | None:
    """Give the site that a platform knows by this name."""
    return connection.execute(_KEYED, {"platform": platform, "key": key}).one_or_none() if key else None


_STORED = select(
    sites.c.id,
    sites.c.platform,
    sites.c.name,
    sites.c.state,
    sites.c.secrets,
    sites.c.connection,
    sites.c.settings,
    sites.c.key,
    sites.c.credentials,
)
_STORED_ID = _STORED.where(sites.c.id == bindparam("site"))
# Written into the statement, since a planner may only use a partial index for a condition that it knows.
_STORED_KEY = _STORED.where(
    sites.c.platform == bindparam("platform"), sites.c.key == bindparam("site"), sites.c.key != literal_column("''")
)


def stored(connection: Connection, platform: str, claimed: str) -> tuple[Any, ...] | None:
    """Give what a site is made of exactly as it is stored, its id first, found by its id or its key; much cheaper than
    reading it."""
    rows = execute_compiled(connection, _STORED_ID, {"site": claimed}) or execute_compiled(
        connection, _STORED_KEY, {"platform": platform, "site": claimed}
    )
    return tuple(rows[0]) if rows else None


def every(connection: Connection, states: Sequence[str] = ()) -> Sequence[Row[Any]]:
    query = select(sites).order_by(sites.c.created_at)
    if states:
        query = query.where(sites.c.state.in_(states))
    return connection.execute(query).all()


def change(connection: Connection, site_id: str, values: Mapping[str, Any]) -> None:
    connection.execute(update(sites).where(sites.c.id == site_id).values(dict(values)))


def bring_back(connection: Connection, site_id: str, values: Mapping[str, Any]) -> bool:
    """Change a removed site; False when it is no longer removed."""
    statement = update(sites).where(sites.c.id == site_id, sites.c.state == SiteState.REMOVED)
    return connection.execute(statement.values(dict(values))).rowcount == 1


def take_turn(connection: Connection, site_id: str, column: str, before: int, now: int) -> bool:
    """Mark periodic work (`scanned_at`, `pulsed_at`) as begun; False when another worker took the turn."""
    turn = sites.c[column]
    statement = update(sites).where(sites.c.id == site_id, turn <= before).values({turn: now})
    return connection.execute(statement).rowcount == 1


def count_missed(connection: Connection, site_id: str, count: int) -> None:
    """Count images that reconciliation found and no webhook had told of."""
    connection.execute(update(sites).where(sites.c.id == site_id).values(missed=sites.c.missed + count))


def take_renewal(connection: Connection, site_id: str, now: int, until: int) -> bool:
    """Take the lease on renewing a site's credentials; False while another process holds it."""
    statement = update(sites).where(sites.c.id == site_id, sites.c.renewing_until < now).values(renewing_until=until)
    return connection.execute(statement).rowcount == 1


def renew_credentials(connection: Connection, site_id: str, until: int, before: bytes | None, after: bytes) -> bool:
    """Store renewed credentials; False when the lease was lost, or others were stored or forgotten meanwhile."""
    mine = (sites.c.id == site_id, sites.c.renewing_until == until, sites.c.credentials == before)
    return connection.execute(update(sites).where(*mine).values(credentials=after)).rowcount == 1


def end_renewal(connection: Connection, site_id: str, until: int) -> None:
    """Give that lease back, unless another took it over meanwhile."""
    connection.execute(update(sites).where(sites.c.id == site_id, sites.c.renewing_until == until).values(renewing_until=0))


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


def erase(connection: Connection, site_id: str) -> int:
    """Delete every row of every table that belongs to a site, the site's own row apart; return how many there were."""
    # Children first: sorted_tables gives parents first. Decisions name the one before them, so that link goes first.
    connection.execute(update(decisions).where(decisions.c.site_id == site_id).values(supersedes=None))
    erased = 0
    for table in reversed(metadata.sorted_tables):
        if "site_id" in table.c:
            erased += connection.execute(delete(table).where(table.c.site_id == site_id)).rowcount
    return erased
