"""What a person chose for themselves, by name."""

from __future__ import annotations

from typing import Any

from app.db import preferences as rows
from app.services.core import Core


def get(core: Core, person_id: int, name: str, otherwise: Any) -> Any:
    with core.db.read() as connection:
        found = rows.get(connection, person_id, name)
    return otherwise if found is None else found


def keep(core: Core, person_id: int, name: str, value: Any) -> None:
    with core.db.write() as connection:
        rows.keep(connection, person_id, name, value)
