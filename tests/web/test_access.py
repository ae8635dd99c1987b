"""Every console route x (signed out, owner), every POST without its form token, and ids that are not there."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.domain.errors import PlatformRefused
from app.services import enforce, people, sites
from app.web.console.guard import OPEN
from tests.support.core import Bench
from tests.web.visitor import Owner, acting_site, decided

# What the owner gets, per endpoint and method; {site}, {waiting} and {parked} stand for rows that are there.
TABLE: dict[tuple[str, str], int] = {
    ("home", "GET"): 303,
    ("sign_out", "POST"): 303,
    ("site_list", "GET"): 200,
    ("site_add", "GET"): 200,
    ("site_add", "POST"): 200,
    ("site", "GET"): 200,
    ("site_connect", "GET"): 200,
    ("site_state", "GET"): 200,
    ("site_code", "POST"): 303,
    ("site_check", "POST"): 303,
    ("site_pause", "POST"): 303,
    ("site_resume", "POST"): 303,
    ("site_disconnect", "GET"): 200,
    ("site_disconnect", "POST"): 303,
    ("site_scan", "POST"): 303,
    ("site_parked", "POST"): 303,
    ("site_settings", "GET"): 200,
    ("site_settings", "POST"): 422,
    ("site_rules", "GET"): 200,
    ("site_rules", "POST"): 303,
    ("review_queue", "GET"): 200,
    ("give_verdict", "POST"): 400,
    ("preview", "GET"): 200,
    ("reveal", "POST"): 200,
    ("decision_list", "GET"): 200,
    ("decision", "GET"): 200,
}
POSTS = sorted(endpoint for endpoint, method in TABLE if method == "POST")


def _rules(application: Flask) -> dict[str, Rule]:
    return {
        rule.endpoint.removeprefix("console."): rule
        for rule in application.url_map.iter_rules()
        if rule.endpoint.startswith("console.")
    }


@pytest.fixture
def paths(bench: Bench, application: Flask) -> dict[str, str]:
    """Give a path with rows behind it for each endpoint."""
    site = acting_site(bench)
    waiting = decided(bench, site, "waits", 0.4)
    bench.platform.trouble["apply"] = PlatformRefused("not allowed there")
    decided(bench, site, "parked", 0.9)
    del bench.platform.trouble["apply"]
    parked = enforce.parked(bench.core, site.id)[0].id
    values = {"site_id": site.id, "decision_id": waiting, "parked_id": parked, "what": "retry", "token": "x"}
    adapter = application.url_map.bind("localhost")
    return {
        endpoint: adapter.build(rule.endpoint, {name: values[name] for name in rule.arguments})
        for endpoint, rule in _rules(application).items()
    }


def test_the_table_names_every_route(application: Flask) -> None:
    served = {
        (endpoint, method)
        for endpoint, rule in _rules(application).items()
        if f"console.{endpoint}" not in OPEN
        for method in (rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}
    }
    assert served == set(TABLE)


@pytest.mark.parametrize(("endpoint", "method"), sorted(TABLE))
def test_signed_out_people_are_sent_to_sign_in(
    application: Flask, paths: dict[str, str], endpoint: str, method: str, bench: Bench
) -> None:
    answer = application.test_client().open(paths[endpoint], method=method)
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in")
    assert not bench.platform.hidden


@pytest.mark.parametrize(("endpoint", "method"), sorted(TABLE))
def test_the_owner_gets_the_page(owner: Owner, paths: dict[str, str], endpoint: str, method: str) -> None:
    answer = owner.get(paths[endpoint]) if method == "GET" else owner.post(paths[endpoint])
    assert answer.status_code == TABLE[endpoint, method]
    assert "/sign-in" not in (answer.location or "") or endpoint == "sign_out"


@pytest.mark.parametrize("form", [{}, {"form_token": ""}, {"form_token": "f" * 32}, {"form_token": "é"}], ids=repr)
@pytest.mark.parametrize("endpoint", POSTS)
def test_every_post_refuses_a_missing_or_wrong_form_token(
    owner: Owner, paths: dict[str, str], endpoint: str, form: dict[str, str], bench: Bench
) -> None:
    before = sites.listing(bench.core)
    answer = owner.client.post(paths[endpoint], data=form)
    assert answer.status_code == 403
    assert "Form refused" in answer.text
    assert sites.listing(bench.core) == before


def test_another_sessions_form_token_is_refused(owner: Owner, paths: dict[str, str], bench: Bench) -> None:
    other = people.signed_in(bench.core, people.open_session(bench.core, 1))
    assert other is not None
    assert owner.client.post(paths["site_pause"], data={"form_token": other.form_token}).status_code == 403


@pytest.mark.parametrize(
    ("endpoint", "method"),
    [key for key in sorted(TABLE) if key[0].startswith("site") and key[0] not in ("site_list", "site_add")],
)
def test_sites_that_are_not_there_are_404(owner: Owner, paths: dict[str, str], bench: Bench, endpoint: str, method: str) -> None:
    site = sites.listing(bench.core)[0].id
    unknown = paths[endpoint].replace(site, "st_0000000000000000")
    assert owner.client.open(unknown, method=method, data={"form_token": owner.form_token}).status_code == 404
    sites.disconnect(bench.core, site, "Ada")
    assert owner.client.open(paths[endpoint], method=method, data={"form_token": owner.form_token}).status_code == 404


@pytest.mark.parametrize("endpoint", ["decision", "preview", "give_verdict", "reveal"])
def test_decisions_of_sites_that_are_gone_are_404(owner: Owner, paths: dict[str, str], bench: Bench, endpoint: str) -> None:
    method = "POST" if endpoint in ("give_verdict", "reveal") else "GET"
    form = {"form_token": owner.form_token, "verdict": "allow"}
    assert owner.client.open("/decisions/999999" + paths[endpoint][12:], method=method, data=form).status_code == 404
    sites.disconnect(bench.core, sites.listing(bench.core)[0].id, "Ada")
    assert owner.client.open(paths[endpoint], method=method, data=form).status_code == 404


def test_a_parked_action_of_another_site_is_404(owner: Owner, paths: dict[str, str], bench: Bench) -> None:
    site, other = sites.listing(bench.core)[0].id, bench.site().id
    assert owner.post(paths["site_parked"].replace(site, other)).status_code == 404
    assert len(enforce.parked(bench.core, site)) == 1


def test_the_queue_and_its_count_leave_sites_out_that_are_gone(owner: Owner, paths: dict[str, str], bench: Bench) -> None:
    assert '1<span class="unseen"> waiting' in owner.get("/decisions").text
    sites.disconnect(bench.core, sites.listing(bench.core)[0].id, "Ada")
    assert "Nothing waits" in owner.get("/review").text
    assert "waiting</span>" not in owner.get("/decisions").text
