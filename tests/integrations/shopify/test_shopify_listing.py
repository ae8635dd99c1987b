"""Listings: the whole catalogue by a bulk operation, and what changed lately."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef, Page
from integrations.shopify import bulk, listing, media
from tests.integrations.shopify.contract import ref
from tests.integrations.shopify.contract import shopify as running_shopify
from tests.integrations.shopify.place import Place, opened
from tests.integrations.shopify.stand_in import Shopify, answers, picture

# The whole catalogue


def test_the_whole_catalogue_is_listed_by_one_bulk_operation(place: Place) -> None:
    products = [place.shop.add_product(images=3, product_type="Hats", vendor="V", tags=("b", "a")) for _ in range(20)]
    place.shop.add_product(images=0)
    place.shop.requests.clear()
    found = place.listed()
    assert found == [ref(product, media) for product in products for media in product.media]
    assert [image.parent for image in found[:4]] == [products[0].gid] * 3 + [products[1].gid]
    context = found[1].context
    assert (context["product_type"], context["vendor"], context["position"]) == (("Hats",), ("V",), ("2",))
    assert sorted(context["tags"]) == ["a", "b"] and context["status"] == ("active",) and found[1].created_at > 0
    assert place.shop.spent <= 20, dict(place.shop.spent_by)


def test_a_shop_without_products_is_listed(place: Place) -> None:
    assert place.listed() == []


def test_what_is_no_ready_image_is_listed_as_what_it_is(place: Place) -> None:
    product = place.shop.add_product(images=2)
    place.shop.fail_image(product.media[0])
    waiting = place.shop.add_image(product, reads_until_ready=1_000)
    assert [(image.id, image.version) for image in place.listed()] == [
        (ref(product, product.media[1]).id, product.media[1].version),
        (ref(product, waiting).id, "pending"),
    ]


def test_drafts_are_left_out_of_the_listing_when_the_merchant_says_so(place: Place) -> None:
    place.shop.add_product(images=1, status="DRAFT")
    shown = place.shop.add_product(images=1)
    chosen = place.with_settings(judge_drafts=False)
    assert len(place.listed()) == 2 and len(place.platform.changed(place.site, 0).media) == 2
    assert chosen.listed() == [ref(shown, shown.media[0])] == list(chosen.platform.changed(chosen.site, 0).media)


def pages(place: Place) -> list[Page]:
    found, cursor = [], ""
    for _ in range(500):
        found.append(place.platform.scan(place.site, cursor))
        cursor = found[-1].cursor
        if not cursor:
            return found
    raise AssertionError("the listing does not end")


@pytest.mark.parametrize("size", [1_499, 1_733, 2_500, 5_000, 100_000])
def test_page_borders_lose_and_double_nothing(place: Place, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    products = [place.shop.add_product(title=f"Hut „{n}“ " + "x" * (n % 30), images=n % 4) for n in range(60)]
    monkeypatch.setattr(bulk, "PAGE_BYTES", size)
    found = pages(place)
    images = [image for page in found for image in page.media]
    assert images == [ref(product, media) for product in products for media in product.media]
    assert all(image.context["title"] for image in images)
    assert {page.total for page in found if page.media} == {90}


def test_a_line_longer_than_a_page_is_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = tuple(f"{number} " + "é" * 200 for number in range(250))
    first = place.shop.add_product(images=2, tags=tags)
    second = place.shop.add_product(images=2)
    monkeypatch.setattr(bulk, "PAGE_BYTES", 20_000)
    expected = [ref(product, one) for product in (first, second) for one in product.media]
    assert [image for page in pages(place) for image in page.media] == expected
    assert place.shop.operations["Products"] == 0
    # One without an end costs the bulk operation, and no picture.
    monkeypatch.setattr(bulk, "LINE_BYTES", 30_000)
    assert [image for page in pages(place) for image in page.media] == expected
    assert place.shop.operations["Products"] > 0


def test_it_goes_on_from_any_cursor_as_after_a_kill(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    products = [place.shop.add_product(images=2) for _ in range(40)]
    expected = [ref(product, media) for product in products for media in product.media]
    monkeypatch.setattr(bulk, "PAGE_BYTES", 4_000)
    cursor, before, cursors = "", [], 0
    while True:
        assert before + _rest(place, cursor) == expected, cursor
        page = place.platform.scan(place.site, cursor)
        before += page.media
        cursor, cursors = page.cursor, cursors + 1
        if not cursor:
            break
    assert cursors > 5


def _rest(place: Place, cursor: str) -> list[MediaRef]:
    return place.listed(cursor)


def test_waiting_is_told(place: Place) -> None:
    place.shop.add_product(images=1)
    place.shop.bulk.polls = 1_000
    first = place.platform.scan(place.site, "")
    assert first.media == () and first.wait_seconds > 0 and first.cursor.startswith("op gid://shopify/BulkOperation/")
    second = place.platform.scan(place.site, first.cursor)
    assert (second.cursor, second.wait_seconds) == (first.cursor, listing.POLL_SECONDS)
    place.shop.finish_bulk()
    assert len(place.platform.scan(place.site, second.cursor).media) == 1


def test_too_many_operations_are_waited_for(place: Place) -> None:
    place.shop.bulk.polls = 1_000
    place.shop.add_product(images=1)
    for _ in range(5):
        place.platform.scan(place.site, "")
    page = place.platform.scan(place.site, "")
    assert (page.cursor, page.wait_seconds) == ("again", listing.BUSY_SECONDS)
    place.shop.finish_bulk()
    place.shop.bulk.polls = 2
    assert len(place.listed(page.cursor)) == 1


@pytest.mark.parametrize("code", ["TIMEOUT", "INTERNAL_SERVER_ERROR", "ACCESS_DENIED"])
def test_where_the_bulk_operation_fails_the_catalogue_is_read_by_pages(place: Place, code: str) -> None:
    products = [place.shop.add_product(images=number % 4, send=False) for number in range(45)]
    place.shop.bulk.polls = 1_000
    cursor = place.platform.scan(place.site, "").cursor
    place.shop.fail_bulk(code)
    assert place.listed(cursor) == [ref(product, one) for product in products for one in product.media]
    assert place.shop.operations["Products"] == 3 and place.shop.operations["BulkRun"] == 1


def test_pages_leave_drafts_out_when_the_merchant_says_so(place: Place) -> None:
    place.shop.add_product(images=1, status="DRAFT")
    shown = place.shop.add_product(images=1)
    chosen = place.with_settings(judge_drafts=False)
    assert len(place.listed("pages")) == 2 and chosen.listed("pages") == [ref(shown, shown.media[0])]


def test_an_address_that_is_over_means_beginning_anew(place: Place) -> None:
    product = place.shop.add_product(images=1)
    place.shop.bulk.polls = 1_000
    begun = place.platform.scan(place.site, "")
    place.shop.finish_bulk()
    place.shop.expire_bulk()
    place.shop.bulk.polls = 2
    page = place.platform.scan(place.site, begun.cursor)
    assert (page.media, page.cursor) == ((), "again 1") and page.wait_seconds > 0
    assert place.listed(page.cursor) == [ref(product, product.media[0])]


def test_an_operation_that_shopify_forgot_means_beginning_anew(place: Place) -> None:
    place.shop.add_product(images=1)
    assert place.platform.scan(place.site, "op gid://shopify/BulkOperation/1").cursor == "again 1"
    assert place.platform.scan(place.site, "at 500 gid://shopify/BulkOperation/1 2").cursor == "again 3"
    assert place.platform.scan(place.site, f"op gid://shopify/BulkOperation/1 {listing.MAX_RESTARTS}").cursor == "pages"


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("begins_well", [False, True])
def test_a_listing_that_can_never_be_read_is_not_begun_for_ever(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int, begins_well: bool
) -> None:
    products = [place.shop.add_product(images=2) for _ in range(20)]
    monkeypatch.setattr(bulk, "PAGE_BYTES", 5_000)
    cursor, read = "", []
    for _ in range(100):
        place.shop.script(None, to="storage")
        # A first page that can be read is no progress while the second never can.
        if cursor.startswith("at") or not begins_well:
            place.shop.script(answers.Answer(status), times=None, to="storage")
        page = place.platform.scan(place.site, cursor)
        cursor = page.cursor
        if not cursor or cursor.startswith("pages"):
            break
        read = [] if cursor.startswith("again") else [*read, *page.media]
    assert bool(read) is begins_well and cursor == "pages"
    assert place.shop.operations["BulkRun"] == listing.MAX_RESTARTS + 1
    assert "127.0.0.1" in caplog.text, "who runs it can see which store this server does not reach"
    assert place.listed(cursor) == [ref(product, media) for product in products for media in product.media]


def test_a_listing_that_is_over_by_itself_does_not_count(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan that a budget stretches over months meets an old listing each week."""
    product = place.shop.add_product(images=1)
    begun = place.platform.scan(place.site, "")
    place.shop.finish_bulk()
    place.shop.expire_bulk()
    cursor = f"{begun.cursor} {listing.MAX_RESTARTS}"
    assert place.platform.scan(place.site, cursor).cursor == "pages"
    monkeypatch.setattr(listing, "FILE_SECONDS", -60)
    page = place.platform.scan(place.site, cursor)
    assert page.cursor == "again"
    assert place.listed(page.cursor) == [ref(product, product.media[0])]


def test_waiting_for_its_turn_is_no_try_again(place: Place) -> None:
    place.shop.bulk.polls = 1_000
    for _ in range(5):
        place.platform.scan(place.site, "")
    page = place.platform.scan(place.site, "again 4")
    assert (page.cursor, page.wait_seconds) == ("again 4", listing.BUSY_SECONDS)
    place.shop.finish_bulk()
    assert place.platform.scan(place.site, page.cursor).cursor.endswith(" 4")


@pytest.mark.parametrize(
    "cursor",
    ["x", "op", "op 5", "at -1 gid://shopify/BulkOperation/1", "op gid://shopify/Product/1", "again ", "again 0", "again 100"],
)
def test_an_odd_cursor_is_refused(place: Place, cursor: str) -> None:
    with pytest.raises(PlatformRefused, match="start it again"):
        place.platform.scan(place.site, cursor)


def read(lines: bytes) -> list[MediaRef]:
    return list(bulk.Known().take(lines, True))


def medium(number: int, parent: int) -> dict[str, Any]:
    url = f"https://cdn.shopify.com/{number}.jpg?v={number}"
    id, owner = f"gid://shopify/MediaImage/{number}", f"gid://shopify/Product/{parent}"
    return {"id": id, "status": "READY", "image": {"url": url}, "__parentId": owner}


def test_lines_in_any_order_keep_their_context() -> None:
    lines = [
        {"id": "gid://shopify/Product/1", "title": "A", "status": "ACTIVE"},
        {"id": "gid://shopify/Product/2", "title": "B", "status": "ACTIVE"},
        medium(1, 1), medium(2, 2), medium(3, 1), {"id": "gid://shopify/Video/4", "__parentId": "gid://shopify/Product/2"},
    ]  # fmt: skip
    found = read("\n".join(map(json.dumps, lines)).encode())
    told = [(image.parent, image.context["title"], image.context["position"]) for image in found]
    first, second = "gid://shopify/Product/1", "gid://shopify/Product/2"
    assert told == [(first, ("A",), ("1",)), (second, ("B",), ("1",)), (first, ("A",), ("2",))]


@pytest.mark.parametrize("bad", [b"[]", b"{", b"\xff", b'{"id": 1}', b"[" * 90_000, b"<html>"])
def test_what_is_no_listing_is_none(bad: bytes) -> None:
    with pytest.raises(PlatformUnavailable):
        read(bad)


ODD: dict[str, dict[str, Any]] = {
    "another kind of id": {"id": 7},
    "a parent that is no product": {"__parentId": "y"},
    "an address that is none": {"image": {"url": 7}},
    "an address without end": {"image": {"url": "https://cdn.shopify.com/" + "x" * 9_000}},
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_medium_costs_no_other(place: Place, case: str, caplog: pytest.LogCaptureFixture) -> None:
    lines = [
        {"id": "gid://shopify/Product/1", "tags": ["x" * 9_000, 7], "title": 9},
        medium(1, 1),
        medium(2, 1) | ODD[case],
        medium(3, 1),
    ]
    assert [image.version for image in read("\n".join(map(json.dumps, lines)).encode())] == ["1", "3"]
    assert len(caplog.messages) == 1
    nodes = [{key: value for key, value in line.items() if key != "__parentId"} for line in lines[1:]]
    product = {**lines[0], "status": "ACTIVE", "media": {"nodes": [*nodes, None], "pageInfo": {"hasNextPage": False}}}
    body = {"data": {"products": {"nodes": [None, product], "pageInfo": {"hasNextPage": False, "endCursor": None}}}}
    for cursor in ("", "pages"):
        place.shop.script(answers.as_json(200, body))
        found = place.platform.scan(place.site, cursor) if cursor else place.platform.changed(place.site, 0)
        assert {"1", "3"} <= {image.version for image in found.media}


def test_no_medium_is_beyond_a_number(place: Place) -> None:
    """Shopify has raised what a product may hold before."""
    few = [picture(number, 8, 8) for number in range(16)]
    product = place.shop.add_product(images=[few[number % 16] for number in range(260)])
    expected = [ref(product, one) for one in product.media]
    for found in (place.listed(), place.listed("pages"), list(place.platform.changed(place.site, 0).media)):
        assert found == expected
    last = product.media[-1]
    undo = place.with_settings(hide_by="detach").hide(product, last).undo
    assert last not in product.media
    with place.shop.editing(product):
        del product.media[:20]  # Shopify itself adds none beyond 250
    assert undo and place.with_settings(hide_by="detach").restore(product, last, None).drifted == ""
    assert product.media[-1] is last and media.MAX_MEDIA > 250


# What changed


def test_what_changed_is_found_page_by_page(place: Place, shopify: Shopify) -> None:
    for _ in range(3):
        place.shop.add_product(images=1)
    shopify.advance(3_600)
    since = int((shopify.now() - 600) * 1_000_000)
    changed = [place.shop.add_product(images=2) for _ in range(45)]
    found, cursor, asked = [], "", 0
    while True:
        page = place.platform.changed(place.site, since, cursor)
        assert page.wait_seconds == 0
        found += page.media
        cursor, asked = page.cursor, asked + 1
        if not cursor:
            break
    assert set(found) == {ref(product, media) for product in changed for media in product.media}
    assert asked == 3


def test_a_product_with_many_images_is_read_whole(place: Place) -> None:
    product = place.shop.add_product(images=[picture(n, 8, 8) for n in range(50)])
    found = place.platform.changed(place.site, 0).media
    assert list(found) == [ref(product, media) for media in product.media]
    assert found[40].context["position"] == ("41",)


def test_a_search_costs_what_one_request_may(place: Place) -> None:
    for _ in range(20):
        place.shop.add_product(images=3)
    place.platform.changed(place.site, 0)
    assert place.shop.requests[-1].requested < 1_000 and place.shop.requests[-1].actual < 300


def test_a_search_that_does_not_move_on_ends(place: Place) -> None:
    body: dict[str, Any] = {"data": {"products": {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "same"}}}}
    place.shop.script(answers.as_json(200, body), times=2)
    assert place.platform.changed(place.site, 0).cursor == "same"
    with pytest.raises(PlatformUnavailable, match="does not move on"):
        place.platform.changed(place.site, 0, "same")


def test_a_scan_says_what_it_costs_before() -> None:
    with running_shopify() as running:
        place = opened(running)
        assert "bulk operation" in place.platform.estimate(place.site) and place.shop.requests == []
