"""Credentials that platforms hand out and take back: renewed once, however many processes want to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.db import sites as rows
from app.db.engine import Database
from app.domain.errors import PlatformUnavailable, SiteUnknown
from app.domain.platform import Site
from app.domain.ports import Vault
from app.domain.time import SECOND

RENEWAL_SECONDS = 60
"""How long one process may take to renew a site's credentials before another tries: over the longest call to a token endpoint."""

WAIT_SECONDS = 10.0
"""How long another process waits for that; then its work is tried again later."""

_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Keeper:
    """The one place that reads and writes stored credentials. Made before the core, since platforms are given it."""

    db: Database
    vault: Vault
    now: Callable[[], int]

    def lock(self, credentials: Mapping[str, Any]) -> bytes:
        """Encrypt credentials for their column."""
        return self.vault.lock(json.dumps(dict(credentials)).encode())

    def open(self, locked: bytes | None) -> dict[str, Any]:
        opened: dict[str, Any] = json.loads(self.vault.open(locked)) if locked else {}
        return opened

    def renew(
        self, site: Site, stale: Mapping[str, Any], refresh: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Replace a site's stale credentials once; see `app.domain.platform.Credentials`."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            current = self.open(self._stored(site.id))
            if current != dict(stale):
                return current
            with self.db.write() as connection:
                until = self.now() + RENEWAL_SECONDS * SECOND
                if rows.take_renewal(connection, site.id, self.now(), until):
                    break
            if time.monotonic() > deadline:
                raise PlatformUnavailable("Another process is renewing this site's credentials.", RENEWAL_SECONDS)
            time.sleep(_POLL_SECONDS)
        try:
            before = self._stored(site.id)
            current = self.open(before)
            if current != dict(stale):
                return current
            fresh = dict(refresh(current))
            if fresh == current:
                return current
            with self.db.write() as connection:
                if rows.renew_credentials(connection, site.id, until, before, self.lock(fresh)):
                    return fresh
        finally:
            with self.db.write() as connection:
                rows.end_renewal(connection, site.id, until)
        # The site was removed or connected anew meanwhile, or this took too long: then the fresh ones must not even be used,
        # since their first use ends the stale ones that another process may be renewing now.
        current = self.open(self._stored(site.id))
        if current == dict(stale):
            raise PlatformUnavailable("Renewing this site's credentials took too long.", RENEWAL_SECONDS)
        return current

    def _stored(self, site_id: str) -> bytes | None:
        with self.db.read() as connection:
            row = rows.get(connection, site_id)
        if row is None:
            raise SiteUnknown(f"There is no site “{site_id}”.")
        return row.credentials
