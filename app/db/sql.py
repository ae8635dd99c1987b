"""What all modules here write SQL with: typed rows, statements compiled once, insertions that mind what is there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import JSON, ClauseElement, Column, ColumnElement, Connection, Executable, Table, bindparam, literal_column
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

T = TypeVar("T")


def written(value: str | int) -> ColumnElement[Any]:
    """Write one of our own constants into a statement: a planner may only use a partial index for a value that it knows."""
    return literal_column(f"'{value}'" if isinstance(value, str) else str(value))


def columns(table: Table, shape: type[Any]) -> list[Column[Any]]:
    """Give the columns that the fields of a dataclass are named after, in their order."""
    return [table.c[field.name] for field in fields(shape)]


def values(row: Any) -> dict[str, Any]:
    """Give the fields of a dataclass by name, as an insertion or a change takes them."""
    return {field.name: getattr(row, field.name) for field in fields(row)}


def read_one(
    connection: Connection, statement: Executable, shape: Callable[..., T], given: Mapping[str, Any] | None = None
) -> T | None:
    """Make the only row of a statement what it stands for; the columns must come in the order of the fields.

    With `given` parameters the statement is a constant, and is executed as one.
    """
    if given is None:
        row = connection.execute(statement).one_or_none()
        return shape(*row) if row is not None else None
    rows = execute_typed(connection, statement, given)
    return shape(*rows[0]) if rows else None


def read_all(connection: Connection, statement: Executable, shape: Callable[..., T]) -> list[T]:
    """Make each row of a statement what it stands for, as `read_one` does."""
    return [shape(*row) for row in connection.execute(statement)]


def _family(dialect: str) -> Any:
    if dialect == "sqlite":
        return sqlite
    from sqlalchemy.dialects import postgresql  # a tenth of a second of every start that does not use it

    return postgresql


@cache
def _compiled(statement: Executable, dialect: str) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
    """Compile a constant statement: its text, the order of its parameters, and those that it brings itself."""
    made = cast(ClauseElement, statement).compile(dialect=_family(dialect).dialect())
    own = {name: value for name, value in made.params.items() if value is not None}
    return str(made), tuple(getattr(made, "positiontup", None) or ()), own


def execute_compiled(connection: Connection, statement: Executable, values: Mapping[str, Any]) -> Sequence[Any]:
    """Execute a constant statement and give its rows, as the driver has them.

    Building a statement, or only wrapping the driver's cursor, costs several times what SQLite needs to execute it.
    """
    text, order, own = _compiled(statement, connection.dialect.name)
    return _execute(connection, text, order, {**own, **values} if own else values)


def _execute(connection: Connection, text: str, order: Sequence[str], values: Mapping[str, Any]) -> Sequence[Any]:
    if connection.dialect.name != "sqlite":
        result = connection.exec_driver_sql(text, dict(values))
        return result.fetchall() if result.returns_rows else ()
    driver = driver_of(connection)
    try:
        rows: Sequence[Any] = driver.execute(text, tuple(values[name] for name in order)).fetchall()
    except sqlite3.Error as error:
        raise translated(error) from error
    return rows


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Give SQLite's own connection; what it raises is to be `translated`."""
    return cast(sqlite3.Connection, connection.connection.driver_connection)


def translated(error: sqlite3.Error) -> Exception:
    """Make an error of SQLite's that of SQLAlchemy which others expect, without what a statement was given."""
    return DBAPIError.instance(None, None, error, sqlite3.Error, hide_parameters=True)


def said_by_database(error: Exception) -> bool:
    """Tell whether an error is what the database, or SQLAlchemy about it, said."""
    return isinstance(error, SQLAlchemyError)


@cache
def _types(statement: Executable) -> tuple[Mapping[str, Any], tuple[tuple[int, Any], ...]]:
    """Find how SQLite stores what a constant statement is given, by name, and reads what it gives, by place."""
    dialect = sqlite.dialect()
    made = cast(ClauseElement, statement).compile(dialect=dialect)
    taken = {name: param.type.dialect_impl(dialect).bind_processor(dialect) for name, param in cast(Any, made).binds.items()}
    given = getattr(statement, "exported_columns", ())
    read = [(n, column.type.dialect_impl(dialect).result_processor(dialect, None)) for n, column in enumerate(given)]
    into = {name: process for name, process in taken.items() if process is not None}
    return into, tuple((n, process) for n, process in read if process is not None)


def execute_typed(connection: Connection, statement: Executable, given: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """Execute a constant statement as `execute_compiled` does, and give its rows as SQLAlchemy would."""
    if connection.dialect.name != "sqlite":
        result = connection.execute(statement, given)
        return result.all() if result.returns_rows else ()
    into, out = _types(statement)
    if into:
        given = {name: into[name](value) if name in into else value for name, value in given.items()}
    rows = execute_compiled(connection, statement, given)
    if not out:
        return rows
    typed = []
    for row in rows:
        values = list(row)
        for n, process in out:
            values[n] = process(values[n])
        typed.append(values)
    return typed


@cache
def _insertion(table: Table, dialect: str) -> tuple[str, tuple[str, ...], frozenset[str]]:
    """Compile an insertion: its text, the columns in the order of its parameters, and those that hold JSON."""
    family = _family(dialect)
    names = [column.name for column in table.columns if column.name != "id" and not column.nullable]
    statement = family.insert(table).on_conflict_do_nothing().returning(table.c.id)
    made = statement.compile(dialect=family.dialect(), column_keys=names)
    return str(made), tuple(made.positiontup or names), frozenset(n for n in names if isinstance(table.c[n].type, JSON))


def insert_once(connection: Connection, table: Table, values: Mapping[str, Any]) -> int | None:
    """Insert a row with all its columns that must hold something, unless a unique key of it exists; return its id or None."""
    text, order, packed = _insertion(table, connection.dialect.name)
    row = {name: json.dumps(values[name]) if name in packed else values[name] for name in order}
    rows = _execute(connection, text, order, row)
    return int(rows[0][0]) if rows else None


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the same columns all at once; those whose unique key exists are left out."""
    if not rows:
        return
    statement = _inserting(table, tuple(rows[0]), connection.dialect.name)
    if connection.dialect.name != "sqlite":
        connection.execute(statement, [dict(row) for row in rows])
        return
    text, order, _ = _compiled(statement, "sqlite")
    into, _ = _types(statement)
    ways = [(name, into.get(name)) for name in order]
    packed = [tuple(way(row[name]) if way else row[name] for name, way in ways) for row in rows]
    try:
        driver_of(connection).executemany(text, packed)
    except sqlite3.Error as error:
        raise translated(error) from error


@cache
def _inserting(table: Table, names: tuple[str, ...], dialect: str) -> Executable:
    statement: Executable = _family(dialect).insert(table).values({name: bindparam(name) for name in names})
    return cast(Any, statement).on_conflict_do_nothing()  # type: ignore[no-any-return]


@cache
def _putting(table: Table, names: tuple[str, ...], dialect: str) -> Executable:
    statement = _family(dialect).insert(table).values({name: bindparam(name) for name in names})
    keys = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in names if name not in keys}
    replaced: Executable = statement.on_conflict_do_update(index_elements=keys, set_=changes)
    return replaced


def put(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row, or replace the one with the same primary key."""
    execute_typed(connection, _putting(table, tuple(values), connection.dialect.name), values)


@cache
def _counting(table: Table, column: str, dialect: str) -> tuple[str, tuple[str, ...]]:
    family = _family(dialect)
    names = [item.name for item in table.columns]
    statement = family.insert(table)
    raised = {column: table.c[column] + statement.excluded[column]}
    statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=raised)
    made = statement.compile(dialect=family.dialect(), column_keys=names)
    return str(made), tuple(made.positiontup or names)


def count_up(connection: Connection, table: Table, column: str, values: Mapping[str, Any]) -> None:
    """Insert a row with all its columns, or add its `column` to that of the row with the same primary key."""
    text, order = _counting(table, column, connection.dialect.name)
    _execute(connection, text, order, values)
