"""Figures per site and day, counted when things happen, so that no page has to count a million rows.

| name | counts | category |
|---|---|---|
| judged | pictures that a policy decided, once each: replays are not counted | the verdict |
| found | those that it did not allow | each category that asked for it |
| judged_in | spans from an upload to its verdict | the step, see `statistics.step_of` |
| hidden, restored | actions that were made true at the site | |
| answered | reviews that a person decided | the verdict |
| answered_in | spans from a review's begin to that | the step |
| confirmed, overturned | reviews and blocks that a person blocked, or allowed | each category that had asked for it |
| exposed | clear looks at a picture | |
| waiting | not counted but noted: how many waited when the day was looked at last | |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, bindparam, cast, func, select

from app.db import sites as site_rows
from app.db.decisions import reasons
from app.db.sql import columns, count_up, execute_compiled, put, read_all, read_one, written
from app.db.tables import decisions, jobs, sites, tallies
from app.domain.decisions import Reason, Ruling, Verdict
from app.domain.jobs import Priority
from app.domain.platform import SiteState
from app.domain.policy import RuleMode
from app.domain.statistics import Tally, step_of
from app.domain.time import DAY, SECOND
from app.domain.visibility import Visibility

FOLLOWED = 50
"""How far a picture's decisions are followed back to the one that a policy made; nobody changes their mind more often."""


def count(connection: Connection, site_id: str, now: int, name: Tally, category: str = "", by: int = 1) -> None:
    """Count something that happened now, in the caller's transaction."""
    values = {"site_id": site_id, "day": now // DAY, "name": name, "category": category, "count": by}
    count_up(connection, tallies, "count", values)


def note_waiting(connection: Connection, site_id: str, now: int, waiting: int) -> None:
    """Note how many pictures wait on a site today; the day's last note stays."""
    put(connection, tallies, {"site_id": site_id, "day": now // DAY, "name": Tally.WAITING, "category": "", "count": waiting})


NOTED_DAYS = 31
"""How far back the last note of what waited is looked for; what is older is as good as none."""


def last_waiting(connection: Connection, now: int) -> dict[str, int]:
    """Give the last note of what waited on each site that is not removed."""
    mine = (tallies.c.site_id == sites.c.id, tallies.c.name == written(Tally.WAITING), tallies.c.category == written(""))
    query = (
        select(tallies.c.site_id, tallies.c.count)
        .select_from(sites.join(tallies, and_(*mine)))
        .where(sites.c.state != SiteState.REMOVED, tallies.c.day > now // DAY - NOTED_DAYS)
        .order_by(tallies.c.site_id, tallies.c.day)
    )
    return {site_id: count for site_id, count in connection.execute(query)}


def asking(reasons: Iterable[Reason]) -> set[str]:
    """Give the categories that asked a person or blocked: by a rule that acts, not by a failure."""
    return {r.category for r in reasons if r.rule and r.mode != RuleMode.SHADOW and r.verdict is not Verdict.ALLOW and r.category}


_JOB = select(jobs.c.created_at, jobs.c.priority).where(jobs.c.id == bindparam("job"))


@dataclass(frozen=True, slots=True)
class _Earlier:
    """Hold a decision that another replaces. `reasons` are packed as they are stored."""

    job_id: int
    person: str
    verdict: Verdict
    policy_version: int | None
    restored_version: int | None
    supersedes: int | None
    decided_at: int
    reasons: Sequence[dict[str, Any]]


_EARLIER = select(*columns(decisions, _Earlier)).where(decisions.c.id == bindparam("decision"))


def decided(connection: Connection, site_id: str, ruling: Ruling) -> None:
    """Count a decision, in the transaction that stores it.

    A person who decides what another decided, or takes a verdict back, replaces what was counted for it.
    """
    before, verdict, now = _earlier(connection, ruling.supersedes), ruling.outcome.verdict, ruling.decided_at
    if not ruling.person:
        if ruling.policy_version is not None and (before is None or before.job_id != ruling.job_id):
            _judged(connection, site_id, ruling)
        return
    if before is None:
        return
    asked = _asked(connection, before)
    if before.person and before.restored_version is None:
        _answer(connection, site_id, before.decided_at, before.verdict, asked, -1)
    if ruling.restored_version is not None or verdict is Verdict.REVIEW:
        return
    _answer(connection, site_id, now, verdict, asked, 1)
    if not before.person and before.verdict is Verdict.REVIEW:
        count(connection, site_id, now, Tally.ANSWERED, verdict)
        count(connection, site_id, now, Tally.ANSWERED_IN, str(step_of((now - before.decided_at) / SECOND)))


def _judged(connection: Connection, site_id: str, ruling: Ruling) -> None:
    outcome, now = ruling.outcome, ruling.decided_at
    count(connection, site_id, now, Tally.JUDGED, outcome.verdict)
    if outcome.verdict is not Verdict.ALLOW:
        for category in asking(outcome.reasons):
            count(connection, site_id, now, Tally.FOUND, category)
    ((created_at, priority),) = execute_compiled(connection, _JOB, {"job": ruling.job_id})
    if priority <= Priority.UPLOAD:
        count(connection, site_id, now, Tally.JUDGED_IN, str(step_of((now - created_at) / SECOND)))


def _earlier(connection: Connection, decision_id: int | None) -> _Earlier | None:
    return read_one(connection, _EARLIER, _Earlier, {"decision": decision_id}) if decision_id is not None else None


def _asked(connection: Connection, before: _Earlier) -> set[str]:
    """Give the categories for which a policy did not allow the picture, however many people decided since."""
    row: _Earlier | None = before
    for _ in range(FOLLOWED):
        if row is None or not row.person:
            break
        row = _earlier(connection, row.supersedes)
    if row is None or row.person or row.policy_version is None or row.verdict is Verdict.ALLOW:
        return set()
    return asking(reasons(row.reasons))


def _answer(connection: Connection, site_id: str, at: int, verdict: Verdict, asked: set[str], by: int) -> None:
    name = {Verdict.BLOCK: Tally.CONFIRMED, Verdict.ALLOW: Tally.OVERTURNED}.get(verdict)
    if name is not None:
        for category in asked:
            count(connection, site_id, at, name, category, by)


@dataclass(frozen=True, slots=True)
class Daily:
    """Hold a figure of one day, counted in days since 1970-01-01."""

    day: int
    name: Tally
    count: int


@dataclass(frozen=True, slots=True)
class Total:
    """Hold a figure over some days."""

    name: Tally
    category: str
    count: int


@dataclass(frozen=True, slots=True)
class Noted:
    """Hold how many pictures waited on a site when a day was looked at last."""

    site_id: str
    day: int
    count: int


def daily(connection: Connection, visibility: Visibility, names: Sequence[Tally], first: int, last: int) -> list[Daily]:
    """Sum these sites' figures of some names per day; the days are whole ones since 1970-01-01, both included."""
    query = (
        select(tallies.c.day, tallies.c.name, cast(func.sum(tallies.c.count), BigInteger))
        .where(site_rows.within(visibility, tallies.c.site_id), tallies.c.day.between(first, last), tallies.c.name.in_(names))
        .group_by(tallies.c.day, tallies.c.name)
    )
    return read_all(connection, query, Daily)


def totals(connection: Connection, visibility: Visibility, names: Sequence[Tally], first: int, last: int) -> list[Total]:
    """Sum these sites' figures of some names over the days, per name and category, and per site where some are named.

    That is the order of the key then; of thousands of sites the sums are made in the database.
    """
    key = (tallies.c.name, tallies.c.category)
    query = (
        select(*key, cast(func.sum(tallies.c.count), BigInteger))
        .where(site_rows.within(visibility, tallies.c.site_id), tallies.c.name.in_(names), tallies.c.day.between(first, last))
        .group_by(*key if visibility.sites is None else (tallies.c.site_id, *key))
    )
    return read_all(connection, query, Total)


def waiting(connection: Connection, visibility: Visibility, until: int) -> list[Noted]:
    query = select(tallies.c.site_id, tallies.c.day, tallies.c.count).where(
        site_rows.within(visibility, tallies.c.site_id), tallies.c.name == Tally.WAITING, tallies.c.day <= until
    )
    return read_all(connection, query, Noted)
