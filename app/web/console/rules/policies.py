"""A site's policy in numbers, one row per rule; and its versions: what they are, how they differ, going back."""

from __future__ import annotations

import re
from typing import Any

from flask import redirect as go
from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from app.domain.choices import differences
from app.domain.errors import SettingsInvalid
from app.domain.platform import Site
from app.domain.policy import Policy, Rule, read_policy
from app.domain.roles import Right
from app.domain.taxonomy import ALLOWED_HASH, CATEGORIES
from app.services.rules import policies
from app.services.sites import sites
from app.web.console import words
from app.web.console.guard import needs, own_site, room
from app.web.console.people.entry import Answer
from app.web.console.review.batches import undo_many
from app.web.console.rules import backtest
from app.web.console.words import Said
from app.web.security import core, number
from app.web.texts import _, marked

VERSIONS_SHOWN = 50
"""Versions that the list shows; older ones are found under their number."""

_ROWS_MOST = 200
"""No site needs a rule per category twice; a form with more rows is not ours."""

_FIELD = re.compile(r"rules\.(\d+)(?:\.(\w+))?")


@room.route("/sites/<site_id>/rules", methods=["GET", "POST"])
@needs(Right.CONFIGURE)
def site_rules(site_id: str) -> Answer:
    """Show the policy in numbers; what its next version would change is shown before it is saved."""
    site = own_site(site_id)
    policy = policies.current(core(), site_id)
    if request.method == "GET":
        return _page(site, policy, [_row(rule) for rule in policy.rules], {}, {})
    if request.form.get("step") == "back":
        _values, carried = backtest.carried()
        return _page(site, policy, [_row(rule) for rule in carried or policy.rules], {}, {})
    rows = _posted()
    added = {key: request.form.get(f"new-{key}", "").strip() for key in ("category", "mode", "review", "block", "exempt")}
    if added["category"]:
        rows.append(added)
    rules = [_rule(row) for row in rows]
    try:
        draft = policies.draft(core(), site_id, rules)
    except SettingsInvalid as error:
        return _page(site, policy, rows, _by_row(error.fields), {}), 422
    if draft.rules == policy.rules:
        return go(url_for("console.site_rules", site_id=site_id, said=Said.UNCHANGED), 303)
    return backtest.show(site, policy, draft, back="console.site_rules")


def _page(
    site: Site, policy: Policy, rows: list[dict[str, str]], errors: dict[tuple[int, str], str], added: dict[str, str]
) -> str:
    return render_template(
        "rules/numbers.html",
        site=site,
        platform=core().platform(site.platform),
        summary=sites.summary(core(), site.id),
        policy=policy,
        policy_says=policies.summarise(policy),
        rows=rows,
        errors=errors,
        added=added,
        modes=words.MODES,
        groups=_choices({row["category"] for row in rows}),
    )


@room.get("/sites/<site_id>/policy")
@needs(Right.CONFIGURE)
def site_policy(site_id: str) -> str:
    """List a policy's versions; compare two of them when they are named."""
    site = own_site(site_id)
    versions = policies.versions(core(), site_id)
    by_number = {policy.version: policy for policy, _who, _at in versions}
    newest = versions[0][0].version
    after = by_number.get(_asked("to", newest), by_number[newest])
    before = by_number.get(_asked("from", max(after.version - 1, 1)), after)
    return render_template(
        "rules/versions.html",
        site=site,
        platform=core().platform(site.platform),
        summary=sites.summary(core(), site_id),
        versions=[(policy, who, at, policies.summarise(policy)) for policy, who, at in versions[:VERSIONS_SHOWN]],
        numbers=sorted(by_number, reverse=True),
        newest=newest,
        before=before,
        after=after,
        differences=differences(before, after),
    )


def _asked(name: str, otherwise: int) -> int:
    return number(request.args.get(name, ""), otherwise)


@room.post("/sites/<site_id>/policy/<int:version>/again")
@needs(Right.CONFIGURE)
def site_policy_again(site_id: str, version: int) -> Answer:
    """Show what going back to an old version would change; it is saved as a new version that is equal to it."""
    site = own_site(site_id)
    policy = policies.current(core(), site_id)
    old = policies.version(core(), site_id, version)
    if old.rules == policy.rules:
        return go(url_for("console.site_policy", site_id=site_id, said=Said.UNCHANGED), 303)
    draft = read_policy({**old.model_dump(), "version": policy.version + 1})
    return backtest.show(site, policy, draft, back="console.site_rules")


@room.post("/sites/<site_id>/policy/<int:version>/undo")
@needs(Right.CONFIGURE)
def site_policy_undo(site_id: str, version: int) -> str | Response:
    """Show what undoing everything that a version did would change; with `confirmed`, undo it."""
    own_site(site_id)
    policies.version(core(), site_id, version)
    found = policies.blocked_by(core(), site_id, version)
    if not found.decisions:
        return go(url_for("console.site_policy", site_id=site_id, said=Said.NOTHING_TO_UNDO), 303)
    action = url_for("console.site_policy_undo", site_id=site_id, version=version)
    return undo_many(list(found.decisions), action, carried=False)


def _row(rule: Rule) -> dict[str, str]:
    return {
        "category": rule.category,
        "mode": rule.mode,
        "review": "" if rule.review is None else f"{rule.review:g}",
        "block": "" if rule.block is None else f"{rule.block:g}",
        "exempt": "\n".join(f"{exemption.key}: {', '.join(exemption.values)}" for exemption in rule.exempt),
    }


def _posted() -> list[dict[str, str]]:
    rows = []
    for row in range(_ROWS_MOST):
        category = request.form.get(f"rule-{row}-category")
        if category is None:
            break
        if f"rule-{row}-remove" not in request.form:
            fields = {key: request.form.get(f"rule-{row}-{key}", "").strip() for key in ("mode", "review", "block", "exempt")}
            rows.append({"category": category, **fields})
    return rows


def _rule(row: dict[str, str]) -> dict[str, Any]:
    exempt = []
    for line in row["exempt"].splitlines():
        if line.strip():
            key, _colon, values = line.partition(":")
            wanted = [value.strip() for value in values.split(",") if value.strip()]
            exempt.append({"key": key.strip(), "values": wanted})
    return {
        "category": row["category"],
        "mode": row["mode"],
        "review": row["review"].replace(",", ".") or None,
        "block": row["block"].replace(",", ".") or None,
        "exempt": exempt,
    }


def _by_row(fields: dict[str, str]) -> dict[tuple[int, str], str]:
    """Bring what is wrong to its row and field, in plain words."""
    found: dict[tuple[int, str], str] = {}
    for name, text in fields.items():
        if match := _FIELD.match(name):
            where = match[2] or "category"
            plain = marked("Each line needs a name, a colon and at least one value") if where == "exempt" else text
            found[int(match[1]), where] = plain
    return found


def _choices(taken: set[str]) -> dict[str, list[tuple[str, str]]]:
    """Group the categories that have no rule yet by their first word."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for category in CATEGORIES.values():
        if category.id not in taken and category.id != ALLOWED_HASH:
            title = words.category_title(category.id)
            groups.setdefault(words.label(category.id.split(".")[0]), []).append((category.id, title))
    if "*" not in taken:
        groups[_("Everything")] = [("*", words.category_title("*"))]
    return groups
