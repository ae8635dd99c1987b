"""The two engines: a SQLite file by default, PostgreSQL beyond one machine."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, Generic, TypeVar, cast

from sqlalchemy import JSON, ClauseElement, Connection, CursorResult, Engine, Executable, Table, create_engine, event
from sqlalchemy.dialects import sqlite

T = TypeVar("T")

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another process's write; longer than any of our transactions, shorter than patience."""

POOL_SIZE = 80
"""Connections a process may open: one for each of its 64 web threads, and some to spare."""

LARGEST_GROUP = 64
"""Units of work that share one commit at most; it bounds how long the first of them waits for the others."""


class _Unit(Generic[T]):
    """Hold one unit of a group, and then how it ended."""

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work = work
        self.ended = False
        self._result: T | None = None
        self._error: Exception | None = None
        self._turn = threading.Lock()
        self._turn.acquire()

    def wait(self) -> None:
        """Sleep until the unit has ended, or is called to lead the next group."""
        self._turn.acquire()

    def call(self) -> None:
        self._turn.release()

    def succeed(self, result: T) -> None:
        self._result, self.ended = result, True

    def fail(self, error: Exception) -> None:
        self._error, self.ended = error, True

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]


class _WriterLock:
    """Let one writer in at a time, over all threads and processes of this machine."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._file: IO[bytes] | None = None
        self._opened_by = 0

    def __enter__(self) -> None:
        self._threads.acquire()
        try:
            if self._file is None or self._opened_by != os.getpid():  # a lock shared over a fork would be no lock
                self._file, self._opened_by = Path(self._path).open("ab"), os.getpid()
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

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
        self._writer = _WriterLock(url.removeprefix("sqlite:///") + ".writer") if self.embedded else None
        self._waiting: list[_Unit[Any]] = []
        self._led = False
        self._arriving = threading.Lock()
        self.engine = _sqlite(url) if self.embedded else create_engine(url, pool_size=POOL_SIZE, pool_pre_ping=True)
        reading = {"reading": True} if self.embedded else {"isolation_level": "AUTOCOMMIT"}
        self._reader = self.engine.execution_options(**reading)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection for reading; each statement sees what is committed then."""
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one transaction, committed and durable at the end of the block, rolled back on any exception."""
        with self._writer or contextlib.nullcontext(), self.engine.begin() as connection:
            yield connection

    def write_together(self, work: Callable[[Connection], T]) -> T:
        """Run a small unit of work in a transaction that it may share with others that arrive at the same time.

        It returns when the commit is durable. Group commit: at saturation most of a commit's cost is waiting for the disk,
        and one wait serves all. `work` may run twice: when one of a group fails, all are rolled back and run one by one.
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
        return unit.outcome()

    def _lead_group(self) -> None:
        """Run the group that waits, then call its units, and the first of those that arrived meanwhile to lead them."""
        with self._writer or contextlib.nullcontext():
            with self._arriving:
                group, self._waiting = self._waiting[:LARGEST_GROUP], self._waiting[LARGEST_GROUP:]
            self._run_group(group)
        with self._arriving:
            heir = self._waiting[0] if self._waiting else None
            self._led = heir is not None
        for unit in group[1:]:
            unit.call()
        if heir is not None:
            heir.call()

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

    def close(self) -> None:
        self.engine.dispose()


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        pool_size=POOL_SIZE,
        max_overflow=0,
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is deferred; ours is IMMEDIATE
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-8000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("reading"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _family(dialect: str) -> Any:
    if dialect == "sqlite":
        return sqlite
    from sqlalchemy.dialects import postgresql  # a tenth of a second of every start that does not use it

    return postgresql


Statement = tuple[str, tuple[str, ...]]


@cache
def compiled(statement: Executable, dialect: str) -> Statement:
    """Compile a constant statement once: its text and the order of its parameters, for `execute_compiled`."""
    family = _family(dialect)
    made = cast(ClauseElement, statement).compile(dialect=family.dialect(), compile_kwargs={"render_postcompile": True})
    return str(made), tuple(getattr(made, "positiontup", None) or ())


def execute_compiled(connection: Connection, statement: Executable, values: Mapping[str, Any]) -> CursorResult[Any]:
    """Execute a constant statement; for every webhook's path, where building it anew costs more than executing it."""
    dialect = connection.dialect.name
    text, order = compiled(statement, dialect)
    return connection.exec_driver_sql(text, tuple(values[name] for name in order) if dialect == "sqlite" else dict(values))


@cache
def _insertion(table: Table, dialect: str) -> tuple[str, tuple[str, ...], frozenset[str]]:
    """Compile an insertion once: its text, the columns in the order of its parameters, and those that hold JSON."""
    family = _family(dialect)
    names = [column.name for column in table.columns if column.name != "id" and not column.nullable]
    statement = family.insert(table).on_conflict_do_nothing().returning(table.c.id)
    compiled = statement.compile(dialect=family.dialect(), column_keys=names)
    return str(compiled), tuple(compiled.positiontup or names), frozenset(n for n in names if isinstance(table.c[n].type, JSON))


def insert_once(connection: Connection, table: Table, values: Mapping[str, Any]) -> int | None:
    """Insert a row with all its columns that must hold something, unless a unique key of it exists; return its id or None.

    This is every webhook's path: compiling once instead of building the statement each time saved a third of its time.
    """
    dialect = connection.dialect.name
    text, order, packed = _insertion(table, dialect)
    row = {name: json.dumps(values[name]) if name in packed else values[name] for name in order}
    parameters = tuple(row.values()) if dialect == "sqlite" else row
    found: int | None = connection.exec_driver_sql(text, parameters).scalar_one_or_none()
    return found


def put(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row, or replace the one with the same primary key."""
    family = _family(connection.dialect.name)
    statement = family.insert(table).values(**values)
    keys = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in values if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes))
