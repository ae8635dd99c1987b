"""What waits for a person, who looks at it now, and what the first of two people thinks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from app.db import sites as site_rows
from app.db.sql import columns, put, read_all, read_one, values, written
from app.db.tables import decisions, jobs, opinions, sites, skips, waiting
from app.domain.decisions import Ruling, Verdict
from app.domain.jobs import WorkState
from app.domain.media import MediaRef
from app.domain.platform import SiteState
from app.domain.taxonomy import Severity
from app.domain.visibility import Visibility

TAKING_TRIES = 8
"""How often the next item is looked for when others take it first: each try loses to one other person at most."""

_NOBODY = written(0)


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """Hold what waits. `rank` 0 is the most severe; `reviewer` is a person's id, 0 for nobody, and has it to `leased_until`."""

    decision_id: int
    site_id: str
    parent: str
    rank: int
    since: int
    restricted: bool
    two_people: bool
    escalated: bool
    note: str
    reviewer: int
    reviewer_name: str
    leased_until: int


@dataclass(frozen=True, slots=True)
class OpinionRow:
    """Hold what one person thinks of a decision that needs two."""

    person_id: int
    person: str
    verdict: Verdict


_ALL = select(*columns(waiting, WaitingRow))


class Order(StrEnum):
    OLDEST = "oldest"
    SEVEREST = "severest"


_COLUMNS = {
    Order.OLDEST: (waiting.c.since, waiting.c.decision_id),
    Order.SEVEREST: (waiting.c.rank, waiting.c.since, waiting.c.decision_id),
}


@dataclass(frozen=True, slots=True)
class About:
    """Hold what a decision's categories mean for the queue. `rank` 0 is the most severe."""

    rank: int
    restricted: bool
    two_people: bool


def follow(connection: Connection, site_id: str, decision_id: int, ruling: Ruling, media: MediaRef, about: About) -> None:
    """Keep the queue true to a decision that was just stored. One that waits on keeps its place, its reviewer and opinions."""
    before = ruling.supersedes
    if ruling.outcome.verdict is not Verdict.REVIEW:
        if before is not None:
            connection.execute(delete(waiting).where(waiting.c.decision_id == before))
        return
    if before is not None and _move(connection, before, decision_id, about):
        return
    connection.execute(
        insert(waiting).values(
            decision_id=decision_id,
            site_id=site_id,
            job_id=ruling.job_id,
            media_id=media.id,
            parent=media.parent,
            since=ruling.decided_at,
            **values(about),
        )
    )


def _move(connection: Connection, earlier: int, decision_id: int, about: About) -> bool:
    moved = connection.execute(
        update(waiting).where(waiting.c.decision_id == earlier).values(decision_id=decision_id, **values(about))
    ).rowcount
    if moved:
        for table in (opinions, skips):
            connection.execute(update(table).where(table.c.decision_id == earlier).values(decision_id=decision_id))
    return moved == 1


def waits_since(connection: Connection, decision_id: int, since: int) -> None:
    """Give an item its place back that waited before."""
    connection.execute(update(waiting).where(waiting.c.decision_id == decision_id).values(since=since))


def leave(connection: Connection, site_id: str, media_id: str = "", parent: str = "") -> None:
    """Take what is gone at the platform out of the queue: of one image, or of a parent."""
    gone = select(jobs.c.id).where(jobs.c.id == waiting.c.job_id, jobs.c.state == WorkState.GONE)
    whose = waiting.c.media_id == media_id if media_id else waiting.c.parent == parent
    connection.execute(delete(waiting).where(waiting.c.site_id == site_id, whose, exists(gone)))


def add(connection: Connection, decision_id: int, now: int) -> None:
    """Let a decision in force wait for a second person, unless it waits already."""
    if get(connection, decision_id) is not None:
        return
    found = select(
        decisions.c.id,
        decisions.c.site_id,
        decisions.c.job_id,
        jobs.c.media_id,
        jobs.c.parent,
        written(int(Severity.SEVERE)) - decisions.c.severity,
        literal(now, BigInteger),
        decisions.c.restricted,
        decisions.c.two_people,
    ).join(jobs, jobs.c.id == decisions.c.job_id)
    names = ("decision_id", "site_id", "job_id", "media_id", "parent", "rank", "since", "restricted", "two_people")
    connection.execute(insert(waiting).from_select(names, found.where(decisions.c.id == decision_id)))


def drop(connection: Connection, decision_id: int) -> None:
    """Take back what `add` did: for a decision in force that does not itself ask for a person."""
    binding = select(decisions.c.id).where(decisions.c.id == waiting.c.decision_id, decisions.c.verdict != Verdict.REVIEW)
    connection.execute(delete(waiting).where(waiting.c.decision_id == decision_id, exists(binding)))


def _open_to(visibility: Visibility) -> list[ColumnElement[bool]]:
    """Limit to what these people may decide. Escalated ones are for those who see the restricted ones, too."""
    limits = [site_rows.within(visibility, waiting.c.site_id)]
    if not visibility.restricted:
        limits += [waiting.c.restricted.is_(False), waiting.c.escalated.is_(False)]
    return limits


def count(connection: Connection, visibility: Visibility) -> int:
    query = select(func.count()).select_from(waiting).where(*_open_to(visibility))
    return int(connection.execute(query).scalar_one())


def counts(connection: Connection) -> dict[str, int]:
    """Count what waits on each site that is not removed; sites where nothing waits are left out."""
    query = select(waiting.c.site_id, func.count()).join(sites, sites.c.id == waiting.c.site_id)
    query = query.where(sites.c.state != SiteState.REMOVED).group_by(waiting.c.site_id)
    return {site_id: count for site_id, count in connection.execute(query)}


def get(connection: Connection, decision_id: int) -> WaitingRow | None:
    return read_one(connection, _ALL.where(waiting.c.decision_id == decision_id), WaitingRow)


def page(connection: Connection, visibility: Visibility, order: Order, after: Sequence[int], limit: int) -> list[WaitingRow]:
    """List what waits in order; `after` is the place of the last one of the page before."""
    place = _COLUMNS[order]
    query = _ALL.where(*_open_to(visibility)).order_by(*place).limit(limit)
    if after:
        query = query.where(tuple_(*place) > tuple(after))
    return read_all(connection, query, WaitingRow)


def place(row: WaitingRow, order: Order) -> tuple[int, ...]:
    """Give the place of an item in an order, for `page`."""
    return tuple(getattr(row, column.name) for column in _COLUMNS[order])


def take_next(
    connection: Connection, visibility: Visibility, order: Order, person_id: int, name: str, now: int, until: int
) -> WaitingRow | None:
    """Lease the next item that nobody looks at, or the one that this person has already."""
    for _ in range(TAKING_TRIES):
        held = _held(person_id, now).where(*_open_to(visibility)).limit(1)
        free = _free(visibility, order, person_id, now)
        found = read_one(connection, held, WaitingRow) or read_one(connection, free, WaitingRow)
        if found is None or take(connection, found.decision_id, person_id, name, now, until):
            return get(connection, found.decision_id) if found is not None else None
    return None


def _held(person_id: int, now: int) -> Select[Any]:
    return _ALL.where(waiting.c.reviewer == person_id, waiting.c.reviewer != _NOBODY, waiting.c.leased_until >= now)


def _free(visibility: Visibility, order: Order, person_id: int, now: int) -> Select[Any]:
    mine = (opinions.c.decision_id == waiting.c.decision_id, opinions.c.person_id == person_id)
    passed = (skips.c.decision_id == waiting.c.decision_id, skips.c.person_id == person_id)
    return (
        _ALL.where(*_open_to(visibility), waiting.c.leased_until < now)
        .where(~exists().where(*passed), ~and_(waiting.c.two_people, exists().where(*mine)))
        .order_by(*_COLUMNS[order])
        .limit(1)
    )


def take(connection: Connection, decision_id: int, person_id: int, name: str, now: int, until: int) -> bool:
    """Lease one item, or lease it for longer; False when another person has it."""
    statement = update(waiting).where(
        waiting.c.decision_id == decision_id, or_(waiting.c.leased_until < now, waiting.c.reviewer == person_id)
    )
    return connection.execute(statement.values(reviewer=person_id, reviewer_name=name, leased_until=until)).rowcount == 1


def release(connection: Connection, person_id: int, decision_id: int | None = None) -> None:
    """Give back what a person has leased: one item, or all."""
    statement = update(waiting).where(waiting.c.reviewer == person_id, waiting.c.reviewer != _NOBODY)
    if decision_id is not None:
        statement = statement.where(waiting.c.decision_id == decision_id)
    connection.execute(statement.values(reviewer=0, reviewer_name="", leased_until=0))


def skip(connection: Connection, decision_id: int, person_id: int, now: int) -> None:
    put(connection, skips, {"decision_id": decision_id, "person_id": person_id, "at": now})


def skipped(connection: Connection, visibility: Visibility, person_id: int) -> int:
    """Count what this person passed over that still waits."""
    query = select(func.count()).select_from(waiting.join(skips, skips.c.decision_id == waiting.c.decision_id))
    return int(connection.execute(query.where(skips.c.person_id == person_id, *_open_to(visibility))).scalar_one())


def forget_skips(connection: Connection, person_id: int) -> None:
    connection.execute(delete(skips).where(skips.c.person_id == person_id))


def escalate(connection: Connection, decision_id: int, note: str) -> None:
    statement = update(waiting).where(waiting.c.decision_id == decision_id)
    connection.execute(statement.values(escalated=True, note=note, reviewer=0, reviewer_name="", leased_until=0))


def of_decisions(connection: Connection, decision_ids: Sequence[int]) -> dict[int, WaitingRow]:
    query = _ALL.where(waiting.c.decision_id.in_(decision_ids))
    return {row.decision_id: row for row in read_all(connection, query, WaitingRow)}


def add_opinion(
    connection: Connection, decision_id: int, person_id: int, person: str, verdict: Verdict, category: str, now: int
) -> None:
    values = {"person": person, "verdict": verdict, "category": category, "at": now}
    put(connection, opinions, {"decision_id": decision_id, "person_id": person_id, **values})


def opinions_of(connection: Connection, decision_id: int) -> list[OpinionRow]:
    query = select(*columns(opinions, OpinionRow)).where(opinions.c.decision_id == decision_id)
    return read_all(connection, query.order_by(opinions.c.at), OpinionRow)


def drop_opinion(connection: Connection, decision_id: int, person_id: int) -> bool:
    statement = delete(opinions).where(opinions.c.decision_id == decision_id, opinions.c.person_id == person_id)
    return connection.execute(statement).rowcount == 1


def oldest(connection: Connection, site_id: str) -> int | None:
    """Give since when the oldest item of a site waits, of those that everyone may know of."""
    # Not by the index of all that waits, which would be walked to its end for a site without any.
    return connection.execute(select(func.min(waiting.c.since + 0)).where(*_open_to(Visibility((site_id,))))).scalar()
