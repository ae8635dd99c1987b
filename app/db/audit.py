"""The audit trail: who did what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from app.db.tables import audit


def add(connection: Connection, now: int, actor: str, action: str, text: str, site_id: str = "", media_id: str = "") -> None:
    """Append a line to the trail. `actor` is a person's name, "policy v3", "worker" or "platform"."""
    connection.execute(insert(audit).values(at=now, site_id=site_id, actor=actor, action=action, media_id=media_id, text=text))


def of_media(connection: Connection, site_id: str, media_id: str) -> Sequence[Row[Any]]:
    query = select(audit).where(audit.c.site_id == site_id, audit.c.media_id == media_id).order_by(audit.c.id.desc())
    return connection.execute(query).all()


def recent(connection: Connection, site_id: str, limit: int) -> Sequence[Row[Any]]:
    """List what happened to a site itself, as opposed to one of its images."""
    query = select(audit).where(audit.c.site_id == site_id, audit.c.media_id == "").order_by(audit.c.id.desc())
    return connection.execute(query.limit(limit)).all()
