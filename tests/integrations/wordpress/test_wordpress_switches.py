"""A WordPress that was broken into: with its own secret it wants to reach inside, mail strangers, look like an owner."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.db.tables import metadata
from app.domain.platform import Site, SiteState
from app.domain.settings import ChangedBy, changed_by
from app.services.sites import connecting, sites
from app.web.application import make_application
from integrations.kit import signing
from integrations.wordpress.platform import WordPress
from tests.integrations.wordpress.stand_in import Attachment, PluginStandIn
from tests.support.core import Bench
from tests.support.serving import StandInServer
from tests.support.surroundings import made
from tests.web.visitor import Owner, become_owner

SECRET = "INTERNAL-S3CRET-hunter2"


class Inside:
    """A server inside the owner's network that tells a secret to whoever asks."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.heard: list[str] = []
        inside = self
        answer = json.dumps(body).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                inside.heard.append(self.path)
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(status)
                self.send_header("content-length", str(len(answer)))
                self.send_header("location", f"http://{SECRET}.example/{SECRET}")
                self.send_header("retry-after", SECRET)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                pass

        self.server = StandInServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def application(bench: Bench) -> Flask:
    bench.core.platforms["wordpress"] = made(WordPress)  # type: ignore[index]
    bench.clock.at = time.time_ns() // 1_000
    application = make_application(bench.core, max_body_bytes=100_000)
    application.testing = True
    return application


@pytest.fixture
def owner(bench: Bench, application: Flask) -> Owner:
    return become_owner(bench, application)


@pytest.fixture
def plugin() -> Iterator[PluginStandIn]:
    with PluginStandIn("", "", {412: Attachment(412, b"picture")}) as plugin:
        yield plugin


class Broken:
    """Whoever holds the site's secret."""

    def __init__(self, bench: Bench, application: Flask, plugin: PluginStandIn) -> None:
        self.bench, self.application, self.plugin = bench, application, plugin
        site = connecting.add(bench.core, "wordpress", "Shop", "Ada", private_network=True)
        self.id, self.secret = site.id, site.secrets[0]
        plugin.site_id, plugin.secret = self.id, self.secret
        assert self.connect(f"{plugin.address}/wp-json/").status_code == 200

    @property
    def site(self) -> Site:
        return sites.get(self.bench.core, self.id)

    def send(self, room: str, type: str, **fields: Any) -> TestResponse:
        body = json.dumps({"v": 1, "to": "connector", "site": self.id, "type": type, **fields}).encode()
        headers = signing.sign(self.secret, f"msg_{uuid.uuid4().hex}", int(time.time()), body)
        self.bench.clock.at = time.time_ns() // 1_000
        answer: TestResponse = self.application.test_client().post(
            f"/door/wordpress{room}", data=body, headers={**headers, "picward-site": self.id}
        )
        return answer

    def connect(self, rest_url: str, **fields: str) -> TestResponse:
        about = {"home_url": self.plugin.address, "name": "Shop", "wp": "6.6", "php": "8.2", "plugin": "0.1.0"}
        return self.send("", "connect", rest_url=rest_url, **{**about, **fields})

    def save(self, **values: Any) -> TestResponse:
        return self.send("/settings", "settings.save", values=values, person="Ada")


@pytest.fixture
def broken(bench: Bench, application: Flask, owner: Owner, plugin: PluginStandIn) -> Broken:
    """A connected site whose owner closed its network switch since."""
    broken = Broken(bench, application, plugin)
    sites.save_settings(bench.core, broken.id, {"private_network": False}, "Ada")
    return broken


ANSWERS = [
    (403, {"code": "x", "message": SECRET, "detail": SECRET}),
    (403, {"code": f"picward_{SECRET}", "message": SECRET}),
    (422, {"code": "picward_order", "message": SECRET}),
    (404, {"code": "picward_gone", "message": SECRET}),
    (409, {"code": SECRET, "detail": SECRET}),
    (401, {"code": SECRET}),
    (302, {"message": SECRET}),
    (500, {"message": SECRET}),
    (429, {"message": SECRET}),
    (200, {"message": SECRET}),
    (200, {"quarantine": {"cipher": "none", "writable": True}, "outbox": {"waiting": 0}, "problems": [SECRET],
           "problem_codes": [SECRET], "wp": SECRET, "plugin": SECRET}),
    (200, {"quarantine": {"cipher": SECRET, "writable": SECRET}, "wp": SECRET, "plugin": SECRET}),
]  # fmt: skip


@pytest.mark.table("answers of strangers that are quoted nowhere")
@pytest.mark.parametrize(("status", "body"), ANSWERS, ids=[f"{status}-{n}" for n, (status, _) in enumerate(ANSWERS)])
def test_a_site_does_not_reach_inside_nor_hear_what_is_said_there(
    broken: Broken, owner: Owner, caplog: pytest.LogCaptureFixture, status: int, body: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    inside = Inside(status, body)
    try:
        closed = broken.connect(f"{inside.address}/admin/")
        opened = broken.save(private_network=True)
        still = broken.connect(f"{inside.address}/admin/")
        assert inside.heard == [], "the site reached inside"
        assert (closed.status_code, opened.status_code, still.status_code) == (422, 403, 422)
        # The control: with the owner's leave the very same request arrives there, and what is answered is shown to nobody.
        sites.save_settings(broken.bench.core, broken.id, {"private_network": True}, "Ada")
        arrived = broken.connect(f"{inside.address}/admin/")
        assert inside.heard[0] == "/admin/picward/v1/status"
    finally:
        inside.stop()
    pages = [owner.get(path).text for path in (f"/sites/{broken.id}", "/sites", "/history")]
    shown = [answer.text for answer in (closed, opened, still, arrived)]
    with broken.bench.core.db.read() as connection:
        stored = [str(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
    for text in (*shown, *pages, caplog.text, *stored):
        assert SECRET not in text and SECRET.lower() not in text


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:22/", "http://169.254.169.254/", "http://[::1]/", "http://10.0.0.1/", "http://localhost/wp-json/"],
)
def test_the_address_of_a_site_is_checked_each_time_it_is_told(broken: Broken, address: str) -> None:
    answer = broken.connect(address)
    assert answer.status_code == 422 and answer.json is not None
    assert "private network" in answer.json["detail"]
    assert broken.site.connection["rest_url"].startswith(broken.plugin.address)


def test_a_moved_address_leaves_a_line(broken: Broken) -> None:
    sites.save_settings(broken.bench.core, broken.id, {"private_network": True}, "Ada")
    assert broken.connect(f"{broken.plugin.address}/index.php?rest_route=/").status_code == 200
    lines = [text for _, who, text in sites.trail(broken.bench.core, broken.id) if who == "platform"]
    assert f"rest_url: {broken.plugin.address}/wp-json/ → {broken.plugin.address}/index.php" in lines


OWNERS = {
    "private_network": True,
    "tell_webhook": "https://stranger.example/hook",
    "tell_emails": ["victim@example.com"],
    "tell_trouble": False,
    "tell_hidden": False,
    "tell_parked": False,
    "tell_waiting_hours": 0,
    "console_link": False,
    "mode": "flag",
    "delete_blocked": True,
    "preview_days": 365,
}


def test_the_table_of_owners_settings_is_complete() -> None:
    declared = WordPress.Settings
    assert set(OWNERS) == {name for name in declared.model_fields if changed_by(declared, name) is ChangedBy.OWNER}


@pytest.mark.parametrize("name", OWNERS)
def test_what_is_an_owners_is_refused_to_the_site(broken: Broken, name: str) -> None:
    before = broken.site.settings
    answer = broken.save(**{name: OWNERS[name], "unpublish_parent": True})
    assert answer.status_code == 403 and answer.json is not None
    assert answer.content_type == "application/problem+json"
    assert set(answer.json["fields"]) == {name}
    assert broken.site.settings == before, "nothing of a refused form is kept"
    who, text = sites.trail(broken.bench.core, broken.id)[0][1:]
    assert (who, text) == ("at the site: Ada", f"Refused, since only an owner may change it: {name}")
    # The control: an owner may, by the same names and values.
    saved = sites.save_settings(broken.bench.core, broken.id, {name: OWNERS[name]}, "Ada").site
    assert saved.settings.model_dump(mode="json")[name] == OWNERS[name]


def test_a_form_of_an_older_plugin_that_leaves_them_as_they_are_is_saved(broken: Broken) -> None:
    answer = broken.save(**broken.site.settings.model_dump(mode="json") | {"unpublish_parent": True})
    assert answer.status_code == 200
    assert broken.site.settings.unpublish_parent  # type: ignore[attr-defined]
    assert sites.trail(broken.bench.core, broken.id)[0][1:] == ("at the site: Ada", "unpublish_parent: False → True")


def test_a_site_does_not_take_another_sites_name(broken: Broken, bench: Bench) -> None:
    connecting.add(bench.core, "wordpress", "Shop B", "Ada")
    sites.save_settings(bench.core, broken.id, {"private_network": True}, "Ada")
    for name, kept in (("Shop B", "Shop"), ("Shоp  B", "Shop"), ("\u202eB pohS", "B pohS")):
        assert broken.connect(f"{broken.plugin.address}/wp-json/", name=name).status_code == 200
        assert broken.site.name == kept
    assert broken.site.state is SiteState.ACTIVE
