"""A small application behind one gunicorn process with few threads: `python -m tests.support.served PORT CLASS`."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

from gunicorn.app.base import BaseApplication

THREADS = 4
LARGEST = 1_000_000


def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
    """Give back what was sent, and refuse by its length what is too large, without reading it."""
    if int(environ.get("CONTENT_LENGTH") or 0) > LARGEST:
        start("413 Content Too Large", [("Content-Length", "0")])
        return iter(())
    body = environ["wsgi.input"].read()
    start("200 OK", [("Content-Length", str(len(body)))])
    return iter((body,))


def _as_on_a_network(server: Any, worker: Any) -> None:
    """Give connections the room for answers that they begin with there (tcp_wmem); to this machine itself it is far more."""
    for listener in worker.sockets:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)


class Served(BaseApplication):
    behind_proxies = False
    largest_body = 2 * LARGEST

    def __init__(self, port: int, worker: Any) -> None:
        self._port, self._worker = port, worker
        super().__init__()

    def load_config(self) -> None:
        told = {"bind": f"127.0.0.1:{self._port}", "worker_class": self._worker, "threads": THREADS, "loglevel": "critical"}
        for name, value in (told | {"control_socket_disable": True, "post_fork": _as_on_a_network}).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return answer


if __name__ == "__main__":
    from app.arrivals import Worker

    Served(int(sys.argv[1]), Worker if sys.argv[2] == "ours" else sys.argv[2]).run()
