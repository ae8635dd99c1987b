"""Hash lists of sites and of everyone, and the comparisons of new entries with what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from app.db.sql import columns, execute_compiled, insert_once, put, read_all, read_one, written
from app.db.tables import comparisons, counters, hash_entries
from app.domain.detector import HashEntry, ListKind

_REVISION = "hash_lists"


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """Hold a comparison that is not done: of which entries, and the job that it came to."""

    id: int
    site_id: str
    first_entry: int
    last_entry: int
    after: int


_ENTRIES = select(*columns(hash_entries, HashEntry))


def add(connection: Connection, entries: Sequence[HashEntry], now: int, person: str) -> list[int]:
    """Add entries that are not there yet; return the ids of the new ones."""
    added: list[int] = []
    for entry in entries:
        values = {
            "site_id": entry.site_id,
            "list": entry.list,
            "kind": entry.kind,
            "value": entry.value,
            "category": entry.category,
            "note": entry.note,
            "created_at": now,
            "created_by": person,
        }
        entry_id = insert_once(connection, hash_entries, values)
        if entry_id is not None:
            added.append(entry_id)
    if added:
        _bump(connection)
    return added


def remove(connection: Connection, site_id: str, value: str, on: ListKind | None = None) -> int:
    statement = delete(hash_entries).where(hash_entries.c.site_id == site_id, hash_entries.c.value == value)
    if on is not None:
        statement = statement.where(hash_entries.c.list == on)
    removed = connection.execute(statement).rowcount
    if removed:
        _bump(connection)
    return removed


def _bump(connection: Connection) -> None:
    put(connection, counters, {"name": _REVISION, "value": revision(connection) + 1})


_STATED = select(counters.c.value).where(counters.c.name == written(_REVISION))


def revision(connection: Connection) -> int:
    """Give a number that grows with every change of any list."""
    rows = execute_compiled(connection, _STATED, {})
    return int(rows[0][0]) if rows else 0


def for_site(connection: Connection, site_id: str) -> list[HashEntry]:
    """Give the entries that apply to a site: its own and everyone's."""
    return read_all(connection, _ENTRIES.where(hash_entries.c.site_id.in_([site_id, ""])), HashEntry)


def compare(connection: Connection, site_id: str, entry_ids: Sequence[int]) -> None:
    """Ask that new entries are compared with what was decided before."""
    values = {"site_id": site_id, "first_entry": min(entry_ids), "last_entry": max(entry_ids), "after": 0}
    connection.execute(insert(comparisons).values(values))


def comparing(connection: Connection) -> ComparisonRow | None:
    """Give the oldest comparison that is not done."""
    query = select(*columns(comparisons, ComparisonRow)).order_by(comparisons.c.id).limit(1)
    return read_one(connection, query, ComparisonRow)


def compared(connection: Connection, comparison_id: int, after: int, *, done: bool) -> None:
    """Note how far a comparison is; forget it when it is done."""
    mine = comparisons.c.id == comparison_id
    connection.execute(delete(comparisons).where(mine) if done else update(comparisons).where(mine).values(after=after))


def between(connection: Connection, site_id: str, first: int, last: int) -> list[HashEntry]:
    """Give the entries of one import."""
    query = _ENTRIES.where(hash_entries.c.site_id == site_id, hash_entries.c.id.between(first, last))
    return read_all(connection, query, HashEntry)


def count(connection: Connection, site_id: str) -> dict[ListKind, int]:
    query = (
        select(hash_entries.c.list, func.count()).where(hash_entries.c.site_id.in_([site_id, ""])).group_by(hash_entries.c.list)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
