"""What owners are told: digests that wait to be sent, and when each site was last looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, literal_column, select, update

from app.db.statements import insert_many
from app.db.tables import decisions, enforcements, jobs, notices
from app.domain.decisions import Action
from app.domain.jobs import WorkState


def get(connection: Connection, site_id: str) -> Row[Any] | None:
    return connection.execute(select(notices).where(notices.c.site_id == site_id)).one_or_none()


def begin(connection: Connection, site_id: str, now: int) -> None:
    """Look at a site from now on; nothing that was before is told."""
    insert_many(connection, notices, [{"site_id": site_id, "run_at": now, "covers_until": now}])


def take_turn(connection: Connection, site_id: str, seen: int, until: int) -> bool:
    """Take the turn that was due at `seen`; False when another worker took it."""
    statement = update(notices).where(notices.c.site_id == site_id, notices.c.run_at == seen)
    return connection.execute(statement.values(run_at=until)).rowcount == 1


def change(connection: Connection, site_id: str, values: Mapping[str, Any]) -> None:
    connection.execute(update(notices).where(notices.c.site_id == site_id).values(dict(values)))


_MEDIA = (jobs.c.media_id, jobs.c.version, jobs.c.source, jobs.c.parent, jobs.c.context)

# Written into the statement, since a planner may only use a partial index for a value that it knows.
_HIDDEN = (enforcements.c.action == literal_column("'hide'"), enforcements.c.state == literal_column("'done'"))


def hidden(connection: Connection, site_id: str, since: int, until: int, limit: int) -> Sequence[Any]:
    """List what a policy had hidden from `since` to before `until`: the decision, whether it is restricted, the image."""
    query = (
        select(
            decisions.c.id, decisions.c.restricted, jobs.c.media_id, jobs.c.version, jobs.c.source, jobs.c.parent, jobs.c.context
        )
        .select_from(enforcements)
        .join(decisions, decisions.c.id == enforcements.c.decision_id)
        .join(jobs, jobs.c.id == decisions.c.job_id)
        .where(enforcements.c.site_id == site_id, *_HIDDEN, enforcements.c.ended_at >= since, enforcements.c.ended_at < until)
        .where(decisions.c.person == "")
        .order_by(enforcements.c.ended_at)
        .limit(limit)
    )
    return connection.execute(query).all()


def unmade(connection: Connection, site_id: str, since: int, until: int, limit: int) -> Sequence[Any]:
    """List actions that came to need the owner from `since` to before `until`."""
    query = (
        select(enforcements.c.decision_id, enforcements.c.action, enforcements.c.problem)
        .where(enforcements.c.site_id == site_id, enforcements.c.state.in_([WorkState.PARKED, WorkState.DRIFTED]))
        .where(enforcements.c.ended_at >= since, enforcements.c.ended_at < until)
        .where(enforcements.c.action.in_([Action.HIDE, Action.RESTORE, Action.DELETE]))
        .order_by(enforcements.c.ended_at)
        .limit(limit)
    )
    return connection.execute(query).all()
