"""Webhooks beyond the contract: both families of headers, forged ones, rotation, and payloads that are not as expected."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from app.domain.errors import DeliveryRefused, DeliveryUnreadable
from app.domain.events import Delivery, ErasureWanted, MediaUploaded, Noted, ParentSeen, ParentShown, SiteRemoved
from app.domain.platform import SiteState
from app.domain.time import microseconds
from integrations.shopify.media import version_of
from integrations.shopify.settings import Settings
from integrations.shopify.webhooks import head
from tests.contract.sample import finder
from tests.integrations.shopify.contract import FIRST, SAMPLE, SHOP, installed
from tests.integrations.shopify.stand_in import CLIENT_SECRET

NEW = "shpss_" + "n" * 32
RECORDED = SAMPLE.recordings()


@pytest.fixture
def platform() -> Any:
    return installed()


def signed(name: str = "products_update", *, secret: str = CLIENT_SECRET, **over: Any) -> Delivery:
    """Change fields of a recorded body (None takes one out) and sign it again."""
    body = {key: value for key, value in {**json.loads(RECORDED[name].body), **over}.items() if value is not None}
    return SAMPLE.signed(RECORDED[name], secret=secret, body=json.dumps(body).encode())


def headed(delivery: Delivery, **headers: str) -> Delivery:
    return replace(delivery, headers={**delivery.headers, **{name.replace("_", "-"): value for name, value in headers.items()}})


def test_the_exact_bytes_are_signed_and_not_what_they_mean(platform: Any) -> None:
    recorded = RECORDED["products_update"]
    assert b"\\/" in recorded.body and b"\\u003c" in recorded.body
    again = replace(recorded, body=json.dumps(json.loads(recorded.body), ensure_ascii=False, separators=(",", ":")).encode())
    assert json.loads(again.body) == json.loads(recorded.body)
    with pytest.raises(DeliveryRefused):
        platform.authenticate(again, finder(SAMPLE.site()))


@pytest.mark.parametrize("secret", [CLIENT_SECRET, NEW])
def test_both_secrets_are_accepted_while_one_is_rotated(secret: str) -> None:
    rotating = installed(client_secret=NEW, old_client_secret=CLIENT_SECRET)
    assert rotating.authenticate(signed(secret=secret), finder(SAMPLE.site())) == SAMPLE.site()
    with pytest.raises(DeliveryRefused):
        rotating.authenticate(signed(secret="shpss_" + "x" * 32), finder(SAMPLE.site()))
    after = installed(client_secret=NEW)
    if secret == CLIENT_SECRET:
        with pytest.raises(DeliveryRefused):
            after.authenticate(signed(secret=secret), finder(SAMPLE.site()))


def test_nobody_mixes_the_two_families(platform: Any) -> None:
    classic, event = RECORDED["products_update"], RECORDED["product_event"]
    assert not head(classic).event and head(event).event
    # The signature of one family above the shop of the other: each is read from its own only.
    mixed = {name: value for name, value in classic.headers.items() if "shop-domain" not in name}
    with pytest.raises(DeliveryRefused):
        platform.authenticate(replace(classic, headers={**mixed, "shopify-shop-domain": SHOP}), finder(SAMPLE.site()))


@pytest.mark.parametrize("name", ["app_uninstalled", "customers_data_request", "customers_redact", "shop_redact"])
def test_a_signed_body_under_another_shops_name_is_refused(platform: Any, name: str) -> None:
    victim = SAMPLE.site(id="st_victim", key="victim.myshopify.com")
    forged = headed(RECORDED[name], x_shopify_shop_domain="victim.myshopify.com")
    with pytest.raises(DeliveryRefused):
        platform.authenticate(forged, finder(victim))


@pytest.mark.parametrize("topic", ["app/uninstalled", "shop/redact"])
@pytest.mark.parametrize("name", ["products_update", "products_delete", "app_scopes_update", "bulk_operations_finish"])
def test_a_signed_body_under_a_destructive_topic_is_refused(platform: Any, name: str, topic: str) -> None:
    with pytest.raises(DeliveryRefused):
        platform.authenticate(headed(RECORDED[name], x_shopify_topic=topic), finder(SAMPLE.site()))


def test_a_late_word_of_an_uninstallation_does_not_remove_a_shop_that_is_back(platform: Any) -> None:
    told = RECORDED["app_uninstalled"]
    at = microseconds(told.headers["x-shopify-triggered-at"])
    for obtained_at, removed in ((at - 3_600_000_000, True), (at + 1_000_000, True), (at + 3_600_000_000, False)):
        site = SAMPLE.site()
        site = replace(site, credentials={**site.credentials, "obtained_at": obtained_at})
        assert (SiteRemoved() in platform.parse(told, site).events) is removed
    for odd in ("", "soon", "9" * 400):
        assert SiteRemoved() in platform.parse(headed(told, x_shopify_triggered_at=odd), site).events
    assert SiteRemoved() in platform.parse(told, replace(site, credentials={})).events


def test_a_product_that_was_changed_cannot_be_made_one_that_was_deleted(platform: Any) -> None:
    forged = headed(RECORDED["products_update"], x_shopify_topic="products/delete")
    with pytest.raises(DeliveryUnreadable, match="not that of a deleted product"):
        platform.parse(forged, platform.authenticate(forged, finder(SAMPLE.site())))


def test_a_get_is_no_webhook(platform: Any) -> None:
    with pytest.raises(DeliveryRefused):
        platform.authenticate(replace(RECORDED["products_update"], method="GET"), finder(SAMPLE.site()))


def test_a_removed_shop_is_found_so_that_it_can_be_erased(platform: Any) -> None:
    removed = SAMPLE.site(state=SiteState.REMOVED, credentials={}, secrets=())
    delivery = RECORDED["shop_redact"]
    assert platform.authenticate(delivery, finder(removed)) == removed
    assert platform.parse(delivery, removed).events == SAMPLE.events["shop_redact"]


def test_a_webhook_needs_no_token(platform: Any) -> None:
    bare = SAMPLE.site(credentials={})
    for name in SAMPLE.events:
        assert platform.parse(RECORDED[name], platform.authenticate(RECORDED[name], finder(bare))).id


@pytest.mark.parametrize("id", ["", " ", "x" * 101, "a b", "é"])
def test_an_odd_id_makes_a_delivery_unreadable(platform: Any, id: str) -> None:
    with pytest.raises(DeliveryUnreadable, match="id"):
        platform.parse(headed(RECORDED["products_update"], x_shopify_webhook_id=id), SAMPLE.site())


@pytest.mark.parametrize("topic", ["", "orders/create", "products/updat", "app/uninstalled ", "__class__"])
def test_a_topic_that_is_not_ours_is_named(platform: Any, topic: str) -> None:
    with pytest.raises(DeliveryUnreadable, match=r"shopify\.app\.toml"):
        platform.parse(headed(RECORDED["products_update"], x_shopify_topic=topic), SAMPLE.site())


IMAGE = "gid://shopify/MediaImage/1"


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"media": None}, "media is missing"),
        ({"media": "x"}, "media"),
        ({"media": [7]}, "media"),
        ({"media": [{}]}, "admin_graphql"),
        ({"media": [{"admin_graphql_api_id": IMAGE, "position": "first"}]}, "position"),
        (
            {"media": [{"admin_graphql_api_id": IMAGE, "status": "READY", "preview_image": {"src": "https://[::1/x"}}]},
            "web address",
        ),
        ({"media": [{"admin_graphql_api_id": f"{IMAGE}{n}"} for n in range(2_001)]}, "media"),
        ({"admin_graphql_api_id": None}, "admin_graphql"),
        ({"admin_graphql_api_id": "gid://shopify/Order/1"}, "no product"),
        ({"admin_graphql_api_id": "gid://shopify/Product/1/../2"}, "no product"),
    ],
)
def test_a_wrong_field_is_named(platform: Any, over: dict[str, Any], words: str) -> None:
    delivery = signed(**over)
    site = platform.authenticate(delivery, finder(SAMPLE.site()))
    with pytest.raises(DeliveryUnreadable, match=words):
        platform.parse(delivery, site)


def test_what_is_only_for_people_never_makes_a_delivery_unreadable(platform: Any) -> None:
    delivery = signed(title="\x00\ud800" + "x" * 9_000, handle=7, vendor=[], product_type={}, tags=3, status="mystery")
    events = platform.parse(delivery, SAMPLE.site()).events
    assert isinstance(events[0], MediaUploaded) and events[0].media.id == FIRST.id
    assert events[0].media.context["status"] == ("mystery",)
    events[0].media.context["title"][0].encode()


def test_what_the_subscription_leaves_out_is_not_needed(platform: Any) -> None:
    kept = {
        key: None for key in json.loads(RECORDED["products_update"].body) if key not in ("id", "admin_graphql_api_id", "media")
    }
    events = platform.parse(signed(**kept), SAMPLE.site()).events
    assert [type(event) for event in events] == [MediaUploaded, MediaUploaded, ParentSeen]
    assert platform.parse(signed(status="active"), SAMPLE.site()).personal is False


def test_who_owns_a_shop_is_not_stored(platform: Any) -> None:
    parsed = platform.parse(RECORDED["app_uninstalled"], SAMPLE.site())
    assert parsed.personal and parsed.events == (SiteRemoved(),)


@pytest.mark.parametrize("odd", [7, {}, {"admin_graphql_api_id": IMAGE, "position": "first"}], ids=str)
def test_one_odd_medium_or_the_251st_costs_no_other(platform: Any, odd: Any) -> None:
    media = [{"admin_graphql_api_id": f"{IMAGE}{number}"} for number in range(300)]
    *uploads, seen, _, noted = platform.parse(signed(media=[*media[:200], odd, *media[200:]]), SAMPLE.site()).events
    assert len(uploads) == 300 and len(seen.media_ids) >= 300
    assert isinstance(noted, Noted) and "1 media of" in noted.text


REDACTED = {
    "installed again within the two days": (-3_600, False),
    "its uninstallation was never told": (-48 * 3_600, True),
    "not connected": (None, True),
}


@pytest.mark.parametrize("case", REDACTED)
def test_an_erasure_that_a_new_installation_overtook_erases_nothing(platform: Any, case: str) -> None:
    age, erases = REDACTED[case]
    delivery = RECORDED["shop_redact"]
    held = {} if age is None else {"obtained_at": delivery.received_at + age * 1_000_000}
    (event,) = platform.parse(delivery, SAMPLE.site(credentials=held)).events
    assert isinstance(event, ErasureWanted) is erases and isinstance(event, Noted) is not erases


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_drafts_are_left_out_when_the_merchant_says_so(platform: Any, status: str) -> None:
    delivery = signed(status=status)
    assert len(platform.parse(delivery, SAMPLE.site()).events) == 3
    (seen,) = platform.parse(delivery, SAMPLE.site(settings=Settings(judge_drafts=False))).events
    assert isinstance(seen, ParentSeen) and FIRST.id in seen.media_ids
    for shown in ("active", "unlisted"):
        assert len(platform.parse(signed(status=shown), SAMPLE.site(settings=Settings(judge_drafts=False))).events) == 4


def test_where_hiding_means_missing_a_missing_image_is_no_hint(platform: Any) -> None:
    events = platform.parse(RECORDED["products_update"], SAMPLE.site(settings=Settings(hide_by="detach"))).events
    assert [type(event) for event in events] == [MediaUploaded, MediaUploaded, ParentShown]


SHOWN = {
    "a draft": (False, {"status": "draft"}, {}),
    "unlisted": (True, {"status": "unlisted"}, {}),
    "another channel's": (False, {"published_at": None}, {"hide_by": "unpublish"}),
    "the online store's": (True, {}, {"hide_by": "unpublish"}),
    "of other channels": (False, {}, {"hide_by": "unpublish", "sales_channels": ("Point of Sale",)}),
    "of named channels": (True, {}, {"hide_by": "unpublish", "sales_channels": ("Online Store",)}),
    "without images": (False, {"media": []}, {}),
}


@pytest.mark.parametrize("case", SHOWN)
def test_what_shoppers_can_see_is_told(platform: Any, case: str) -> None:
    told, body, settings = SHOWN[case]
    events = platform.parse(signed(**body), SAMPLE.site(settings=Settings(**settings))).events
    assert any(isinstance(event, ParentShown) for event in events) is told


def test_events_of_the_next_generation_say_more_when_they_are_asked_for_more(platform: Any) -> None:
    product = {
        "id": "gid://shopify/Product/1", "status": "DRAFT", "title": "Hat", "productType": "Hats", "vendor": "V", "tags": ["a"],
        "media": {"nodes": [
            {"id": "gid://shopify/MediaImage/1", "status": "READY", "image": {"url": "https://cdn.shopify.com/x.jpg?v=5"}},
            {"id": "gid://shopify/Video/2"}, {"id": "gid://shopify/MediaImage/3", "status": "FAILED"},
        ]},
    }  # fmt: skip
    uploaded, seen = platform.parse(signed("product_event", data={"product": product}), SAMPLE.site()).events
    assert (uploaded.media.version, uploaded.media.context["product_type"]) == ("5", ("Hats",))
    assert seen == ParentSeen("gid://shopify/Product/1", ("gid://shopify/MediaImage/1@1", "gid://shopify/MediaImage/3@1"))
    (gone,) = platform.parse(signed("product_event", action="delete", data=None), SAMPLE.site()).events
    assert gone.parent == "gid://shopify/Product/8052109115620"
    for over in ({"topic": "Order"}, {"data": {}}, {"data": None}, {"data": {"product": {"id": 1}}}):
        with pytest.raises(DeliveryUnreadable):
            platform.parse(signed("product_event", **over), SAMPLE.site())


CDN = "https://cdn.shopify.com/"


def test_the_version_of_an_image_is_in_its_address() -> None:
    assert version_of(CDN + "a.jpg?v=1778164417") == "1778164417"
    assert version_of(CDN + "a.jpg?width=5&v=1778164418") == "1778164418"
    by_path = version_of(CDN + "a.jpg")
    assert by_path.startswith("p") and by_path != version_of(CDN + "b.jpg")
    for odd in ("a.jpg?v=", "a.jpg?v=1&v=2", "a.jpg?v=../x", "a.jpg?width=3"):
        assert version_of(CDN + odd) == by_path
