"""A server on a real socket that writes whatever a script wants."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

import pytest

from app.domain.errors import PicwardError

Script = Callable[[socket.socket], None]


class Server:
    """Read one request at a time from each connection and let a script write what it likes."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.script: Script = lambda connection: connection.sendall(ok(b"hello"))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/s3cret?token=s3cret"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while request := self._read(connection):
                self.requests.append(request)
                self.script(connection)

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65_536)
            if not more:
                return b""
            data += more
        return data

    def close(self) -> None:
        self._listening.close()


def ok(body: bytes, *headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def raised(call: Callable[[], object]) -> PicwardError:
    """Give the error of ours that a call ends in; it must not hold what is secret in an address."""
    with pytest.raises(PicwardError) as error:
        call()
    assert "s3cret" not in str(error.value)
    return error.value
