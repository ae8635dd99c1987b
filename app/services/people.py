"""People: accounts, invitations, what each may do, sign-in and sessions."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from app.db import audit
from app.db import people as rows
from app.db import sites as site_rows
from app.domain.errors import LinkExpired, PersonUnknown, SettingsInvalid, SignInRefused
from app.domain.platform import SiteState
from app.domain.roles import LIMITED, RIGHTS, Right, Role
from app.services import passwords
from app.services.core import SECOND, Core

SESSION_DAYS = 14
"""How long a sign-in lasts: a reviewer's fortnight."""

SETUP_HOURS = 72
"""How long the first link works; `picward serve` prints a new one while there is no owner."""

INVITATION_HOURS = 168
"""How long an invitation works: a week reaches everyone who is not on holiday."""

RESET_HOURS = 24
"""How long a link that sets a new password works: it opens an account, and is sent to somebody who waits for it."""

TRIES = 10
TRIES_MINUTES = 15
"""At most so many failed sign-ins per e-mail and per address in so many minutes: slow for guessing, enough for typing."""

_SETUP, _INVITATION, _RESET = "owner", "invitation", "reset"


@dataclass(frozen=True, slots=True)
class Person:
    """Hold who is signed in. `form_token` proves that a form came from our own page; `sites` limits what is seen, () to all."""

    id: int
    email: str
    name: str
    role: Role
    form_token: str
    sites: frozenset[str] = frozenset()

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role]

    def sees(self, site_id: str) -> bool:
        return not self.sites or site_id in self.sites


@dataclass(frozen=True, slots=True)
class Account:
    """Describe an account as owners see it."""

    id: int
    email: str
    name: str
    role: Role
    sites: frozenset[str]
    created_at: int
    disabled: bool


@dataclass(frozen=True, slots=True)
class Invitation:
    """Describe a link that was not used yet. `id` names it and does not open anything."""

    id: str
    email: str
    role: Role
    sites: frozenset[str]
    created_by: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Session:
    """Describe one sign-in. `agent` is what the browser calls itself."""

    id: str
    agent: str
    created_at: int
    here: bool


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _checked(**fields: str) -> dict[str, str]:
    """Give an account's fields as they are stored. Raise `SettingsInvalid` that names each wrong one."""
    wrong = {}
    kept = {name: value if name == "password" else value.strip() for name, value in fields.items()}
    if "email" in kept:
        kept["email"] = kept["email"].casefold()
        if "@" not in kept["email"] or len(kept["email"]) > 320:
            wrong["email"] = "is not an e-mail address"
    if "name" in kept and not 0 < len(kept["name"]) <= 200:
        wrong["name"] = "is needed, at most 200 characters"
    if "password" in kept and (problem := passwords.problem(kept["password"])):
        wrong["password"] = problem
    _refuse(wrong)
    return kept


def _refuse(wrong: dict[str, str]) -> None:
    if wrong:
        raise SettingsInvalid("; ".join(f"{field} {text}" for field, text in wrong.items()), wrong)


def _refuse_double(connection: Connection, name: str, but: int = 0) -> None:
    """Keep names apart: they stand beside verdicts and in the history."""
    if any(row.name.casefold() == name.casefold() and row.id != but for row in rows.every(connection)):
        _refuse({"name": "is somebody else's name here"})


def setup_link(core: Core) -> str | None:
    """Make the one-time link that creates the owner; None when there is one. An earlier unused link stops working."""
    token = secrets.token_urlsafe(24)
    with core.db.write() as connection:
        if rows.count(connection):
            return None
        rows.add_link(connection, _digest(token), _SETUP, core.now() + SETUP_HOURS * 3600 * SECOND)
    return f"{core.public_url}/setup/{token}"


def link_open(core: Core, token: str) -> bool:
    with core.db.read() as connection:
        return rows.link(connection, _digest(token), _SETUP, core.now()) is not None


def create_owner(core: Core, token: str, email: str, name: str, password: str) -> int:
    """Use the set-up link up and make the owner's account. Raise `LinkExpired` or `SettingsInvalid`."""
    fields = _checked(email=email, name=name, password=password)
    stored = passwords.store(password)
    with core.db.write() as connection:
        if not rows.use_link(connection, _digest(token), _SETUP, core.now()):
            raise LinkExpired("This link was used or is too old. Start Picward again, or run “picward link”, for a new one.")
        person_id = rows.add(connection, fields["email"], fields["name"], stored, Role.OWNER, core.now())
        audit.add(connection, core.now(), fields["name"], "person.added", "The owner's account was made")
    return person_id


def listing(core: Core) -> list[Account]:
    with core.db.read() as connection:
        return [_account(row) for row in rows.every(connection)]


def get(core: Core, person_id: int) -> Account:
    """Give an account. Raise `PersonUnknown`."""
    with core.db.read() as connection:
        return _account(_row(connection, person_id))


def _row(connection: Connection, person_id: int) -> Row[Any]:
    row = rows.get(connection, person_id)
    if row is None:
        raise PersonUnknown(f"There is no account {person_id}.")
    return row


def _account(row: Row[Any]) -> Account:
    return Account(row.id, row.email, row.name, Role(row.role), frozenset(row.sites), row.created_at, row.disabled_at is not None)


def _allowed(connection: Connection, role: str, sites: Collection[str], gone: Collection[str] = ()) -> tuple[Role, list[str]]:
    """Read what somebody shall be allowed. Raise `SettingsInvalid`."""
    known = {row.id for row in site_rows.every(connection) if row.state != SiteState.REMOVED} | set(gone)
    wrong = {}
    if role not in set(Role):
        wrong["role"] = "is not a role"
    if set(sites) - known:
        wrong["sites"] = "names a site that is not connected"
    if sites and role not in LIMITED:
        wrong["sites"] = "An owner sees every site"
    _refuse(wrong)
    return Role(role), sorted(set(sites))


def _spoken(connection: Connection, role: Role, sites: Collection[str]) -> str:
    names = {row.id: row.name for row in site_rows.every(connection)}
    return f"{role}, {', '.join(names.get(site, site) for site in sites)}" if sites else f"{role}, every site"


def invite(core: Core, email: str, role: str, sites: Collection[str], by: str) -> str:
    """Make the one-time link that lets somebody make an account; an earlier one for the same e-mail stops working.

    `sites` are the ids that the account is limited to, none for every site. Raise `SettingsInvalid`.
    """
    email = _checked(email=email)["email"]
    token, now = secrets.token_urlsafe(24), core.now()
    with core.db.write() as connection:
        wanted, kept = _allowed(connection, role, sites)
        if rows.by_email(connection, email) is not None:
            _refuse({"email": "has an account already"})
        rows.add_link(
            connection,
            _digest(token),
            _INVITATION,
            now + INVITATION_HOURS * 3600 * SECOND,
            email=email,
            role=wanted,
            sites=kept,
            created_at=now,
            created_by=by,
        )
        audit.add(connection, now, by, "person.invited", f"{email} was invited: {_spoken(connection, wanted, kept)}")
    return f"{core.public_url}/join/{token}"


def invitation(core: Core, token: str) -> Invitation | None:
    with core.db.read() as connection:
        row = rows.link(connection, _digest(token), _INVITATION, core.now())
    return _invitation(row) if row is not None else None


def invitations(core: Core) -> list[Invitation]:
    """List the invitations that nobody has used yet."""
    with core.db.read() as connection:
        return [_invitation(row) for row in rows.open_links(connection, _INVITATION, core.now())]


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(row.token, row.email, Role(row.role), frozenset(row.sites), row.created_by, row.expires_at)


def accept(core: Core, token: str, name: str, password: str) -> int:
    """Use an invitation up and make the account. Raise `LinkExpired` or `SettingsInvalid`."""
    fields = _checked(name=name, password=password)
    stored, now = passwords.store(password), core.now()
    with core.db.write() as connection:
        row = rows.link(connection, _digest(token), _INVITATION, now)
        if row is None or rows.by_email(connection, row.email) is not None:
            raise LinkExpired("This invitation was used, taken back or is too old.")
        _refuse_double(connection, fields["name"])
        rows.use_link(connection, row.token, _INVITATION, now)
        person_id = rows.add(connection, row.email, fields["name"], stored, row.role, now, row.sites)
        audit.add(connection, now, fields["name"], "person.joined", f"{row.email} accepted {row.created_by}'s invitation")
    return person_id


def revoke(core: Core, invitation_id: str, by: str) -> None:
    """Take an invitation back. Raise `LinkExpired` when it was used or is gone."""
    with core.db.write() as connection:
        row = rows.link(connection, invitation_id, _INVITATION, core.now())
        if row is None or not rows.forget_link(connection, invitation_id, _INVITATION):
            raise LinkExpired("This invitation was used, taken back or is too old.")
        audit.add(connection, core.now(), by, "person.uninvited", f"The invitation of {row.email} was taken back")


def change(core: Core, person_id: int, role: str, sites: Collection[str], by: str) -> None:
    """Change what somebody may do, from their next click on. Raise `SettingsInvalid`, also for the last owner."""
    with core.db.write() as connection:
        row = _row(connection, person_id)
        # A site that was disconnected meanwhile may stay: a list that it left empty would mean every site.
        wanted, kept = _allowed(connection, role, sites, row.sites)
        if wanted is not Role.OWNER:
            _keep_an_owner(connection, person_id, "role")
        if (wanted, kept) == (row.role, row.sites):
            return
        rows.change(connection, person_id, role=wanted, sites=kept)
        before, after = _spoken(connection, Role(row.role), row.sites), _spoken(connection, wanted, kept)
        audit.add(connection, core.now(), by, "person.changed", f"{row.name}: {before} → {after}")


def _keep_an_owner(connection: Connection, person_id: int, field: str) -> None:
    if rows.with_role(connection, Role.OWNER) == [person_id]:
        _refuse({field: "There must be an owner: make somebody else one first"})


def disable(core: Core, person_id: int, by: str) -> None:
    """Disable an account: its sessions end at once. Raise `SettingsInvalid` for the last owner."""
    with core.db.write() as connection:
        row = _row(connection, person_id)
        _keep_an_owner(connection, person_id, "disabled")
        if row.disabled_at is None:
            rows.change(connection, person_id, disabled_at=core.now())
            audit.add(connection, core.now(), by, "person.disabled", f"{row.name} was disabled")
        rows.end_sessions(connection, person_id)
        rows.forget_links_of(connection, person_id)


def enable(core: Core, person_id: int, by: str) -> None:
    with core.db.write() as connection:
        row = _row(connection, person_id)
        if row.disabled_at is not None:
            rows.end_sessions(connection, person_id)  # one may have been opened while the account was being locked
            rows.change(connection, person_id, disabled_at=None)
            audit.add(connection, core.now(), by, "person.enabled", f"{row.name} was enabled again")


def reset_link(core: Core, person_id: int, by: str) -> str:
    """Make the one-time link that sets somebody's new password; an earlier one stops working. Raise `SettingsInvalid`."""
    token, now = secrets.token_urlsafe(24), core.now()
    with core.db.write() as connection:
        row = _row(connection, person_id)
        if row.disabled_at is not None:
            _refuse({"disabled": "is disabled"})
        expires = now + RESET_HOURS * 3600 * SECOND
        rows.add_link(connection, _digest(token), _RESET, expires, person_id=person_id, created_at=now, created_by=by)
        audit.add(connection, now, by, "person.reset_link", f"A link that sets {row.name}'s password was made")
    return f"{core.public_url}/reset/{token}"


def reset_of(core: Core, token: str) -> Account | None:
    """Say whose password a link sets; None when it does not work any more."""
    with core.db.read() as connection:
        link = rows.link(connection, _digest(token), _RESET, core.now())
        return _account(_row(connection, link.person_id)) if link is not None else None


def reset(core: Core, token: str, password: str) -> int:
    """Use a reset link up: set the password and end every session. Raise `LinkExpired` or `SettingsInvalid`."""
    _checked(password=password)
    stored, now = passwords.store(password), core.now()
    with core.db.write() as connection:
        link = rows.link(connection, _digest(token), _RESET, now)
        if link is None or not rows.use_link(connection, link.token, _RESET, now):
            raise LinkExpired("This link was used or is too old. Ask an owner for a new one.")
        row = _row(connection, link.person_id)
        rows.change(connection, row.id, password=stored)
        rows.end_sessions(connection, row.id)
        audit.add(connection, now, row.name, "person.password", "The password was set anew, by a link")
    return int(row.id)


def rename(core: Core, person_id: int, name: str) -> None:
    """Change the name that stands beside a person's verdicts from now on. Raise `SettingsInvalid`."""
    name = _checked(name=name)["name"]
    with core.db.write() as connection:
        row = _row(connection, person_id)
        if row.name != name:
            _refuse_double(connection, name, person_id)
            rows.change(connection, person_id, name=name)
            audit.add(connection, core.now(), row.name, "person.renamed", f"{row.name} is called {name} now")


def change_password(core: Core, token: str, person_id: int, old: str, new: str, address: str) -> None:
    """Change a person's password and end their other sessions. Raise `SettingsInvalid` or `SignInRefused`."""
    account = get(core, person_id)
    _checked(password=new)
    _prove(core, account.email, old, address)
    stored = passwords.store(new)
    with core.db.write() as connection:
        rows.change(connection, person_id, password=stored)
        rows.end_sessions(connection, person_id, _digest(token))
        rows.forget_links_of(connection, person_id)
        audit.add(connection, core.now(), account.name, "person.password", "The password was changed")


def sign_in(core: Core, email: str, password: str, address: str, agent: str = "") -> str:
    """Check a password and open a session; return the cookie's token. Raise `SignInRefused`, the same for every cause."""
    return open_session(core, _prove(core, email.strip().casefold(), password, address), agent)


def _prove(core: Core, email: str, password: str, address: str) -> int:
    """Check a password and say whose it is. Raise `SignInRefused`, also after too many tries."""
    now = core.now()
    keys = (f"mail:{email[:320]}", f"from:{address}")
    with core.db.read() as connection:
        since = now - TRIES_MINUTES * 60 * SECOND
        if any(rows.tries(connection, key, since) >= TRIES for key in keys):
            raise SignInRefused("Too many tries. Wait a while, and try again.")
        person = rows.by_email(connection, email)
    matches = passwords.match(person.password if person else None, password)
    if not matches or person is None or person.disabled_at is not None:
        with core.db.write() as connection:
            for key in keys:
                rows.add_try(connection, key, now)
        raise SignInRefused("The e-mail or the password is wrong.")
    return int(person.id)


def open_session(core: Core, person_id: int, agent: str = "", *, hours: int = SESSION_DAYS * 24) -> str:
    token = secrets.token_urlsafe(32)
    now = core.now()
    expires = now + hours * 3600 * SECOND
    with core.db.write() as connection:
        rows.add_session(connection, _digest(token), person_id, secrets.token_hex(16), now, expires, agent[:200])
    return token


def signed_in(core: Core, token: str) -> Person | None:
    with core.db.read() as connection:
        row = rows.session(connection, _digest(token), core.now())
    return Person(row.id, row.email, row.name, Role(row.role), row.form_token, frozenset(row.sites)) if row else None


def sessions(core: Core, person_id: int, token: str) -> list[Session]:
    """List a person's sessions, newest first; `token` tells which one is asking."""
    with core.db.read() as connection:
        found = rows.sessions_of(connection, person_id, core.now())
    return [Session(row.token, row.agent, row.created_at, row.token == _digest(token)) for row in found]


def end_session(core: Core, person_id: int, session_id: str) -> None:
    """End one of a person's own sessions; anybody else's is left alone."""
    with core.db.write() as connection:
        if session_id in {row.token for row in rows.sessions_of(connection, person_id, core.now())}:
            rows.end_session(connection, session_id)


def sign_out(core: Core, token: str) -> None:
    with core.db.write() as connection:
        rows.end_session(connection, _digest(token))


def sign_out_everywhere(core: Core, person_id: int) -> None:
    with core.db.write() as connection:
        row = _row(connection, person_id)
        ended = rows.end_sessions(connection, person_id)
        audit.add(connection, core.now(), row.name, "person.signed_out", f"Signed out everywhere: {ended} sessions ended")


def trail(core: Core, limit: int = 20) -> list[tuple[int, str, str]]:
    """Tell what happened to accounts and tokens lately, newest first: when, who, what."""
    with core.db.read() as connection:
        return [(row.at, row.actor, row.text) for row in rows.trail(connection, limit)]
