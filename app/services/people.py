"""The owner's account, sign-in and sessions."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from app.db import audit
from app.db import people as rows
from app.domain.errors import LinkExpired, SettingsInvalid, SignInRefused
from app.services.core import SECOND, Core

PASSWORD_CHARACTERS = 10
"""The shortest password. NIST SP 800-63B asks for 8; a few more cost a password manager nothing."""

SESSION_DAYS = 14
"""How long a sign-in lasts: a reviewer's fortnight."""

SETUP_HOURS = 72
"""How long the first link works; `picward serve` prints a new one while there is no owner."""

TRIES = 10
TRIES_MINUTES = 15
"""At most so many failed sign-ins per e-mail and per address in so many minutes: slow for guessing, enough for typing."""

_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Give what is compared when the e-mail is unknown, so that the time of an answer does not tell which e-mails exist."""
    return _hasher.hash(secrets.token_hex())


@dataclass(frozen=True, slots=True)
class Person:
    """Hold who is signed in. `form_token` proves that a form came from our own page."""

    id: int
    email: str
    name: str
    role: str
    form_token: str


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def setup_link(core: Core) -> str | None:
    """Make the one-time link that creates the owner; None when there is one. An earlier unused link stops working."""
    token = secrets.token_urlsafe(24)
    with core.db.write() as connection:
        if rows.count(connection):
            return None
        rows.add_link(connection, _digest(token), "owner", core.now() + SETUP_HOURS * 3600 * SECOND)
    return f"{core.public_url}/setup/{token}"


def link_open(core: Core, token: str) -> bool:
    with core.db.read() as connection:
        return rows.link_open(connection, _digest(token), "owner", core.now())


def create_owner(core: Core, token: str, email: str, name: str, password: str) -> int:
    """Use the set-up link up and make the owner's account. Raise `LinkExpired` or `SettingsInvalid`."""
    email, name = email.strip().casefold(), name.strip()
    wrong = {}
    if "@" not in email or len(email) > 320:
        wrong["email"] = "is not an e-mail address"
    if not name or len(name) > 200:
        wrong["name"] = "is needed, at most 200 characters"
    if len(password) < PASSWORD_CHARACTERS:
        wrong["password"] = f"needs at least {PASSWORD_CHARACTERS} characters"
    if len(password) > 1000:
        wrong["password"] = "is longer than 1000 characters"  # noqa: S105
    if wrong:
        raise SettingsInvalid("; ".join(f"{field} {text}" for field, text in wrong.items()), wrong)
    stored = _hasher.hash(password)
    with core.db.write() as connection:
        if not rows.use_link(connection, _digest(token), "owner", core.now()):
            raise LinkExpired("This link was used or is too old. Start Picward again, or run “picward link”, for a new one.")
        person_id = rows.add(connection, email, name, stored, "owner", core.now())
        audit.add(connection, core.now(), name, "person.added", "The owner's account was made")
    return person_id


def sign_in(core: Core, email: str, password: str, address: str) -> str:
    """Check a password and open a session; return the cookie's token. Raise `SignInRefused`, the same for every cause."""
    email = email.strip().casefold()
    now = core.now()
    keys = (f"mail:{email[:320]}", f"from:{address}")
    with core.db.read() as connection:
        since = now - TRIES_MINUTES * 60 * SECOND
        if any(rows.tries(connection, key, since) >= TRIES for key in keys):
            raise SignInRefused(f"Too many tries. Wait {TRIES_MINUTES} minutes.")
        person = rows.by_email(connection, email)
    if not _matches(person.password if person else _nobody(), password) or person is None:
        with core.db.write() as connection:
            for key in keys:
                rows.add_try(connection, key, now)
        raise SignInRefused("The e-mail or the password is wrong.")
    return open_session(core, person.id)


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password[:1000])
    except (Argon2Error, InvalidHashError):
        return False


def open_session(core: Core, person_id: int) -> str:
    token = secrets.token_urlsafe(32)
    now = core.now()
    with core.db.write() as connection:
        rows.add_session(connection, _digest(token), person_id, secrets.token_hex(16), now, now + SESSION_DAYS * 86_400 * SECOND)
    return token


def signed_in(core: Core, token: str) -> Person | None:
    with core.db.read() as connection:
        row = rows.session(connection, _digest(token), core.now())
    return Person(row.id, row.email, row.name, row.role, row.form_token) if row else None


def sign_out(core: Core, token: str) -> None:
    with core.db.write() as connection:
        rows.end_session(connection, _digest(token))
