"""Requests that arrive slowly: a thread gets one only once it has arrived whole.

gunicorn's gthread hands a connection to a thread at its first byte, and the thread then waits for the rest: as many slow clients
as there are threads stop every other request. And its loop itself waits 2 s for each client that was answered and does not close.
Here the loop reads, and waits for nobody: a slow client costs memory and no thread. A proxy in front does the same; this is for
those who have none (docs/decisions/0018).
"""

from __future__ import annotations

import contextlib
import errno
import re
import selectors
import time
from functools import partial
from socket import SHUT_WR, SO_SNDBUF, SOL_SOCKET, socket
from tempfile import SpooledTemporaryFile
from typing import Any

from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_SECONDS = 10.0
"""How long a request line and headers may take: they fit into a packet or two, and half a minute of patience helps nobody."""

BODY_SECONDS = 30.0
"""How long a body may take besides what its length needs at `SLOWEST_BYTES` a second."""

SLOWEST_BYTES = 16_384
"""Bytes a second at which a body must arrive at least: what a telephone with one bar sends, and 20 MB then take 20 minutes."""

MOST_HEAD_BYTES = 65_536
"""Bytes of a request line and headers: browsers send 1 to 4 kB, and eight times gunicorn's longest line is enough for cookies."""

HELD_BYTES = 256 * 2**20
"""Bytes of unfinished requests that a process keeps, in memory and on disk: then the one that keeps the most gives way."""

MEMORY_BYTES = 262_144
"""Bytes of one request that are kept in memory; what is longer, a picture that somebody tries, waits in a temporary file."""

UNFINISHED = 500
"""Requests that may be unfinished at a time in a process, half of gunicorn's connections: then the oldest gives way."""

UNFINISHED_OF_ADDRESS = 64
"""As many of one address: an office behind one address, while all its uploads are slow. Not where a proxy is declared, whose
address is everybody's; the proxy has limits of its own."""

ANSWER_BYTES = 262_144
"""Bytes of an answer that the system takes off a thread's hands: every page fits, so that a slow reader holds no thread."""

STUCK_SECONDS = 20.0
"""How long a thread waits for a client that takes no more of a longer answer, such as an export."""

LINGER_SECONDS = 2.0
"""How long a client has to close after its last answer; one that still sends would lose the answer by being closed at once
(RFC 9112, section 9.6)."""

STOP_SECONDS = 2.0
"""How long a request may still arrive once the worker is to stop: its sender comes again."""

_READ_BYTES = 65_536
_LINE_BYTES = 8_190
_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding[ \t]*:[^\r\n]*chunked", re.IGNORECASE)
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_CONTINUE = re.compile(rb"\r\nexpect[ \t]*:[ \t]*100-continue", re.IGNORECASE)


class Chunks:
    """Follow a chunked body (RFC 9112, section 7.1) to its end, without keeping it."""

    def __init__(self) -> None:
        self._line, self._left, self._trailer = bytearray(), 0, False

    def over(self, data: bytes) -> bool:
        """Take what came next; tell whether the body is over, or is none that can be followed."""
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left, at = self._left - step, at + step
                continue
            end = data.find(b"\n", at)
            self._line += data[at : end if end >= 0 else len(data)]
            if end < 0:
                return len(self._line) > _LINE_BYTES
            at, line = end + 1, bytes(self._line).strip()
            self._line.clear()
            if self._trailer:
                if not line:
                    return True
                continue
            size = line.partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
                return True
            self._left = int(size, 16)
            self._trailer = not self._left
            self._left += 2 if self._left else 0  # the line break after the chunk
        return False


class Arrived(SocketUnreader):  # type: ignore[misc]
    """Give the parser what has arrived and no more: a thread never waits for what a client has yet to send."""

    kept: SpooledTemporaryFile[bytes] | None = None

    def chunk(self, size_hint: int | None = None) -> bytes:
        return self.kept.read(max(size_hint or 0, self.mxchunk)) if self.kept is not None else b""

    def rest(self) -> bytes:
        """Take what was read beyond the end of a request: the next one has begun."""
        rest: bytes = self.take_buffered() + (self.kept.read() if self.kept is not None else b"")
        if self.kept is not None:
            self.kept.close()
            self.kept = None
        return rest


class Arriving(TConn):  # type: ignore[misc]
    """A connection and what of its next request has come."""

    def __init__(self, cfg: Any, sock: socket, client: Any, server: Any, largest_body: int) -> None:
        super().__init__(cfg, sock, client, server)
        sock.setsockopt(SOL_SOCKET, SO_SNDBUF, ANSWER_BYTES)
        self._largest_body = largest_body
        self.data_ready = True  # or a thread would wait for the first byte
        self.begin(b"")

    def begin(self, rest: bytes) -> None:
        """Wait for a request, of which `rest` was read already."""
        self.whole = self.undrained = self.too_long = self._in_body = False
        self.size = 0
        self.until = time.monotonic() + HEAD_SECONDS
        self.kept: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115
        self._head, self._missing = bytearray(), 0
        self._chunks: Chunks | None = None
        if rest:
            self.take(rest)

    def take(self, data: bytes) -> None:
        """Take what came next, and note when the request is whole or need not be waited for."""
        self.kept.write(data)
        self.size += len(data)
        if self._in_body:
            self._take_body(data)
            return
        known = max(len(self._head) - 3, 0)
        self._head += data
        end = self._head.find(b"\r\n\r\n", known)
        if end < 0:
            self.too_long = len(self._head) > MOST_HEAD_BYTES
            return
        head, body = bytes(self._head[: end + 2]), bytes(self._head[end + 4 :])
        self._in_body = True
        length = _LENGTH.search(head)
        if _CHUNKED.search(head):
            self._chunks, self._missing = Chunks(), self._largest_body
        elif length is not None:
            self._missing = int(length[1])
        # What is announced as too large is refused by its length, unread.
        self.whole = self.undrained = self._missing > self._largest_body
        self.until = time.monotonic() + BODY_SECONDS + min(self._missing, self._largest_body) / SLOWEST_BYTES
        if not self.whole:
            self._take_body(body)
            if not self.whole and _CONTINUE.search(head):
                self.say(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _take_body(self, data: bytes) -> None:
        self._missing -= len(data)
        over = self._chunks.over(data) if self._chunks is not None else False
        self.whole = over or self._missing <= 0
        # What is longer than it may be is refused by the application, which need not have all of it.
        self.undrained = self.whole and not over and self._chunks is not None

    def say(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # who does not listen is read or dropped all the same
            self.sock.send(line)

    def init(self) -> None:
        """Prepare for the thread that answers."""
        if not self.initialized:
            super().init()
            self.incoming = self.parser.unreader = Arrived(self.sock)
        if self.incoming.kept is None:
            self.kept.seek(0)
            self.incoming.kept = self.kept
        self.sock.settimeout(STUCK_SECONDS)

    def close(self, graceful: bool = False) -> None:
        self.kept.close()
        super().close(graceful)


class Worker(ThreadWorker):  # type: ignore[misc]
    """Be a gthread worker whose threads meet whole requests only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arriving: dict[Arriving, None] = {}
        self.leaving: dict[Arriving, None] = {}

    def accept(self, listener: socket) -> None:
        try:
            sock, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another process was faster, or the client is gone
            return
        self.nr_conns += 1
        self._wait(Arriving(self.cfg, sock, client, listener.getsockname(), self.app.largest_body))

    def on_client_socket_readable(self, conn: Arriving, client: socket) -> None:
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        conn.begin(b"")
        self._wait(conn)

    def finish_request(self, conn: Arriving, fs: Any) -> None:
        goes_on = not fs.cancelled() and fs.exception() is None and fs.result()
        rest = conn.incoming.rest() if goes_on else b""
        if rest:
            conn.sock.setblocking(False)
            conn.begin(rest)
            self._wait(conn)
        elif goes_on:
            super().finish_request(conn, fs)
        else:
            self._part(conn)

    def handle_request(self, req: Any, conn: Arriving) -> bool:
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:  # as a client that left: it is no error of ours
            raise BrokenPipeError(errno.EPIPE, "the client takes no more of the answer") from None

    def _keepalive_after(self, conn: Arriving, keepalive: bool) -> bool:
        return False if conn.undrained else bool(super()._keepalive_after(conn, keepalive))

    def murder_pending(self) -> None:
        super().murder_pending()
        now = time.monotonic()
        for conn in [conn for conn in self.leaving if conn.until < now]:
            self._drop(conn)
        for conn in list(self.arriving):
            if not self.alive:
                conn.until = min(conn.until, now + STOP_SECONDS)
            if conn.until < now:
                self._drop(conn)

    def _wait(self, conn: Arriving) -> None:
        """Read what is there; wait for the rest, at the cost of who waits longest."""
        if not self._read(conn):
            return
        if conn.whole:
            self.enqueue_req(conn)
            return
        self._make_room(conn)
        self.arriving[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._go_on, conn))

    def _go_on(self, conn: Arriving, client: socket) -> None:
        if conn not in self.arriving or not self._read(conn):
            return
        if conn.whole:
            self._forget(conn)
            self.enqueue_req(conn)
        elif conn.size > MEMORY_BYTES and sum(one.size for one in self.arriving) > HELD_BYTES:
            self._drop(max(self.arriving, key=lambda one: one.size))

    def _read(self, conn: Arriving) -> bool:
        """Take what the socket has now; False when the client has left, and the connection is closed."""
        while not conn.whole:
            try:
                data = conn.sock.recv(_READ_BYTES)
                if data:
                    conn.take(data)
                    if not conn.too_long:
                        continue
                    conn.say(_TOO_LONG)
                    self._part(conn)
                    return False
            except BlockingIOError:
                return True
            except OSError:
                pass
            self._drop(conn)
            return False
        return True

    def _make_room(self, conn: Arriving) -> None:
        # In the order in which they came, so that the first is the oldest.
        if len(self.arriving) >= UNFINISHED:
            self._drop(next(iter(self.arriving)))
        if self.app.behind_proxies or not isinstance(conn.client, tuple):
            return
        neighbours = [one for one in self.arriving if one.client[0] == conn.client[0]]
        if len(neighbours) >= UNFINISHED_OF_ADDRESS:
            self._drop(neighbours[0])

    def _part(self, conn: Arriving) -> None:
        """Say that there is no more to come, and give the client a while to close."""
        self._forget(conn)
        try:
            conn.sock.shutdown(SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            self._drop(conn)
            return
        if len(self.leaving) >= UNFINISHED:
            self._drop(next(iter(self.leaving)))
        conn.until = time.monotonic() + LINGER_SECONDS
        self.leaving[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._hear_out, conn))

    def _hear_out(self, conn: Arriving, client: socket) -> None:
        """Leave unread what a client sends after its last answer."""
        with contextlib.suppress(BlockingIOError):
            try:
                if conn not in self.leaving or client.recv(_READ_BYTES):
                    return
            except ConnectionError:
                pass
            self._drop(conn)

    def _forget(self, conn: Arriving) -> None:
        """Watch a connection no more, wherever it stands."""
        for where in (self.arriving, self.leaving):
            if conn in where:
                del where[conn]
                self.poller.unregister(conn.sock)

    def _drop(self, conn: Arriving) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()
