"""The transport below `kit/http.py`: connections to a checked address only, each of them cut off at its deadline."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from integrations.kit.addresses import forbidden

POOLED_HOSTS = 256
"""How many hosts keep a connection open: as many sites as one small installation has."""

POOLED_CONNECTIONS = 16
"""How many connections per host are kept; above the worker threads of one process."""

# It warns on stderr of what we say in our own words, as AddressForbidden.
logging.getLogger("requests_hardened").setLevel(logging.ERROR)


class Deadline:
    """The time limit of one exchange, at whose end its connection is shut down.

    A read timeout is per system call, so a server that drips one byte every few seconds never meets it, least of all in
    its headers, which http.client reads line by line. Only cutting the socket from outside ends that.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, connected: socket.socket) -> None:
        with self._lock:
            self._socket = connected
            passed = self.passed
        if passed:
            self._cut()

    def end(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def _cut(self) -> None:
        with self._lock:
            self.passed = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    # Not SSLSocket's own shutdown: that drops the TLS state under the thread that reads.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_current = threading.local()


@contextlib.contextmanager
def limited(deadline: Deadline) -> Iterator[None]:
    """Put the connection that this thread uses next under a deadline."""
    _current.deadline = deadline
    try:
        yield
    finally:
        _current.deadline = None


def _watch(connected: socket.socket | None) -> None:
    deadline: Deadline | None = getattr(_current, "deadline", None)
    if deadline is not None and connected is not None:
        deadline.watch(connected)


class _Connection(HTTPConnection):
    def getresponse(self) -> Any:
        _watch(self.sock)
        return super().getresponse()


class _TLSConnection(HTTPSConnection):
    def getresponse(self) -> Any:
        _watch(self.sock)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class PinnedAdapter(IPFilterAdapter):  # type: ignore[misc]  # requests_hardened has no types
    """An adapter that connects to the checked address and to no other; `private_network` allows the owner's own network."""

    def __init__(self, tls: bool, private_network: bool) -> None:
        super().__init__(is_https_proto=tls)
        self._tls = tls
        self._private = private_network
        # Again, with sizes: the parent takes none.
        self.init_poolmanager(POOLED_HOSTS, POOLED_CONNECTIONS)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: str | tuple[str, str] | None = None
    ) -> tuple[Any, Any]:
        host: Any
        pool: Any
        if not self._private:
            host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
            _permit(host["host"].strip("[]"), private_network=False)
            return host, pool
        # The parent refuses every private address, so its pinning is repeated here with the other rule.
        host, pool = HTTPAdapter.build_connection_pool_key_attributes(self, request, verify, cert)
        name, port = host["host"], host["port"]
        shown = f"[{name}]" if ":" in name else name
        request.headers["Host"] = shown if port is None else f"{shown}:{port}"
        if self._tls:
            pool["assert_hostname"] = pool["server_hostname"] = name
        host["host"] = _resolve_at_home(name, port)
        return host, pool


def _resolve_at_home(name: str, port: int | None) -> str:
    try:
        found = socket.getaddrinfo(name, port or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise requests.ConnectionError("the name cannot be resolved") from None
    # IPv4 first: “localhost” resolves to ::1 first, where most development servers do not listen.
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    address = str(found[0][4][0])
    _permit(address, private_network=True)
    return f"[{address}]" if ":" in address else address


def _permit(address: str, private_network: bool) -> None:
    why = forbidden(ipaddress.ip_address(address), private_network)
    if why:
        raise InvalidIPAddress(f"{address}: {why}")
