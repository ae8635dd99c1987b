"""What every answer carries, what a form may cost, and whom an address stands for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.limits import ENTRY
from app.services.review import history
from app.web.application import make_application
from app.web.security import FORM_FIELDS, number
from tests.support.core import Bench
from tests.web.house import House
from tests.web.visitor import PASSWORD, Owner

ADA = {"email": "ada@example.org", "password": PASSWORD}


@pytest.mark.parametrize(
    ("public_url", "asked", "secure"),
    [
        ("http://picward.test", "http://localhost", False),
        ("http://picward.test", "https://localhost", True),
        ("https://picward.test", "http://localhost", True),
        ("https://picward.test", "https://localhost", True),
    ],
)
def test_cookies_and_hsts_follow_the_public_address(
    owner: Owner, bench: Bench, public_url: str, asked: str, secure: bool
) -> None:
    application = make_application(replace(bench.core, public_url=public_url), max_body_bytes=4000)
    answer = application.test_client().post("/sign-in", data=ADA, base_url=asked)
    cookies = answer.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {"picward", "picward_device"}
    assert all(("; Secure" in cookie) is secure and "; HttpOnly" in cookie for cookie in cookies)
    assert ("Strict-Transport-Security" in answer.headers) is secure


@pytest.mark.parametrize("how", ["application/x-www-form-urlencoded", "multipart/form-data"])
@pytest.mark.parametrize(("count", "status"), [(FORM_FIELDS - 2, 422), (FORM_FIELDS, 413), (20 * FORM_FIELDS, 413)])
def test_a_form_has_a_bounded_number_of_fields(owner: Owner, bench: Bench, how: str, count: int, status: int) -> None:
    application = make_application(bench.core, max_body_bytes=5_000_000)
    client = application.test_client()
    cookie = owner.client.get_cookie("picward")
    assert cookie is not None
    client.set_cookie("picward", cookie.value)
    data: dict[str, Any] = {"form_token": owner.form_token, "name": "", **{f"f{number}": "x" for number in range(count)}}
    assert client.post("/account", data=data, content_type=how).status_code == status


def wrong(client: FlaskClient, email: str = "ada@example.org", password: str = "wrong", **headers: str) -> Any:  # noqa: S107
    return client.post("/sign-in", data={"email": email, "password": password}, headers=headers)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_behind_a_proxy_that_was_not_named_the_page_says_what_to_set_and_nobody_pays_for_others(
    owner: Owner, application: Flask, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    client, headers = application.test_client(), {header: "198.51.100.7"}
    page = client.get("/sign-in", headers=headers)
    assert "PICWARD_PROXIES" in page.text
    assert [record.getMessage() for record in caplog.records if "PICWARD_PROXIES" in record.getMessage()]
    answers = Counter(wrong(client, f"p{number}@example.org", **headers).status_code for number in range(60))
    assert answers == {403: 60}
    assert wrong(client, password=PASSWORD, **headers).status_code == 303
    assert "PICWARD_PROXIES" not in application.test_client().get("/sign-in").text


def test_a_strangers_own_header_makes_no_proxy_of_them(owner: Owner, application: Flask) -> None:
    client = application.test_client()

    def tried(number: int, remote: str) -> int:
        about = {"X-Forwarded-For": f"198.51.100.{number}"}
        data = {"email": f"p{number}@example.org", "password": "wrong"}
        return client.post("/sign-in", data=data, headers=about, environ_base={"REMOTE_ADDR": remote}).status_code

    assert Counter(tried(number, "8.8.8.8") for number in range(12)) == {403: ENTRY.address_tries, 429: 2}
    assert Counter(tried(number, "172.17.0.1") for number in range(12, 24)) == {403: 12}, "the control: a proxy in a container"


def test_behind_a_named_proxy_each_visitor_counts_alone(owner: Owner, bench: Bench) -> None:
    application = make_application(bench.core, max_body_bytes=4000, proxies=1)
    client = application.test_client()
    one, other = {"X-Forwarded-For": "198.51.100.7"}, {"X-Forwarded-For": "10.0.0.9, 203.0.113.1"}
    assert "PICWARD_PROXIES" not in client.get("/sign-in", headers=one).text
    answers = [wrong(client, f"p{number}@example.org", **one).status_code for number in range(12)]
    assert answers == [403] * ENTRY.address_tries + [429] * 2
    slowed = wrong(client, "p99@example.org", **one)
    assert int(slowed.headers["Retry-After"]) > 0 and "Wait" in slowed.text and "p99@example.org" in slowed.text
    assert wrong(client, password=PASSWORD, **other).status_code == 303
    # Only what the proxy itself adds is believed: the same visitor, whatever they put before it.
    forged = [wrong(client, "ada@example.org", **{"X-Forwarded-For": f"10.0.0.{n}, 192.0.2.5"}).status_code for n in range(8)]
    assert forged == [403] * ENTRY.account_tries + [429] * 3


NUMBERS = ["-1", "9" * 18, "9" * 19, "9" * 30, "9" * 500, "²", "٣", "1e3", "0x10", "x", "", "\x00"]


@pytest.mark.parametrize("text", NUMBERS, ids=lambda text: ascii(text)[:20])
def test_numbers_in_addresses_and_forms_that_no_database_holds_name_nothing(house: House, text: str) -> None:
    assert 0 <= number(text) < 2**63
    site = house.own["site_id"]
    for path in ("/decisions", "/history", "/review", "/insights", f"/sites/{site}/policy", "/review/list"):
        for name in ("before", "policy", "stale", "days", "after", "from", "to"):
            answer = house.owner.client.get(path, query_string={name: text})
            assert answer.status_code in (200, 303), (path, name)
    for path in ("/review/many", "/decisions/undo", f"/decisions/{house.own['decision_id']}/verdict", f"/sites/{site}/scan"):
        answer = house.owner.post(path, also=text, budget=text, verdict="allow")
        assert answer.status_code in (200, 303, 404, 409, 410, 422), (path, answer.status_code)


CELLS = [
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\t=1",
    "\tx",
    "\nx",
    "\n=1",
    "\rx",
    "\r\n=1",
    " =1",
    "\u00a0=1",
    "\ufeff=1",
    "\x00=1",
    "＝1",
    "＠x",
]


@pytest.mark.table("cells that begin a formula")
@pytest.mark.parametrize("text", CELLS, ids=ascii)
def test_no_cell_of_an_export_begins_a_formula(text: str) -> None:
    assert history._cell(text) == "'" + text
    assert history._cell([text, "more"]) == f"'{text}; more"


@pytest.mark.parametrize("text", ["x=1", "a-b", "st_1", "", "12", "me@example.org", " blank"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert history._cell(text) == text
