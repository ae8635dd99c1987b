from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.db import hashes
from app.dispatch.worker import judge_next
from app.domain.errors import PlatformRefused
from app.domain.limits import FORM_BYTES
from app.domain.media import Region
from app.domain.signals import Signal
from app.services.pipeline.moderate import Moderator
from app.web.console.trying import pictures as pages
from tests.support.core import Bench
from tests.web.conftest import MAX_BODY
from tests.web.visitor import Owner, acting_site

DATA = b"picture that is tried"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "WAIT_SECONDS", 0.0)


def post(owner: Owner, data: bytes | None, **fields: str) -> Any:
    sent: dict[str, Any] = {"form_token": owner.form_token, **fields}
    if data is not None:
        sent["picture"] = (io.BytesIO(data), "../../x<y>.jpg")
    return owner.client.post("/try", data=sent, content_type="multipart/form-data")


def tried(owner: Owner, bench: Bench) -> str:
    found = (Signal("told", "1", "sexual.explicit_nudity", 0.7, Region(0.1, 0.2, 0.3, 0.4), "<b>a note</b>"),)
    bench.judge.sees[hashlib.sha256(DATA).hexdigest()] = found
    path: str = post(owner, DATA).location
    judge_next(Moderator(bench.core))
    return path


def test_from_a_dropped_picture_to_a_verdict(owner: Owner, bench: Bench) -> None:
    assert 'name="picture"' in owner.get("/try").text
    site = acting_site(bench)
    path = post(owner, DATA).location
    assert "A worker is looking at it." in owner.get(path).text
    assert owner.get(f"{path}/state").json == {"judged": False}
    owner.post(f"{path}/forget")
    path = tried(owner, bench)
    assert owner.get(f"{path}/state").json == {"judged": True}
    page = owner.get(path).text
    assert "Nudity" in page
    assert "0.70" in page
    assert "&lt;b&gt;a note" in page
    assert 'x="0.1" y="0.2" width="0.3" height="0.4"' in " ".join(page.split())
    assert "Blocked" in page
    picture = owner.get(f"{path}/picture")
    assert (picture.data, picture.mimetype, picture.headers["Cache-Control"]) == (b"clear", "image/webp", "no-store")
    answer = owner.get(f"{path}?site={site.id}&context=product_type:+Swimwear")
    assert "product_type: Swimwear</textarea>" in answer.text
    assert owner.get(f"{path}?site=none").status_code == 404
    assert owner.post(f"{path}/forget").location == "/try?said=forgotten"
    assert owner.get(path).status_code == 410


def test_the_page_waits_for_the_worker(owner: Owner, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "WAIT_SECONDS", 20.0)
    path = post(owner, DATA).location
    worker = threading.Timer(0.1, judge_next, [Moderator(bench.core)])
    worker.start()
    assert "Nothing was found." in owner.get(path).text
    worker.join()


def test_when_no_worker_looks_it_is_said(owner: Owner, bench: Bench) -> None:
    path = post(owner, DATA).location
    bench.clock.pass_seconds(61)
    assert "No worker has looked at it" in owner.get(path).text


def test_a_picture_may_be_larger_than_a_webhook_and_no_larger_than_allowed(
    owner: Owner, bench: Bench, application: Flask
) -> None:
    bench = replace(bench, core=replace(bench.core, limits=replace(bench.core.limits, max_image_bytes=3 * MAX_BODY)))
    application.extensions["core"] = bench.core
    assert post(owner, b"x" * 2 * MAX_BODY).status_code == 303
    too_large = post(owner, b"x" * (3 * MAX_BODY + 1))
    assert too_large.status_code == 422
    assert "larger than" in too_large.text
    assert post(owner, b"x" * (3 * MAX_BODY + FORM_BYTES + 1)).status_code == 413
    big = {"form_token": owner.form_token, "x": "x" * (MAX_BODY + 1)}
    assert owner.client.post("/sites/add", data=big).status_code == 413


@pytest.mark.parametrize("data", [None, b""])
def test_nothing_is_not_tried(owner: Owner, data: bytes | None) -> None:
    answer = post(owner, data)
    assert answer.status_code == 422
    assert "Choose a picture" in answer.text


def test_an_address_is_fetched_and_trouble_is_said(owner: Owner, bench: Bench, application: Flask) -> None:
    application.extensions["core"] = replace(bench.core, fetch_url=lambda address: DATA)
    assert post(owner, None, address="https://example.org/a.jpg").status_code == 303

    def inside(address: str) -> bytes:
        raise PlatformRefused(f"{address} leads into a private network")

    application.extensions["core"] = replace(bench.core, fetch_url=inside)
    answer = post(owner, None, address="http://127.0.0.1/<a>")
    assert answer.status_code == 422
    assert "http://127.0.0.1/&lt;a&gt; leads into a private network" in answer.text


def test_nothing_stays_unless_it_is_put_on_a_list(owner: Owner, bench: Bench) -> None:
    site = acting_site(bench)
    path = tried(owner, bench)
    with bench.core.db.read() as connection:
        assert hashes.for_site(connection, site.id) == []
    answer = owner.post(f"{path}/list", site=site.id, list="block")
    assert answer.location == f"{path}?site={site.id}&said=listed"
    with bench.core.db.read() as connection:
        (entry,) = hashes.for_site(connection, site.id)
    assert (entry.value, entry.list, entry.site_id) == (hashlib.sha256(DATA).hexdigest(), "block", site.id)
    assert owner.post(f"{path}/list", site=site.id, list="other").status_code == 422
    assert owner.post(f"{path}/list", site="none", list="block").status_code == 404


def test_without_a_site_there_are_signals_only(owner: Owner, bench: Bench) -> None:
    page = owner.get(tried(owner, bench)).text
    assert "Connect a site" in page
