"""Decisions: stored, superseded, found again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, insert, literal_column, select
from sqlalchemy.exc import IntegrityError

from app.db import pictures, queue, standings
from app.db.jobs import media
from app.db.tables import decisions, jobs
from app.domain.decisions import Decision, Outcome, Reason, Verdict
from app.domain.errors import DecisionStale
from app.domain.jobs import WorkState
from app.domain.media import Region, name_of
from app.domain.scope import Scope
from app.domain.taxonomy import CATEGORIES

NAME_CHARACTERS = 200
"""How much of a picture's name is kept for the search; longer ones are found by what they begin with."""

# Written into the statement, since a planner may only use a partial index for a value that it knows.
_NOTHING: ColumnElement[str] = literal_column("''")


def add(
    connection: Connection,
    *,
    site_id: str,
    job_id: int,
    sha256: str,
    outcome: Outcome,
    severity: int,
    person: str,
    policy_version: int | None,
    supersedes: int | None,
    now: int,
    batch: str = "",
    restored_version: int | None = None,
) -> int:
    """Append a decision, and keep the queue and the look-alikes true to it.

    Raise `DecisionStale` when the job has one of this policy version, or the earlier one a successor.
    """
    job = connection.execute(select(jobs).where(jobs.c.id == job_id)).one()
    restricted, two_people = _flags(connection, outcome, supersedes if person else None)
    statement = insert(decisions).values(
        site_id=site_id,
        job_id=job_id,
        sha256=sha256,
        verdict=outcome.verdict,
        severity=severity,
        reasons=[_packed(reason) for reason in outcome.reasons],
        enforce=outcome.enforce,
        person=person,
        policy_version=policy_version,
        supersedes=supersedes,
        decided_at=now,
        restored_version=restored_version,
        category=outcome.reasons[0].category if outcome.reasons else "",
        name=folded(name_of(media(job))),
        batch=batch,
        restricted=restricted,
        two_people=two_people,
    )
    try:
        decision_id = int(connection.execute(statement.returning(decisions.c.id)).scalar_one())
    except IntegrityError:
        raise DecisionStale("Someone else decided this picture meanwhile; look at it again.") from None
    standings.follow(connection, site_id, outcome.verdict, supersedes)
    queue.follow(
        connection,
        decision_id=decision_id,
        site_id=site_id,
        job=job,
        verdict=outcome.verdict,
        severity=severity,
        restricted=restricted,
        two_people=two_people,
        supersedes=supersedes,
        now=now,
    )
    if person or outcome.verdict is not Verdict.ALLOW:
        pictures.keep_look(connection, job_id, sha256)
    return decision_id


def folded(name: str) -> str:
    """Make a name as it is searched for."""
    return name.casefold()[:NAME_CHARACTERS]


def _flags(connection: Connection, outcome: Outcome, earlier: int | None) -> tuple[bool, bool]:
    """Say whether a decision is restricted, and whether two people must agree about it.

    A person's decision is about what was found before: it inherits both, whatever reason the person gives.
    """
    found = [CATEGORIES[reason.category] for reason in outcome.reasons if reason.category in CATEGORIES]
    restricted = any(category.restricted for category in found)
    if earlier is None:
        return restricted, any(category.two_people for category in found)
    row = connection.execute(select(decisions.c.restricted, decisions.c.two_people).where(decisions.c.id == earlier)).one()
    return restricted or row.restricted, row.two_people


def _packed(reason: Reason) -> dict[str, Any]:
    packed: dict[str, Any] = {"verdict": reason.verdict, "category": reason.category, "text": reason.text}
    for name in ("rule", "mode", "detector", "score", "threshold"):
        value = getattr(reason, name)
        if value not in ("", None):
            packed[name] = round(value, 4) if isinstance(value, float) else value
    if reason.region:
        box = reason.region
        packed["region"] = [round(side, 4) for side in (box.x, box.y, box.width, box.height)]
    return packed


def reasons(packed: Sequence[dict[str, Any]]) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            verdict=Verdict(item["verdict"]),
            category=item["category"],
            text=item["text"],
            rule=item.get("rule", ""),
            mode=item.get("mode", ""),
            detector=item.get("detector", ""),
            score=item.get("score"),
            threshold=item.get("threshold"),
            region=Region(*item["region"]) if "region" in item else None,
        )
        for item in packed
    )


FULL = select(decisions, jobs.c.media_id, jobs.c.version, jobs.c.source, jobs.c.parent, jobs.c.context).join(
    jobs, jobs.c.id == decisions.c.job_id
)


def whole(row: Row[Any]) -> Decision:
    return Decision(
        id=row.id,
        site_id=row.site_id,
        job_id=row.job_id,
        media=media(row),
        sha256=row.sha256,
        verdict=Verdict(row.verdict),
        reasons=reasons(row.reasons),
        enforce=row.enforce,
        person=row.person,
        policy_version=row.policy_version,
        supersedes=row.supersedes,
        decided_at=row.decided_at,
        batch=row.batch,
        restricted=row.restricted,
        two_people=row.two_people,
        restored_version=row.restored_version,
    )


def _first(connection: Connection, query: Select[Any]) -> Decision | None:
    row = connection.execute(query.limit(1)).one_or_none()
    return whole(row) if row else None


def get(connection: Connection, decision_id: int) -> Decision | None:
    return _first(connection, FULL.where(decisions.c.id == decision_id))


_later = decisions.alias("later")
CURRENT = ~exists().where(_later.c.supersedes == decisions.c.id)


def current(connection: Connection, site_id: str, media_id: str, version: str) -> Decision | None:
    """Give the decision in force for one image version, over all its rounds."""
    query = FULL.where(jobs.c.site_id == site_id, jobs.c.media_id == media_id, jobs.c.version == version, CURRENT)
    return _first(connection, query.order_by(decisions.c.id.desc()))


def by_person(connection: Connection, site_id: str, sha256: str) -> Decision | None:
    """Give the last verdict that a person gave on this site for these very bytes; None when it was taken back."""
    query = FULL.where(decisions.c.site_id == site_id, decisions.c.sha256 == sha256, decisions.c.person != "")
    found = _first(connection, query.order_by(decisions.c.id.desc()))
    binds = found is not None and found.restored_version is None and found.verdict is not Verdict.REVIEW
    return found if binds else None


def by_ids(connection: Connection, decision_ids: Sequence[int]) -> dict[int, Decision]:
    return {row.id: whole(row) for row in connection.execute(FULL.where(decisions.c.id.in_(decision_ids)))}


def in_force(connection: Connection, job_ids: Sequence[int]) -> list[Decision]:
    """Give the decision in force of each of these jobs, where there is one."""
    return [whole(row) for row in connection.execute(FULL.where(decisions.c.job_id.in_(job_ids), CURRENT))]


def successor(connection: Connection, decision_id: int) -> Decision | None:
    return _first(connection, FULL.where(decisions.c.supersedes == decision_id))


def superseded(connection: Connection, decision_ids: Sequence[int]) -> set[int]:
    """Give those of these decisions that are no longer in force."""
    query = select(decisions.c.supersedes).where(decisions.c.supersedes.in_(decision_ids))
    return {row for row in connection.execute(query).scalars() if row is not None}


def of_parent(connection: Connection, site_id: str, parent: str, limit: int) -> list[Decision]:
    """List the decisions in force about the images that a parent holds, newest first."""
    named = and_(jobs.c.site_id == site_id, jobs.c.parent == parent, jobs.c.parent != _NOTHING, jobs.c.state == WorkState.DONE)
    query = FULL.where(named, CURRENT).order_by(decisions.c.id.desc()).limit(limit)
    return [whole(row) for row in connection.execute(query)]


def of_batch(connection: Connection, batch: str, limit: int) -> list[int]:
    """Give the ids of the decisions that were made with a batch."""
    query = select(decisions.c.id).where(decisions.c.batch == batch, decisions.c.batch != _NOTHING)
    return list(connection.execute(query.order_by(decisions.c.id).limit(limit)).scalars())


def of_policy(connection: Connection, site_id: str, version: int) -> list[int]:
    """Give the ids of the decisions of one policy version that are in force."""
    query = select(decisions.c.id).where(decisions.c.policy_version == version, decisions.c.site_id == site_id, CURRENT)
    return list(connection.execute(query.order_by(decisions.c.id)).scalars())


def waiting(connection: Connection, scope: Scope, order: queue.Order, after: Sequence[int], limit: int) -> list[Decision]:
    """List what waits for a person, in order."""
    rows = queue.page(connection, scope, order, after, limit)
    found = by_ids(connection, [row.decision_id for row in rows])
    return [found[row.decision_id] for row in rows]


def recent(
    connection: Connection,
    site_id: str = "",
    verdict: str = "",
    limit: int = 50,
    before: int = 0,
    *,
    restricted: bool = False,
) -> list[Decision]:
    """List decisions in force, newest first; `before` is the id to go on from."""
    query = FULL.where(CURRENT).order_by(decisions.c.id.desc()).limit(limit)
    if not restricted:
        query = query.where(decisions.c.restricted.is_(False))
    if site_id:
        query = query.where(decisions.c.site_id == site_id)
    if verdict:
        query = query.where(decisions.c.verdict == verdict)
    if before:
        query = query.where(decisions.c.id < before)
    return [whole(row) for row in connection.execute(query)]


def count_waiting(connection: Connection, site_id: str) -> int:
    """Count what waits on a site, as everyone may know it: without what is restricted or escalated."""
    return queue.count(connection, Scope((site_id,)))


def oldest_waiting(connection: Connection, site_id: str) -> int | None:
    return queue.oldest(connection, site_id)


def history(connection: Connection, site_id: str, media_id: str) -> list[Decision]:
    query = FULL.where(jobs.c.site_id == site_id, jobs.c.media_id == media_id).order_by(decisions.c.id.desc())
    return [whole(row) for row in connection.execute(query)]


def by_policy(connection: Connection, site_id: str, below: int, limit: int, after: int = 0) -> Iterator[Decision]:
    """Give decisions in force that are an older policy version's word, of images that are still there; `after` an id."""
    version = func.coalesce(decisions.c.policy_version, decisions.c.restored_version)
    query = (
        FULL.where(decisions.c.site_id == site_id, version < below, CURRENT)
        .where(jobs.c.state == WorkState.DONE, decisions.c.id > after)
        .order_by(decisions.c.id)
        .limit(limit)
    )
    return (whole(row) for row in connection.execute(query))
