"""A site's policy in its versions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from app.db import audit
from app.db import sites as rows
from app.domain.errors import SiteUnknown
from app.domain.platform import SiteState
from app.domain.policy import Policy, RuleMode, read_policy
from app.domain.taxonomy import CATEGORIES
from app.services.core import Core


def current(core: Core, site_id: str) -> Policy:
    with core.db.read() as connection:
        return load(connection, site_id)


def load(connection: Connection, site_id: str, version: int | None = None) -> Policy:
    """Read one version of a site's policy, the newest unless it is named, in the caller's transaction."""
    row = rows.policy(connection, site_id, version)
    if row is None:
        raise SiteUnknown(f"Site “{site_id}” has no such policy.")
    return read_policy({"version": row["version"], "rules": row["rules"]})


def save(core: Core, site_id: str, rules: object, person: str) -> Policy:
    """Store the next version of a site's policy; workers replay it over stored signals. Raise `SettingsInvalid`."""
    with core.db.write() as connection:
        site = rows.get(connection, site_id)
        if site is None or site.state == SiteState.REMOVED:
            raise SiteUnknown(f"There is no site “{site_id}”.")
        version = load(connection, site_id).version + 1
        policy = read_policy({"version": version, "rules": rules})
        rows.add_policy(connection, site_id, version, stored(policy), core.now(), person)
        audit.add(connection, core.now(), person, "policy.saved", f"Policy v{version}: {summarise(policy)}", site_id)
    core.wake()
    return policy


def versions(core: Core, site_id: str) -> list[tuple[Policy, str, int]]:
    """List every version of a site's policy with who saved it when, newest first."""
    with core.db.read() as connection:
        found = rows.policy_versions(connection, site_id)
    return [(read_policy({"version": row.version, "rules": row.rules}), row.created_by, row.created_at) for row in found]


def summarise(policy: Policy) -> str:
    """Say in one line what a policy does: which rules act, and how many only watch."""
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
    """Give a policy's rules as they are stored."""
    return [rule.model_dump(mode="json", exclude_defaults=True) for rule in policy.rules]
