"""Sign-in, sign-out, and what guards a password against guessing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection

from app.db import audit
from app.db import people as rows
from app.domain import names
from app.domain.errors import SignInRefused
from app.domain.roles import RIGHTS, Right, Role
from app.domain.settings import ChangedBy
from app.domain.time import HOUR, MINUTE
from app.services.core import Core
from app.services.people import accounts, passwords
from app.services.secrets import digest

SESSION_DAYS = 14
"""How long a sign-in lasts: a reviewer's fortnight."""

TRIES = 10

TRIES_MINUTES = 15
"""At most so many failed sign-ins per e-mail and per address in so many minutes: slow for guessing, enough for typing."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in. `form_token` proves that a form came from our own page; `sites` limits what is seen; () is every site."""

    id: int
    email: str
    name: str
    role: Role
    form_token: str
    sites: frozenset[str] = frozenset()

    @property
    def guest(self) -> bool:
        """Tell whether a site let this person in, and vouches for the name."""
        return names.is_claim(self.name)

    @property
    def side(self) -> ChangedBy:
        """Say on which side the person stands: whoever is limited to some sites speaks for those."""
        return ChangedBy.PLATFORM if self.sites else ChangedBy.OWNER

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role]

    def sees(self, site_id: str) -> bool:
        return not self.sites or site_id in self.sites


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. `agent` is what the browser calls itself."""

    id: str
    agent: str
    created_at: int
    here: bool


def change_password(core: Core, token: str, person_id: int, old: str, new: str, address: str) -> None:
    """Change a person's password and end their other sessions. Raise `SettingsInvalid` or `SignInRefused`."""
    account = accounts.get(core, person_id)
    accounts.checked(password=new)
    _prove(core, account.email, old, address)
    stored = passwords.store(new)
    with core.db.write() as connection:
        rows.change(connection, person_id, password=stored)
        rows.end_sessions(connection, person_id, digest(token))
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
        since = now - TRIES_MINUTES * MINUTE
        if any(rows.tries(connection, key, since) >= TRIES for key in keys):
            raise SignInRefused("Too many tries. Wait a while, and try again.")
        person = rows.by_email(connection, email)
    matches = passwords.match(person.password if person else None, password)
    if not matches or person is None or person.disabled_at is not None:
        with core.db.write() as connection:
            for key in keys:
                rows.add_try(connection, key, now)
        raise SignInRefused("The e-mail or the password is wrong.")
    return person.id


def open_session(core: Core, person_id: int, agent: str = "", *, hours: int = SESSION_DAYS * 24) -> str:
    with core.db.write() as connection:
        return add_session(core, connection, person_id, agent, hours)


def add_session(core: Core, connection: Connection, person_id: int, agent: str, hours: int) -> str:
    """Open a session in the caller's transaction, and return the cookie's token."""
    token, now = secrets.token_urlsafe(32), core.now()
    expires = now + hours * HOUR
    rows.add_session(connection, digest(token), person_id, secrets.token_hex(16), now, expires, agent[:200])
    return token


def signed_in(core: Core, token: str) -> Person | None:
    with core.db.read() as connection:
        row = rows.session(connection, digest(token), core.now())
    return Person(row.id, row.email, row.name, row.role, row.form_token, frozenset(row.sites)) if row else None


def sessions(core: Core, person_id: int, token: str) -> list[Session]:
    """List a person's sessions, newest first; `token` tells which one is asking."""
    with core.db.read() as connection:
        found = rows.sessions_of(connection, person_id, core.now())
    return [Session(row.token, row.agent, row.created_at, row.token == digest(token)) for row in found]


def end_session(core: Core, person_id: int, session_id: str) -> None:
    """End one of a person's own sessions; anybody else's is left alone."""
    with core.db.write() as connection:
        if session_id in {row.token for row in rows.sessions_of(connection, person_id, core.now())}:
            rows.end_session(connection, session_id)


def sign_out(core: Core, token: str) -> None:
    with core.db.write() as connection:
        rows.end_session(connection, digest(token))


def sign_out_everywhere(core: Core, person_id: int) -> None:
    with core.db.write() as connection:
        row = accounts.load(connection, person_id)
        ended = rows.end_sessions(connection, person_id)
        audit.add(connection, core.now(), row.name, "person.signed_out", f"Signed out everywhere: {ended} sessions ended")


def forget_old(core: Core) -> None:
    """Drop sessions and links that ran out, and tries that count no more."""
    now = core.now()
    with core.db.write() as connection:
        rows.forget(connection, now, now - TRIES_MINUTES * MINUTE)
