"""Rules in numbers, and the policy's versions: compared, gone back to, undone."""

from __future__ import annotations

import pytest

from app.domain.policy import Exemption, Rule, RuleMode, starting_policy
from app.services.pipeline import enforce
from app.services.pipeline.moderate import Moderator
from app.services.review import verdicts
from app.services.rules import policies
from tests.support.core import Bench
from tests.web.rules.test_settings import form_of, saved_from, send
from tests.web.visitor import Owner, acting_site, decided


def rules_form(bench: Bench, site_id: str) -> dict[str, str]:
    form = {}
    for number, rule in enumerate(policies.current(bench.core, site_id).rules):
        form[f"rule-{number}-category"] = rule.category
        form[f"rule-{number}-mode"] = rule.mode
        form[f"rule-{number}-review"] = "" if rule.review is None else str(rule.review)
        form[f"rule-{number}-block"] = "" if rule.block is None else str(rule.block)
        form[f"rule-{number}-exempt"] = "\n".join(f"{item.key}: {', '.join(item.values)}" for item in rule.exempt)
    return form


def test_rules_are_saved_as_the_next_version_once_their_effect_was_shown(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    path = f"/sites/{site.id}/rules"
    assert owner.post(path, **rules_form(bench, site.id)).location == f"{path}?said=unchanged"
    form = rules_form(bench, site.id) | {
        "rule-0-mode": "enforce",
        "rule-0-review": "0,4",
        "rule-0-block": "",
        "rule-0-exempt": "product_type: Swimwear, Lingerie\n\nrole : editor",
        "rule-1-remove": "on",
        "new-category": "weapons.firearm",
        "new-mode": "review",
        "new-review": "0.5",
    }
    preview = owner.post(path, **form)
    assert preview.status_code == 200
    assert "No picture was judged here yet" in preview.text
    assert policies.current(bench.core, site.id).version == 1
    back = send(owner, path, form_of(preview.text, path)).text
    assert "product_type: Swimwear, Lingerie" in back
    assert "weapons.firearm" in back
    assert saved_from(owner, preview.text, site.id).location == f"/sites/{site.id}/policy?said=saved"
    policy = policies.current(bench.core, site.id)
    assert policy.version == 2
    assert policy.rules[0] == Rule(
        category="sexual.explicit_nudity",
        review=0.4,
        mode=RuleMode.ENFORCE,
        exempt=(
            Exemption(key="product_type", values=("Swimwear", "Lingerie")),
            Exemption(key="role", values=("editor",)),
        ),
    )
    assert policy.rules[1:-1] == starting_policy().rules[2:]
    assert policy.rules[-1] == Rule(category="weapons.firearm", review=0.5, mode=RuleMode.REVIEW)


@pytest.mark.parametrize(
    ("field", "value", "marked"),
    [
        ("rule-0-review", "2", "rule-0-review-error"),
        ("rule-0-review", "much", "rule-0-review-error"),
        ("rule-0-review", "nan", "rule-0-review-error"),
        ("rule-0-block", "0.1", "rule-0-category-error"),
        ("rule-0-mode", "explode", "rule-0-mode-error"),
        ("rule-0-exempt", "no colon here", "rule-0-exempt-error"),
        ("rule-0-exempt", ": x", "rule-0-exempt-error"),
        ("rule-0-category", "nonsense", "rule-0-category-error"),
        ("new-category", "nonsense", "rule-8-category-error"),
    ],
)
def test_a_wrong_rule_is_marked_and_nothing_is_saved(owner: Owner, bench: Bench, field: str, value: str, marked: str) -> None:
    site = bench.site()
    form = rules_form(bench, site.id) | {field: value}
    if field == "new-category":
        form["new-mode"] = "shadow"
    answer = owner.post(f"/sites/{site.id}/rules", **form)
    assert answer.status_code == 422
    assert f'id="{marked}"' in answer.text
    assert policies.current(bench.core, site.id).version == 1


def test_versions_are_listed_and_compared_in_words(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    first = policies.stored(policies.current(bench.core, site.id))
    changed = [{**first[0], "mode": "enforce", "block": 0.7}, *first[2:], {"category": "hate", "review": 0.5, "mode": "review"}]
    policies.save(bench.core, site.id, changed, "Bob")
    exempt = [{**changed[0], "exempt": [{"key": "tag", "values": ["Art"]}]}, *changed[1:]]
    policies.save(bench.core, site.id, exempt, "Bob")
    page = owner.get(f"/sites/{site.id}/policy").text
    assert "Version 2 and version 3" in page
    assert "left alone from now on: tag is Art" in page
    assert "Version 3 · in force" in page
    page = owner.get(f"/sites/{site.id}/policy?from=1&to=2").text
    for words in (
        "<strong>Nudity</strong>: only watched → acted upon",
        "hides from 0.55 → 0.7",
        "<strong>Sexual activity</strong>: no longer looked for",
        "new: a person is asked, asks from 0.5",
    ):
        assert words in " ".join(page.split())
    assert "no longer left alone: tag is Art" in owner.get(f"/sites/{site.id}/policy?from=3&to=1").text
    assert "They are the same." in owner.get(f"/sites/{site.id}/policy?from=2&to=2").text
    assert owner.get(f"/sites/{site.id}/policy?from=99&to=x").status_code == 200


def test_going_back_saves_a_version_that_is_equal_to_the_old_one(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    decided(bench, site, "clear", 0.9)
    assert bench.platform.hidden == {"clear"}
    preview = owner.post(f"/sites/{site.id}/policy/1/again")
    assert "release 1" in preview.text
    assert policies.current(bench.core, site.id).version == 2
    saved_from(owner, preview.text, site.id)
    policy = policies.current(bench.core, site.id)
    assert (policy.version, policy.rules) == (3, starting_policy().rules)
    assert owner.post(f"/sites/{site.id}/policy/3/again").location == f"/sites/{site.id}/policy?said=unchanged"
    assert owner.post(f"/sites/{site.id}/policy/77/again").status_code == 404


def test_undoing_a_version_shows_first_and_leaves_what_people_confirmed(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    confirmed = decided(bench, site, "confirmed", 0.9)
    verdicts.resolve(bench.core, confirmed, verdicts.Verdict.BLOCK, "Bob")
    for name in ("one", "two"):
        decided(bench, site, name, 0.9)
    decided(bench, site, "fine", 0.1)
    while enforce.run_next(bench.core):
        pass
    assert bench.platform.hidden == {"confirmed", "one", "two"}
    path = f"/sites/{site.id}/policy/2/undo"
    page = owner.post(path).text
    assert bench.platform.hidden == {"confirmed", "one", "two"}
    assert "2" in page
    assert 'name="also"' not in page
    answer = owner.post(path, confirmed="1")
    assert "/review/batches/" in answer.location
    while enforce.run_next(bench.core):
        pass
    assert bench.platform.hidden == {"confirmed"}
    assert owner.post(path).location == f"/sites/{site.id}/policy?said=nothing_to_undo"
    undone = answer.location.rsplit("/", 1)[1]
    owner.post(f"/review/batches/{undone}/undo", confirmed="1")
    while enforce.run_next(bench.core):
        pass
    assert bench.platform.hidden == {"confirmed", "one", "two"}


def test_nothing_is_undone_twice_or_for_another_version(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    decided(bench, site, "one", 0.9)
    assert (
        owner.post(f"/sites/{site.id}/policy/1/undo", confirmed="1").location == f"/sites/{site.id}/policy?said=nothing_to_undo"
    )
    assert owner.post(f"/sites/{site.id}/policy/9/undo").status_code == 404
    while Moderator(bench.core).run_next() or enforce.run_next(bench.core):
        pass
    assert bench.platform.hidden == {"one"}
