"""The two engines: a SQLite file by default, PostgreSQL beyond one machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from app.db.sql import driver_of, translated
from app.domain.errors import DatabaseUnavailable, NotStored

T = TypeVar("T")

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another process's write; longer than any of our transactions, shorter than patience."""

POOL_SIZE = 80
"""Connections a process may open: one for each of its 64 web threads, and some to spare."""

CHECKPOINT_BYTES = 4_000_000
"""How long SQLite's write-ahead log may get before a worker moves it into the database, beside everyone's work."""

LAST_RESORT_PAGES = 20_000
"""Pages of 4 kB after which a commit does that itself, where no worker runs; SQLite's 1000 made one webhook in a hundred wait."""

LARGEST_GROUP = 64
"""Units of work that share one commit at most; it bounds how long the first of them waits for the others."""


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the engine says about a database that is busy or away into our own error."""
    try:
        yield
    except OperationalError as error:
        raise DatabaseUnavailable("The database is busy or away.") from error


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Roll back what fails within the block, and not the transaction around it. Raise `NotStored` for what the database says."""
    try:
        with connection.begin_nested():
            yield
    except DBAPIError as error:
        raise NotStored(f"The database did not take it: {type(error).__name__}.") from error


class _Unit(Generic[T]):
    """Hold one unit of a group, and then how it ended."""

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work = work
        self.ended = False
        self._result: T | None = None
        self._error: BaseException | None = None
        self._turn = threading.Lock()
        self._turn.acquire()

    def wait(self) -> None:
        """Sleep until the unit has ended, or is called to lead the next group."""
        self._turn.acquire()

    def call(self) -> None:
        self._turn.release()

    def succeed(self, result: T) -> None:
        self._result, self.ended = result, True

    def fail(self, error: BaseException) -> None:
        self._error, self.ended = error, True

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]


class _Waiter:
    """Wait for a file's lock in a thread of its own: only a wait in the kernel is handed on at once, and none of those can be
    ended. A lock that comes when nobody wants it any more is given back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._wanted, self._granted = file, True, False
        self._changed = threading.Condition()
        threading.Thread(target=self._wait, name="writer-lock", daemon=True).start()

    def _wait(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        with self._changed:
            if not self._wanted:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            self._granted = True
            self._changed.notify_all()

    def ask(self, seconds: float) -> bool | None:
        """Wait for the lock so long, and say whether it came; None when it came before, and was given back."""
        with self._changed:
            if self._granted:
                return None
            self._wanted = True
            if not self._changed.wait_for(lambda: self._granted, max(seconds, 0.0)):
                self._wanted = False
            return self._wanted


class _WriterLock:
    """Let one writer in at a time, over all threads and processes of this machine.

    Nobody waits longer than `BUSY_TIMEOUT_MS`: a process that was stopped while it wrote stops no other for ever.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._file: IO[bytes] | None = None
        self._waiter: _Waiter | None = None
        self._opened_by = 0

    def __enter__(self) -> None:
        deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        if not self._threads.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            raise DatabaseUnavailable("The database is busy: another writer of this process holds it.")
        try:
            if self._file is None or self._opened_by != os.getpid():  # a lock shared over a fork would be no lock
                self._file, self._waiter, self._opened_by = Path(self._path).open("ab"), None, os.getpid()
            if not self._lock(self._file, deadline):
                raise DatabaseUnavailable("The database is busy: another process of this machine holds it.")
        except BaseException:
            self._threads.release()
            raise

    def _lock(self, file: IO[bytes], deadline: float) -> bool:
        while True:
            if self._waiter is None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    self._waiter = _Waiter(file)
                else:
                    return True
            came = self._waiter.ask(deadline - time.monotonic())
            if came is not False:
                self._waiter = None
            if came is not None:
                return came

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()


class Database:
    """Open transactions. A write is durable when its block ends: SQLite runs WAL with synchronous=FULL.

    SQLite admits one writer, and its busy handler waits by sleeping, up to 100 ms and unfairly. So writers queue first: at
    a lock within the process, then at a lock file between the processes, which the kernel hands on at once and takes back
    from a killed process. BEGIN IMMEDIATE then finds the database free.
    """

    def __init__(self, url: str) -> None:
        self.embedded = url.startswith("sqlite")
        self._file = url.removeprefix("sqlite:///")
        self._writer = _WriterLock(self._file + ".writer") if self.embedded else None
        self._waiting: list[_Unit[Any]] = []
        self._led = False
        self._arriving = threading.Lock()
        # Errors of both are logged, and what a statement was given may be secret.
        self.engine = _sqlite(url) if self.embedded else _postgresql(url)
        reading = {"reading": True} if self.embedded else {"isolation_level": "AUTOCOMMIT"}
        self._reader = self.engine.execution_options(**reading)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection for reading; each statement sees what is committed then. Raise `DatabaseUnavailable`."""
        with _told(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one transaction, committed and durable at the end of the block, rolled back on any exception.

        Raise `DatabaseUnavailable` when it cannot be begun or committed.
        """
        with _told(), self._writer or contextlib.nullcontext(), self.engine.begin() as connection:
            yield connection

    def write_together(self, work: Callable[[Connection], T]) -> T:
        """Run a small unit of work in a transaction that it may share with others that arrive at the same time.

        It returns when the commit is durable. Group commit: at saturation most of a commit's cost is waiting for the disk,
        and one wait serves all. `work` may run twice: when one of a group fails, all are rolled back and run one by one.
        Raise `DatabaseUnavailable`, and what `work` raises.
        """
        if self._writer is None:  # PostgreSQL groups the commits of concurrent transactions itself
            with self.write() as connection:
                return work(connection)
        unit = _Unit(work)
        with self._arriving:
            self._waiting.append(unit)
            lead, self._led = not self._led, True
        if not lead:
            unit.wait()
        if not unit.ended:
            self._lead_group()
        with _told():
            return unit.outcome()

    def _lead_group(self) -> None:
        """Run the group that waits, then call its units, and the first of those that arrived meanwhile to lead them."""
        group: list[_Unit[Any]] = []
        try:
            with self._writer or contextlib.nullcontext():
                group = self._take_group()
                self._run_group(group)
        except BaseException as error:  # the lock cannot be had, or this thread is ending: nobody may wait for ever
            group = group or self._take_group()
            for unit in group:
                if not unit.ended:
                    unit.fail(error)
        with self._arriving:
            heir = self._waiting[0] if self._waiting else None
            self._led = heir is not None
        if heir is not None:
            heir.call()  # first: the next group's wait for the disk begins while these answer their requests
        for unit in group[1:]:
            unit.call()

    def _take_group(self) -> list[_Unit[Any]]:
        with self._arriving:
            group, self._waiting = self._waiting[:LARGEST_GROUP], self._waiting[LARGEST_GROUP:]
        return group

    def _run_group(self, group: list[_Unit[Any]]) -> None:
        try:
            with self.engine.begin() as connection:
                results = [unit.work(connection) for unit in group]
        except Exception as error:
            if len(group) == 1:
                group[0].fail(error)
                return
            for unit in group:
                self._run_alone(unit)
            return
        for unit, result in zip(group, results, strict=True):
            unit.succeed(result)

    def _run_alone(self, unit: _Unit[Any]) -> None:
        try:
            with self.engine.begin() as connection:
                result = unit.work(connection)
        except Exception as error:
            unit.fail(error)
        else:
            unit.succeed(result)

    def tidy(self) -> None:
        """Move a long write-ahead log into the database, without making anyone wait."""
        with contextlib.suppress(FileNotFoundError):
            if self.embedded and Path(self._file + "-wal").stat().st_size > CHECKPOINT_BYTES:
                with self._reader.connect() as connection:
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        self.engine.dispose()


def _postgresql(url: str) -> Engine:
    """Connect to PostgreSQL, where nobody waits longer for another's lock than here for the writers' lock."""
    waiting = {"options": f"-c lock_timeout={BUSY_TIMEOUT_MS}"}
    return create_engine(url, pool_size=POOL_SIZE, pool_pre_ping=True, hide_parameters=True, connect_args=waiting)


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        pool_size=POOL_SIZE,
        max_overflow=0,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is deferred; ours is IMMEDIATE
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"wal_autocheckpoint={LAST_RESORT_PAGES}",
            "foreign_keys=ON",
            "cache_size=-8000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("reading"):
            try:
                driver_of(connection).execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise translated(error) from error

    return engine
