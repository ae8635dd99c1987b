from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from subprocess import PIPE
from typing import Any

import pytest
from sqlalchemy import Connection, text

from app.db import engine, sql, tables
from app.db.engine import Database
from app.domain.errors import DatabaseUnavailable
from tests.support.core import Bench

pytestmark = pytest.mark.skipif(
    "PICWARD_TEST_DATABASE_URL" in os.environ, reason="PostgreSQL groups commits itself; this is about SQLite"
)


def note(name: str) -> Callable[[Connection], str]:
    def work(connection: Connection) -> str:
        connection.execute(text("INSERT INTO counters(name, value) VALUES (:name, 1)"), {"name": name})
        return name

    return work


def names(db: Database) -> set[str]:
    with db.read() as connection:
        return set(connection.execute(text("SELECT name FROM counters")).scalars())


def together(db: Database, works: list[Callable[[Connection], Any]]) -> list[Any]:
    """Hold the writer until all units wait, so that they form one group; give each one's result or error."""
    outcomes: list[Any] = [None] * len(works)

    def run(n: int) -> None:
        try:
            outcomes[n] = db.write_together(works[n])
        except Exception as error:
            outcomes[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(works))]
    with db.write():
        for thread in threads:
            thread.start()
        while len(db._waiting) < len(works):
            pass
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "a unit waits for ever"
    return outcomes


def test_units_that_arrive_together_share_a_commit_and_get_their_results(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    db, groups = bench.core.db, []
    run_group = db._run_group
    monkeypatch.setattr(db, "_run_group", lambda group: (groups.append(len(group)), run_group(group)))
    wanted = [f"unit {n}" for n in range(20)]
    assert together(db, [note(name) for name in wanted]) == wanted
    assert groups == [20]
    assert set(wanted) <= names(db)


def test_one_failure_does_not_take_the_others_along(bench: Bench) -> None:
    def fails(connection: Connection) -> None:
        note("half done")(connection)
        raise ValueError("no")

    outcomes = together(bench.core.db, [note("before"), fails, note("after")])
    assert sorted(str(outcome) for outcome in outcomes) == ["after", "before", "no"]
    assert {"before", "after"} <= names(bench.core.db)
    assert "half done" not in names(bench.core.db)


def test_a_lock_that_cannot_be_had_is_told_to_all_and_forgotten(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    db = bench.core.db
    assert db._writer is not None
    with monkeypatch.context() as patch:
        patch.setattr(type(db._writer), "__enter__", _no_disk)
        with pytest.raises(OSError, match="no space"):
            db.write_together(note("lost"))
    assert db.write_together(note("later")) == "later"
    assert "lost" not in names(db)


def _no_disk(_lock: object) -> None:
    raise OSError("no space")


def test_a_failed_write_is_rolled_back(bench: Bench) -> None:
    with pytest.raises(ValueError, match="no"), bench.core.db.write() as connection:
        note("undone")(connection)
        raise ValueError("no")
    assert "undone" not in names(bench.core.db)


def test_a_long_log_is_moved_into_the_database(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.db.engine.CHECKPOINT_BYTES", 0)
    for n in range(5):
        bench.core.db.write_together(note(f"row {n}"))
    bench.core.db.tidy()
    with bench.core.db.read() as connection:
        _, logged, moved = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
    assert logged == moved


# --- a process that was stopped while it wrote


HOLD = """
import fcntl, sys
file = open(sys.argv[1], "ab")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def stopped(bench: Bench) -> Iterator[subprocess.Popen[str]]:
    """Start another process that holds the writers' lock until it is told to end."""
    path = bench.core.db._file + ".writer"
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_nobody_waits_for_ever_for_a_writer_that_was_stopped(
    bench: Bench, stopped: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    db = bench.core.db
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    for _ in range(2):  # the second asks while the first one's wait goes on in the kernel
        with pytest.raises(DatabaseUnavailable, match="another process"), db.write():
            pass
        with pytest.raises(DatabaseUnavailable, match="another process"):
            db.write_together(note("lost"))
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 20_000)
    assert stopped.stdin is not None
    stopped.stdin.write("\n")
    stopped.stdin.flush()
    assert db.write_together(note("stored")) == "stored"
    assert names(db) == {"stored"}


def test_a_lock_that_comes_too_late_is_given_back(
    bench: Bench, stopped: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    db = bench.core.db
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    with pytest.raises(DatabaseUnavailable), db.write():
        pass
    waiter = db._writer._waiter if db._writer is not None else None
    assert waiter is not None
    stopped.communicate("\n", timeout=10)
    with waiter._changed:
        assert waiter._changed.wait_for(lambda: waiter._granted, 10)
    command = [sys.executable, "-c", HOLD, db._file + ".writer"]
    other = subprocess.run(command, input="\n", capture_output=True, text=True, timeout=10, check=True)
    assert other.stdout == "locked\n"
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 20_000)
    assert db.write_together(note("stored")) == "stored"


WRITES: dict[str, Callable[[Connection], object]] = {
    "a row": lambda connection: sql.insert_once(connection, tables.scans, dict.fromkeys(tables.scans.c.keys(), 1)),
    "many rows": lambda connection: sql.insert_many(connection, tables.looks, [{"piece": 1, "job_id": 1}]),
    "a typed statement": lambda connection: sql.put(connection, tables.notices, dict.fromkeys(tables.notices.c.keys(), 1)),
}


@pytest.mark.parametrize("what", WRITES)
def test_what_the_driver_says_of_a_database_that_cannot_be_written_is_our_own_error(bench: Bench, what: str) -> None:
    db = bench.core.db
    with pytest.raises(DatabaseUnavailable), db.write() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        try:
            WRITES[what](connection)
        finally:
            connection.exec_driver_sql("PRAGMA query_only=OFF")
