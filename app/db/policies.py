"""Each site's policy, in versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from app.db.sql import columns, read_all, read_one, values
from app.db.tables import policies


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """Hold one version. `rules` are as `app.domain.policy` writes them, older versions of it included."""

    site_id: str
    version: int
    rules: Any
    created_at: int
    created_by: str


_ALL = select(*columns(policies, PolicyRow)).order_by(policies.c.version.desc())


_OF_SITE = _ALL.where(policies.c.site_id == bindparam("site"))
_NEWEST = _OF_SITE.limit(1)
_OF_VERSION = _OF_SITE.where(policies.c.version == bindparam("version"))


def add(connection: Connection, policy: PolicyRow) -> None:
    connection.execute(insert(policies).values(values(policy)))


def get(connection: Connection, site_id: str, version: int | None = None) -> PolicyRow | None:
    """Give one version of a site's policy, the newest when none is named."""
    if version is None:
        return read_one(connection, _NEWEST, PolicyRow, {"site": site_id})
    return read_one(connection, _OF_VERSION, PolicyRow, {"site": site_id, "version": version})


def versions(connection: Connection, site_id: str) -> list[PolicyRow]:
    """List every version, the newest first."""
    return read_all(connection, _ALL.where(policies.c.site_id == site_id), PolicyRow)


def newest(connection: Connection, site_ids: Sequence[str]) -> dict[str, int]:
    """Give the newest version of each of these sites."""
    query = select(policies.c.site_id, func.max(policies.c.version)).where(policies.c.site_id.in_(site_ids))
    return {site_id: version for site_id, version in connection.execute(query.group_by(policies.c.site_id))}
