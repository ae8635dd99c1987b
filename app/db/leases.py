"""Leases and fencing tokens, the same for jobs and actions: DUE -> BUSY(token, lease) -> ended, or DUE again later."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Update, exists, select, update

from app.db import turns
from app.db.turns import Line
from app.domain.jobs import WorkState


def _mine(line: Line, row_id: int, token: int) -> Update:
    table = line.table
    return update(table).where(table.c.id == row_id, table.c.token == token, table.c.state == WorkState.BUSY)


def end(connection: Connection, line: Line, row_id: int, token: int, state: WorkState, now: int, **values: Any) -> bool:
    """End a leased row; False when the lease was lost and another holds it, and then nothing may be written."""
    statement = _mine(line, row_id, token).values(state=state, ended_at=now, turn=turns.BEHIND, **values)
    return _let_next(connection, line, statement, now)


def later(
    connection: Connection, line: Line, row_id: int, token: int, now: int, run_at: int, problem: str, *, stumbled: bool = False
) -> bool:
    """Give a leased row back, to be tried at `run_at`; `stumbled` when the fault was ours and not the platform's."""
    values = {"state": WorkState.DUE, "run_at": run_at, "turn": turns.FOR_TIME, "problem": problem}
    statement = _mine(line, row_id, token).values(**values, deaths=line.table.c.deaths + int(stumbled))
    return _let_next(connection, line, statement, now)


def give_back(connection: Connection, line: Line, row_id: int, token: int, now: int, problem: str) -> bool:
    """Give a leased row back that could not be tried, since its site as a whole waits: nothing counts against it."""
    values = {"state": WorkState.DUE, "turn": turns.BEHIND, "problem": problem, "attempts": 1}
    return _let_next(connection, line, _mine(line, row_id, token).values(values), now)


def held(connection: Connection, line: Line, row_id: int, token: int, now: int) -> bool:
    """Say whether a lease is still good, as it must be right before a platform is called."""
    table = line.table
    mine = (table.c.id == row_id, table.c.token == token, table.c.state == WorkState.BUSY, table.c.lease_until > now)
    return bool(connection.execute(select(exists().where(*mine))).scalar_one())


def _let_next(connection: Connection, line: Line, statement: Update, now: int) -> bool:
    site_id = connection.execute(statement.returning(line.table.c.site_id)).scalar_one_or_none()
    if site_id is not None:
        turns.fill(connection, line, site_id, now)
    return site_id is not None
