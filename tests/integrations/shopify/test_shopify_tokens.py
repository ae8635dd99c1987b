"""Tokens: traded, renewed in time, renewed once, and not lost when an answer is."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from app.domain.errors import CredentialsExpired, DeliveryRefused, PlatformRefused, PlatformUnavailable
from app.domain.platform import Admission, SiteState
from integrations.shopify.auth import ACCESS_SECONDS
from integrations.shopify.platform import KEEP_ALIVE_DAYS
from tests.integrations.shopify.contract import SAMPLE, SHOP, Pocket, credentials, installed
from tests.integrations.shopify.place import Place, opened
from tests.integrations.shopify.stand_in import CLIENT_ID, Shopify, answers

HOUR = 3_600_000_000
NEW_SECRET = "shpss_" + "n" * 32


def now() -> int:
    return time.time_ns() // 1_000


def settled(place: Place, token: str) -> dict[str, Any]:
    newcomer = SAMPLE.site(id="", key=SHOP, state=SiteState.PAIRING, credentials={})
    return dict(place.platform.settle(Admission(newcomer, SHOP, proof=token)))


def test_a_visit_is_traded_for_an_expiring_token(place: Place, shopify: Shopify) -> None:
    got = settled(place, shopify.id_token(SHOP))
    assert set(got) == {"access_token", "expires_at", "refresh_token", "refresh_expires_at", "scope", "obtained_at"}
    assert abs(got["expires_at"] - now() - HOUR) < 120_000_000
    assert abs(got["refresh_expires_at"] - now() - 90 * 24 * HOUR) < 120_000_000
    assert place.with_credentials(**got).platform.check(place.with_credentials(**got).site)


def test_an_old_visit_is_traded_for_nothing(place: Place, shopify: Shopify) -> None:
    with pytest.raises(DeliveryRefused, match="too old"):
        settled(place, shopify.id_token(SHOP, exp=int(time.time()) - 60, nbf=int(time.time()) - 120))


def test_an_app_that_shopify_does_not_know_is_told_so(shopify: Shopify) -> None:
    place = opened(shopify, client_secret="shpss_" + "0" * 32)
    with pytest.raises(CredentialsExpired, match="PICWARD_SHOPIFY_CLIENT_SECRET"):
        settled(place, shopify.id_token(SHOP))


@pytest.mark.parametrize("answer", [answers.UNAVAILABLE, answers.DROPPED, answers.HTML, answers.TRUNCATED, answers.GARBAGE])
def test_a_token_endpoint_that_is_away_is_unavailable(place: Place, shopify: Shopify, answer: Any) -> None:
    place.shop.script(answer, times=None, to="token")
    with pytest.raises(PlatformUnavailable):
        settled(place, shopify.id_token(SHOP))
    over = place.with_credentials(expires_at=0)
    with pytest.raises(PlatformUnavailable):
        place.platform.check(over.site)
    assert place.pocket.held == {}


@pytest.mark.parametrize("error", ["invalid_scope", "access_denied"])
def test_other_refusals_are_told(place: Place, shopify: Shopify, error: str) -> None:
    place.shop.script(answers.as_json(400, {"error": error}), times=None, to="token")
    with pytest.raises(PlatformRefused, match=error):
        settled(place, shopify.id_token(SHOP))
    with pytest.raises(PlatformRefused, match=error):
        place.platform.check(place.with_credentials(expires_at=0).site)
    assert place.pocket.held == {}, "a pair that may still be good is not thrown away"


def test_a_token_is_renewed_before_it_is_over(place: Place) -> None:
    for left, renewals in ((61_500_000, 0), (59_000_000, 1)):
        place.pocket.held.clear()
        place.pocket.renewals = 0
        place.platform.check(place.with_credentials(expires_at=now() + left).site)
        assert place.pocket.renewals == renewals


def test_a_token_that_shopify_no_longer_takes_is_renewed_once_and_the_request_sent_again(place: Place) -> None:
    place.shop.expire_tokens()
    assert place.platform.check(place.site)
    assert place.pocket.renewals == 1
    fresh = place.pocket.held[place.site.id]
    assert fresh["refresh_token"] != place.site.credentials["refresh_token"]


def test_a_second_401_ends_it(place: Place) -> None:
    place.shop.script(answers.UNAUTHORIZED, times=None)
    with pytest.raises(CredentialsExpired, match="Open Picward once"):
        place.platform.check(place.site)
    assert place.pocket.renewals == 1


def test_a_lost_answer_is_asked_for_again_with_the_old_token(place: Place) -> None:
    place.shop.script(answers.LOST, to="token")
    assert place.platform.check(place.with_credentials(expires_at=0).site)
    assert place.pocket.renewals == 1


def test_an_answer_that_was_lost_with_the_process_is_asked_for_again_too(place: Place) -> None:
    place.shop.script(answers.LOST, times=2, to="token")
    over = place.with_credentials(expires_at=0)
    with pytest.raises(PlatformUnavailable):
        place.platform.check(over.site)
    assert place.pocket.held == {}, "the pair that was lost is not stored"
    assert place.platform.check(over.site)


def test_a_missing_lifetime_is_an_hour_and_the_refresh_token_stays(place: Place) -> None:
    short = place.shop.issue_token()
    place.shop.script(answers.as_json(200, {"access_token": short["access_token"], "scope": short["scope"]}), to="token")
    assert place.platform.check(place.with_credentials(expires_at=0).site)
    stored = place.pocket.held[place.site.id]
    assert abs(stored["expires_at"] - now() - ACCESS_SECONDS * 1_000_000) < 120_000_000
    assert stored["refresh_token"] == place.site.credentials["refresh_token"]


def test_a_dead_refresh_token_is_forgotten_and_the_next_visit_connects_anew(place: Place, shopify: Shopify) -> None:
    place.shop.kill_refresh_tokens()
    with pytest.raises(CredentialsExpired, match="Open Picward once"):
        place.platform.check(place.with_credentials(expires_at=0).site)
    dead = place.with_credentials(**place.pocket.held[place.site.id])
    assert not dead.site.credentials["refresh_token"]
    asked = len(shopify.shops[SHOP].requests)
    with pytest.raises(CredentialsExpired):
        place.platform.check(dead.site)
    assert len(shopify.shops[SHOP].requests) == asked, "nobody is asked in vain"
    assert dead.platform.steps(dead.site)
    from tests.integrations.shopify.test_shopify_visits import document

    visit = document(shopify.id_token(SHOP))
    assert place.platform.admit(visit, {SHOP: dead.site}.get).site.state is SiteState.PAIRING
    assert place.platform.admit(visit, {SHOP: place.site}.get).site.state is SiteState.ACTIVE


def test_a_site_without_credentials_says_what_to_do(place: Place) -> None:
    bare = place.with_credentials(access_token="", refresh_token="")
    for call in (place.platform.check, place.platform.scan, lambda site: place.platform.changed(site, 0)):
        with pytest.raises(CredentialsExpired, match="Open Picward once"):
            call(bare.site)


def test_many_threads_renew_once(place: Place) -> None:
    over = place.with_credentials(expires_at=0)
    failures: list[BaseException] = []

    def check() -> None:
        try:
            place.platform.check(over.site)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=check) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and place.pocket.renewals == 1


def test_a_secret_is_rotated_without_a_break(place: Place, shopify: Shopify) -> None:
    from tests.integrations.shopify.test_shopify_visits import document

    old_secret = shopify.secrets[0]
    minted_before = credentials(place.shop, expires_at=0)
    shopify.rotate_secret(NEW_SECRET)
    during = replace(place, platform=installed(place.pocket, client_secret=NEW_SECRET, old_client_secret=old_secret))
    for step in (lambda: None, shopify.use_new_secret):
        step()
        visit = document(shopify.id_token(SHOP))
        assert during.platform.admit(visit, {SHOP: during.site}.get).site == during.site
    assert during.platform.check(during.with_credentials(**minted_before).site)
    fresh = settled(during, shopify.id_token(SHOP))
    shopify.revoke_old_secret()
    after = replace(place, platform=installed(Pocket(), client_secret=NEW_SECRET))
    assert after.platform.check(after.with_credentials(**fresh).site)
    assert after.platform.check(after.with_credentials(**{**fresh, "expires_at": 0}).site)


def test_a_quiet_shop_is_kept_alive(place: Place) -> None:
    place.platform.pulse(place.site)
    assert place.pocket.renewals == 0
    quiet = place.with_credentials(obtained_at=now() - (KEEP_ALIVE_DAYS + 1) * 24 * HOUR)
    place.platform.pulse(quiet.site)
    assert place.pocket.renewals == 1
    dead = place.with_credentials(obtained_at=0, refresh_token="")
    place.platform.pulse(dead.site)
    assert place.pocket.renewals == 1


def test_keep_alive_leaves_room_for_failures() -> None:
    assert KEEP_ALIVE_DAYS * 2 < 90


def test_no_secret_is_in_a_representation(place: Place) -> None:
    config = place.platform._config
    admin = place.platform._admin(place.site)
    shown = repr(config) + repr(admin) + repr(place.site) + str(vars(place.platform))
    for secret in (config.client_secret, place.site.credentials["access_token"], place.site.credentials["refresh_token"]):
        assert secret not in shown
    assert CLIENT_ID in shown
