"""Hidden and given back: by each way of hiding, twice, interrupted, and with several images of one product."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from app.domain.decisions import Action, Verdict
from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.settings import Mode
from integrations.shopify.settings import Settings
from tests.integrations.shopify.contract import ref
from tests.integrations.shopify.place import WAYS, Place, decision, opened, product_of, visible
from tests.integrations.shopify.stand_in import Shopify, answers

PASS = answers.partial("Nothing.fails")
"""Carry one request out as it is."""


@pytest.mark.parametrize("way", WAYS)
def test_what_is_hidden_comes_back_as_it_was(place: Place, way: str) -> None:
    place = place.with_settings(hide_by=way)
    product = product_of(place)
    media, before = product.media[0], place.shop.snapshot(product)
    receipt = place.hide(product, media)
    assert not receipt.drifted and receipt.undo["how"] == way
    assert not visible(place, product, media)
    assert "picward-hidden" in product.tags and decision(product)
    assert json.loads(json.dumps(receipt.undo)) == receipt.undo
    place.restore(product, media, receipt.undo)
    assert place.shop.snapshot(product) == before
    assert decision(product) == {}


def test_a_hide_costs_a_read_the_state_before_the_change_and_the_tag(place: Place) -> None:
    product = product_of(place)
    receipt = place.hide(product, product.media[0])
    assert product.status == "DRAFT"
    assert [request.operation for request in place.shop.requests] == ["Listing", "Keep", "Write", "Tag"]
    assert place.shop.spent <= 40
    assert receipt.undo == {"how": "draft", "before": {"status": "ACTIVE"}, "left": {"status": "DRAFT"}, "tag": "picward-hidden"}
    told = decision(product)["hidden"]
    assert told["enforcement"] == 1 and told["verdict"] == "block" and told["reasons"] == ["Nudity 0.91, block from 0.55"]
    assert told["before"] == {"status": "ACTIVE"} and told["decided_at"] == 1_795_348_800_000_000
    assert "begun" not in told and decision(product)["product"] == product.gid


@pytest.mark.parametrize("status", ["ACTIVE", "UNLISTED", "DRAFT", "ARCHIVED"])
def test_every_status_comes_back(place: Place, status: str) -> None:
    product = product_of(place, status=status)
    before = place.shop.snapshot(product)
    receipt = place.hide(product, product.media[0])
    assert product.status == ("ARCHIVED" if status == "ARCHIVED" else "DRAFT")
    place.restore(product, product.media[0], receipt.undo)
    assert place.shop.snapshot(product) == before


@pytest.mark.parametrize("way", WAYS)
def test_twice_is_once(place: Place, way: str) -> None:
    place = place.with_settings(hide_by=way)
    product = product_of(place)
    media, before = product.media[1], place.shop.snapshot(product)
    first = place.hide(product, media)
    changes = place.shop.changes
    assert place.hide(product, media) == first
    assert place.shop.changes == changes
    for _ in range(2):
        assert place.restore(product, media, first.undo).drifted == ""
        assert place.shop.snapshot(product) == before


@pytest.mark.parametrize("way", WAYS)
def test_a_hide_whose_answer_was_lost_keeps_the_true_state_before(place: Place, way: str) -> None:
    """As a kill between the platform's write and ours: it happened, and nobody here knows."""
    place = place.with_settings(hide_by=way)
    product = product_of(place)
    media, before = product.media[0], place.shop.snapshot(product)
    before_the_hide = {"draft": 2, "unpublish": 3, "detach": 4}[way]
    for _ in range(before_the_hide):
        place.shop.script(PASS)
    place.shop.script(answers.LOST)
    with pytest.raises(PlatformUnavailable):
        place.hide(product, media)
    assert not visible(place, product, media), "the write did happen"
    receipt = place.hide(product, media)
    assert receipt.drifted == ""
    assert place.restore(product, media, receipt.undo).drifted == ""
    assert place.shop.snapshot(product) == before


@pytest.mark.parametrize("way", WAYS)
def test_a_hide_whose_answer_was_lost_for_good_is_taken_back_without_an_undo(place: Place, way: str) -> None:
    place = place.with_settings(hide_by=way)
    product = product_of(place)
    media, before = product.media[0], place.shop.snapshot(product)
    place.hide(product, media)
    assert place.restore(product, media, None).drifted == ""
    assert place.shop.snapshot(product) == before


@pytest.mark.parametrize("lost", [answers.DROPPED, answers.LOST])
@pytest.mark.parametrize("way", WAYS)
def test_a_hide_interrupted_at_any_request_hides_once(place: Place, way: str, lost: Any) -> None:
    place = place.with_settings(hide_by=way)
    for at in range(8):
        product = product_of(place)
        media, before = product.media[0], place.shop.snapshot(product)
        for _ in range(at):
            place.shop.script(PASS)
        place.shop.script(lost)
        try:
            place.hide(product, media)
        except PlatformUnavailable:
            pass
        finally:
            place.shop.script(None)
        receipt = place.hide(product, media)
        assert receipt.drifted == "" and not visible(place, product, media)
        place.restore(product, media, receipt.undo)
        assert place.shop.snapshot(product) == before


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("lost", [answers.DROPPED, answers.LOST])
@pytest.mark.parametrize("way", WAYS)
def test_a_restore_interrupted_at_any_request_ends_as_it_was(place: Place, way: str, lost: Any, told: bool) -> None:
    """Also when the core never heard of the hide's end: then the mark alone knows how it was."""
    place = place.with_settings(hide_by=way, actions_per_hour=1_000)
    interrupted = 0
    for at in range(9):
        product = product_of(place)
        media, before = product.media[0], place.shop.snapshot(product)
        undo = place.hide(product, media).undo if told else place.hide(product, media) and None
        for _ in range(at):
            place.shop.script(PASS)
        place.shop.script(lost)
        try:
            place.restore(product, media, undo)
        except PlatformUnavailable:
            interrupted += 1
        finally:
            place.shop.script(None)
        assert place.restore(product, media, undo).drifted == ""
        assert place.shop.snapshot(product) == before, at
    assert interrupted >= 2


@pytest.mark.parametrize("way", WAYS)
def test_three_images_of_one_product_in_every_order(place: Place, way: str) -> None:
    place = place.with_settings(hide_by=way)
    for hides, restores in itertools.product(list(itertools.permutations(range(3))), repeat=2):
        product = product_of(place, images=4)
        media, before = list(product.media), place.shop.snapshot(product)
        undos: dict[int, Any] = {}
        for number in hides:
            held = next(iter(undos.values()), None)
            undos[number] = place.hide(product, media[number], id=number + 1, held=held, others_blocked=len(undos)).undo
        for left, number in enumerate(restores):
            rest = len(restores) - left - 1
            held = next((undo for one, undo in undos.items() if one != number), None) if rest else None
            assert place.restore(product, media[number], undos.pop(number), held=held, others_blocked=rest).drifted == ""
            assert not any(visible(place, product, media[one]) for one in undos)
        assert place.shop.snapshot(product) == before, (hides, restores)
        assert decision(product) == {}


@pytest.mark.parametrize("way", WAYS)
def test_products_that_share_an_image_are_hidden_and_come_back_each_for_itself(place: Place, way: str) -> None:
    place = place.with_settings(hide_by=way)
    for back in itertools.permutations(range(2)):
        products = [product_of(place), product_of(place)]
        media = products[0].media[0]
        place.shop.share(media, products[1])
        place.shop.reorder(products[1], [products[1].media[-1], *products[1].media[:-1]])
        before = [place.shop.snapshot(product) for product in products]
        undos = []
        for number, product in enumerate(products, 1):
            assert all(visible(place, one, media) for one in products[number - 1 :])
            undos.append(place.hide(product, media, id=number).undo)
            assert media.gid in json.dumps(decision(product)) and f"{media.gid}@" not in json.dumps([decision(product), undos])
        assert not any(visible(place, product, media) for product in products)
        hidden = [place.shop.snapshot(product) for product in products]
        for left, number in enumerate(back):
            assert place.restore(products[number], media, undos[number], id=3 + left).drifted == ""
            now = [place.shop.snapshot(product) for product in products]
            assert now == [before[one] if one in back[: left + 1] else hidden[one] for one in range(2)]
            assert decision(products[number]) == {}


def test_a_shared_image_is_flagged_for_each_product(place: Place) -> None:
    first, second = product_of(place), product_of(place)
    media = first.media[0]
    place.shop.share(media, second)
    for number, product in enumerate((first, second), 1):
        place.apply(Action.LABEL, product, media, id=number)
        assert set(decision(product)["flagged"]) == {media.gid}
    place.apply(Action.LABEL, first, media, verdict=Verdict.ALLOW, person="Ana", id=3)
    assert first.tags == ["sale"] and decision(first) == {} and set(decision(second)["flagged"]) == {media.gid}


def test_a_second_image_of_a_hidden_product_costs_a_read_only(place: Place) -> None:
    product = product_of(place)
    first = place.hide(product, product.media[0], id=1)
    place.shop.requests.clear()
    second = place.hide(product, product.media[1], id=2, held=first.undo, others_blocked=1)
    assert second.undo == first.undo
    assert dict(place.shop.operations) == {"Listing": 1}


def test_a_lost_metafield_is_made_good_by_the_undo_that_the_core_holds(place: Place) -> None:
    product = product_of(place)
    before = place.shop.snapshot(product)
    first = place.hide(product, product.media[0], id=1)
    product.metafields.clear()
    second = place.hide(product, product.media[1], id=2, held=first.undo, others_blocked=1)
    assert second.undo == first.undo
    place.restore(product, product.media[0], first.undo, others_blocked=1)
    product.metafields.clear()
    place.restore(product, product.media[1], second.undo, others_blocked=0)
    assert place.shop.snapshot(product) == before


# Deleting, tagging, refusing


def test_deleting_must_be_switched_on(place: Place) -> None:
    product = product_of(place)
    with pytest.raises(PlatformRefused, match="not switched on"):
        place.apply(Action.DELETE, product, product.media[0])
    assert len(product.media) == 3


def test_deleting_the_image_gives_the_product_back(place: Place) -> None:
    place = place.with_settings(delete_blocked=True)
    product = product_of(place)
    media = product.media[0]
    undo = place.hide(product, media).undo
    image = ref(product, media)
    place.apply(Action.DELETE, product, image, undo)
    assert media.gid not in place.shop.files and product.status == "ACTIVE" and decision(product) == {}
    assert place.apply(Action.DELETE, product, image, undo).drifted == ""


def test_deleting_one_of_two_leaves_the_product_hidden(place: Place) -> None:
    place = place.with_settings(delete_blocked=True)
    product = product_of(place)
    undo = place.hide(product, product.media[0]).undo
    place.apply(Action.DELETE, product, product.media[0], undo, others_blocked=1)
    assert product.status == "DRAFT" and len(product.media) == 2


def test_a_kill_between_the_deletion_and_the_rest_is_made_good(place: Place) -> None:
    place = place.with_settings(delete_blocked=True)
    product = product_of(place)
    image = ref(product, product.media[0])
    undo = place.hide(product, product.media[0]).undo
    place.shop.script(PASS)
    place.shop.script(answers.LOST)
    with pytest.raises(PlatformUnavailable):
        place.apply(Action.DELETE, product, image, undo)
    assert image.id not in place.shop.files and product.status == "DRAFT"
    place.apply(Action.DELETE, product, image, undo)
    assert product.status == "ACTIVE"


def test_labels_tag_what_is_blocked_and_shown_and_cost_nothing_otherwise(place: Place) -> None:
    product = product_of(place)
    first, second = product.media[:2]
    for verdict, person in ((Verdict.ALLOW, ""), (Verdict.REVIEW, ""), (Verdict.REVIEW, "Ana")):
        place.apply(Action.LABEL, product, first, verdict=verdict, person=person)
    assert place.shop.requests == []
    place.apply(Action.LABEL, product, first, id=1)
    place.apply(Action.LABEL, product, second, id=2)
    assert sorted(product.tags) == ["picward-flagged", "sale"] and product.status == "ACTIVE"
    assert set(decision(product)["flagged"]) == {first.gid, second.gid}
    changes = place.shop.changes
    place.apply(Action.LABEL, product, first, id=1)
    assert place.shop.changes == changes
    place.apply(Action.LABEL, product, first, verdict=Verdict.ALLOW, person="Ana", id=3)
    assert "picward-flagged" in product.tags
    place.apply(Action.LABEL, product, second, verdict=Verdict.ALLOW, person="Ana", id=4)
    assert product.tags == ["sale"] and decision(product) == {}


def test_labels_can_be_switched_off(place: Place) -> None:
    place = place.with_settings(flag_tag="")
    product = product_of(place)
    place.apply(Action.LABEL, product, product.media[0])
    assert place.shop.requests == []


def test_flags_outlive_a_hide(place: Place) -> None:
    product = product_of(place)
    place.apply(Action.LABEL, product, product.media[0], id=1)
    undo = place.hide(product, product.media[1], id=2).undo
    place.restore(product, product.media[1], undo, id=3)
    assert sorted(product.tags) == ["picward-flagged", "sale"] and set(decision(product)) == {"v", "product", "flagged"}


def test_a_product_that_is_changed_again_and_again_is_left_to_its_merchant(place: Place) -> None:
    place = place.with_settings(actions_per_hour=4)
    product, other = product_of(place), product_of(place)
    for turn in range(2):
        undo = place.hide(product, product.media[0], id=2 * turn).undo
        place.restore(product, product.media[0], undo, id=2 * turn + 1)
    with pytest.raises(PlatformRefused, match="4 times within an hour"):
        place.hide(product, product.media[0], id=9)
    assert product.status == "ACTIVE"
    assert place.hide(other, other.media[0]).undo


@pytest.mark.parametrize(("way", "scope"), [("unpublish", "read_publications"), ("detach", "write_files")])
def test_a_missing_permission_is_named_and_nothing_is_hidden(shopify: Shopify, way: str, scope: str) -> None:
    place = opened(shopify, scopes=("write_products",)).with_settings(hide_by=way)
    product = product_of(place)
    before = place.shop.snapshot(product)
    with pytest.raises(PlatformRefused, match=scope):
        place.hide(product, product.media[0])
    assert place.shop.snapshot(product) == before
    place.shop.grant(scope, "write_publications")
    assert place.hide(product, product.media[0], id=2).drifted == ""


def test_a_hide_that_shopify_does_not_carry_out_is_refused_and_its_words_are_not_quoted(place: Place) -> None:
    product = product_of(place)
    body = {
        "data": {"productUpdate": {"product": None, "userErrors": [{"field": ["status"], "message": "Product is suspended"}]}}
    }
    for answer in (PASS, PASS, answers.as_json(200, body)):
        place.shop.script(answer)
    with pytest.raises(PlatformRefused, match="did not carry out productUpdate") as refused:
        place.hide(product, product.media[0])
    assert "suspended" not in str(refused.value)
    shown = {"data": {"productUpdate": {"product": {"id": product.gid, "status": "ACTIVE"}, "userErrors": []}}}
    for answer in (PASS, PASS, answers.as_json(200, shown)):
        place.shop.script(answer)
    with pytest.raises(PlatformRefused, match="still shown"):
        place.hide(product, product.media[0])


def test_in_mode_flag_no_rule_hides() -> None:
    assert Settings().may_hide({}) and not Settings(mode=Mode.FLAG).may_hide({})
