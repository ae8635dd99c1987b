"""Requests that arrive slowly: a thread gets one only once it has arrived whole.

gunicorn's gthread hands a connection to a thread at its first byte, and the thread then waits for the rest: as many slow clients
as there are threads stop every other request. Here the worker's own loop reads, so that a slow client costs memory and nobody's
thread. A proxy in front does the same; this is for those who have none (docs/decisions/0018).
"""

from __future__ import annotations

import re
import selectors
import time
from functools import partial
from socket import socket
from tempfile import SpooledTemporaryFile
from typing import Any

from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_SECONDS = 10.0
"""How long a request line and headers may take: they fit into a packet or two, and half a minute of patience helps nobody."""

BODY_SECONDS = 30.0
"""How long a body may take besides what its length needs at `SLOWEST_BYTES` a second."""

SLOWEST_BYTES = 16_384
"""Bytes a second at which a body must arrive at least: less than the slowest mobile network that still shows a web page."""

MOST_HEAD_BYTES = 65_536
"""Bytes of headers that are waited for: gunicorn itself refuses more than 100 fields of 8,190 bytes, and takes over from here."""

MOST_BODY_BYTES = 32 * 2**20
"""Bytes of a body that are waited for: over the largest upload that any page takes. More is refused by its length, unread."""

MEMORY_BYTES = 262_144
"""Bytes of one request that are kept in memory; what is longer, a picture that somebody tries, waits in a temporary file."""

UNFINISHED = 500
"""Requests that may be unfinished at a time in a process, half of gunicorn's connections: then the oldest gives way."""

UNFINISHED_OF_ADDRESS = 64
"""As many of one address: four times the connections that a site's outbox opens. Not where a proxy is declared, whose address
is everybody's; the proxy has limits of its own."""

STUCK_SECONDS = 20.0
"""How long a thread waits for a client that takes no more of its answer, or that announced less than it sends."""

STOP_SECONDS = 2.0
"""How long a request may still arrive once the worker is to stop: its sender comes again."""

_READ_BYTES = 65_536
_LINE_BYTES = 8_190
_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding[ \t]*:[^\r\n]*chunked", re.IGNORECASE)
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
    """Give the parser what has arrived, and only then what the socket still has."""

    kept: SpooledTemporaryFile[bytes] | None = None

    def chunk(self, size_hint: int | None = None) -> bytes:
        found = self.kept.read(max(size_hint or 0, self.mxchunk)) if self.kept is not None else b""
        return found or super().chunk(size_hint)

    def rest(self) -> bytes:
        """Take what was read beyond the end of a request: the next one has begun."""
        rest: bytes = self.take_buffered() + (self.kept.read() if self.kept is not None else b"")
        if self.kept is not None:
            self.kept.close()
            self.kept = None
        return rest


class Arriving(TConn):  # type: ignore[misc]
    """A connection and what of its next request has come."""

    def __init__(self, cfg: Any, sock: socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.data_ready = True  # or a thread would wait for the first byte
        self.begin(b"")

    def begin(self, rest: bytes) -> None:
        """Wait for a request, of which `rest` was read already."""
        self.whole = self.undrained = self._in_body = False
        self.until = time.monotonic() + HEAD_SECONDS
        self.kept: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115
        self._head, self._missing = bytearray(), 0
        self._chunks: Chunks | None = None
        if rest:
            self.take(rest)

    def take(self, data: bytes) -> None:
        """Take what came next, and note when the request is whole or need not be waited for."""
        self.kept.write(data)
        if self._in_body:
            self._take_body(data)
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            self.whole = len(self._head) > MOST_HEAD_BYTES
            return
        head, body = bytes(self._head[: end + 2]), bytes(self._head[end + 4 :])
        self._in_body = True
        length = _LENGTH.search(head)
        if _CHUNKED.search(head):
            self._chunks, self._missing = Chunks(), MOST_BODY_BYTES
        elif length is not None:
            self._missing = int(length[1])
        self.whole = self.undrained = self._missing > MOST_BODY_BYTES
        self.until = time.monotonic() + BODY_SECONDS + min(self._missing, MOST_BODY_BYTES) / SLOWEST_BYTES
        if not self.whole:
            self._take_body(body)
            if not self.whole and _CONTINUE.search(head):
                self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _take_body(self, data: bytes) -> None:
        self._missing -= len(data)
        over = self._chunks.over(data) if self._chunks is not None else False
        self.whole = over or self._missing <= 0
        # What is longer than it may be is refused by the application, which need not have all of it.
        self.undrained = self.whole and not over and self._chunks is not None

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

    def accept(self, listener: socket) -> None:
        try:
            sock, client = listener.accept()
        except OSError:  # another process was faster, or the client is gone
            return
        self.nr_conns += 1
        self._wait(Arriving(self.cfg, sock, client, listener.getsockname()))

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
        else:
            super().finish_request(conn, fs)

    def _keepalive_after(self, conn: Arriving, keepalive: bool) -> bool:
        return False if conn.undrained else bool(super()._keepalive_after(conn, keepalive))

    def murder_pending(self) -> None:
        super().murder_pending()
        now = time.monotonic()
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
        if conn in self.arriving and self._read(conn) and conn.whole:
            self._leave(conn)
            self.enqueue_req(conn)

    def _read(self, conn: Arriving) -> bool:
        """Take what the socket has now; False when the client has left, and the connection is closed."""
        while not conn.whole:
            try:
                data = conn.sock.recv(_READ_BYTES)
                if data:
                    conn.take(data)
                    continue
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

    def _leave(self, conn: Arriving) -> None:
        del self.arriving[conn]
        self.poller.unregister(conn.sock)

    def _drop(self, conn: Arriving) -> None:
        if conn in self.arriving:
            self._leave(conn)
        self.nr_conns -= 1
        conn.close()
