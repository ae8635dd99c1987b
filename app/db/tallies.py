"""Figures per site and day, counted when things happen, so that no page has to count a million rows.

| name | counts | category |
|---|---|---|
| judged | pictures that a policy decided, once each: replays are not counted | the verdict |
| found | those that it did not allow | each category that asked for it |
| judged_in | spans from an upload to its verdict | the step, see `figures.step_of` |
| hidden, restored | actions that were made true at the site | |
| answered | reviews that a person decided | the verdict |
| answered_in | spans from a review's begin to that | the step |
| confirmed, overturned | reviews and blocks that a person blocked, or allowed | each category that had asked for it |
| exposed | clear looks at a picture | |
| waiting | not counted but noted: how many waited when the day was looked at last | |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from app.db.sql import count_up, execute_compiled, put
from app.db.tables import decisions, jobs, tallies
from app.domain.decisions import Reason, Verdict
from app.domain.figures import step_of
from app.domain.jobs import Priority

DAY = 86_400 * 1_000_000

FOLLOWED = 50
"""How far a picture's decisions are followed back to the one that a policy made; nobody changes their mind more often."""


def count(connection: Connection, site_id: str, now: int, name: str, category: str = "", by: int = 1) -> None:
    """Count something that happened now, in the caller's transaction."""
    values = {"site_id": site_id, "day": now // DAY, "name": name, "category": category, "count": by}
    count_up(connection, tallies, "count", values)


def note_waiting(connection: Connection, site_id: str, now: int, waiting: int) -> None:
    """Note how many pictures wait on a site today; the day's last note stays."""
    put(connection, tallies, {"site_id": site_id, "day": now // DAY, "name": "waiting", "category": "", "count": waiting})


def asking(reasons: Iterable[Reason]) -> set[str]:
    """Give the categories that asked a person or blocked: by a rule that acts, not by a failure."""
    return {r.category for r in reasons if r.rule and r.mode != "shadow" and r.verdict is not Verdict.ALLOW and r.category}


_JOB = select(jobs.c.created_at, jobs.c.priority).where(jobs.c.id == bindparam("job"))
_EARLIER = select(
    decisions.c.job_id,
    decisions.c.person,
    decisions.c.verdict,
    decisions.c.policy_version,
    decisions.c.restored_version,
    decisions.c.supersedes,
    decisions.c.decided_at,
    decisions.c.reasons,
).where(decisions.c.id == bindparam("decision"))


def decided(
    connection: Connection,
    *,
    site_id: str,
    job_id: int,
    verdict: Verdict,
    reasons: Sequence[Reason],
    person: str,
    policy_version: int | None,
    restored_version: int | None,
    supersedes: int | None,
    now: int,
) -> None:
    """Count a decision, in the transaction that stores it.

    A person who decides what another decided, or takes a verdict back, replaces what was counted for it.
    """
    before = _earlier(connection, supersedes)
    if not person:
        if policy_version is not None and (before is None or before.job_id != job_id):
            _judged(connection, site_id, job_id, verdict, reasons, now)
        return
    if before is None:
        return
    asked = _asked(connection, before)
    if before.person and before.restored_version is None:
        _answer(connection, site_id, before.decided_at, Verdict(before.verdict), asked, -1)
    if restored_version is not None or verdict is Verdict.REVIEW:
        return
    _answer(connection, site_id, now, verdict, asked, 1)
    if not before.person and before.verdict == Verdict.REVIEW:
        count(connection, site_id, now, "answered", verdict)
        count(connection, site_id, now, "answered_in", str(step_of((now - before.decided_at) / 1_000_000)))


def _judged(connection: Connection, site_id: str, job_id: int, verdict: Verdict, reasons: Sequence[Reason], now: int) -> None:
    count(connection, site_id, now, "judged", verdict)
    if verdict is not Verdict.ALLOW:
        for category in asking(reasons):
            count(connection, site_id, now, "found", category)
    ((created_at, priority),) = execute_compiled(connection, _JOB, {"job": job_id})
    if priority <= Priority.UPLOAD:
        count(connection, site_id, now, "judged_in", str(step_of((now - created_at) / 1_000_000)))


def _earlier(connection: Connection, decision_id: int | None) -> Any:
    return connection.execute(_EARLIER, {"decision": decision_id}).one_or_none() if decision_id is not None else None


def _asked(connection: Connection, before: Any) -> set[str]:
    """Give the categories for which a policy did not allow the picture, however many people decided since."""
    row = before
    for _ in range(FOLLOWED):
        if row is None or not row.person:
            break
        row = _earlier(connection, row.supersedes)
    if row is None or row.person or row.policy_version is None or row.verdict == Verdict.ALLOW:
        return set()
    return {
        reason["category"]
        for reason in row.reasons
        if reason.get("rule") and reason.get("mode") != "shadow" and reason["verdict"] != Verdict.ALLOW and reason["category"]
    }


def _answer(connection: Connection, site_id: str, at: int, verdict: Verdict, asked: set[str], by: int) -> None:
    name = {Verdict.BLOCK: "confirmed", Verdict.ALLOW: "overturned"}.get(verdict)
    for category in asked if name else ():
        count(connection, site_id, at, str(name), category, by)


def daily(connection: Connection, site_ids: Sequence[str], names: Sequence[str], first: int, last: int) -> Sequence[Any]:
    """Sum these sites' figures of some names per day; the days are whole ones since 1970-01-01, both included."""
    query = (
        select(tallies.c.day, tallies.c.name, func.sum(tallies.c.count).label("count"))
        .where(tallies.c.site_id.in_(site_ids), tallies.c.day.between(first, last), tallies.c.name.in_(names))
        .group_by(tallies.c.day, tallies.c.name)
    )
    return connection.execute(query).all()


def totals(connection: Connection, site_ids: Sequence[str], names: Sequence[str], first: int, last: int) -> Sequence[Any]:
    """Sum each of these sites' figures of some names over the days, per name and category; in the order of the key."""
    query = (
        select(tallies.c.site_id, tallies.c.name, tallies.c.category, func.sum(tallies.c.count).label("count"))
        .where(tallies.c.site_id.in_(site_ids), tallies.c.name.in_(names), tallies.c.day.between(first, last))
        .group_by(tallies.c.site_id, tallies.c.name, tallies.c.category)
    )
    return connection.execute(query).all()


def waiting(connection: Connection, site_ids: Sequence[str], until: int) -> Sequence[Any]:
    """Give every note of what waited: site, day, count."""
    query = select(tallies.c.site_id, tallies.c.day, tallies.c.count).where(
        tallies.c.site_id.in_(site_ids), tallies.c.name == "waiting", tallies.c.day <= until
    )
    return connection.execute(query).all()
