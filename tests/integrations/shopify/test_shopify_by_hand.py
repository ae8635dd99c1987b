"""Hiding against a merchant who changes the same things, by each way of hiding."""

from __future__ import annotations

import itertools

import pytest

from app.domain.decisions import Action
from app.domain.errors import MediaGone, PlatformRefused, PlatformUnavailable
from tests.integrations.shopify.contract import ref
from tests.integrations.shopify.place import FUTURE, WAYS, Place, decision, product_of
from tests.integrations.shopify.stand_in import picture


def test_a_product_that_was_shown_again_by_hand_is_not_hidden_again_for_the_same_action(place: Place) -> None:
    product = product_of(place)
    place.hide(product, product.media[0], id=7)
    place.shop.edit(product, status="ACTIVE")
    receipt = place.hide(product, product.media[0], id=7)
    assert "left so" in receipt.drifted and product.status == "ACTIVE"
    # Another decision is another matter, and what the merchant made is what comes back.
    again = place.hide(product, product.media[1], id=8)
    assert again.drifted == "" and product.status == "DRAFT" and again.undo["tag"] == "picward-hidden"
    place.restore(product, product.media[1], again.undo)
    assert product.status == "ACTIVE" and product.tags == ["sale"]


@pytest.mark.parametrize("way", ["draft", "unpublish"])
def test_what_was_left_so_and_its_merchant_hid_on_purpose_is_not_shown_for_another_picture(place: Place, way: str) -> None:
    place = place.with_settings(hide_by=way)
    product = product_of(place)
    first, second = product.media[:2]
    shown = {"status": "ACTIVE", "publications": dict.fromkeys(place.shop.publications, "2026-11-23T08:00:00Z")}
    place.hide(product, first, id=7)
    place.shop.edit(product, **shown)
    left = place.hide(product, first, id=7, again=True)
    assert "left so" in left.drifted
    changes = place.shop.changes
    assert "left so" in place.hide(product, second, id=6, again=True).drifted and place.shop.changes == changes
    place.shop.edit(product, status="DRAFT", publications={})
    other = place.hide(product, product.media[2], id=8)
    assert other.drifted == ""
    place.restore(product, product.media[2], other.undo, id=9)
    place.restore(product, first, left.undo, id=10)
    assert (product.status, product.publications) == ("DRAFT", {})
    assert product.tags == ["sale"] and decision(product) == {}


@pytest.mark.parametrize("way", ["draft", "unpublish"])
def test_what_was_left_so_and_its_merchant_hid_on_purpose_stays_so_when_its_picture_is_approved(place: Place, way: str) -> None:
    place = place.with_settings(hide_by=way)
    product = product_of(place)
    media = product.media[0]
    shown = {"status": "ACTIVE", "publications": dict.fromkeys(place.shop.publications, "2026-11-23T08:00:00Z")}
    undo = place.hide(product, media, id=7).undo
    place.shop.edit(product, **shown)
    assert "left so" in place.hide(product, media, id=7, again=True).drifted
    place.shop.edit(product, status="DRAFT", publications={})
    place.restore(product, media, undo)
    assert (product.status, product.publications) == ("DRAFT", {})
    assert product.tags == ["sale"] and decision(product) == {}


@pytest.mark.parametrize("status", ["ACTIVE", "ARCHIVED", "UNLISTED"])
def test_a_status_that_a_merchant_chose_meanwhile_stays(place: Place, status: str) -> None:
    product = product_of(place)
    undo = place.hide(product, product.media[0]).undo
    place.shop.edit(product, status=status)
    receipt = place.restore(product, product.media[0], undo)
    assert status.lower() in receipt.drifted and product.status == status
    assert product.tags == ["sale"] and decision(product) == {}


def test_a_restore_beside_others_leaves_the_product_hidden(place: Place) -> None:
    product = product_of(place)
    undo = place.hide(product, product.media[0]).undo
    changes = place.shop.changes
    assert place.restore(product, product.media[0], undo, others_blocked=1).drifted == ""
    assert product.status == "DRAFT" and place.shop.changes == changes


def test_a_merchants_own_tag_stays(place: Place) -> None:
    product = product_of(place, tags=("Picward-Hidden", "sale"))
    undo = place.hide(product, product.media[0]).undo
    assert product.tags == ["Picward-Hidden", "sale"] and undo["tag"] == ""
    place.restore(product, product.media[0], undo)
    assert product.tags == ["Picward-Hidden", "sale"]


def test_tags_that_the_merchant_added_meanwhile_stay(place: Place) -> None:
    product = product_of(place)
    undo = place.hide(product, product.media[0]).undo
    place.shop.edit(product, tags=[*product.tags, "winter"])
    place.restore(product, product.media[0], undo)
    assert product.tags == ["sale", "winter"]


def test_without_a_tag_none_is_set(place: Place) -> None:
    place = place.with_settings(tag="")
    product = product_of(place)
    undo = place.hide(product, product.media[0]).undo
    assert product.tags == ["sale"] and undo["tag"] == ""


def test_the_product_comes_back_when_its_image_was_deleted(place: Place) -> None:
    product = product_of(place)
    media = product.media[0]
    undo = place.hide(product, media).undo
    gone = ref(product, media)
    place.shop.delete_image(media)
    assert place.restore(product, gone, undo, others_blocked=1).drifted == "" and product.status == "DRAFT"
    assert place.restore(product, gone, undo).drifted == "" and product.status == "ACTIVE"
    assert product.tags == ["sale"] and decision(product) == {}


def test_a_detached_image_that_was_deleted_leaves_nothing_behind(place: Place) -> None:
    place = place.with_settings(hide_by="detach")
    product = product_of(place)
    media = product.media[0]
    undo = place.hide(product, media).undo
    gone = ref(product, media)
    del place.shop.files[media.gid]
    assert place.restore(product, gone, undo).drifted == ""
    assert product.tags == ["sale"] and decision(product) == {}


def test_a_deleted_product_is_gone(place: Place) -> None:
    product = product_of(place)
    undo = place.hide(product, product.media[0]).undo
    place.shop.delete_product(product)
    for action in (Action.HIDE, Action.RESTORE, Action.DELETE):
        with pytest.raises(MediaGone):
            place.with_settings(delete_blocked=True).apply(action, product, product.media[0], undo)


def test_a_replaced_image_gives_the_version_that_is_there_now(place: Place) -> None:
    product = product_of(place)
    old = ref(product, product.media[0])
    undo = place.hide(product, old).undo
    place.shop.replace_image(product.media[0], picture(91))
    for action in (Action.HIDE, Action.RESTORE):
        with pytest.raises(MediaGone) as gone:
            place.apply(action, product, old, undo)
        assert gone.value.now == ref(product, product.media[0]) and gone.value.now.parent == product.gid
    # What is there now was allowed: the earlier version's undo brings the product back.
    assert place.restore(product, ref(product, product.media[0]), undo).drifted == ""
    assert product.status == "ACTIVE"


def test_an_image_that_is_being_processed_waits(place: Place) -> None:
    product = product_of(place)
    media = place.shop.add_image(product, reads_until_ready=1)
    with pytest.raises(PlatformUnavailable) as wait:
        place.hide(product, media)
    assert wait.value.retry_after == 5.0 and product.status == "ACTIVE"
    assert place.hide(product, media).undo["how"] == "draft"


# Unpublishing


def test_only_the_named_channels_lose_the_product_and_get_its_dates_back(place: Place) -> None:
    place = place.with_settings(hide_by="unpublish", sales_channels=("online store",))
    product = product_of(place)
    before, (online, pos) = dict(product.publications), list(place.shop.publications)
    undo = place.hide(product, product.media[0]).undo
    assert set(product.publications) == {pos} and product.status == "ACTIVE"
    assert undo["before"]["publications"] == [{"id": online, "date": before[online]}]
    place.restore(product, product.media[0], undo)
    assert product.publications == before


def test_a_scheduled_publication_comes_back_scheduled(place: Place) -> None:
    place = place.with_settings(hide_by="unpublish")
    product = product_of(place)
    undo = place.hide(product, product.media[0]).undo
    assert product.publications == {}
    place.restore(product, product.media[0], undo)
    assert FUTURE in product.publications.values()


def test_a_channel_that_does_not_exist_is_for_the_merchant_to_correct(place: Place) -> None:
    place = place.with_settings(hide_by="unpublish", sales_channels=("Onlien Store",))
    product = product_of(place)
    with pytest.raises(PlatformRefused, match="Online Store, Point of Sale"):
        place.hide(product, product.media[0])
    assert place.shop.listed(product) and decision(product) == {}


def test_a_product_published_again_by_hand_is_left_so(place: Place) -> None:
    place = place.with_settings(hide_by="unpublish")
    product = product_of(place)
    undo = place.hide(product, product.media[0], id=3).undo
    online = next(iter(place.shop.publications))
    place.shop.edit(product, publications={online: "2026-11-23T08:00:00Z"})
    assert place.hide(product, product.media[0], id=3).drifted
    receipt = place.restore(product, product.media[0], undo)
    assert "published" in receipt.drifted and product.publications == {online: "2026-11-23T08:00:00Z"}
    assert product.tags == ["sale"] and decision(product) == {}


def test_a_hide_that_was_only_written_down_is_carried_out(place: Place) -> None:
    place = place.with_settings(hide_by="unpublish")
    product = product_of(place)
    there, before = dict(product.publications), place.shop.snapshot(product)
    for left in (there, dict(list(there.items())[:1])):
        place.hide(product, product.media[0])
        product.publications.update(left)  # as if Shopify had carried out the mutation in part
        receipt = place.hide(product, product.media[0])
        assert receipt.drifted == "" and product.publications == {}
        place.restore(product, product.media[0], receipt.undo)
        assert place.shop.snapshot(product) == before


# Taking one image out


def test_only_the_image_leaves_and_the_product_stays_for_sale(place: Place) -> None:
    place = place.with_settings(hide_by="detach")
    product = product_of(place)
    first, second, third = product.media
    place.hide(product, first)
    assert product.media == [second, third] and place.shop.listed(product)
    assert product.variants[0].media == [] and first.gid in place.shop.files


def test_images_that_came_meanwhile_keep_their_place(place: Place) -> None:
    place = place.with_settings(hide_by="detach")
    product = product_of(place)
    first, second, third = product.media
    undo = place.hide(product, second).undo
    fourth = place.shop.add_image(product)
    assert place.restore(product, second, undo).drifted == ""
    assert product.media == [first, second, third, fourth]


def test_a_gallery_that_was_re_ordered_meanwhile_is_not_fought_over(place: Place) -> None:
    place = place.with_settings(hide_by="detach")
    product = product_of(place)
    first, second, third = product.media
    undo = place.hide(product, first).undo
    place.shop.reorder(product, [third, second])
    receipt = place.restore(product, first, undo)
    assert "re-ordered" in receipt.drifted
    assert product.media == [third, second, first] and product.variants[0].media == [first]


def test_a_variant_that_got_another_image_keeps_it(place: Place) -> None:
    place = place.with_settings(hide_by="detach")
    product = product_of(place)
    first, second, _ = product.media
    undo = place.hide(product, first).undo
    product.variants[0].media.append(second)
    place.restore(product, first, undo)
    assert product.variants[0].media == [second]


def test_an_image_put_back_by_hand_is_not_taken_out_again_for_the_same_action(place: Place) -> None:
    place = place.with_settings(hide_by="detach")
    product = product_of(place)
    first, second, third = product.media
    place.hide(product, first, id=5)
    with place.shop.editing(product):
        product.media.insert(1, first)
    receipt = place.hide(product, first, id=5)
    assert "left so" in receipt.drifted and product.media == [second, first, third]


def test_an_image_put_back_by_hand_and_blocked_anew_comes_back_to_its_new_place(place: Place) -> None:
    place = place.with_settings(hide_by="detach")
    product = product_of(place)
    first, second, third = product.media
    place.hide(product, first, id=5)
    with place.shop.editing(product):
        product.media.append(first)
    undo = place.hide(product, first, id=6).undo
    assert product.media == [second, third]
    assert place.restore(product, first, undo).drifted == ""
    assert product.media == [second, third, first] and decision(product) == {}


def test_an_image_that_its_merchant_took_out_is_gone(place: Place) -> None:
    place = place.with_settings(hide_by="detach")
    product = product_of(place)
    media = product.media[0]
    with place.shop.editing(product):
        place.shop.detach(product, media)
    with pytest.raises(MediaGone):
        place.hide(product, media)


def test_another_way_of_hiding_chosen_meanwhile_does_not_matter(place: Place) -> None:
    for before_way, after_way in itertools.permutations(WAYS, 2):
        product = product_of(place)
        media, before = product.media[0], place.shop.snapshot(product)
        undo = place.with_settings(hide_by=before_way).hide(product, media).undo
        assert place.with_settings(hide_by=after_way).restore(product, media, undo).drifted == ""
        assert place.shop.snapshot(product) == before
