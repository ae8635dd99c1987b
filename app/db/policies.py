"""Each site's policy, in versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

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


def add(connection: Connection, policy: PolicyRow) -> None:
    connection.execute(insert(policies).values(values(policy)))


def get(connection: Connection, site_id: str, version: int | None = None) -> PolicyRow | None:
    """Give one version of a site's policy, the newest when none is named."""
    query = _ALL.where(policies.c.site_id == site_id).limit(1)
    if version is not None:
        query = query.where(policies.c.version == version)
    return read_one(connection, query, PolicyRow)


def versions(connection: Connection, site_id: str) -> list[PolicyRow]:
    """List every version, the newest first."""
    return read_all(connection, _ALL.where(policies.c.site_id == site_id), PolicyRow)
