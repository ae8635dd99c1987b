"""Products that an earlier version hid, with its marks and undos: each comes back as it was, and none is hidden twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from app.domain.decisions import Action, Verdict
from tests.integrations.shopify.contract import Pocket, installed, ref, site_of
from tests.integrations.shopify.contract import shopify as running_shopify
from tests.integrations.shopify.place import Place, decision
from tests.upgrade import world

KEPT: dict[str, Any] = json.loads((Path(__file__).parent / "shopify_8d9dd40/shop.json").read_text(encoding="utf-8"))
CASES = {case["title"]: case for case in KEPT["cases"]}


@pytest.fixture
def place() -> Iterator[Place]:
    kept = deepcopy(KEPT["shop"])
    for one in kept["files"]:
        one["data"] = KEPT["pictures"][one["data"]]
    with running_shopify(bucket=1_000_000) as shopify:
        shop, pocket = world.lay_shop(kept, shopify), Pocket()
        yield Place(shop, installed(pocket), pocket, site_of(shop, actions_per_hour=1_000))


def seen(place: Place, case: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(world.shown_in(place.shop)[case["product"]]))
    return found


@pytest.mark.parametrize("undone_by", ["the undo", "the mark alone"])
@pytest.mark.parametrize("title", CASES)
def test_what_was_hidden_comes_back_as_it_was(place: Place, title: str, undone_by: str) -> None:
    case, product = CASES[title], place.shop.products[CASES[title]["product"]]
    before = KEPT["before"][product.gid]
    assert seen(place, case) != before and decision(product), "the control: it is hidden"
    for left, row in reversed(list(enumerate(case["hidden"]))):
        media = ref(product, place.shop.files[row["media"]])
        if case["way"] == "flag":
            place.apply(Action.LABEL, product, media, verdict=Verdict.ALLOW, person="Ana", id=100)
            continue
        undo = row["undo"] if undone_by == "the undo" else None
        assert place.restore(product, media, undo, others_blocked=left, id=100 + left).drifted == ""
        assert (seen(place, case) == before) is (left == 0)
    assert seen(place, case) == before and decision(product) == {}


@pytest.mark.parametrize("title", [title for title in CASES if title != "flagged"])
def test_the_same_hide_again_changes_nothing_and_knows_how_it_was(place: Place, title: str) -> None:
    case, product = CASES[title], place.shop.products[CASES[title]["product"]]
    place = place.with_settings(hide_by=case["way"])
    hidden = seen(place, case)
    for left, row in enumerate(case["hidden"]):
        media = ref(product, place.shop.files[row["media"]])
        receipt = place.hide(product, media, id=row["enforcement"], others_blocked=left)
        assert receipt.drifted == "" and receipt.undo["before"] == (row["undo"] or receipt.undo)["before"]
    assert seen(place, case) == hidden
