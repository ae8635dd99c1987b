"""A stand-in of the Realtime Database's REST interface: https://firebase.google.com/docs/reference/rest/database.

Values are kept as they come; queries, streaming, rules and priorities are not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import unquote

from tests.integrations.firebase.stand_in.server import Answer, Refusal, Request, Route, StandIn, route


class RealtimeDatabase(StandIn):
    """Be every database there is, each a tree under its namespace."""

    changing: ClassVar[frozenset[str]] = frozenset({"put", "patch", "delete"})

    def __init__(self) -> None:
        super().__init__()
        self._roots: dict[str, Any] = {}

    def environment(self) -> dict[str, str]:
        return {"FIREBASE_DATABASE_EMULATOR_HOST": self.host}

    def value(self, path: str, ns: str = "demo-test") -> Any:
        """Give what is at a path, None when nothing."""
        with self.lock:
            node = self._roots.get(ns)
            for step in _steps(path):
                node = node.get(step) if isinstance(node, dict) else None
            return node

    def put(self, path: str, value: Any, ns: str = "demo-test") -> None:
        """Put a value in a path's place; null, and an object with nothing in it, remove it."""
        with self.lock:
            self._roots[ns] = _with(self._roots.get(ns), _steps(path), value)


def _steps(path: str) -> list[str]:
    return [step for step in path.split("/") if step]


def _with(node: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return _pruned(value)
    children = dict(node) if isinstance(node, dict) else {}
    child = _with(children.pop(steps[0], None), steps[1:], value)
    return children | ({} if child is None else {steps[0]: child}) or None


def _pruned(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    kept = {key: pruned for key, child in value.items() if (pruned := _pruned(child)) is not None}
    return kept or None


def _etag(value: Any) -> str:
    return "null_etag" if value is None else hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:28]


def _answer(stand_in: RealtimeDatabase, request: Request, path: str, handle: str) -> Answer:
    ns = request.query.get("ns", "demo-test")
    path = unquote(path)
    now = stand_in.value(path, ns)
    expected = request.headers.get("if-match")
    if handle != "get" and expected not in (None, "*", _etag(now)):
        return Answer.of(now, 412, ETag=_etag(now))
    said: Any = None
    if handle in ("put", "patch"):
        try:
            said = json.loads(request.body)
        except ValueError:
            raise Refusal(400, "invalid", "Invalid data; couldn't parse JSON object, array, or value.") from None
    if handle == "patch":
        if not isinstance(said, dict):
            raise Refusal(400, "invalid", "Invalid data; couldn't parse JSON object.")
        for key, value in said.items():
            stand_in.put(f"{path}/{key}", value, ns)
    elif handle != "get":
        stand_in.put(path, said, ns)
    if request.query.get("print") == "silent":
        return Answer(204)
    now = stand_in.value(path, ns)
    if request.query.get("shallow") == "true" and isinstance(now, dict):
        now = dict.fromkeys(now, True)
    # An ETag comes only for the asking: the header X-Firebase-ETag, or a conditional write.
    wanted = "x-firebase-etag" in request.headers or expected is not None
    return Answer.of(said if handle == "patch" else now, **({"ETag": _etag(now)} if wanted else {}))


def _route(method: str, operation: str) -> Route:
    return route(method, "/{*}.json", operation, lambda stand_in, request, path: _answer(stand_in, request, path, operation))


def _root(method: str, operation: str) -> Route:
    return route(method, "/.json", operation, lambda stand_in, request: _answer(stand_in, request, "", operation))


_METHODS = (("GET", "get"), ("PUT", "put"), ("PATCH", "patch"), ("DELETE", "delete"))
RealtimeDatabase.routes = tuple(make(*one) for one in _METHODS for make in (_root, _route))
