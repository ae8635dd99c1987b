"""Who opens a page inside a shop's admin: proven by a session token, and by nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
from pydantic import ValidationError

from app.domain.errors import DeliveryRefused, PlatformRefused
from app.domain.events import Delivery
from app.domain.platform import SiteState
from integrations.shopify import auth
from integrations.shopify.config import Config
from integrations.shopify.platform import Shopify as Platform
from tests.integrations.shopify.contract import SAMPLE, SHOP, installed
from tests.integrations.shopify.place import Place, opened
from tests.integrations.shopify.stand_in import CLIENT_ID, CLIENT_SECRET, Shopify
from tests.support.surroundings import made


def document(token: str, more: str = "") -> Delivery:
    path = f"/embedded/shopify?embedded=1&shop={SHOP}&host=YWRtaW4&id_token={token}{more}"
    return Delivery("GET", path, {"host": "picward.example"}, b"", time.time_ns() // 1_000)


def fetch(token: str, scheme: str = "Bearer ") -> Delivery:
    return Delivery("POST", "/embedded/shopify/settings", {"authorization": scheme + token}, b"{}", time.time_ns() // 1_000)


@pytest.mark.parametrize("request_of", [document, fetch])
def test_a_known_shop_is_let_in_with_who_visits(place: Place, shopify: Shopify, request_of: Callable[[str], Delivery]) -> None:
    token = shopify.id_token(SHOP)
    admission = place.platform.admit(request_of(token), {SHOP: place.site}.get)
    assert admission.site == place.site and admission.name == place.site.name
    assert (admission.person, admission.proof, admission.connection) == ("Shopify user 42", token, {"shop": SHOP})
    assert token not in repr(admission)


def test_a_shop_that_comes_for_the_first_time_is_a_newcomer(place: Place, shopify: Shopify) -> None:
    admission = place.platform.admit(document(shopify.id_token("new.myshopify.com")), lambda claimed: None)
    site = admission.site
    assert (site.id, site.key, site.name, site.state) == ("", "new.myshopify.com", "new.myshopify.com", SiteState.PAIRING)
    assert admission.name == "new.myshopify.com"


def test_a_removed_shop_that_is_installed_again_is_the_same_site(place: Place, shopify: Shopify) -> None:
    removed = replace(place.site, state=SiteState.REMOVED, credentials={}, secrets=())
    admission = place.platform.admit(document(shopify.id_token(SHOP)), {SHOP: removed}.get)
    assert admission.site == removed


CLAIMS: list[dict[str, Any]] = [
    {"aud": "another-app"}, {"aud": [CLIENT_ID, "another"]}, {"aud": None},
    {"exp": int(time.time()) - 11}, {"exp": None}, {"nbf": int(time.time()) + 86_400}, {"nbf": None},
    {"dest": "https://evil.example"}, {"dest": "https://one.myshopify.com.evil.example"}, {"dest": "https://evil.example/one.myshopify.com"},
    {"dest": "http://one.myshopify.com"}, {"dest": "https://one.myshopify.com/admin"}, {"dest": "https://one.myshopify.com:8443"},
    {"dest": "https://user@one.myshopify.com"}, {"dest": "https://ONE.myshopify.com"}, {"dest": "https://-one.myshopify.com"},
    {"dest": "https://one_two.myshopify.com"}, {"dest": "https://one.two.myshopify.com"}, {"dest": "https://one.myshopify.com\n"},
    {"dest": "https://.myshopify.com"}, {"dest": "https://öne.myshopify.com"}, {"dest": 7}, {"dest": None}, {"dest": ""},
    {"dest": ["https://one.myshopify.com"]}, {"dest": "https://[::1"},
    {"iss": "https://two.myshopify.com/admin"}, {"iss": "https://one.myshopify.com.evil.example/admin"}, {"iss": "https://one.myshopify.com"},
    {"iss": None},
    {"sub": None}, {"jti": None}, {"sid": None},
    {"secret": "shpss_" + "f" * 32},
]  # fmt: skip


@pytest.mark.parametrize("over", CLAIMS, ids=range(len(CLAIMS)))
def test_a_token_that_is_not_right_in_one_point_is_refused(place: Place, shopify: Shopify, over: dict[str, Any]) -> None:
    for request_of in (document, fetch):
        with pytest.raises(DeliveryRefused):
            place.platform.admit(request_of(shopify.id_token(SHOP, **over)), {SHOP: place.site}.get)


def test_clocks_that_differ_by_ten_seconds_work(place: Place, shopify: Shopify) -> None:
    for over in ({"exp": int(time.time()) - 5}, {"nbf": int(time.time()) + 5}):
        assert place.platform.admit(document(shopify.id_token(SHOP, **over)), {SHOP: place.site}.get).site == place.site


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_token_without_or_with_another_kind_of_signature_is_refused(place: Place, shopify: Shopify) -> None:
    claims = jwt.decode(shopify.id_token(SHOP), options={"verify_signature": False})
    for algorithm, key in (("none", None), ("HS512", CLIENT_SECRET)):
        with pytest.raises(DeliveryRefused):
            place.platform.admit(document(jwt.encode(claims, key, algorithm=algorithm)), {SHOP: place.site}.get)


@pytest.mark.parametrize(
    "token", ["", " ", "x", "a.b.c", "é.é.é", "." * 50, "x" * 100_000, "eyJhbGciOiJIUzI1NiJ9..", "null", "\x00"]
)
def test_what_is_no_token_is_refused(place: Place, token: str) -> None:
    for visit in (document(token), fetch(token), fetch(token, "bearer "), fetch(token, "Basic "), fetch(token, "")):
        with pytest.raises(DeliveryRefused):
            place.platform.admit(visit, {SHOP: place.site}.get)


def test_two_tokens_and_a_token_of_another_kind_are_refused(place: Place, shopify: Shopify) -> None:
    good = shopify.id_token(SHOP)
    both = replace(document(good), headers={"authorization": "Basic x"})
    for visit in (document(good, f"&id_token={good}"), both, Delivery("GET", "/embedded/shopify", {}, b"", 0)):
        with pytest.raises(DeliveryRefused):
            place.platform.admit(visit, {SHOP: place.site}.get)


def test_the_shop_in_the_address_counts_for_nothing(place: Place, shopify: Shopify) -> None:
    visit = document(shopify.id_token("two.myshopify.com"))
    assert f"shop={SHOP}" in visit.path
    assert place.platform.admit(visit, lambda claimed: None).site.key == "two.myshopify.com"


def test_pages_are_framed_by_this_shop_and_shopifys_admin_only(place: Place) -> None:
    framed = place.platform.frame(place.site)
    assert framed.ancestors == (f"https://{SHOP}", "https://admin.shopify.com")
    assert framed.scripts == ("https://cdn.shopify.com",) and framed.values == {"client_id": CLIENT_ID, "missing_scopes": ""}
    assert (framed.templates / "home.html").is_file()
    assert place.platform.frame(SAMPLE.site(key="evil.example *")) is None


def test_what_a_chosen_setting_needs_is_asked_for_and_found_once_it_is_granted(shopify: Shopify) -> None:
    place = opened(shopify, scopes=("write_products",))
    assert place.platform.steps(place.site) == ()
    place.platform.settings_changed(place.site)
    assert place.shop.requests == [] and place.pocket.renewals == 0
    chosen = place.with_settings(hide_by="detach")
    assert "write_files" in chosen.platform.steps(chosen.site)[0].text
    assert chosen.platform.frame(chosen.site).values["missing_scopes"] == "write_files"
    with pytest.raises(PlatformRefused, match="write_files"):
        chosen.platform.settings_changed(chosen.site)
    place.shop.grant("write_files")
    chosen.platform.settings_changed(chosen.site)
    granted = chosen.with_credentials(**chosen.pocket.held[chosen.site.id])
    assert granted.platform.steps(granted.site) == () and granted.platform.frame(granted.site).values["missing_scopes"] == ""


def test_without_an_app_nobody_is_let_in_and_check_says_what_to_set(shopify: Shopify) -> None:
    bare = made(Platform)
    delivery = SAMPLE.recordings()["products_update"]
    for let_in in (bare.authenticate, bare.admit):
        for visit in (delivery, document(shopify.id_token(SHOP))):
            with pytest.raises(DeliveryRefused):
                let_in(visit, lambda claimed: None)
    with pytest.raises(PlatformRefused, match="PICWARD_SHOPIFY_CLIENT_ID"):
        bare.check(SAMPLE.site())
    assert bare.doorstep(document("x")) is None


def test_without_the_extra_the_connector_starts_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "installed", lambda: False)
    platform = installed()
    with pytest.raises(DeliveryRefused):
        platform.authenticate(SAMPLE.recordings()["products_update"], lambda claimed: None)
    with pytest.raises(PlatformRefused, match=r"Install Picward with it"):
        platform.check(SAMPLE.site())


@pytest.mark.parametrize(
    "values",
    [
        {"client_id": "x"}, {"client_secret": "x"}, {"client_id": "x", "client_secret": "y", "admin_origin": "https://shop"},
        {"client_id": "x", "client_secret": "y", "admin_origin": "ftp://{shop}"},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_stop_the_start(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="PICWARD_SHOPIFY"):
        made(Platform, Config(**values))


def test_the_environment_is_read_once_and_by_the_wiring_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICWARD_SHOPIFY_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("PICWARD_SHOPIFY_CLIENT_SECRET", CLIENT_SECRET)
    monkeypatch.setenv("PICWARD_SHOPIFY_API_VERSION", "nonsense")
    with pytest.raises(ValidationError):
        made(Platform)
    monkeypatch.setenv("PICWARD_SHOPIFY_API_VERSION", "2026-07")
    assert Config().complete and Config().api_version == "2026-07" and Config().hosts == {"cdn.shopify.com"}
