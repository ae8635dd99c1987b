"""Connect, configure, pause and forget sites."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row

from app.db import audit, decisions, deliveries, enforcements, hashes, jobs
from app.db import sites as rows
from app.domain.errors import (
    DeliveryRefused,
    PairingRefused,
    PicwardError,
    PlatformUnavailable,
    SettingsInvalid,
    SiteUnknown,
)
from app.domain.events import Delivery
from app.domain.platform import Admission, FindSite, Site, SiteState
from app.domain.policy import starting_policy
from app.domain.settings import SiteSettings, declare, validate
from app.services import policies
from app.services.core import SECOND, Core

PAIRING_HOURS = 24
"""How long an unused pairing code works: long enough to hand it to the person who runs the site."""

SECRET_BYTES = 32
"""Standard Webhooks wants 24 to 64 bytes."""


def open_site(core: Core, row: Row[Any]) -> Site:
    """Make a `Site` of a row: secrets unlocked, settings typed."""
    platform = core.platform(row.platform)
    known = {name: value for name, value in row.settings.items() if name in platform.Settings.model_fields}
    return Site(
        id=row.id,
        platform=row.platform,
        name=row.name,
        state=SiteState(row.state),
        secrets=tuple(json.loads(core.vault.open(row.secrets))),
        connection=row.connection,
        settings=validate(platform.Settings, known),
    )


# Unlocking and checking a row costs more than all else that a webhook needs; what is stored is compared each time.
_opened: dict[str, tuple[object, Site]] = {}


def find_for(core: Core, slug: str, connection: Connection) -> FindSite:
    """Give the look-up that `Platform.authenticate` may use: sites of this platform that were not removed."""

    def find(site_id: str) -> Site | None:
        stored = rows.stored(connection, site_id) if len(site_id) <= 40 else None
        known = _opened.get(site_id)
        if stored is None or known is None or known[0] != stored:
            row = rows.get(connection, site_id) if stored is not None else None
            if row is None or row.state == SiteState.REMOVED:
                _opened.pop(site_id, None)
                return None
            known = _opened[site_id] = (stored, open_site(core, row))
        return known[1] if known[1].platform == slug else None

    return find


def get(core: Core, site_id: str) -> Site:
    with core.db.read() as connection:
        return _get(core, connection, site_id)


def _get(core: Core, connection: Connection, site_id: str) -> Site:
    row = rows.get(connection, site_id)
    if row is None or row.state == SiteState.REMOVED:
        raise SiteUnknown(f"There is no site “{site_id}”.")
    return open_site(core, row)


def add(
    core: Core,
    slug: str,
    name: str,
    person: str,
    connection_values: Mapping[str, str] | None = None,
    *,
    private_network: bool = False,
) -> Site:
    """Make a site. One whose connection the owner types is tested before it is stored; others wait for their pairing code."""
    platform = core.platform(slug)
    values = dict(connection_values or {})
    missing = [field for field in platform.connect_fields if not values.get(field)]
    if missing:
        raise SettingsInvalid("Fill in: " + ", ".join(missing), dict.fromkeys(missing, "is needed"))
    settings = validate(platform.Settings, {"private_network": True} if private_network else {})
    now = core.now()
    site = Site(
        id="st_" + secrets.token_hex(8),
        platform=slug,
        name=name.strip()[:200] or platform.name,
        state=SiteState.ACTIVE if platform.connect_fields else SiteState.PAIRING,
        secrets=("whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode(),),
        connection={field: values[field] for field in platform.connect_fields},
        settings=settings,
    )
    found = platform.check(site) if platform.connect_fields else ""
    with core.db.write() as connection:
        rows.add(
            connection,
            {
                "id": site.id,
                "platform": slug,
                "name": site.name,
                "state": site.state,
                "secrets": core.vault.lock(json.dumps(site.secrets).encode()),
                "connection": dict(site.connection),
                "settings": _stored(settings),
                "created_at": now,
                "paired_at": now if platform.connect_fields else None,
                "found": found,
                "checked_at": now if found else None,
            },
        )
        rows.add_policy(connection, site.id, 1, policies.stored(starting_policy()), now, person)
        audit.add(connection, now, person, "site.added", f"{platform.name} site “{site.name}” added", site.id)
    core.wake()
    return site


def _stored(settings: SiteSettings) -> dict[str, Any]:
    return settings.model_dump(mode="json", exclude_defaults=True)


def pairing_code(core: Core, site: Site) -> str:
    """Make the code that the owner pastes at the platform: our address, the site's id and its secret."""
    packed = json.dumps({"url": core.public_url, "site": site.id, "secret": site.secrets[0]}).encode()
    return "picward1_" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def renew_pairing(core: Core, site_id: str, person: str) -> Site:
    """Give a site a new secret and wait for it to be connected again; the old code and secret are worth nothing from now."""
    site = get(core, site_id)
    fresh = ("whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode(),)
    with core.db.write() as connection:
        rows.change(
            connection,
            site_id,
            {"secrets": core.vault.lock(json.dumps(fresh).encode()), "state": SiteState.PAIRING, "created_at": core.now()},
        )
        audit.add(connection, core.now(), person, "site.code", "A new pairing code was made", site_id)
    return get(core, site.id)


def admit(core: Core, slug: str, visit: Delivery) -> tuple[Site, str]:
    """Let an installation in that arrives with its pairing code, after talking back to it; return the site and what was found."""
    platform = core.platform(slug)
    with core.db.read() as connection:
        admission = platform.admit(visit, find_for(core, slug, connection))
        row = rows.get(connection, admission.site.id)
    if row is None:
        raise DeliveryRefused("no such site")
    if row.state == SiteState.PAIRING and row.created_at + PAIRING_HOURS * 3600 * SECOND < visit.received_at:
        raise PairingRefused(f"This pairing code is older than {PAIRING_HOURS} hours. Make a new one in Picward.")
    site = _connected(admission)
    found = platform.check(site)
    with core.db.write() as connection:
        rows.change(
            connection,
            site.id,
            {
                "name": site.name,
                "state": SiteState.ACTIVE,
                "connection": dict(site.connection),
                "paired_at": core.now(),
                "problem": "",
                "found": found,
                "checked_at": core.now(),
            },
        )
        audit.add(connection, core.now(), "platform", "site.connected", found, site.id)
    core.wake()
    return site, found


def _connected(admission: Admission) -> Site:
    site = admission.site
    connection = {**site.connection, **admission.connection}
    return Site(
        site.id, site.platform, admission.name[:200] or site.name, SiteState.ACTIVE, site.secrets, connection, site.settings
    )


def check(core: Core, site_id: str) -> str:
    """Test a site's connection now and remember the result for the console; raise what is wrong."""
    site = get(core, site_id)
    problem, found = "", ""
    try:
        found = core.platform(site.platform).check(site)
    except PicwardError as error:
        problem = str(error)
        raise
    finally:
        with core.db.write() as connection:
            rows.change(connection, site_id, {"problem": problem, "found": found, "checked_at": core.now()})
    return found


def read_settings(core: Core, site: Site) -> dict[str, Any]:
    """Give what a settings page needs: values, declaration and the policy in one line."""
    policy = policies.current(core, site.id)
    return {
        "values": site.settings.model_dump(mode="json"),
        "declaration": declare(core.platform(site.platform).Settings),
        "policy": {"version": policy.version, "summary": policies.summarise(policy)},
    }


def save_settings(core: Core, site_id: str, values: Mapping[str, Any], person: str) -> Site:
    """Store a site's settings after checking them, and hand the platform its copy. Raise `SettingsInvalid`."""
    site = get(core, site_id)
    platform = core.platform(site.platform)
    merged = {**site.settings.model_dump(mode="json"), **values}
    settings = validate(platform.Settings, merged)
    changes = [
        f"{name}: {getattr(site.settings, name)} → {getattr(settings, name)}"
        for name in platform.Settings.model_fields
        if getattr(site.settings, name) != getattr(settings, name)
    ]
    with core.db.write() as connection:
        rows.change(connection, site_id, {"settings": _stored(settings)})
        if changes:
            audit.add(connection, core.now(), person, "settings.saved", "; ".join(changes), site_id)
    return get(core, site_id)


def share_settings(core: Core, site: Site) -> str:
    """Hand the platform its copy of the settings; return what went wrong, in words, or ""."""
    if site.state is SiteState.PAIRING:
        return ""
    try:
        core.platform(site.platform).settings_changed(site)
    except PlatformUnavailable as error:
        return f"Saved here, but the site could not be told yet: {error}"
    except PicwardError as error:
        return f"Saved here, but the site refused it: {error}"
    return ""


def set_state(core: Core, site_id: str, state: SiteState, person: str) -> None:
    """Pause or resume a site. A paused one still takes deliveries; nothing is judged or written back until it is resumed."""
    with core.db.write() as connection:
        site = _get(core, connection, site_id)
        if site.state is SiteState.PAIRING:
            raise PairingRefused("This site is not connected yet.")
        rows.change(connection, site_id, {"state": state})
        audit.add(connection, core.now(), person, f"site.{state}", f"The site is {state} now", site_id)
    core.wake()


def remove(core: Core, connection: Connection, site_id: str, actor: str) -> None:
    """Forget a site's secrets and stop its work; its history stays, and what is hidden stays hidden."""
    now = core.now()
    jobs.stop_site(connection, site_id, now)
    rows.change(connection, site_id, {"state": SiteState.REMOVED, "secrets": core.vault.lock(b"[]"), "problem": ""})
    audit.add(connection, now, actor, "site.removed", "Disconnected; its secrets are forgotten", site_id)


def disconnect(core: Core, site_id: str, person: str) -> None:
    with core.db.write() as connection:
        _get(core, connection, site_id)
        remove(core, connection, site_id, person)


def summary(core: Core, site_id: str) -> dict[str, Any]:
    """Count what an owner wants to see at a glance."""
    now = core.now()
    with core.db.read() as connection:
        row = rows.get(connection, site_id)
        if row is None:
            raise SiteUnknown(f"There is no site “{site_id}”.")
        verdicts = decisions.counts(connection, site_id)
        oldest = decisions.oldest_waiting(connection, site_id)
        work = jobs.counts(connection, site_id)
        due = jobs.oldest_due(connection, site_id)
        return {
            "state": row.state,
            "problem": row.problem,
            "found": row.found,
            "checked_at": row.checked_at,
            "scanned_at": row.scanned_at,
            "checked": sum(verdicts.values()),
            "blocked": verdicts.get("block", 0),
            "waiting": decisions.count_waiting(connection, site_id),
            "oldest_waiting_seconds": (now - oldest) // SECOND if oldest else 0,
            "queued": work.get("due", 0) + work.get("busy", 0),
            "oldest_queued_seconds": (now - due) // SECOND if due else 0,
            "parked": [
                {"id": item.id, "text": item.problem, "media_id": item.media_id}
                for item in enforcements.parked(connection, site_id)
            ],
            "last_delivery_at": deliveries.last_at(connection, site_id),
            "unreadable": [f"Delivery {item.id}: {item.problem}" for item in deliveries.unreadable(connection, site_id, 5)],
            "hashes": hashes.count(connection, site_id),
            "console_url": f"{core.public_url}/sites/{site_id}",
        }


def listing(core: Core) -> list[Row[Any]]:
    with core.db.read() as connection:
        return [row for row in rows.every(connection) if row.state != SiteState.REMOVED]


def trail(core: Core, site_id: str, limit: int = 20) -> list[tuple[int, str, str]]:
    """Tell what happened at a site lately, newest first: when, who, what."""
    with core.db.read() as connection:
        return [(row.at, row.actor, row.text) for row in audit.recent(connection, site_id, limit)]
