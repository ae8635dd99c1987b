from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, func, insert, select
from sqlalchemy.exc import IntegrityError

from app.db.jobs import media
from app.db.tables import decisions, jobs, sites
from app.domain.decisions import Decision, Outcome, Reason, Verdict
from app.domain.errors import DecisionStale
from app.domain.jobs import WorkState
from app.domain.media import Region
from app.domain.platform import SiteState


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
) -> int:
    """Append a decision. Raise `DecisionStale` when the job has one of this policy version, or the earlier one a successor."""
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
    )
    try:
        return int(connection.execute(statement.returning(decisions.c.id)).scalar_one())
    except IntegrityError:
        raise DecisionStale("Someone else decided this picture meanwhile; look at it again.") from None


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


_FULL = select(decisions, jobs.c.media_id, jobs.c.version, jobs.c.source, jobs.c.parent, jobs.c.context).join(
    jobs, jobs.c.id == decisions.c.job_id
)


def _whole(row: Row[Any]) -> Decision:
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
    )


def _first(connection: Connection, query: Select[Any]) -> Decision | None:
    row = connection.execute(query.limit(1)).one_or_none()
    return _whole(row) if row else None


def get(connection: Connection, decision_id: int) -> Decision | None:
    return _first(connection, _FULL.where(decisions.c.id == decision_id))


_later = decisions.alias("later")
_CURRENT = ~exists().where(_later.c.supersedes == decisions.c.id)


def current(connection: Connection, site_id: str, media_id: str, version: str) -> Decision | None:
    """Give the decision in force for one image version, over all its rounds."""
    query = _FULL.where(jobs.c.site_id == site_id, jobs.c.media_id == media_id, jobs.c.version == version, _CURRENT)
    return _first(connection, query.order_by(decisions.c.id.desc()))


def by_person(connection: Connection, site_id: str, sha256: str) -> Decision | None:
    """Give the last verdict that a person gave on this site for these very bytes."""
    query = _FULL.where(decisions.c.site_id == site_id, decisions.c.sha256 == sha256, decisions.c.person != "")
    return _first(connection, query.order_by(decisions.c.id.desc()))


def _waiting(site_id: str) -> Select[Any]:
    connected = select(sites.c.id).where(sites.c.state != SiteState.REMOVED)
    query = _FULL.where(decisions.c.verdict == Verdict.REVIEW, jobs.c.state == WorkState.DONE, _CURRENT)
    return query.where(decisions.c.site_id == site_id if site_id else decisions.c.site_id.in_(connected))


def waiting(connection: Connection, site_id: str = "", limit: int = 50, after: int = 0) -> list[Decision]:
    """List the review queue, most severe first and oldest first within: REVIEW decisions without a successor."""
    query = _waiting(site_id).order_by(decisions.c.severity.desc(), decisions.c.decided_at, decisions.c.id)
    return [_whole(row) for row in connection.execute(query.limit(limit).offset(after))]


def count_waiting(connection: Connection, site_id: str = "") -> int:
    query = _waiting(site_id).with_only_columns(func.count(), maintain_column_froms=True)
    return int(connection.execute(query).scalar_one())


def oldest_waiting(connection: Connection, site_id: str) -> int | None:
    query = _waiting(site_id).with_only_columns(func.min(decisions.c.decided_at), maintain_column_froms=True)
    return connection.execute(query).scalar()


def recent(connection: Connection, site_id: str = "", verdict: str = "", limit: int = 50, before: int = 0) -> list[Decision]:
    """List decisions in force, newest first; `before` is the id to go on from."""
    query = _FULL.where(_CURRENT).order_by(decisions.c.id.desc()).limit(limit)
    if site_id:
        query = query.where(decisions.c.site_id == site_id)
    if verdict:
        query = query.where(decisions.c.verdict == verdict)
    if before:
        query = query.where(decisions.c.id < before)
    return [_whole(row) for row in connection.execute(query)]


def history(connection: Connection, site_id: str, media_id: str) -> list[Decision]:
    query = _FULL.where(jobs.c.site_id == site_id, jobs.c.media_id == media_id).order_by(decisions.c.id.desc())
    return [_whole(row) for row in connection.execute(query)]


def counts(connection: Connection, site_id: str) -> dict[str, int]:
    """Count the decisions in force by verdict."""
    query = (
        select(decisions.c.verdict, func.count()).where(decisions.c.site_id == site_id, _CURRENT).group_by(decisions.c.verdict)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def by_policy(connection: Connection, site_id: str, below: int, limit: int) -> Iterator[Decision]:
    """Give decisions in force that an older policy version made, of images that are still there."""
    query = (
        _FULL.where(decisions.c.site_id == site_id, decisions.c.policy_version < below, _CURRENT)
        .where(jobs.c.state == WorkState.DONE)
        .order_by(decisions.c.id)
        .limit(limit)
    )
    return (_whole(row) for row in connection.execute(query))
