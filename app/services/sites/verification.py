"""The keys that vendors publish to prove their deliveries by: fetched by the clock, and read by every process."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from app.db import sites as site_rows
from app.db import verification_keys as rows
from app.db.engine import Database
from app.domain.errors import PicwardError
from app.domain.platform import Platform, SiteState, VerificationKeys
from app.domain.time import HOUR, SECOND
from app.services.core import Core
from app.services.sites import sites

log = logging.getLogger(__name__)

AGAIN_SECONDS = 60
"""How long after a fetch that failed the next one is made: vendors keep keys valid for hours, so nothing waits for a minute."""

REMEMBERED_SECONDS = 2.0
"""How long a process goes by what it read last: deliveries come by the hundred a second, new keys a few times a day."""

LATE_SECONDS = HOUR // SECOND
"""How long after they were due the sites' pages tell that keys cannot be fetched: not of every hiccup."""

CONNECTED = (SiteState.ACTIVE, SiteState.PAUSED)
"""The states in which a site's deliveries are taken."""


@dataclass(frozen=True, slots=True)
class Published:
    """Read what was fetched last, with a short memory. Made before the core, since platforms are given it."""

    db: Database
    _remembered: dict[str, tuple[float, VerificationKeys | None]] = field(default_factory=dict)

    def __call__(self, slug: str) -> VerificationKeys | None:
        until, keys = self._remembered.get(slug, (0.0, None))
        if time.monotonic() < until:
            return keys
        with self.db.read() as connection:
            row = rows.get(connection, slug)
        keys = VerificationKeys(row.text, row.fetched_at) if row is not None and row.text else None
        self._remembered[slug] = (time.monotonic() + REMEMBERED_SECONDS, keys)
        return keys


def fetch_due(core: Core) -> int | None:
    """Fetch the keys that are due of each platform that has a connected site; return when the next are, None for never."""
    publishing = [(slug, platform) for slug, platform in core.platforms.items() if platform.verification_keys_seconds]
    due = [_fetch_if_due(core, slug, platform) for slug, platform in publishing]
    return min((at for at in due if at is not None), default=None)


def _fetch_if_due(core: Core, slug: str, platform: Platform) -> int | None:
    now = core.now()
    with core.db.read() as connection:
        known = rows.get(connection, slug)
        if not site_rows.any_of(connection, slug, CONNECTED):
            return None
        every = platform.verification_keys_seconds * SECOND
        fresh_until = known.fetched_at + every if known else 0
        if known and now < (due_at := max(fresh_until, known.tried_at + AGAIN_SECONDS * SECOND)) <= now + every:
            return due_at
    with core.db.write() as connection:
        rows.note_try(connection, slug, now)
    trouble = f"The keys that {platform.name} publishes cannot be fetched: without them what it sends waits there."
    try:
        text = platform.fetch_verification_keys()
    except PicwardError as error:
        log.warning("%s (%s)", trouble, error)
        if now > fresh_until + LATE_SECONDS * SECOND:
            _note(core, slug, "", trouble)
        return now + AGAIN_SECONDS * SECOND
    with core.db.write() as connection:
        rows.keep(connection, slug, text, core.now())
    _note(core, slug, trouble, "")
    return core.now() + every


def _note(core: Core, slug: str, before: str, after: str) -> None:
    for row in sites.active(core):
        if row.platform == slug and row.problem == before:
            sites.note_problem(core, row.id, before, after)
