from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.db import sites as site_rows
from app.domain.errors import PlatformUnavailable
from app.domain.platform import Site, SiteState
from app.services.sites import connecting, sites
from tests.support.core import Bench, PaperPlatform
from tests.web.visitor import acting_site, decided


def ask(application: Flask, site: Site, room: str, id_: str, body: Any, **headers: str) -> TestResponse:
    signed = {"picward-site": site.id, "secret": site.secrets[0], "webhook-id": id_, "Content-Type": "application/json"}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return application.test_client().post(f"/door/paper{room}", data=data, headers={**signed, **headers})


def test_an_installation_with_its_code_is_connected(bench: Bench, application: Flask) -> None:
    site = connecting.add(bench.core, "paper", "Shop", "owner")
    answer = ask(application, site, "", "c1", {"type": "connect"})
    assert answer.status_code == 200
    assert answer.json is not None
    assert (answer.json["connected"], answer.json["found"]) == (True, "Paper is patient")
    assert answer.json["console_url"] == f"http://picward.test/sites/{site.id}"
    assert {field["name"] for field in answer.json["declaration"]} == set(answer.json["values"])
    assert sites.get(bench.core, site.id).state == "active"


def test_a_site_that_does_not_answer_back_is_not_connected(bench: Bench, application: Flask) -> None:
    site = connecting.add(bench.core, "paper", "Shop", "owner")
    bench.platform.trouble["check"] = PlatformUnavailable("nobody answers")
    answer = ask(application, site, "", "c1", {"type": "connect"})
    assert answer.status_code == 502
    assert answer.json == {"type": "about:blank", "title": "The site does not answer", "status": 502, "detail": "nobody answers"}
    assert sites.get(bench.core, site.id).state == "pairing"


def test_an_old_code_is_refused_with_a_reason(bench: Bench, application: Flask) -> None:
    site = connecting.add(bench.core, "paper", "Shop", "owner")
    bench.clock.pass_seconds(connecting.PAIRING_HOURS * 3600 + 1)
    assert ask(application, site, "", "c1", {"type": "connect"}).status_code == 403


def test_settings_are_read_and_saved(bench: Bench, application: Flask) -> None:
    site = bench.site()
    read = ask(application, site, "/settings", "r1", {"type": "settings.read"})
    assert read.json is not None
    assert read.json["values"]["mode"] == "hide"
    assert read.json["policy"]["only_watches"] is True, "a new site's"
    saved = ask(
        application,
        site,
        "/settings",
        "s1",
        {"type": "settings.save", "person": "Eva", "values": {"mode": "hide", "ink": "red"}},
    )
    assert saved.json is not None
    assert (saved.json["values"]["mode"], saved.json["values"]["ink"]) == ("hide", "red")
    assert sites.get(bench.core, site.id).settings.ink == "red"
    assert ("at the site: Eva", "ink: black → red") in [line[1:] for line in sites.trail(bench.core, site.id)]


def test_settings_that_do_not_fit_are_refused_field_by_field(bench: Bench, application: Flask) -> None:
    site = bench.site()
    values = {"preview_days": 0, "surprise": 1}
    answer = ask(application, site, "/settings", "s1", {"type": "settings.save", "values": values})
    assert answer.status_code == 422
    assert answer.json is not None
    assert set(answer.json["fields"]) == {"preview_days", "surprise"}
    assert sites.get(bench.core, site.id).settings.preview_days == 30


@pytest.mark.parametrize("room", ["/settings", "/summary", "/history"])
def test_a_request_is_taken_once(bench: Bench, application: Flask, room: str) -> None:
    site = bench.site()
    body = {"type": {"/settings": "settings.read", "/summary": "summary.read", "/history": "history.read"}[room]}
    assert ask(application, site, room, "same", body).status_code == 200
    assert ask(application, site, room, "same", body).status_code == 409
    assert ask(application, site, room, "other", body).status_code == 200


def test_summary_and_history_tell_of_this_site_only(bench: Bench, application: Flask) -> None:
    site, other = acting_site(bench), bench.site()
    decided(bench, site, "a", 0.9)
    summary = ask(application, site, "/summary", "1", {"type": "summary.read"}).json
    assert summary is not None
    assert (summary["checked"], summary["blocked"]) == (1, 1)
    mine = ask(application, site, "/history", "2", {"type": "history.read", "media_id": "a"}).json
    theirs = ask(application, other, "/history", "3", {"type": "history.read", "media_id": "a"}).json
    assert mine is not None
    assert "block: Nudity 0.90" in mine["entries"][-1]["text"]
    assert theirs == {"entries": [], "restricted": False, "two_people": False}


@pytest.mark.parametrize("room", ["", "/settings", "/summary", "/history"])
def test_unproven_requests_are_refused_before_they_are_read(bench: Bench, application: Flask, room: str) -> None:
    site = bench.site()
    bodies: list[Any] = [{"type": "settings.save"}, b"", b"[" * 3000, b"\xff\xfe"]
    answers = [ask(application, site, room, f"x{n}", body, secret="wrong") for n, body in enumerate(bodies)]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1


@pytest.mark.parametrize("room", ["/settings", "/summary", "/history"])
@pytest.mark.parametrize(
    "body",
    [b"", b"[" * 3000, b"\xff\xfe", b"[]", b"null", b'"settings.read"', b"{}", b'{"type": ["settings.read"]}', b'{"type": "x"}'],
    ids=lambda body: repr(body[:20]),
)
def test_proven_requests_that_make_no_sense_are_422(bench: Bench, application: Flask, room: str, body: bytes) -> None:
    assert ask(application, bench.site(), room, "1", body).status_code == 422


@pytest.mark.parametrize("values", [None, [], "mode", 3])
def test_values_must_be_an_object(bench: Bench, application: Flask, values: object) -> None:
    answer = ask(application, bench.site(), "/settings", "1", {"type": "settings.save", "values": values})
    assert answer.status_code == 422


def test_settings_can_be_saved_whatever_the_content_type_says(bench: Bench, application: Flask) -> None:
    body = {"type": "settings.save", "values": {"ink": "red"}}
    answer = ask(application, bench.site(), "/settings", "1", body, **{"Content-Type": "text/plain"})
    assert answer.status_code == 200


def test_unknown_platforms_have_no_door(application: Flask, bench: Bench) -> None:
    assert application.test_client().post("/door/nothing", data=b"{}").status_code == 404
    assert application.test_client().post("/door/nothing/summary", data=b"{}").status_code == 404


ROOMS = {
    "/settings": {"type": "settings.save", "values": {"ink": "red"}},
    "/summary": {"type": "summary.read"},
    "/history": {"type": "history.read", "media_id": "x"},
    "/link": {"type": "link.make", "person": {"id": "1", "name": "Eva", "role": "administrator"}},
}


class Forwarded(PaperPlatform):
    """A platform whose proof lies with a forwarder at the merchant's: it tells of uploads and opens nothing else."""

    slug: ClassVar[str] = "forwarded"
    uses_door: ClassVar[bool] = False


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_secret_that_tells_of_uploads_opens_nothing_else(bench: Bench, application: Flask, room: str) -> None:
    bench.core.platforms["forwarded"] = Forwarded()  # type: ignore[index]
    site = connecting.add(bench.core, "forwarded", "Bucket", "owner")
    with bench.core.db.write() as connection:
        site_rows.change(connection, site.id, state=SiteState.ACTIVE)
    headers = {"picward-site": site.id, "secret": site.secrets[0], "webhook-id": "w1", "Content-Type": "application/json"}
    told = application.test_client().post("/webhooks/forwarded", data='{"id": "d1", "media": []}', headers=headers)
    assert told.status_code == 202, "the secret proves webhooks"
    answer = application.test_client().post(f"/door/forwarded{room}", data=json.dumps(ROOMS[room]), headers=headers)
    assert answer.status_code == 401
    assert sites.get(bench.core, site.id).settings.ink == "black"


@pytest.mark.parametrize("room", ["webhooks", *(f"door{room}" for room in sorted(ROOMS))])
def test_what_proves_a_site_proves_nothing_at_another_platform(bench: Bench, application: Flask, room: str) -> None:
    """The look-up of opened sites is warm: a delivery of the site's own platform came before."""
    bench.core.platforms["other"] = type("Other", (PaperPlatform,), {"slug": "other"})()  # type: ignore[index]
    site = bench.site()
    headers = {"picward-site": site.id, "secret": site.secrets[0], "webhook-id": "w1", "Content-Type": "application/json"}
    visitor = application.test_client()
    assert visitor.post("/webhooks/paper", data='{"id": "d1", "media": []}', headers=headers).status_code == 202
    path, _, rest = room.partition("/")
    body = json.dumps(ROOMS[f"/{rest}"]) if rest else '{"id": "d2", "media": []}'
    assert visitor.post(f"/{path}/other{rest and f'/{rest}'}", data=body, headers=headers).status_code == 401
