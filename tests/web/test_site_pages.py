"""Adding, connecting, configuring and letting go of sites."""

from __future__ import annotations

import re

import pytest

from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.policy import Exemption, Rule, RuleMode, starting_policy
from app.domain.settings import Mode, NetworkedSettings
from app.services import enforce, policies, scan, sites
from tests.support.core import Bench, PaperPlatform
from tests.web.visitor import Owner, acting_site, decided


def code_on(page: str) -> str:
    found = re.search(r"picward1_[\w-]+", page)
    return found[0] if found else ""


def test_a_site_is_added_and_its_code_shown_to_this_browser_only(owner: Owner, bench: Bench) -> None:
    assert "Paper" in owner.get("/sites/add").text
    answer = owner.post("/sites/add", platform="paper", name="Shop <1>", private_network="on")
    row = sites.listing(bench.core)[0]
    assert answer.location == f"/sites/{row.id}/connect"
    page = owner.get(answer.location).text
    site = sites.get(bench.core, row.id)
    assert code_on(page) == sites.pairing_code(bench.core, site)
    assert (site.name, site.settings) == ("Shop <1>", NetworkedSettings(private_network=True))
    assert "Shop &lt;1&gt;" in page
    owner.client.delete_cookie("picward_code", path=answer.location)
    assert code_on(owner.get(answer.location).text) == ""


def test_the_page_tells_when_the_site_has_connected_and_hides_the_code(owner: Owner, bench: Bench) -> None:
    path = owner.post("/sites/add", platform="paper", name="Shop").location
    site = sites.get(bench.core, path.split("/")[2])
    state = f"/sites/{site.id}/state"
    assert owner.get(state).json == {"state": "pairing"}
    sites.admit(bench.core, "paper", bench.signed(site, b""))
    assert owner.get(state).json == {"state": "active"}
    page = owner.get(path).text
    assert "Paper is patient" in page
    assert code_on(page) == ""


def test_a_new_code_replaces_the_old_one(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    path = owner.post(f"/sites/{site.id}/code").location
    renewed = sites.get(bench.core, site.id)
    assert renewed.secrets != site.secrets
    assert code_on(owner.get(path).text) == sites.pairing_code(bench.core, renewed)


def test_platforms_that_ask_for_an_address_are_tested_before_they_are_stored(
    owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PaperPlatform, "connect_fields", ("drawer_path",))
    assert "Drawer path" in owner.get("/sites/add?platform=paper").text
    empty = owner.post("/sites/add", platform="paper", name="Shop")
    assert (empty.status_code, "connect-drawer_path-error" in empty.text) == (422, True)
    bench.platform.trouble["check"] = PlatformRefused("there is no such drawer")
    wrong = owner.post("/sites/add", platform="paper", name="Shop", **{"connect-drawer_path": "/left"})
    assert wrong.status_code == 422
    assert "there is no such drawer" in wrong.text
    assert 'value="/left"' in wrong.text
    assert sites.listing(bench.core) == []
    bench.platform.trouble.clear()
    answer = owner.post("/sites/add", platform="paper", name="Shop", **{"connect-drawer_path": "/left"})
    row = sites.listing(bench.core)[0]
    assert (answer.location, row.state) == (f"/sites/{row.id}?said=connected", "active")
    assert owner.post(f"/sites/{row.id}/code").status_code == 403


def test_an_unknown_platform_cannot_be_added(owner: Owner) -> None:
    assert owner.get("/sites/add?platform=nothing").status_code == 404
    assert owner.post("/sites/add", platform="nothing").status_code == 404


def test_the_list_shows_health(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    decided(bench, site, "waits", 0.4)
    bench.platform.trouble["check"] = PlatformUnavailable("nobody is at home")
    assert owner.post(f"/sites/{site.id}/check").location == f"/sites/{site.id}"
    for page in (owner.get("/sites").text, owner.get(f"/sites/{site.id}").text):
        assert "nobody is at home" in page
        assert f'<a href="/review?site={site.id}">1</a>' in page
    bench.platform.trouble.clear()
    assert owner.post(f"/sites/{site.id}/check").location == f"/sites/{site.id}?said=checked"
    assert "nobody is at home" not in owner.get("/sites").text


def test_a_new_site_says_that_it_only_watches(owner: Owner, bench: Bench) -> None:
    watching, acting = bench.site(), acting_site(bench)
    assert "A new site only watches." in owner.get(f"/sites/{watching.id}").text
    assert "only watches" not in owner.get(f"/sites/{acting.id}").text
    policies.save(bench.core, watching.id, [{"category": "*", "review": 0.5, "mode": "review"}], "owner")
    assert "only watches" not in owner.get(f"/sites/{watching.id}").text


def test_pause_resume_and_disconnect(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    owner.post(f"/sites/{site.id}/pause")
    assert sites.get(bench.core, site.id).state == "paused"
    owner.post(f"/sites/{site.id}/resume")
    assert sites.get(bench.core, site.id).state == "active"
    assert "stay hidden" in owner.get(f"/sites/{site.id}/disconnect").text
    assert owner.post(f"/sites/{site.id}/disconnect").location == "/sites?said=disconnected"
    assert sites.listing(bench.core) == []


def test_a_scan_is_asked_for(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    woken = len(bench.woken)
    owner.post(f"/sites/{site.id}/scan")
    progress = scan.last(bench.core, site.id)
    assert progress is not None
    assert not progress.done
    assert len(bench.woken) > woken


def test_parked_actions_are_retried_or_put_away(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    bench.platform.trouble["apply"] = PlatformRefused("the editor may not do this")
    decided(bench, site, "a", 0.9)
    decided(bench, site, "b", 0.9)
    second, first = enforce.parked(bench.core, site.id)
    page = owner.get(f"/sites/{site.id}").text
    assert "the editor may not do this" in page
    bench.platform.trouble.clear()
    owner.post(f"/sites/{site.id}/parked/{first.id}/retry")
    enforce.run_next(bench.core)
    assert bench.platform.hidden == {"a"}
    owner.post(f"/sites/{site.id}/parked/{second.id}/dismiss")
    assert enforce.parked(bench.core, site.id) == []
    assert owner.post(f"/sites/{site.id}/parked/{second.id}/dismiss").status_code == 404


def test_a_message_is_chosen_by_the_address_and_never_written_by_it(owner: Owner, bench: Bench) -> None:
    page = owner.get("/sites?said=<script>alert(1)</script>").text
    assert "alert(1)" not in page


def test_the_settings_page_is_the_declaration(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    page = owner.get(f"/sites/{site.id}/settings").text
    for info in NetworkedSettings.model_fields.values():
        assert str(info.title) in page.replace("&#39;", "'")
    answer = owner.post(f"/sites/{site.id}/settings", mode="flag", preview_days="7", private_network="on")
    assert answer.location == f"/sites/{site.id}/settings?said=saved"
    saved = sites.get(bench.core, site.id).settings
    assert saved == NetworkedSettings(mode=Mode.FLAG, preview_days=7, private_network=True)


def test_wrong_settings_are_marked_and_nothing_is_saved(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    answer = owner.post(f"/sites/{site.id}/settings", mode="explode", preview_days="many")
    assert answer.status_code == 422
    assert 'id="preview_days-error"' in answer.text
    assert 'id="mode-error"' in answer.text
    assert 'value="many"' in answer.text
    assert sites.get(bench.core, site.id).settings == site.settings


def test_a_site_that_cannot_be_told_of_its_settings_is_named(owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: PaperPlatform, site: object) -> None:
        raise PlatformUnavailable("it is asleep")

    monkeypatch.setattr(PaperPlatform, "settings_changed", away)
    site = bench.site()
    answer = owner.post(f"/sites/{site.id}/settings", mode="flag", preview_days="7")
    assert answer.status_code == 200
    assert "could not be told yet: it is asleep" in answer.text
    assert sites.get(bench.core, site.id).settings.preview_days == 7


def rules_form(bench: Bench, site_id: str) -> dict[str, str]:
    form = {}
    for number, rule in enumerate(policies.current(bench.core, site_id).rules):
        form[f"rule-{number}-category"] = rule.category
        form[f"rule-{number}-mode"] = rule.mode
        form[f"rule-{number}-review"] = "" if rule.review is None else str(rule.review)
        form[f"rule-{number}-block"] = "" if rule.block is None else str(rule.block)
        form[f"rule-{number}-exempt"] = "\n".join(f"{item.key}: {', '.join(item.values)}" for item in rule.exempt)
    return form


def test_a_policy_is_saved_as_its_next_version(owner: Owner, bench: Bench) -> None:
    site = bench.site()
    path = f"/sites/{site.id}/rules"
    unchanged = owner.post(path, **rules_form(bench, site.id))
    assert unchanged.location == f"{path}?said=unchanged"
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
    assert owner.post(path, **form).location == f"{path}?said=saved"
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
    page = owner.get(path).text
    assert "product_type: Swimwear, Lingerie" in page
    assert "v2 ·" in page
    assert "v1 ·" in page


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
