"""What a person chose for themselves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from app.db.sql import put
from app.db.tables import preferences


def get(connection: Connection, person_id: int, name: str) -> Any:
    """Give what a person chose, None for nothing."""
    query = select(preferences.c.value).where(preferences.c.person_id == person_id, preferences.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def keep(connection: Connection, person_id: int, name: str, value: Any) -> None:
    put(connection, preferences, {"person_id": person_id, "name": name, "value": value})
