"""A site's settings and its policy on one page, in words people understand, rendered from their declarations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import redirect as go
from flask import render_template, request, url_for
from pydantic import ValidationError

from app.domain.choices import GROUPS, LEVELS, Approach, Band, Choices, Draft, Level, compose, group_of, read
from app.domain.errors import SettingsInvalid, wrong_fields
from app.domain.platform import Site
from app.domain.policy import Exemption, Policy, Rule
from app.domain.presets import PRESETS, advised
from app.domain.roles import Right
from app.domain.settings import Kind, Mode, SiteSettings, declare, validate
from app.services.rules import policies
from app.services.sites import sites
from app.services.telling import notices
from app.web.console.guard import needs, own_site, person, room
from app.web.console.people.entry import Answer
from app.web.console.rules import backtest
from app.web.console.words import Said
from app.web.security import core
from app.web.texts import marked

EXEMPTIONS_MOST = 100
"""Rows of a form that are read; more are not ours."""

SECTIONS: Mapping[str, str] = {"tell_": "told", "preview_days": "kept", "private_network": "network"}
"""Where a declared setting stands, by what its name begins with; everything else says what hiding does."""


@dataclass(slots=True)
class Form:
    """What is on the page: the settings' values, the policy's draft, exemptions as rows, and what is wrong."""

    values: dict[str, Any]
    draft: Draft
    numbers: dict[str, tuple[str, str]] = field(default_factory=dict)
    exempt: list[dict[str, str]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


@room.route("/sites/<site_id>/settings", methods=["GET", "POST"])
@needs(Right.CONFIGURE)
def site_settings(site_id: str) -> Answer:
    """Show settings and policy; what would change is shown before it is saved."""
    site = own_site(site_id)
    policy = policies.current(core(), site_id)
    if request.method == "GET":
        preset = PRESETS.get(request.args.get("preset", ""))
        draft = advised(preset, read(policy)) if preset is not None else read(policy)
        return _page(site, policy, _shown(site.settings.model_dump(mode="json"), draft), preset=preset)
    if request.form.get("step") == "back":
        values, rules = backtest.carried()
        back = read(Policy(version=policy.version, rules=rules)) if rules is not None else read(policy)
        return _page(site, policy, _shown({**site.settings.model_dump(mode="json"), **values}, back))
    form = _posted(site, policy)
    settings, rules = _checked(site, policy, form)
    if settings is None or rules is None:
        return _page(site, policy, form), 422
    if rules == policy.rules:
        return _save_settings(site, policy, form)
    wanted = policies.draft(core(), site_id, [rule.model_dump(mode="json") for rule in rules])
    return backtest.show(site, policy, wanted, settings, form.values, back="console.site_settings")


def _save_settings(site: Site, policy: Policy, form: Form) -> Answer:
    saved = sites.save_settings(core(), site.id, form.values, person().name, side=person().side)
    if saved.untold:
        return _page(saved.site, policy, _shown(saved.site.settings.model_dump(mode="json"), read(policy)), warning=saved.untold)
    return go(url_for("console.site_settings", site_id=site.id, said=Said.SAVED), 303)


def _page(site: Site, policy: Policy, form: Form, *, preset: Any = None, warning: str = "") -> str:
    platform = core().platform(site.platform)
    fields = declare(platform.Settings)
    found = {group_of(category) for category in core().judge().categories}
    seen = policies.seen_lately(core(), site.id)
    return render_template(
        "rules/settings.html",
        site=site,
        platform=platform,
        summary=sites.summary(core(), site.id),
        policy=policy,
        form=form,
        errors=form.errors,
        titles={one["name"]: one["title"] for one in (*fields, *declare(Choices))},
        sections=_by_section(fields),
        approach=declare(Choices)[0],
        groups=[(group, group.id in found) for group in GROUPS.values()],
        words=declare(Choices)[1]["choices"],
        levels=LEVELS,
        presets=PRESETS.values(),
        preset=preset,
        others=[rule for rule in policy.rules if rule.category not in GROUPS],
        seen=seen,
        keys=sorted({*seen, *(row["key"] for row in form.exempt if row["key"])}),
        mailing=core().send_mail is not None,
        signing=notices.secret(core(), site.id) if site.settings.tell_webhook else "",
        unsent=notices.problem(core(), site.id),
        warning=warning,
    )


def _by_section(fields: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    sections: dict[str, list[dict[str, Any]]] = {"hiding": [], "told": [], "kept": [], "network": []}
    for one in fields:
        section = next((where for start, where in SECTIONS.items() if one["name"].startswith(start)), "hiding")
        sections[section].append(one)
    return sections


def _shown(values: dict[str, Any], draft: Draft) -> Form:
    numbers = {group: (_number(band.review), _number(band.block)) for group, band in draft.bands.items()}
    rows = [
        {"group": group, "key": exemption.key, "values": ", ".join(exemption.values)}
        for group, exemptions in draft.exempt.items()
        for exemption in exemptions
    ]
    return Form(values, draft, numbers, rows)


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:g}"


def _posted(site: Site, policy: Policy) -> Form:
    """Read the page as it was sent; what it leaves out stays as it is."""
    before = read(policy)
    fields = declare(core().platform(site.platform).Settings)
    stored = site.settings.model_dump(mode="json")
    form = Form({one["name"]: _read(one, stored[one["name"]]) for one in fields}, before)
    levels, bands = dict(before.levels), dict(before.bands)
    for group in GROUPS:
        _read_group(group, before, form, levels, bands)
    approach = request.form.get("approach", before.approach.value)
    if approach not in set(Approach):
        form.errors["approach"] = marked("Choose one of these")
        approach = before.approach
    form.draft = Draft(Approach(approach), levels, bands, _exemptions(form, before))
    if form.draft.approach is Approach.HIDE and before.approach is not Approach.HIDE and form.values["mode"] == Mode.FLAG.value:
        form.values["mode"] = Mode.HIDE.value  # one choice: what hides by itself must be allowed to hide
    return form


def _read_group(group: str, before: Draft, form: Form, levels: dict[str, Level], bands: dict[str, Band]) -> None:
    """Read one group's word and numbers. Numbers that were changed count where the word was not."""
    word = request.form.get(f"level-{group}")
    if word is None:
        return
    if word not in set(Level):
        form.errors[f"level-{group}"] = marked("Choose one of these")
        return
    level = Level(word)
    typed = tuple(request.form.get(f"{band}-{group}", "").strip().replace(",", ".") for band in ("review", "block"))
    form.numbers[group] = (typed[0], typed[1])
    shown = request.form.get(f"shown-{group}", "")
    if level is not Level.CUSTOM and level is not Level.OFF and word == shown and any(typed):
        of_word = GROUPS[group].bands[level]
        if typed != (_number(of_word.review), _number(of_word.block)):
            level = Level.CUSTOM
    levels[group] = level
    if level is Level.OFF:
        bands.pop(group, None)
        return
    if level is not Level.CUSTOM:
        bands[group] = GROUPS[group].bands[level]
        return
    try:
        bands[group] = Band(*(float(number) if number else None for number in typed))
        Rule(category=group, review=bands[group].review, block=bands[group].block)
    except ValidationError as error:
        form.errors[f"level-{group}"] = next(iter(wrong_fields(error, "").values()))
    except ValueError:
        form.errors[f"level-{group}"] = marked("Scores are numbers from 0 to 1")


def _exemptions(form: Form, before: Draft) -> Mapping[str, tuple[Exemption, ...]]:
    if "exempt-0-group" not in request.form:
        return before.exempt
    found: dict[str, list[Exemption]] = {}
    for row in _rows():
        form.exempt.append(row)
        values = tuple(value for part in row["values"].split(",") if (value := part.strip()))
        if not values and not row["key"]:
            continue
        if row["group"] not in GROUPS or not row["key"] or not values:
            form.errors["exempt"] = marked("Each line needs a category, what is compared, and at least one value")
            continue
        found.setdefault(row["group"], []).append(Exemption(key=row["key"], values=values))
    return {group: tuple(exemptions) for group, exemptions in found.items()}


def _rows() -> Iterator[dict[str, str]]:
    for number in range(EXEMPTIONS_MOST):
        if f"exempt-{number}-group" not in request.form:
            return
        yield {part: request.form.get(f"exempt-{number}-{part}", "").strip() for part in ("group", "key", "values")}


def _checked(site: Site, policy: Policy, form: Form) -> tuple[SiteSettings | None, tuple[Rule, ...] | None]:
    settings: SiteSettings | None = None
    rules: tuple[Rule, ...] | None = None
    try:
        settings = validate(core().platform(site.platform).Settings, form.values).after(site.settings)
    except SettingsInvalid as error:
        form.errors |= {name.split(".")[0]: text for name, text in error.fields.items()}
    if not form.errors:
        exempt = {group: lines for group, lines in form.draft.exempt.items() if form.draft.levels[group] is not Level.OFF}
        rules = compose(replace(form.draft, exempt=exempt), policy)
    return settings, rules


def _read(declared: dict[str, Any], stored: Any) -> Any:
    """Read one declared field from the form; what does not fit its kind is left for the declaration to refuse."""
    name = declared["name"]
    if declared["kind"] is Kind.SWITCH:
        return name in request.form
    if name not in request.form:
        return stored
    text = request.form.get(name, "").strip()
    if declared["kind"] is Kind.WORDS:
        return [word for line in text.splitlines() for part in line.split(",") if (word := part.strip())]
    return text
