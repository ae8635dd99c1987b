"""Connect sites: by hand, by a pairing code, or by being installed at the platform."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from app.db import audit, people, site_names
from app.db import policies as policy_rows
from app.db import sites as rows
from app.db.policies import PolicyRow
from app.db.sites import NewSite
from app.domain import names
from app.domain.errors import DeliveryRefused, NotStored, PairingRefused, SettingsInvalid
from app.domain.events import Delivery
from app.domain.platform import Admission, Hold, Platform, Site, SiteState
from app.domain.policy import starting_policy
from app.domain.settings import validate
from app.domain.time import HOUR
from app.services.core import Core
from app.services.rules import policies
from app.services.secrets import new_signing_secret
from app.services.sites import sites, upkeep

PAIRING_HOURS = 24
"""How long an unused pairing code works: long enough to hand it to the person who runs the site."""


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
    if platform.installs_itself:
        raise SettingsInvalid(f"A {platform.name} site is not added here: it appears when the app is installed there.")
    values = _typed(platform, connection_values or {})
    network = {"private_network": True} if private_network else {}
    settings = validate(platform.Settings, {**platform.Settings.starting, **network})
    typed = bool(platform.connect_fields)
    connection_typed = {field.name: values[field.name] for field in platform.connect_fields if not field.secret}
    site = Site(
        id=_new_id(),
        platform=slug,
        name=name.strip()[:200] or platform.name,
        state=SiteState.ACTIVE if typed else SiteState.PAIRING,
        secrets=(new_signing_secret(),),
        connection=connection_typed,
        settings=settings,
        key=platform.key_of(connection_typed),
        credentials={field.name: values[field.name] for field in platform.connect_fields if field.secret},
    )
    taken = SettingsInvalid(f"“{site.key}” is connected already: open its site's page.")
    with core.db.read() as connection:
        before = rows.by_key(connection, slug, site.key)
    if before is not None:
        if before.state is not SiteState.REMOVED:
            raise taken
        # The same site, with its history, its settings, and the undo of what is hidden.
        kept = sites.open_site(core, before).settings.model_dump(mode="json")
        site = replace(site, id=before.id, settings=validate(platform.Settings, kept | network))
    found = platform.check(site) if typed else ""
    try:
        with core.db.write() as connection:
            if before is None:
                _store_new(core, connection, site, person, found)
            elif not rows.bring_back(connection, _row(core, site, found)):
                raise taken
            else:
                audit.add(connection, core.now(), person, "site.returned", "Connected again", site.id)
            upkeep.follow(core, connection, site.id, at_once=True)
    except NotStored:  # another was faster
        raise taken from None
    core.wake()
    return site


def reconnect(core: Core, site_id: str, values: Mapping[str, str], person: str) -> str:
    """Change what was typed to connect a site, once that was tested; return what was found. A secret left empty stays.

    Raise `SettingsInvalid` for what is missing or leads to another site, and what the test raises.
    """
    site = sites.get(core, site_id)
    platform = core.platform(site.platform)
    kept = {field.name: str(site.credentials.get(field.name, "")) for field in platform.connect_fields if field.secret}
    typed = _typed(platform, kept | {name: value for name, value in values.items() if value})
    secret = {field.name for field in platform.connect_fields if field.secret}
    reached = {**site.connection, **{name: value for name, value in typed.items() if name not in secret}}
    opened = {**site.credentials, **{name: value for name, value in typed.items() if name in secret}}
    if platform.key_of(reached) != site.key:
        raise SettingsInvalid("This leads to another site. Add that one instead.")
    found = platform.check(replace(site, connection=reached, credentials=opened))
    with core.db.write() as connection:
        locked = core.credentials.lock(opened) if opened else None
        rows.change(connection, site_id, connection=reached, credentials=locked, problem="", found=found, checked_at=core.now())
        rows.open_again(connection, site_id, core.now())
        upkeep.follow(core, connection, site_id, at_once=True)
        audit.add(connection, core.now(), person, "site.reconnected", found, site_id)
    core.wake()
    return found


def _typed(platform: Platform, values: Mapping[str, str]) -> dict[str, str]:
    typed = {field.name: values.get(field.name, "").strip() or field.default for field in platform.connect_fields}
    missing = [field for field in platform.connect_fields if not typed[field.name] and not field.optional]
    if missing:
        titles = ", ".join(field.title for field in missing)
        raise SettingsInvalid(f"Fill in: {titles}", dict.fromkeys((field.name for field in missing), "is needed"))
    return typed


def _new_id() -> str:
    return "st_" + secrets.token_hex(8)


def _store_new(core: Core, connection: Connection, site: Site, person: str, found: str = "") -> None:
    now = core.now()
    rows.add(connection, _row(core, site, found))
    policy_rows.add(connection, PolicyRow(site.id, 1, policies.stored(starting_policy()), now, person))
    name = core.platform(site.platform).name
    audit.add(connection, now, person, "site.added", f"{name} site “{site.name}” added", site.id)


def _row(core: Core, site: Site, found: str) -> NewSite:
    now = core.now()
    return NewSite(
        id=site.id,
        platform=site.platform,
        name=site.name,
        state=site.state,
        secrets=core.vault.lock(json.dumps(site.secrets).encode()),
        connection=dict(site.connection),
        settings=sites.stored(site.settings),
        created_at=now,
        paired_at=now if site.state is SiteState.ACTIVE else None,
        found=found,
        checked_at=now if found else None,
        key=site.key,
        credentials=core.credentials.lock(site.credentials) if site.credentials else None,
    )


def welcome(core: Core, newcomer: Site) -> Site:
    """Store an installation that proved itself before it was connected; it waits, PAIRING, and what it sends is kept.

    One that was removed and is installed again is the same site: its history, and the undo of what is hidden, are still here.
    """
    try:
        return _welcome(core, newcomer)
    except NotStored:  # two came at once, and the other was stored
        return _welcome(core, newcomer)


def _welcome(core: Core, newcomer: Site) -> Site:
    with core.db.write() as connection:
        row = rows.by_key(connection, newcomer.platform, newcomer.key)
        if row is None:
            declared = core.platform(newcomer.platform).Settings
            settings = validate(declared, dict(declared.starting))
            fresh = replace(
                newcomer,
                id=_new_id(),
                secrets=(new_signing_secret(),),
                state=SiteState.PAIRING,
                settings=settings,
                credentials={},
            )
            _store_new(core, connection, fresh, "platform")
            return sites.get_within(core, connection, fresh.id)
        if row.state is SiteState.REMOVED:
            fresh_secrets = core.vault.lock(json.dumps([new_signing_secret()]).encode())
            rows.change(
                connection,
                row.id,
                state=SiteState.PAIRING,
                secrets=fresh_secrets,
                created_at=core.now(),
                paired_at=None,
                problem="",
            )
            audit.add(connection, core.now(), "platform", "site.returned", "Installed again", row.id)
        return sites.get_within(core, connection, row.id)


def pairing_code(core: Core, site: Site) -> str:
    """Make the code that the owner pastes at the platform: our address, the site's id and its secret."""
    packed = json.dumps({"url": core.public_url, "site": site.id, "secret": site.secrets[0]}).encode()
    return "picward1_" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def renew_pairing(core: Core, site_id: str, person: str) -> Site:
    """Replace a site's secret and wait for it to be connected again; the old code and secret are void from now on."""
    site = sites.get(core, site_id)
    platform = core.platform(site.platform)
    if platform.connect_fields or platform.installs_itself:
        raise PairingRefused("This site is not connected by a pairing code.")
    fresh = (new_signing_secret(),)
    with core.db.write() as connection:
        locked = core.vault.lock(json.dumps(fresh).encode())
        rows.change(connection, site_id, secrets=locked, state=SiteState.PAIRING, created_at=core.now())
        upkeep.follow(core, connection, site_id)
        people.end_guests(connection, site_id)
        audit.add(connection, core.now(), person, "site.code", "A new pairing code was made", site_id)
    return sites.get(core, site.id)


def admit(core: Core, slug: str, visit: Delivery) -> tuple[Site, str]:
    """Admit an installation that arrives to be connected, after talking back to it; return the site and what was found."""
    platform = core.platform(slug)
    with core.db.read() as connection:
        admission = platform.admit(visit, sites.find_for(core, slug, connection))
        row = rows.get(connection, admission.site.id) if admission.site.id else None
    if row is None and not platform.installs_itself:
        raise DeliveryRefused("no such site")
    waited = visit.received_at - row.created_at if row is not None and row.state is SiteState.PAIRING else 0
    if waited > PAIRING_HOURS * HOUR and not platform.installs_itself:
        raise PairingRefused(f"This pairing code is older than {PAIRING_HOURS} hours. Make a new one in Picward.")
    return _connect(core, platform, admission)


def visit(core: Core, slug: str, seen: Delivery) -> tuple[Site, str]:
    """Admit an administrator who visits from inside the platform, and connect the site at the first visit.

    Return the site, and the name of who visits. Raise `DeliveryRefused` when the visit proves nothing.
    """
    platform = core.platform(slug)
    with core.db.read() as connection:
        admission = platform.admit(seen, sites.find_for(core, slug, connection))
        row = rows.get(connection, admission.site.id) if admission.site.id else None
    # A visit that is proven brings what new credentials are traded for.
    dead = row is not None and row.held_why is Hold.CREDENTIALS
    if admission.site.state in (SiteState.ACTIVE, SiteState.PAUSED) and not dead:
        return admission.site, admission.person
    return _connect(core, platform, admission)[0], admission.person


def _connect(core: Core, platform: Platform, admission: Admission) -> tuple[Site, str]:
    """Trade the proof, test the connection, and store the site as active; nothing is stored when that fails."""
    known = admission.site
    if not known.id or known.state is SiteState.REMOVED:
        known = welcome(core, known)
    # What a reconnected site was paused for is the owner's to say.
    state = SiteState.PAUSED if known.state is SiteState.PAUSED else SiteState.ACTIVE
    settling = replace(admission, site=known)
    site = replace(
        known,
        state=state,
        connection={**known.connection, **admission.connection},
        # Under the site's lease: of two visits at once one trades its proof, and both go on with what it got.
        credentials=core.credentials.renew(known, known.credentials, lambda held: {**held, **platform.settle(settling)}),
    )
    found = platform.check(site)
    with core.db.write() as connection:
        row = rows.get(connection, site.id)
        if row is None or row.state is SiteState.REMOVED:
            raise DeliveryRefused("The site was disconnected while it was being connected.")
        for line in _moved(known, site):
            audit.add(connection, core.now(), "platform", "site.moved", line, site.id)
        rows.change(
            connection,
            site.id,
            name=_called(connection, site.id, row.name, admission.name),
            state=SiteState.PAUSED if row.state is SiteState.PAUSED else state,
            connection=dict(site.connection),
            # What came since the first time and was missed is looked for, however often it was connected anew.
            paired_at=row.paired_at or core.now(),
            problem="",
            found=found,
            checked_at=core.now(),
        )
        rows.open_again(connection, site.id, core.now())
        upkeep.follow(core, connection, site.id, at_once=True)
        audit.add(connection, core.now(), "platform", "site.connected", found, site.id)
    core.wake()
    return sites.get(core, site.id), found


def follow_address(core: Core, connection: Connection, site: Site, told: Mapping[str, str]) -> None:
    """Ask a site where it says it is by now, in the caller's transaction, when it cannot be reached where it was.

    A site that works stays as it is: some tell another address for each language, and all of them lead to it.
    """
    row = rows.get(connection, site.id)
    if row is None or not row.problem:
        return
    moved = replace(site, connection={**row.connection, **told})
    for line in _moved(replace(site, connection=row.connection), moved):
        audit.add(connection, core.now(), "platform", "site.moved", line, site.id)
    rows.change(connection, site.id, connection=dict(moved.connection))
    rows.open_again(connection, site.id, core.now())


def _called(connection: Connection, site_id: str, known: str, claimed: str) -> str:
    """Name a site as it calls itself, unless that looks like another site's name."""
    name = names.cleaned(claimed)[:200]
    return known if not name or site_names.taken(connection, site_id, name) else name


def _moved(known: Site, site: Site) -> list[str]:
    """Say which of a connected site's addresses are others now, without their queries."""
    addresses = {key: value for key, value in known.connection.items() if str(value).startswith(("http://", "https://"))}
    return [
        f"{key}: {str(value).partition('?')[0]} → {str(site.connection[key]).partition('?')[0]}"
        for key, value in addresses.items()
        if site.connection.get(key) != value and key in site.connection
    ]
