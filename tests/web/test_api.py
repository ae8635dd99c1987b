"""The API does what its document says: every operation, every answer, every scope, own and other sites."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from app.domain.platform import SiteState
from app.services.people.tokens import SCOPES, Scope
from app.services.review import queue, showing, verdicts
from app.services.rules import policies
from app.services.sites import sites
from app.web.api import document, rates, shapes
from app.web.api.operations import BASE, OPERATIONS, Operation
from tests.support.core import Bench
from tests.web.conftest import MAX_BODY
from tests.web.programs import BY_NAME, Program, World, make_world
from tests.web.visitor import Owner

ROOT = Path(__file__).parents[2]

SHA256 = "ab" * 32


@pytest.fixture
def world(bench: Bench, application: Flask) -> World:
    return make_world(bench, application)


def test_the_document_is_openapi_and_the_one_in_docs() -> None:
    validate(document.document())
    written = (ROOT / "docs" / "openapi.json").read_text()
    assert written == document.text(), "make openapi writes it anew"


def test_every_route_of_the_api_is_in_the_document(application: Flask) -> None:
    described = {(path, method.upper()) for path, item in document.document()["paths"].items() for method in item}
    routed = set()
    for rule in application.url_map.iter_rules():
        if rule.rule.startswith(BASE) and rule.endpoint != "api.openapi":
            path = rule.rule.removeprefix(BASE).replace("<int:", "{").replace("<", "{").replace(">", "}")
            routed |= {(path, method) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert routed == described
    assert len({made.name for made in OPERATIONS}) == len(OPERATIONS)


def test_the_document_is_served_to_everyone(application: Flask) -> None:
    answer = application.test_client().get(f"{BASE}/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json == document.document()


Call = dict[str, Any]

GOOD: dict[str, Callable[[World], Call]] = {
    "list_sites": lambda world: {},
    "read_site": lambda world: {"site_id": world.site.id},
    "pause_site": lambda world: {"site_id": world.site.id},
    "resume_site": lambda world: {"site_id": world.site.id},
    "scan_site": lambda world: {"site_id": world.site.id},
    "read_settings": lambda world: {"site_id": world.site.id},
    "change_settings": lambda world: {"site_id": world.site.id, "body": {"values": {"ink": "red"}}},
    "read_policy": lambda world: {"site_id": world.site.id},
    "list_policy_versions": lambda world: {"site_id": world.site.id},
    "save_policy": lambda world: {
        "site_id": world.site.id,
        "body": {
            "rules": [
                *policies.stored(policies.current(world.bench.core, world.site.id)),
                {"category": "gambling", "review": 0.5, "exempt": [{"key": "role", "values": ["editor"]}]},
            ]
        },
    },
    "preview_policy": lambda world: {
        "site_id": world.site.id,
        "body": {"rules": [{"category": "sexual.explicit_nudity", "review": 0.5, "block": 0.8, "mode": "enforce"}]},
    },
    "list_steps": lambda world: {"query": {"site": world.site.id, "limit": 2}},
    "read_insights": lambda world: {"query": {"site": world.site.id, "days": 7}},
    "list_decisions": lambda world: {"query": {"site": world.site.id, "limit": 2}},
    "read_decision": lambda world: {"decision_id": world.blocked},
    "give_verdict": lambda world: {"decision_id": world.waiting, "body": {"verdict": "block", "never_again": True}},
    "undo_decision": lambda world: {"decision_id": world.blocked},
    "list_waiting": lambda world: {"query": {"site": world.site.id}},
    "take_next": lambda world: {"body": {"site": world.site.id}},
    "release": lambda world: {},
    "read_history": lambda world: {"site_id": world.site.id, "query": {"media_id": "blocked"}},
    "rejudge": lambda world: {"site_id": world.site.id, "body": {"media_id": "allowed"}},
    "import_hashes": lambda world: {"body": {"site_id": world.site.id, "entries": [{"kind": "sha256", "value": SHA256}]}},
}
"""One call of each operation that is answered well."""

FOREIGN: dict[str, Callable[[World], Call]] = {
    "list_steps": lambda world: {"query": {"site": world.other.id}},
    "read_insights": lambda world: {"query": {"site": world.other.id}},
    "list_decisions": lambda world: {"query": {"site": world.other.id}},
    "list_waiting": lambda world: {"query": {"site": world.other.id}},
    "take_next": lambda world: {"body": {"site": world.other.id}},
    "import_hashes": lambda world: {"body": {"site_id": world.other.id, "entries": [{"kind": "sha256", "value": SHA256}]}},
}
"""How the site of someone else is named where it is not part of the address."""


def foreign(made: Operation, world: World) -> Call | None:
    call = GOOD[made.name](world)
    if "site_id" in made.parameters:
        return {**call, "site_id": world.other.id}
    if "decision_id" in made.parameters:
        return {**call, "decision_id": world.theirs}
    return FOREIGN[made.name](world) if made.name in FOREIGN else None


def _stale(world: World, name: str, **call: Any) -> TestResponse:
    """Call about a decision that somebody answered meanwhile."""
    verdicts.resolve(world.bench.core, call["decision_id"], verdicts.Verdict.ALLOW, "Ben")
    return world.program().call(name, **call)


_SPECIAL: dict[tuple[str, int], Callable[[World], TestResponse]] = {
    ("give_verdict", 409): lambda world: _stale(world, "give_verdict", **GOOD["give_verdict"](world)),
    ("undo_decision", 409): lambda world: _stale(world, "undo_decision", **GOOD["undo_decision"](world)),
}
"""Answers that need more than a bad token or a bad request."""


def _refuse(world: World, made: Operation, status: int, monkeypatch: pytest.MonkeyPatch) -> TestResponse:
    call = GOOD[made.name](world)
    match status:
        case 401:
            return Program(world.application, "").call(made.name, **call)
        case 403:
            return world.program(*(set(Scope) - {made.scope})).call(made.name, **call)
        case 404:
            other = foreign(made, world)
            assert other is not None
            return world.program(site_id=world.site.id).call(made.name, **other)
        case 413:
            return world.program().call(made.name, **{**call, "body": b" " * (MAX_BODY + 1)})
        case 422:
            wrong = {"body": {"nonsense": 1}} if made.body else {"query": {"nonsense": 1}}
            return world.program().call(made.name, **{**call, **wrong})
        case 429:
            monkeypatch.setattr(rates, "REQUESTS_PER_MINUTE", 0)
            return world.program().call(made.name, **call)
    raise AssertionError(f"no test makes {made.name} answer {status}")


@pytest.mark.parametrize(
    ("made", "status"),
    [(made, status) for made in OPERATIONS for status in (made.status.value, *made.refusals)],
    ids=lambda value: value.name if isinstance(value, Operation) else str(value),
)
def test_every_documented_answer_is_given(world: World, made: Operation, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if (made.name, status) in _SPECIAL:
        answer = _SPECIAL[made.name, status](world)
    elif status == made.status:
        answer = world.program(made.scope).call(made.name, **GOOD[made.name](world))
    else:
        answer = _refuse(world, made, status, monkeypatch)
    assert answer.status_code == status, answer.text
    assert "Set-Cookie" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    if status == 429:
        assert answer.headers["Retry-After"] == "60"


@pytest.mark.parametrize("limited", [False, True], ids=["every site", "one site"])
@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("made", OPERATIONS, ids=lambda made: made.name)
def test_a_token_opens_what_its_scope_and_site_say_and_nothing_else(
    world: World, made: Operation, scope: Scope, limited: bool
) -> None:
    program = world.program(scope, site_id=world.site.id if limited else "")
    own = program.call(made.name, **GOOD[made.name](world))
    assert own.status_code == (made.status if scope is made.scope else 403)
    call = foreign(made, world)
    if call is None:
        return
    other = program.call(made.name, **call)
    assert other.status_code == (403 if scope is not made.scope else 404 if limited else made.status), other.text


def test_lists_hold_no_row_of_a_site_that_the_token_does_not_see(world: World) -> None:
    everything, limited = world.program(), world.program(site_id=world.site.id)
    lists = (("list_sites", "id"), ("list_decisions", "site_id"), ("list_waiting", "site_id"), ("list_steps", "site_id"))
    for name, whose in lists:
        of_all = {item[whose] for item in everything.call(name).json["items"]}
        of_one = {item[whose] for item in limited.call(name).json["items"]}
        assert (of_all - {""}, of_one) == ({world.site.id, world.other.id}, {world.site.id}), name
    assert limited.call("list_waiting").json["total"] == 1
    taken = world.program(site_id=world.other.id).call("take_next", body={}).json["item"]
    assert taken["id"] == world.theirs
    assert limited.call("import_hashes", body={"entries": [{"kind": "pdq", "value": SHA256}]}).status_code == 403


def test_a_cookie_opens_nothing(world: World, owner: Owner) -> None:
    answer = owner.get(f"{BASE}/sites")
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert owner.client.post(f"{BASE}/sites/{world.site.id}/pause", data={"form_token": owner.form_token}).status_code == 401
    assert sites.get(world.bench.core, world.site.id).state is SiteState.ACTIVE


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic {}", "bearer picward_nonsense", "Bearer é", "Bearer " + "x" * 9000]
)
def test_what_is_no_token_is_refused(world: World, header: str) -> None:
    answer = world.application.test_client().get(f"{BASE}/sites", headers={"Authorization": header.encode().decode("latin-1")})
    assert answer.status_code == 401
    assert answer.json == {"type": "about:blank", "title": "Token refused", "status": 401}


def test_another_origin_is_told_nothing_before_it_asks(application: Flask) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    answer = application.test_client().options(f"{BASE}/sites", headers=asked)
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]


def test_decisions_come_page_by_page_by_the_link(world: World) -> None:
    program = world.program()
    path, seen = f"{BASE}/decisions?limit=1&site={world.site.id}", []
    while path:
        answer = program.application.test_client().get(path, headers={"Authorization": f"Bearer {program.token}"})
        assert answer.json is not None
        seen += [item["id"] for item in answer.json["items"]]
        link = answer.headers.get("Link", "")
        assert not link or (link.startswith("<http://picward.test/api/v1/decisions?") and link.endswith('>; rel="next"'))
        path = link.partition(">")[0].removeprefix("<http://picward.test")
    assert seen == [world.allowed, world.waiting, world.blocked]


def test_decisions_are_found_by_filters(world: World) -> None:
    program = world.program()
    program.call("give_verdict", **GOOD["give_verdict"](world))
    since = datetime.fromtimestamp(world.bench.clock() / 1_000_000 - 100, UTC).isoformat()

    def found(**filters: Any) -> list[int]:
        return [item["id"] for item in program.call("list_decisions", query=filters).json["items"]]

    newest = found()[0]
    assert found(verdict="allow") == [world.allowed]
    assert found(person="nightly (program)") == [newest]
    assert found(search="blocked") == [world.blocked]
    assert found(state="done", verdict="block")[-1] == world.blocked
    assert world.waiting not in found() and world.waiting in found(replaced="true")
    assert newest in found(since=since)
    assert found(until="2001-01-01T00:00:00Z") == []
    for wrong in (
        {"since": "yesterday"},
        {"since": "2026-11-22T10:00:00"},
        {"limit": 0},
        {"limit": 201},
        {"before": -1},
        {"verdict": "x"},
    ):
        assert program.call("list_decisions", query=wrong).status_code == 422, wrong


def test_a_draft_is_tried_and_nothing_is_stored(world: World) -> None:
    program = world.program(Scope.READ)
    answer = program.call("preview_policy", **GOOD["preview_policy"](world)).json
    assert answer["looked_at"] == 3
    assert {item["change"]: item["examples"] for item in answer["changes"]} == {"settle": [world.waiting]}
    assert program.call("read_policy", site_id=world.site.id).json["version"] == 2
    late = {"rules": [], "upon": 1}
    assert world.program().call("save_policy", site_id=world.site.id, body=late).status_code == 422


def test_the_page_about_the_api_says_what_the_code_says() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    for scope, said in SCOPES.items():
        assert f"| `{scope}` | {said} |" in text
    for said in (
        f"{rates.REQUESTS_PER_MINUTE} times a",
        f"pages of {shapes.PAGE} (`limit`: at most {shapes.LONGEST_PAGE})",
        f"up to {shapes.MOST_HASHES:,} hashes",
        f"for {('zero', 'one', 'two', 'three', 'four', 'five')[queue.LEASE_MINUTES]} minutes",
    ):
        assert said in text, said


def test_the_queue_comes_page_by_page(world: World) -> None:
    program = world.program()
    first = program.call("list_waiting", query={"limit": 1})
    after = first.headers["Link"].partition("after=")[2].partition(">")[0]
    second = program.call("list_waiting", query={"limit": 1, "after": after})
    assert [first.json["items"][0]["id"], second.json["items"][0]["id"]] == [world.waiting, world.theirs]
    assert "Link" not in second.headers


def test_a_verdict_that_is_sent_again_gets_the_same_answer(world: World) -> None:
    program = world.program()
    call = {"decision_id": world.waiting, "body": {"verdict": "block"}}
    first, again = program.call("give_verdict", **call), program.call("give_verdict", **call)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json == again.json
    assert first.json["supersedes"] == world.waiting
    assert first.json["person"] == "nightly (program)"
    otherwise = program.call("give_verdict", decision_id=world.waiting, body={"verdict": "allow"})
    assert otherwise.status_code == 409
    allowed = program.call("give_verdict", decision_id=first.json["id"], body={"verdict": "allow"})
    assert allowed.json["verdict"] == "allow"


def test_a_program_and_a_person_do_not_judge_the_same_picture_at_once(world: World) -> None:
    program = world.program()
    held = queue.take(world.bench.core, world.waiting, 7, "Ben")
    assert held.reviewer == "Ben"
    assert program.call("give_verdict", **GOOD["give_verdict"](world)).status_code == 409
    taken = program.call("take_next", body={"site": world.site.id}).json["item"]
    assert taken is None
    world.bench.clock.pass_seconds(queue.LEASE_MINUTES * 60 + 1)
    taken = program.call("take_next", body={"site": world.site.id}).json["item"]
    assert (taken["id"], taken["reviewer"]) == (world.waiting, "nightly (program)")
    assert world.program().call("take_next", body={"site": world.site.id}).json["item"] is None
    assert program.call("release").status_code == 204
    assert world.program().call("take_next", body={"site": world.site.id}).json["item"]["id"] == world.waiting


def test_what_is_restricted_is_not_there_for_programs(world: World) -> None:
    hidden = world.seen("hidden", "csae.known_hash")
    program = world.program()
    assert program.call("read_decision", decision_id=hidden).status_code == 404
    assert program.call("give_verdict", decision_id=hidden, body={"verdict": "allow"}).status_code == 404
    assert program.call("undo_decision", decision_id=hidden).status_code == 404
    for name in ("list_decisions", "list_waiting"):
        assert hidden not in [item["id"] for item in program.call(name).json["items"]]


def test_a_program_is_not_one_of_two_people(world: World) -> None:
    two = world.seen("two", "self_harm")
    answer = world.program().call("give_verdict", decision_id=two, body={"verdict": "allow"})
    assert answer.status_code == 403
    assert showing.get(world.bench.core, two).verdict == "review"


def test_changes_say_which_program_made_them(world: World) -> None:
    program = world.program()
    program.call("change_settings", **GOOD["change_settings"](world))
    program.call("save_policy", **GOOD["save_policy"](world))
    program.call("pause_site", site_id=world.site.id)
    trail = sites.trail(world.bench.core, world.site.id)
    assert [who for _, who, _ in trail[:3]] == ["nightly (program)"] * 3
    wrong = program.call("change_settings", site_id=world.site.id, body={"values": {"preview_days": 0}})
    assert (wrong.status_code, list(wrong.json["fields"])) == (422, ["preview_days"])
    wrong = program.call("save_policy", site_id=world.site.id, body={"rules": [{"category": "nonsense"}]})
    assert wrong.status_code == 422


def test_a_token_may_ask_so_often_a_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "REQUESTS_PER_MINUTE", 2)
    program, another = world.program(), world.program()
    statuses = [program.call("list_sites").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert another.call("list_sites").status_code == 200
    world.bench.clock.pass_seconds(60)
    assert program.call("list_sites").status_code == 200


def test_an_unknown_address_is_a_problem_document_even_for_browsers(application: Flask) -> None:
    answer = application.test_client().get(f"{BASE}/nowhere", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert application.test_client().delete(f"{BASE}/sites").status_code == 405


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 3000, json.dumps({"verdict": "review"}).encode()])
def test_a_body_that_does_not_fit_names_what_is_wrong(world: World, body: bytes) -> None:
    answer = world.program().call("give_verdict", decision_id=world.waiting, body=body)
    assert answer.status_code == 422
    assert answer.json["fields"]


def test_every_operation_is_tried(world: World) -> None:
    assert set(GOOD) == set(BY_NAME)
