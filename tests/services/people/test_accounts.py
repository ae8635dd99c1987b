from __future__ import annotations

import pytest
from sqlalchemy import select

from app.db.tables import audit
from app.db.tables import links as link_table
from app.db.tables import people as table
from app.domain.errors import LinkExpired, PersonUnknown, SettingsInvalid, SignInRefused, TooManyRequests
from app.domain.limits import ENTRY
from app.domain.roles import LIMITED, RIGHTS, Right, Role
from app.services.people import accounts, links, sessions
from app.services.sites import sites
from tests.support.core import Bench

WORD = "correct horse battery"


def token(bench: Bench) -> str:
    link = links.setup_link(bench.core)
    assert link is not None
    return link.rsplit("/", 1)[1]


def owner(bench: Bench) -> int:
    return links.create_owner(bench.core, token(bench), "Ann@Example.org", "Ann", WORD)


def invited(bench: Bench, email: str, role: str = "reviewer", *seen: str) -> str:
    return links.invite(bench.core, email, role, seen, "Ann").rsplit("/", 1)[1]


def joined(bench: Bench, name: str, role: str = "reviewer", *seen: str) -> int:
    return links.accept(bench.core, invited(bench, f"{name.casefold()}@example.org", role, *seen), name, WORD)


def signed_in(bench: Bench, person_id: int) -> sessions.Person | None:
    return sessions.signed_in(bench.core, sessions.open_session(bench.core, person_id))


def trail(bench: Bench) -> list[tuple[str, str]]:
    with bench.core.db.read() as connection:
        return [(row.action, row.actor) for row in connection.execute(select(audit).order_by(audit.c.id))]


def test_the_link_works_once(bench: Bench) -> None:
    link = token(bench)
    assert links.link_open(bench.core, link)
    links.create_owner(bench.core, link, "ann@example.org", "Ann", WORD)
    with pytest.raises(LinkExpired):
        links.create_owner(bench.core, link, "eve@example.org", "Eve", WORD)
    assert links.setup_link(bench.core) is None


def test_a_newer_link_replaces_the_older(bench: Bench) -> None:
    old, new = token(bench), token(bench)
    assert not links.link_open(bench.core, old)
    assert links.link_open(bench.core, new)


def test_an_old_link_does_not_work(bench: Bench) -> None:
    link = token(bench)
    bench.clock.pass_seconds(73 * 3600)
    with pytest.raises(LinkExpired):
        links.create_owner(bench.core, link, "ann@example.org", "Ann", WORD)


def test_each_wrong_field_is_named(bench: Bench) -> None:
    with pytest.raises(SettingsInvalid) as wrong:
        links.create_owner(bench.core, token(bench), "ann", "", "short")
    assert set(wrong.value.fields) == {"email", "name", "password"}


def test_signing_in_and_out(bench: Bench) -> None:
    owner(bench)
    cookie = sessions.sign_in(bench.core, "ann@example.org ", WORD, "127.0.0.1")
    person = sessions.signed_in(bench.core, cookie)
    assert person is not None
    assert (person.name, person.role, person.sites) == ("Ann", Role.OWNER, frozenset())
    sessions.sign_out(bench.core, cookie)
    assert sessions.signed_in(bench.core, cookie) is None


def test_a_session_ends_after_a_fortnight(bench: Bench) -> None:
    owner(bench)
    cookie = sessions.sign_in(bench.core, "ann@example.org", WORD, "127.0.0.1")
    bench.clock.pass_seconds(15 * 86_400)
    assert sessions.signed_in(bench.core, cookie) is None


def test_wrong_password_unknown_mail_and_a_disabled_account_are_answered_alike(bench: Bench) -> None:
    owner(bench)
    accounts.disable(bench.core, joined(bench, "Eva"), "Ann")
    said = set()
    for mail, word in (("ann@example.org", "wrong password"), ("nobody@example.org", WORD), ("eva@example.org", WORD)):
        with pytest.raises(SignInRefused) as refused:
            sessions.sign_in(bench.core, mail, word, "127.0.0.1")
        said.add(str(refused.value))
    assert len(said) == 1


def test_every_role_has_its_rights_and_each_right_somebody() -> None:
    assert set(RIGHTS) == set(Role)
    assert RIGHTS[Role.OWNER] == frozenset(Right)
    assert all(Right.SEE in rights for rights in RIGHTS.values())
    assert not RIGHTS[Role.READER] - {Right.SEE}
    assert RIGHTS[Role.RESTRICTED] - RIGHTS[Role.REVIEWER] == {Right.REVIEW_RESTRICTED}
    for right in (Right.PEOPLE, Right.CONNECT, Right.CONFIGURE):
        assert [role for role in Role if right in RIGHTS[role]] == [Role.OWNER]
    assert Role.OWNER not in LIMITED


@pytest.mark.parametrize("role", list(Role))
def test_an_invited_person_gets_what_the_invitation_says(bench: Bench, role: Role) -> None:
    owner(bench)
    one, other = bench.site(), bench.site()
    seen = [one.id] if role in LIMITED else []
    link = links.invite(bench.core, " Eva@Example.org ", role, seen, "Ann")
    assert link.startswith("http://picward.test/join/")
    invitation = links.invitation(bench.core, link.rsplit("/", 1)[1])
    assert invitation is not None
    assert (invitation.email, invitation.role, invitation.created_by) == ("eva@example.org", role, "Ann")
    person = signed_in(bench, links.accept(bench.core, link.rsplit("/", 1)[1], "Eva", WORD))
    assert person is not None
    assert {right for right in Right if person.may(right)} == RIGHTS[role]
    assert person.sees(one.id)
    assert person.sees(other.id) is (role not in LIMITED)
    assert sessions.sign_in(bench.core, "eva@example.org", WORD, "10.0.0.1")
    assert links.invitations(bench.core) == []
    assert [action for action, _ in trail(bench) if action.startswith("person.")] == [
        "person.added",
        "person.invited",
        "person.joined",
    ]


def test_an_invitation_works_once_for_a_week_and_until_taken_back(bench: Bench) -> None:
    owner(bench)
    used = invited(bench, "eva@example.org")
    links.accept(bench.core, used, "Eva", WORD)
    late = invited(bench, "late@example.org")
    bench.clock.pass_seconds(links.INVITATION_HOURS * 3600 + 1)
    taken = invited(bench, "taken@example.org")
    shown = links.invitations(bench.core)
    assert [invitation.email for invitation in shown] == ["taken@example.org"]
    links.revoke(bench.core, shown[0].id, "Ann")
    with pytest.raises(LinkExpired):
        links.revoke(bench.core, shown[0].id, "Ann")
    for link in (used, late, taken, "nonsense"):
        assert links.invitation(bench.core, link) is None
        with pytest.raises(LinkExpired):
            links.accept(bench.core, link, "Mallory", WORD)


def test_what_names_an_invitation_does_not_open_it(bench: Bench) -> None:
    owner(bench)
    invited(bench, "eva@example.org")
    shown = links.invitations(bench.core)[0]
    with pytest.raises(LinkExpired):
        links.accept(bench.core, shown.id, "Mallory", WORD)
    with bench.core.db.read() as connection:
        assert shown.id in connection.execute(select(link_table.c.token)).scalars().all()


def test_a_newer_invitation_replaces_the_older_of_the_same_person_only(bench: Bench) -> None:
    owner(bench)
    old, other, new = (invited(bench, f"{name}@example.org") for name in ("eva", "bob", "eva"))
    assert links.invitation(bench.core, old) is None
    assert links.invitation(bench.core, other) is not None
    assert links.invitation(bench.core, new) is not None


def test_wrong_invitations_are_refused_field_by_field(bench: Bench) -> None:
    owner(bench)
    site, gone = bench.site(), bench.site()
    sites.disconnect(bench.core, gone.id, "Ann")
    for email, role, seen, field in (
        ("nobody", "reviewer", [], "email"),
        ("ann@example.org", "reviewer", [], "email"),
        ("eva@example.org", "king", [], "role"),
        ("eva@example.org", "reviewer", ["st_unknown"], "sites"),
        ("eva@example.org", "reviewer", [gone.id], "sites"),
        ("eva@example.org", "owner", [site.id], "sites"),
    ):
        with pytest.raises(SettingsInvalid) as wrong:
            links.invite(bench.core, email, role, seen, "Ann")
        assert set(wrong.value.fields) == {field}
    assert links.invitations(bench.core) == []


def test_names_are_kept_apart(bench: Bench) -> None:
    owner(bench)
    link = invited(bench, "eva@example.org")
    with pytest.raises(SettingsInvalid) as wrong:
        links.accept(bench.core, link, "ANN", WORD)
    assert set(wrong.value.fields) == {"name"}
    eva = links.accept(bench.core, link, "Eva", WORD)
    with pytest.raises(SettingsInvalid):
        accounts.rename(bench.core, eva, "ann")
    accounts.rename(bench.core, eva, "EVA")
    assert accounts.get(bench.core, eva).name == "EVA"


def test_two_who_are_invited_with_one_address_make_one_account(bench: Bench) -> None:
    owner(bench)
    link = invited(bench, "eva@example.org")
    with bench.core.db.write() as connection:
        accounts.rows.add(connection, "eva@example.org", "Eve", "x", "reader", 0)
    with pytest.raises(LinkExpired):
        links.accept(bench.core, link, "Eva", WORD)


def test_a_changed_role_and_site_hold_from_the_next_request(bench: Bench) -> None:
    owner(bench)
    one, other = bench.site(), bench.site()
    eva = joined(bench, "Eva")
    cookie = sessions.open_session(bench.core, eva)
    accounts.change(bench.core, eva, "reader", [one.id], "Ann")
    person = sessions.signed_in(bench.core, cookie)
    assert person is not None
    assert (person.role, person.sites) == (Role.READER, frozenset({one.id}))
    accounts.change(bench.core, eva, "reader", [one.id], "Ann")
    assert [action for action, _ in trail(bench)].count("person.changed") == 1
    for role, seen in (("king", []), ("reader", ["st_unknown"]), ("owner", [other.id])):
        with pytest.raises(SettingsInvalid):
            accounts.change(bench.core, eva, role, seen, "Ann")


@pytest.mark.parametrize("how", ["disconnect", "erase"])
def test_a_person_whose_only_site_went_sees_none_rather_than_all(bench: Bench, how: str) -> None:
    owner(bench)
    one, other = bench.site(), bench.site()
    eva = joined(bench, "Eva", "reviewer", one.id)
    getattr(sites, how)(bench.core, one.id, "Ann")
    person = signed_in(bench, eva)
    assert person is not None
    assert not person.sees(other.id)
    accounts.change(bench.core, eva, "reader", [one.id], "Ann")
    assert accounts.get(bench.core, eva).sites == {one.id}


def test_there_is_always_an_owner(bench: Bench) -> None:
    ann = owner(bench)
    eva = joined(bench, "Eva", "owner")
    accounts.disable(bench.core, eva, "Ann")
    with pytest.raises(SettingsInvalid) as wrong:
        accounts.change(bench.core, ann, "reviewer", [], "Ann")
    assert set(wrong.value.fields) == {"role"}
    with pytest.raises(SettingsInvalid) as wrong:
        accounts.disable(bench.core, ann, "Ann")
    assert set(wrong.value.fields) == {"disabled"}
    accounts.enable(bench.core, eva, "Ann")
    accounts.disable(bench.core, ann, "Eva")
    with pytest.raises(SettingsInvalid):
        accounts.change(bench.core, eva, "reader", [], "Eva")
    with bench.core.db.read() as connection:
        active = connection.execute(select(table.c.name).where(table.c.role == "owner", table.c.disabled_at.is_(None)))
        assert active.scalars().all() == ["Eva"]


def test_disabling_ends_sessions_and_links_at_once(bench: Bench) -> None:
    owner(bench)
    eva = joined(bench, "Eva")
    cookie = sessions.open_session(bench.core, eva)
    link = links.reset_link(bench.core, eva, "Ann").rsplit("/", 1)[1]
    accounts.disable(bench.core, eva, "Ann")
    assert sessions.signed_in(bench.core, cookie) is None
    assert links.reset_of(bench.core, link) is None
    with pytest.raises(SettingsInvalid):
        links.reset_link(bench.core, eva, "Ann")
    late = sessions.open_session(bench.core, eva)
    assert sessions.signed_in(bench.core, late) is None
    accounts.enable(bench.core, eva, "Ann")
    assert sessions.signed_in(bench.core, cookie) is None
    assert sessions.signed_in(bench.core, late) is None
    assert sessions.sign_in(bench.core, "eva@example.org", WORD, "10.0.0.1")
    lines = [action for action, _ in trail(bench) if action.startswith("person.")]
    assert lines[-3:] == ["person.reset_link", "person.disabled", "person.enabled"]


def test_a_reset_link_sets_the_password_once_and_ends_every_session(bench: Bench) -> None:
    owner(bench)
    eva = joined(bench, "Eva")
    cookie = sessions.open_session(bench.core, eva)
    old = links.reset_link(bench.core, eva, "Ann").rsplit("/", 1)[1]
    link = links.reset_link(bench.core, eva, "Ann").rsplit("/", 1)[1]
    assert links.reset_of(bench.core, old) is None
    with pytest.raises(SettingsInvalid):
        links.reset(bench.core, link, "short")
    assert links.reset(bench.core, link, "another long password") == eva
    assert sessions.signed_in(bench.core, cookie) is None
    with pytest.raises(LinkExpired):
        links.reset(bench.core, link, "a third long password")
    with pytest.raises(SignInRefused):
        sessions.sign_in(bench.core, "eva@example.org", WORD, "10.0.0.1")
    assert sessions.sign_in(bench.core, "eva@example.org", "another long password", "10.0.0.2")
    late = links.reset_link(bench.core, eva, "Ann").rsplit("/", 1)[1]
    bench.clock.pass_seconds(links.RESET_HOURS * 3600 + 1)
    assert links.reset_of(bench.core, late) is None


def test_changing_the_password_needs_the_old_one_and_ends_other_sessions(bench: Bench) -> None:
    ann = owner(bench)
    here, there = sessions.open_session(bench.core, ann), sessions.open_session(bench.core, ann)
    with pytest.raises(SignInRefused):
        sessions.change_password(bench.core, here, ann, "wrong", "another long password", "10.0.0.1")
    with pytest.raises(SettingsInvalid):
        sessions.change_password(bench.core, here, ann, WORD, "short", "10.0.0.1")
    sessions.change_password(bench.core, here, ann, WORD, "another long password", "10.0.0.1")
    assert sessions.signed_in(bench.core, here) is not None
    assert sessions.signed_in(bench.core, there) is None


def test_guessing_the_old_password_is_slowed_down_too(bench: Bench) -> None:
    ann = owner(bench)
    for _ in range(ENTRY.account_tries):
        with pytest.raises(SignInRefused):
            sessions.change_password(bench.core, "", ann, "wrong", "another long password", "10.0.0.1")
    with pytest.raises(TooManyRequests):
        sessions.change_password(bench.core, "", ann, WORD, "another long password", "10.0.0.2")


def test_sessions_are_listed_and_ended_by_their_own_person_only(bench: Bench) -> None:
    ann, eva = owner(bench), joined(bench, "Eva")
    here = sessions.open_session(bench.core, ann, "Browser on a laptop " + "x" * 300)
    there = sessions.open_session(bench.core, ann, "Browser on a telephone")
    listed = sessions.sessions(bench.core, ann, here)
    assert {(session.agent[:20], session.here) for session in listed} == {
        ("Browser on a laptop ", True),
        ("Browser on a telepho", False),
    }
    other = next(session.id for session in listed if not session.here)
    assert sessions.signed_in(bench.core, other) is None, "what names a session must not open it"
    sessions.end_session(bench.core, eva, other)
    assert sessions.signed_in(bench.core, there) is not None
    sessions.end_session(bench.core, ann, other)
    assert sessions.signed_in(bench.core, there) is None
    sessions.sign_out_everywhere(bench.core, ann)
    assert sessions.signed_in(bench.core, here) is None
    assert trail(bench)[-1] == ("person.signed_out", "Ann")


def test_unknown_accounts_are_named_so(bench: Bench) -> None:
    owner(bench)
    for call in (accounts.disable, accounts.enable, links.reset_link):
        with pytest.raises(PersonUnknown):
            call(bench.core, 99, "Ann")
    with pytest.raises(PersonUnknown):
        accounts.get(bench.core, 99)


@pytest.mark.parametrize("name", ["ann", "Ann ", "Аnn", "A nn", "Ａｎｎ", "Ann\u200b", "ANN.", "Anռ"], ids=ascii)
def test_no_name_looks_like_another(bench: Bench, name: str) -> None:
    owner(bench)
    with pytest.raises(SettingsInvalid) as wrong:
        links.accept(bench.core, invited(bench, "eve@example.org"), name, WORD)
    assert "looks like somebody else's" in wrong.value.fields["name"]
    eve = joined(bench, "Eve")
    with pytest.raises(SettingsInvalid):
        accounts.rename(bench.core, eve, name)
    accounts.rename(bench.core, eve, "Ann Lee")
    accounts.rename(bench.core, 1, name)  # one's own may be written otherwise


@pytest.mark.parametrize("name", ["at the site: Ann", "Picward", "policy v9", "nightly (program)", "worker", "..."])
def test_no_account_is_called_as_something_else_that_acts(bench: Bench, name: str) -> None:
    with pytest.raises(SettingsInvalid) as wrong:
        links.create_owner(bench.core, token(bench), "ann@example.org", name, WORD)
    assert set(wrong.value.fields) == {"name"}
    owner(bench)
    with pytest.raises(SettingsInvalid):
        links.accept(bench.core, invited(bench, "eve@example.org"), name, WORD)
    with pytest.raises(SettingsInvalid):
        accounts.rename(bench.core, 1, name)


def test_names_are_kept_as_one_line(bench: Bench) -> None:
    links.create_owner(bench.core, token(bench), "ann@example.org", " Ann \t of\u202e  Kent\n", WORD)
    assert accounts.get(bench.core, 1).name == "Ann of Kent"
