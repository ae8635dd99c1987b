"""Decisions, append-only: each is stored here, and what follows of it is kept true in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.db import pictures, queue, standings
from app.db.jobs import MEDIA, media
from app.db.sql import execute_typed, read_all, read_one, written
from app.db.tables import decisions, jobs
from app.domain.decisions import Decision, Outcome, Reason, Ruling, Verdict, severity
from app.domain.errors import DecisionStale
from app.domain.jobs import WorkState
from app.domain.media import Region, name_of
from app.domain.taxonomy import CATEGORIES, Severity
from app.domain.visibility import Visibility

NAME_CHARACTERS = 200
"""How much of a picture's name is kept for the search; longer ones are found by what they begin with."""

_JUDGED = select(*MEDIA).where(jobs.c.id == bindparam("job"))
_ADD = insert(decisions).values({c.name: bindparam(c.name) for c in decisions.c if c.name != "id"}).returning(decisions.c.id)


def add(connection: Connection, site_id: str, ruling: Ruling) -> int:
    """Append a decision, and keep the queue and the look-alikes true to it.

    Raise `DecisionStale` when the job has one of this policy version, or the earlier one a successor.
    """
    judged = media(*execute_typed(connection, _JUDGED, {"job": ruling.job_id})[0])
    outcome, severest = ruling.outcome, severity(ruling.outcome.reasons)
    restricted, two_people = _flags(connection, outcome, ruling.supersedes if ruling.person else None)
    values = {
        "site_id": site_id,
        "job_id": ruling.job_id,
        "sha256": ruling.sha256,
        "verdict": outcome.verdict,
        "severity": severest,
        "reasons": [_packed(reason) for reason in outcome.reasons],
        "enforce": outcome.enforce,
        "person": ruling.person,
        "policy_version": ruling.policy_version,
        "supersedes": ruling.supersedes,
        "decided_at": ruling.decided_at,
        "restored_version": ruling.restored_version,
        "category": outcome.reasons[0].category if outcome.reasons else "",
        "name": folded(name_of(judged)),
        "batch": ruling.batch,
        "restricted": restricted,
        "two_people": two_people,
    }
    try:
        decision_id = int(execute_typed(connection, _ADD, values)[0][0])
    except IntegrityError:
        raise DecisionStale("Someone else decided this picture meanwhile; look at it again.") from None
    if restricted or two_people:
        _protect(connection, site_id, ruling, restricted=restricted, two_people=two_people)
    standings.follow(connection, site_id, outcome.verdict, ruling.supersedes)
    about = queue.About(Severity.SEVERE - severest, restricted, two_people)
    queue.follow(connection, site_id, decision_id, ruling, judged, about)
    if ruling.person or outcome.verdict is not Verdict.ALLOW:
        pictures.keep_look(connection, ruling.job_id, ruling.sha256)
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


def _protect(connection: Connection, site_id: str, ruling: Ruling, *, restricted: bool, two_people: bool) -> None:
    """Let the rights of a picture's new decision hold for all its earlier ones, and drop previews of what became restricted.

    An earlier decision's number, its page and its place in lists then open nothing that the one in force does not.
    """
    picture = (jobs.c.site_id == site_id, jobs.c.media_id == ruling.media.id, jobs.c.version == ruling.media.version)
    of_picture = decisions.c.job_id.in_(select(jobs.c.id).where(*picture))
    if two_people:
        connection.execute(update(decisions).where(of_picture, decisions.c.two_people.is_(False)).values(two_people=True))
    if restricted:
        connection.execute(update(decisions).where(of_picture, decisions.c.restricted.is_(False)).values(restricted=True))
        seen = connection.execute(select(decisions.c.sha256).where(of_picture).distinct()).scalars().all()
        for sha256 in {ruling.sha256, *seen}:
            pictures.forget_preview(connection, site_id, sha256)


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


FULL = select(
    decisions.c.id,
    decisions.c.site_id,
    decisions.c.job_id,
    *MEDIA,
    decisions.c.sha256,
    decisions.c.verdict,
    decisions.c.reasons,
    decisions.c.enforce,
    decisions.c.person,
    decisions.c.policy_version,
    decisions.c.supersedes,
    decisions.c.decided_at,
    decisions.c.batch,
    decisions.c.restricted,
    decisions.c.two_people,
    decisions.c.restored_version,
).join(jobs, jobs.c.id == decisions.c.job_id)


def whole(
    id: int,
    site_id: str,
    job_id: int,
    media_id: str,
    version: str,
    source: str,
    parent: str,
    context: Mapping[str, Sequence[str]],
    sha256: str,
    verdict: Verdict,
    packed: Sequence[dict[str, Any]],
    *rest: Any,
) -> Decision:
    """Make a decision of a row of `FULL`, whose columns come in the order of its fields."""
    judged = media(media_id, version, source, parent, context)
    return Decision(id, site_id, job_id, judged, sha256, verdict, reasons(packed), *rest)


def _first(connection: Connection, query: Select[Any]) -> Decision | None:
    return read_one(connection, query.limit(1), whole)


_ONE = FULL.where(decisions.c.id == bindparam("decision"))


def get(connection: Connection, decision_id: int) -> Decision | None:
    return read_one(connection, _ONE, whole, {"decision": decision_id})


_later = decisions.alias("later")
CURRENT = ~exists().where(_later.c.supersedes == decisions.c.id)


_OF_PICTURE = (
    jobs.c.site_id == bindparam("site"),
    jobs.c.media_id == bindparam("media"),
    jobs.c.version == bindparam("version"),
)
_CURRENT = FULL.where(*_OF_PICTURE, CURRENT).order_by(decisions.c.id.desc()).limit(1)


def current(connection: Connection, site_id: str, media_id: str, version: str) -> Decision | None:
    """Give the decision in force for one image version, over all its rounds."""
    return read_one(connection, _CURRENT, whole, {"site": site_id, "media": media_id, "version": version})


_CONFIRMED = (
    FULL.where(
        decisions.c.site_id == bindparam("site"), decisions.c.sha256 == bindparam("sha256"), decisions.c.person != written("")
    )
    .order_by(decisions.c.id.desc())
    .limit(1)
)


def by_person(connection: Connection, site_id: str, sha256: str) -> Decision | None:
    """Give the last verdict that a person gave on this site for these very bytes; None when it was taken back."""
    found = read_one(connection, _CONFIRMED, whole, {"site": site_id, "sha256": sha256})
    binds = found is not None and found.restored_version is None and found.verdict is not Verdict.REVIEW
    return found if binds else None


def by_ids(connection: Connection, decision_ids: Sequence[int]) -> dict[int, Decision]:
    return {found.id: found for found in read_all(connection, FULL.where(decisions.c.id.in_(decision_ids)), whole)}


def in_force(connection: Connection, job_ids: Sequence[int]) -> list[Decision]:
    """Give the decision in force of each of these jobs, where there is one."""
    return read_all(connection, FULL.where(decisions.c.job_id.in_(job_ids), CURRENT), whole)


def successor(connection: Connection, decision_id: int) -> Decision | None:
    return _first(connection, FULL.where(decisions.c.supersedes == decision_id))


def superseded(connection: Connection, decision_ids: Sequence[int]) -> set[int]:
    """Give those of these decisions that are no longer in force."""
    query = select(decisions.c.supersedes).where(decisions.c.supersedes.in_(decision_ids))
    return {row for row in connection.execute(query).scalars() if row is not None}


def of_parent(connection: Connection, site_id: str, parent: str, limit: int) -> list[Decision]:
    """List the decisions in force about the images that a parent holds, newest first."""
    named = and_(jobs.c.site_id == site_id, jobs.c.parent == parent, jobs.c.parent != written(""), jobs.c.state == WorkState.DONE)
    query = FULL.where(named, CURRENT).order_by(decisions.c.id.desc()).limit(limit)
    return read_all(connection, query, whole)


def of_batch(connection: Connection, batch: str, limit: int) -> list[int]:
    """Give the ids of the decisions that were made with a batch."""
    query = select(decisions.c.id).where(decisions.c.batch == batch, decisions.c.batch != written(""))
    return list(connection.execute(query.order_by(decisions.c.id).limit(limit)).scalars())


def of_policy(connection: Connection, site_id: str, version: int) -> list[int]:
    """Give the ids of the decisions of one policy version that are in force."""
    query = select(decisions.c.id).where(decisions.c.policy_version == version, decisions.c.site_id == site_id, CURRENT)
    return list(connection.execute(query.order_by(decisions.c.id)).scalars())


def waiting(
    connection: Connection, visibility: Visibility, order: queue.Order, after: Sequence[int], limit: int
) -> list[Decision]:
    """List what waits for a person, in order."""
    rows = queue.page(connection, visibility, order, after, limit)
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
    return read_all(connection, query, whole)


def count_waiting(connection: Connection, site_id: str) -> int:
    """Count what waits on a site, as everyone may know it: without what is restricted or escalated."""
    return queue.count(connection, Visibility((site_id,)))


def oldest_waiting(connection: Connection, site_id: str) -> int | None:
    return queue.oldest(connection, site_id)


def history(connection: Connection, site_id: str, media_id: str) -> list[Decision]:
    query = FULL.where(jobs.c.site_id == site_id, jobs.c.media_id == media_id).order_by(decisions.c.id.desc())
    return read_all(connection, query, whole)


def by_policy(connection: Connection, site_id: str, below: int, limit: int, after: int = 0) -> list[Decision]:
    """Give decisions in force that are an older policy version's word, of images that are still there; `after` an id."""
    version = func.coalesce(decisions.c.policy_version, decisions.c.restored_version)
    query = (
        FULL.where(decisions.c.site_id == site_id, version < below, CURRENT)
        .where(jobs.c.state == WorkState.DONE, decisions.c.id > after)
        .order_by(decisions.c.id)
        .limit(limit)
    )
    return read_all(connection, query, whole)
