"""The one-time link, sign-in, sign-out, and forms before there is a session."""

from __future__ import annotations

import pytest
from flask import Flask

from app.domain.limits import ENTRY
from app.services.people import accounts, links
from app.web.console.guard import local_path
from tests.support.core import Bench
from tests.web.visitor import PASSWORD, Owner

ADA = {"email": "ada@example.org", "name": "Ada", "password": PASSWORD}


def link(bench: Bench) -> str:
    made = links.setup_link(bench.core)
    assert made is not None
    return made.removeprefix("http://picward.test")


def test_the_link_makes_the_owner_signs_in_and_goes_on_to_the_first_site(bench: Bench, application: Flask) -> None:
    client, path = application.test_client(), link(bench)
    assert "Welcome to Picward" in client.get(path).text
    answer = client.post(path, data=ADA)
    assert (answer.status_code, answer.location) == (303, "/sites/add")
    assert "Connect your first site" in client.get("/sites/add").text
    assert client.get("/").location == "/sites/add"


def test_the_link_works_once_and_not_for_ever(bench: Bench, application: Flask) -> None:
    client, path = application.test_client(), link(bench)
    bench.clock.pass_seconds(links.SETUP_HOURS * 3600 + 1)
    late = client.get(path)
    assert late.status_code == 410
    assert "picward link" in late.text
    path = link(bench)
    assert client.post(path, data=ADA).status_code == 303
    for answer in (client.get(path), client.post(path, data=ADA), client.get("/setup"), client.get("/setup/x")):
        assert answer.status_code == 410


def test_mistakes_are_shown_beside_their_fields_and_use_nothing_up(bench: Bench, application: Flask) -> None:
    client, path = application.test_client(), link(bench)
    answer = client.post(path, data={"email": "ada", "name": "<b>Ada</b>", "password": "sesame"})
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text
    assert 'id="password-error"' in answer.text
    assert "&lt;b&gt;Ada" in answer.text
    assert "sesame" not in answer.text
    assert client.post(path, data=ADA).status_code == 303


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
def test_the_cookie_is_kept_from_scripts_and_other_sites(owner: Owner, application: Flask, scheme: str, secure: bool) -> None:
    client = application.test_client()
    answer = client.post("/sign-in", data=ADA, base_url=f"{scheme}://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert answer.location == "/"
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert ("Secure" in cookie) is secure


def test_a_wrong_password_says_what_an_unknown_address_says(owner: Owner, application: Flask) -> None:
    client = application.test_client()
    wrong = client.post("/sign-in", data={**ADA, "password": "wrong"})
    unknown = client.post("/sign-in", data={**ADA, "email": "eva@example.org"})
    assert wrong.status_code == unknown.status_code == 403
    assert wrong.text.replace("ada@", "") == unknown.text.replace("eva@", "")
    assert "Set-Cookie" not in wrong.headers


def test_signing_in_goes_on_to_the_page_that_was_asked_for(owner: Owner, application: Flask) -> None:
    client = application.test_client()
    sent = client.get("/decisions?verdict=block")
    assert sent.location == "/sign-in?next=/decisions?verdict%3Dblock"
    page = client.get(sent.location)
    assert 'value="/decisions?verdict=block"' in page.text
    assert client.post("/sign-in", data={**ADA, "next": "/decisions?verdict=block"}).location == "/decisions?verdict=block"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        "/\u2028x",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(owner: Owner, application: Flask, path: str) -> None:
    assert local_path(path) == ""
    assert application.test_client().post("/sign-in", data={**ADA, "next": path}).location == "/"


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "http://picward.test"}, True),
        ({"Origin": "http://localhost.evil.example"}, False),
        ({"Origin": "https://localhost"}, False),
        ({"Origin": "null"}, False),
        ({"Referer": "http://localhost/sign-in"}, True),
        ({"Referer": "http://evil.example/"}, False),
        ({"Origin": "http://[bad"}, False),
    ],
    ids=repr,
)
def test_forms_before_sign_in_must_come_from_our_own_pages(
    owner: Owner, application: Flask, headers: dict[str, str], taken: bool
) -> None:
    answer = application.test_client().post("/sign-in", data=ADA, headers=headers)
    assert answer.status_code == (303 if taken else 403)
    assert ("Set-Cookie" in answer.headers) is taken


def test_signing_out_ends_the_session_itself(owner: Owner, application: Flask) -> None:
    cookie = owner.client.get_cookie("picward")
    assert cookie is not None
    assert owner.post("/sign-out").location == "/sign-in"
    thief = application.test_client()
    thief.set_cookie("picward", cookie.value)
    assert thief.get("/sites").status_code == 303


@pytest.mark.parametrize(
    ("role", "onward"), [("owner", "/sites/add"), ("reviewer", "/review"), ("restricted", "/review"), ("reader", "/decisions")]
)
def test_an_invited_person_makes_an_account_and_comes_to_the_page_they_came_for(
    owner: Owner, bench: Bench, application: Flask, role: str, onward: str
) -> None:
    path = links.invite(bench.core, "eva@example.org", role, [], "Ada").removeprefix("http://picward.test")
    client = application.test_client()
    page = client.get(path).text
    assert "Ada invited eva@example.org" in page
    wrong = client.post(path, data={"name": "Ada", "password": "sesame"})
    assert wrong.status_code == 422
    assert "password-error" in wrong.text
    assert "sesame" not in wrong.text
    taken = client.post(path, data={"name": "Ada", "password": PASSWORD})
    assert (taken.status_code, "name-error" in taken.text) == (422, True)
    answer = client.post(path, data={"name": "Eva", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get("/").location == onward
    for again in (client.get(path), client.post(path, data={"name": "Eve", "password": PASSWORD})):
        assert (again.status_code, "no longer works" in again.text) == (410, True)


def test_a_reset_link_sets_the_password_and_signs_in(owner: Owner, bench: Bench, application: Flask) -> None:
    path = links.reset_link(bench.core, 1, "Ada").removeprefix("http://picward.test")
    client = application.test_client()
    assert "ada@example.org" in client.get(path).text
    assert client.post(path, data={"password": "sesame"}).status_code == 422
    assert client.post(path, data={"password": "another long password"}).location == "/"
    assert client.get("/account").status_code == 200
    assert owner.get("/account").status_code == 303, "the other session goes on"
    assert client.get(path).status_code == client.post(path, data={"password": PASSWORD}).status_code == 410
    assert application.test_client().post("/sign-in", data=ADA).status_code == 403


def test_a_disabled_person_is_out_at_once(owner: Owner, bench: Bench, application: Flask) -> None:
    path = links.invite(bench.core, "eva@example.org", "reader", [], "Ada").removeprefix("http://picward.test")
    client = application.test_client()
    client.post(path, data={"name": "Eva", "password": PASSWORD})
    assert client.get("/decisions").status_code == 200
    accounts.disable(bench.core, 2, "Ada")
    assert client.get("/decisions").location.startswith("/sign-in")
    assert client.post("/sign-in", data={"email": "eva@example.org", "password": PASSWORD}).status_code == 403


def test_sessions_end_by_themselves(owner: Owner, bench: Bench) -> None:
    owner.stay(bench, days=ENTRY.session_days - 1)
    assert owner.get("/sites").status_code == 200
    bench.clock.pass_seconds(bench.core.limits.idle_hours * 3600)
    idle = owner.get("/sites").location
    assert idle == "/sign-in?next=/sites&said=idle"
    assert "because nothing was done here" in owner.get(idle).text
    bench.clock.pass_seconds(86_400)
    old = owner.get("/sites").location
    assert old == "/sign-in?next=/sites&said=old"
    assert "two weeks ago" in owner.get(old).text
