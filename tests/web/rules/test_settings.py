"""The settings page: declarations rendered, words and numbers, presets, and what would change before it is saved."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest

from app.dispatch import clock
from app.domain.choices import GROUPS, Approach, Choices, Level, compose, read
from app.domain.errors import PlatformUnavailable
from app.domain.policy import RuleMode
from app.domain.presets import PRESETS
from app.domain.settings import Mode, declare
from app.services.pipeline import enforce
from app.services.review import showing
from app.services.rules import policies
from app.services.sites import sites
from app.services.trying.backtest import Change
from app.web.console.rules.backtest import TITLES
from tests.support.core import Bench, PaperPlatform, PaperSettings
from tests.web.visitor import Owner, acting_site, decided


def form_of(page: str, action: str = "") -> dict[str, str]:
    """Give what a browser would send of the page's POST form, unchanged."""
    forms: list[str] = re.findall(r'<form[^>]*method="post"[^>]*>.*?</form>', page, re.S)
    chosen = next(form for form in forms if (f'action="{action}"' in form if action else 'class="settings"' in form))
    sent: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", chosen):
        found = {name: html.unescape(value) for name, value in re.findall(r'(\w[\w-]*)="([^"]*)"', tag)}
        kind = found.get("type", "text")
        if "name" in found and (kind not in ("radio", "checkbox") or re.search(r"\schecked", tag)):
            sent[found["name"]] = found.get("value", "on" if kind == "checkbox" else "")
    for name, inner in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', chosen, re.S):
        picked = re.search(r'value="([^"]*)" selected', inner) or re.search(r'value="([^"]*)"', inner)
        sent[name] = picked[1] if picked else ""
    for name, inner in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', chosen, re.S):
        sent[name] = html.unescape(inner)
    return sent


def settings_form(owner: Owner, site_id: str, query: str = "") -> dict[str, str]:
    return form_of(owner.get(f"/sites/{site_id}/settings{query}").text)


def send(owner: Owner, path: str, form: dict[str, str]) -> Any:
    return owner.client.post(path, data=form)


def saved_from(owner: Owner, page: str, site_id: str) -> Any:
    return send(owner, f"/sites/{site_id}/policy", form_of(page, f"/sites/{site_id}/policy"))


def test_the_page_is_the_declarations(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    page = html.unescape(owner.get(f"/sites/{site.id}/settings").text)
    for field in (*declare(PaperSettings), *declare(Choices)):
        assert field["title"] in page
        assert field["description"] in page
    assert PaperPlatform.hiding in page
    for preset in PRESETS.values():
        assert preset.title in page


def test_the_page_sent_back_unchanged_changes_nothing(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    answer = send(owner, f"/sites/{site.id}/settings", settings_form(owner, site.id))
    assert answer.location == f"/sites/{site.id}/settings?said=saved"
    assert policies.current(bench.core, site.id).version == 2
    assert sites.get(bench.core, site.id).settings == site.settings


def test_settings_alone_are_saved_at_once(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    form = settings_form(owner, site.id) | {
        "mode": "flag",
        "preview_days": "7",
        "private_network": "on",
        "tell_emails": "ann@example.org\nbob@example.org",
        "tell_webhook": "https://hooks.example.org/p",
        "tell_waiting_hours": "0",
    }
    del form["tell_hidden"]
    assert send(owner, f"/sites/{site.id}/settings", form).location == f"/sites/{site.id}/settings?said=saved"
    assert sites.get(bench.core, site.id).settings == PaperSettings(
        mode=Mode.FLAG,
        preview_days=7,
        private_network=True,
        tell_emails=("ann@example.org", "bob@example.org"),
        tell_webhook="https://hooks.example.org/p",
        tell_waiting_hours=0,
        tell_hidden=False,
    )
    page = owner.get(f"/sites/{site.id}/settings").text
    assert re.search(r"whsec_[A-Za-z0-9+/=]{44}", page)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "explode"),
        ("preview_days", "many"),
        ("tell_emails", "nobody"),
        ("tell_emails", "a@example.org\r\nBcc: x"),
        ("tell_webhook", "javascript:alert(1)"),
        ("tell_webhook", "https://user:pass@example.org/"),
        ("approach", "sideways"),
        ("level-weapons", "harsh"),
    ],
)
def test_what_is_wrong_is_marked_and_nothing_is_saved(owner: Owner, bench: Bench, name: str, value: str) -> None:
    site = bench.site()
    answer = send(owner, f"/sites/{site.id}/settings", settings_form(owner, site.id) | {name: value})
    assert answer.status_code == 422
    assert f'href="#{name}"' in answer.text
    assert f'id="{name}-error"' in answer.text
    assert sites.get(bench.core, site.id).settings == site.settings
    assert policies.current(bench.core, site.id).version == 1


def test_what_would_change_is_shown_before_it_is_saved(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    for name, score in (("fine", 0.1), ("doubtful", 0.4), ("clear", 0.6)):
        decided(bench, site, name, score)
    form = settings_form(owner, site.id) | {"approach": "hide", "level-sexual.explicit_nudity": "balanced"}
    answer = send(owner, f"/sites/{site.id}/settings", form)
    assert answer.status_code == 200
    assert "Would newly hide 1, release 0, send 1 to review, of 3 looked at." in answer.text
    assert ">clear<" in answer.text
    assert "preview?" not in answer.text, "only blurred ones are shown"
    assert policies.current(bench.core, site.id).version == 1
    assert bench.platform.hidden == set()
    assert saved_from(owner, answer.text, site.id).location == f"/sites/{site.id}/policy?said=saved"
    assert read(policies.current(bench.core, site.id)).approach is Approach.HIDE
    clock.run_due(bench.core)
    while enforce.run_next(bench.core):
        pass
    assert bench.platform.hidden == {"clear"}
    assert showing.count_waiting(bench.core) == 1


def test_back_brings_the_draft_back(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    form = settings_form(owner, site.id) | {
        "approach": "ask",
        "level-hate": "strict",
        "preview_days": "9",
        "exempt-0-group": "hate",
        "exempt-0-key": "tag",
        "exempt-0-values": "History, Museum",
    }
    page = send(owner, f"/sites/{site.id}/settings", form).text
    back = form_of(page, f"/sites/{site.id}/settings")
    again = form_of(send(owner, f"/sites/{site.id}/settings", back).text)
    assert {name: again[name] for name in ("approach", "level-hate", "preview_days")} == {
        "approach": "ask",
        "level-hate": "strict",
        "preview_days": "9",
    }
    assert (again["exempt-0-group"], again["exempt-0-key"], again["exempt-0-values"]) == ("hate", "tag", "History, Museum")
    assert policies.current(bench.core, site.id).version == 1


def test_a_preset_fills_in_and_says_why(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    page = owner.get(f"/sites/{site.id}/settings?preset=lingerie").text
    preset = PRESETS["lingerie"]
    assert all(advice.why in html.unescape(page) for advice in preset.advice.values())
    form = form_of(page)
    assert {group: form[f"level-{group}"] for group in GROUPS} == {g: a.level.value for g, a in preset.advice.items()}
    preview = send(owner, f"/sites/{site.id}/settings", form)
    saved_from(owner, preview.text, site.id)
    policy = policies.current(bench.core, site.id)
    assert {rule.category: rule.exempt for rule in policy.rules if rule.exempt} == {
        "sexual.suggestive": preset.advice["sexual.suggestive"].exempt
    }
    assert all(rule.mode is RuleMode.SHADOW for rule in policy.rules if rule.category in GROUPS)
    assert owner.get(f"/sites/{site.id}/settings?preset=none").status_code == 200


def numbered(word: str, shown: str, review_from: str, block_from: str) -> dict[str, str]:
    return {"level-hate": word, "shown-hate": shown, "review-hate": review_from, "block-hate": block_from}


@pytest.mark.parametrize(
    ("sent", "level", "review_from", "block_from"),
    [
        ({"level-hate": "custom", "review-hate": "0,3", "block-hate": ""}, Level.CUSTOM, 0.3, None),
        ({"level-hate": "strict"}, Level.STRICT, 0.4, 0.7),
        (
            {"level-hate": "balanced", "shown-hate": "balanced", "review-hate": "0.5", "block-hate": "0.85"},
            Level.CUSTOM,
            0.5,
            0.85,
        ),
        (
            {"level-hate": "balanced", "shown-hate": "strict", "review-hate": "0.4", "block-hate": "0.7"},
            Level.BALANCED,
            0.6,
            0.85,
        ),
        ({"level-hate": "custom", "review-hate": "0.6", "block-hate": "0.85"}, Level.BALANCED, 0.6, 0.85),
    ],
)
def test_words_and_numbers(
    owner: Owner, bench: Bench, sent: dict[str, str], level: Level, review_from: float, block_from: float | None
) -> None:
    site = bench.site()
    page = send(owner, f"/sites/{site.id}/settings", settings_form(owner, site.id) | sent).text
    saved_from(owner, page, site.id)
    policy = policies.current(bench.core, site.id)
    rule = next(rule for rule in policy.rules if rule.category == "hate")
    assert (read(policy).levels["hate"], rule.review, rule.block) == (level, review_from, block_from)


@pytest.mark.parametrize("numbers", [("0.8", "0.2"), ("2", ""), ("much", ""), ("nan", "")])
def test_wrong_numbers_are_marked(owner: Owner, bench: Bench, numbers: tuple[str, str]) -> None:
    site = bench.site()
    sent = {"level-hate": "custom", "review-hate": numbers[0], "block-hate": numbers[1]}
    answer = send(owner, f"/sites/{site.id}/settings", settings_form(owner, site.id) | sent)
    assert answer.status_code == 422
    assert 'id="level-hate-error"' in answer.text


@pytest.mark.parametrize(
    "row", [("", "tag", "x"), ("hate", "", "x"), ("hate", "tag", " , "), ("nonsense", "tag", "x")], ids=lambda row: "/".join(row)
)
def test_half_an_exemption_is_marked(owner: Owner, bench: Bench, row: tuple[str, str, str]) -> None:
    site = bench.site()
    sent = dict(zip(("exempt-0-group", "exempt-0-key", "exempt-0-values"), row, strict=True))
    answer = send(owner, f"/sites/{site.id}/settings", settings_form(owner, site.id) | {"level-hate": "strict"} | sent)
    assert answer.status_code == 422
    assert 'id="exempt-error"' in answer.text


def test_keys_that_the_sites_pictures_have_are_offered(owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    site = acting_site(bench)
    context = {"product_type": ("Swimwear",), "title": ("One of a kind",)}
    plain = PaperPlatform.parse

    def told(self: PaperPlatform, delivery: Any, of: Any) -> Any:
        parsed = plain(self, delivery, of)
        return replace(
            parsed, events=tuple(replace(event, media=replace(event.media, context=context)) for event in parsed.events)
        )

    monkeypatch.setattr(PaperPlatform, "parse", told)
    decided(bench, site, "one", 0.4)
    page = owner.get(f"/sites/{site.id}/settings").text
    assert '<option value="product_type">' in page
    assert '<option value="Swimwear">' in page
    assert "One of a kind" not in page


def test_hiding_by_itself_takes_the_mode_along(owner: Owner, bench: Bench) -> None:
    site = bench.site(mode="flag")
    page = send(owner, f"/sites/{site.id}/settings", settings_form(owner, site.id) | {"approach": "hide"}).text
    assert "Flag only → Hide flagged" in page
    saved_from(owner, page, site.id)
    assert sites.get(bench.core, site.id).settings.mode is Mode.HIDE


def test_a_policy_that_moved_on_is_not_overwritten(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    page = send(owner, f"/sites/{site.id}/settings", settings_form(owner, site.id) | {"level-hate": "strict"}).text
    policies.save(bench.core, site.id, [], "Bob")
    answer = saved_from(owner, page, site.id)
    assert answer.status_code == 422
    assert "Someone saved version 2 meanwhile" in answer.text
    assert policies.current(bench.core, site.id).rules == ()


@pytest.mark.parametrize(
    "draft", ["", "{}", "[]", "nonsense", '{"rules": [{"category": "none"}], "values": {}}', '{"rules": 5, "values": 5}']
)
def test_a_draft_that_is_not_ours_is_refused(owner: Owner, bench: Bench, draft: str) -> None:
    site = bench.site()
    for path in ("policy", "settings"):
        answer = owner.post(f"/sites/{site.id}/{path}", draft=draft, step="back")
        assert answer.status_code == 422
    assert policies.current(bench.core, site.id).version == 1


def test_a_site_that_cannot_be_told_is_named(owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: PaperPlatform, site: object) -> None:
        raise PlatformUnavailable("it is asleep")

    monkeypatch.setattr(PaperPlatform, "settings_changed", away)
    site = bench.site()
    form = settings_form(owner, site.id) | {"preview_days": "7"}
    answer = send(owner, f"/sites/{site.id}/settings", form)
    assert answer.status_code == 200
    assert "could not be told yet: it is asleep" in answer.text
    page = send(owner, f"/sites/{site.id}/settings", form | {"level-hate": "strict"}).text
    saved = saved_from(owner, page, site.id).location
    assert "said=unshared" in saved
    told = owner.get(saved).text
    assert "the site could not be told" in told and "could not be told yet: it is asleep" in told


def test_rules_that_no_word_stands_for_stay(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    expert = [
        {"category": "*", "review": 0.9, "mode": "review"},
        {"category": "weapons.knife", "review": 0.5, "mode": "shadow"},
    ]
    before = policies.save(bench.core, site.id, expert, "expert")
    page = owner.get(f"/sites/{site.id}/settings").text
    assert "2 more rules were set in numbers." in page
    preview = send(owner, f"/sites/{site.id}/settings", form_of(page) | {"level-hate": "strict"}).text
    saved_from(owner, preview, site.id)
    policy = policies.current(bench.core, site.id)
    assert policy.rules[:2] == before.rules
    assert compose(read(policy), policy) == policy.rules


def test_every_kind_of_change_has_a_title() -> None:
    assert set(TITLES) == set(Change)


def test_the_page_is_small(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    assert len(owner.get(f"/sites/{site.id}/settings?preset=kids").data) < 100_000
