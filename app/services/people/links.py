"""One-time links: the owner's set-up, invitations, new passwords."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from app.db import audit
from app.db import people as rows
from app.db.people import LinkRow
from app.domain.errors import LinkExpired
from app.domain.roles import LinkPurpose, Role
from app.domain.time import HOUR
from app.services.core import Core
from app.services.people import accounts, passwords
from app.services.people.accounts import Account
from app.services.secrets import digest

SETUP_HOURS = 72
"""How long the first link works; `picward serve` prints a new one while there is no owner."""

INVITATION_HOURS = 168
"""How long an invitation works: a week reaches everyone who is not on holiday."""

RESET_HOURS = 24
"""How long a link that sets a new password works: it opens an account, and is sent to somebody who waits for it."""

_SETUP_OVER = "This link was used or is too old. Start Picward again, or run “picward link”, for a new one."
_INVITATION_OVER = "This invitation was used, taken back or is too old."
_RESET_OVER = "This link was used or is too old. Ask an owner for a new one."


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that was not used yet. `id` names it and does not open anything."""

    id: str
    email: str
    role: Role
    sites: frozenset[str]
    created_by: str
    expires_at: int


def setup_link(core: Core) -> str | None:
    """Make the one-time link that creates the owner; None when there is one. An earlier unused link stops working."""
    token = secrets.token_urlsafe(24)
    with core.db.write() as connection:
        if rows.count(connection):
            return None
        rows.add_link(connection, digest(token), LinkPurpose.SETUP, core.now() + SETUP_HOURS * HOUR)
    return f"{core.public_url}/setup/{token}"


def link_open(core: Core, token: str) -> bool:
    with core.db.read() as connection:
        return rows.link(connection, digest(token), LinkPurpose.SETUP, core.now()) is not None


def create_owner(core: Core, token: str, email: str, name: str, password: str) -> int:
    """Use the set-up link up and make the owner's account. Raise `LinkExpired`, `SettingsInvalid` or `TooBusy`."""
    if not link_open(core, token):
        raise LinkExpired(_SETUP_OVER)
    fields = accounts.checked(email=email, name=name, password=password)
    stored = passwords.store(password)
    with core.db.write() as connection:
        if not rows.use_link(connection, digest(token), LinkPurpose.SETUP, core.now()):
            raise LinkExpired(_SETUP_OVER)
        person_id = rows.add(connection, fields["email"], fields["name"], stored, Role.OWNER, core.now())
        audit.add(connection, core.now(), fields["name"], "person.added", "The owner's account was made")
    return person_id


def invite(core: Core, email: str, role: str, sites: Collection[str], by: str) -> str:
    """Make the one-time link that lets somebody make an account; an earlier one for the same e-mail stops working.

    `sites` are the ids that the account is limited to, none for every site. Raise `SettingsInvalid`.
    """
    email = accounts.checked(email=email)["email"]
    token, now = secrets.token_urlsafe(24), core.now()
    with core.db.write() as connection:
        wanted, kept = accounts.allowed(connection, role, sites)
        if rows.by_email(connection, email) is not None:
            accounts.refuse({"email": "has an account already"})
        rows.add_link(
            connection,
            digest(token),
            LinkPurpose.INVITATION,
            now + INVITATION_HOURS * HOUR,
            email=email,
            role=wanted,
            sites=kept,
            created_at=now,
            created_by=by,
        )
        audit.add(connection, now, by, "person.invited", f"{email} was invited: {accounts.spoken(connection, wanted, kept)}")
    return f"{core.public_url}/join/{token}"


def invitation(core: Core, token: str) -> Invitation | None:
    with core.db.read() as connection:
        row = rows.link(connection, digest(token), LinkPurpose.INVITATION, core.now())
    return _invitation(row) if row is not None else None


def invitations(core: Core) -> list[Invitation]:
    """List the invitations that nobody has used yet."""
    with core.db.read() as connection:
        return [_invitation(row) for row in rows.open_links(connection, LinkPurpose.INVITATION, core.now())]


def _invitation(row: LinkRow) -> Invitation:
    return Invitation(row.token, row.email, Role(row.role), frozenset(row.sites), row.created_by, row.expires_at)


def accept(core: Core, token: str, name: str, password: str) -> int:
    """Use an invitation up and make the account. Raise `LinkExpired`, `SettingsInvalid` or `TooBusy`."""
    invited = invitation(core, token)
    if invited is None:
        raise LinkExpired(_INVITATION_OVER)
    fields = accounts.checked(about=(invited.email,), name=name, password=password)
    stored, now = passwords.store(password), core.now()
    with core.db.write() as connection:
        row = rows.link(connection, digest(token), LinkPurpose.INVITATION, now)
        if row is None or rows.by_email(connection, row.email) is not None:
            raise LinkExpired(_INVITATION_OVER)
        accounts.refuse_double(connection, fields["name"])
        rows.use_link(connection, row.token, LinkPurpose.INVITATION, now)
        person_id = rows.add(connection, row.email, fields["name"], stored, Role(row.role), now, row.sites)
        audit.add(connection, now, fields["name"], "person.joined", f"{row.email} accepted {row.created_by}'s invitation")
    return person_id


def revoke(core: Core, invitation_id: str, by: str) -> None:
    """Take an invitation back. Raise `LinkExpired` when it was used or is gone."""
    with core.db.write() as connection:
        row = rows.link(connection, invitation_id, LinkPurpose.INVITATION, core.now())
        if row is None or not rows.forget_link(connection, invitation_id, LinkPurpose.INVITATION):
            raise LinkExpired(_INVITATION_OVER)
        audit.add(connection, core.now(), by, "person.uninvited", f"The invitation of {row.email} was taken back")


def reset_link(core: Core, person_id: int, by: str) -> str:
    """Make the one-time link that sets somebody's new password; an earlier one stops working. Raise `SettingsInvalid`."""
    token, now = secrets.token_urlsafe(24), core.now()
    with core.db.write() as connection:
        row = accounts.load(connection, person_id)
        if row.disabled_at is not None:
            accounts.refuse({"disabled": "is disabled"})
        expires = now + RESET_HOURS * HOUR
        rows.add_link(connection, digest(token), LinkPurpose.RESET, expires, person_id=person_id, created_at=now, created_by=by)
        audit.add(connection, now, by, "person.reset_link", f"A link that sets {row.name}'s password was made")
    return f"{core.public_url}/reset/{token}"


def reset_of(core: Core, token: str) -> Account | None:
    """Find whose password a link sets; None when it no longer works."""
    with core.db.read() as connection:
        link = rows.link(connection, digest(token), LinkPurpose.RESET, core.now())
        if link is None or link.person_id is None:
            return None
        return accounts.account(accounts.load(connection, link.person_id))


def reset(core: Core, token: str, password: str) -> int:
    """Use a reset link up: set the password and end every session. Raise `LinkExpired`, `SettingsInvalid` or `TooBusy`."""
    account = reset_of(core, token)
    if account is None:
        raise LinkExpired(_RESET_OVER)
    accounts.checked(about=(account.email, account.name), password=password)
    stored, now = passwords.store(password), core.now()
    with core.db.write() as connection:
        link = rows.link(connection, digest(token), LinkPurpose.RESET, now)
        if link is None or link.person_id is None or not rows.use_link(connection, link.token, LinkPurpose.RESET, now):
            raise LinkExpired(_RESET_OVER)
        row = accounts.load(connection, link.person_id)
        rows.change(connection, row.id, password=stored)
        rows.end_sessions(connection, row.id)
        audit.add(connection, now, row.name, "person.password", "The password was set anew, by a link")
    return row.id
