"""Owners are told, by a real mail server and a real web server on this machine: once an hour at most, again when it failed."""

from __future__ import annotations

import email
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from app.adapters.mail import SmtpMail
from app.db.tables import audit, notices
from app.dispatch import clock
from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.events import Delivery
from app.domain.platform import Site
from app.domain.ports import Mail
from app.domain.settings import NetworkedSettings
from app.factory import call_webhook
from app.services.core import Core
from app.services.pipeline import enforce, intake
from app.services.pipeline.moderate import Moderator
from app.services.review import verdicts
from app.services.rules import policies
from app.services.sites import sites
from app.services.telling import notices as service
from integrations.kit import signing
from tests.support.core import Bench
from tests.web.visitor import acting_site, decided

HOUR = 3600


@dataclass
class Postbox:
    """Take mail, or answer with `says` once it is set."""

    received: list[Message] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    says: str = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.says:
            return self.says
        self.received.append(email.message_from_bytes(envelope.content))
        self.to.append(envelope.rcpt_tos)
        return "250 OK"

    @property
    def texts(self) -> list[str]:
        return [message.get_payload(decode=True).decode().replace("\r\n", "\n") for message in self.received]  # type: ignore[union-attr]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, int]]:
    box, port = Postbox(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, port
    server.stop()


@dataclass
class Hook:
    """Be an owner's web address; answer with `status`."""

    url: str = ""
    status: int = 200
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    held = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            held.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(held.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield held
    server.shutdown()
    thread.join()
    server.server_close()


def connected(bench: Bench, port: int) -> Bench:
    send = SmtpMail("127.0.0.1", port, "none", "picward@example.org")
    return replace(bench, core=replace(bench.core, send_mail=send, call_webhook=call_webhook))


def told(bench: Bench, site: Site, **settings: Any) -> Site:
    """Save who is told, and let the first look begin."""
    saved = sites.save_settings(bench.core, site.id, settings, "owner").site
    tend(bench, saved)
    return saved


def tend(bench: Bench, site: Site, trouble: str = "") -> bool:
    settings = sites.get(bench.core, site.id).settings
    return service.tend(bench.core, site.id, site.name, settings, trouble)


def row(core: Core, site: Site) -> Any:
    with core.db.read() as connection:
        return connection.execute(notices.select().where(notices.c.site_id == site.id)).one()


def test_what_was_hidden_is_told_within_a_minute_and_then_once_an_hour(bench: Bench, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    bench = connected(bench, port)
    site = acting_site(bench)
    decided(bench, site, "before anybody was told", 0.9)
    site = told(bench, site, tell_emails=["ann@example.org", "bob@example.org"])
    decided(bench, site, "dress\r\nBcc: x", 0.9)
    decided(bench, site, "fine", 0.1)
    bench.clock.pass_seconds(service.LOOK_SECONDS)
    assert tend(bench, site)
    (message,) = box.received
    assert message["subject"] == "Paper site: 1 hidden"
    assert (message["to"], box.to[0]) == ("ann@example.org, bob@example.org", ["ann@example.org", "bob@example.org"])
    assert message["from"] == "picward@example.org"
    assert message["auto-submitted"] == "auto-generated"
    assert message["bcc"] is None
    assert "Hidden by a rule: 1\n  dress Bcc: x\n  http://picward.test/decisions/" in box.texts[0]
    assert "before anybody was told" not in box.texts[0]
    for number in range(12):
        decided(bench, site, f"more {number}", 0.9)
    bench.clock.pass_seconds(HOUR - 13 * 60)
    assert not tend(bench, site)
    bench.clock.pass_seconds(13 * 60)
    assert tend(bench, site)
    assert "Hidden by a rule: 12" in box.texts[1]
    assert "and 2 more" in box.texts[1]
    bench.clock.pass_seconds(2 * HOUR)
    assert not tend(bench, site)
    assert len(box.received) == 2


def test_what_needs_the_owner_and_what_waits_and_trouble(bench: Bench, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    bench = connected(bench, port)
    site = told(bench, acting_site(bench), tell_emails=["ann@example.org"], tell_waiting_hours=5)
    decided(bench, site, "waits", 0.4)
    bench.platform.trouble["apply"] = PlatformRefused("the editor may not do this")
    decided(bench, site, "stuck", 0.9)
    bench.clock.pass_seconds(5 * HOUR)
    assert tend(bench, site, "nobody is at home")
    assert box.received[0]["subject"] == "Paper site: in trouble, 1 need you, 1 waiting"
    for words in ("nobody is at home", "hide: the editor may not do this", "Waiting for a person: 1, the oldest for 5 hours"):
        assert words in box.texts[0]
    bench.clock.pass_seconds(2 * HOUR)
    assert not tend(bench, site, "nobody is at home"), "the same is not told again"
    bench.clock.pass_seconds(24 * HOUR)
    assert tend(bench, site)
    assert box.received[1]["subject"] == "Paper site: 1 waiting"


def test_only_what_is_switched_on_is_told(bench: Bench, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    bench = connected(bench, port)
    off = {"tell_hidden": False, "tell_parked": False, "tell_waiting_hours": 0, "tell_trouble": False}
    site = told(bench, acting_site(bench), tell_emails=["ann@example.org"], **off)
    decided(bench, site, "waits", 0.4)
    decided(bench, site, "hidden", 0.9)
    bench.clock.pass_seconds(100 * HOUR)
    assert not tend(bench, site, "trouble")
    assert box.received == []


def test_a_person_s_own_hide_is_no_news_and_what_is_restricted_has_no_name(bench: Bench, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    bench = connected(bench, port)
    site = told(bench, acting_site(bench), tell_emails=["ann@example.org"])
    waiting = decided(bench, site, "waits", 0.4)
    verdicts.resolve(bench.core, waiting, verdicts.Verdict.BLOCK, "Ann")
    while enforce.run_next(bench.core):
        pass
    bench.clock.pass_seconds(service.LOOK_SECONDS)
    assert not tend(bench, site)
    policies.save(bench.core, site.id, [{"category": "csae", "review": 0.1, "block": 0.2, "mode": "enforce"}], "owner")
    data = b"picture secret name"
    bench.platform.images["secret name"] = data
    bench.judge.tell(data, "csae.known_hash", 1.0)
    intake.receive(bench.core, "paper", bench.uploaded(site, "secret", "secret name"))
    while Moderator(bench.core).run_next() or enforce.run_next(bench.core):
        pass
    assert "secret name" in bench.platform.hidden
    bench.clock.pass_seconds(service.SETTLED_SECONDS)
    bench.clock.pass_seconds(service.LOOK_SECONDS)
    assert tend(bench, site)
    assert "Hidden by a rule: 1" in box.texts[0]
    assert "secret name" not in box.texts[0]


def test_the_web_address_is_called_signed_with_the_sites_own_secret(bench: Bench, hook: Hook) -> None:
    bench = connected(bench, 1)
    site = told(bench, acting_site(bench), tell_webhook=hook.url, private_network=True)
    decided(bench, site, "dress", 0.9)
    bench.clock.pass_seconds(service.LOOK_SECONDS)
    assert tend(bench, site)
    headers, body = hook.calls[0]
    secret = service.secret(bench.core, site.id)
    delivery = Delivery("POST", "/hook", headers, body, bench.clock())
    assert signing.verify(delivery, [secret]) == headers["webhook-id"]
    said = json.loads(body)
    assert said["type"] == "site.digest"
    assert said["timestamp"].endswith("Z")
    assert said["data"]["site"] == {"id": site.id, "name": "Paper site", "page": f"http://picward.test/sites/{site.id}"}
    assert (said["data"]["hidden"]["count"], said["data"]["hidden"]["first"][0]["name"]) == (1, "dress")
    assert service.secret(bench.core, site.id) == secret
    other = acting_site(bench)
    assert service.secret(bench.core, other.id) != secret


def test_an_address_inside_is_not_called_for_a_site_on_the_internet(bench: Bench, hook: Hook) -> None:
    bench = connected(bench, 1)
    site = told(bench, acting_site(bench), tell_webhook=hook.url)
    decided(bench, site, "dress", 0.9)
    bench.clock.pass_seconds(service.LOOK_SECONDS)
    assert not tend(bench, site)
    assert hook.calls == []
    assert "private" in service.problem(bench.core, site.id)


def test_what_failed_is_tried_again_by_that_way_only_with_the_same_id(
    bench: Bench, postbox: tuple[Postbox, int], hook: Hook
) -> None:
    box, port = postbox
    bench = connected(bench, port)
    hook.status = 503
    site = told(bench, acting_site(bench), tell_emails=["ann@example.org"], tell_webhook=hook.url, private_network=True)
    decided(bench, site, "dress", 0.9)
    bench.clock.pass_seconds(service.LOOK_SECONDS)
    assert not tend(bench, site)
    assert not tend(bench, site), "not at once"
    assert "503" in service.problem(bench.core, site.id)
    bench.clock.pass_seconds(10)
    hook.status = 204
    assert tend(bench, site)
    assert (len(box.received), len(hook.calls)) == (1, 2)
    assert hook.calls[0][0]["webhook-id"] == hook.calls[1][0]["webhook-id"]
    assert service.problem(bench.core, site.id) == ""
    assert row(bench.core, site).digest is None


def test_a_message_that_cannot_be_sent_for_a_day_is_given_up_and_written_down(bench: Bench, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    bench = connected(bench, port)
    box.says = "451 4.3.0 later"
    site = told(bench, acting_site(bench), tell_emails=["ann@example.org"])
    decided(bench, site, "dress", 0.9)
    tries = 0
    for _ in range(60):
        bench.clock.pass_seconds(HOUR / 2)
        tries += row(bench.core, site).run_at <= bench.clock()
        assert not tend(bench, site)
    assert 20 < tries < 45, "tries come less and less often"
    with bench.core.db.read() as connection:
        trail = connection.execute(audit.select().where(audit.c.action == "notice.given_up")).all()
    assert len(trail) == 1
    assert "451" in trail[0].text
    box.says = ""
    decided(bench, site, "next", 0.9)
    bench.clock.pass_seconds(2 * HOUR)
    assert tend(bench, site)


def test_two_workers_send_once(bench: Bench, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    bench = connected(bench, port)
    site = told(bench, acting_site(bench), tell_emails=["ann@example.org"])
    decided(bench, site, "dress", 0.9)
    bench.clock.pass_seconds(service.LOOK_SECONDS)
    threads = [threading.Thread(target=tend, args=(bench, site)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(box.received) == 1


def test_upkeep_tells_also_of_a_site_that_is_in_trouble(bench: Bench, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    bench = connected(bench, port)
    site = told(bench, bench.site(), tell_emails=["ann@example.org"])
    bench.platform.trouble["scan"] = PlatformUnavailable("nobody is at home")
    for _ in range(3):
        bench.clock.pass_seconds(90_000)
        clock.run_due(bench.core)
    assert ["nobody is at home" in text for text in box.texts] == [True]
    assert sites.get(bench.core, site.id).state == "active"


def test_a_site_is_looked_at_where_something_happened_and_else_once_a_day(
    bench: Bench, postbox: tuple[Postbox, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    box, port = postbox
    bench = connected(bench, port)
    busy = told(bench, acting_site(bench), tell_emails=["ann@example.org"])
    told(bench, bench.site(), tell_emails=["bob@example.org"])
    looks: list[str] = []
    tend_one = service.tend
    monkeypatch.setattr(service, "tend", lambda core, site_id, *about: looks.append(site_id) or tend_one(core, site_id, *about))

    def minutes(count: int) -> None:
        for _ in range(count):
            bench.clock.pass_seconds(60)
            clock.run_due(bench.core)

    minutes(10)
    looks.clear()
    minutes(30)
    assert looks == [], "nothing happened"
    decided(bench, busy, "dress", 0.9)
    minutes(3)
    assert [message["to"] for message in box.received] == ["ann@example.org"]
    assert set(looks) == {busy.id} and len(looks) <= 3
    sites.note_problem(bench.core, busy.id, "", "nobody is at home")
    minutes(62)
    assert box.received[1]["subject"] == "Paper site: in trouble"


def test_without_a_mail_server_the_page_can_say_so(bench: Bench) -> None:
    site = told(bench, acting_site(bench), tell_emails=["ann@example.org"])
    decided(bench, site, "dress", 0.9)
    bench.clock.pass_seconds(service.LOOK_SECONDS)
    assert not tend(bench, site)
    assert "PICWARD_SMTP_HOST" in service.problem(bench.core, site.id)


def test_nobody_is_told_unless_it_was_asked_for(bench: Bench) -> None:
    assert service.wanted(NetworkedSettings()) == []
    site = bench.site()
    assert not tend(bench, site)
    with bench.core.db.read() as connection:
        assert connection.execute(notices.select()).all() == []


MAIL = Mail(("ann@example.org",), "Hello\nthere", "Text: ü", "nt_1")


def test_a_message_has_one_id_and_no_line_of_its_subject_is_a_header(postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    SmtpMail("127.0.0.1", port, "none", "picward@example.org")(MAIL)
    assert box.received[0]["subject"] == "Hello there"
    assert "nt_1" in box.received[0]["message-id"]
    assert box.texts == ["Text: ü\n"]


@pytest.mark.parametrize(
    ("says", "error"), [("451 later", PlatformUnavailable), ("554 never", PlatformRefused)], ids=lambda value: str(value)[:3]
)
def test_what_the_server_answers_says_whether_trying_again_helps(
    postbox: tuple[Postbox, int], says: str, error: type[Exception]
) -> None:
    box, port = postbox
    box.says = says
    with pytest.raises(error):
        SmtpMail("127.0.0.1", port, "none", "picward@example.org")(MAIL)


def test_nobody_listening_is_tried_again() -> None:
    with pytest.raises(PlatformUnavailable):
        SmtpMail("127.0.0.1", free_port(), "none", "picward@example.org")(MAIL)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*form))
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_signing_in_over_tls(certificate: tuple[Path, Path], security: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of the old kind that is no side yet: aiosmtpd uses it as a client, too, to ask itself whether it is up.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    context.load_cert_chain(*certificate)
    given: list[tuple[bytes, bytes]] = []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)

    box, port = Postbox(), free_port()
    how: dict[str, Any] = {"ssl_context": context} if security == "tls" else {"tls_context": context, "require_starttls": True}
    how |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": security != "tls"}
    server = Controller(box, hostname="127.0.0.1", port=port, **how)
    server.start()
    try:
        send = SmtpMail("127.0.0.1", port, security, "picward@example.org", "picward", "right")
        with pytest.raises(PlatformRefused, match="SSLCertVerificationError"):
            send(MAIL)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        send(MAIL)
        assert len(box.received) == 1
        with pytest.raises(PlatformRefused) as refused:
            replace(send, password="wrong")(MAIL)
        assert "wrong" not in str(refused.value)
        assert given[0] == (b"picward", b"right")
        assert "right" not in repr(send)
    finally:
        server.stop()
