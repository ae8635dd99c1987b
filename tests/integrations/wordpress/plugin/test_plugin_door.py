"""Only the connector of this site gets in, and every refusal looks the same."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
import requests

from tests.integrations.wordpress.plugin.site import Door, WordPress, picture
from tests.integrations.wordpress.plugin.stand_in import Connector, call, sign

pytestmark = pytest.mark.e2e

WRONG: dict[str, dict[str, Any]] = {
    "tampered": {"tamper": True},
    "stale": {"shift": -301},
    "future": {"shift": 302},
    "another secret": {"secret": "whsec_" + "QUJD" * 11},
    "another site": {"envelope": {"site": "site-other"}},
    "meant for the connector": {"envelope": {"to": "connector"}},
    "another type": {"envelope": {"type": "decision"}},
    "another protocol": {"envelope": {"v": 2}},
    "version as a text": {"envelope": {"v": "1"}},
}


@pytest.mark.parametrize("why", WRONG)
def test_refusals_are_all_alike(site: WordPress, connector: Connector, why: str) -> None:
    answer = call(site.rest, connector, "status", **WRONG[why])
    plain = requests.post(site.rest + "picward/v1/status", json={}, timeout=30)
    assert (answer.status_code, answer.text) == (401, plain.text)


def test_a_right_call_gets_in(door: Door) -> None:
    given = door("status")
    assert given.headers["webhook-signature"].startswith("v1,"), "and the answer is signed, which each call of ours checks"
    answer = given.json()
    assert answer["plugin"] == "0.1.0"
    assert answer["mode"] == "hide"
    assert answer["quarantine"] == {"cipher": "sodium", "writable": True}
    assert answer["outbox"] == {"waiting": 0, "oldest_seconds": 0}
    assert answer["problems"] == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1," + "é" * 20},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-5"},
        {"webhook-timestamp": "1" * 40},
        {"webhook-id": ""},
        {"webhook-id": "x" * 400},
    ],
)
def test_missing_and_garbled_headers(site: WordPress, connector: Connector, headers: dict[str, str]) -> None:
    raw = json.dumps({"v": 1, "to": "site", "type": "status", "site": connector.site}).encode()
    now = str(int(time.time()))
    right = {"webhook-id": "a", "webhook-timestamp": now, "webhook-signature": sign(connector.secret, "a", now, raw)}
    sent = {name: value.encode() for name, value in ((right | headers) if headers else {}).items()}
    answer = requests.post(
        site.rest + "picward/v1/status", data=raw, headers={"Content-Type": "application/json", **sent}, timeout=30
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 3000 + b"]" * 3000])
def test_bodies_that_are_no_order(site: WordPress, connector: Connector, raw: bytes) -> None:
    now = str(int(time.time()))
    identifier = uuid.uuid4().hex
    headers = {
        "Content-Type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": now,
        "webhook-signature": sign(connector.secret, identifier, now, raw),
    }
    assert requests.post(site.rest + "picward/v1/status", data=raw, headers=headers, timeout=30).status_code == 401


def test_reading_and_batches_do_not_get_in(site: WordPress) -> None:
    assert requests.get(site.rest + "picward/v1/status", timeout=30).status_code == 401
    assert requests.post(site.rest + "picward/v1/nothing", json={}, timeout=30).status_code == 401
    batch = requests.post(
        site.rest + "batch/v1",
        json={"requests": [{"path": "/picward/v1/drain", "method": "POST"}]},
        auth=site.auth("admin"),
        timeout=30,
    )
    assert '"sent"' not in batch.text


def test_an_administrator_without_the_secret_is_refused_too(site: WordPress) -> None:
    assert requests.post(site.rest + "picward/v1/status", json={}, auth=site.auth("admin"), timeout=30).status_code == 401


def test_the_same_order_does_not_work_twice(site: WordPress, door: Door, connector: Connector) -> None:
    identifier = "order-" + uuid.uuid4().hex
    assert call(site.rest, connector, "settings", identifier=identifier, values=connector.values).status_code == 200
    assert call(site.rest, connector, "settings", identifier=identifier, values=connector.values).status_code == 401
    # What only reads may be asked again.
    assert call(site.rest, connector, "status", identifier=identifier).status_code == 200
    assert call(site.rest, connector, "status", identifier=identifier).status_code == 200


def test_several_signatures_while_a_secret_is_rotated(site: WordPress, connector: Connector) -> None:
    raw = json.dumps({"v": 1, "to": "site", "type": "status", "site": connector.site}).encode()
    now = str(int(time.time()))
    other = sign("whsec_" + "QUJD" * 11, "i", now, raw)
    headers = {
        "webhook-id": "i",
        "webhook-timestamp": now,
        "webhook-signature": f"{other} {sign(connector.secret, 'i', now, raw)}",
    }
    assert (
        requests.post(
            site.rest + "picward/v1/status", data=raw, headers=headers | {"Content-Type": "application/json"}, timeout=30
        ).status_code
        == 200
    )


def test_plain_permalinks(site: WordPress, connector: Connector) -> None:
    assert call(site.url + "/?rest_route=/", connector, "status").status_code == 200


def test_the_list_goes_through_the_library_page_by_page(site: WordPress, door: Door) -> None:
    made = [site.upload(picture(60, 40), f"page-{n}.jpg")["id"] for n in range(3)]
    seen: list[int] = []
    after = made[0] - 1
    while True:
        answer = door("list", after=after, limit=2).json()
        seen += [int(item["id"]) for item in answer["items"]]
        assert answer["total"] >= 3
        after = answer["next"]
        if not after:
            break
    assert seen == made


def test_an_unknown_order_is_refused_with_a_reason(site: WordPress, door: Door) -> None:
    made = site.upload(picture(60, 40), "order.jpg")
    media = door("list", after=made["id"] - 1, limit=1).json()["items"][0]
    answer = door.decide(media, "explode", "block")
    assert answer.status_code == 422
    assert "does not know" in answer.json()["message"]
    assert door.decide(media | {"id": "999999"}, "hide", "block").status_code == 404
