"""Accounts: who they are and what each may do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from app.db import audit, site_names
from app.db import people as rows
from app.db import sites as site_rows
from app.db.people import PersonRow
from app.domain import names
from app.domain.errors import PersonUnknown, SettingsInvalid
from app.domain.roles import LIMITED, Role
from app.domain.visibility import Visibility
from app.services.core import Core
from app.services.people import passwords


@dataclass(frozen=True, slots=True)
class Account:
    """An account as owners see it."""

    id: int
    email: str
    name: str
    role: Role
    sites: frozenset[str]
    created_at: int
    disabled: bool


def checked(*, about: Collection[str] = (), **fields: str) -> dict[str, str]:
    """Check an account's fields and return them as they are stored; `about` is what else is known of its person.

    Raise `SettingsInvalid` that names each wrong one.
    """
    wrong = {}
    kept = {name: value if name == "password" else value.strip() for name, value in fields.items()}
    if "email" in kept:
        kept["email"] = kept["email"].casefold()
        if "@" not in kept["email"] or len(kept["email"]) > 320:
            wrong["email"] = "is not an e-mail address"
    if "name" in kept:
        kept["name"] = names.cleaned(kept["name"])
        if not any(names.looks(kept["name"])) or len(kept["name"]) > names.NAME_CHARACTERS:
            wrong["name"] = "is needed, at most 200 characters"
        elif names.is_reserved(kept["name"]):
            wrong["name"] = "looks like something that is no person here, as a site or a program is; take another"
    if "password" in kept:
        known = [*about, *(kept[name] for name in ("email", "name") if name in kept)]
        if problem := passwords.problem(kept["password"], known):
            wrong["password"] = problem
    refuse(wrong)
    return kept


def refuse(wrong: dict[str, str]) -> None:
    if wrong:
        raise SettingsInvalid("; ".join(f"{field} {text}" for field, text in wrong.items()), wrong)


def refuse_double(connection: Connection, name: str, but: int = 0) -> None:
    """Refuse a name that looks like somebody else's: names stand beside verdicts and in the history."""
    if any(names.alike(row.name, name) for row in rows.every(connection) if row.id != but and not names.is_claim(row.name)):
        refuse({"name": "looks like somebody else's name here; add what tells you apart"})


def listing(core: Core) -> list[Account]:
    with core.db.read() as connection:
        return [account(row) for row in rows.every(connection)]


def get(core: Core, person_id: int) -> Account:
    """Look up an account. Raise `PersonUnknown`."""
    with core.db.read() as connection:
        return account(load(connection, person_id))


def load(connection: Connection, person_id: int) -> PersonRow:
    row = rows.get(connection, person_id)
    if row is None:
        raise PersonUnknown(f"There is no account {person_id}.")
    return row


def account(row: PersonRow) -> Account:
    return Account(row.id, row.email, row.name, row.role, frozenset(row.sites), row.created_at, row.disabled_at is not None)


def allowed(connection: Connection, role: str, sites: Collection[str], gone: Collection[str] = ()) -> tuple[Role, list[str]]:
    """Read what somebody shall be allowed. Raise `SettingsInvalid`."""
    known = site_rows.seen_of(connection, Visibility(None), sites) | set(gone)
    wrong = {}
    if role not in set(Role):
        wrong["role"] = "is not a role"
    if set(sites) - known:
        wrong["sites"] = "names a site that is not connected"
    if sites and role not in LIMITED:
        wrong["sites"] = "An owner sees every site"
    refuse(wrong)
    return Role(role), sorted(set(sites))


def spoken(connection: Connection, role: Role, sites: Collection[str]) -> str:
    called = site_names.of_sites(connection, sites)
    return f"{role}, {', '.join(called.get(site, site) for site in sites)}" if sites else f"{role}, every site"


def change(core: Core, person_id: int, role: str, sites: Collection[str], by: str) -> None:
    """Change what somebody may do, from their next click on. Raise `SettingsInvalid`, also for the last owner."""
    with core.db.write() as connection:
        row = load(connection, person_id)
        # A site that was disconnected meanwhile may stay: a list that it left empty would mean every site.
        wanted, kept = allowed(connection, role, sites, row.sites)
        if wanted is not Role.OWNER:
            _keep_an_owner(connection, person_id, "role")
        if (wanted, kept) == (row.role, row.sites):
            return
        rows.change(connection, person_id, role=wanted, sites=kept)
        before, after = spoken(connection, row.role, row.sites), spoken(connection, wanted, kept)
        audit.add(connection, core.now(), by, "person.changed", f"{row.name}: {before} → {after}")


def _keep_an_owner(connection: Connection, person_id: int, field: str) -> None:
    if rows.with_role(connection, Role.OWNER) == [person_id]:
        refuse({field: "There must be an owner: make somebody else one first"})


def disable(core: Core, person_id: int, by: str) -> None:
    """Disable an account: its sessions end at once. Raise `SettingsInvalid` for the last owner."""
    with core.db.write() as connection:
        row = load(connection, person_id)
        _keep_an_owner(connection, person_id, "disabled")
        if row.disabled_at is None:
            rows.change(connection, person_id, disabled_at=core.now())
            audit.add(connection, core.now(), by, "person.disabled", f"{row.name} was disabled")
        rows.end_sessions(connection, person_id)
        rows.forget_links_of(connection, person_id)


def enable(core: Core, person_id: int, by: str) -> None:
    with core.db.write() as connection:
        row = load(connection, person_id)
        if row.disabled_at is not None:
            rows.end_sessions(connection, person_id)  # one may have been opened while the account was being locked
            rows.change(connection, person_id, disabled_at=None)
            audit.add(connection, core.now(), by, "person.enabled", f"{row.name} was enabled again")


def rename(core: Core, person_id: int, name: str) -> None:
    """Change the name that stands beside a person's verdicts from now on. Raise `SettingsInvalid`."""
    name = checked(name=name)["name"]
    with core.db.write() as connection:
        row = load(connection, person_id)
        if names.is_claim(row.name):
            refuse({"name": "is what your site calls you, and is changed there"})
        if row.name != name:
            refuse_double(connection, name, person_id)
            rows.change(connection, person_id, name=name)
            audit.add(connection, core.now(), row.name, "person.renamed", f"{row.name} is called {name} now")


def trail(core: Core, limit: int = 20) -> list[tuple[int, str, str]]:
    """Tell what happened to accounts and tokens lately, newest first: when, who, what."""
    with core.db.read() as connection:
        return [(row.at, row.actor, row.text) for row in audit.of_people(connection, limit)]
