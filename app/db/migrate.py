"""Bring the database to this version's tables, with Alembic."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from app.db.engine import Database

NEWEST = "0007"
"""The newest revision; a test compares it with the migration files, so that a start need not load Alembic to know it."""


def revision(connection: Connection) -> str:
    """Give the revision that the database is at, "" for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


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
