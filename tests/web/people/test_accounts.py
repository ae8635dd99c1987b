"""People: invite, change, disable, reset; and everyone's own account."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from app.domain.roles import Role
from app.services.people import accounts, links
from tests.support.core import Bench
from tests.web.visitor import PASSWORD, Owner


def join(owner: Owner, application: Flask, name: str, **form: str) -> Owner:
    """Have the owner invite somebody, who then makes an account."""
    answer = owner.post("/people/invite", email=f"{name}@example.org", **{"role": "reviewer", **form})
    assert answer.status_code == 200, answer.text
    path = re.search(r"http://picward\.test(/join/[\w-]+)<", answer.text)
    assert path is not None
    client = application.test_client()
    client.post(path[1], data={"name": name, "password": PASSWORD}, headers={"User-Agent": f"{name}'s browser"})
    token = re.search(r'name="form_token" value="(\w+)"', client.get("/account").text)
    assert token is not None
    return Owner(client, token[1])


def test_an_invitation_is_made_shown_once_and_taken_back(owner: Owner, bench: Bench, application: Flask) -> None:
    site = bench.site()
    answer = owner.post("/people/invite", email="eva@example.org", role="reader", scope="some", site=site.id)
    assert "/join/" in answer.text
    listed = owner.get("/people").text
    assert "eva@example.org" in listed
    assert "Read-only · Paper site" in listed
    assert "/join/" not in listed
    invitation = links.invitations(bench.core)[0]
    assert (invitation.role, invitation.sites) == (Role.READER, {site.id})
    assert owner.post(f"/people/invitations/{invitation.id}/revoke").location == "/people?said=revoked"
    link = re.search(r"http://picward\.test(/join/[\w-]+)<", answer.text)
    assert link is not None
    assert application.test_client().get(link[1]).status_code == 410
    assert owner.post(f"/people/invitations/{invitation.id}/revoke").status_code == 410


@pytest.mark.parametrize(
    ("form", "marked"),
    [
        ({"email": "nobody", "role": "reader"}, "email"),
        ({"email": "ada@example.org", "role": "reader"}, "email"),
        ({"email": "eva@example.org", "role": "king"}, "role"),
        ({"email": "eva@example.org"}, "role"),
        ({"email": "eva@example.org", "role": "reader", "scope": "some"}, "sites"),
        ({"email": "eva@example.org", "role": "reader", "scope": "some", "site": "st_x"}, "sites"),
    ],
)
def test_a_wrong_invitation_is_marked(owner: Owner, bench: Bench, form: dict[str, str], marked: str) -> None:
    answer = owner.post("/people/invite", **form)
    assert (answer.status_code, f'id="{marked}-error"' in answer.text) == (422, True)
    assert links.invitations(bench.core) == []


def test_an_owner_is_never_limited_by_a_site_that_was_left_ticked(owner: Owner, bench: Bench, application: Flask) -> None:
    site = bench.site()
    join(owner, application, "eva", role="owner", scope="some", site=site.id)
    assert accounts.get(bench.core, 2).sites == frozenset()


def test_a_changed_role_holds_from_the_next_click_on(owner: Owner, bench: Bench, application: Flask) -> None:
    site, other = bench.site(), bench.site()
    eva = join(owner, application, "eva")
    assert eva.get("/review").status_code == 200
    changed = owner.post("/people/2", role="reader", scope="some", site=site.id)
    assert changed.location == "/people/2?said=changed"
    assert eva.get("/review").status_code == 403
    assert eva.get(f"/sites/{site.id}").status_code == 200
    assert eva.get(f"/sites/{other.id}").status_code == 404
    page = owner.get("/people/2").text
    assert re.search(r'value="reader" checked', page)
    assert re.search(rf'value="{site.id}" checked', page)
    refused = owner.post("/people/2", role="king")
    assert (refused.status_code, 'id="role-error"' in refused.text) == (422, True)
    assert "eva: reviewer, every site → reader, Paper site" in owner.get("/people").text


def test_the_last_owner_stays(owner: Owner, bench: Bench) -> None:
    for answer in (owner.post("/people/1", role="reader"), owner.post("/people/1/disable")):
        assert answer.status_code == 422
        assert "There must be an owner" in answer.text
    assert accounts.get(bench.core, 1).role is Role.OWNER


def test_disabling_and_enabling(owner: Owner, application: Flask) -> None:
    eva = join(owner, application, "eva")
    assert owner.post("/people/2/disable").location == "/people/2?said=disabled"
    assert eva.get("/account").location.startswith("/sign-in")
    assert "This account is disabled" in owner.get("/people/2").text
    refused = owner.post("/people/2/reset-link")
    assert (refused.status_code, "is disabled" in refused.text) == (422, True)
    assert owner.post("/people/2/enable").location == "/people/2?said=enabled"
    assert eva.get("/account").location.startswith("/sign-in")


def test_a_reset_link_is_shown_once(owner: Owner, application: Flask) -> None:
    join(owner, application, "eva")
    answer = owner.post("/people/2/reset-link")
    link = re.search(r"http://picward\.test(/reset/[\w-]+)<", answer.text)
    assert link is not None
    assert "eva@example.org" in application.test_client().get(link[1]).text


def test_names_and_addresses_are_text_and_nothing_else(owner: Owner, bench: Bench, application: Flask) -> None:
    join(owner, application, "<b>eva</b>")
    for page in (owner.get("/people").text, owner.get("/people/2").text):
        assert "<b>eva" not in page
        assert "&lt;b&gt;eva" in page


def test_ones_own_name_and_password(owner: Owner, bench: Bench, application: Flask) -> None:
    eva = join(owner, application, "eva")
    assert eva.post("/account", name="Eva B.").location == "/account?said=saved"
    assert accounts.get(bench.core, 2).name == "Eva B."
    taken = eva.post("/account", name="ada")
    assert (taken.status_code, 'id="name-error"' in taken.text) == (422, True)
    for form, marked in (
        ({"old": "wrong", "password": "another long password"}, "old"),
        ({"old": PASSWORD, "password": "sesame"}, "password"),
    ):
        wrong = eva.post("/account/password", **form)
        assert (wrong.status_code, f'id="{marked}-error"' in wrong.text) == (422, True)
        assert not [word for word in form.values() if word in wrong.text and word != "wrong"]
    assert eva.post("/account/password", old=PASSWORD, password="another long password").location == "/account?said=password"
    assert eva.get("/account").status_code == 200


def test_sessions_are_listed_and_ended(owner: Owner, bench: Bench, application: Flask) -> None:
    eva = join(owner, application, "eva")
    other = application.test_client()
    other.post("/sign-in", data={"email": "eva@example.org", "password": PASSWORD}, headers={"User-Agent": "A <telephone>"})
    page = eva.get("/account").text
    assert "eva&#39;s browser" in page
    assert "A &lt;telephone&gt;" in page
    ends = re.findall(r"/account/sessions/(\w+)/end", page)
    assert len(ends) == 1, "the session that asks has no button to end it"
    owner.post(f"/account/sessions/{ends[0]}/end")
    assert other.get("/account").status_code == 200, "somebody else ended it"
    assert eva.post(f"/account/sessions/{ends[0]}/end").location == "/account?said=ended"
    assert other.get("/account").status_code == 303
    assert eva.post("/account/sign-out-everywhere").location == "/sign-in"
    assert eva.get("/account").status_code == 303
    assert owner.get("/account").status_code == 200


def test_the_navigation_has_what_each_may_enter_and_marks_where_one_is(owner: Owner, application: Flask) -> None:
    def rooms(visitor: Owner, path: str) -> list[str]:
        nav = visitor.get(path).text.split("<nav", 1)[1].split("</nav>")[0]
        return re.findall(r'<a href="/(\w+)"', nav)

    reader = join(owner, application, "eva", role="reader")
    assert {"review", "decisions", "sites", "people"} <= set(rooms(owner, "/people"))
    assert {"decisions", "sites"} <= set(rooms(reader, "/decisions"))
    assert not {"review", "people"} & set(rooms(reader, "/decisions"))
    for path in ("/people", "/people/invite", "/people/1"):
        assert '<a href="/people" aria-current="page">' in owner.get(path).text
    assert 'href="/account" aria-current="page"' in owner.get("/account").text
