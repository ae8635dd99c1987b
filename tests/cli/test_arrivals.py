"""Slow clients hold no thread of the server, and a request that comes in pieces is the request that it is."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.arrivals import MOST_HEAD_BYTES, UNFINISHED_OF_ADDRESS, Chunks
from bench.processes import free_port, running
from tests.support.served import LARGEST, THREADS

pytestmark = pytest.mark.e2e

PATIENCE = 5.0
"""Seconds after which somebody who asks politely gives up."""

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
SLOW = {
    "says nothing": b"",
    "stops in the request line": b"GET / HT",
    "stops in a header": b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
    "stops before the body": HEAD + b"Content-Length: 900\r\n\r\n",
    "stops in the body": HEAD + b"Content-Length: 900\r\n\r\nabc",
    "stops in a large body": HEAD + b"Content-Length: 900000\r\n\r\n" + b"a" * 800_000,
    "stops in a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\nabc",
    "stops between chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "stops in the next request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHo",
    "waits for leave to go on": HEAD + b"Content-Length: 900\r\nExpect: 100-continue\r\n\r\n",
}


@contextlib.contextmanager
def served(worker: str) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "tests.support.served", str(port), worker]
    with running(command, dict(os.environ), f"http://127.0.0.1:{port}/"):
        yield port


@pytest.fixture(scope="module")
def ours() -> Iterator[int]:
    with served("ours") as port:
        yield port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


@contextlib.contextmanager
def many(port: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """Hold twelve times as many connections as the server has threads, each of which sent that much."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(port)) for _ in range(12 * THREADS)]
        for one in held:
            one.sendall(sent)
        yield held


def asked(port: int, request: bytes = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") -> bytes:
    with connect(port) as one:
        one.sendall(request)
        return b"".join(iter(lambda: one.recv(65_536), b""))


@pytest.mark.table("slow clients")
@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW.keys())
def test_slow_clients_hold_nobody_up(ours: int, sent: bytes) -> None:
    with many(ours, sent) as held:
        for _ in range(2 * THREADS):
            assert asked(ours).startswith(b"HTTP/1.1 200"), "somebody else was answered meanwhile"
        assert all(one.fileno() >= 0 for one in held)


def test_the_control_is_that_they_stop_gthread_itself() -> None:
    with served("gthread") as port:
        assert asked(port).startswith(b"HTTP/1.1 200")
        with many(port, SLOW["stops in the body"]), pytest.raises(TimeoutError):
            asked(port)


def test_one_address_has_so_many_unfinished_requests_and_no_more(ours: int) -> None:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(ours)) for _ in range(UNFINISHED_OF_ADDRESS + 5)]
        for one in held:
            one.sendall(b"GET / HT")
        assert asked(ours).startswith(b"HTTP/1.1 200")
        gone = 0
        for one in held:
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                gone += one.recv(1) == b""
        assert 5 <= gone <= 6, "the oldest gave way"


BODY = b"name=value&" * 40
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    "with a length": HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
    "in chunks": CHUNKED + b"b\r\nname=value&\r\n" * 40 + b"0\r\n\r\n",
    "in chunks with a trailer": CHUNKED + b"1b8;x=y\r\n" + BODY + b"\r\n0\r\nX: y\r\n\r\n",
}


@pytest.mark.parametrize("request_", WHOLE.values(), ids=WHOLE.keys())
@settings(max_examples=12, deadline=None, derandomize=True)
@given(cuts=st.lists(st.integers(1, 600), max_size=6))
def test_a_request_in_pieces_is_the_request(ours: int, request_: bytes, cuts: list[int]) -> None:
    with connect(ours) as one, one.makefile("rb") as answers:
        for round_ in range(2):  # on the same connection again, as a client that keeps it alive does
            edges = sorted({0, *(cut for cut in cuts if cut < len(request_)), len(request_)})
            for start, end in itertools.pairwise(edges):
                one.sendall(request_[start:end])
                time.sleep(0.002)
            assert body_of(answers) == BODY, round_


def test_requests_that_come_at_once_are_answered_in_turn(ours: int) -> None:
    with connect(ours) as one, one.makefile("rb") as answers:
        one.sendall(b"".join(WHOLE.values()) + WHOLE["with a length"][:100])
        for _ in WHOLE:
            assert body_of(answers) == BODY
        one.sendall(WHOLE["with a length"][100:])
        assert body_of(answers) == BODY


def test_leave_to_go_on_is_given(ours: int) -> None:
    with connect(ours) as one:
        one.sendall(HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        one.sendall(b"abc")
        assert b"".join(iter(lambda: one.recv(65_536), b"")).endswith(b"\r\n\r\nabc")


@pytest.mark.parametrize("length", [LARGEST + 1, 2 * LARGEST + 1, 10**17])
def test_what_is_too_large_is_refused_by_its_length(ours: int, length: int) -> None:
    sent = HEAD + b"Content-Length: %d\r\n\r\n" % length
    with connect(ours) as one:
        one.sendall(sent + (b"a" * length if length < 2 * LARGEST else b""))
        assert one.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.table("slow clients")
@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: %d\r\n\r\nabc" % (2 * LARGEST + 1),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 9_000,
        HEAD + b"Content-Length: 3\r\nContent-Length: 900\r\n\r\nabc",
        HEAD + b"Content-Length : 3\r\n\r\nabc",
    ],
    ids=["too large", "no chunk", "a chunk's endless line", "two lengths", "a blank in a name"],
)
def test_what_is_handed_over_early_holds_no_thread_either(ours: int, sent: bytes) -> None:
    with many(ours, sent) as held:
        assert asked(ours).startswith(b"HTTP/1.1 200")
        for one in held:
            with contextlib.suppress(OSError):
                one.sendall(b"a")  # and so on, a byte now and then
        assert asked(ours).startswith(b"HTTP/1.1 200")


def test_whoever_was_answered_and_does_not_close_holds_nobody_up(ours: int) -> None:
    last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with many(ours, last) as held:
        for one in held:
            assert one.recv(100).startswith(b"HTTP/1.1 200")
        assert asked(ours).startswith(b"HTTP/1.1 200")
    with served("gthread") as port, many(port, last), pytest.raises(TimeoutError):
        asked(port)  # the control: there the loop itself waits for each of them


@contextlib.contextmanager
def deaf(port: int) -> Iterator[None]:
    """Hold clients that asked for a page and take nothing of it: they have room for little, and do not read."""
    page = HEAD + b"Content-Length: 150000\r\n\r\n" + b"a" * 150_000
    with contextlib.ExitStack() as stack:
        for _ in range(12 * THREADS):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            one.connect(("127.0.0.1", port))
            one.sendall(page)
        yield


def test_whoever_does_not_read_a_page_holds_no_thread(ours: int) -> None:
    with deaf(ours):
        assert asked(ours).startswith(b"HTTP/1.1 200")
    with served("gthread") as port, deaf(port), pytest.raises(TimeoutError):
        asked(port)  # the control


def test_a_head_without_end_is_refused(ours: int) -> None:
    with connect(ours) as one:
        one.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * MOST_HEAD_BYTES)
        assert one.recv(100).startswith(b"HTTP/1.1 431")


def test_a_client_that_leaves_takes_its_place_along(ours: int) -> None:
    for sent in SLOW.values():
        with many(ours, sent):
            pass
    assert asked(ours).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("data", [b"\r\n", b"x\r\n", b"-1\r\n", b"1" * 16 + b"\r\n", b"f" * 9_000])
def test_chunks_that_are_none_are_not_waited_for(data: bytes) -> None:
    assert Chunks().over(data)


def body_of(answers: BinaryIO) -> bytes:
    head = b"".join(iter(answers.readline, b"\r\n"))
    assert head.startswith(b"HTTP/1.1 200"), head
    return answers.read(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
