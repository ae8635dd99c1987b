"""What a draft of a policy would change, before it is saved; and saving it."""

from __future__ import annotations

import json
from typing import Any

from flask import redirect as go
from flask import render_template, request, url_for

from app.domain.choices import differences
from app.domain.errors import DecisionUnknown, SettingsInvalid
from app.domain.platform import Site
from app.domain.policy import Policy, Rule, read_policy
from app.domain.roles import Right
from app.domain.settings import SiteSettings, declare
from app.services.review.showing import Shown
from app.services.rules import policies
from app.services.sites import sites
from app.services.trying import backtest
from app.services.trying.backtest import Change
from app.web.console.guard import needs, own_decision, own_site, person, room
from app.web.console.people.entry import Answer
from app.web.console.words import Said, setting_text
from app.web.security import core
from app.web.texts import lazy

TITLES = {
    Change.HIDE: (lazy("Newly hidden"), lazy("They can be seen now.")),
    Change.MARK: (lazy("Newly blocked, not hidden"), lazy("The settings let nobody but a person hide them.")),
    Change.RELEASE: (lazy("Released"), lazy("They are blocked now, and would be shown again.")),
    Change.REVIEW: (lazy("Sent to review"), lazy("They would wait for a person.")),
    Change.SETTLE: (lazy("No longer waiting"), lazy("They wait for a person now, and would not any more.")),
}
"""What each kind of change is called, and what it means. Complete: a test says so."""


def show(
    site: Site,
    policy: Policy,
    draft: Policy,
    settings: SiteSettings | None = None,
    values: dict[str, Any] | None = None,
    *,
    back: str,
) -> str:
    """Show what saving a draft, and the settings' values with it, would change."""
    found = backtest.try_policy(core(), site.id, draft, settings)
    rules = policies.stored(draft)
    return render_template(
        "rules/effect.html",
        site=site,
        platform=core().platform(site.platform),
        summary=sites.summary(core(), site.id),
        draft=draft,
        found=found,
        titles=TITLES,
        categories={change: _by_category(found, change) for change in Change},
        examples={change: _examples(ids) for change, ids in found.examples.items()},
        differences=differences(policy, draft),
        changed=_changed(site, settings) if settings is not None else [],
        carried=json.dumps({"rules": rules, "values": values or {}, "upon": policy.version}),
        back=url_for(back, site_id=site.id),
    )


def _by_category(found: backtest.Backtest, change: Change) -> list[tuple[str, int]]:
    counted = [(category, count) for (kind, category), count in found.by_category.items() if kind is change and category]
    return sorted(counted, key=lambda item: -item[1])


def _examples(ids: tuple[int, ...]) -> list[Shown]:
    """Pick the examples that this person may see."""
    shown = []
    for decision_id in ids:
        try:
            shown.append(Shown(own_decision(decision_id), "", "", ""))
        except DecisionUnknown:
            continue
    return shown


def _changed(site: Site, settings: SiteSettings) -> list[tuple[str, str, str]]:
    """List the settings that would change: title, before, after."""
    changed = []
    for one in declare(type(settings)):
        before, after = (getattr(each, one["name"]) for each in (site.settings, settings))
        if before != after:
            changed.append((one["title"], setting_text(one, before), setting_text(one, after)))
    return changed


def carried() -> tuple[dict[str, Any], tuple[Rule, ...] | None]:
    """Read the draft that the page before carried: the settings' values and the rules. Raise `SettingsInvalid`."""
    try:
        found = json.loads(request.form.get("draft", ""))
        values, rules = dict(found["values"]), found["rules"]
    except (ValueError, KeyError, TypeError):
        raise SettingsInvalid("The draft cannot be read. Begin again from the settings page.") from None
    return values, read_policy({"version": 1, "rules": rules}).rules if rules is not None else None


@room.post("/sites/<site_id>/policy")
@needs(Right.CONFIGURE)
def site_policy_save(site_id: str) -> Answer:
    """Save a draft whose changes were shown: the policy's next version, and the settings with it."""
    own_site(site_id)
    values, rules = carried()
    upon = json.loads(request.form["draft"]).get("upon")
    if rules is not None:
        packed = [rule.model_dump(mode="json") for rule in rules]
        policies.save(core(), site_id, packed, person().name, upon=upon if isinstance(upon, int) else None, side=person().side)
    if values and sites.save_settings(core(), site_id, values, person().name, side=person().side).untold:
        return go(url_for("console.site", site_id=site_id, said=Said.UNSHARED), 303)
    return go(url_for("console.site_policy", site_id=site_id, said=Said.SAVED), 303)
