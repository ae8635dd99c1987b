"""Administrators of a site who come into the console by a link that the site asks for: one site, a reviewer's rights."""

from __future__ import annotations

import secrets

from app.db import audit
from app.db import people as rows
from app.domain.errors import LinkExpired, SettingsInvalid
from app.domain.platform import Site, SiteState
from app.domain.roles import LinkPurpose, Role
from app.domain.settings import LinkedSettings
from app.domain.time import SECOND
from app.services.core import Core
from app.services.people import sessions
from app.services.secrets import digest

LINK_SECONDS = 60
"""How long a link works: it is followed by a redirect, at once."""

SESSION_HOURS = 12
"""How long they stay in: a working day; the next link is one click away."""

ROLES: dict[str, Role] = {"administrator": Role.REVIEWER}
"""What a site's own roles are worth here. There is one: a site vouches for its administrators, and for its own pictures."""

_PURPOSE = LinkPurpose.GUEST


def make_link(core: Core, site: Site, user_id: str, name: str, role: str) -> str:
    """Make the link for one user of a site, after the site proved its wish. Raise `SettingsInvalid` where it may not be."""
    if not (isinstance(site.settings, LinkedSettings) and site.settings.console_link):
        raise SettingsInvalid("Links into Picward are switched off in this site's settings.")
    if site.state not in (SiteState.ACTIVE, SiteState.PAUSED) or role not in ROLES:
        raise SettingsInvalid("Only administrators of a connected site can be let in.")
    name = " ".join(name.split())[:100]
    if not user_id or not name:
        raise SettingsInvalid("The site does not say who wants to come in.")
    token, now = secrets.token_urlsafe(24), core.now()
    with core.db.write() as connection:
        if not rows.with_role(connection, Role.OWNER):
            raise SettingsInvalid("Picward has no owner yet. Open it there and make an account first.")
        rows.add_link(
            connection,
            digest(token),
            _PURPOSE,
            now + LINK_SECONDS * SECOND,
            email=_address(site, user_id),
            role=ROLES[role],
            sites=[site.id],
            created_at=now,
            created_by=f"{name} at {site.name}"[:200],
        )
    return f"{core.public_url}/enter/{token}"


def _address(site: Site, user_id: str) -> str:
    """Give what stands in the place of an e-mail: it cannot be one, and no password opens it."""
    return f"{digest(user_id)[:20]}@{site.id}".casefold()


def site_of(core: Core, token: str) -> str:
    """Read the id of the site that a link leads to. Raise `LinkExpired`."""
    with core.db.read() as connection:
        link = rows.link(connection, digest(token), _PURPOSE, core.now())
    if link is None:
        raise LinkExpired("This link was used or is older than a minute. Open Picward from your site again.")
    return link.sites[0]


def enter(core: Core, token: str, agent: str = "") -> str:
    """Use a link up and open a session; the account is made at the first visit. Raise `LinkExpired`."""
    now = core.now()
    with core.db.write() as connection:
        link = rows.link(connection, digest(token), _PURPOSE, now)
        if link is None or not rows.use_link(connection, link.token, _PURPOSE, now):
            raise LinkExpired("This link was used or is older than a minute. Open Picward from your site again.")
        known = rows.by_email(connection, link.email)
        if known is None:
            person_id = rows.add(connection, link.email, link.created_by, "", Role(link.role), now, link.sites)
        elif known.disabled_at is None:
            person_id = known.id
            rows.change(connection, person_id, name=link.created_by)
        else:
            raise LinkExpired("An owner of this Picward has disabled your account.")
        audit.add(connection, now, link.created_by, "guest.entered", "Came in by a link from the site", link.sites[0])
    return sessions.open_session(core, person_id, agent, hours=SESSION_HOURS, proven=False)
