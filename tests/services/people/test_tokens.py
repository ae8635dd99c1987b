from __future__ import annotations

import pytest

from app.domain.errors import ScopeMissing, SettingsInvalid, SiteUnknown, TokenRefused
from app.domain.time import DAY
from app.services.people import tokens
from app.services.people.tokens import Scope
from tests.support.core import Bench


def test_a_token_opens_what_it_was_made_for_and_is_nowhere_stored(bench: Bench) -> None:
    site = bench.site()
    made, token = tokens.make(bench.core, " Nightly  export ", ["review", "read"], "Ada", site_id=site.id)
    assert token.startswith(tokens.PREFIX)
    proven = tokens.prove(bench.core, token)
    assert (proven.id, proven.name, proven.actor) == (made, "Nightly export", "Nightly export (program)")
    assert (proven.scopes, proven.site_id) == ({Scope.READ, Scope.REVIEW}, site.id)
    proven.need(Scope.READ)
    with pytest.raises(ScopeMissing):
        proven.need(Scope.CONFIGURE)
    assert proven.sees(site.id)
    assert not proven.sees("st_other")
    with bench.core.db.read() as connection:
        dump = str(
            connection.exec_driver_sql("SELECT * FROM api_tokens").all() + connection.exec_driver_sql("SELECT * FROM audit").all()
        )
    assert token not in dump
    assert token.removeprefix(tokens.PREFIX) not in dump


@pytest.mark.parametrize(
    "mangle", [str.upper, str.swapcase, lambda t: t + "a", lambda t: t[:-1], lambda t: " " + t, lambda _: ""]
)
def test_another_token_opens_nothing(bench: Bench, mangle: object) -> None:
    _, token = tokens.make(bench.core, "nightly", ["read"], "Ada")
    assert callable(mangle)
    with pytest.raises(TokenRefused):
        tokens.prove(bench.core, mangle(token))


def test_a_token_ends_by_itself(bench: Bench) -> None:
    _, token = tokens.make(bench.core, "nightly", ["read"], "Ada", days=1)
    bench.clock.at += DAY - 1
    tokens.prove(bench.core, token)
    bench.clock.at += 1
    with pytest.raises(TokenRefused):
        tokens.prove(bench.core, token)


def test_a_revoked_token_is_worth_nothing_and_stays_listed(bench: Bench) -> None:
    made, token = tokens.make(bench.core, "nightly", ["read"], "Ada")
    assert tokens.revoke(bench.core, made, "Ada")
    assert not tokens.revoke(bench.core, made, "Ada")
    assert not tokens.revoke(bench.core, made + 1, "Ada")
    with pytest.raises(TokenRefused):
        tokens.prove(bench.core, token)
    (listed,) = tokens.listing(bench.core)
    assert (listed.id, listed.revoked_at, listed.created_by) == (made, bench.clock(), "Ada")


def test_the_last_use_is_kept_without_a_write_at_each(bench: Bench) -> None:
    _, token = tokens.make(bench.core, "nightly", ["read"], "Ada")
    assert tokens.listing(bench.core)[0].used_at == 0
    first = bench.clock()
    tokens.prove(bench.core, token)
    bench.clock.pass_seconds(tokens.USED_SECONDS)
    tokens.prove(bench.core, token)
    assert tokens.listing(bench.core)[0].used_at == first
    bench.clock.pass_seconds(1)
    tokens.prove(bench.core, token)
    assert tokens.listing(bench.core)[0].used_at == bench.clock()


@pytest.mark.parametrize(
    ("name", "scopes", "days", "field"),
    [
        ("", ["read"], 1, "name"),
        ("x" * 101, ["read"], 1, "name"),
        ("x", [], 1, "scopes"),
        ("x", ["read", "everything"], 1, "scopes"),
        ("x", ["read"], 0, "days"),
        ("x", ["read"], tokens.MOST_DAYS + 1, "days"),
    ],
)
def test_what_no_token_can_be_made_of_is_named(bench: Bench, name: str, scopes: list[str], days: int, field: str) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        tokens.make(bench.core, name, scopes, "Ada", days=days)
    assert list(raised.value.fields) == [field]
    assert tokens.listing(bench.core) == []


def test_a_token_is_limited_to_a_site_that_is_there(bench: Bench) -> None:
    with pytest.raises(SiteUnknown):
        tokens.make(bench.core, "nightly", ["read"], "Ada", site_id="st_gone")


def test_every_scope_is_explained() -> None:
    assert set(tokens.SCOPES) == set(Scope)
