"""Sign-in, sign-out, and what guards a password against guessing."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from app.db import audit
from app.db import people as rows
from app.db import tries as counts
from app.db.people import PersonRow, SignedInRow
from app.domain import names
from app.domain.errors import DatabaseUnavailable, SignInRefused, TooManyRequests
from app.domain.limits import ENTRY
from app.domain.roles import RIGHTS, Right, Role
from app.domain.settings import ChangedBy
from app.domain.time import DAY, HOUR, MINUTE
from app.services.core import Core
from app.services.people import access, accounts, devices, passwords, tries
from app.services.people.tries import Budget, Origin
from app.services.secrets import digest

_NOBODY = "Somebody"
"""Who does not come in, in the trail and the log."""

SEEN_MINUTES = 1
"""How old the time of a session's last use may be: reading a page must not write each time."""

KEPT_DAYS = 1
"""How long a session that ran out is remembered, so that what was typed in it can still be sent."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in. `form_token` proves that a form came from our own page; `sites` limits what is seen; () is every site.

    `proven_at` is when the password was typed last, 0 for never: a site vouched for them.
    """

    id: int
    email: str
    name: str
    role: Role
    form_token: str
    sites: frozenset[str] = frozenset()
    proven_at: int = 0

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

    def proven(self, now: int) -> bool:
        """Tell whether the password was typed so lately that changes of consequence need no other proof."""
        return now - self.proven_at < ENTRY.proof_minutes * MINUTE


class Ended(StrEnum):
    """Why a session is over that nobody ended."""

    IDLE = "idle"
    OLD = "old"


@dataclass(frozen=True, slots=True)
class Former:
    """Whose session ran out, and why. With a password they can go on in it."""

    person: Person
    why: Ended
    has_password: bool


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. `agent` is what the browser calls itself."""

    id: str
    agent: str
    created_at: int
    seen_at: int
    here: bool


def change_password(core: Core, token: str, person_id: int, old: str, new: str, address: str) -> None:
    """Change a person's password and end their other sessions.

    Raise `SettingsInvalid`, `SignInRefused`, `TooManyRequests` or `TooBusy`.
    """
    account = accounts.get(core, person_id)
    accounts.checked(password=new, about=(account.email, account.name))
    _prove_within(core, token, person_id, old, address)
    stored = passwords.store(new)
    with core.db.write() as connection:
        rows.change(connection, person_id, password=stored)
        rows.end_sessions(connection, person_id, digest(token))
        rows.prove_session(connection, digest(token), core.now())
        rows.forget_links_of(connection, person_id)
        audit.add(connection, core.now(), account.name, "person.password", "The password was changed")


def sign_in(core: Core, email: str, password: str, address: str, agent: str = "", device: str = "") -> str:
    """Check a password and open a session; return the cookie's token. `address` "" is one that everybody shares.

    Raise `SignInRefused`, the same for every cause, `TooManyRequests` or `TooBusy`.
    """
    email, where = email.strip().casefold()[:320], tries.origin(address)
    with core.db.read() as connection:
        person = rows.by_email(connection, email)
        known = person is not None and rows.knows_network(connection, person.id, where.home, core.now() - _KNOWN)
    name = devices.known(core, device, person.id) if person else ""
    budgets = _budgets(email, where, f"{name}:{person.id}" if person and name else "", known)
    first = _count(core, budgets, where)
    if not _match(core, budgets, person, password) or person is None or person.disabled_at is not None:
        _refused(core, person, where, first)
        raise SignInRefused("The e-mail or the password is wrong.")
    with core.db.write() as connection:
        counts.clear(connection, budgets[0].key)
        text = f"Signed in {access.whence(where)}{'' if name else ', with a browser that was new'}"
        access.note(connection, core, person.name, access.SIGNED_IN, text, address=where.address)
    return open_session(core, person.id, agent, address=address)


_KNOWN = ENTRY.known_days * DAY
_RANGE = "range:"


def _budgets(email: str, where: Origin, device: str, known: bool) -> list[Budget]:
    """Say what a try is counted against: first the account from there, then everybody from there.

    A device that knows the person is counted by itself. Where everybody shares one address nothing is counted against that.
    """
    if device:
        return [Budget(f"device:{device}", ENTRY.account_tries)]
    everywhere = Budget(f"mail:{email}", ENTRY.everywhere_tries, ENTRY.everywhere_pause_seconds)
    if not where.home:
        return [everywhere]
    found = [
        Budget(f"mail:{email}|{where.home}", ENTRY.account_tries),
        Budget(f"from:{where.address}", ENTRY.address_tries),
        Budget(_RANGE + where.range, ENTRY.network_tries),
    ]
    return found if known else [*found, everywhere]


def _count(core: Core, budgets: list[Budget], where: Origin) -> bool:
    """Count a try before it is made; tell whether it is the first from there. Raise `TooManyRequests`."""
    try:
        before = tries.spend(core, budgets)
    except TooManyRequests as error:
        access.mention(_NOBODY, f"A sign-in {access.whence(where)} has to wait for {error.retry_after} s", where.address)
        raise
    series = next((budget for budget in budgets if budget.key.startswith(_RANGE)), budgets[-1])
    return before[series.key] == 0


def _match(core: Core, budgets: Collection[Budget], person: PersonRow | None, password: str) -> bool:
    """Tell whether a password is right. What was right, or could not be looked at, was no wrong try. Raise `TooBusy`."""
    wrong = False
    try:
        wrong = not passwords.match(person.password if person else None, password) or (
            person is not None and person.disabled_at is not None
        )
    finally:
        if not wrong:
            tries.give_back(core, budgets)
    return not wrong


def _refused(core: Core, person: PersonRow | None, where: Origin, first: bool) -> None:
    """Note a refusal. In the trail those of nobody's account stand once for each series: strangers must not fill it."""
    told = "No account has this e-mail," if person is None else f"A wrong password for {person.name}"
    if person is not None and person.disabled_at is not None:
        told = f"A sign-in to {person.name}'s account, which is disabled,"
    text = f"{told} {access.whence(where)}"
    if person is None and not first:
        access.mention(_NOBODY, text, where.address)
        return
    with core.db.write() as connection:
        access.note(connection, core, _NOBODY, access.REFUSED, text, address=where.address)


def _prove_within(core: Core, token: str, person_id: int, password: str, address: str) -> None:
    """Check the password of who has a session already: guesses there slow nobody else down. Raise as `sign_in` does."""
    where, budgets = tries.origin(address), [Budget(f"session:{digest(token)}", ENTRY.account_tries)]
    with core.db.read() as connection:
        person = accounts.load(connection, person_id)
    _count(core, budgets, where)
    if not _match(core, budgets, person, password):
        with core.db.write() as connection:
            text = f"A wrong password within a session {access.whence(where)}"
            access.note(connection, core, person.name, access.REFUSED, text, address=where.address)
        raise SignInRefused("The password is wrong.")


def prove(core: Core, token: str, password: str, address: str) -> None:
    """Take the password again within a session that lasts. Raise `SignInRefused`, `TooManyRequests` or `TooBusy`."""
    _prove_within(core, token, load(core, token).id, password, address)
    with core.db.write() as connection:
        rows.prove_session(connection, digest(token), core.now())


def go_on(core: Core, token: str, password: str, address: str) -> str:
    """Let a person go on in a session that ran out; give its new token. Raise `SignInRefused`, `TooManyRequests`, `TooBusy`."""
    found = former(core, token)
    if found is None or not found.has_password:
        raise SignInRefused("You are not signed in.")
    _prove_within(core, token, found.person.id, password, address)
    renewed, now, where = secrets.token_urlsafe(32), core.now(), tries.origin(address)
    with core.db.write() as connection:
        if not rows.renew_session(connection, digest(token), digest(renewed), now, now + ENTRY.session_days * DAY):
            raise SignInRefused("You are not signed in.")
        text = f"Signed in again {access.whence(where)}"
        access.note(connection, core, found.person.name, access.SIGNED_IN, text, address=where.address)
    return renewed


def open_session(core: Core, person_id: int, agent: str = "", *, address: str = "") -> str:
    """Open a session for somebody who just proved by a password who they are; give its token."""
    with core.db.write() as connection:
        return add_session(core, connection, person_id, agent, address=address)


def add_session(
    core: Core,
    connection: Connection,
    person_id: int,
    agent: str,
    *,
    hours: int = ENTRY.session_days * 24,
    proven: bool = True,
    address: str = "",
) -> str:
    """Open a session in the caller's transaction, and give its token; `proven` says whether a password was just typed."""
    token, form_token = secrets.token_urlsafe(32), secrets.token_hex(16)
    now, where = core.now(), tries.origin(address)
    rows.add_session(connection, digest(token), person_id, form_token, now, now + hours * HOUR, agent[:200], now if proven else 0)
    if where.home:
        rows.know_network(connection, person_id, where.home, now)
    return token


def signed_in(core: Core, token: str, *, active: bool = False) -> Person | None:
    """Give who is signed in; an `active` person is at work, and their session does not run out."""
    now = core.now()
    with core.db.read() as connection:
        row = rows.session(connection, digest(token))
    if row is None or _ended(core, row, now):
        return None
    if active and now - row.seen_at >= SEEN_MINUTES * MINUTE:
        with suppress(DatabaseUnavailable), core.db.write() as connection:  # a page can be read all the same
            rows.see_session(connection, digest(token), now)
    return _person(row)


def load(core: Core, token: str) -> Person:
    """Give who is signed in. Raise `SignInRefused` when nobody is."""
    person = signed_in(core, token)
    if person is None:
        raise SignInRefused("You are not signed in.")
    return person


def former(core: Core, token: str) -> Former | None:
    """Give whose session ran out by itself, for a day after its end; None while it lasts."""
    with core.db.read() as connection:
        row = rows.session(connection, digest(token))
    why = _ended(core, row, core.now()) if row else None
    return Former(_person(row), why, bool(row.password)) if row and why else None


def _person(row: SignedInRow) -> Person:
    return Person(row.id, row.email, row.name, row.role, row.form_token, frozenset(row.sites), row.proven_at)


def _ended(core: Core, row: SignedInRow, now: int) -> Ended | None:
    if row.expires_at <= now:
        return Ended.OLD
    return Ended.IDLE if row.seen_at <= _idle_since(core, now) else None


def _idle_since(core: Core, now: int) -> int:
    return now - core.limits.idle_hours * HOUR


def sessions(core: Core, person_id: int, token: str) -> list[Session]:
    """List a person's sessions, newest first; `token` tells which one is asking."""
    now = core.now()
    with core.db.read() as connection:
        found = rows.sessions_of(connection, person_id, now, _idle_since(core, now))
    return [Session(row.token, row.agent, row.created_at, row.seen_at, row.token == digest(token)) for row in found]


def end_session(core: Core, person_id: int, session_id: str) -> None:
    """End one of a person's own sessions; anybody else's is left alone."""
    with core.db.write() as connection:
        if session_id in {row.token for row in rows.sessions_of(connection, person_id, core.now(), 0)}:
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
    """Drop sessions, links and networks that ran out, and tries that count no more."""
    now = core.now()
    with core.db.write() as connection:
        rows.forget(connection, now, now - KEPT_DAYS * DAY, now - _KNOWN)
        counts.forget(connection, now, ENTRY.recovery_minutes * MINUTE)
