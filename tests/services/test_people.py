from __future__ import annotations

import pytest
from sqlalchemy import select

from app.db.tables import audit, links
from app.db.tables import people as table
from app.domain.errors import LinkExpired, PersonUnknown, SettingsInvalid, SignInRefused
from app.domain.roles import LIMITED, RIGHTS, Right, Role
from app.services import people, sites
from tests.support.core import Bench

WORD = "correct horse battery"


def token(bench: Bench) -> str:
    link = people.setup_link(bench.core)
    assert link is not None
    return link.rsplit("/", 1)[1]


def owner(bench: Bench) -> int:
    return people.create_owner(bench.core, token(bench), "Ann@Example.org", "Ann", WORD)


def invited(bench: Bench, email: str, role: str = "reviewer", *seen: str) -> str:
    return people.invite(bench.core, email, role, seen, "Ann").rsplit("/", 1)[1]


def joined(bench: Bench, name: str, role: str = "reviewer", *seen: str) -> int:
    return people.accept(bench.core, invited(bench, f"{name.casefold()}@example.org", role, *seen), name, WORD)


def signed_in(bench: Bench, person_id: int) -> people.Person | None:
    return people.signed_in(bench.core, people.open_session(bench.core, person_id))


def trail(bench: Bench) -> list[tuple[str, str]]:
    with bench.core.db.read() as connection:
        return [(row.action, row.actor) for row in connection.execute(select(audit).order_by(audit.c.id))]


def test_the_link_works_once(bench: Bench) -> None:
    link = token(bench)
    assert people.link_open(bench.core, link)
    people.create_owner(bench.core, link, "ann@example.org", "Ann", WORD)
    with pytest.raises(LinkExpired):
        people.create_owner(bench.core, link, "eve@example.org", "Eve", WORD)
    assert people.setup_link(bench.core) is None


def test_a_newer_link_replaces_the_older(bench: Bench) -> None:
    old, new = token(bench), token(bench)
    assert not people.link_open(bench.core, old)
    assert people.link_open(bench.core, new)


def test_an_old_link_does_not_work(bench: Bench) -> None:
    link = token(bench)
    bench.clock.pass_seconds(73 * 3600)
    with pytest.raises(LinkExpired):
        people.create_owner(bench.core, link, "ann@example.org", "Ann", WORD)


def test_each_wrong_field_is_named(bench: Bench) -> None:
    with pytest.raises(SettingsInvalid) as wrong:
        people.create_owner(bench.core, token(bench), "ann", "", "short")
    assert set(wrong.value.fields) == {"email", "name", "password"}


def test_signing_in_and_out(bench: Bench) -> None:
    owner(bench)
    cookie = people.sign_in(bench.core, "ann@example.org ", WORD, "127.0.0.1")
    person = people.signed_in(bench.core, cookie)
    assert person is not None
    assert (person.name, person.role, person.sites) == ("Ann", Role.OWNER, frozenset())
    people.sign_out(bench.core, cookie)
    assert people.signed_in(bench.core, cookie) is None


def test_a_session_ends_after_a_fortnight(bench: Bench) -> None:
    owner(bench)
    cookie = people.sign_in(bench.core, "ann@example.org", WORD, "127.0.0.1")
    bench.clock.pass_seconds(15 * 86_400)
    assert people.signed_in(bench.core, cookie) is None


def test_wrong_password_unknown_mail_and_a_disabled_account_are_answered_alike(bench: Bench) -> None:
    owner(bench)
    people.disable(bench.core, joined(bench, "Eva"), "Ann")
    said = set()
    for mail, word in (("ann@example.org", "wrong password"), ("nobody@example.org", WORD), ("eva@example.org", WORD)):
        with pytest.raises(SignInRefused) as refused:
            people.sign_in(bench.core, mail, word, "127.0.0.1")
        said.add(str(refused.value))
    assert len(said) == 1


def test_guessing_is_slowed_down_and_ends(bench: Bench) -> None:
    owner(bench)
    for _ in range(people.TRIES):
        with pytest.raises(SignInRefused):
            people.sign_in(bench.core, "ann@example.org", "wrong", "10.0.0.1")
    with pytest.raises(SignInRefused, match="Too many"):
        people.sign_in(bench.core, "ann@example.org", WORD, "10.0.0.2")
    bench.clock.pass_seconds(people.TRIES_MINUTES * 60 + 1)
    assert people.sign_in(bench.core, "ann@example.org", WORD, "10.0.0.1")


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
    link = people.invite(bench.core, " Eva@Example.org ", role, seen, "Ann")
    assert link.startswith("http://picward.test/join/")
    invitation = people.invitation(bench.core, link.rsplit("/", 1)[1])
    assert invitation is not None
    assert (invitation.email, invitation.role, invitation.created_by) == ("eva@example.org", role, "Ann")
    person = signed_in(bench, people.accept(bench.core, link.rsplit("/", 1)[1], "Eva", WORD))
    assert person is not None
    assert {right for right in Right if person.may(right)} == RIGHTS[role]
    assert person.sees(one.id)
    assert person.sees(other.id) is (role not in LIMITED)
    assert people.sign_in(bench.core, "eva@example.org", WORD, "10.0.0.1")
    assert people.invitations(bench.core) == []
    assert [action for action, _ in trail(bench) if action.startswith("person.")] == [
        "person.added",
        "person.invited",
        "person.joined",
    ]


def test_an_invitation_works_once_for_a_week_and_until_taken_back(bench: Bench) -> None:
    owner(bench)
    used = invited(bench, "eva@example.org")
    people.accept(bench.core, used, "Eva", WORD)
    late = invited(bench, "late@example.org")
    bench.clock.pass_seconds(people.INVITATION_HOURS * 3600 + 1)
    taken = invited(bench, "taken@example.org")
    shown = people.invitations(bench.core)
    assert [invitation.email for invitation in shown] == ["taken@example.org"]
    people.revoke(bench.core, shown[0].id, "Ann")
    with pytest.raises(LinkExpired):
        people.revoke(bench.core, shown[0].id, "Ann")
    for link in (used, late, taken, "nonsense"):
        assert people.invitation(bench.core, link) is None
        with pytest.raises(LinkExpired):
            people.accept(bench.core, link, "Mallory", WORD)


def test_what_names_an_invitation_does_not_open_it(bench: Bench) -> None:
    owner(bench)
    invited(bench, "eva@example.org")
    shown = people.invitations(bench.core)[0]
    with pytest.raises(LinkExpired):
        people.accept(bench.core, shown.id, "Mallory", WORD)
    with bench.core.db.read() as connection:
        assert shown.id in connection.execute(select(links.c.token)).scalars().all()


def test_a_newer_invitation_replaces_the_older_of_the_same_person_only(bench: Bench) -> None:
    owner(bench)
    old, other, new = (invited(bench, f"{name}@example.org") for name in ("eva", "bob", "eva"))
    assert people.invitation(bench.core, old) is None
    assert people.invitation(bench.core, other) is not None
    assert people.invitation(bench.core, new) is not None


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
            people.invite(bench.core, email, role, seen, "Ann")
        assert set(wrong.value.fields) == {field}
    assert people.invitations(bench.core) == []


def test_names_are_kept_apart(bench: Bench) -> None:
    owner(bench)
    link = invited(bench, "eva@example.org")
    with pytest.raises(SettingsInvalid) as wrong:
        people.accept(bench.core, link, "ANN", WORD)
    assert set(wrong.value.fields) == {"name"}
    eva = people.accept(bench.core, link, "Eva", WORD)
    with pytest.raises(SettingsInvalid):
        people.rename(bench.core, eva, "ann")
    people.rename(bench.core, eva, "EVA")
    assert people.get(bench.core, eva).name == "EVA"


def test_two_who_are_invited_with_one_address_make_one_account(bench: Bench) -> None:
    owner(bench)
    link = invited(bench, "eva@example.org")
    with bench.core.db.write() as connection:
        people.rows.add(connection, "eva@example.org", "Eve", "x", "reader", 0)
    with pytest.raises(LinkExpired):
        people.accept(bench.core, link, "Eva", WORD)


def test_a_changed_role_and_site_hold_from_the_next_request(bench: Bench) -> None:
    owner(bench)
    one, other = bench.site(), bench.site()
    eva = joined(bench, "Eva")
    cookie = people.open_session(bench.core, eva)
    people.change(bench.core, eva, "reader", [one.id], "Ann")
    person = people.signed_in(bench.core, cookie)
    assert person is not None
    assert (person.role, person.sites) == (Role.READER, frozenset({one.id}))
    people.change(bench.core, eva, "reader", [one.id], "Ann")
    assert [action for action, _ in trail(bench)].count("person.changed") == 1
    for role, seen in (("king", []), ("reader", ["st_unknown"]), ("owner", [other.id])):
        with pytest.raises(SettingsInvalid):
            people.change(bench.core, eva, role, seen, "Ann")


@pytest.mark.parametrize("how", ["disconnect", "erase"])
def test_a_person_whose_only_site_went_sees_none_rather_than_all(bench: Bench, how: str) -> None:
    owner(bench)
    one, other = bench.site(), bench.site()
    eva = joined(bench, "Eva", "reviewer", one.id)
    getattr(sites, how)(bench.core, one.id, "Ann")
    person = signed_in(bench, eva)
    assert person is not None
    assert not person.sees(other.id)
    people.change(bench.core, eva, "reader", [one.id], "Ann")
    assert people.get(bench.core, eva).sites == {one.id}


def test_there_is_always_an_owner(bench: Bench) -> None:
    ann = owner(bench)
    eva = joined(bench, "Eva", "owner")
    people.disable(bench.core, eva, "Ann")
    with pytest.raises(SettingsInvalid) as wrong:
        people.change(bench.core, ann, "reviewer", [], "Ann")
    assert set(wrong.value.fields) == {"role"}
    with pytest.raises(SettingsInvalid) as wrong:
        people.disable(bench.core, ann, "Ann")
    assert set(wrong.value.fields) == {"disabled"}
    people.enable(bench.core, eva, "Ann")
    people.disable(bench.core, ann, "Eva")
    with pytest.raises(SettingsInvalid):
        people.change(bench.core, eva, "reader", [], "Eva")
    with bench.core.db.read() as connection:
        active = connection.execute(select(table.c.name).where(table.c.role == "owner", table.c.disabled_at.is_(None)))
        assert active.scalars().all() == ["Eva"]


def test_disabling_ends_sessions_and_links_at_once(bench: Bench) -> None:
    owner(bench)
    eva = joined(bench, "Eva")
    cookie = people.open_session(bench.core, eva)
    link = people.reset_link(bench.core, eva, "Ann").rsplit("/", 1)[1]
    people.disable(bench.core, eva, "Ann")
    assert people.signed_in(bench.core, cookie) is None
    assert people.reset_of(bench.core, link) is None
    with pytest.raises(SettingsInvalid):
        people.reset_link(bench.core, eva, "Ann")
    late = people.open_session(bench.core, eva)
    assert people.signed_in(bench.core, late) is None
    people.enable(bench.core, eva, "Ann")
    assert people.signed_in(bench.core, cookie) is None
    assert people.signed_in(bench.core, late) is None
    assert people.sign_in(bench.core, "eva@example.org", WORD, "10.0.0.1")
    assert [action for action, _ in trail(bench)][-3:] == ["person.reset_link", "person.disabled", "person.enabled"]


def test_a_reset_link_sets_the_password_once_and_ends_every_session(bench: Bench) -> None:
    owner(bench)
    eva = joined(bench, "Eva")
    cookie = people.open_session(bench.core, eva)
    old = people.reset_link(bench.core, eva, "Ann").rsplit("/", 1)[1]
    link = people.reset_link(bench.core, eva, "Ann").rsplit("/", 1)[1]
    assert people.reset_of(bench.core, old) is None
    with pytest.raises(SettingsInvalid):
        people.reset(bench.core, link, "short")
    assert people.reset(bench.core, link, "another long password") == eva
    assert people.signed_in(bench.core, cookie) is None
    with pytest.raises(LinkExpired):
        people.reset(bench.core, link, "a third long password")
    with pytest.raises(SignInRefused):
        people.sign_in(bench.core, "eva@example.org", WORD, "10.0.0.1")
    assert people.sign_in(bench.core, "eva@example.org", "another long password", "10.0.0.2")
    late = people.reset_link(bench.core, eva, "Ann").rsplit("/", 1)[1]
    bench.clock.pass_seconds(people.RESET_HOURS * 3600 + 1)
    assert people.reset_of(bench.core, late) is None


def test_changing_the_password_needs_the_old_one_and_ends_other_sessions(bench: Bench) -> None:
    ann = owner(bench)
    here, there = people.open_session(bench.core, ann), people.open_session(bench.core, ann)
    with pytest.raises(SignInRefused):
        people.change_password(bench.core, here, ann, "wrong", "another long password", "10.0.0.1")
    with pytest.raises(SettingsInvalid):
        people.change_password(bench.core, here, ann, WORD, "short", "10.0.0.1")
    people.change_password(bench.core, here, ann, WORD, "another long password", "10.0.0.1")
    assert people.signed_in(bench.core, here) is not None
    assert people.signed_in(bench.core, there) is None


def test_guessing_the_old_password_is_slowed_down_too(bench: Bench) -> None:
    ann = owner(bench)
    for _ in range(people.TRIES):
        with pytest.raises(SignInRefused):
            people.change_password(bench.core, "", ann, "wrong", "another long password", "10.0.0.1")
    with pytest.raises(SignInRefused, match="Too many"):
        people.change_password(bench.core, "", ann, WORD, "another long password", "10.0.0.2")


def test_sessions_are_listed_and_ended_by_their_own_person_only(bench: Bench) -> None:
    ann, eva = owner(bench), joined(bench, "Eva")
    here = people.open_session(bench.core, ann, "Browser on a laptop " + "x" * 300)
    there = people.open_session(bench.core, ann, "Browser on a telephone")
    listed = people.sessions(bench.core, ann, here)
    assert {(session.agent[:20], session.here) for session in listed} == {
        ("Browser on a laptop ", True),
        ("Browser on a telepho", False),
    }
    other = next(session.id for session in listed if not session.here)
    assert people.signed_in(bench.core, other) is None, "what names a session must not open it"
    people.end_session(bench.core, eva, other)
    assert people.signed_in(bench.core, there) is not None
    people.end_session(bench.core, ann, other)
    assert people.signed_in(bench.core, there) is None
    people.sign_out_everywhere(bench.core, ann)
    assert people.signed_in(bench.core, here) is None
    assert trail(bench)[-1] == ("person.signed_out", "Ann")


def test_unknown_accounts_are_named_so(bench: Bench) -> None:
    owner(bench)
    for call in (people.disable, people.enable, people.reset_link):
        with pytest.raises(PersonUnknown):
            call(bench.core, 99, "Ann")
    with pytest.raises(PersonUnknown):
        people.get(bench.core, 99)
