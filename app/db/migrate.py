"""Bring the database to this version's tables, with Alembic."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from app.db.engine import Database
from app.domain.errors import DatabaseUnavailable

NEWEST = "0016"
"""The newest revision; a test compares it with the migration files, so that a start need not load Alembic to know it."""


def revision(connection: Connection) -> str:
    """Give the revision that the database is at, "" for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def current(db: Database) -> str:
    """Give the revision that the database is at. Raise `DatabaseUnavailable` for whatever keeps it from answering."""
    try:
        with db.read() as connection:
            return revision(connection)
    except SQLAlchemyError as error:
        raise DatabaseUnavailable(f"The database does not answer: {type(error).__name__}.") from error


def upgrade(db: Database) -> str:
    """Apply what is missing and return the revision; does nothing, quickly, when nothing is missing."""
    with db.read() as connection:
        if revision(connection) == NEWEST:
            return NEWEST
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with db.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return revision(connection)
