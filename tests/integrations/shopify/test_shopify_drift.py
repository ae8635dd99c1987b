"""A hidden product that another app or its merchant shows again: it is noticed, told, and hidden again where that was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.domain.jobs import WorkState
from app.domain.platform import Site
from app.domain.signals import Signal
from app.services.pipeline import enforce, scan
from app.services.pipeline.moderate import Moderator
from app.services.rules import policies
from app.services.sites import sites
from tests.integrations.shopify.embedding import ONE, Admin, Everywhere, opened_admin
from tests.integrations.shopify.place import ALL_SCOPES, WAYS
from tests.integrations.shopify.stand_in import Product, Shop, picture
from tests.support.core import Bench


@pytest.fixture
def admin(bench: Bench) -> Iterator[Admin]:
    with opened_admin(bench) as made:
        made.shopify.shops[ONE].scopes |= set(ALL_SCOPES)
        yield made


@pytest.fixture
def site(admin: Admin) -> Site:
    site = admin.site()
    rules = [{"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"}]
    policies.save(admin.bench.core, site.id, rules, "owner")
    return site


def work(admin: Admin, *, deliver: bool = True) -> None:
    """Let everything happen that waits: webhooks, judging, write-back and the webhooks of that."""
    moderator, webhooks = Moderator(admin.bench.core), admin.shopify.webhooks
    for _ in range(5):
        for webhook in list(webhooks.pending) if deliver else ():
            if webhook.topic.startswith("products/"):
                admin.client.post("/webhooks/shopify", data=webhook.body, headers=webhook.headers)
        webhooks.pending.clear()
        while moderator.run_next() or enforce.run_next(admin.bench.core):
            pass


def hidden(admin: Admin, pictures: int = 1) -> tuple[Shop, Product]:
    """Have a product hidden for each of its pictures."""
    shop = admin.shopify.shops[ONE]
    product = shop.add_product("Blocked hat", [picture(77 + number) for number in range(pictures)])
    admin.bench.judge.sees = Everywhere((Signal("told", "1", "sexual.explicit_nudity", 0.95),))
    work(admin)
    admin.bench.judge.sees = Everywhere(())
    assert not shop.listed(product) or not product.media
    assert enforce.parked(admin.bench.core, sites.listing(admin.bench.core)[0].id) == []
    return shop, product


def show(shop: Shop, product: Product) -> None:
    """Show it as an import does that writes what it thinks is right over everything."""
    with shop.editing(product):
        product.status = "ACTIVE"
        product.publications = dict.fromkeys(shop.publications, "2026-11-23T08:00:00Z")
        product.media[:] = shop.files.values()


def chosen(admin: Admin, site: Site, **settings: Any) -> None:
    sites.save_settings(admin.bench.core, site.id, settings, "owner")


@pytest.mark.parametrize("told_by", ["a webhook", "the hourly comparison"])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_shown_again_is_noticed_and_told(admin: Admin, site: Site, way: str, told_by: str) -> None:
    chosen(admin, site, hide_by=way)
    shop, product = hidden(admin)
    show(shop, product)
    work(admin, deliver=told_by == "a webhook")
    if told_by != "a webhook":
        assert enforce.parked(admin.bench.core, site.id) == [], "the control: no webhook told of it"
        row = next(row for row in sites.listing(admin.bench.core) if row.id == site.id)
        scan.reconcile(admin.bench.core, row, "", lambda: False)
        work(admin)
    (waits,) = enforce.parked(admin.bench.core, site.id)
    assert waits.state is WorkState.DRIFTED and "in Shopify" in waits.problem
    assert shop.listed(product), "it is not fought over"
    page = admin.open().text
    assert "Hide again" in page and "left so" in page
    changes = shop.changes
    shop.sell(product)
    work(admin)
    assert shop.changes == changes


@pytest.mark.parametrize("now", WAYS)
@pytest.mark.parametrize("way", WAYS)
def test_what_was_hidden_for_two_pictures_is_left_for_both_however_it_is_hidden_now(
    admin: Admin, site: Site, way: str, now: str
) -> None:
    chosen(admin, site, hide_by=way)
    shop, product = hidden(admin, pictures=2)
    chosen(admin, site, hide_by=now)
    show(shop, product)
    work(admin)
    assert shop.listed(product) and len(product.media) == 2, "it is not fought over"
    waits = enforce.parked(admin.bench.core, site.id)
    assert [one.state for one in waits] == [WorkState.DRIFTED] * 2 and all("left so" in one.problem for one in waits)


@pytest.mark.parametrize("way", WAYS)
def test_by_the_owners_choice_it_is_hidden_again(admin: Admin, site: Site, way: str) -> None:
    chosen(admin, site, hide_by=way, shown_again="hide")
    shop, product = hidden(admin)
    for _ in range(2):
        show(shop, product)
        work(admin)
        assert not shop.listed(product) or not product.media
    assert enforce.parked(admin.bench.core, site.id) == []


def test_two_that_undo_each_other_end_at_the_brake_and_are_told(admin: Admin, site: Site) -> None:
    chosen(admin, site, shown_again="hide", actions_per_hour=4)
    shop, product = hidden(admin)
    for _ in range(6):
        show(shop, product)
        work(admin)
    (waits,) = enforce.parked(admin.bench.core, site.id)
    assert waits.state is WorkState.PARKED and "4 times within an hour" in waits.problem


def test_a_person_hides_it_again_with_one_press(admin: Admin, site: Site) -> None:
    shop, product = hidden(admin)
    show(shop, product)
    work(admin)
    (waits,) = enforce.parked(admin.bench.core, site.id)
    assert admin.send("verdict", {"decision_id": waits.decision_id, "verdict": "block"}).status_code == 200
    work(admin)
    assert product.status == "DRAFT"


def test_a_webhook_from_before_the_hide_changes_nothing(admin: Admin, site: Site) -> None:
    shop = admin.shopify.shops[ONE]
    product = shop.add_product("Blocked hat", [picture(77)])
    old = list(admin.shopify.webhooks.pending)
    shop.edit(product, title="Blocked hat, edited")
    late = [one for one in admin.shopify.webhooks.pending if one not in old]
    admin.shopify.webhooks.pending.clear()
    admin.shopify.webhooks.pending.extend(old)
    admin.bench.judge.sees = Everywhere((Signal("told", "1", "sexual.explicit_nudity", 0.95),))
    work(admin)
    assert product.status == "DRAFT"
    changes = shop.changes
    admin.shopify.webhooks.pending.extend(late)
    work(admin)
    assert product.status == "DRAFT" and shop.changes == changes and enforce.parked(admin.bench.core, site.id) == []
    assert shop.operations["Listing"] >= 2, "it was looked at"
