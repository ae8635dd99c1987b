"""Tokens that programs send instead of a person's sign-in: what they may do, on which site, until when."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from app.db import audit
from app.db import tokens as rows
from app.db.tokens import NewToken
from app.domain.errors import ScopeMissing, SettingsInvalid, TokenRefused
from app.domain.names import PROGRAM
from app.domain.settings import ChangedBy
from app.domain.time import DAY, SECOND
from app.services.core import Core
from app.services.people import access, tries
from app.services.secrets import digest
from app.services.sites import sites

PREFIX = "picward_"
"""What every token begins with, so that scanners for leaked secrets can know one."""

DEFAULT_DAYS = 90
"""How long a token works unless another time is asked for: long enough to forget it, short enough that it ends."""

MOST_DAYS = 730
"""The longest that one can be asked for: nobody finds a token that works for ever."""

USED_SECONDS = 60
"""How old the time of the last use may be: reading must not write at every request."""

NETWORKS = 20
"""Networks of one day that are told apart: each has its line in the trail, and further ones have none."""


class Scope(StrEnum):
    """What a token may do; it needs each scope that it is to use."""

    READ = "read"
    REVIEW = "review"
    CONFIGURE = "configure"
    CONNECT = "connect"


SCOPES: dict[Scope, str] = {
    Scope.READ: "See sites, settings, policies, decisions, history and figures; never a picture.",
    Scope.REVIEW: "Take what waits for a person, and give verdicts.",
    Scope.CONFIGURE: "Change settings, policies and hash lists; have pictures judged again.",
    Scope.CONNECT: "Pause and resume sites, and have them looked at.",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A token that works: who asks, what it may do, and on which site ("" is every site)."""

    id: int
    name: str
    scopes: frozenset[Scope]
    site_id: str

    @property
    def actor(self) -> str:
        """Name the program in the history."""
        return f"{self.name} {PROGRAM}"

    @property
    def side(self) -> ChangedBy:
        """Say on which side the program stands: one that works on a single site speaks for that site."""
        return ChangedBy.PLATFORM if self.site_id else ChangedBy.OWNER

    def need(self, scope: Scope) -> None:
        """Raise `ScopeMissing` unless the token has this scope."""
        if scope not in self.scopes:
            raise ScopeMissing(f"This token lacks the scope “{scope}”.")

    def sees(self, site_id: str) -> bool:
        return self.site_id in ("", site_id)


@dataclass(frozen=True, slots=True)
class Listed:
    """A token as its owner sees it. Times are UTC microseconds; `revoked_at` and `used_at` are 0 for never."""

    id: int
    name: str
    scopes: tuple[Scope, ...]
    site_id: str
    created_by: str
    created_at: int
    expires_at: int
    used_at: int
    revoked_at: int


def make(
    core: Core, name: str, scopes: Collection[str], person: str, *, site_id: str = "", days: int = DEFAULT_DAYS
) -> tuple[int, str]:
    """Make a token; return its id and the token itself, which is nowhere stored. Raise `SettingsInvalid` or `SiteUnknown`."""
    name = " ".join(name.split())
    wrong = {}
    if not name or len(name) > 100:
        wrong["name"] = "is needed, at most 100 characters"
    if not scopes or not set(scopes) <= set(Scope):
        wrong["scopes"] = f"needs one or more of {', '.join(Scope)}"
    if not 1 <= days <= MOST_DAYS:
        wrong["days"] = f"must be 1 to {MOST_DAYS}"
    if wrong:
        raise SettingsInvalid("Some fields are not valid.", wrong)
    whose = f"site “{sites.get(core, site_id).name}”" if site_id else "every site"
    token, now = PREFIX + secrets.token_urlsafe(32), core.now()
    kept = [scope for scope in Scope if scope in set(scopes)]
    with core.db.write() as connection:
        token_id = rows.add(connection, NewToken(digest(token), name, kept, site_id, person, now, now + days * DAY))
        text = f"A token “{name}” was made: {', '.join(kept)}; {whose}; {days} days"
        audit.add(connection, now, person, "token.made", text, site_id)
    return token_id, token


def prove(core: Core, presented: str, address: str = "") -> Token:
    """Find the token that a program presents. Raise `TokenRefused`, the same for every cause.

    The trail has a line for each day that it is used, and for each further network that uses it on that day.
    """
    now = core.now()
    row = None
    if presented.startswith(PREFIX) and len(presented) < 200 and presented.isascii():
        with core.db.read() as connection:
            row = rows.find(connection, digest(presented), now)
    if row is None:
        raise TokenRefused("The token is unknown, revoked or too old.")
    token = Token(row.id, row.name, frozenset(Scope(scope) for scope in row.scopes), row.site_id)
    where, last = tries.origin(address), row.used_at or 0
    before = row.used_from if now // DAY == last // DAY else ()
    new = where.home not in before and len(before) < NETWORKS
    if new or now - last > USED_SECONDS * SECOND:
        with core.db.write() as connection:
            rows.used(connection, row.id, now, [*before, where.home] if new else before)
            if new:
                text = f"The token “{row.name}” was used {access.whence(where)}"
                access.note(connection, core, token.actor, access.TOKEN, text, row.site_id, where.address)
    return token


def listing(core: Core) -> list[Listed]:
    """List every token, newest first, the revoked and expired ones too."""
    with core.db.read() as connection:
        found = rows.every(connection)
    return [
        Listed(
            row.id,
            row.name,
            tuple(Scope(scope) for scope in row.scopes),
            row.site_id,
            row.created_by,
            row.created_at,
            row.expires_at,
            row.used_at or 0,
            row.revoked_at or 0,
        )
        for row in found
    ]


def revoke(core: Core, token_id: int, person: str) -> bool:
    """Make a token worthless from now; False when it was already."""
    with core.db.write() as connection:
        name = rows.revoke(connection, token_id, core.now())
        if name is None:
            return False
        audit.add(connection, core.now(), person, "token.revoked", f"The token “{name}” was revoked")
    return True
