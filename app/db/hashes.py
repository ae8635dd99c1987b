"""Hash lists: entries of a site's own or of every site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from app.db.statements import insert_once, put
from app.db.tables import comparisons, counters, hash_entries
from app.domain.detector import HashEntry, HashKind, ListKind

_REVISION = "hash_lists"


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


def revision(connection: Connection) -> int:
    """Give a number that grows with every change of any list."""
    return connection.execute(select(counters.c.value).where(counters.c.name == _REVISION)).scalar() or 0


def for_site(connection: Connection, site_id: str) -> list[HashEntry]:
    """Give the entries that apply to a site: its own and everyone's."""
    query = select(hash_entries).where(hash_entries.c.site_id.in_([site_id, ""]))
    return [_entry(row) for row in connection.execute(query)]


def compare(connection: Connection, site_id: str, entry_ids: Sequence[int]) -> None:
    """Ask that new entries are compared with what was decided before."""
    values = {"site_id": site_id, "first_entry": min(entry_ids), "last_entry": max(entry_ids), "after": 0}
    connection.execute(insert(comparisons).values(values))


def comparing(connection: Connection) -> Row[Any] | None:
    """Give the oldest comparison that is not done."""
    return connection.execute(select(comparisons).order_by(comparisons.c.id).limit(1)).one_or_none()


def compared(connection: Connection, comparison_id: int, after: int, *, done: bool) -> None:
    """Note how far a comparison is; forget it when it is done."""
    mine = comparisons.c.id == comparison_id
    connection.execute(delete(comparisons).where(mine) if done else update(comparisons).where(mine).values(after=after))


def between(connection: Connection, site_id: str, first: int, last: int) -> list[HashEntry]:
    """Give the entries of one import."""
    query = select(hash_entries).where(hash_entries.c.site_id == site_id, hash_entries.c.id.between(first, last))
    return [_entry(row) for row in connection.execute(query)]


def _entry(row: Row[Any]) -> HashEntry:
    return HashEntry(HashKind(row.kind), row.value, ListKind(row.list), row.category, row.note, row.site_id)


def count(connection: Connection, site_id: str) -> dict[str, int]:
    query = (
        select(hash_entries.c.list, func.count()).where(hash_entries.c.site_id.in_([site_id, ""])).group_by(hash_entries.c.list)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
