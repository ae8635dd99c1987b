"""Leases and fencing tokens, the same for jobs and enforcements: DUE -> BUSY(token, lease) -> ended, or DUE again later."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, Table, bindparam, exists, select, update

from app.db.sql import written
from app.db.tables import sites
from app.domain.jobs import WorkState
from app.domain.platform import SiteState

DUE, BUSY = written(WorkState.DUE), written(WorkState.BUSY)


def lease(connection: Connection, table: Table, row_id: int, now: int, lease_us: int) -> int | None:
    """Take a due row: one more attempt, a new token. None when another worker was first."""
    statement = (
        update(table)
        .where(table.c.id == row_id, table.c.state == WorkState.DUE)
        .values(state=WorkState.BUSY, token=table.c.token + 1, attempts=table.c.attempts + 1, lease_until=now + lease_us)
        .returning(table.c.token)
    )
    return connection.execute(statement).scalar_one_or_none()


def end(connection: Connection, table: Table, row_id: int, token: int, state: WorkState, now: int, **values: Any) -> bool:
    """End a leased row; False when the lease was lost and another holds it, and then nothing may be written."""
    statement = (
        update(table)
        .where(table.c.id == row_id, table.c.token == token, table.c.state == WorkState.BUSY)
        .values(state=state, ended_at=now, **values)
    )
    return connection.execute(statement).rowcount == 1


def later(
    connection: Connection, table: Table, row_id: int, token: int, run_at: int, problem: str, *, stumbled: bool = False
) -> bool:
    """Give a leased row back, to be tried at `run_at`; `stumbled` when the fault was ours and not the platform's."""
    values = {"state": WorkState.DUE, "run_at": run_at, "problem": problem, "deaths": table.c.deaths + int(stumbled)}
    statement = update(table).where(table.c.id == row_id, table.c.token == token, table.c.state == WorkState.BUSY)
    return connection.execute(statement.values(values)).rowcount == 1


def sweep(connection: Connection, table: Table, now: int) -> int:
    """Make rows due again whose worker died: their lease ran out. The death is counted, since the row may be its cause."""
    statement = update(table).where(table.c.state == BUSY, table.c.lease_until < now)
    return connection.execute(statement.values(state=WorkState.DUE, run_at=now, deaths=table.c.deaths + 1)).rowcount


@cache
def _looking(table: Table) -> Executable:
    active = select(sites.c.id).where(sites.c.state == SiteState.ACTIVE)
    due = exists().where(table.c.state == DUE, table.c.run_at <= bindparam("now"), table.c.site_id.in_(active))
    lost = exists().where(table.c.state == BUSY, table.c.lease_until < bindparam("now"))
    return select(due, lost)


def look(connection: Connection, table: Table, now: int) -> tuple[bool, bool]:
    """Say whether anything of an active site is due, and whether a lease ran out."""
    due, lost = connection.execute(_looking(table), {"now": now}).one()
    return bool(due), bool(lost)
