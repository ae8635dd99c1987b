"""The state before is stored before anything changes: refusals, limits and other people's edits lose nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from app.domain.decisions import Action, Verdict
from app.domain.errors import MediaGone, PlatformRefused, PlatformUnavailable
from integrations.shopify import mark, refusals
from integrations.shopify.api import Admin
from tests.integrations.shopify import schema
from tests.integrations.shopify.contract import ref
from tests.integrations.shopify.place import WAYS, Place, decision, product_of, visible
from tests.integrations.shopify.stand_in import Product
from tests.integrations.shopify.stand_in.mutations import MUTATIONS
from tests.integrations.shopify.test_shopify_documents import DOCUMENTS

FULL = tuple(f"t{number}" for number in range(250))
CHANGING = {"draft": "productUpdate", "unpublish": "publishableUnpublish", "detach": "fileUpdate"}


@contextmanager
def refusing(name: str, code: str | None = None, times: int = 1_000) -> Iterator[list[str]]:
    """Have a mutation refuse, with a code where Shopify gives one; what it was asked is collected."""
    real, asked = MUTATIONS[name], []

    def refuse(context: Any, arguments: Mapping[str, Any]) -> Any:
        if len(asked) >= times:
            return real(context, arguments)
        asked.append(name)
        error = {"field": ["x"], "message": "No.", "code": code, "elementIndex": None}
        empty = dict.fromkeys(("files", "job", "product", "productVariants", "publishable", "shop", "metafields", "node"))
        return {**empty, "userErrors": [error], "mediaUserErrors": [error]}

    MUTATIONS[name] = refuse
    try:
        yield asked
    finally:
        MUTATIONS[name] = real


def before_request(monkeypatch: pytest.MonkeyPatch, document: str, do: Callable[[], object]) -> None:
    """Do something in the shop right before we send a document, once."""
    real, left = Admin.ask, [do]

    def ask(self: Admin, name: str, **more: Any) -> Any:
        if name == document and left:
            left.pop()()
        return real(self, name, **more)

    monkeypatch.setattr(Admin, "ask", ask)


# Tags


@pytest.mark.parametrize("way", WAYS)
def test_a_product_that_takes_no_more_tags_is_hidden_and_comes_back(place: Place, way: str) -> None:
    place = place.with_settings(hide_by=way)
    product = product_of(place, tags=FULL)
    media, before = product.media[0], place.shop.snapshot(product)
    receipt = place.hide(product, media)
    assert [request.operation for request in place.shop.requests][-1] == "Tag", "the tag was tried, and refused"
    assert not visible(place, product, media) and len(product.tags) == 250 and decision(product)
    assert place.restore(product, media, receipt.undo).drifted == ""
    assert place.shop.snapshot(product) == before and decision(product) == {}


def test_a_flag_needs_room_for_its_tag(place: Place) -> None:
    product = product_of(place, tags=FULL)
    with pytest.raises(PlatformRefused, match="250 tags"):
        place.apply(Action.LABEL, product, product.media[0])
    place.shop.edit(product, tags=FULL[1:])
    place.apply(Action.LABEL, product, product.media[0])
    assert "picward-flagged" in product.tags


@pytest.mark.parametrize("way", WAYS)
def test_tags_that_others_set_meanwhile_are_not_overwritten(place: Place, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place.with_settings(hide_by=way)
    product = product_of(place)
    media = product.media[0]
    before_request(monkeypatch, "tag", lambda: place.shop.edit(product, tags=["sale", "erp-synced"]))
    undo = place.hide(product, media).undo
    assert product.tags == ["sale", "erp-synced", "picward-hidden"]
    before_request(monkeypatch, "untag", lambda: place.shop.edit(product, tags=[*product.tags, "new-2026"]))
    place.restore(product, media, undo)
    assert product.tags == ["sale", "erp-synced", "new-2026"]


# The state before


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_hidden_before_the_state_before_is_stored(place: Place, way: str) -> None:
    place = place.with_settings(hide_by=way)
    product = product_of(place)
    before = place.shop.snapshot(product)
    with refusing("metafieldsSet", "INVALID") as asked, pytest.raises(PlatformRefused):
        place.hide(product, product.media[0])
    assert asked and place.shop.snapshot(product) == before
    assert place.hide(product, product.media[0]).drifted == ""


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_hide_leaves_everything_as_it_was(place: Place, way: str) -> None:
    place = place.with_settings(hide_by=way)
    product = product_of(place)
    media, before = product.media[0], place.shop.snapshot(product)
    with refusing(CHANGING[way], "PRODUCT_SUSPENDED" if way == "detach" else None) as asked, pytest.raises(PlatformRefused):
        place.hide(product, media)
    assert asked and place.shop.snapshot(product) == before and decision(product) == {}
    receipt = place.hide(product, media)
    assert receipt.drifted == "" and not visible(place, product, media)
    place.restore(product, media, receipt.undo)
    assert place.shop.snapshot(product) == before


def test_a_hide_that_was_refused_after_one_channel_is_taken_back(place: Place) -> None:
    place = place.with_settings(hide_by="unpublish")
    product = product_of(place)
    before = place.shop.snapshot(product)
    real = MUTATIONS["publishableUnpublish"]

    def half(context: Any, arguments: Mapping[str, Any]) -> Any:
        real(context, {**arguments, "input": arguments["input"][:1]})
        return {"publishable": None, "shop": None, "userErrors": [{"field": ["input"], "message": "No."}]}

    MUTATIONS["publishableUnpublish"] = half
    try:
        with pytest.raises(PlatformRefused):
            place.hide(product, product.media[0])
    finally:
        MUTATIONS["publishableUnpublish"] = real
    assert place.shop.snapshot(product) == before and decision(product) == {}


def test_a_mark_that_another_wrote_meanwhile_is_not_overwritten(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    product = product_of(place)
    first, second = product.media[:2]
    before = place.shop.snapshot(product)
    before_request(monkeypatch, "keep", lambda: place.hide(product, second, id=2))
    with pytest.raises(PlatformUnavailable, match="STALE_OBJECT"):
        place.hide(product, first, id=1)
    undo = place.hide(product, first, id=1).undo
    assert undo["before"] == {"status": "ACTIVE"}
    place.restore(product, first, undo)
    assert place.shop.snapshot(product) == before


def test_a_state_beyond_one_metafield_is_kept_in_parts(place: Place) -> None:
    place = place.with_settings(hide_by="detach", actions_per_hour=1_000)
    product = product_of(place, images=3, variants=2_048, variant_images={n: n % 2 for n in range(2_048)})
    first, second, third = product.media
    before = place.shop.snapshot(product)
    place.hide(product, first, id=1)
    place.hide(product, second, id=2)
    parts = [one for (_, key), one in product.metafields.items() if key.startswith("decision_")]
    assert len(parts) > 2 and decision(product)["parts"] == len(parts)
    assert product.media == [third]
    # Nobody but the mark knows how it was.
    assert place.restore(product, second, None, others_blocked=1).drifted == ""
    assert place.restore(product, first, None).drifted == ""
    assert place.shop.snapshot(product) == before and product.metafields == {}


def test_the_longest_mark_fits() -> None:
    gid = "gid://shopify/MediaImage/{:020d}"
    reasons = ["ü" * mark.MAX_REASON] * mark.MAX_REASONS
    state = {
        "enforcement": 10**12,
        "media": gid.format(1),
        "version": "v" * 30,
        "verdict": "block",
        "reasons": reasons,
        "tag": "t" * 60,
    }
    order = tuple(gid.format(number) for number in range(250))
    variants = [f"gid://shopify/ProductVariant/{number:020d}" for number in range(2_048)]
    whole = mark.Mark(
        hidden=state,
        order=order,
        detached={one: {**state, "variants": variants if one == order[0] else []} for one in order},
        flagged=dict.fromkeys(order, state),
        product="gid://shopify/Product/" + "9" * 20,
    )
    written = mark.metafields(whole)
    assert len(written) <= 25 and all(len(one["value"].encode()) <= 131_072 for one in written)
    assert mark.parts_of(written[-1]["value"]) == len(written) - 1


# Duplicates


@pytest.mark.parametrize("way", WAYS)
def test_a_duplicate_of_a_hidden_product_is_a_product_of_its_own(place: Place, way: str) -> None:
    place = place.with_settings(hide_by=way)
    product = product_of(place)
    place.hide(product, product.media[0])
    original = place.shop.snapshot(product)
    twin = place.shop.duplicate(product)
    assert "picward-hidden" in twin.tags and decision(twin)["product"] == product.gid, "the mark was copied"
    media = twin.media[0]
    receipt = place.hide(twin, media, id=7)
    assert receipt.drifted == "" and decision(twin)["product"] == twin.gid
    place.restore(twin, media, receipt.undo, id=8)
    assert (twin.status, twin.tags, decision(twin)) == ("DRAFT", ["sale"], {}), "its merchant left it a draft"
    assert place.shop.snapshot(product) == original


def test_a_duplicate_loses_the_copied_mark_when_any_of_its_pictures_is_looked_at(place: Place) -> None:
    product = product_of(place)
    place.hide(product, product.media[0])
    twin = place.shop.duplicate(product, without=product.media[:1])
    assert decision(twin)
    place.fetched(ref(twin, twin.media[0]))
    assert twin.tags == ["sale"] and decision(twin) == {} and decision(product)
    assert "picward-hidden" in product.tags


def unnamed(product: Product) -> None:
    """Make the mark one that an earlier version wrote, which did not say whose it is."""
    for one in product.metafields.values():
        one.value = one.value.replace(f'"product":"{product.gid}",', "")
    assert decision(product) and "product" not in decision(product)


def test_the_copy_of_an_earlier_versions_mark_is_known_by_its_age_and_its_pictures(place: Place) -> None:
    product = product_of(place)
    undo = place.hide(product, product.media[0]).undo
    unnamed(product)
    twin = place.shop.duplicate(product)
    twin.created = 1_795_348_800 + 86_400  # a day after the decision
    place.fetched(ref(twin, twin.media[1]))
    assert twin.tags == ["sale"] and decision(twin) == {}
    # The original is as old as the copy says, or holds the picture: either proves that the mark is its own.
    for created in (1_795_348_800 - 86_400, twin.created):
        product.created = created
        assert place.hide(product, product.media[0]).undo == undo and product.status == "DRAFT"
    place.restore(product, product.media[0], undo)
    assert product.status == "ACTIVE" and product.tags == ["sale"] and decision(product) == {}


def test_an_earlier_versions_mark_is_the_products_own_when_its_picture_has_left_a_young_product(place: Place) -> None:
    product = product_of(place)
    media = product.media[0]
    undo = place.hide(product, media).undo
    unnamed(product)
    product.created = 1_795_348_800 + 86_400  # as young as a duplicate
    gone = ref(product, media)
    with place.shop.editing(product):
        place.shop.detach(product, media)
    with pytest.raises(MediaGone, match="no longer part of the product"):
        place.fetched(gone)
    assert decision(product), "the state before is still there"
    assert place.restore(product, gone, undo).drifted == ""
    assert product.status == "ACTIVE" and product.tags == ["sale"] and decision(product) == {}


# What Shopify's codes mean


def codes(version: str) -> set[str]:
    """Collect every code that a mutation of ours can be refused with."""
    from graphql import GraphQLEnumType, GraphQLObjectType, get_named_type, parse

    loaded, found = schema.load(version), set()
    for document in DOCUMENTS.values():
        for definition in parse(document).definitions:
            if getattr(definition, "operation", None) is None or definition.operation.value != "mutation":
                continue
            for field in definition.selection_set.selections:
                payload = get_named_type(loaded.mutation_type.fields[field.name.value].type)
                for name, one in payload.fields.items():
                    error = get_named_type(one.type)
                    if name.lower().endswith("usererrors") and isinstance(error, GraphQLObjectType) and "code" in error.fields:
                        kind = get_named_type(error.fields["code"].type)
                        assert isinstance(kind, GraphQLEnumType)
                        found |= set(kind.values)
    return found


def test_every_code_of_the_schema_has_a_meaning_and_no_other() -> None:
    assert codes(schema.VERSIONS[-1]) | codes(schema.VERSIONS[0]) == set(refusals.MEANINGS)


AGAIN = sorted(code for code, meaning in refusals.MEANINGS.items() if meaning is refusals.Meaning.AGAIN)


@pytest.mark.parametrize("code", AGAIN)
def test_what_passes_is_tried_again_and_nothing_is_lost(place: Place, code: str) -> None:
    place = place.with_settings(hide_by="detach", actions_per_hour=1_000)
    product = product_of(place)
    media, before = product.media[0], place.shop.snapshot(product)
    for name in ("metafieldsSet", "fileUpdate"):
        with refusing(name, code, times=1) as asked:
            with pytest.raises(PlatformUnavailable):
                place.hide(product, media)
            receipt = place.hide(product, media)
        assert asked and receipt.drifted == "" and media not in product.media
        for again in ("fileUpdate", "productReorderMedia", "productVariantAppendMedia"):
            with refusing(again, code, times=1) as asked:
                with pytest.raises(PlatformUnavailable):
                    place.restore(product, media, receipt.undo)
                assert place.restore(product, media, receipt.undo).drifted == ""
            assert asked and place.shop.snapshot(product) == before
            receipt = place.hide(product, media)
        place.restore(product, media, receipt.undo)


def test_what_the_owner_can_change_is_said_in_our_words(place: Place) -> None:
    place = place.with_settings(hide_by="detach")
    product = product_of(place)
    for code, meaning in refusals.MEANINGS.items():
        if meaning is not refusals.Meaning.AGAIN:
            said = refusals.worded("fileUpdate", code)
            assert code in said and ("then try again" in said) is (meaning is refusals.Meaning.OWNER)
    with (
        refusing("fileUpdate", "PRODUCT_SUSPENDED"),
        pytest.raises(PlatformRefused, match="Ask Shopify's support; then try again"),
    ):
        place.hide(product, product.media[0])


# What earlier versions wrote


@pytest.mark.parametrize("status", ["ACTIVE", "UNLISTED"])
def test_a_product_that_an_earlier_version_hid_comes_back(place: Place, status: str) -> None:
    product = product_of(place, status=status)
    before = place.shop.snapshot(product)
    undo = place.hide(product, product.media[0]).undo
    unnamed(product)
    second = place.hide(product, product.media[1], id=9, held=undo, others_blocked=1)
    assert second.undo == undo
    place.restore(product, product.media[0], undo, others_blocked=1)
    assert product.status == "DRAFT"
    assert place.restore(product, product.media[1], None, verdict=Verdict.ALLOW).drifted == ""
    assert place.shop.snapshot(product) == before and decision(product) == {}


def test_a_flag_of_an_earlier_version_is_taken_away(place: Place) -> None:
    product = product_of(place)
    place.apply(Action.LABEL, product, product.media[0])
    unnamed(product)
    place.apply(Action.LABEL, product, product.media[0], verdict=Verdict.ALLOW, person="Ana", id=3)
    assert product.tags == ["sale"] and decision(product) == {}
