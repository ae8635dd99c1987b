"""A site's policy in its versions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.db import audit, replays, tasks
from app.db import policies as rows
from app.db import sites as site_rows
from app.db.policies import PolicyRow
from app.domain.choices import acts_otherwise
from app.domain.errors import OwnerNeeded, SettingsInvalid, SiteUnknown
from app.domain.platform import SiteState
from app.domain.policy import Policy, RuleMode, read_policy
from app.domain.settings import ChangedBy
from app.domain.tasks import Task
from app.domain.taxonomy import BLOCKED_HASH, CATEGORIES
from app.services.core import Core


def current(core: Core, site_id: str) -> Policy:
    with core.db.read() as connection:
        return load(connection, site_id)


def load(connection: Connection, site_id: str, version: int | None = None) -> Policy:
    """Read one version of a site's policy, the newest unless it is named, in the caller's transaction."""
    row = rows.get(connection, site_id, version)
    if row is None:
        raise SiteUnknown(f"Site “{site_id}” has no such policy.")
    return read_policy({"version": row.version, "rules": row.rules})


def save(
    core: Core,
    site_id: str,
    rules: object,
    person: str,
    *,
    upon: int | None = None,
    why: str = "",
    side: ChangedBy = ChangedBy.OWNER,
) -> Policy:
    """Store the next version of a site's policy; workers replay it over stored signals.

    `upon` is the version that the rules were made from. Raise `SettingsInvalid`, also when that is no longer the newest, and
    `OwnerNeeded` when `side` is the platform's and another mode of a rule is wanted, or a rule that no word sets.
    """
    with core.db.write() as connection:
        site = site_rows.get(connection, site_id)
        if site is None or site.state is SiteState.REMOVED:
            raise SiteUnknown(f"There is no site “{site_id}”.")
        site_rows.lock(connection, site_id)
        before = load(connection, site_id)
        version = before.version + 1
        if upon is not None and version != upon + 1:
            raise SettingsInvalid(f"Someone saved version {version - 1} meanwhile. Look at it, and make your change again.")
        policy = read_policy({"version": version, "rules": rules})
        refused = side is not ChangedBy.OWNER and acts_otherwise(before, policy)
        if refused:
            text = "Refused, since only an owner may change how far the rules may go"
            audit.add(connection, core.now(), person, "policy.refused", text, site_id)
        else:
            _add(core, connection, site_id, policy, person, why)
    if refused:
        raise OwnerNeeded(
            "Nothing was saved. Only an owner may change how far the rules may go, in Picward's console.",
            {"approach": "is set by an owner, in Picward's console"},
        )
    core.wake()
    return policy


def _add(core: Core, connection: Connection, site_id: str, policy: Policy, person: str, why: str) -> None:
    rows.add(connection, PolicyRow(site_id, policy.version, stored(policy), core.now(), person))
    tasks.ask(connection, site_id, Task.REPLAY, core.now(), core.now())
    text = f"Policy v{policy.version}{why and f', {why}'}: {summarise(policy)}"
    audit.add(connection, core.now(), person, "policy.saved", text, site_id)


def draft(core: Core, site_id: str, rules: object) -> Policy:
    """Check rules as `save` would, and store nothing. Raise `SettingsInvalid`."""
    return read_policy({"version": current(core, site_id).version + 1, "rules": rules})


def version(core: Core, site_id: str, number: int) -> Policy:
    """Look up one version of a site's policy. Raise `SiteUnknown` when there is none."""
    with core.db.read() as connection:
        return load(connection, site_id, number)


def roll_back(core: Core, site_id: str, number: int, person: str) -> Policy:
    """Store a new version that is equal to an old one."""
    old = version(core, site_id, number)
    return save(core, site_id, stored(old), person, why=f"as v{number} was")


def versions(core: Core, site_id: str) -> list[tuple[Policy, str, int]]:
    """List every version of a site's policy with who saved it when, newest first."""
    with core.db.read() as connection:
        found = rows.versions(connection, site_id)
    return [(read_policy({"version": row.version, "rules": row.rules}), row.created_by, row.created_at) for row in found]


LOOKED_AT = 500
"""Pictures whose context is looked at for what exemptions can name: the last ones, and a few milliseconds."""

OFFERED = 30
"""Values that are offered for one key, the most common ones."""

_OF_ONE_PICTURE = frozenset({"title", "file", "name", "created", "alt"})


def seen_lately(core: Core, site_id: str) -> dict[str, list[str]]:
    """Collect what the platform said about a site's last pictures: values by key, the most common first.

    Keys that tell one picture from another, such as its title, are left out: exempting by them is no policy.
    """
    with core.db.read() as connection:
        found = replays.contexts(connection, site_id, LOOKED_AT)
    values: dict[str, Counter[str]] = {}
    for context in found:
        for key, said in context.items():
            if key not in _OF_ONE_PICTURE:
                values.setdefault(key, Counter()).update(said)
    ordered = sorted(values.items(), key=lambda item: (-item[1].total(), item[0]))
    return {key: [value for value, _ in counted.most_common(OFFERED)] for key, counted in ordered}


@dataclass(frozen=True, slots=True)
class Blocked:
    """What one policy version blocks now: decisions that nobody confirmed, and how many a person did."""

    decisions: tuple[int, ...]
    confirmed: int


def blocked_by(core: Core, site_id: str, number: int) -> Blocked:
    """Find what only one version's automatic decisions block, for `batches.foresee` and `batches.undo`.

    What another version decided since is not its doing any more, and what a person rejected stays rejected.
    """
    with core.db.read() as connection:
        found = replays.blocked_by(connection, site_id, number)
        bound = replays.decided_by_people(connection, site_id) if found else set()
    free = tuple(decision_id for decision_id, sha256 in found if sha256 not in bound)
    return Blocked(free, len(found) - len(free))


def only_watches(policy: Policy) -> bool:
    """Tell whether a policy acts on nothing but known pictures, as a new site's does."""
    # Unreadable files are always shown to a person, so that they do not make a policy an acting one.
    known = (BLOCKED_HASH, "unsafe.file")
    return all(
        rule.mode is RuleMode.SHADOW
        for rule in policy.rules
        if not rule.category.endswith(".known_hash") and rule.category not in known
    )


def summarise(policy: Policy) -> str:
    """Summarise in one line what a policy does: which rules act, and how many only watch."""
    acting = [_title(rule.category) for rule in policy.rules if rule.mode is RuleMode.ENFORCE]
    asking = [_title(rule.category) for rule in policy.rules if rule.mode is RuleMode.REVIEW]
    watching = sum(rule.mode is RuleMode.SHADOW for rule in policy.rules)
    parts = []
    if acting:
        parts.append("acts on " + ", ".join(acting))
    if asking:
        parts.append("asks a person about " + ", ".join(asking))
    if watching:
        parts.append(f"only watches {watching} other rule{'s' if watching > 1 else ''} (shadow)")
    return "; ".join(parts) or "has no rules"


def _title(category: str) -> str:
    return CATEGORIES[category].title.lower().removeprefix("on ") if category in CATEGORIES else category


def stored(policy: Policy) -> list[dict[str, Any]]:
    """Format a policy's rules as they are stored."""
    return [rule.model_dump(mode="json", exclude_defaults=True) for rule in policy.rules]
