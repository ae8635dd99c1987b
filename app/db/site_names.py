"""What sites are called: their names by id, and which of them look alike, each by one look-up however many sites there are."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from app.db.sql import columns, read_all, written
from app.db.tables import site_looks, sites
from app.domain import names
from app.domain.platform import SiteState

CONNECTED = select(sites.c.id).where(sites.c.state.in_([written(state) for state in SiteState if state is not SiteState.REMOVED]))
"""The ids of the sites that are not removed, from an index alone."""


@dataclass(frozen=True, slots=True)
class SiteName:
    id: str
    name: str


_NAMES = select(*columns(sites, SiteName))
_NOT_REMOVED = sites.c.state != written(SiteState.REMOVED)


def of_sites(connection: Connection, site_ids: Collection[str]) -> dict[str, str]:
    """Give what sites are called; those that are removed, or not there, are left out."""
    found = read_all(connection, _NAMES.where(sites.c.id.in_(list(site_ids)), _NOT_REMOVED), SiteName)
    return {row.id: row.name for row in found}


def few(connection: Connection, seen: Collection[str], most: int) -> dict[str, str] | None:
    """Give the names of all connected sites among those that are seen (all, when none is named); None for more than `most`."""
    query = CONNECTED.where(sites.c.id.in_(list(seen))) if seen else CONNECTED
    ids = connection.execute(query.limit(most + 1)).scalars().all()
    if len(ids) > most:
        return None
    found = read_all(connection, _NAMES.where(sites.c.id.in_(ids)).order_by(sites.c.created_at, sites.c.id), SiteName)
    return {row.id: row.name for row in found}


def note(connection: Connection, site_id: str, name: str) -> None:
    """Keep what a site's new name looks like."""
    connection.execute(delete(site_looks).where(site_looks.c.site_id == site_id))
    connection.execute(insert(site_looks), [{"look": look, "site_id": site_id} for look in looks(name)])


def taken(connection: Connection, site_id: str, name: str) -> bool:
    """Say whether a name looks like that of another connected site."""
    query = select(sites.c.id).join(site_looks, site_looks.c.site_id == sites.c.id)
    mine = (site_looks.c.look.in_(looks(name)), sites.c.id != site_id, _NOT_REMOVED)
    return connection.execute(query.where(*mine).limit(1)).first() is not None


def looks(name: str) -> list[str]:
    """Give what an eye keeps of a name, as digests: a skeleton may be many times as long as its name."""
    return sorted(hashlib.sha256(look.encode()).hexdigest() for look in names.looks(name))
