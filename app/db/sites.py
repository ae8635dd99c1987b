"""Connected sites, as they are stored: their secrets and credentials encrypted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.db import lines, site_names
from app.db.sql import columns, execute_compiled, read_all, read_one, values, written
from app.db.tables import decisions, metadata, sites
from app.domain.errors import NotStored
from app.domain.platform import Hold, SiteState
from app.domain.visibility import Visibility


@dataclass(frozen=True, slots=True)
class NewSite:
    """Hold what is written when a site is connected. `key` is the platform's own name of it, "" for none."""

    id: str
    platform: str
    name: str
    state: SiteState
    secrets: bytes
    connection: Mapping[str, Any]
    settings: Mapping[str, Any]
    created_at: int
    paired_at: int | None
    found: str
    checked_at: int | None
    key: str
    credentials: bytes | None


@dataclass(frozen=True, slots=True)
class SiteRow:
    """Hold a site.

    All its work waits until `held_until`, for `held_why`; `failures` counts what failed since something succeeded.
    `scanned_at` is when its last reconciliation began, `swept_at` when the last one that ended did, and `pulsed_at` when its last
    pulse was; `missed` counts the images that reconciliation found, `skipped` what we were told of that is none. `unconfirmed`
    names settings that the site may have set for itself when it still could, until an owner says what they shall be. Until
    `own_key_at` a secret signed what its own key signs since.
    """

    id: str
    platform: str
    name: str
    state: SiteState
    secrets: bytes
    connection: Mapping[str, Any]
    settings: Mapping[str, Any]
    created_at: int
    paired_at: int | None
    scanned_at: int
    pulsed_at: int
    swept_at: int
    replayed_version: int
    problem: str
    found: str
    checked_at: int | None
    key: str
    credentials: bytes | None
    missed: int
    skipped: int
    own_key_at: int
    unconfirmed: Sequence[str]
    held_until: int
    held_why: Hold
    failures: int


class SiteChange(TypedDict, total=False):
    """Name the columns that may be changed by themselves."""

    name: str
    state: SiteState
    secrets: bytes
    connection: Mapping[str, Any]
    settings: Mapping[str, Any]
    created_at: int
    paired_at: int | None
    scanned_at: int
    pulsed_at: int
    swept_at: int
    replayed_version: int
    problem: str
    found: str
    checked_at: int | None
    key: str
    credentials: bytes | None
    unconfirmed: Sequence[str]


def add(connection: Connection, site: NewSite) -> None:
    """Store a new site. Raise `NotStored` when another has its key."""
    try:
        connection.execute(insert(sites).values(values(site)))
    except IntegrityError:
        raise NotStored(f"There is a site “{site.key}” already.") from None
    site_names.note(connection, site.id, site.name)


_ALL = select(*columns(sites, SiteRow))
_ONE = _ALL.where(sites.c.id == bindparam("site"))


def get(connection: Connection, site_id: str) -> SiteRow | None:
    return read_one(connection, _ONE, SiteRow, {"site": site_id})


def lock(connection: Connection, site_id: str) -> None:
    """Keep others from changing a site until this transaction ends."""
    connection.execute(select(sites.c.id).where(sites.c.id == site_id).with_for_update())


_KEYED = _ALL.where(sites.c.platform == bindparam("platform"), sites.c.key == bindparam("key"))


def by_key(connection: Connection, platform: str, key: str) -> SiteRow | None:
    """Give the site that a platform knows by this name."""
    return read_one(connection, _KEYED, SiteRow, {"platform": platform, "key": key}) if key else None


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
_STORED_KEY = _STORED.where(
    sites.c.platform == bindparam("platform"), sites.c.key == bindparam("site"), sites.c.key != written("")
)


def stored(connection: Connection, platform: str, claimed: str) -> tuple[str, tuple[object, ...]] | None:
    """Give the id of a site, found by its id or its key, and what it is made of exactly as it is stored, to be compared;
    much cheaper than reading it."""
    rows = execute_compiled(connection, _STORED_ID, {"site": claimed}) or execute_compiled(
        connection, _STORED_KEY, {"platform": platform, "site": claimed}
    )
    return (rows[0][0], tuple(rows[0])) if rows else None


def any_of(connection: Connection, platform: str, states: Sequence[SiteState]) -> bool:
    """Say whether a platform has a site in one of these states."""
    query = select(sites.c.id).where(sites.c.platform == platform, sites.c.state.in_(states)).limit(1)
    return connection.execute(query).first() is not None


def every(connection: Connection, states: Sequence[SiteState] = ()) -> list[SiteRow]:
    query = _ALL.order_by(sites.c.created_at)
    if states:
        query = query.where(sites.c.state.in_(states))
    return read_all(connection, query, SiteRow)


def page(connection: Connection, after: str, limit: int) -> list[SiteRow]:
    """List sites by their ids, those after one."""
    return read_all(connection, _ALL.where(sites.c.id > after).order_by(sites.c.id).limit(limit), SiteRow)


_REMOVED = select(sites.c.id).where(sites.c.state == written(SiteState.REMOVED))


def within(visibility: Visibility, column: ColumnElement[str]) -> ColumnElement[bool]:
    """Limit a column that names a site to those of a visibility: a list of all sites would cost every page what they are."""
    return column.not_in(_REMOVED) if visibility.sites is None else column.in_(visibility.sites)


def seen_of(connection: Connection, visibility: Visibility, site_ids: Collection[str]) -> set[str]:
    """Give those of these sites that a visibility holds."""
    if visibility.sites is not None:
        return set(site_ids) & set(visibility.sites)
    return set(connection.execute(site_names.CONNECTED.where(sites.c.id.in_(list(site_ids)))).scalars())


def search(connection: Connection, seen: Collection[str], words: str, skip: int, limit: int) -> list[SiteRow]:
    """List connected sites among those that are seen (all, when none is named) whose name, address or id holds these words; those
    in trouble first, then in the order of their connection."""
    found = select(sites.c.id).where(sites.c.state != written(SiteState.REMOVED))
    if seen:
        found = found.where(sites.c.id.in_(list(seen)))
    if words:
        found = found.where(
            or_(*(column.icontains(words, autoescape=True) for column in (sites.c.name, sites.c.key, sites.c.id)))
        )
    order = (sites.c.problem == written(""), sites.c.created_at, sites.c.id)
    ids = found.order_by(*order).offset(skip).limit(limit)
    return read_all(connection, _ALL.where(sites.c.id.in_(ids)).order_by(*order), SiteRow)


def change(connection: Connection, site_id: str, /, **changes: Unpack[SiteChange]) -> None:
    connection.execute(update(sites).where(sites.c.id == site_id).values(**changes))
    if "name" in changes:
        site_names.note(connection, site_id, changes["name"])
    if "state" in changes:
        lines.line_up(connection, site_id) if changes["state"] is SiteState.ACTIVE else lines.stand_back(connection, site_id)


def hold(connection: Connection, site_id: str, why: Hold, until: int) -> None:
    """Let all work of a site wait until then."""
    connection.execute(update(sites).where(sites.c.id == site_id).values(held_until=until, held_why=why))
    lines.stand_back(connection, site_id)


def open_again(connection: Connection, site_id: str, now: int) -> None:
    """Let all work of a site go on that waits for it: it was connected or resumed, or has new credentials."""
    connection.execute(update(sites).where(sites.c.id == site_id).values(held_why=Hold.NONE, failures=0))
    lines.release(connection, site_id, now)


def fail(connection: Connection, site_id: str, problem: str) -> int:
    """Note that work at a site failed; return how often that was in a row."""
    statement = update(sites).where(sites.c.id == site_id).values(failures=sites.c.failures + 1, problem=problem)
    return connection.execute(statement.returning(sites.c.failures)).scalar_one_or_none() or 0


_FAILING = select(sites.c.held_why).where(sites.c.id == bindparam("site"), sites.c.failures > written(0))


def recover(connection: Connection, site_id: str) -> Hold | None:
    """Note that work at a site succeeded; return what it was held for when it had failed before, None when it had not."""
    found = execute_compiled(connection, _FAILING, {"site": site_id})
    if not found:
        return None
    connection.execute(update(sites).where(sites.c.id == site_id).values(failures=0, held_why=Hold.NONE, problem=""))
    return Hold(found[0][0])


def bring_back(connection: Connection, site: NewSite) -> bool:
    """Connect a removed site again, as `add` does; False when it is no longer removed."""
    statement = update(sites).where(sites.c.id == site.id, sites.c.state == SiteState.REMOVED)
    try:
        returned = connection.execute(statement.values(values(site))).rowcount == 1
    except IntegrityError:
        raise NotStored(f"There is a site “{site.key}” already.") from None
    if returned:
        site_names.note(connection, site.id, site.name)
    return returned


def count_missed(connection: Connection, site_id: str, count: int) -> None:
    """Count images that reconciliation found and no webhook had told of."""
    connection.execute(update(sites).where(sites.c.id == site_id).values(missed=sites.c.missed + count))


def count_skipped(connection: Connection, site_id: str, count: int) -> None:
    connection.execute(update(sites).where(sites.c.id == site_id).values(skipped=sites.c.skipped + count))


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


def erase(connection: Connection, site_id: str) -> int:
    """Delete every row of every table that belongs to a site, the site's own row apart; return how many there were."""
    # Children first: sorted_tables gives parents first. Decisions name the one before them, so that link goes first.
    connection.execute(update(decisions).where(decisions.c.site_id == site_id).values(supersedes=None))
    erased = 0
    for table in reversed(metadata.sorted_tables):
        if "site_id" in table.c:
            erased += connection.execute(delete(table).where(table.c.site_id == site_id)).rowcount
    return erased
