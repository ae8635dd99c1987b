"""Whose turn it is: of each site a few rows stand in front, and the next to be claimed is found among those by one look-up.

A row that is due waits in one of three ways, which its column `place` tells: for its time (`FOR_TIME`), behind others of its
site or for its site (`BEHIND`), or in front of the workers, as a number that orders it among those of its priority. A site has
no more than its `share` in front, those that are being worked at included: what one site brings never hides another's, and a
platform that hangs holds no more threads than that. Whatever changes a site's rows calls `fill` before it commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Executable,
    ScalarSelect,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from app.db.sql import execute_compiled, written
from app.db.tables import enforcements, jobs, sites
from app.domain.jobs import WorkState
from app.domain.platform import SiteState
from app.domain.time import DAY, SECOND

FOR_TIME, BEHIND, FIRST = -1, 0, 1
"""What `place` holds of a row that waits for its `run_at`, of one that waits for others of its site, and of one whose site waited
as a whole: it has waited longest."""

SPACING = 10 * SECOND
"""How far in the line a row steps in behind each one that its site has in front already, in microseconds: of sites that ask at
about the same time each is served in turn, and one that asks often waits this much longer for each, and no more."""

FAR_AHEAD = DAY
"""A time further ahead than this, in microseconds, was written by a clock that was wrong: nothing waits longer."""

WAKE_AT_ONCE = 100
"""Rows, or sites, whose time has come and that one claim wakes; the next claim wakes more, and no transaction gets long."""

DUE, BUSY = written(WorkState.DUE), written(WorkState.BUSY)
_WORKS = (sites.c.state == written(SiteState.ACTIVE), sites.c.held_until == written(0))
_HELD = (sites.c.held_until > written(0), sites.c.held_until <= bindparam("now"))


def _one(query: Select[Any]) -> ScalarSelect[Any]:
    """Take the first row that no other transaction has locked."""
    return query.limit(written(1)).with_for_update(skip_locked=True).scalar_subquery()


@dataclass(frozen=True, eq=False)
class Line:
    """A table whose rows take turns: the order within a site, and what a row must not overtake."""

    table: Table
    order: tuple[Column[Any], ...]
    unless: tuple[ColumnElement[bool], ...] = ()
    priority: Column[Any] | None = None

    @property
    def _due(self) -> ColumnElement[bool]:
        return self.table.c.state == DUE

    @property
    def _behind(self) -> ColumnElement[bool]:
        return and_(self.table.c.site_id == bindparam("site"), self._due, self.table.c.place == written(BEHIND))

    @cached_property
    def room(self) -> Executable:
        """A site's share, how many of its rows stand in front, and whether any is behind; nothing when the site may not work."""
        row = self.table.alias("row")
        ahead = select(func.count()).where(row.c.site_id == sites.c.id, row.c.place > written(BEHIND)).scalar_subquery()
        behind = exists().where(row.c.site_id == sites.c.id, row.c.state == DUE, row.c.place == written(BEHIND))
        return select(sites.c.share, ahead, behind).where(sites.c.id == bindparam("site"), *_WORKS)

    @cached_property
    def step_up(self) -> Executable:
        """Let the first of a site's rows that are behind step in front."""
        first = select(self.table.c.id).where(self._behind, *self.unless).order_by(*self.order)
        return update(self.table).where(self.table.c.id == _one(first)).values(place=bindparam("at")).returning(self.table.c.id)

    @cached_property
    def step_back(self) -> Executable:
        """Let the last of a site's rows in front make way for one behind whose priority is better."""
        row, other = self.table.alias("row"), self.table.alias("other")
        better = select(func.min(other.c.priority)).where(
            other.c.site_id == bindparam("site"), other.c.state == DUE, other.c.place == written(BEHIND)
        )
        last = (
            select(row.c.id)
            .where(row.c.site_id == bindparam("site"), row.c.place > written(BEHIND), row.c.state == DUE)
            .where(row.c.priority > better.scalar_subquery())
            .order_by(row.c.priority.desc(), row.c.place.desc())
        )
        statement = update(self.table).where(self.table.c.id == _one(last))
        return statement.values(place=written(BEHIND)).returning(self.table.c.id)

    @cached_property
    def all_back(self) -> Executable:
        return (
            update(self.table)
            .where(self.table.c.site_id == bindparam("site"), self.table.c.place > written(BEHIND), self._due)
            .values(place=written(BEHIND))
        )

    @cached_property
    def woken(self) -> Executable:
        """The rows whose time has come."""
        waits = and_(self._due, self.table.c.place < written(BEHIND))
        query = select(self.table.c.id, self.table.c.site_id).where(waits, self.table.c.run_at <= bindparam("now"))
        return query.order_by(self.table.c.run_at).limit(written(WAKE_AT_ONCE)).with_for_update(skip_locked=True)

    @cached_property
    def lease(self) -> Executable:
        """Lease the row whose turn it is: one more attempt, a new token."""
        order = (self.table.c.place, self.table.c.id)
        first = select(self.table.c.id).where(self._due, self.table.c.place > written(BEHIND))
        first = first.order_by(*order if self.priority is None else (self.priority, *order))
        values = {
            "state": BUSY,
            "token": self.table.c.token + 1,
            "attempts": self.table.c.attempts + 1,
            "lease_until": bindparam("until"),
        }
        return update(self.table).where(self.table.c.id == _one(first), self._due).values(values).returning(self.table.c.id)

    @cached_property
    def look(self) -> Executable:
        """Whether anything is due, and whether anything is amiss: a lease that ran out, a time that no clock should have told."""
        row = self.table
        front = exists().where(row.c.state == DUE, row.c.place > written(BEHIND))
        woken = exists().where(row.c.state == DUE, row.c.place < written(BEHIND), row.c.run_at <= bindparam("now"))
        late = exists().where(row.c.state == DUE, row.c.place < written(BEHIND), row.c.run_at > bindparam("far"))
        lost = exists().where(row.c.state == BUSY, row.c.lease_until < bindparam("now"))
        long = exists().where(row.c.state == BUSY, row.c.lease_until > bindparam("far"))
        held = exists().where(*_HELD)
        return select(or_(front, woken, held), or_(late, lost, long))

    @cached_property
    def stuck(self) -> Executable:
        """The sites that may work and have room, and rows behind all the same."""
        row = self.table
        ahead = select(func.count()).where(row.c.site_id == sites.c.id, row.c.place > written(BEHIND)).scalar_subquery()
        behind = exists().where(row.c.site_id == sites.c.id, row.c.state == DUE, row.c.place == written(BEHIND))
        return select(sites.c.id).where(*_WORKS, behind, ahead < sites.c.share)


_earlier, _beside = enforcements.alias("earlier"), enforcements.alias("beside")

JOBS = Line(jobs, (jobs.c.priority, jobs.c.run_at, jobs.c.id), priority=jobs.c.priority)

# The actions of one image are made true in order, and those of one parent one at a time: they all change the same listing.
ACTIONS = Line(
    enforcements,
    (enforcements.c.run_at, enforcements.c.id),
    unless=(
        ~exists().where(
            _earlier.c.site_id == enforcements.c.site_id,
            _earlier.c.media_id == enforcements.c.media_id,
            _earlier.c.id < enforcements.c.id,
            or_(_earlier.c.state == DUE, _earlier.c.state == BUSY),
        ),
        ~exists().where(
            enforcements.c.parent != "",
            _beside.c.site_id == enforcements.c.site_id,
            _beside.c.parent == enforcements.c.parent,
            _beside.c.place > written(BEHIND),
        ),
    ),
)

LINES = (JOBS, ACTIONS)


def fill(connection: Connection, line: Line, site_id: str, at: int = FIRST) -> None:
    """Let as many of a site's rows step in front as its share has room for, at the end of the line that begins with `FIRST`."""
    given = {"site": site_id}
    found = execute_compiled(connection, line.room, given)
    if not found or not found[0][2]:
        return
    share, ahead, _ = found[0]
    if ahead >= share and line.priority is not None:
        ahead -= len(execute_compiled(connection, line.step_back, given))
    while ahead < share and execute_compiled(connection, line.step_up, {"site": site_id, "at": at + ahead * SPACING}):
        ahead += 1


def line_up(connection: Connection, site_id: str) -> None:
    """Let a site's rows step in front, where it may work."""
    for line in LINES:
        fill(connection, line, site_id)


def stand_back(connection: Connection, site_id: str) -> None:
    """Let nothing of a site be claimed any more; what is being worked at goes on."""
    for line in LINES:
        connection.execute(line.all_back, {"site": site_id})


_RELEASED = select(sites.c.id).where(*_HELD).limit(written(WAKE_AT_ONCE)).with_for_update(skip_locked=True)


def release(connection: Connection, site_id: str, now: int) -> None:
    """Let a site work again, from now on as if it had never waited: what waited is not older for it."""
    connection.execute(update(sites).where(sites.c.id == site_id).values(held_until=0))
    waiting = update(enforcements).where(enforcements.c.site_id == site_id, enforcements.c.state == WorkState.DUE)
    connection.execute(waiting.values(created_at=now))
    line_up(connection, site_id)


def claim(connection: Connection, line: Line, now: int, lease_us: int) -> int | None:
    """Lease the row whose turn it is; None when there is none."""
    _wake(connection, line, now)
    leased = execute_compiled(connection, line.lease, {"until": now + lease_us})
    return int(leased[0][0]) if leased else None


def _wake(connection: Connection, line: Line, now: int) -> None:
    """Line up the rows whose time has come, and those of sites that need not wait any longer."""
    for (site_id,) in execute_compiled(connection, _RELEASED, {"now": now}):
        release(connection, site_id, now)
    rows = execute_compiled(connection, line.woken, {"now": now})
    if rows:
        ids = [row[0] for row in rows]
        connection.execute(update(line.table).where(line.table.c.id.in_(ids)).values(place=BEHIND))
        for site_id in dict.fromkeys(row[1] for row in rows):
            fill(connection, line, site_id, now)


def look(connection: Connection, line: Line, now: int) -> tuple[bool, bool]:
    """Say whether anything is due, and whether anything is amiss that `leases.mend` mends."""
    due, amiss = execute_compiled(connection, line.look, {"now": now, "far": now + FAR_AHEAD})[0]
    return bool(due), bool(amiss)


def fill_stuck(connection: Connection, now: int) -> int:
    """Line up what two transactions of the same moment, or an update, left behind; return how many sites' rows that were."""
    found = 0
    for line in LINES:
        for site_id in connection.execute(line.stuck).scalars().all():
            fill(connection, line, site_id, now)
            found += 1
    return found
