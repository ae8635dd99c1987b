"""The password, typed again: before changes of consequence, and after a time in which nothing was done."""

from __future__ import annotations

import io
import re
from html import unescape

import pytest
from flask import Flask

from app.domain.errors import TooBusy
from app.domain.limits import ENTRY
from app.domain.roles import Right
from app.services.people import accounts, links, passwords, sessions
from app.web.console.guard import OF_CONSEQUENCE
from tests.support.core import Bench
from tests.web.house import House
from tests.web.visitor import PASSWORD, Owner, acting_site, decided

ADA = {"email": "ada@example.org", "password": PASSWORD}


def fields(page: str) -> dict[str, str]:
    """Read the form that asks for the password, as a browser would send it."""
    form = re.search(r'<form method="post" action="([^"]+)" enctype="multipart/form-data">(.*?)</form>', page, re.S)
    assert form is not None, page
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[2])
    assert 'name="proof" type="password"' in form[2] and "<button" in form[2]
    return {name: unescape(value) for name, value in found}


def wait(bench: Bench) -> None:
    bench.clock.pass_seconds(ENTRY.proof_minutes * 60)


def test_every_change_of_consequence_wants_a_proof_and_no_other(house: House) -> None:
    """The table: each POST of the console, by an owner who signed in a while ago."""
    wait(house.bench)
    asked, wrong = [], []
    for rule, method, right in house.routes("POST"):
        if right is not None and rule.endpoint != "console.prove":
            answer = house.ask(house.owner, rule, method, house.own)
            asks = answer.status_code == 403 and 'name="proof"' in answer.text
            asked += [rule.rule] if asks else []
            if asks != (right in OF_CONSEQUENCE):
                wrong.append((rule.rule, right, answer.status_code))
            if answer.status_code == 303 and answer.location.startswith("/sign-in"):
                break
    assert wrong == []
    assert len(asked) > 12, asked
    assert {Right.PEOPLE, Right.CONNECT} <= OF_CONSEQUENCE
    consequent = {"/people/invite", "/programs", "/sites/add", "/sites/<site_id>/code", "/sites/<site_id>/erase"}
    assert consequent <= set(asked)


def test_what_was_sent_is_kept_and_done_once_the_password_is_there(owner: Owner, bench: Bench) -> None:
    wait(bench)
    form = {"email": "eva@example.org", "role": "reader", "scope": "all", "note": 'half "typed" <b>\nand on'}
    page = owner.post("/people/invite", **form)
    assert page.status_code == 403 and links.invitations(bench.core) == []
    kept = fields(page.text)
    assert {name: kept[name] for name in form} == form
    wrong = owner.client.post("/people/invite", data={**kept, "proof": "not this one"})
    assert wrong.status_code == 403 and "The password is wrong." in wrong.text and "not this one" not in wrong.text
    assert {name: fields(wrong.text)[name] for name in form} == form
    done = owner.client.post("/people/invite", data={**fields(wrong.text), "proof": PASSWORD}, content_type="multipart/form-data")
    assert done.status_code == 200 and "/join/" in done.text and PASSWORD not in done.text
    assert [one.email for one in links.invitations(bench.core)] == ["eva@example.org"]
    assert owner.post("/programs", name="nightly", scope="read", days="9").status_code == 200, "one proof holds for a while"
    wait(bench)
    assert owner.post("/programs", name="weekly", scope="read", days="9").status_code == 403


def test_several_values_and_files_are_kept_too(owner: Owner, bench: Bench) -> None:
    wait(bench)
    data = {"form_token": owner.form_token, "scope": ["read", "review"], "key": (io.BytesIO(b"a\nkey"), "key.json")}
    page = owner.client.post("/programs", data={**data, "raw": (io.BytesIO(b"\xff\xfe"), "picture.png")}).text
    assert re.findall(r'name="scope" value="(\w+)"', page) == ["read", "review"]
    assert fields(page)["key"] == "a\nkey"
    assert "picture.png" in page and "chosen again" in page


def test_a_proof_needs_the_forms_own_token_and_is_slowed_down(owner: Owner, bench: Bench, application: Flask) -> None:
    wait(bench)
    forged = owner.client.post("/people/invite", data={"email": "eva@example.org", "role": "owner", "proof": PASSWORD})
    assert forged.status_code == 403 and "Form refused" in forged.text
    for _ in range(ENTRY.account_tries):
        assert owner.post("/people/invite", email="eva@example.org", role="owner", proof="x").status_code == 403
    slowed = owner.post("/people/invite", email="eva@example.org", role="owner", proof=PASSWORD)
    assert (slowed.status_code, slowed.headers["Retry-After"]) == (429, "2") and "Wait 2 seconds" in slowed.text
    assert fields(slowed.text)["email"] == "eva@example.org"
    assert application.test_client().post("/sign-in", data=ADA).status_code == 303, "elsewhere nobody is slowed down"
    bench.clock.pass_seconds(2)
    assert owner.post("/people/invite", email="eva@example.org", role="owner", proof=PASSWORD).status_code == 200


def test_a_secret_is_shown_after_a_proof_and_the_page_comes_back(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench, tell_webhook="https://hooks.example/x")
    path = f"/sites/{site.id}/settings"
    assert "whsec_" in owner.get(path).text
    wait(bench)
    page = owner.get(path).text
    assert "whsec_" not in page
    link = re.search(r'href="(/prove\?[^"]+)"', page)
    assert link is not None
    asking = owner.get(unescape(link[1]))
    assert asking.status_code == 403
    done = owner.client.post(unescape(link[1]), data={**fields(asking.text), "proof": PASSWORD})
    assert (done.status_code, done.location) == (303, path)
    assert "whsec_" in owner.get(path).text
    assert owner.get("/prove?next=//evil.example").location == "/"


def test_after_hours_what_was_typed_goes_on_with_the_password(owner: Owner, bench: Bench, application: Flask) -> None:
    decision = decided(bench, acting_site(bench), "waits", 0.4)
    before = owner.client.get_cookie("picward")
    bench.clock.pass_seconds(bench.core.limits.idle_hours * 3600)
    form = {"verdict": "block", "rejection": "6", "note": "half-typed"}
    page = owner.post(f"/decisions/{decision}/verdict", **form)
    assert page.status_code == 403 and "signed out meanwhile" in page.text
    assert fields(page.text).items() >= form.items()
    done = owner.client.post(f"/decisions/{decision}/verdict", data={**fields(page.text), "proof": PASSWORD})
    assert done.status_code == 303 and not done.location.startswith("/sign-in")
    after = owner.client.get_cookie("picward")
    assert before is not None and after is not None and before.value != after.value, "the session has a new name"
    assert owner.get("/account").status_code == 200
    assert owner.post("/account", name="Ada L.").location == "/account?said=saved", "other pages that were open still work"
    thief = application.test_client()
    thief.set_cookie("picward", before.value)
    assert thief.get("/account").status_code == 303


@pytest.mark.parametrize("form", [{"form_token": "f" * 32}, {}], ids=["another page's token", "no token"])
def test_what_others_sent_is_not_kept_for_a_session_that_ran_out(owner: Owner, bench: Bench, form: dict[str, str]) -> None:
    bench.clock.pass_seconds(bench.core.limits.idle_hours * 3600)
    answer = owner.client.post("/people/invite", data={"email": "evil@example.org", "role": "owner", "proof": PASSWORD, **form})
    assert (answer.status_code, answer.location) == (303, "/sign-in?said=idle")
    assert links.invitations(bench.core) == []


def test_a_page_that_looks_by_itself_keeps_no_session_alive(owner: Owner, bench: Bench) -> None:
    for _ in range(3):
        bench.clock.pass_seconds(bench.core.limits.idle_hours * 1200)
        last = owner.get("/sites/add", headers={"Sec-Fetch-Dest": "empty"})
    assert last.location.startswith("/sign-in"), last.status_code
    assert owner.client.post("/sign-in", data=ADA).status_code == 303
    for _ in range(4):
        bench.clock.pass_seconds(bench.core.limits.idle_hours * 1200)
        last = owner.get("/sites/add", headers={"Sec-Fetch-Dest": "document"})
    assert last.status_code == 200


def test_guests_have_no_password_and_go_back_to_their_site(owner: Owner, bench: Bench, application: Flask) -> None:
    with bench.core.db.write() as connection:
        guest = accounts.rows.add(connection, "x@st_1", "Grete", "", "reviewer", 0)
    with bench.core.db.write() as connection:
        token = sessions.add_session(bench.core, connection, guest, "", hours=12, proven=False)
    client = application.test_client()
    client.set_cookie("picward", token)
    page = client.get("/account").text
    form_token = re.search(r'name="form_token" value="(\w+)"', page)
    assert form_token is not None
    bench.clock.pass_seconds(12 * 3600)
    answer = client.post("/account", data={"form_token": form_token[1], "name": "Greta", "proof": ""})
    assert answer.location == "/sign-in?said=old"


BUSY = {
    "/sign-in": {"email": "ada@example.org", "password": PASSWORD},
    "/setup": {"name": "Ada", "email": "ada@example.org", "password": PASSWORD},
    "/join": {"name": "Eva B.", "password": PASSWORD},
    "/reset": {"password": PASSWORD},
    "/account/password": {"old": PASSWORD, "password": "another long password"},
    "/people/invite": {"email": "eva@example.org", "role": "reader", "proof": PASSWORD},
}


@pytest.mark.parametrize("path", BUSY)
def test_when_too_many_come_at_once_each_page_says_so_and_keeps_what_was_typed(
    path: str, bench: Bench, application: Flask, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    form, visitor = BUSY[path], Owner(application.test_client(), "")
    if path == "/setup":
        path = (links.setup_link(bench.core) or "").removeprefix("http://picward.test")
    else:
        owner: Owner = request.getfixturevalue("owner")
        visitor = owner if path.startswith(("/people", "/account")) else visitor
    if path == "/join":
        path = links.invite(bench.core, "eva@example.org", "reader", [], "Ada").removeprefix("http://picward.test")
    if path == "/reset":
        path = links.reset_link(bench.core, 1, "Ada").removeprefix("http://picward.test")
    wait(bench)

    def full() -> None:
        raise TooBusy("full", 5)

    with monkeypatch.context() as patched:
        patched.setattr(passwords, "_turn", full)
        answer = visitor.post(path, **form)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "Try again in 5 seconds" in answer.text
        assert all(value in answer.text for name, value in form.items() if name in ("email", "name"))
        for _ in range(2 * ENTRY.account_tries):
            assert visitor.post(path, **form).status_code == 503, "it was counted as a wrong password"
    assert visitor.post(path, **form).status_code in (200, 303)
