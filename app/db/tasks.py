"""What is due by time: found by one look-up, given to one leader at a time, due again by itself when that one died."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    and_,
    bindparam,
    case,
    delete,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    update,
)

from app.db.sql import columns, execute_compiled, insert_once, read_all, written
from app.db.tables import audit, notices, sites, tasks
from app.domain.platform import SiteState
from app.domain.tasks import HOUSE, SITE_TURNS, SPACING, Claim, Task
from app.domain.time import SECOND


@dataclass(frozen=True, slots=True)
class TaskRow:
    """Hold a task; one with a lease that has not run out has a turn now, and whether it is well is not known before its end."""

    site_id: str
    kind: Task
    due_at: int
    lease_until: int
    failures: int
    problem: str


_FREE = tasks.c.lease_until <= bindparam("now")
_EARLIER = case((tasks.c.due_at > bindparam("by"), bindparam("by")), else_=tasks.c.due_at)
_LEASED = tasks.c.lease_until > bindparam("now")
_SOONER = {"due_at": case((_LEASED, tasks.c.due_at), else_=_EARLIER), "again": or_(tasks.c.again, _LEASED)}
_ASKED = update(tasks).where(tasks.c.site_id == bindparam("site"), tasks.c.kind == bindparam("task")).values(_SOONER)


def ask(connection: Connection, site_id: str, kind: Task, by: int, now: int) -> None:
    """Make a task due at `by` at the latest. One that has a turn now has another when that ends. Nothing is due for a site
    that is not active."""
    if site_id != HOUSE and not _active(connection, site_id):
        return
    fresh = {"site_id": site_id, "kind": kind, "due_at": by, "lease_until": 0, "token": now, "again": False}
    fresh |= {"failures": 0, "quiet": 0, "problem": "", "cursor": ""}
    asked = {"site": site_id, "task": kind, "by": by, "now": now}
    while insert_once(connection, tasks, fresh) is None:
        if connection.execute(_ASKED, asked).rowcount:  # else it ended for good just now
            break


def _active(connection: Connection, site_id: str) -> bool:
    query = select(sites.c.id).where(sites.c.id == site_id, sites.c.state == SiteState.ACTIVE)
    return connection.execute(query).first() is not None


_HURRIED = _ASKED.where(tasks.c.due_at > bindparam("by"), _FREE)


def hurry(connection: Connection, site_id: str, kind: Task, by: int, now: int) -> None:
    """Bring a task forward that is there and has no turn; it costs next to nothing where nothing changes."""
    execute_compiled(connection, _HURRIED, {"site": site_id, "task": kind.value, "by": by, "now": now})


def drop(connection: Connection, site_id: str, kinds: Iterable[Task], now: int) -> None:
    """Forget tasks of a site. One that has a turn now is forgotten after it; a listener's is called off."""
    mine = (tasks.c.site_id == site_id, tasks.c.kind.in_(list(kinds)))
    connection.execute(delete(tasks).where(*mine, tasks.c.lease_until <= now))
    connection.execute(update(tasks).where(*mine).values(again=True))


def of_site(connection: Connection, site_id: str) -> list[TaskRow]:
    return read_all(connection, select(*columns(tasks, TaskRow)).where(tasks.c.site_id == site_id), TaskRow)


def of_sites(connection: Connection, site_ids: Sequence[str]) -> dict[str, set[Task]]:
    """Give the kinds of tasks that sites have; those without any are left out."""
    found: dict[str, set[Task]] = {}
    for site_id, kind in connection.execute(select(tasks.c.site_id, tasks.c.kind).where(tasks.c.site_id.in_(site_ids))):
        found.setdefault(site_id, set()).add(kind)
    return found


# As the indexes say it, word for word: a planner may only use a partial index for a condition that it knows.
_LISTENS, _TENDS = tasks.c.kind == written(Task.LISTEN), tasks.c.kind != written(Task.LISTEN)
_DUE = and_(tasks.c.due_at <= bindparam("now"), _FREE)
_LOOK = select(
    exists().where(tasks.c.due_at <= bindparam("now"), _TENDS),
    exists().where(tasks.c.due_at <= bindparam("now"), _LISTENS),
)


def look(connection: Connection, now: int) -> tuple[bool, bool]:
    """Say whether a task is due, and whether a site waits to be listened to."""
    ((due, listening),) = execute_compiled(connection, _LOOK, {"now": now})
    return bool(due), bool(listening)


def _claiming(*, listening: bool) -> Executable:
    others = tasks.alias("others")
    turns = (
        select(func.count())
        .where(others.c.site_id == tasks.c.site_id, others.c.lease_until > bindparam("now"))
        .where(others.c.kind != written(Task.LISTEN))
        .scalar_subquery()
    )
    lane = (_LISTENS,) if listening else (_TENDS, turns < written(SITE_TURNS))
    query = (
        select(*_CLAIMED)
        .where(_DUE, *lane)
        .order_by(tasks.c.due_at, tasks.c.id)
        .limit(literal_column("1"))
        .offset(literal_column("0"))
    )
    return query.with_for_update(skip_locked=True, of=tasks)


_CLAIMED = [tasks.c[name] for name in ("id", "site_id", "kind", "token", "due_at", "failures", "quiet", "problem", "cursor")]
_CLAIMING = {listening: _claiming(listening=listening) for listening in (False, True)}
_TAKE = (
    update(tasks)
    .where(tasks.c.id == bindparam("task"))
    .values(token=tasks.c.token + written(1), lease_until=bindparam("until"), due_at=bindparam("until"))
    .values(again=false(), problem=written(""))
)


def claim(connection: Connection, now: int, lease: int, *, listening: bool = False) -> Claim | None:
    """Give the oldest task that is due to whoever asks, for `lease` microseconds; None when there is none."""
    rows = execute_compiled(connection, _CLAIMING[listening], {"now": now})
    if not rows:
        return None
    id, site_id, kind, token, *rest = rows[0]
    execute_compiled(connection, _TAKE, {"task": id, "until": now + lease})
    return Claim(id, site_id, Task(kind), token + 1, *rest)


_RENEW = (
    update(tasks)
    .where(tasks.c.id == bindparam("task"), tasks.c.token == bindparam("held"))
    .values(lease_until=bindparam("until"), due_at=bindparam("until"))
    .returning(tasks.c.again)
)


def renew(connection: Connection, claim: Claim, until: int) -> bool | None:
    """Hold a task for longer; tell whether it was asked for meanwhile, None when another has it by now, or nobody needs it."""
    rows = execute_compiled(connection, _RENEW, {"task": claim.id, "held": claim.token, "until": until})
    return bool(rows[0][0]) if rows else None


_MINE = (tasks.c.id == bindparam("task"), tasks.c.token == bindparam("held"))
_FORGET = delete(tasks).where(*_MINE, tasks.c.again.is_(False)).returning(tasks.c.id)
_END = (
    update(tasks)
    .where(*_MINE)
    .values(due_at=case((tasks.c.again, bindparam("now")), else_=bindparam("at")), lease_until=written(0))
    .values(failures=bindparam("failed"), quiet=bindparam("idle"), problem=bindparam("wrong"), cursor=bindparam("place"))
    .returning(tasks.c.id)
)


def end(
    connection: Connection,
    claim: Claim,
    due_at: int | None,
    now: int,
    *,
    failures: int = 0,
    quiet: int = 0,
    problem: str = "",
    cursor: str = "",
) -> bool:
    """End a turn: the task is due again then, or at once where that was asked for meanwhile, or never. False when it was lost."""
    mine = {"task": claim.id, "held": claim.token}
    if due_at is None and execute_compiled(connection, _FORGET, mine):
        return True
    then = {"at": now if due_at is None else due_at, "now": now, "failed": failures, "idle": quiet, "wrong": problem}
    return bool(execute_compiled(connection, _END, {**mine, **then, "place": cursor}))


def _too_far(now: int, longest: Mapping[Task, int]) -> ColumnElement[bool]:
    return or_(*(and_(tasks.c.kind == kind, tasks.c.due_at > now + ahead) for kind, ahead in longest.items()))


def in_future(connection: Connection, now: int, longest: Mapping[Task, int]) -> bool:
    """Say whether a task lies further ahead than its kind ever does."""
    return bool(connection.execute(select(exists().where(_too_far(now, longest)))).scalar())


def give_up_future(connection: Connection, now: int, longest: Mapping[Task, int]) -> tuple[int, int]:
    """Make due now what lies further ahead than its kind ever does; return how many tasks that were, and how far ahead the
    furthest lay, in microseconds."""
    too_far = _too_far(now, longest)
    count, furthest = connection.execute(select(func.count(), func.max(tasks.c.due_at)).where(too_far)).one()
    if count:
        connection.execute(update(tasks).where(too_far).values(due_at=now, lease_until=0, token=tasks.c.token + 1))
    return count, furthest - now if count else 0


def count(connection: Connection, kind: Task) -> int:
    """Count the sites that have a kind of task."""
    return int(connection.execute(select(func.count()).where(tasks.c.kind == kind)).scalar_one())


def bring_forward(connection: Connection, kind: Task, now: int) -> int:
    """Make a task of all sites due soon, one after the other; return how many."""
    by = now + (tasks.c.id % max(count(connection, kind), 1)) * SPACING
    later = (tasks.c.kind == kind, tasks.c.lease_until <= now, tasks.c.due_at > by)
    return connection.execute(update(tasks).where(*later).values(due_at=by, quiet=0)).rowcount


LATE_LINES, LATE_SECONDS = 1_000, 180
"""How far back lines of the trail are looked at once more: with several writers one may be committed after a later one."""


def hurry_news(connection: Connection, after: int, by: int, now: int) -> int:
    """Bring the look at a site forward to `by` where something happened since line `after` of the trail, and to now where its
    trouble is another than its owner was told of; return the trail's last line."""
    (last,) = connection.execute(select(func.coalesce(func.max(audit.c.id), 0))).one()
    late = and_(audit.c.id > after - LATE_LINES, audit.c.at > now - LATE_SECONDS * SECOND)
    happened = select(audit.c.site_id).where(or_(audit.c.id > after, late))
    mine = (tasks.c.kind == Task.NOTICES, tasks.c.due_at > bindparam("by"))
    if after >= 0:
        connection.execute(update(tasks).where(*mine, tasks.c.site_id.in_(happened)).values(_SOONER), {"by": by, "now": now})
    changed = (
        select(notices.c.site_id)
        .join(sites, sites.c.id == notices.c.site_id)
        .where(notices.c.trouble != sites.c.problem, notices.c.run_at <= now)
    )
    connection.execute(update(tasks).where(*mine, tasks.c.site_id.in_(changed)).values(_SOONER), {"by": now, "now": now})
    return int(last)
