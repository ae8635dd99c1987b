"""Many decisions at once: what was asked for, and how each one ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, literal_column, or_, select, update

from app.db.sql import insert_many
from app.db.tables import batch_items, batches, decisions
from app.domain.scope import Scope

# Written into the statement, since a planner may only use a partial index for a value that it knows.
_TO_DO: ColumnElement[str] = literal_column("''")


def add(connection: Connection, values: dict[str, Any], decision_ids: Sequence[int]) -> None:
    connection.execute(insert(batches).values(**values))
    insert_many(
        connection,
        batch_items,
        [{"batch_id": values["id"], "decision_id": decision_id, "outcome": ""} for decision_id in decision_ids],
    )


def get(connection: Connection, batch_id: str) -> Row[Any] | None:
    return connection.execute(select(batches).where(batches.c.id == batch_id)).one_or_none()


def to_do(connection: Connection, batch_id: str, limit: int) -> list[int]:
    query = select(batch_items.c.decision_id).where(batch_items.c.batch_id == batch_id, batch_items.c.outcome == _TO_DO)
    return list(connection.execute(query.order_by(batch_items.c.decision_id).limit(limit)).scalars())


def mark(connection: Connection, batch_id: str, decision_id: int, outcome: str) -> bool:
    """Write down how an item ended; False when that is known already."""
    statement = update(batch_items).where(
        batch_items.c.batch_id == batch_id, batch_items.c.decision_id == decision_id, batch_items.c.outcome == _TO_DO
    )
    return connection.execute(statement.values(outcome=outcome)).rowcount == 1


def end(connection: Connection, batch_id: str, now: int) -> None:
    connection.execute(update(batches).where(batches.c.id == batch_id, batches.c.ended_at.is_(None)).values(ended_at=now))


def outcomes(connection: Connection, batch_id: str) -> dict[str, int]:
    """Count the items by how they ended; "" are still to do."""
    query = select(batch_items.c.outcome, func.count()).where(batch_items.c.batch_id == batch_id)
    return {row[0]: row[1] for row in connection.execute(query.group_by(batch_items.c.outcome))}


def beyond(connection: Connection, batch_id: str, scope: Scope) -> bool:
    """Say whether a batch holds a decision of another site, or a restricted one outside the scope."""
    outside = decisions.c.site_id.not_in(scope.sites)
    hidden = outside if scope.restricted else or_(outside, decisions.c.restricted.is_(True))
    query = select(batch_items.c.decision_id).join(decisions, decisions.c.id == batch_items.c.decision_id)
    return connection.execute(query.where(batch_items.c.batch_id == batch_id, hidden).limit(1)).first() is not None


def items(connection: Connection, batch_id: str, limit: int) -> list[tuple[int, str]]:
    query = select(batch_items.c.decision_id, batch_items.c.outcome).where(batch_items.c.batch_id == batch_id)
    return [(row[0], row[1]) for row in connection.execute(query.order_by(batch_items.c.decision_id).limit(limit))]
