"""kit.http against hostile and broken servers on real sockets."""

from __future__ import annotations

import gzip
import hashlib
import socket
import threading
import time

import pytest

from app.domain.errors import MediaGone, MediaUnreadable, PlatformRefused, PlatformUnavailable
from integrations.kit.http import Session, json_body
from tests.contract.hostile import Script, Server, ok, raised

HOME = Session(private_network=True)


def test_gives_the_answer(server: Server) -> None:
    answer = HOME.request("POST", server.url, headers={"X-One": "1"}, body=json_body({"ä": 1}))
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"hello", "5")
    request = server.requests[0].lower()
    assert b"x-one: 1" in request and b"accept-encoding: identity" in request
    assert f"host: 127.0.0.1:{server.port}".encode() in request


def test_keeps_the_connection_for_the_next_request_of_any_session(server: Server) -> None:
    for _ in range(20):
        Session(private_network=True).request("GET", server.url)
    assert server.connections == 1


def test_is_safe_between_threads(server: Server) -> None:
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(20):
                assert HOME.request("GET", server.url).body == b"hello"
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert server.connections <= 12


def test_opens_a_new_connection_when_the_server_closed_the_idle_one(server: Server) -> None:
    def close(connection: socket.socket) -> None:
        connection.sendall(ok(b"hello"))
        connection.shutdown(socket.SHUT_RDWR)

    server.script = close
    for _ in range(5):
        assert HOME.request("GET", server.url).body == b"hello"
        time.sleep(0.02)


def test_keeps_no_cookies(server: Server) -> None:
    server.script = lambda connection: connection.sendall(ok(b"", "Set-Cookie: a=b; Path=/"))
    HOME.request("GET", server.url)
    HOME.request("GET", server.url)
    assert b"cookie" not in server.requests[1].lower()


def test_gives_bytes_in_a_file_and_checks_them(server: Server) -> None:
    data = bytes(range(256)) * 20_000
    server.script = lambda connection: connection.sendall(ok(data))
    with HOME.open_bytes("GET", server.url, sha256=hashlib.sha256(data).hexdigest()) as file:
        assert file.read() == data
    assert isinstance(raised(lambda: HOME.open_bytes("GET", server.url, sha256="0" * 64)), MediaGone)


def test_reads_chunked_answers(server: Server) -> None:
    server.script = lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    assert HOME.request("GET", server.url).body == b"abcde"


@pytest.mark.parametrize("announced", [True, False])
def test_stops_at_the_limit(server: Server, announced: bool) -> None:
    sent = 0

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        length = b"Content-Length: 9999999999\r\n" if announced else b""
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        while sent < 10**9:
            connection.sendall(bytes(65_536))
            sent += 65_536

    server.script = flood
    assert isinstance(raised(lambda: HOME.open_bytes("GET", server.url, limit=100_000)), MediaUnreadable)
    assert isinstance(raised(lambda: HOME.request("GET", server.url, limit=100_000)), PlatformRefused)
    assert sent < 50_000_000


def test_exactly_the_limit_is_allowed(server: Server) -> None:
    server.script = lambda connection: connection.sendall(ok(bytes(1_000)))
    assert HOME.open_bytes("GET", server.url, limit=1_000).read() == bytes(1_000)
    assert isinstance(raised(lambda: HOME.open_bytes("GET", server.url, limit=999)), MediaUnreadable)


def test_a_small_compressed_answer_does_not_become_a_large_one(server: Server) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    server.script = lambda connection: connection.sendall(ok(bomb, "Content-Encoding: gzip"))
    assert isinstance(raised(lambda: HOME.open_bytes("GET", server.url, limit=100_000)), MediaUnreadable)
    assert isinstance(raised(lambda: HOME.request("GET", server.url, limit=100_000)), PlatformRefused)


def drip(start: bytes, drop: bytes) -> Script:
    def run(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(200):
            connection.sendall(drop)
            time.sleep(0.05)

    return run


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"z"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"z"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nz\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b"z"),
    ],
)
def test_a_server_that_drips_is_cut_off_at_the_deadline(server: Server, start: bytes, drop: bytes) -> None:
    server.script = drip(start, drop)
    began = time.monotonic()
    error = raised(lambda: HOME.request("GET", server.url, total_seconds=0.5))
    assert isinstance(error, PlatformUnavailable)
    assert time.monotonic() - began < 2


def test_a_silent_server_is_cut_off(server: Server) -> None:
    server.script = lambda connection: time.sleep(10)
    began = time.monotonic()
    assert isinstance(raised(lambda: HOME.open_bytes("GET", server.url, total_seconds=0.3)), PlatformUnavailable)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 999999 Odd\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_a_broken_answer_is_unavailable(server: Server, answer: bytes) -> None:
    def break_off(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    server.script = break_off
    assert isinstance(raised(lambda: HOME.request("GET", server.url)), PlatformUnavailable)
    assert isinstance(raised(lambda: HOME.open_bytes("GET", server.url)), PlatformUnavailable)
