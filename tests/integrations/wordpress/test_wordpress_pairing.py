"""Who is let in to be connected, and to the other doors."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from app.domain.errors import DeliveryRefused, DeliveryUnreadable
from app.domain.events import Delivery
from app.domain.platform import SiteState
from integrations.wordpress.platform import WordPress
from tests.contract.sample import finder
from tests.integrations.wordpress.contract import SAMPLE
from tests.support.surroundings import made

PLATFORM = made(WordPress)

PAIRING = SAMPLE.site(state=SiteState.PAIRING, connection={})
VISIT = SAMPLE.recordings()["visit_connect"]


def visit(**over: Any) -> Delivery:
    body = {key: value for key, value in (json.loads(VISIT.body) | over).items() if value is not None}
    return SAMPLE.signed(VISIT, body=json.dumps(body).encode())


@pytest.mark.parametrize("said", [{"answers": "signed"}, {}])
def test_it_is_known_whether_a_plugin_signs_its_answers(said: dict[str, str]) -> None:
    before = replace(PAIRING, connection={"answers": "signed"})
    assert PLATFORM.admit(visit(**said), finder(before)).connection["answers"] == said.get("answers", "")


def test_a_new_site_is_let_in_with_its_connection() -> None:
    admission = PLATFORM.admit(VISIT, finder(PAIRING))
    assert (admission.site, admission.name) == (PAIRING, "Mein Blog")
    assert admission.connection == {
        "rest_url": "https://blog.example/wp-json/", "home_url": "https://blog.example",
        "wp": "6.1.9", "php": "8.2.36", "plugin": "0.1.0",
    }  # fmt: skip


def test_plain_permalinks_and_a_site_without_a_name() -> None:
    admission = PLATFORM.admit(SAMPLE.recordings()["visit_connect_plain_permalinks"], finder(PAIRING))
    assert admission.connection["rest_url"] == "https://blog.example/index.php?rest_route=/"
    assert admission.name == "blog.example"


@pytest.mark.parametrize(
    ("state", "home_url", "let_in"),
    [
        (SiteState.PAIRING, "https://anywhere.example", True),
        (SiteState.ACTIVE, "https://blog.example", True),
        (SiteState.ACTIVE, "https://blog.example/", True),
        (SiteState.ACTIVE, "http://BLOG.example", True),
        (SiteState.PAUSED, "https://blog.example", True),
        (SiteState.ACTIVE, "https://blog.example/shop", False),
        (SiteState.ACTIVE, "https://blog.example:8443", False),
        (SiteState.ACTIVE, "https://thief.example", False),
        (SiteState.PAUSED, "https://thief.example", False),
        (SiteState.REMOVED, "https://blog.example", False),
    ],
)
def test_a_used_code_connects_the_same_place_only(state: SiteState, home_url: str, let_in: bool) -> None:
    site = SAMPLE.site(state=state)
    if let_in:
        assert PLATFORM.admit(visit(home_url=home_url), finder(site)).connection["home_url"] == home_url
    else:
        with pytest.raises(DeliveryRefused):
            PLATFORM.admit(visit(home_url=home_url), finder(site))


@pytest.mark.parametrize(
    "over",
    [
        {"type": "settings.read"}, {"type": None}, {"to": "site"}, {"to": None}, {"site": "another"}, {"site": None},
        {"rest_url": None}, {"rest_url": "https://blog.example/wp-json"}, {"rest_url": "ftp://blog.example/"},
        {"rest_url": "https://user:pass@blog.example/"}, {"rest_url": "http://[::1/"}, {"rest_url": "/wp-json/"},
        {"rest_url": "https://blog.example/\n/"}, {"rest_url": "https://blog.example/#/"}, {"rest_url": 7},
        {"rest_url": "https://blog.example:port/"}, {"home_url": None}, {"home_url": "javascript:alert(1)//"},
        {"rest_url": "https://blog.example/exec?cmd=id&x=/"}, {"rest_url": "https://blog.example/?rest_route=/&x=/"},
        {"rest_url": "https://blog.example"}, {"wp": None}, {"wp": "x" * 61}, {"php": 8.2}, {"plugin": ["0.1.0"]},
    ],
)  # fmt: skip
def test_a_visit_that_is_not_right_is_refused(over: dict[str, Any]) -> None:
    with pytest.raises(DeliveryRefused):
        PLATFORM.admit(visit(**over), finder(PAIRING))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_an_unreadable_visit_is_refused(body: bytes) -> None:
    with pytest.raises(DeliveryRefused):
        PLATFORM.admit(SAMPLE.signed(VISIT, body=body), finder(PAIRING))


def test_a_site_that_waits_for_pairing_sends_nothing() -> None:
    for recorded in SAMPLE.recordings().values():
        with pytest.raises(DeliveryRefused):
            PLATFORM.authenticate(recorded, finder(PAIRING))


def test_visits_to_the_other_doors_are_proven_like_deliveries_and_are_none() -> None:
    delivery = SAMPLE.recordings()["visit_settings_read"]
    site = PLATFORM.authenticate(delivery, finder(SAMPLE.site()))
    with pytest.raises(DeliveryUnreadable):
        PLATFORM.parse(delivery, site)
