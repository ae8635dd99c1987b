"""kit.http: which addresses, names and certificates it talks to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.domain.errors import AddressForbidden, PlatformRefused, PlatformUnavailable
from integrations.kit import http
from integrations.kit.http import Session
from tests.contract.hostile import Server, ok, raised

HOME = Session(private_network=True)


@pytest.mark.parametrize("session", [HOME, Session()])
def test_never_follows_a_redirect_nor_reads_its_body(server: Server, session: Session) -> None:
    def redirect(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/s3cret\r\n\r\n")
        while True:
            connection.sendall(bytes(65_536))

    server.script = redirect
    error = raised(lambda: session.request("GET", server.url, limit=100_000))
    assert isinstance(error, PlatformRefused)
    assert len(server.requests) == (1 if session is HOME else 0)


@pytest.mark.table("addresses that lead somewhere")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "017700000001", "[::1]", "[::ffff:127.0.0.1]", "0", "[::]",
        "0.0.0.0",  # noqa: S104
    ],
)  # fmt: skip
def test_no_way_to_write_loopback_gets_through(server: Server, host: str) -> None:
    error = raised(lambda: Session().request("GET", f"http://{host}:{server.port}/"))
    assert isinstance(error, AddressForbidden | PlatformUnavailable | PlatformRefused)
    assert server.connections == 0
    if host in ("127.0.0.1", "localhost", "[::1]"):
        assert isinstance(error, AddressForbidden) and "“This site is on my own network”" in str(error)


def resolves(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    asked: list[str] = []
    answers = iter(addresses)

    def getaddrinfo(host: str, port: int, *args: object, **kwargs: object) -> list[object]:
        asked.append(host)
        address = next(answers)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.table("addresses that lead somewhere")
@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fe80::1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "168.63.129.16",
        "::ffff:168.63.129.16",
        "192.0.0.192",
        "64:ff9b::c000:c0",
        "100.100.100.200",
        "fd00:ec2::254",
    ],
)
def test_metadata_is_refused_even_at_home(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolves(monkeypatch, address)
    assert isinstance(raised(lambda: HOME.request("GET", "http://blog.example/")), AddressForbidden)


@pytest.mark.table("addresses that lead somewhere")
@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "127.0.0.1", "100.64.0.1", "::1", "::127.0.0.1", "fec0::1", "fd00::1", "64:ff9b::7f00:1", "2002:7f00:1::1",
        "2001::1",
    ],
)  # fmt: skip
def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolves(monkeypatch, address)
    assert isinstance(raised(lambda: Session().request("GET", "http://blog.example/")), AddressForbidden)


def test_the_checked_address_is_the_one_that_is_called(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    # The second answer of a rebinding name server is never asked for: the connection goes to an address, not to a name.
    asked = resolves(monkeypatch, "127.0.0.1", "127.0.0.1")
    assert HOME.request("GET", f"http://blog.example:{server.port}/").body == b"hello"
    assert asked == ["blog.example", "127.0.0.1"]
    assert f"host: blog.example:{server.port}".encode() in server.requests[0].lower()


@pytest.mark.table("addresses that lead somewhere")
@pytest.mark.parametrize(
    "url",
    [
        "", "blog.example", "ftp://blog.example/", "file:///etc/passwd", "http://", "http:///x", "http://[::1", "http://a:b:c/",
        "http://a:999999/", "http://user:s3cret@127.0.0.1/", "http://s3cret@127.0.0.1/", "gopher://127.0.0.1/", "javascript:1",
    ],
)  # fmt: skip
def test_odd_addresses_are_refused(url: str) -> None:
    assert isinstance(raised(lambda: HOME.request("GET", url)), PlatformRefused)


def test_names_that_do_not_resolve_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for session in (HOME, Session()):
        assert isinstance(raised(partial(session.request, "GET", "http://nowhere.invalid/")), PlatformUnavailable)


@pytest.mark.table("addresses that lead somewhere")
@pytest.mark.parametrize("host", ["a" * 300 + ".example", "ü" * 100 + ".example", "..", "a..b", "-", "xn--", "a_b.invalid"])
def test_odd_names_end_in_our_errors(host: str) -> None:
    for session in (HOME, Session()):
        raised(partial(session.request, "GET", f"http://{host}/"))


def test_a_refused_connection_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert isinstance(raised(lambda: HOME.request("GET", f"http://127.0.0.1:{port}/")), PlatformUnavailable)


def test_no_tls_is_unavailable(server: Server) -> None:
    assert isinstance(raised(lambda: HOME.request("GET", f"https://127.0.0.1:{server.port}/")), PlatformUnavailable)


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[int, Path, list[str]]]:
    """Serve one certificate for blog.example, signed by itself; give port, certificate and the names asked for by SNI."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "blog.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("blog.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "certificate.pem"
    encoded = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(certificate.public_bytes(Encoding.PEM) + encoded)
    names: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.sni_callback = lambda connection, asked, _: names.append(asked or "")
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as wrapped:
                    Server._read(wrapped)
                    wrapped.sendall(ok(b"hello", "Connection: close"))

    threading.Thread(target=serve, daemon=True).start()
    yield listening.getsockname()[1], pem, names
    listening.close()


@pytest.mark.parametrize("host", ["blog.example", "other.example"])
def test_tls_proves_the_name_although_an_address_is_called(
    tls: tuple[int, Path, list[str]], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    port, pem, names = tls
    url = f"https://{host}:{port}/"
    resolves(monkeypatch, *["127.0.0.1"] * 4)
    untrusted = raised(lambda: HOME.request("GET", url))
    assert type(untrusted) is PlatformRefused and "certificate" in str(untrusted)
    monkeypatch.setattr(http._shared(True), "verify", str(pem))
    if host == "blog.example":
        assert HOME.request("GET", url).body == b"hello"
    else:
        assert "certificate" in str(raised(lambda: HOME.request("GET", url)))
    assert set(names) == {host}
