"""Credentials: renewed once, whoever wants to; stored encrypted; forgotten with their site."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from app.db import sites as rows
from app.domain.errors import PlatformUnavailable
from app.domain.platform import Site, SiteState
from app.services.sites import connecting, credentials, sites
from app.services.sites.credentials import RENEWAL_SECONDS
from tests.support.core import Bench

OLD = {"access_token": "old", "refresh_token": "r1"}


@pytest.fixture
def site(bench: Bench) -> Site:
    site = bench.site()
    with bench.core.db.write() as connection:
        rows.change(connection, site.id, credentials=bench.core.credentials.lock(OLD))
    return sites.get(bench.core, site.id)


def stored(bench: Bench, site: Site) -> Mapping[str, Any]:
    return sites.get(bench.core, site.id).credentials


def test_stale_credentials_are_replaced_and_stored(bench: Bench, site: Site) -> None:
    assert bench.core.credentials.renew(site, OLD, lambda current: {**current, "access_token": "new"})["access_token"] == "new"
    assert stored(bench, site) == {"access_token": "new", "refresh_token": "r1"}


def test_what_another_renewed_meanwhile_is_given_and_not_renewed_again(bench: Bench, site: Site) -> None:
    bench.core.credentials.renew(site, OLD, lambda _: {"access_token": "new"})

    def never(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError("the old refresh token was used a second time")

    assert bench.core.credentials.renew(site, OLD, never) == {"access_token": "new"}


def test_many_at_once_renew_once(bench: Bench, site: Site) -> None:
    asked, given = [], []
    begun = threading.Barrier(8)

    def refresh(current: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(current)
        return {"access_token": f"new {len(asked)}"}

    def want() -> None:
        begun.wait()
        given.append(bench.core.credentials.renew(site, OLD, refresh))

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [OLD]
    assert given == [{"access_token": "new 1"}] * 8


def test_a_refusal_leaves_the_old_ones_and_frees_the_lock(bench: Bench, site: Site) -> None:
    def refused(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise PlatformUnavailable("away")

    with pytest.raises(PlatformUnavailable):
        bench.core.credentials.renew(site, OLD, refused)
    assert stored(bench, site) == OLD
    assert bench.core.credentials.renew(site, OLD, lambda _: {"access_token": "new"}) == {"access_token": "new"}


def test_who_died_while_renewing_holds_the_lock_only_for_a_while(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "WAIT_SECONDS", 0.0)
    with bench.core.db.write() as connection:
        assert rows.take_renewal(connection, site.id, bench.clock(), bench.clock() + RENEWAL_SECONDS * 1_000_000)
    with pytest.raises(PlatformUnavailable):
        bench.core.credentials.renew(site, OLD, lambda _: {"access_token": "new"})
    bench.clock.pass_seconds(RENEWAL_SECONDS + 1)
    assert bench.core.credentials.renew(site, OLD, lambda _: {"access_token": "new"}) == {"access_token": "new"}


def test_credentials_are_encrypted_and_forgotten_with_their_site(bench: Bench, site: Site) -> None:
    with bench.core.db.read() as connection:
        row = rows.get(connection, site.id)
    assert row is not None and b"old" not in row.credentials and "old" not in repr(site)
    sites.disconnect(bench.core, site.id, "owner")
    with bench.core.db.read() as connection:
        row = rows.get(connection, site.id)
    assert row is not None and row.credentials is None


def test_a_newcomer_is_stored_once_and_is_the_same_site_when_it_returns(bench: Bench) -> None:
    newcomer = Site("", "paper", "A shop", SiteState.PAIRING, (), key="shop.example")
    first = connecting.welcome(bench.core, newcomer)
    assert first.id and first.state is SiteState.PAIRING
    assert connecting.welcome(bench.core, replace(newcomer, name="again")).id == first.id
    sites.disconnect(bench.core, first.id, "platform")
    again = connecting.welcome(bench.core, newcomer)
    assert (again.id, again.state, len(again.secrets)) == (first.id, SiteState.PAIRING, 1)
    assert again.secrets != first.secrets


def test_a_site_is_found_by_its_id_and_its_key(bench: Bench) -> None:
    site = connecting.welcome(bench.core, Site("", "paper", "A shop", SiteState.PAIRING, (), key="shop.example"))
    with bench.core.db.read() as connection:
        find = sites.find_for(bench.core, "paper", connection)
        assert find("shop.example") == find(site.id) == site
        assert find("") is find("other.example") is find("x" * 10_000) is None
        sites.disconnect(bench.core, site.id, "owner")
        gone = find("shop.example")
    assert gone is not None and (gone.state, gone.secrets, gone.credentials) == (SiteState.REMOVED, (), {})
