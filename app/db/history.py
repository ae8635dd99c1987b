"""The history as people look for it: decisions and steps by filters, newest first, page by page.

A page looks at a bounded number of rows, chosen by the most selective filter that has an index; what the other filters
leave of them is the page, and it says where to go on. So no combination of filters is slow on a long history.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, or_, select

from app.db import sites as site_rows
from app.db.audit import LINES, AuditRow
from app.db.decisions import CURRENT, FULL, folded, whole
from app.db.site_names import CONNECTED
from app.db.sql import read_all, written
from app.db.tables import audit, decisions, enforcements, jobs
from app.domain.decisions import Decision
from app.domain.jobs import WorkState
from app.domain.time import HOUR
from app.domain.visibility import Visibility

LOOKED_AT = 4000
"""Rows that one page looks at, at most: 30 ms, and at least one in 80 of them fills a page of 50."""

MATCHES = 500
"""Pictures that a search finds, at most. A search that finds so many is to be narrowed down, and the page says so."""

SKEW = HOUR
"""How far the order of ids and the order of times may differ, in microseconds: the clocks of several machines."""

_NOTHING, _DONE = written(""), written(WorkState.DONE)


@dataclass(frozen=True, slots=True)
class Filters:
    """Choose among decisions. Times are UTC microseconds, `until` not included; "" and None choose all.

    `state` is that of the decision's action. `replaced` shows decisions that are no longer in force, too.
    """

    site: str = ""
    verdict: str = ""
    category: str = ""
    person: str = ""
    policy: int | None = None
    state: str = ""
    since: int = 0
    until: int = 0
    search: str = ""
    batch: str = ""
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Hold one page: the decisions, the id to go on from (0 at the end), and whether a search found too many."""

    decisions: tuple[Decision, ...]
    before: int
    many: bool = False


def page(connection: Connection, visibility: Visibility, filters: Filters, before: int, limit: int) -> Found:
    """Give the next decisions before an id, newest first; maybe fewer than there are, and then `before` goes on."""
    limits = _limits(connection, filters)
    if limits is None:
        return Found((), 0)
    matched = _matching(connection, visibility, filters) if filters.search else None
    chosen = [*limits, *_driver(filters, matched)]
    if before:
        chosen.append(decisions.c.id < before)
    floor = _floor(connection, decisions, chosen)
    if floor:
        chosen.append(decisions.c.id > floor)
    query = FULL.where(*chosen, *_rest(visibility, filters)).order_by(decisions.c.id.desc()).limit(limit + 1)
    found = read_all(connection, query, whole)
    following = found[limit - 1].id if len(found) > limit else floor + 1 if floor else 0
    return Found(tuple(found[:limit]), following, matched is not None and len(matched) >= MATCHES)


def _floor(connection: Connection, table: Table, chosen: Sequence[ColumnElement[bool]]) -> int:
    """Give the id of the first row that a page does not look at, 0 when it looks at all that were chosen."""
    query = select(table.c.id).where(*chosen).order_by(table.c.id.desc()).offset(LOOKED_AT).limit(1)
    return connection.execute(query).scalar() or 0


def _limits(connection: Connection, filters: Filters) -> list[ColumnElement[bool]] | None:
    """Turn a span of time into one of ids, since pages go by id; None when there is nothing in it."""
    limits: list[ColumnElement[bool]] = []
    if filters.since:
        query = select(decisions.c.id).where(decisions.c.decided_at >= filters.since - SKEW)
        first = connection.execute(query.order_by(decisions.c.decided_at, decisions.c.id).limit(1)).scalar()
        if first is None:
            return None
        limits.append(decisions.c.id >= first)
    if filters.until:
        query = select(decisions.c.id).where(decisions.c.decided_at < filters.until + SKEW)
        last = connection.execute(query.order_by(decisions.c.decided_at.desc(), decisions.c.id.desc()).limit(1)).scalar()
        if last is None:
            return None
        limits.append(decisions.c.id <= last)
    return limits


def _matching(connection: Connection, visibility: Visibility, filters: Filters) -> list[int]:
    """Find the jobs of the pictures that a search means: by their id, their parent, or what their name begins with."""
    sites = [filters.site] if filters.site else CONNECTED if visibility.sites is None else visibility.sites
    words, name = filters.search.strip(), folded(filters.search.strip())
    exact = select(jobs.c.id).where(jobs.c.site_id.in_(sites), jobs.c.media_id == words)
    within = select(jobs.c.id).where(jobs.c.site_id.in_(sites), jobs.c.parent == words, jobs.c.parent != _NOTHING)
    named = (
        select(decisions.c.job_id)
        .where(decisions.c.site_id.in_(sites), decisions.c.name != _NOTHING, decisions.c.name >= name)
        .where(decisions.c.name < name + "\U0010ffff")
    )
    found: set[int] = set()
    for query in (exact, within, named):
        found.update(connection.execute(query.limit(MATCHES - len(found))).scalars())
        if len(found) >= MATCHES:
            break
    return list(found)


def _driver(filters: Filters, matched: Sequence[int] | None) -> list[ColumnElement[bool]]:
    """Give the one condition that an index answers and that leaves the fewest rows."""
    if matched is not None:
        return [decisions.c.job_id.in_(matched)]
    if filters.batch:
        return [decisions.c.batch == filters.batch, decisions.c.batch != _NOTHING]
    if filters.state and filters.state != WorkState.DONE:
        unusual = select(enforcements.c.decision_id).where(enforcements.c.state == filters.state, enforcements.c.state != _DONE)
        return [decisions.c.id.in_(unusual)]
    if filters.person:
        return [decisions.c.person == filters.person, decisions.c.person != _NOTHING]
    if filters.category:
        return [decisions.c.category == filters.category, decisions.c.category != _NOTHING]
    if filters.verdict:
        return [decisions.c.verdict == filters.verdict]
    if filters.policy is not None:
        return [decisions.c.policy_version == filters.policy]
    return [decisions.c.site_id == filters.site] if filters.site else []


def _rest(visibility: Visibility, filters: Filters) -> list[ColumnElement[bool]]:
    rest: list[ColumnElement[bool]] = [site_rows.within(visibility, _plain(decisions.c.site_id))]
    if filters.site:
        rest.append(_plain(decisions.c.site_id) == filters.site)
    if not visibility.restricted:
        rest.append(decisions.c.restricted.is_(False))
    if not filters.replaced:
        rest.append(CURRENT)
    for column, value in (
        (decisions.c.verdict, filters.verdict),
        (decisions.c.category, filters.category),
        (decisions.c.person, filters.person),
        (decisions.c.batch, filters.batch),
    ):
        if value:
            rest.append(_plain(column) == value)
    if filters.policy is not None:
        rest.append(decisions.c.policy_version + 0 == filters.policy)
    if filters.since:
        rest.append(decisions.c.decided_at >= filters.since)
    if filters.until:
        rest.append(decisions.c.decided_at < filters.until)
    if filters.state:
        acted = and_(enforcements.c.decision_id == decisions.c.id, enforcements.c.state == filters.state)
        rest.append(exists().where(acted))
    return rest


def _plain(column: ColumnElement[str]) -> ColumnElement[str]:
    """Give a column so that its index is not used: the rows are chosen by another, and a planner may think otherwise."""
    return column.concat(_NOTHING)


@dataclass(frozen=True, slots=True)
class StepFilters:
    """Choose among the steps of the audit trail; "" chooses all. `about` is an image's id."""

    site: str = ""
    actor: str = ""
    action: str = ""
    about: str = ""
    since: int = 0
    until: int = 0


def steps(
    connection: Connection, visibility: Visibility, filters: StepFilters, before: int, limit: int
) -> tuple[list[AuditRow], int]:
    """Give the next steps before an id, newest first, and the id to go on from, 0 at the end."""
    chosen: list[ColumnElement[bool]] = []
    if filters.about and filters.site:
        chosen += [audit.c.site_id == filters.site, audit.c.media_id == filters.about]
    if before:
        chosen.append(audit.c.id < before)
    floor = _floor(connection, audit, chosen)
    if floor:
        chosen.append(audit.c.id > floor)
    query = LINES.where(*chosen, _seen_by(visibility), *_of_steps(filters))
    rows = read_all(connection, query.limit(limit + 1), AuditRow)
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1].id
    return rows, floor + 1 if floor else 0


def _of_steps(filters: StepFilters) -> list[ColumnElement[bool]]:
    rest: list[ColumnElement[bool]] = []
    for column, value in (
        (audit.c.site_id, filters.site),
        (audit.c.actor, filters.actor),
        (audit.c.action, filters.action),
        (audit.c.media_id, filters.about),
    ):
        if value:
            rest.append(column == value)
    if filters.since:
        rest.append(audit.c.at >= filters.since)
    if filters.until:
        rest.append(audit.c.at < filters.until)
    return rest


def _seen_by(visibility: Visibility) -> ColumnElement[bool]:
    """Leave out the steps of sites, and of restricted images, that a person does not see."""
    of_site = and_(site_rows.within(visibility, audit.c.site_id), audit.c.site_id != "")
    if visibility.house:
        of_site = or_(of_site, audit.c.site_id == "")
    if visibility.restricted:
        return of_site
    about = (jobs.c.site_id == audit.c.site_id, jobs.c.media_id == audit.c.media_id)
    hidden = exists().where(*about, decisions.c.job_id == jobs.c.id, decisions.c.restricted.is_(True))
    return and_(of_site, or_(audit.c.media_id == "", ~hidden))


def is_restricted(connection: Connection, site_id: str, media_id: str) -> bool:
    """Say whether any decision about an image was restricted."""
    about = (jobs.c.site_id == site_id, jobs.c.media_id == media_id)
    query = select(exists().where(*about, decisions.c.job_id == jobs.c.id, decisions.c.restricted.is_(True)))
    return bool(connection.execute(query).scalar())


def people(connection: Connection, limit: int) -> list[str]:
    """Name those who decided anything, in a bounded number of look-ups: from one name to the next in the index."""
    names: list[str] = []
    after = ""
    while len(names) < limit:
        query = select(func.min(decisions.c.person)).where(decisions.c.person > after, decisions.c.person != _NOTHING)
        found = connection.execute(query).scalar()
        if not found:
            return names
        names.append(found)
        after = found
    return names


def people_of(connection: Connection, sites: Collection[str], limit: int) -> list[str]:
    """Name those who decided anything of these sites, among each site's newest decisions."""
    names: set[str] = set()
    for site in sites:
        newest = select(decisions.c.person).where(decisions.c.site_id == site).order_by(decisions.c.id.desc()).limit(LOOKED_AT)
        names.update(connection.execute(select(newest.subquery().c.person).distinct()).scalars())
    return sorted(names - {""})[:limit]
