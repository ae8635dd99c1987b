"""What undoes a HIDE: handed back by the platform, kept with the action, and handed in again by a RESTORE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Text, bindparam, cast, or_, select

from app.db.sql import execute_typed, written
from app.db.tables import enforcements
from app.domain.decisions import Action
from app.domain.jobs import WorkState

Undo = Mapping[str, Any]
"""What a platform's HIDE returned, and nobody else reads."""

_LAST = (
    select(enforcements.c.undo)
    .where(enforcements.c.site_id == bindparam("site"), enforcements.c.media_id == bindparam("media"))
    .where(or_(enforcements.c.version == bindparam("version"), bindparam("version") == written("")))
    .where(enforcements.c.action == written(Action.HIDE))
    .where(
        or_(
            enforcements.c.state == written(WorkState.DONE),
            enforcements.c.state == written(WorkState.DRIFTED),
            # It happened, and was looked at again since, whatever came of that.
            cast(enforcements.c.undo, Text) != written("null"),
        )
    )
    .order_by(enforcements.c.id.desc())
    .limit(1)
)


def of_version(connection: Connection, site_id: str, media_id: str, version: str) -> Undo | None:
    """Give what the last HIDE of one version of an image returned."""
    rows = execute_typed(connection, _LAST, {"site": site_id, "media": media_id, "version": version})
    undo: Undo | None = rows[0][0] if rows else None
    return undo


def last(connection: Connection, site_id: str, media_id: str) -> Undo | None:
    """Give what the last HIDE of an image returned, whichever its version was."""
    return of_version(connection, site_id, media_id, "")
