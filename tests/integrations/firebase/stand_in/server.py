"""What the HTTP stand-ins share: a keep-alive server on the loopback address, a table of routes, scripted failures and a log."""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.contract.sample import Scripted
from tests.support.serving import StandInServer

KEPT_REQUESTS = 10_000
"""How many requests the log keeps; the counts go on for ever."""

# google.rpc.Code by HTTP status, as Google's JSON errors name it.
_RPC = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip


@dataclass(slots=True)
class Request:
    method: str
    path: str
    """The path as it was sent, still percent-encoded: object names have slashes."""
    queries: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = field(repr=False, default=b"")
    operation: str = "unknown"
    status: int = 0

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in self.queries.items()}

    @property
    def anonymous(self) -> bool:
        """Tell whether nobody's credentials came along; the SDK, which has none for an emulator, is known by its header."""
        return "authorization" not in self.headers and "x-goog-api-client" not in self.headers

    def json(self) -> dict[str, Any]:
        if not self.body:
            return {}
        try:
            found = json.loads(self.body)
        except ValueError:
            raise Refusal(400, "parseError", "Parse Error") from None
        if not isinstance(found, dict):
            raise Refusal(400, "parseError", "Parse Error")
        return found


@dataclass(slots=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> Answer:
        body = json.dumps(value).encode()
        return cls(status, {"Content-Type": "application/json; charset=UTF-8"} | headers, body)


class Refusal(Exception):
    """Make the stand-in answer with an error as Google's JSON APIs give it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(status, reason, message)
        self.status, self.reason, self.message = status, reason, message

    def answer(self) -> Answer:
        if self.status == 304:
            return Answer(304)
        return Answer.of(
            {
                "error": {
                    "code": self.status,
                    "message": self.message,
                    "status": _RPC.get(self.status, "UNKNOWN"),
                    "errors": [{"domain": "global", "reason": self.reason, "message": self.message}],
                }
            },
            self.status,
        )


@dataclass(slots=True)
class Route:
    """Name an operation; the groups of the pattern, decoded, become the handler's arguments."""

    method: str
    pattern: re.Pattern[str]
    operation: str
    handle: Callable[..., Answer]


def route(method: str, path: str, operation: str, handle: Callable[..., Answer]) -> Route:
    """Make a route; `{}` in the path stands for one encoded segment, `{*}` for the rest."""
    pattern = re.escape(path).replace(r"\{\*\}", "(.+)").replace(r"\{\}", "([^/]+)")
    return Route(method, re.compile(pattern), operation, handle)


@dataclass(slots=True)
class _Failure:
    what: int | str | Scripted
    times: int
    operation: str | None
    headers: Mapping[str, str]


class _Dropped(Exception):
    """End the connection; after half of an answer, where there is one."""

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__()
        self.answer = answer


class StandIn:
    """Answer requests by `routes`; a test scripts failures, races and delays, and reads what was asked."""

    routes: ClassVar[Iterable[Route]] = ()
    changing: ClassVar[frozenset[str]] = frozenset()
    """The operations that change something at the real service."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.scripted: Scripted | None = None
        self.latency = 0.0
        self.before: Callable[[Request], None] | None = None
        self.requests: deque[Request] = deque(maxlen=KEPT_REQUESTS)
        self._counts: Counter[str] = Counter()
        self._changes = 0
        self._failures: list[_Failure] = []
        self.port = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self, port: int = 0) -> Self:
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}"

    def fail(
        self,
        what: int | str | Scripted,
        times: int = 1,
        *,
        operation: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer the next requests (of one operation) with a failure.

        `what` is a status, `html` (200), `html-502`, `garbage` (200 and no JSON), `drop` (nothing is done, the connection
        closes), `lost` (it is done, and the connection closes without an answer), `cut` (it is done, and the answer breaks off
        half way, as storage-testbench's return-broken-stream does), or a scripted answer.
        """
        with self.lock:
            self._failures.append(_Failure(what, times, operation, headers or {}))

    def counts(self) -> Counter[str]:
        with self.lock:
            return Counter(self._counts)

    def changes(self) -> int:
        """Count the requests that changed something."""
        with self.lock:
            return self._changes

    def forget(self) -> None:
        with self.lock:
            self.requests.clear()
            self._counts.clear()
            self._changes = 0

    def allowed(self, request: Request) -> None:
        """Raise `Refusal` for a request that proves no right to what it asks."""

    def answer(self, request: Request) -> Answer:
        found = self._find(request)
        if self.before is not None:
            self.before(request)
        if self.latency:
            time.sleep(self.latency)
        failure = self._next_failure(request.operation)
        if failure is not None and failure.what not in ("lost", "cut"):
            return self._noted(request, _failed(failure))
        try:
            self.allowed(request)
            if found is None:
                raise Refusal(404, "notFound", "Not Found")
            route, arguments = found
            with self.lock:
                answer = route.handle(self, request, *arguments)
                self._changes += route.operation in self.changing
        except Refusal as refusal:
            answer = refusal.answer()
        self._noted(request, answer)
        if failure is not None:
            raise _Dropped(answer if failure.what == "cut" else None)
        return answer

    def _find(self, request: Request) -> tuple[Route, list[str]] | None:
        for one in self.routes:
            if one.method == request.method and (match := one.pattern.fullmatch(request.path)):
                request.operation = one.operation
                return one, [unquote(group) for group in match.groups()]
        return None

    def _noted(self, request: Request, answer: Answer) -> Answer:
        request.status = answer.status
        with self.lock:
            self.requests.append(request)
            self._counts[request.operation] += 1
        return answer

    def _next_failure(self, operation: str) -> _Failure | None:
        with self.lock:
            if self.scripted is not None:
                return _Failure(self.scripted, 1, None, {})
            for one in self._failures:
                if one.operation in (None, operation):
                    one.times -= 1
                    if not one.times:
                        self._failures.remove(one)
                    return one
        return None


def _failed(failure: _Failure) -> Answer:
    match failure.what:
        case Scripted(status, headers, body):
            return Answer(status, headers, body)
        case int(status):
            answer = Refusal(status, "backendError", f"scripted {status}").answer()
            return Answer(status, dict(answer.headers) | dict(failure.headers), answer.body)
        case "html" | "html-502":
            page = b"<!doctype html><title>Sign in</title><p>This network asks you to sign in."
            return Answer(502 if failure.what == "html-502" else 200, {"Content-Type": "text/html"}, page)
        case "garbage":
            return Answer(200, {"Content-Type": "application/json"}, b'{"kind": "storage#obj\xff')
        case "drop":
            raise _Dropped
    raise ValueError(f"no such failure: {failure.what}")


class _Server(StandInServer):
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        # A kept-alive connection would be served for as long as its client likes.
        for one in list(self._open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients hang up, above all those that a test cuts off; a fault of the stand-in's own shows as a lost answer.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet per answer: unbuffered headers and body wait for each other's acknowledgement (Nagle), 40 ms each.
        wbufsize = -1
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            request = Request(self.command, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body)
            try:
                answer = stand_in.answer(request)
            except _Dropped as dropped:
                self.close_connection = True
                if dropped.answer is not None:
                    self.send_response(dropped.answer.status)
                    for name, value in dropped.answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(dropped.answer.body) or 1))
                    self.end_headers()
                    self.wfile.write(dropped.answer.body[: len(dropped.answer.body) // 2])
                    self.wfile.flush()
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status not in (204, 304):
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if answer.status not in (204, 304):
                self.wfile.write(answer.body)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
