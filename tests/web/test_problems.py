from __future__ import annotations

from typing import NoReturn

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from app.domain import errors
from app.domain.errors import PicwardError
from app.services.sites import sites
from app.web.problems import PROBLEMS, problem_of
from app.web.security import HEADERS
from tests.support.core import Bench
from tests.web.visitor import Owner

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def family(kind: type[PicwardError]) -> set[type[PicwardError]]:
    return {kind}.union(*(family(child) for child in kind.__subclasses__()))


def known_as(kind: type[PicwardError]) -> type[PicwardError]:
    (base,) = {kind} & set(PROBLEMS) or set(kind.__bases__) & set(PROBLEMS)
    return base


def test_every_error_that_can_be_raised_has_an_answer() -> None:
    assert set(PROBLEMS) <= family(PicwardError)
    # A platform may make a kind of its own of one that is known; both are answered alike.
    assert all(problem_of(kind("what was wrong")) == PROBLEMS[known_as(kind)] for kind in family(PicwardError) - {PicwardError})
    named = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PicwardError)}
    assert named - {PicwardError} <= set(PROBLEMS)


@pytest.mark.parametrize("kind", sorted(PROBLEMS, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_each_error_becomes_its_problem_document(application: Flask, kind: type[PicwardError]) -> None:
    @application.get("/raise")
    def fail() -> str:
        raise kind("what was wrong")

    answer = application.test_client().get("/raise")
    problem = PROBLEMS[kind]
    assert answer.status_code == problem.status
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert (answer.json["title"], answer.json["status"]) == (problem.title, problem.status)
    assert answer.json.get("detail", "") == ("" if problem.hidden else "what was wrong")
    page = application.test_client().get("/nowhere", headers=HTML)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "Nothing is here" in page.text and "URL" not in page.text


def test_programs_get_problem_json_where_nothing_is(application: Flask) -> None:
    for accept in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        answer = application.test_client().get("/nowhere", headers=accept)
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_a_bug_is_a_500_that_tells_nothing(application: Flask) -> None:
    application.testing = False

    @application.get("/raise")
    def fail() -> str:
        raise LookupError("secret path")

    answer = application.test_client().get("/raise")
    assert (answer.status_code, answer.json) == (500, {"type": "about:blank", "title": "Internal error", "status": 500})


def _busy(*_: object) -> NoReturn:
    raise OperationalError("INSERT", {}, Exception("database is locked"))


def test_a_commit_that_failed_asks_the_sender_to_come_back(
    application: Flask, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = bench.site()
    body = bench.uploaded(site, "d1")
    monkeypatch.setattr(bench.core.db.engine, "begin", _busy)
    answer = application.test_client().post("/webhooks/paper", data=body.body, headers=dict(body.headers))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "locked" not in answer.text


def test_people_get_a_page_when_the_database_is_away(owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.core.db._reader, "connect", _busy)
    answer = owner.get("/sites")
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert "busy or away" in answer.text


@pytest.mark.parametrize("path", ["/live", "/nowhere", "/sign-in", "/static/picward.css", "/webhooks/paper"])
def test_every_answer_carries_the_security_headers(application: Flask, path: str) -> None:
    answer = application.test_client().get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_https_is_kept_and_answers_are_not_stored(application: Flask, bench: Bench) -> None:
    client = application.test_client()
    assert "Strict-Transport-Security" not in client.get("/sign-in").headers
    assert "Strict-Transport-Security" in client.get("/sign-in", base_url="https://localhost").headers
    assert client.get("/sign-in").headers["Cache-Control"] == "no-store"
    assert sites.listing(bench.core) == []
