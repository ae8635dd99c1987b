"""A site leads its administrators into the console: by a link that works once, for that site alone."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.domain.errors import SignInRefused
from app.domain.platform import Site, SiteState
from app.domain.roles import Role
from app.domain.settings import LinkedSettings, SiteSettings
from app.services.people import accounts, guests, links, sessions
from app.services.people.sessions import Person
from app.services.sites import connecting, sites
from tests.support.core import Bench, PaperPlatform
from tests.web.visitor import Owner, decided

GRETE = {"id": "17", "name": "Grete", "role": "administrator"}


class Linking(PaperPlatform):
    Settings: ClassVar[type[SiteSettings]] = LinkedSettings


@pytest.fixture(autouse=True)
def linking(bench: Bench) -> None:
    bench.platform.__class__ = Linking


def ask(application: Flask, site: Site, person: Any = GRETE, id_: str = "l1") -> TestResponse:
    signed = {"picward-site": site.id, "secret": site.secrets[0], "webhook-id": id_}
    return application.test_client().post("/door/paper/link", json={"type": "link.make", "person": person}, headers=signed)


def path_of(answer: TestResponse) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return str(answer.json["url"]).removeprefix("http://picward.test")


def come_in(client: Any, path: str) -> TestResponse:
    """Follow a link, and say yes where that is asked."""
    asked: TestResponse = client.get(path)
    if asked.status_code != 200:
        return asked
    answer: TestResponse = client.post("/enter", data={"token": asked_with(asked)})
    return answer


def asked_with(page: TestResponse) -> str:
    """Read the token of the page that asks whether somebody wants to come in."""
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert page.status_code == 200 and token is not None, page.text
    return token[1]


def who(bench: Bench, client: Any) -> Person:
    found = sessions.signed_in(bench.core, client.get_cookie("picward").value)
    assert found is not None
    return found


def test_the_link_opens_that_site_alone_with_a_reviewers_rights(bench: Bench, application: Flask, owner: Owner) -> None:
    site, other = bench.site(), bench.site()
    mine, theirs = decided(bench, site, "mine", 0.9), decided(bench, other, "theirs", 0.9)
    client = application.test_client()
    answer = come_in(client, path_of(ask(application, site)))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/review?site={site.id}")
    guest = who(bench, client)
    assert (guest.name, guest.role, guest.sites) == ("at the site: Grete", "reviewer", {site.id})
    assert client.get(f"/decisions/{mine}").status_code == 200
    assert client.get(f"/decisions/{theirs}").status_code == 404
    assert client.get(f"/sites/{other.id}").status_code == 404
    for closed in ("/people", "/programs", f"/sites/{site.id}/settings", "/sites/add"):
        assert client.get(closed).status_code == 403, closed
    assert any(text.startswith("Came in by a link") for _, _, text in sites.trail(bench.core, site.id))


def test_a_link_works_once_and_for_a_minute(bench: Bench, application: Flask, owner: Owner) -> None:
    site = bench.site()
    path = path_of(ask(application, site))
    assert come_in(application.test_client(), path).status_code == 303
    again = application.test_client().get(path)
    assert (again.status_code, again.headers.get("Set-Cookie")) == (410, None)
    path = path_of(ask(application, site, id_="l2"))
    bench.clock.pass_seconds(guests.LINK_SECONDS)
    assert application.test_client().get(path).status_code == 410
    assert application.test_client().get("/enter/nonsense").status_code == 410


def test_one_user_has_one_account_and_stays_in_for_a_day_of_work(bench: Bench, application: Flask, owner: Owner) -> None:
    site = bench.site()
    client = application.test_client()
    come_in(client, path_of(ask(application, site)))
    first = who(bench, client)
    bench.clock.pass_seconds(guests.SESSION_HOURS * 3600 + 1)
    assert sessions.signed_in(bench.core, client.get_cookie("picward").value) is None
    come_in(client, path_of(ask(application, site, {**GRETE, "name": "Grete Hermann"}, "l2")))
    again = who(bench, client)
    assert (again.id, again.name) == (first.id, "at the site: Grete Hermann")
    come_in(client, path_of(ask(application, site, {**GRETE, "id": "18"}, "l3")))
    with pytest.raises(SignInRefused):
        sessions.sign_in(bench.core, again.email, "", "127.0.0.1")


def test_who_is_signed_in_stays_who_they_are(bench: Bench, application: Flask, owner: Owner) -> None:
    site = bench.site()
    before = owner.client.get_cookie("picward")
    answer = owner.get(path_of(ask(application, site)))
    assert answer.headers["Location"] == f"/review?site={site.id}"
    assert owner.client.get_cookie("picward") == before
    assert who(bench, owner.client).name == "Ada"


def test_a_disabled_guest_stays_out(bench: Bench, application: Flask, owner: Owner) -> None:
    site = bench.site()
    client = application.test_client()
    come_in(client, path_of(ask(application, site)))
    accounts.disable(bench.core, who(bench, client).id, "Ada")
    answer = come_in(client, path_of(ask(application, site, id_="l2")))
    assert (answer.status_code, "disabled" in answer.text) == (410, True)


def test_the_setting_switches_it_off(bench: Bench, application: Flask, owner: Owner) -> None:
    answer = ask(application, bench.site(console_link=False))
    assert answer.status_code == 422
    assert answer.json is not None
    assert "switched off" in answer.json["detail"]


def test_a_platform_that_does_not_declare_it_has_no_links(bench: Bench, application: Flask, owner: Owner) -> None:
    bench.platform.__class__ = PaperPlatform
    assert not issubclass(PaperPlatform.Settings, LinkedSettings)
    assert ask(application, bench.site()).status_code == 422


@pytest.mark.parametrize(
    "person",
    [None, "Grete", {}, {**GRETE, "role": "editor"}, {**GRETE, "role": "owner"}, {**GRETE, "id": ""}, {**GRETE, "name": " "},
     {**GRETE, "id": 17}],
)  # fmt: skip
def test_nobody_else_is_let_in(bench: Bench, application: Flask, owner: Owner, person: Any) -> None:
    assert ask(application, bench.site(), person).status_code == 422


def test_only_the_connected_site_itself_can_ask(bench: Bench, application: Flask, owner: Owner) -> None:
    site = bench.site()
    forged = application.test_client().post(
        "/door/paper/link", json={"type": "link.make", "person": GRETE}, headers={"picward-site": site.id}
    )
    assert forged.status_code == 401
    assert ask(application, site).status_code == 200
    assert ask(application, site).status_code == 409
    waiting = connecting.add(bench.core, "paper", "Not yet", "Ada")
    assert waiting.state is SiteState.PAIRING
    assert ask(application, waiting).status_code == 422


def test_nobody_comes_in_before_the_owner(bench: Bench, application: Flask) -> None:
    assert ask(application, bench.site()).status_code == 422
    assert links.setup_link(bench.core) is not None


def test_a_page_of_somebody_elses_signs_nobody_in(bench: Bench, application: Flask, owner: Owner) -> None:
    """A site's holder makes a link for a guest of its own and leads another's browser to it."""
    path = path_of(ask(application, bench.site(), {**GRETE, "name": "Trap"}))
    victim = application.test_client()
    asked = victim.get(path, headers={"Sec-Fetch-Site": "cross-site"})
    assert (asked.status_code, victim.get_cookie("picward")) == (200, None)
    assert "at the site: Trap" in asked.text and "Paper site" in asked.text
    token = asked_with(asked)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}):
        assert victim.post("/enter", data={"token": token}, headers=headers).status_code == 403
    assert victim.get_cookie("picward") is None
    # The control: the very same token lets in whoever says yes on our own page.
    assert victim.post("/enter", data={"token": token}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    assert who(bench, victim).name == "at the site: Trap"


def test_who_said_yes_once_comes_in_by_one_click(bench: Bench, application: Flask, owner: Owner) -> None:
    site, client = bench.site(), application.test_client()
    assert come_in(client, path_of(ask(application, site))).status_code == 303
    client.delete_cookie("picward")
    assert client.get(path_of(ask(application, site, id_="l2"))).status_code == 303
    # As somebody else they are asked, also with a keepsake that is none of ours.
    client.delete_cookie("picward")
    assert client.get(path_of(ask(application, site, {**GRETE, "id": "18"}, "l3"))).status_code == 200
    for kept in ("", "nonsense", "00", "ff" * 60):
        client.set_cookie("picward_guest", kept, path="/enter")
        assert client.get(path_of(ask(application, site, id_=f"k{kept[:4]}"))).status_code == 200


def test_the_question_is_open_for_a_while(bench: Bench, application: Flask, owner: Owner) -> None:
    site, client = bench.site(), application.test_client()
    asked = client.get(path_of(ask(application, site)))
    token = re.search(r'name="token" value="([^"]+)"', asked.text)
    assert token is not None and client.get(f"/enter/{token[1]}").status_code == 200, (
        "an address may show it, and signs nobody in"
    )
    asked = client.get(path_of(ask(application, site, id_="l2")))
    token = re.search(r'name="token" value="([^"]+)"', asked.text)
    assert token is not None
    bench.clock.pass_seconds(guests.CONFIRM_SECONDS)
    assert client.post("/enter", data={"token": token[1]}).status_code == 410


def ends(bench: Bench, site: Site, how: str) -> None:
    if how == "switch":
        sites.save_settings(bench.core, site.id, {"console_link": False}, "Ada")
    elif how == "disconnect":
        sites.disconnect(bench.core, site.id, "Ada")
    else:
        connecting.renew_pairing(bench.core, site.id, "Ada")


@pytest.mark.parametrize("how", ["switch", "disconnect", "code"])
def test_guests_are_out_at_once(bench: Bench, application: Flask, owner: Owner, how: str) -> None:
    site, other = bench.site(), bench.site()
    mine, theirs, asked = application.test_client(), application.test_client(), application.test_client()
    come_in(mine, path_of(ask(application, site)))
    come_in(theirs, path_of(ask(application, other, {**GRETE, "id": "9"}, "l2")))
    waiting = path_of(ask(application, site, {**GRETE, "id": "19"}, "l3"))
    token = re.search(
        r'name="token" value="([^"]+)"', asked.get(path_of(ask(application, site, {**GRETE, "id": "20"}, "l4"))).text
    )
    assert token is not None
    assert (mine.get("/decisions").status_code, theirs.get("/decisions").status_code) == (200, 200)
    ends(bench, site, how)
    assert mine.get("/decisions").status_code == 303, "a guest's session outlived the switch"
    assert application.test_client().get(waiting).status_code == 410
    assert asked.post("/enter", data={"token": token}).status_code == 410
    assert theirs.get("/decisions").status_code == 200 and owner.get("/decisions").status_code == 200


def test_a_site_makes_so_many_accounts_and_no_more(bench: Bench, application: Flask, owner: Owner) -> None:
    site, other = bench.site(), bench.site()
    come_in(application.test_client(), path_of(ask(application, site)))
    waiting = path_of(ask(application, site, {**GRETE, "id": "one too many"}, "l5"))
    with bench.core.db.write() as connection:
        for number in range(guests.GUESTS - 1):
            accounts.rows.add(connection, f"{number}@{site.id}", "at the site: Eve", "", Role.REVIEWER, 0, [site.id])
    refused = ask(application, site, {**GRETE, "id": "another"}, "l2")
    assert refused.status_code == 422 and refused.json is not None and "come in already" in refused.json["detail"]
    assert come_in(application.test_client(), waiting).status_code == 410, "with a link from before"
    assert ask(application, site, GRETE, "l3").status_code == 200, "who came in before comes in again"
    assert ask(application, other, {**GRETE, "id": "another"}, "l4").status_code == 200


def test_the_site_does_not_switch_it_on_again(bench: Bench, application: Flask, owner: Owner) -> None:
    site = bench.site(console_link=False)
    signed = {"picward-site": site.id, "secret": site.secrets[0], "webhook-id": "s1"}
    body = {"type": "settings.save", "values": {"console_link": True}}
    answer = application.test_client().post("/door/paper/settings", json=body, headers=signed)
    assert answer.status_code == 403
    assert ask(application, site).status_code == 422


@pytest.mark.parametrize("name", ["Ada", "Ada Byron", "Аda", "at the site: Ada", "Picward"])
def test_a_guest_takes_no_other_name(bench: Bench, application: Flask, owner: Owner, name: str) -> None:
    client = application.test_client()
    come_in(client, path_of(ask(application, bench.site())))
    form_token = who(bench, client).form_token
    answer = client.post("/account", data={"form_token": form_token, "name": name})
    assert answer.status_code == 422
    assert who(bench, client).name == "at the site: Grete"
    assert 'name="name"' not in client.get("/account").text


def test_a_guests_verdict_is_shown_as_one_of_the_sites(bench: Bench, application: Flask, owner: Owner) -> None:
    site = bench.site()
    decision = decided(bench, site, "mine", 0.9)
    client = application.test_client()
    come_in(client, path_of(ask(application, site, {**GRETE, "name": "Ada"})))
    form = {"form_token": who(bench, client).form_token, "verdict": "block"}
    assert client.post(f"/decisions/{decision}/verdict", data=form).status_code == 303
    pages = [owner.get(path).text for path in ("/decisions", "/history", "/decisions/export.csv")]
    for page in pages:
        assert "at the site: Ada" in page and "by at the site" not in page
