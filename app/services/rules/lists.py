"""Hash lists: import, “never again”, and the index that workers match against."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from app.db import audit, hashes, jobs, pictures, tasks
from app.db.engine import Database
from app.domain.detector import HashEntry, HashIndex, ListKind, entries_of
from app.domain.tasks import HOUSE, Task
from app.services.core import Core


def import_entries(core: Core, entries: Sequence[HashEntry], site_id: str, person: str) -> int:
    """Add entries to a site's lists, or to everyone's when `site_id` is ""; return how many were new.

    What was decided before is compared with them by `compare`, in a worker: a million pictures take minutes.
    """
    with core.db.write() as connection:
        added = hashes.add(connection, [replace(entry, site_id=site_id) for entry in entries], core.now(), person)
        text = f"{len(added)} of {len(entries)} hashes were new"
        audit.add(connection, core.now(), person, "hashes.imported", text, site_id)
        if added:
            hashes.compare(connection, site_id, added)
            tasks.ask(connection, HOUSE, Task.COMPARE, core.now(), core.now())
    core.wake()
    return len(added)


def comparing(core: Core) -> bool:
    """Tell whether imported entries are still to be compared."""
    with core.db.read() as connection:
        return hashes.comparing(connection) is not None


COMPARED_TOGETHER = 500
"""Pictures that are compared before the worker asks whether it should stop."""


def compare(core: Core, stopping: Callable[[], bool] = lambda: False) -> int:
    """Compare imported entries with what was decided before; return how many pictures match and are judged again.

    It goes on where it was interrupted.
    """
    again = 0
    while not stopping():
        with core.db.read() as connection:
            comparison = hashes.comparing(connection)
            if comparison is None:
                break
            first, last = comparison.first_entry, comparison.last_entry
            entries = hashes.between(connection, comparison.site_id, first, last)
        again += _compare(core, comparison.id, comparison.site_id, entries, comparison.after, stopping)
    if again:
        core.wake()
    return again


def _compare(
    core: Core, comparison_id: int, site_id: str, entries: Sequence[HashEntry], after: int, stopping: Callable[[], bool]
) -> int:
    judge = core.judge()
    index = judge.index(entries)
    again = 0
    while not stopping():
        with core.db.read() as connection:
            known = jobs.with_fingerprint(connection, site_id, after, COMPARED_TOGETHER)
        matching = [row for row in known if judge.match(row.fingerprint, index)]
        done = len(known) < COMPARED_TOGETHER
        after = known[-1].job_id if known else after
        with core.db.write() as connection:
            again += sum(jobs.add_round(connection, row.site_id, row.media_id, core.now()) for row in matching)
            hashes.compared(connection, comparison_id, after, done=done)
        if done:
            break
    return again


def never_again(connection: Connection, site_id: str, sha256: str, person: str, now: int) -> None:
    """Put an image on the site's block list, by its bytes and by its look."""
    picture = pictures.fingerprint(connection, sha256)
    looks = picture.looks if picture is not None else ()
    hashes.add(connection, entries_of(sha256, looks, ListKind.BLOCK, f"never again, said {person}", site_id), now, person)
    audit.add(connection, now, person, "hashes.never_again", f"{sha256[:12]}… was put on the block list", site_id)


def welcome_back(connection: Connection, site_id: str, sha256: str) -> None:
    """Remove an image that a person approves from the site's own block list."""
    picture = pictures.fingerprint(connection, sha256)
    for value in (sha256, *(picture.looks if picture else ())):
        hashes.remove(connection, site_id, value, ListKind.BLOCK)


class ListIndexes:
    """One prepared index per site, rebuilt when any list changed."""

    def __init__(self, db: Database, build: Callable[[Sequence[HashEntry]], HashIndex]) -> None:
        self._db, self._build = db, build
        self._lock = threading.Lock()
        self._indexes: dict[str, tuple[int, HashIndex]] = {}

    def get(self, connection: Connection, site_id: str) -> HashIndex:
        revision = hashes.revision(connection)
        known = self._indexes.get(site_id)
        if known is not None and known[0] == revision:
            return known[1]
        with self._lock:
            index = self._build(hashes.for_site(connection, site_id))
            self._indexes[site_id] = (revision, index)
            return index
