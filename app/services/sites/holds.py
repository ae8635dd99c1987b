"""What a platform says about a site as a whole: all its work waits, its owner is told once, and it goes on by itself."""

from __future__ import annotations

import logging

from sqlalchemy import Connection

from app.db import audit
from app.db import sites as rows
from app.domain.errors import CredentialsExpired, PlatformClosed, PlatformThrottled, PlatformUnavailable
from app.domain.platform import Hold
from app.domain.time import HOUR, SECOND
from app.services.core import Core

log = logging.getLogger(__name__)

CLOSED_SECONDS = 60
"""How long a site that its platform refuses is left alone at first; each time twice as long, up to `LONGEST_SECONDS`."""

PAUSE_SECONDS = 5
"""How long a site waits that asked for a pause and did not say for how long: as long as one item does after its first failure."""

LONGEST_SECONDS = HOUR // SECOND
"""How long it is left alone at most: an owner who paid, or took the wall away, waits no longer than an hour."""

_SAID = {
    Hold.CREDENTIALS: "Connect the site again: until then its pictures wait, and nothing of it is judged or hidden.",
    Hold.REFUSED: "Until that ends its pictures wait, and nothing of it is judged or hidden; it is tried at least once an hour.",
}


def hold(
    core: Core,
    connection: Connection,
    site_id: str,
    error: CredentialsExpired | PlatformClosed | PlatformThrottled,
    began: int,
) -> None:
    """Let all work of a site wait, in the caller's transaction: as long as the platform asked, else longer each time.

    What `began`, in UTC microseconds, before the site was connected or tested last, says nothing about what it is now.
    """
    known = rows.get(connection, site_id)
    if known is None or (known.checked_at or 0) > began:
        return
    asked = error.retry_after if isinstance(error, PlatformUnavailable) else None
    match error:
        case CredentialsExpired():
            why, seconds = Hold.CREDENTIALS, float(LONGEST_SECONDS)
        case PlatformClosed():
            why, seconds = Hold.REFUSED, max(CLOSED_SECONDS * 2.0 ** min(known.failures, 10), asked or 0.0)
        case _:
            why, seconds = Hold.ASKED, float(PAUSE_SECONDS) if asked is None else asked
    until = core.now() + int(min(seconds, LONGEST_SECONDS) * SECOND)
    problem = f"{error} {_SAID.get(why, '')}".strip()
    rows.hold(connection, site_id, why, until)
    rows.fail(connection, site_id, problem)
    if why is not Hold.ASKED and known.held_why is not why:
        log.warning("site %s waits: %s", site_id, error)
        audit.add(connection, core.now(), "Picward", "site.held", problem, site_id)


def recover(core: Core, connection: Connection, site_id: str) -> None:
    """Note that the platform did what was asked of it, in the caller's transaction: what was wrong there has ended."""
    before = rows.recover(connection, site_id)
    if before is not None:
        log.info("site %s works again", site_id)
    if before in _SAID:
        audit.add(connection, core.now(), "Picward", "site.resumed", "It works again; what waited goes on", site_id)
