"""Requests that leave nothing behind: each runs against the same state, whatever the one before it did."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection

from app.db.engine import Database

T = TypeVar("T")

_WRITE = re.compile(r"\s*(?:INSERT (?:OR \w+ )?INTO|UPDATE|DELETE FROM)\s+(\w+)", re.I)


class Rehearsal:
    """Stand in a database's place: what is written is there until the turn ends, and is rolled back then.

    `written` names the tables that this turn wrote to, as SQLite traces it. It is for one thread.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._connection: Connection | None = None
        self.written: set[str] = set()
        db.read, db.write, db.write_together = self.read, self.write, self.write_together  # type: ignore[method-assign]

    @contextmanager
    def turn(self) -> Iterator[Connection]:
        with self._db.engine.connect() as connection, connection.begin() as transaction:
            self._connection, self.written = connection, set()
            driver: Any = connection.connection.driver_connection
            driver.set_trace_callback(self._note)
            try:
                yield connection
            finally:
                driver.set_trace_callback(None)
                self._connection = None
                transaction.rollback()

    def _note(self, statement: str) -> None:
        if found := _WRITE.match(statement):
            self.written.add(found[1])

    @contextmanager
    def read(self) -> Iterator[Connection]:
        assert self._connection is not None, "outside of a turn"
        yield self._connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self.read() as connection, connection.begin_nested():
            yield connection

    def write_together(self, work: Callable[[Connection], T]) -> T:
        with self.write() as connection:
            return work(connection)
