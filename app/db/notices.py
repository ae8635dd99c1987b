"""What owners are told: when each site is looked at next, and the digest that is on its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, Unpack

from sqlalchemy import Connection, select, update

from app.db.jobs import MEDIA, media
from app.db.sql import columns, insert_many, read_all, read_one, written
from app.db.tables import decisions, enforcements, jobs, notices
from app.domain.decisions import Action
from app.domain.jobs import WorkState
from app.domain.media import MediaRef


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """Hold how a site's owner is told. `digest` and `secret` are encrypted; without a digest nothing is on its way."""

    site_id: str
    run_at: int
    covers_until: int
    reminded_at: int
    trouble: str
    digest: bytes | None
    attempts: int
    problem: str
    secret: bytes | None


class NoticeChange(TypedDict, total=False):
    """Name the columns that may be changed by themselves."""

    run_at: int
    covers_until: int
    reminded_at: int
    trouble: str
    digest: bytes | None
    attempts: int
    problem: str
    secret: bytes | None


def get(connection: Connection, site_id: str) -> NoticeRow | None:
    return read_one(connection, select(*columns(notices, NoticeRow)).where(notices.c.site_id == site_id), NoticeRow)


def begin(connection: Connection, site_id: str, now: int) -> None:
    """Look at a site from now on; nothing that was before is told."""
    insert_many(connection, notices, [{"site_id": site_id, "run_at": now, "covers_until": now}])


def take_turn(connection: Connection, site_id: str, seen: int, until: int) -> bool:
    """Take the turn that was due at `seen`; False when another worker took it."""
    statement = update(notices).where(notices.c.site_id == site_id, notices.c.run_at == seen)
    return connection.execute(statement.values(run_at=until)).rowcount == 1


def change(connection: Connection, site_id: str, **changes: Unpack[NoticeChange]) -> None:
    connection.execute(update(notices).where(notices.c.site_id == site_id).values(**changes))


_HIDDEN = (enforcements.c.action == written(Action.HIDE), enforcements.c.state == written(WorkState.DONE))


@dataclass(frozen=True, slots=True)
class Hidden:
    """Hold an image that a policy had hidden."""

    decision_id: int
    restricted: bool
    media: MediaRef


def hidden(connection: Connection, site_id: str, since: int, until: int, limit: int) -> list[Hidden]:
    """List what a policy had hidden from `since` to before `until`."""
    query = (
        select(decisions.c.id, decisions.c.restricted, *MEDIA)
        .select_from(enforcements)
        .join(decisions, decisions.c.id == enforcements.c.decision_id)
        .join(jobs, jobs.c.id == decisions.c.job_id)
        .where(enforcements.c.site_id == site_id, *_HIDDEN, enforcements.c.ended_at >= since, enforcements.c.ended_at < until)
        .where(decisions.c.person == "")
        .order_by(enforcements.c.ended_at)
        .limit(limit)
    )
    found = connection.execute(query)
    return [Hidden(decision_id, restricted, media(*image)) for decision_id, restricted, *image in found]


@dataclass(frozen=True, slots=True)
class Unmade:
    """Hold an action that needs the owner."""

    decision_id: int
    action: Action
    problem: str


def unmade(connection: Connection, site_id: str, since: int, until: int, limit: int) -> list[Unmade]:
    """List actions that came to need the owner from `since` to before `until`."""
    query = (
        select(*columns(enforcements, Unmade))
        .where(enforcements.c.site_id == site_id, enforcements.c.state.in_([WorkState.PARKED, WorkState.DRIFTED]))
        .where(enforcements.c.ended_at >= since, enforcements.c.ended_at < until)
        .where(enforcements.c.action.in_([Action.HIDE, Action.RESTORE, Action.DELETE]))
        .order_by(enforcements.c.ended_at)
        .limit(limit)
    )
    return read_all(connection, query, Unmade)
