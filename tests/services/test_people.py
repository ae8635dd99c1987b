from __future__ import annotations

import pytest

from app.domain.errors import LinkExpired, SettingsInvalid, SignInRefused
from app.services import people
from tests.support.core import Bench

WORD = "correct horse battery"


def token(bench: Bench) -> str:
    link = people.setup_link(bench.core)
    assert link is not None
    return link.rsplit("/", 1)[1]


def owner(bench: Bench) -> int:
    return people.create_owner(bench.core, token(bench), "Ann@Example.org", "Ann", WORD)


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
    assert (person.name, person.role) == ("Ann", "owner")
    people.sign_out(bench.core, cookie)
    assert people.signed_in(bench.core, cookie) is None


def test_a_session_ends_after_a_fortnight(bench: Bench) -> None:
    owner(bench)
    cookie = people.sign_in(bench.core, "ann@example.org", WORD, "127.0.0.1")
    bench.clock.pass_seconds(15 * 86_400)
    assert people.signed_in(bench.core, cookie) is None


def test_wrong_password_and_unknown_mail_are_answered_alike(bench: Bench) -> None:
    owner(bench)
    said = set()
    for mail, word in (("ann@example.org", "wrong password"), ("nobody@example.org", WORD)):
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
