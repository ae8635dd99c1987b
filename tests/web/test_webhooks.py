from __future__ import annotations

import io
import json

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.db import jobs
from app.domain.platform import Site
from app.services.sites import sites
from tests.support.core import Bench
from tests.web.conftest import MAX_BODY


def send(application: Flask, site: Site, body: bytes, **headers: str) -> TestResponse:
    signed = {"picward-site": site.id, "secret": site.secrets[0], **headers}
    return application.test_client().post("/webhooks/paper", data=body, headers=signed)


def upload(bench: Bench, site: Site, delivery_id: str, *names: str) -> bytes:
    for name in names:
        bench.platform.images.setdefault(name, name.encode())
    return bench.uploaded(site, delivery_id, *names).body


def queued(bench: Bench, site: Site) -> int:
    with bench.core.db.read() as connection:
        return jobs.counts(connection, site.id).get("due", 0)


def test_a_delivery_is_accepted_and_its_images_are_queued(bench: Bench, application: Flask) -> None:
    site = bench.site()
    answer = send(application, site, upload(bench, site, "d1", "a", "b"))
    assert (answer.status_code, answer.json) == (202, {"status": "accepted"})
    assert queued(bench, site) == 2


def test_a_retry_gets_the_same_answer_and_queues_nothing(bench: Bench, application: Flask) -> None:
    site = bench.site()
    body = upload(bench, site, "d1", "a")
    first, again = send(application, site, body), send(application, site, body)
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert queued(bench, site) == 1


def test_every_refusal_looks_the_same(bench: Bench, application: Flask) -> None:
    site, removed = bench.site(), bench.site()
    body = upload(bench, site, "d1", "a")
    sites.disconnect(bench.core, removed.id, "owner")
    client = application.test_client()
    answers = [
        client.post("/webhooks/paper", data=body),
        client.post("/webhooks/paper", data=b""),
        send(application, site, body, secret="wrong"),
        send(application, site, body, secret=""),
        send(application, site, body, **{"picward-site": "st_unknown"}),
        send(application, site, body, **{"picward-site": "x" * 3000}),
        send(application, removed, body),
        send(application, site, b"\xff" * 100, secret="wrong"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1
    assert answers[0].content_type == "application/problem+json"
    assert answers[0].json == {"type": "about:blank", "title": "Not accepted", "status": 401}
    assert queued(bench, site) == 0


def test_an_authentic_delivery_that_cannot_be_read_is_kept_and_shown(bench: Bench, application: Flask) -> None:
    site = bench.site()
    assert send(application, site, b"\xff not JSON").status_code == 202
    assert sites.summary(bench.core, site.id)["unreadable"] == ["Delivery 1: not JSON"]


def test_a_body_at_the_limit_is_taken_and_one_over_it_is_not(bench: Bench, application: Flask) -> None:
    site = bench.site()
    body = upload(bench, site, "d1", "a")
    assert send(application, site, body.ljust(MAX_BODY)).status_code == 202
    answer = send(application, site, body.ljust(MAX_BODY + 1))
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"


def test_a_body_without_a_declared_length_is_bounded_too(bench: Bench, application: Flask) -> None:
    site = bench.site()

    def chunked(body: bytes) -> TestResponse:
        return application.test_client().post(
            "/webhooks/paper",
            headers={"picward-site": site.id, "secret": site.secrets[0], "Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True},
        )

    body = upload(bench, site, "d1", "a")
    assert chunked(body).status_code == 202
    assert queued(bench, site) == 1
    assert chunked(body.ljust(MAX_BODY)).status_code == 202
    assert chunked(body.ljust(MAX_BODY + 1)).status_code == 413


@pytest.mark.parametrize("slug", ["nothing", "Paper", "pa%2Fper", "é"])
def test_an_unknown_platform_is_404(application: Flask, slug: str) -> None:
    answer = application.test_client().post(f"/webhooks/{slug}", data=b"{}")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_405_and_say_which_one_is_taken(application: Flask, method: str) -> None:
    answer = application.test_client().open("/webhooks/paper", method=method, headers={"Accept": "*/*"})
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert answer.content_type == "application/problem+json"


def test_a_paused_site_still_takes_deliveries(bench: Bench, application: Flask) -> None:
    site = bench.site()
    sites.set_state(bench.core, site.id, sites.SiteState.PAUSED, "owner")
    assert send(application, site, json.dumps({"id": "d", "media": []}).encode()).status_code == 202
