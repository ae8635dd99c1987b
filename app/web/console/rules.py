"""A site's policy as a form: one row per rule."""

from __future__ import annotations

import re
from typing import Any

from flask import redirect as go
from flask import render_template, request, url_for

from app.domain.errors import SettingsInvalid
from app.domain.policy import Rule, read_policy
from app.domain.taxonomy import CATEGORIES
from app.services import policies, sites
from app.web.console import words
from app.web.console.entry import Answer
from app.web.console.guard import person, room
from app.web.security import core

_ROWS_MOST = 200
"""No site needs a rule per category twice; a form with more rows is not ours."""

_FIELD = re.compile(r"rules\.(\d+)(?:\.(\w+))?")


@room.route("/sites/<site_id>/rules", methods=["GET", "POST"])
def site_rules(site_id: str) -> Answer:
    """Show the policy, and save its next version."""
    site = sites.get(core(), site_id)
    policy = policies.current(core(), site_id)

    def page(rows: list[dict[str, str]], errors: dict[tuple[int, str], str], added: dict[str, str]) -> str:
        taken = {row["category"] for row in rows}
        return render_template(
            "site_rules.html",
            site=site,
            platform=core().platform(site.platform),
            summary=sites.summary(core(), site_id),
            policy=policy,
            policy_says=policies.summarise(policy),
            rows=rows,
            errors=errors,
            added=added,
            modes=words.MODES,
            groups=_choices(taken),
            versions=[(old, who, at, policies.summarise(old)) for old, who, at in policies.versions(core(), site_id)[:20]],
        )

    if request.method == "GET":
        return page([_row(rule) for rule in policy.rules], {}, {})
    rows = _posted()
    added = {key: request.form.get(f"new-{key}", "").strip() for key in ("category", "mode", "review", "block", "exempt")}
    if added["category"]:
        rows.append(added)
    rules = [_rule(row) for row in rows]
    try:
        wanted = read_policy({"version": policy.version, "rules": rules})
        if wanted.rules == policy.rules:
            return go(url_for("console.site_rules", site_id=site_id, said="unchanged"), 303)
        policies.save(core(), site_id, rules, person().name)
    except SettingsInvalid as error:
        return page(rows, _by_row(error.fields), {}), 422
    return go(url_for("console.site_rules", site_id=site_id, said="saved"), 303)


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
    for number in range(_ROWS_MOST):
        category = request.form.get(f"rule-{number}-category")
        if category is None:
            break
        if f"rule-{number}-remove" not in request.form:
            row = {key: request.form.get(f"rule-{number}-{key}", "").strip() for key in ("mode", "review", "block", "exempt")}
            rows.append({"category": category, **row})
    return rows


def _rule(row: dict[str, str]) -> dict[str, Any]:
    exempt = []
    for line in row["exempt"].splitlines():
        if line.strip():
            key, _, values = line.partition(":")
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
            field = match[2] or "category"
            plain = "Each line needs a name, a colon and at least one value" if field == "exempt" else text
            found[int(match[1]), field] = plain.removeprefix("Value error, ")
    return found


def _choices(taken: set[str]) -> dict[str, list[tuple[str, str]]]:
    """Group the categories that have no rule yet by their first word."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for category in CATEGORIES.values():
        if category.id not in taken and category.id != "owner.allowed_hash":
            groups.setdefault(words.label(category.id.split(".")[0]), []).append((category.id, category.title))
    if "*" not in taken:
        groups["Everything"] = [("*", words.category_title("*"))]
    return groups
