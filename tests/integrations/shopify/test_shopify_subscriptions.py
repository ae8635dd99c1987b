"""Webhooks that Picward subscribes itself, so that an app from the Dev Dashboard needs no file and no CLI."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.decisions import Verdict
from app.domain.errors import PlatformRefused
from app.services.pipeline.moderate import Moderator
from app.services.review import showing
from integrations.shopify import subscriptions
from tests.integrations.shopify.contract import installed
from tests.integrations.shopify.embedding import ONE, opened_admin
from tests.integrations.shopify.place import Place
from tests.integrations.shopify.test_shopify_state import refusing
from tests.support.core import Bench

ADDRESS = "https://picward.example/webhooks/shopify"


def test_what_is_read_is_subscribed_once(place: Place) -> None:
    place.platform.pulse(place.site)
    found = {one.topic: (one.uri, tuple(one.fields)) for one in place.shop.subscriptions.values()}
    assert found == {topic: (ADDRESS, fields) for topic, fields in subscriptions.TOPICS.items()}
    before = place.shop.operations["Subscribe"]
    place.platform.pulse(place.site)
    assert place.shop.operations["Subscribe"] == before == len(subscriptions.TOPICS)
    assert place.shop.operations["Resubscribe"] == 0


def test_what_a_shop_dropped_or_an_earlier_version_asked_for_is_put_right(place: Place) -> None:
    place.platform.pulse(place.site)
    dropped, moved, narrow = list(place.shop.subscriptions.values())[:3]
    del place.shop.subscriptions[dropped.gid]
    moved.uri, narrow.fields = "https://old.example/webhooks/shopify", ["id"]
    place.platform.pulse(place.site)
    found = {one.topic: (one.uri, tuple(one.fields)) for one in place.shop.subscriptions.values()}
    assert found == {topic: (ADDRESS, fields) for topic, fields in subscriptions.TOPICS.items()}


def test_it_can_be_left_to_the_apps_file_and_needs_a_safe_address(place: Place) -> None:
    for platform in (installed(place.pocket, subscribes=False), installed(place.pocket, {"public_url": "http://127.0.0.1:8080"})):
        replace(place, platform=platform).platform.pulse(place.site)
    assert place.shop.subscriptions == {} and place.shop.requests == []


def test_a_refusal_is_told(place: Place) -> None:
    with refusing("webhookSubscriptionCreate"), pytest.raises(PlatformRefused, match="webhookSubscriptionCreate"):
        place.platform.pulse(place.site)


def test_a_merchant_with_an_app_from_the_dashboard_comes_to_a_judged_product(bench: Bench) -> None:
    """No file was deployed: what is not subscribed is not sent."""
    with opened_admin(bench) as admin:
        shop = admin.shopify.shops[ONE]
        shop.only_subscribed = True
        shop.add_product(images=1)
        assert not admin.shopify.webhooks.pending, "the control: nothing is subscribed yet"
        site = admin.site()
        platform = admin.bench.core.platform("shopify")
        platform.surroundings = replace(platform.surroundings, public_url="https://picward.example")
        platform.pulse(site)
        shop.add_product(images=1)
        (webhook,) = admin.shopify.webhooks.pending
        assert b"updated_at" not in webhook.body.split(b'"media"')[0] and b"body_html" not in webhook.body
        assert admin.client.post("/webhooks/shopify", data=webhook.body, headers=webhook.headers).status_code == 202
        assert Moderator(admin.bench.core).run_next()
        (judged,) = showing.recent(admin.bench.core, site.id)
        assert judged.decision.verdict is Verdict.ALLOW
