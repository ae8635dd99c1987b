"""Connect, configure, pause and forget sites."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.db import audit, decisions, deliveries, enforcements, hashes, jobs, people, site_names, standings
from app.db import glances as glance_rows
from app.db import sites as rows
from app.db.sites import SiteRow as SiteRow
from app.domain.decisions import Verdict
from app.domain.errors import OwnerNeeded, PairingRefused, PicwardError, PlatformUnavailable, SettingsInvalid, SiteUnknown
from app.domain.platform import FindSite, Site, SiteState
from app.domain.settings import (
    ChangedBy,
    LinkedSettings,
    Mode,
    SiteSettings,
    changed_by,
    declare,
    modes_of,
    validate,
    values_for,
)
from app.domain.time import SECOND
from app.domain.visibility import Visibility
from app.services.core import Core
from app.services.rules import policies
from app.services.sites import upkeep


def open_site(core: Core, row: SiteRow) -> Site:
    """Make a `Site` of a row: secrets unlocked, settings typed."""
    platform = core.platform(row.platform)
    known = {name: value for name, value in row.settings.items() if name in platform.Settings.model_fields}
    if known.get("mode") == Mode.HOLD and Mode.HOLD not in modes_of(platform.Settings):
        known["mode"] = Mode.HIDE  # what it meant when every platform offered it
    return Site(
        id=row.id,
        platform=row.platform,
        name=row.name,
        state=row.state,
        secrets=tuple(json.loads(core.vault.open(row.secrets))),
        connection=row.connection,
        settings=validate(platform.Settings, known),
        key=row.key,
        credentials=core.credentials.open(row.credentials),
        own_key=core.vault.derive(f"site {row.id}"),
        own_key_at=row.own_key_at,
    )


CLAIM_CHARACTERS = 200
"""The longest id or key that a request can claim: the width of the column."""

# Unlocking and checking a row costs more than all else that a webhook needs; what is stored is compared each time.
_opened: dict[str, tuple[tuple[object, ...], Site]] = {}


def find_for(core: Core, slug: str, connection: Connection) -> FindSite:
    """Make the look-up that `Platform.authenticate` may use: sites of this platform, by id or key."""

    def find(claimed: str) -> Site | None:
        found = rows.stored(connection, slug, claimed) if 0 < len(claimed) <= CLAIM_CHARACTERS else None
        if found is None:
            return None
        site_id, stored = found
        known = _opened.get(site_id)
        if known is None or known[0] != stored:
            row = rows.get(connection, site_id)
            if row is None or row.platform != slug:
                return None
            known = _opened[site_id] = (stored, open_site(core, row))
        # An id is found whatever the platform is, and what proves a site of one platform proves nothing at another.
        return known[1] if known[1].platform == slug else None

    return find


def get(core: Core, site_id: str) -> Site:
    with core.db.read() as connection:
        return get_within(core, connection, site_id)


def get_within(core: Core, connection: Connection, site_id: str) -> Site:
    row = rows.get(connection, site_id)
    if row is None or row.state is SiteState.REMOVED:
        raise SiteUnknown(f"There is no site “{site_id}”.")
    return open_site(core, row)


def stored(settings: SiteSettings) -> dict[str, Any]:
    return settings.model_dump(mode="json", exclude_defaults=True)


def check(core: Core, site_id: str) -> str:
    """Test a site's connection now and remember the result for the console; raise what is wrong."""
    site = get(core, site_id)
    problem, found = "", ""
    try:
        found = core.platform(site.platform).check(site)
    except PicwardError as error:
        problem = str(error)
        raise
    finally:
        with core.db.write() as connection:
            rows.change(connection, site_id, problem=problem, found=found, checked_at=core.now())
    return found


def read_settings(core: Core, site: Site) -> dict[str, Any]:
    """Collect what a settings page at the platform needs: values, declaration, both of what is told there, and the policy."""
    policy = policies.current(core, site.id)
    return {
        "values": values_for(site.settings, ChangedBy.PLATFORM),
        "declaration": declare(core.platform(site.platform).Settings, ChangedBy.PLATFORM),
        "policy": {
            "version": policy.version,
            "summary": policies.summarise(policy),
            "only_watches": policies.only_watches(policy),
        },
    }


@dataclass(frozen=True, slots=True)
class Saved:
    """Hold a site with its new settings, and in words why the platform could not be told of them, "" when it was."""

    site: Site
    untold: str = ""


def save_settings(
    core: Core,
    site_id: str,
    values: Mapping[str, Any],
    person: str,
    *,
    side: ChangedBy = ChangedBy.OWNER,
    tell: bool = True,
) -> Saved:
    """Store a site's settings after checking them, and hand the platform its copy. Raise `SettingsInvalid`.

    Raise `OwnerNeeded`, which is written to the trail, when `side` is the platform's and something would change that is its
    owner's. `tell` is False where the platform itself sent them, and waits for them in the answer.
    """
    with core.db.write() as connection:
        rows.lock(connection, site_id)
        site = get_within(core, connection, site_id)
        declared = core.platform(site.platform).Settings
        settings = validate(declared, {**site.settings.model_dump(mode="json"), **values}).after(site.settings)
        changed = [name for name in declared.model_fields if getattr(site.settings, name) != getattr(settings, name)]
        refused = [name for name in changed if side is not ChangedBy.OWNER and changed_by(declared, name) is ChangedBy.OWNER]
        if refused:
            text = f"Refused, since only an owner may change it: {', '.join(refused)}"
            audit.add(connection, core.now(), person, "settings.refused", text, site_id)
        else:
            _store(core, connection, site, settings, changed, person)
    if refused:
        raise _owner_needed(declared, refused)
    saved = get(core, site_id)
    untold = _tell(core, saved) if tell else ""
    if untold:
        with core.db.write() as connection:
            audit.add(connection, core.now(), "Picward", "settings.untold", untold, site_id)
    return Saved(saved, untold)


_SAVED, _CONFIRMED = "settings.saved", "settings.confirmed"
_NAMES = re.compile(r"(?:^|; )([a-z_]+): ")


def line_for(side: ChangedBy, action: str, text: str) -> str:
    """Give a line of the trail as somebody on this side reads it: what settings are set to is its owner's to read."""
    if side is ChangedBy.OWNER or action not in (_SAVED, _CONFIRMED):
        return text
    return f"Settings: {', '.join(_NAMES.findall(text))}"


def _store(core: Core, connection: Connection, site: Site, settings: SiteSettings, changed: list[str], person: str) -> None:
    rows.change(connection, site.id, settings=stored(settings))
    upkeep.follow(core, connection, site.id)
    _settle(connection, site.id, changed)
    if changed:
        said = "; ".join(f"{name}: {getattr(site.settings, name)} → {getattr(settings, name)}" for name in changed)
        audit.add(connection, core.now(), person, _SAVED, said, site.id)
    if bars_guests(settings) and not bars_guests(site.settings):
        people.end_guests(connection, site.id)


def unconfirmed(core: Core, site_id: str) -> tuple[str, ...]:
    """List the settings that the site may have set for itself before only an owner could, and that none has confirmed since."""
    with core.db.read() as connection:
        row = rows.get(connection, site_id)
    declared = core.platform(row.platform).Settings.model_fields if row is not None else {}
    return tuple(name for name in row.unconfirmed if name in declared) if row is not None else ()


def confirm(core: Core, site_id: str, name: str, person: str) -> None:
    """Keep a setting as the site may have set it, and ask no more."""
    with core.db.write() as connection:
        site = get_within(core, connection, site_id)
        if _settle(connection, site_id, [name]):
            audit.add(connection, core.now(), person, _CONFIRMED, f"{name}: {getattr(site.settings, name)}", site_id)


def reset(core: Core, site_id: str, name: str, person: str, side: ChangedBy) -> Saved:
    """Put a setting back to its default that the site may have set for itself. Raise `SettingsInvalid`."""
    declared = core.platform(get(core, site_id).platform).Settings
    if name not in declared.model_fields:
        raise SettingsInvalid("There is no such setting.", {name: "is no setting"})
    default = getattr(declared(), name)
    saved = save_settings(core, site_id, {name: default}, person, side=side)
    with core.db.write() as connection:
        _settle(connection, site_id, [name])
    return saved


def _settle(connection: Connection, site_id: str, names: Collection[str]) -> bool:
    """Ask no more about these settings; False when nobody was asked."""
    row = rows.get(connection, site_id)
    if row is None or set(row.unconfirmed).isdisjoint(names):
        return False
    rows.change(connection, site_id, unconfirmed=[name for name in row.unconfirmed if name not in names])
    return True


def _owner_needed(declared: type[SiteSettings], names: list[str]) -> OwnerNeeded:
    titles = ", ".join(f"“{declared.model_fields[name].title or name}”" for name in names)
    about = f"Nothing was saved. Only an owner may change this, in Picward's console: {titles}."
    return OwnerNeeded(about, dict.fromkeys(names, "is set by an owner, in Picward's console"))


def bars_guests(settings: SiteSettings) -> bool:
    """Tell whether the site's own administrators are kept out of the console."""
    return not (isinstance(settings, LinkedSettings) and settings.console_link)


def _tell(core: Core, site: Site) -> str:
    if site.state is SiteState.PAIRING:
        return ""
    try:
        core.platform(site.platform).settings_changed(site)
    except PlatformUnavailable as error:
        return f"Saved here, but the site could not be told yet: {error}"
    except PicwardError as error:
        return f"Saved here, but the site refused it: {error}"
    return ""


def set_state(core: Core, site_id: str, state: SiteState, person: str) -> None:
    """Pause or resume a site. A paused one still takes deliveries; nothing is judged or written back until it is resumed."""
    with core.db.write() as connection:
        site = get_within(core, connection, site_id)
        if site.state is SiteState.PAIRING:
            raise PairingRefused("This site is not connected yet.")
        rows.change(connection, site_id, state=state)
        upkeep.follow(core, connection, site_id, at_once=state is SiteState.ACTIVE)
        if state is SiteState.ACTIVE:
            rows.open_again(connection, site_id, core.now())
        audit.add(connection, core.now(), person, f"site.{state}", f"The site is {state} now", site_id)
    core.wake()


def remove(core: Core, connection: Connection, site_id: str, actor: str) -> None:
    """Forget a site's secrets and stop its work; its history stays, and what is hidden stays hidden."""
    now = core.now()
    jobs.stop_site(connection, site_id, now)
    people.end_guests(connection, site_id)
    none = core.vault.lock(b"[]")
    rows.change(connection, site_id, state=SiteState.REMOVED, secrets=none, credentials=None, problem="")
    upkeep.follow(core, connection, site_id)
    audit.add(connection, now, actor, "site.removed", "Disconnected; its secrets are forgotten", site_id)


def disconnect(core: Core, site_id: str, person: str) -> None:
    with core.db.write() as connection:
        get_within(core, connection, site_id)
        remove(core, connection, site_id, person)


def erase(core: Core, site_id: str, person: str) -> None:
    """Erase everything of a site but the fact that it was erased; what is hidden at the platform stays hidden."""
    with core.db.write() as connection:
        if rows.get(connection, site_id) is None:
            raise SiteUnknown(f"There is no site “{site_id}”.")
        erase_within(core, connection, site_id, person)


def erase_within(core: Core, connection: Connection, site_id: str, actor: str) -> None:
    """Erase a site in the caller's transaction."""
    remove(core, connection, site_id, actor)
    rows.change(
        connection, site_id, name="Erased site", connection={}, settings={}, unconfirmed=[], found="", key="", paired_at=None
    )
    erased = rows.erase(connection, site_id)
    _opened.pop(site_id, None)
    audit.add(connection, core.now(), actor, "site.erased", f"Everything of the site was erased: {erased} rows", site_id)


def summary(core: Core, site_id: str) -> dict[str, Any]:
    """Count what an owner wants to see at a glance."""
    now = core.now()
    with core.db.read() as connection:
        row = rows.get(connection, site_id)
        if row is None:
            raise SiteUnknown(f"There is no site “{site_id}”.")
        verdicts = standings.counts(connection, site_id)
        oldest = decisions.oldest_waiting(connection, site_id)
        queued, due = jobs.queued(connection, site_id)
        return {
            "state": row.state,
            "problem": row.problem,
            "found": row.found,
            "checked_at": row.checked_at,
            "scanned_at": row.scanned_at,
            "missed": row.missed,
            "skipped": row.skipped,
            "checked": sum(verdicts.values()),
            "blocked": verdicts[Verdict.BLOCK],
            "waiting": decisions.count_waiting(connection, site_id),
            "oldest_waiting_seconds": (now - oldest) // SECOND if oldest else 0,
            "queued": queued,
            "oldest_queued_seconds": (now - due) // SECOND if due else 0,
            "parked": [
                {"id": item.id, "text": item.problem, "media_id": item.media_id}
                for item in enforcements.parked(connection, site_id)
            ],
            "last_delivery_at": deliveries.last_at(connection, site_id),
            "unreadable": [f"Delivery {item.id}: {item.problem}" for item in deliveries.unreadable(connection, site_id, 5)],
            "hashes": hashes.count(connection, site_id),
            "console_url": f"{core.public_url}/sites/{site_id}",
        }


def glances(core: Core, site_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Count of many sites what a page that lists them shows."""
    now = core.now()
    with core.db.read() as connection:
        found = glance_rows.of_sites(connection, site_ids)
    return {
        row.site_id: {
            "waiting": row.waiting,
            "oldest_waiting_seconds": (now - row.oldest_waiting) // SECOND if row.oldest_waiting else 0,
            "queued": row.queued,
            "oldest_queued_seconds": (now - row.oldest_queued) // SECOND if row.oldest_queued else 0,
            "parked": range(row.parked),
            "last_delivery_at": row.last_delivery_at,
        }
        for row in found.values()
    }


def get_row(core: Core, site_id: str) -> SiteRow:
    """Look up a connected site as it is stored. Raise `SiteUnknown`."""
    with core.db.read() as connection:
        row = rows.get(connection, site_id)
    if row is None or row.state is SiteState.REMOVED:
        raise SiteUnknown(f"There is no site “{site_id}”.")
    return row


def none_yet(core: Core) -> bool:
    """Tell whether no site was ever connected, or none is any more."""
    with core.db.read() as connection:
        return site_names.few(connection, (), 1) == {}


def visible(core: Core, seen: Collection[str]) -> tuple[str, ...] | None:
    """Pick the connected ones of the sites that somebody is limited to; None, which is all, for who is limited to none."""
    if not seen:
        return None
    with core.db.read() as connection:
        return tuple(sorted(rows.seen_of(connection, Visibility(None), seen)))


def names(core: Core, site_ids: Collection[str]) -> dict[str, str]:
    """Give what connected sites are called, by their ids."""
    with core.db.read() as connection:
        return site_names.of_sites(connection, site_ids)


FEW = 50
"""Sites that a list to choose from holds: of more, people find the one they mean by its name, and no page grows with them."""


def few(core: Core, seen: Collection[str]) -> dict[str, str] | None:
    """Give the names of all sites that somebody sees, by their ids; None where they are too many to choose from a list."""
    with core.db.read() as connection:
        return site_names.few(connection, seen, FEW)


def meant(core: Core, seen: Collection[str], words: str) -> list[SiteRow]:
    """Find the sites that words may mean among those that somebody sees: one by its id or its whole name, else a page of them."""
    with core.db.read() as connection:
        row = rows.get(connection, words)
        if row is not None and row.state is not SiteState.REMOVED and (not seen or row.id in seen):
            return [row]
        found = rows.search(connection, seen, words, 0, PAGE)
    whole = [row for row in found if row.name.casefold() == words.casefold()]
    return whole if len(whole) == 1 else found


def listing(core: Core) -> list[SiteRow]:
    with core.db.read() as connection:
        return [row for row in rows.every(connection) if row.state is not SiteState.REMOVED]


PAGE = 20
"""Sites on a page: each is counted up anew, which takes some milliseconds, and people find one of hundreds by its name."""


@dataclass(frozen=True, slots=True)
class Found:
    """Hold a page of sites, and whether there are more after it."""

    rows: Sequence[SiteRow]
    more: bool


def search(core: Core, seen: Collection[str], words: str, page: int) -> Found:
    """Find sites among those that somebody sees (all, when none is named) by words in their names, addresses and ids."""
    with core.db.read() as connection:
        found = rows.search(connection, seen, words, page * PAGE, PAGE + 1)
    return Found(found[:PAGE], len(found) > PAGE)


def trail(core: Core, site_id: str, limit: int = 20, side: ChangedBy = ChangedBy.OWNER) -> list[tuple[int, str, str]]:
    """Tell somebody on this side what happened at a site lately, newest first: when, who, what."""
    with core.db.read() as connection:
        return [(row.at, row.actor, line_for(side, row.action, row.text)) for row in audit.recent(connection, site_id, limit)]


def active(core: Core) -> list[SiteRow]:
    """List the sites that work is done for."""
    with core.db.read() as connection:
        return rows.every(connection, [SiteState.ACTIVE])


def note_problem(core: Core, site_id: str, known: str, problem: str) -> None:
    """Note what is wrong with a site, "" for nothing, unless that is known already."""
    if problem != known:
        with core.db.write() as connection:
            rows.change(connection, site_id, problem=problem)
