"""What every console route asks for, beside who comes (`access/test_every_route.py`): its own forms, rows that are there.

The rows are the routes that are served and what they declare, so that none can be left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.routing import Rule

from app.domain.roles import RIGHTS, Right, Role
from app.services.pipeline import enforce
from app.services.review import showing
from app.services.sites import sites
from tests.web.house import House
from tests.web.visitor import Owner

OF_A_SITE = {"site_id", "decision_id", "parked_id", "batch_id"}
"""Arguments that name something of one site. A new one of this kind belongs here and into `_rows`."""


@pytest.fixture
def reached(house: House) -> House:
    """Put a stand-in behind every route, so that what is seen is the guard alone and nothing is changed."""
    for endpoint, view in house.application.view_functions.items():
        if endpoint.startswith("console."):
            house.application.view_functions[endpoint] = _stand_in(view)
    return house


def _stand_in(view: Any) -> Callable[..., str]:
    def stand_in(**_: Any) -> str:
        return "reached"

    stand_in.needs = view.needs  # type: ignore[attr-defined]
    return stand_in


def test_every_route_declares_what_it_needs_and_pages_use_get_and_post_only(house: House) -> None:
    declared = [(rule.endpoint, right) for rule, _, right in house.routes()]
    assert len(declared) > 30
    assert not [rule for rule, _, _ in house.routes() if (rule.methods or set()) - {"GET", "HEAD", "OPTIONS", "POST"}]
    without = {endpoint for endpoint, right in declared if right is None}
    assert without >= {"console.sign_in", "console.setup", "console.join", "console.reset"}
    assert all(rule.arguments <= {"token"} for rule, _, right in house.routes() if right is None)


@pytest.mark.parametrize("form", [{}, {"form_token": ""}, {"form_token": "f" * 32}, {"form_token": "é"}], ids=repr)
def test_every_post_refuses_a_missing_or_wrong_form_token(reached: House, form: dict[str, str]) -> None:
    visitor = reached.visitor(Role.OWNER)
    taken = [
        rule.rule
        for rule, method, right in reached.routes("POST")
        if right is not None and visitor.client.open(reached.path(rule, reached.own), method=method, data=form).status_code != 403
    ]
    assert taken == []


def test_another_sessions_form_token_is_refused(reached: House) -> None:
    visitor, other = reached.visitor(Role.OWNER), reached.visitor(Role.OWNER)
    taken = [
        rule.rule
        for rule, method, right in reached.routes("POST")
        if right is not None
        and visitor.client.open(reached.path(rule, reached.own), method=method, data={"form_token": other.form_token}).status_code
        != 403
    ]
    assert taken == []


def test_forms_of_other_sites_are_refused_where_there_is_no_session(reached: House) -> None:
    taken = [
        rule.rule
        for rule, method, right in reached.routes("POST")
        if right is None
        and reached.application.test_client()
        .open(reached.path(rule, reached.own), method=method, headers={"Sec-Fetch-Site": "cross-site"})
        .status_code
        != 403
    ]
    assert taken == []


def _all_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a limited role do everything, so that what keeps it from other sites is nothing but its limits."""
    monkeypatch.setitem(RIGHTS, Role.READER, frozenset(Right))


def test_other_sites_rows_are_404_on_every_route(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _all_rights(monkeypatch)
    visitor = house.visitor(Role.READER, house.own["site_id"])
    before = _state(house)
    wrong = []
    for rule, method, _ in house.routes():
        if rule.arguments & OF_A_SITE:
            answer = house.ask(visitor, rule, method, house.other)
            if answer.status_code != 404:
                wrong.append((rule.rule, method, answer.status_code))
    assert wrong == []
    assert _state(house) == before


def _state(house: House) -> list[Any]:
    site = house.other["site_id"]
    in_force = [item.decision.id for item in showing.recent(house.bench.core, site)]
    return [sites.listing(house.bench.core), in_force, sites.trail(house.bench.core, site, 100)]


def test_what_is_not_there_or_gone_is_404_for_the_owner_too(house: House) -> None:
    visitor = house.visitor(Role.OWNER)
    absent = {**house.own, "site_id": "st_0000000000000000", "decision_id": 999_999}
    gone = house.other
    sites.disconnect(house.bench.core, gone["site_id"], "Ada")
    wrong = []
    for rule, method, _ in house.routes():
        for values in (absent, gone):
            if rule.arguments & {"site_id", "decision_id"}:
                answer = house.ask(visitor, rule, method, values)
                if answer.status_code != 404:
                    wrong.append((rule.rule, method, answer.status_code))
    assert wrong == []


def test_an_id_of_another_site_under_ones_own_is_404(house: House) -> None:
    visitor = house.visitor(Role.OWNER)
    for rule, method, _ in house.routes():
        if rule.arguments & OF_A_SITE - {"site_id"} and "site_id" in rule.arguments:
            mixed = {**house.other, "site_id": house.own["site_id"]}
            assert house.ask(visitor, rule, method, mixed).status_code == 404, rule.rule
    assert len(enforce.parked(house.bench.core, house.other["site_id"])) == 1


def test_what_somebody_else_tried_looks_like_what_is_over(house: House) -> None:
    visitor = house.visitor(Role.OWNER)
    found = {
        house.ask(visitor, rule, method, house.own).status_code
        for rule, method, _ in house.routes("GET")
        if "tried_id" in rule.arguments
    }
    assert found == {410}


def test_every_page_opens_for_the_owner(house: House) -> None:
    wrong = []
    for rule, method, right in house.routes("GET"):
        of = {"decision_id": house.own["blocked_id"]} if "statement" in rule.rule else {}
        answer = house.ask(house.owner, rule, method, {**house.own, **of})
        if answer.status_code not in (200, 303, *((410,) if right is None else ())):
            wrong.append((rule.rule, answer.status_code))
    assert wrong == []


def test_no_form_breaks_when_it_comes_empty(house: House) -> None:
    visitor = house.visitor(Role.OWNER)
    wrong = []
    for rule, method, right in house.routes("POST"):
        if right is not None:
            answer = house.ask(visitor, rule, method, house.own)
            forbidden = "Form refused" in answer.text or "Your account may not" in answer.text
            if answer.status_code >= 500 or answer.status_code in (401, 405) or forbidden:
                wrong.append((rule.rule, answer.status_code))
            visitor = house.visitor(Role.OWNER)
    assert wrong == []


def _filled(rule: Rule, values: dict[str, Any]) -> str:
    """Fill a rule's arguments in as they are, also where its converter would refuse them."""
    return re.sub(r"<(?:[^<>]*:)?(\w+)>", lambda found: str(values[found[1]]), rule.rule)


@pytest.mark.parametrize("person_id", ["99", "2147483647", "2147483648", "-1", "x", "9" * 30])
def test_accounts_that_are_not_there_are_404(owner: Owner, person_id: str) -> None:
    assert owner.get(f"/people/{person_id}").status_code == 404
    assert owner.post(f"/people/{person_id}/disable").status_code == 404


def test_the_queue_and_its_count_leave_sites_out_that_are_gone(house: House) -> None:
    visitor = house.visitor(Role.REVIEWER, house.own["site_id"])
    assert '1<span class="unseen"> waiting' in visitor.get("/decisions").text
    sites.disconnect(house.bench.core, house.own["site_id"], "Ada")
    assert "waits-own" not in visitor.get("/review").text
    assert "waiting</span>" not in visitor.get("/decisions").text
