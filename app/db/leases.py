"""Leases and fencing tokens, the same for jobs and actions: DUE -> BUSY(token, lease) -> ended, or DUE again later."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, or_, select, update

from app.db import lines
from app.db.lines import BUSY, Line
from app.db.sql import execute_compiled, execute_typed
from app.domain.jobs import WorkState


@cache
def _giving_up(line: Line, names: tuple[str, ...]) -> Executable:
    """Write so many columns of a row that is leased with a token, and give its site."""
    table = line.table
    mine = (table.c.id == bindparam("row"), table.c.token == bindparam("held"), table.c.state == BUSY)
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    values["deaths"] = table.c.deaths + bindparam("died")
    return update(table).where(*mine).values(values).returning(table.c.site_id)


@cache
def _holding(line: Line) -> Executable:
    table = line.table
    mine = (table.c.id == bindparam("row"), table.c.token == bindparam("held"), table.c.state == BUSY)
    return select(table.c.id).where(*mine, table.c.lease_until > bindparam("now"))


def end(connection: Connection, line: Line, row_id: int, token: int, state: WorkState, now: int, **values: Any) -> bool:
    """End a leased row; False when the lease was lost and another holds it, and then nothing may be written."""
    values |= {"state": state, "ended_at": now, "place": lines.BEHIND}
    return _give_up(connection, line, row_id, token, now, values)


def later(
    connection: Connection, line: Line, row_id: int, token: int, now: int, run_at: int, problem: str, *, stumbled: bool = False
) -> bool:
    """Give a leased row back, to be tried at `run_at`; `stumbled` when the fault was ours and not the platform's."""
    values = {"state": WorkState.DUE, "run_at": run_at, "place": lines.FOR_TIME, "problem": problem}
    return _give_up(connection, line, row_id, token, now, values, died=stumbled)


def give_back(connection: Connection, line: Line, row_id: int, token: int, now: int, problem: str) -> bool:
    """Give a leased row back that could not be tried, since its site as a whole waits: nothing counts against it."""
    values = {"state": WorkState.DUE, "place": lines.BEHIND, "problem": problem, "attempts": 1}
    return _give_up(connection, line, row_id, token, now, values)


def held(connection: Connection, line: Line, row_id: int, token: int, now: int) -> bool:
    """Say whether a lease is still good, as it must be right before a platform is called."""
    return bool(execute_compiled(connection, _holding(line), {"row": row_id, "held": token, "now": now}))


def _give_up(
    connection: Connection, line: Line, row_id: int, token: int, now: int, values: dict[str, Any], *, died: bool = False
) -> bool:
    statement = _giving_up(line, tuple(values))
    ended = execute_typed(connection, statement, {**values, "row": row_id, "held": token, "died": int(died)})
    if ended:
        lines.fill(connection, line, ended[0][0], now)
    return bool(ended)


def mend(connection: Connection, line: Line, now: int) -> tuple[int, int]:
    """Make rows due whose worker died, or that a wrong clock put off; return how many of each there were.

    A death is counted, since the row may be its cause.
    """
    table = line.table
    lost = update(table).where(
        table.c.state == lines.BUSY, or_(table.c.lease_until < now, table.c.lease_until > now + lines.FAR_AHEAD)
    )
    again = {"run_at": now, "place": lines.FOR_TIME}
    lost = lost.values(state=WorkState.DUE, deaths=table.c.deaths + 1, **again).returning(table.c.site_id)
    dead = connection.execute(lost).scalars().all()
    for site_id in dict.fromkeys(dead):
        lines.fill(connection, line, site_id, now)
    late = update(table).where(table.c.state == lines.DUE, table.c.place < lines.BEHIND, table.c.run_at > now + lines.FAR_AHEAD)
    return len(dead), connection.execute(late.values(again)).rowcount
