"""Administrators of a site who come into the console by a link that the site asks for: one site, a reviewer's rights."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection

from app.db import audit
from app.db import people as rows
from app.db import sites as site_rows
from app.db.people import LinkRow
from app.domain import names
from app.domain.errors import LinkExpired, SettingsInvalid, SiteUnknown, VaultKeyWrong
from app.domain.platform import Site, SiteState
from app.domain.roles import LinkPurpose, Role
from app.domain.time import SECOND
from app.services.core import Core
from app.services.people import sessions
from app.services.secrets import digest
from app.services.sites import sites

LINK_SECONDS = 60
"""How long a link works: it is followed by a redirect, at once."""

CONFIRM_SECONDS = 600
"""How long the question stays open whether somebody wants to come in: enough to read it after a telephone call."""

SESSION_HOURS = 12
"""How long they stay in: a working day; the next link is one click away."""

KEPT_DAYS = 90
"""How long a browser is remembered in which somebody said yes: a quarter, as a token for programs works."""

GUESTS = 100
"""Accounts of one site's guests: more administrators than any site has, and no more than an owner's page of people can list."""

_FULL = f"{GUESTS} people of this site have come in already. An owner can give others an account."

ROLES: dict[str, Role] = {"administrator": Role.REVIEWER}
"""What a site's own roles are worth here. There is one: a site vouches for its administrators, and for its own pictures."""

_PURPOSE = LinkPurpose.GUEST
_SEAL = b"guest:"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who came by a link. `token` is good for `enter` until they said yes, and never was in an address."""

    token: str
    site_id: str
    site: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Entered:
    """A guest who is in: the cookie's token, and what their browser keeps, so that they are not asked again."""

    session: str
    site_id: str
    keepsake: str


def make_link(core: Core, site: Site, user_id: str, name: str, role: str) -> str:
    """Make the link for one user of a site, after the site proved its wish. Raise `SettingsInvalid` where it may not be."""
    if sites.bars_guests(site.settings):
        raise SettingsInvalid("Links into Picward are switched off in this site's settings.")
    if site.state not in (SiteState.ACTIVE, SiteState.PAUSED) or role not in ROLES:
        raise SettingsInvalid("Only administrators of a connected site can be let in.")
    if not user_id or not names.cleaned(name):
        raise SettingsInvalid("The site does not say who wants to come in.")
    with core.db.write() as connection:
        if not rows.with_role(connection, Role.OWNER):
            raise SettingsInvalid("Picward has no owner yet. Open it there and make an account first.")
        address = _address(site, user_id)
        if rows.by_email(connection, address) is None and rows.count_guests(connection, site.id) >= GUESTS:
            raise SettingsInvalid(_FULL)
        token = _add_link(core, connection, site.id, address, names.claim(name), ROLES[role], LINK_SECONDS)
    return f"{core.public_url}/enter/{token}"


def _add_link(core: Core, connection: Connection, site_id: str, address: str, name: str, role: str, seconds: int) -> str:
    token, now = secrets.token_urlsafe(24), core.now()
    rows.add_link(
        connection,
        digest(token),
        _PURPOSE,
        now + seconds * SECOND,
        email=address,
        role=Role(role),
        sites=[site_id],
        created_at=now,
        created_by=name,
    )
    return token


def _address(site: Site, user_id: str) -> str:
    """Give what stands in the place of an e-mail: it cannot be one, and no password opens it."""
    return f"{digest(user_id)[:20]}@{site.id}".casefold()


def site_of(core: Core, token: str) -> str:
    """Read the id of the site that a link leads to. Raise `LinkExpired`."""
    with core.db.read() as connection:
        return _link(core, connection, token).sites[0]


def arrive(core: Core, token: str) -> Arrival:
    """Use a link up, and give what one who follows it is asked. Raise `LinkExpired`.

    Anybody's page can lead a browser to a link, so that by itself it signs nobody in.
    """
    with core.db.write() as connection:
        link = _used(core, connection, token)
        asked = _add_link(core, connection, link.sites[0], link.email, link.created_by, link.role, CONFIRM_SECONDS)
        return Arrival(asked, link.sites[0], sites.get_within(core, connection, link.sites[0]).name, link.created_by, link.email)


def enter(core: Core, token: str, agent: str = "") -> Entered:
    """Open a session for one who said yes; the account is made at the first visit. Raise `LinkExpired`."""
    now = core.now()
    with core.db.write() as connection:
        link = _used(core, connection, token)
        known = rows.by_email(connection, link.email)
        if known is None:
            if rows.count_guests(connection, link.sites[0]) >= GUESTS:
                raise LinkExpired(_FULL)
            person_id = rows.add(connection, link.email, link.created_by, "", Role(link.role), now, link.sites)
        elif known.disabled_at is None:
            person_id = known.id
            rows.change(connection, person_id, name=link.created_by)
        else:
            raise LinkExpired("An owner of this Picward has disabled your account.")
        audit.add(connection, now, link.created_by, "guest.entered", "Came in by a link from the site", link.sites[0])
        session = sessions.add_session(core, connection, person_id, agent, hours=SESSION_HOURS, proven=False)
    return Entered(session, link.sites[0], core.vault.lock(_SEAL + link.email.encode()).hex())


def _expired() -> LinkExpired:
    return LinkExpired("This link was used or is older than a minute. Open Picward from your site again.")


def _link(core: Core, connection: Connection, token: str) -> LinkRow:
    link = rows.link(connection, digest(token), _PURPOSE, core.now())
    if link is None:
        raise _expired()
    return link


def _used(core: Core, connection: Connection, token: str) -> LinkRow:
    """Use a link up while its site may still let guests in: that can have ended since the link was made."""
    link = _link(core, connection, token)
    site_rows.lock(connection, link.sites[0])
    try:
        site = sites.get_within(core, connection, link.sites[0])
    except SiteUnknown:
        raise _expired() from None
    if sites.bars_guests(site.settings) or not rows.use_link(connection, link.token, _PURPOSE, core.now()):
        raise _expired()
    return link


def agreed(core: Core, keepsake: str, arrival: Arrival) -> bool:
    """Tell whether somebody said yes in this browser before, to coming in as this very guest."""
    try:
        return core.vault.open(bytes.fromhex(keepsake)) == _SEAL + arrival.address.encode()
    except (ValueError, VaultKeyWrong):
        return False
