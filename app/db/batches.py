"""Many decisions at once: what was asked for, and how each one ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, not_, or_, select, update

from app.db import sites as site_rows
from app.db.sql import columns, insert_many, read_one, values, written
from app.db.tables import batch_items, batches, decisions
from app.domain.batches import BatchKind, ItemState
from app.domain.visibility import Visibility

_TO_DO = written(ItemState.TO_DO)


@dataclass(frozen=True, slots=True)
class BatchRow:
    """Hold what was asked for, and by whom. `rejection` is a key of `REJECTIONS`, or ""."""

    id: str
    kind: BatchKind
    person_id: int
    person: str
    rejection: str
    total: int
    created_at: int


def add(connection: Connection, batch: BatchRow, decision_ids: Sequence[int]) -> None:
    connection.execute(insert(batches).values(values(batch)))
    insert_many(
        connection,
        batch_items,
        [{"batch_id": batch.id, "decision_id": decision_id, "outcome": ItemState.TO_DO} for decision_id in decision_ids],
    )


def get(connection: Connection, batch_id: str) -> BatchRow | None:
    return read_one(connection, select(*columns(batches, BatchRow)).where(batches.c.id == batch_id), BatchRow)


def to_do(connection: Connection, batch_id: str, limit: int) -> list[int]:
    query = select(batch_items.c.decision_id).where(batch_items.c.batch_id == batch_id, batch_items.c.outcome == _TO_DO)
    return list(connection.execute(query.order_by(batch_items.c.decision_id).limit(limit)).scalars())


def mark(connection: Connection, batch_id: str, decision_id: int, outcome: ItemState) -> bool:
    """Write down how an item ended; False when that is known already."""
    statement = update(batch_items).where(
        batch_items.c.batch_id == batch_id, batch_items.c.decision_id == decision_id, batch_items.c.outcome == _TO_DO
    )
    return connection.execute(statement.values(outcome=outcome)).rowcount == 1


def end(connection: Connection, batch_id: str, now: int) -> None:
    connection.execute(update(batches).where(batches.c.id == batch_id, batches.c.ended_at.is_(None)).values(ended_at=now))


def outcomes(connection: Connection, batch_id: str) -> dict[ItemState, int]:
    """Count the items by how they ended."""
    query = select(batch_items.c.outcome, func.count()).where(batch_items.c.batch_id == batch_id)
    return {row[0]: row[1] for row in connection.execute(query.group_by(batch_items.c.outcome))}


def beyond(connection: Connection, batch_id: str, visibility: Visibility) -> bool:
    """Say whether a batch holds a decision of another site, or a restricted one outside the visibility."""
    outside = not_(site_rows.within(visibility, decisions.c.site_id))
    hidden = outside if visibility.restricted else or_(outside, decisions.c.restricted.is_(True))
    query = select(batch_items.c.decision_id).join(decisions, decisions.c.id == batch_items.c.decision_id)
    return connection.execute(query.where(batch_items.c.batch_id == batch_id, hidden).limit(1)).first() is not None


def items(connection: Connection, batch_id: str, limit: int) -> list[tuple[int, ItemState]]:
    query = select(batch_items.c.decision_id, batch_items.c.outcome).where(batch_items.c.batch_id == batch_id)
    return [(row[0], row[1]) for row in connection.execute(query.order_by(batch_items.c.decision_id).limit(limit))]
