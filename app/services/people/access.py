"""Who came in, who was refused, what was taken away: one line each, in the trail for owners and in the log for operators."""

from __future__ import annotations

import logging

from sqlalchemy import Connection

from app.db import audit
from app.services.core import Core
from app.services.people.tries import Origin

log = logging.getLogger(__name__)

SIGNED_IN, REFUSED, PROVEN, EXPORTED, TOKEN = (
    f"access.{word}" for word in ("signed_in", "refused", "proven", "exported", "token_used")
)
"""The kinds of lines. None of them holds what was typed: people type passwords into the wrong field."""


def note(connection: Connection, core: Core, actor: str, action: str, text: str, site_id: str = "", address: str = "") -> None:
    """Write a line; the address itself goes to the log alone, and its network into the trail."""
    audit.add(connection, core.now(), actor, action, text, site_id)
    mention(actor, text, address)


def mention(actor: str, text: str, address: str) -> None:
    """Write a line into the log alone."""
    log.info("%s: %s%s", actor, text, f" ({address})" if address else "")


def whence(origin: Origin) -> str:
    """Say where something came from, as the trail may keep it."""
    return f"from {origin.home}" if origin.home else "from an address that is not known"


def exported(core: Core, actor: str, what: str, site_id: str = "") -> None:
    """Note that somebody took something away as a file."""
    with core.db.write() as connection:
        note(connection, core, actor, EXPORTED, f"Took away {what}", site_id)


def lately(core: Core, limit: int) -> list[tuple[int, str, str]]:
    """Tell who came in and what was taken away lately, newest first: when, who, what."""
    with core.db.read() as connection:
        return [(row.at, row.actor, row.text) for row in audit.of_access(connection, limit)]
