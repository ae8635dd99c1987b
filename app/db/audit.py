"""The trail: what happened, when, by whom; lines are only ever added."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select

from app.db.sql import columns, execute_typed, read_all, read_one
from app.db.tables import audit


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Hold one line; `site_id` and `media_id` are "" where it is about none."""

    id: int
    at: int
    site_id: str
    actor: str
    action: str
    media_id: str
    text: str


LINES = select(*columns(audit, AuditRow)).order_by(audit.c.id.desc())
"""Every line, newest first."""


_ADD = insert(audit).values({column.name: bindparam(column.name) for column in audit.c if column.name != "id"})


def add(connection: Connection, now: int, actor: str, action: str, text: str, site_id: str = "", media_id: str = "") -> None:
    """Append a line to the trail. `actor` is a person's name, "policy v3", "worker" or "platform"."""
    line = {"at": now, "site_id": site_id, "actor": actor, "action": action, "media_id": media_id, "text": text}
    execute_typed(connection, _ADD, line)


def of_media(connection: Connection, site_id: str, media_id: str) -> list[AuditRow]:
    return read_all(connection, LINES.where(audit.c.site_id == site_id, audit.c.media_id == media_id), AuditRow)


def recent(connection: Connection, site_id: str, limit: int) -> list[AuditRow]:
    """List what happened to a site itself, as opposed to one of its images."""
    return read_all(connection, LINES.where(audit.c.site_id == site_id, audit.c.media_id == "").limit(limit), AuditRow)


def of_access(connection: Connection, limit: int) -> list[AuditRow]:
    """List who came in, who was refused, and what was taken away."""
    return read_all(connection, LINES.where(audit.c.action.startswith("access.")).limit(limit), AuditRow)


def last_of(connection: Connection, action: str) -> AuditRow | None:
    """Give the last line about the house that has this action."""
    house = (audit.c.site_id == "", audit.c.media_id == "", audit.c.action == action)
    return read_one(connection, LINES.where(*house).limit(1), AuditRow)


def newest_at(connection: Connection) -> int:
    """Give the time of the last line, 0 when there is none."""
    return connection.execute(select(audit.c.at).order_by(audit.c.id.desc()).limit(1)).scalar() or 0


def of_people(connection: Connection, limit: int) -> list[AuditRow]:
    """List what happened to accounts, invitations and tokens."""
    about = audit.c.action.startswith("person.") | audit.c.action.startswith("token.")
    return read_all(connection, LINES.where(audit.c.site_id == "", audit.c.media_id == "", about).limit(limit), AuditRow)
