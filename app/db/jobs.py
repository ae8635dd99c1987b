"""The work to reach decisions: added once for each round of an image version, leased, ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, text, update

from app.db import leases, lines, queue
from app.db.lines import JOBS
from app.db.sql import columns, execute_compiled, insert_many, insert_once, read_one, written
from app.db.tables import decisions, jobs, pictures
from app.domain.detector import Fingerprint
from app.domain.jobs import ModerationJob, Priority, WorkState
from app.domain.media import MediaRef


@dataclass(frozen=True, slots=True)
class JobRow:
    """Hold a job, whoever has it. `token` fences who works on it."""

    id: int
    site_id: str
    media_id: str
    version: str
    source: str
    parent: str
    context: Mapping[str, Sequence[str]]
    round: int
    priority: int
    state: WorkState
    token: int
    attempts: int
    deaths: int
    created_at: int

    @property
    def media(self) -> MediaRef:
        return media(self.media_id, self.version, self.source, self.parent, self.context)


def media(media_id: str, version: str, source: str, parent: str, context: Mapping[str, Sequence[str]]) -> MediaRef:
    """Make of the columns `MEDIA` what they stand for."""
    return MediaRef(media_id, version, source, parent, {key: tuple(values) for key, values in context.items()})


MEDIA = (jobs.c.media_id, jobs.c.version, jobs.c.source, jobs.c.parent, jobs.c.context)

_ALL = select(*columns(jobs, JobRow))


def add(
    connection: Connection, site_id: str, media: MediaRef, round_: int, priority: Priority, now: int, wait_us: int = 0
) -> int | None:
    """Queue the judgement of one image version; None when that round of it is known."""
    fresh = _fresh(site_id, media, round_, priority, now)
    if wait_us:
        return insert_once(connection, jobs, fresh | {"run_at": now + wait_us, "place": lines.FOR_TIME})
    added = insert_once(connection, jobs, fresh)
    if added is not None:
        lines.fill(connection, JOBS, site_id, now)
    return added


def add_many(connection: Connection, site_id: str, media: Sequence[MediaRef], priority: Priority, now: int) -> None:
    """Queue many image versions of which none is known, as a listing gives them."""
    insert_many(connection, jobs, [_fresh(site_id, item, 0, priority, now) for item in media])
    lines.fill(connection, JOBS, site_id, now)


def _fresh(site_id: str, media: MediaRef, round_: int, priority: Priority, now: int) -> dict[str, Any]:
    return {
        "site_id": site_id,
        "media_id": media.id,
        "version": media.version,
        "round": round_,
        "source": media.source,
        "parent": media.parent,
        "context": {key: list(values) for key, values in media.context.items()},
        "priority": int(priority),
        "state": WorkState.DUE,
        "run_at": now,
        "place": lines.BEHIND,
        "lease_until": 0,
        "token": 0,
        "attempts": 0,
        "deaths": 0,
        "problem": "",
        "created_at": now,
    }


def known(connection: Connection, site_id: str, media: Sequence[MediaRef]) -> set[tuple[str, str]]:
    """Give the (id, version) pairs among these that have a job, and are not gone as far as we know."""
    query = select(jobs.c.media_id, jobs.c.version).where(
        jobs.c.site_id == site_id, jobs.c.media_id.in_([m.id for m in media]), jobs.c.state != WorkState.GONE
    )
    return {(row.media_id, row.version) for row in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class Known:
    """Hold a decided image with what names its bytes and look."""

    job_id: int
    site_id: str
    media_id: str
    fingerprint: Fingerprint


def with_fingerprint(connection: Connection, site_id: str, after: int, limit: int) -> list[Known]:
    """Give decided images of a site (of every site, when it is "") with their fingerprints, by ascending job id."""
    query = (
        select(jobs.c.id, jobs.c.site_id, jobs.c.media_id, *columns(pictures, Fingerprint))
        .join(decisions, decisions.c.job_id == jobs.c.id)
        .join(pictures, pictures.c.sha256 == decisions.c.sha256)
        .where(jobs.c.state == WorkState.DONE, jobs.c.id > after)
        .distinct()
        .order_by(jobs.c.id)
        .limit(limit)
    )
    if site_id:
        query = query.where(jobs.c.site_id == site_id)
    return [Known(job_id, site, image, Fingerprint(*found)) for job_id, site, image, *found in connection.execute(query)]


def seen(connection: Connection, site_id: str, media: Sequence[MediaRef]) -> set[str]:
    """Give the ids among these that have a job, in whatever version."""
    query = select(jobs.c.media_id).where(jobs.c.site_id == site_id, jobs.c.media_id.in_([m.id for m in media]))
    return set(connection.execute(query).scalars())


_other = jobs.alias("other")
_OF_OTHERS = (
    jobs.c.site_id == bindparam("site"),
    jobs.c.media_id == bindparam("media"),
    jobs.c.version != bindparam("version"),
    jobs.c.state == written(WorkState.DONE),
)
_claimed_at = select(_other.c.lease_until - bindparam("lease")).where(_other.c.id == bindparam("job")).scalar_subquery()
_OVERTAKEN = select(jobs.c.id).where(*_OF_OTHERS, jobs.c.ended_at > _claimed_at, jobs.c.ended_at <= bindparam("now")).limit(1)


def overtaken(connection: Connection, job: ModerationJob, lease_us: int, now: int) -> bool:
    """Say whether another version of the image was judged since this job was claimed, as far as the clock can be trusted."""
    given = {"site": job.site_id, "media": job.media.id, "version": job.media.version}
    return bool(execute_compiled(connection, _OVERTAKEN, {**given, "job": job.id, "lease": lease_us, "now": now}))


_REPLACED = (
    update(jobs)
    .where(*_OF_OTHERS)
    .values(state=written(WorkState.GONE), ended_at=bindparam("now"), problem=written("replaced by other bytes"))
    .returning(jobs.c.id)
)


def replace_others(connection: Connection, site_id: str, media: MediaRef, now: int) -> None:
    """End what other versions of this image still wait for, once this one was fetched: their bytes are not there."""
    given = {"site": site_id, "media": media.id, "version": media.version, "now": now}
    if execute_compiled(connection, _REPLACED, given):
        queue.leave(connection, site_id, media_id=media.id)


_GONE = {"state": WorkState.GONE, "place": lines.BEHIND, "problem": "deleted at the platform"}


def delete_media(connection: Connection, site_id: str, media_id: str, now: int, version: str = "") -> None:
    """End everything about an image that is gone, about one version of it when that is named."""
    statement = update(jobs).where(jobs.c.site_id == site_id, jobs.c.media_id == media_id, jobs.c.state != WorkState.GONE)
    if version:
        statement = statement.where(jobs.c.version == version)
    connection.execute(statement.values(**_GONE, ended_at=now))
    queue.leave(connection, site_id, media_id=media_id)
    lines.fill(connection, JOBS, site_id, now)


def delete_parent(connection: Connection, site_id: str, parent: str, now: int) -> int:
    """End everything about the images of a parent that is gone; return how many jobs that were."""
    statement = update(jobs).where(jobs.c.site_id == site_id, jobs.c.parent == parent, jobs.c.state != WorkState.GONE)
    ended = connection.execute(statement.values(**_GONE, ended_at=now)).rowcount
    queue.leave(connection, site_id, parent=parent)
    lines.fill(connection, JOBS, site_id, now)
    return ended


def forget_context(connection: Connection, site_id: str, media_ids: Sequence[str]) -> None:
    """Drop what is known of images beyond their ids, once they need no judgement any more; of all when none are named."""
    statement = update(jobs).where(jobs.c.site_id == site_id, jobs.c.state.in_([WorkState.DONE, WorkState.GONE]))
    if media_ids:
        statement = statement.where(jobs.c.media_id.in_(media_ids))
    connection.execute(statement.values(context={}, source=""))


def stop_site(connection: Connection, site_id: str, now: int) -> None:
    connection.execute(
        update(jobs)
        .where(jobs.c.site_id == site_id, jobs.c.state.in_([WorkState.DUE, WorkState.BUSY]))
        .values(state=WorkState.GONE, place=lines.BEHIND, ended_at=now, problem="the site was disconnected")
    )


def claim(connection: Connection, now: int, lease_us: int) -> ModerationJob | None:
    """Lease the job whose turn it is."""
    job_id = lines.claim(connection, JOBS, now, lease_us)
    row = get(connection, job_id) if job_id is not None else None
    if row is None:
        return None
    return ModerationJob(row.id, row.site_id, row.media, row.round, Priority(row.priority), row.attempts, row.deaths, row.token)


def add_round(connection: Connection, site_id: str, media_id: str, now: int, priority: Priority = Priority.RESCAN) -> bool:
    """Ask for another judgement of an image's newest version; False when it is unknown, or was asked for already."""
    known = latest(connection, site_id, media_id)
    if known is None or known.state is not WorkState.DONE:
        return False
    return add(connection, site_id, known.media, known.round + 1, priority, now) is not None


_ONE = _ALL.where(jobs.c.id == bindparam("job"))


def get(connection: Connection, job_id: int) -> JobRow | None:
    return read_one(connection, _ONE, JobRow, {"job": job_id})


def latest(connection: Connection, site_id: str, media_id: str, version: str = "") -> JobRow | None:
    """Give the newest round of an image, of one version of it when that is named."""
    query = _ALL.where(jobs.c.site_id == site_id, jobs.c.media_id == media_id)
    if version:
        query = query.where(jobs.c.version == version)
    return read_one(connection, query.order_by(jobs.c.id.desc()).limit(1), JobRow)


def end(connection: Connection, job: ModerationJob, state: WorkState, now: int, problem: str = "") -> bool:
    return leases.end(connection, JOBS, job.id, job.token, state, now, problem=problem)


def end_unleased(connection: Connection, row: JobRow, now: int) -> None:
    """End a job that a person decided before a worker did; the token moves on so that a worker at it cannot write."""
    done = update(jobs).where(jobs.c.id == row.id).values(state=WorkState.DONE, place=lines.BEHIND, ended_at=now, problem="")
    connection.execute(done.values(token=jobs.c.token + 1))
    lines.fill(connection, JOBS, row.site_id, now)


def later(connection: Connection, job: ModerationJob, now: int, run_at: int, problem: str, *, stumbled: bool = False) -> bool:
    return leases.later(connection, JOBS, job.id, job.token, now, run_at, problem, stumbled=stumbled)


def give_back(connection: Connection, job: ModerationJob, now: int, problem: str) -> bool:
    return leases.give_back(connection, JOBS, job.id, job.token, now, problem)


def counts(connection: Connection, site_id: str) -> dict[WorkState, int]:
    query = select(jobs.c.state, func.count()).where(jobs.c.site_id == site_id).group_by(jobs.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


# As the index says it, word for word: a planner may only use a partial index for a condition that it knows.
_QUEUED = text("jobs.state IN ('due', 'busy')")


def queued(connection: Connection, site_id: str) -> tuple[int, int | None]:
    """Count what waits for a worker or is with one, and give when the oldest of it came."""
    query = select(func.count(), func.min(jobs.c.created_at)).where(jobs.c.site_id == site_id, _QUEUED)
    count, oldest = connection.execute(query).one()
    return count, oldest
