"""The Admin API when it is not at its best: budgets, errors inside a 200, frozen shops, and answers that break off."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from app.domain.decisions import Action
from app.domain.errors import CredentialsExpired, PlatformClosed, PlatformRefused, PlatformUnavailable
from integrations.kit import pinning
from integrations.shopify import api
from integrations.shopify.api import INLINE_WAITS, Admin, Cost
from integrations.shopify.config import Config
from tests.integrations.shopify.contract import ref
from tests.integrations.shopify.contract import shopify as running_shopify
from tests.integrations.shopify.place import Place, opened
from tests.integrations.shopify.stand_in import Shopify, answers


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Keep what would be slept, and sleep none of it."""
    kept: list[float] = []
    monkeypatch.setattr("integrations.shopify.api.time.sleep", kept.append)
    return kept


def throttled(requested: int, available: int, rate: float = 100.0, maximum: float = 2000.0) -> Any:
    status = {"maximumAvailable": maximum, "currentlyAvailable": available, "restoreRate": rate}
    cost = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
    errors = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
    return answers.as_json(200, {"errors": errors, "extensions": {"cost": cost}})


def test_a_short_wait_is_slept_and_computed_from_the_budget(place: Place, slept: list[float]) -> None:
    place.shop.script(throttled(100, 20))
    assert place.platform.check(place.site)
    assert slept == [0.8]


def test_a_long_wait_gives_the_worker_back(place: Place, slept: list[float]) -> None:
    place.shop.script(answers.THROTTLED)
    with pytest.raises(PlatformUnavailable, match="budget") as wait:
        place.platform.check(place.site)
    assert wait.value.retry_after == 7.5 and slept == []


def test_a_shop_that_others_keep_busy_holds_no_worker(place: Place, slept: list[float]) -> None:
    place.shop.script(throttled(100, 20), times=None)
    with pytest.raises(PlatformUnavailable) as wait:
        place.platform.check(place.site)
    assert wait.value.retry_after == 0.8 and len(slept) == INLINE_WAITS


def test_a_throttled_answer_without_a_budget_waits_a_second(place: Place, slept: list[float]) -> None:
    place.shop.script(answers.as_json(200, {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}))
    assert place.platform.check(place.site)
    assert slept == [1.0]


def test_a_request_that_no_budget_can_pay_is_refused(place: Place, slept: list[float]) -> None:
    place.shop.script(throttled(3000, 2000))
    with pytest.raises(PlatformRefused, match="2000 points"):
        place.platform.check(place.site)


def test_429_with_a_fraction_of_a_second(place: Place, slept: list[float]) -> None:
    place.shop.script(answers.TOO_MANY)
    assert place.platform.check(place.site)
    assert slept == [2.0]
    for given, told in (("soon", None), ("nan", None), ("-5", 0.0), ("1e9", 86_400.0)):
        place.shop.script(None)
        place.shop.script(answers.as_json(429, {}, Retry_After=given), times=None)
        with pytest.raises(PlatformUnavailable) as wait:
            place.platform.check(place.site)
        assert wait.value.retry_after == told


@pytest.mark.parametrize(
    ("answer", "error", "retry_after", "words"),
    [
        (answers.FROZEN, PlatformUnavailable, 3600.0, "frozen"),
        (answers.LOCKED, PlatformUnavailable, 3600.0, "locked"),
        (answers.SHOP_INACTIVE, PlatformUnavailable, 3600.0, "inactive"),
        (answers.Answer(404), PlatformUnavailable, 300.0, "404"),
        (answers.Answer(430), PlatformUnavailable, 300.0, "430"),
        (answers.UNAVAILABLE, PlatformUnavailable, None, "503"),
        (answers.BROKEN, PlatformUnavailable, None, "500"),
        (answers.INTERNAL_ERROR, PlatformUnavailable, None, "INTERNAL_SERVER_ERROR"),
        (answers.FORBIDDEN, PlatformClosed, None, "forbids"),
        (answers.MAX_COST, PlatformRefused, None, "MAX_COST_EXCEEDED"),
        (answers.ACCESS_DENIED, PlatformRefused, None, "read_products"),
        (answers.HTML, PlatformUnavailable, None, "not the Admin API"),
        (answers.GARBAGE, PlatformUnavailable, None, "not the Admin API"),
        (answers.TRUNCATED, PlatformUnavailable, None, ""),
        (answers.DROPPED, PlatformUnavailable, None, ""),
        (answers.as_json(200, {"errors": "[API] no"}), PlatformUnavailable, None, ""),
        (answers.as_json(200, {"errors": [], "data": None}), PlatformUnavailable, None, ""),
        (answers.as_json(200, {"errors": [{"message": "Field 'x' doesn't exist", "extensions": {"code": "undefinedField"}}]}),
         PlatformRefused, None, "undefinedField"),
    ],
)  # fmt: skip
def test_what_an_answer_means(place: Place, answer: Any, error: type[Exception], retry_after: float | None, words: str) -> None:
    place.shop.script(answer, times=None)
    with pytest.raises(error, match=words or None) as raised:
        place.platform.changed(place.site, 0)
    if isinstance(raised.value, PlatformUnavailable):
        assert raised.value.retry_after == retry_after


def test_max_cost_and_access_denied_are_not_asked_again_and_again(place: Place) -> None:
    product = place.shop.add_product()
    for answer, asked in ((answers.MAX_COST, 1), (answers.ACCESS_DENIED, 2)):
        place.shop.requests.clear()
        place.shop.script(answer, times=None)
        with pytest.raises(PlatformRefused):
            place.apply(Action.HIDE, product, product.media[0])
        place.shop.script(None)
        assert len(place.shop.requests) in (0, asked)


def test_half_an_answer_is_used_where_it_is_enough_and_nowhere_else(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    product = place.shop.add_product()
    place.shop.script(answers.partial("MediaImage.image"))
    (image,) = place.platform.changed(place.site, 0).media
    assert (image.id, image.version) == (ref(product, product.media[0]).id, "pending") and "in part" in caplog.text
    place.shop.script(answers.partial("Product.metafield"))
    # Without our metafield the state before would be a guess.
    with pytest.raises(PlatformUnavailable):
        place.hide(product, product.media[0])
    assert product.status == "ACTIVE"


def test_the_cost_of_the_last_answer_is_kept(place: Place) -> None:
    admin = place.platform._admin(place.site)
    assert isinstance(admin, Admin)
    admin.ask("installation")
    assert admin.cost.actual > 0 and admin.cost.requested >= admin.cost.actual
    assert 0 < admin.cost.available <= admin.cost.maximum and admin.cost.restore_rate == 100.0
    assert Cost(10, 0, 2000, 4, 2).wait_seconds == 3.0 and Cost(1, 0, 10, 5, 2).wait_seconds == 0.0


def test_one_connection_serves_many_requests(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    opened_ones = 0
    connect = pinning._Connection.connect

    def counting(connection: Any) -> None:
        nonlocal opened_ones
        opened_ones += 1
        connect(connection)

    monkeypatch.setattr(pinning._Connection, "connect", counting)
    product = place.shop.add_product()
    for _ in range(20):
        place.fetched(ref(product, product.media[0]))
    assert len(place.shop.requests) == 20 and opened_ones <= 2


def test_one_busy_shop_does_not_hold_another_up(slept: list[float]) -> None:
    with running_shopify() as shopify:
        busy, quiet = opened(shopify, "busy.myshopify.com"), opened(shopify, "quiet.myshopify.com")
        busy.platform.check(busy.site)
        busy.shop.bucket.drain()
        busy.shop.bucket.restore_rate = 0.5
        with pytest.raises(PlatformUnavailable) as wait:
            busy.platform.changed(busy.site, 0)
        assert wait.value.retry_after is not None and wait.value.retry_after > 2 and slept == []
        assert quiet.platform.changed(quiet.site, 0).media == ()


def test_the_wait_that_was_told_is_long_enough() -> None:
    with running_shopify() as running:
        place = opened(running)
        place.platform.check(place.site)
        place.shop.bucket.drain()
        assert place.platform.check(place.site)


def test_another_version_than_asked_for_is_told(shopify: Shopify) -> None:
    place = opened(shopify, api_version="2024-01")
    assert "Shopify answers with 2026-07" in place.platform.check(place.site)


def test_check_names_the_shop_its_plan_and_what_is_missing(shopify: Shopify) -> None:
    place = opened(shopify, scopes=("write_products",))
    assert place.platform.check(place.site).startswith("one, Shopify plan Basic, API 2026-10") or "API 2026-10" in (
        place.platform.check(place.site)
    )
    missing = place.with_settings(hide_by="unpublish")
    assert "read_publications, write_publications" in missing.platform.check(missing.site)
    place.shop.revoke("write_products")
    with pytest.raises(PlatformRefused, match="write_products"):
        place.platform.check(place.site)


def test_another_shops_token_is_refused(shopify: Shopify) -> None:
    place, other = opened(shopify), opened(shopify, "other.myshopify.com")
    mixed = place.with_credentials(**{key: other.site.credentials[key] for key in ("access_token", "refresh_token")})
    with pytest.raises((PlatformRefused, CredentialsExpired)):
        place.platform.check(mixed.site)


def test_only_the_stand_in_may_be_at_a_private_address() -> None:
    assert not Config(client_id="a", client_secret="b").private_network
    assert Config(admin_origin="http://127.0.0.1:1/{shop}").private_network
    assert Config().origin("one.myshopify.com") == "https://one.myshopify.com"


@pytest.mark.parametrize(("version", "told"), [("2026-10", False), ("2025-01", True)])
def test_the_end_of_an_api_version_is_told_before_it_comes(shopify: Shopify, version: str, told: bool) -> None:
    place = opened(shopify, api_version=version)
    said = " ".join(step.text for step in place.platform.steps(place.site))
    assert (f"version {version} of its API until {int(version[:4]) + 1}-{version[5:]}-01" in said) is told


def test_another_version_than_was_asked_for_is_told_once(
    shopify: Shopify, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_told", set())
    place = opened(shopify, api_version="2025-01")
    for _ in range(2):
        place.platform.check(place.site)
    lines = [line for line in caplog.messages if "Shopify answers with version" in line]
    assert lines == ["Shopify answers with version 2026-07, where 2025-01 was asked for"]
