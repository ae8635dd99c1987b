"""Answers that a test puts in the place of the server's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """Be what the next request gets. Status 0 cuts the connection.

    `done` says that the request is carried out first and only its answer is lost. `failing` names fields ("Product.metafield")
    that fail while everything else is executed.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    done: bool = False
    failing: tuple[str, ...] = ()


JSON = {"Content-Type": "application/json; charset=utf-8"}


def as_json(status: int, body: Any, **headers: str) -> Answer:
    return Answer(
        status, {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}, json.dumps(body).encode()
    )


def _error(message: str, code: str, **extensions: Any) -> Answer:
    return as_json(200, {"errors": [{"message": message, "extensions": {"code": code, **extensions}}]})


def partial(*fields: str) -> Answer:
    """Execute the request with these fields failing: data and errors in one answer."""
    return Answer(200, failing=fields)


UNAUTHORIZED_BODY = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}

THROTTLED = as_json(
    200,
    {
        "errors": [
            {
                "message": "Throttled",
                "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
            }
        ],
        "extensions": {
            "cost": {
                "requestedQueryCost": 752,
                "actualQueryCost": None,
                "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 2, "restoreRate": 100.0},
            }
        },
    },
)
TOO_MANY = as_json(429, {"errors": "Exceeded 2 calls per second for api client."}, Retry_After="2.0")
"""Shopify writes fractions of a second into Retry-After, which RFC 9110 does not allow."""

UNAVAILABLE = Answer(503, {"Content-Type": "text/html"}, b"<html><body>503 Service Unavailable</body></html>")
BROKEN = as_json(500, {"errors": "Internal Server Error"})
FROZEN = as_json(402, {"errors": "Unavailable Shop"})
LOCKED = as_json(423, {"errors": "Locked"})
UNAUTHORIZED = as_json(401, UNAUTHORIZED_BODY)
FORBIDDEN = as_json(403, {"errors": "Forbidden"})
HTML = Answer(200, {"Content-Type": "text/html; charset=utf-8"}, b"<!DOCTYPE html><html><body>Sign in</body></html>")
GARBAGE = Answer(200, JSON, b"\x00\xff{not json")
TRUNCATED = Answer(200, {**JSON, "Content-Length": "4096"}, b'{"data": {"product": {"id": "gid://shop')
DROPPED = Answer(0)
LOST = Answer(0, done=True)
INTERNAL_ERROR = _error(
    "Internal error. Looks like something went wrong on our end.\nRequest ID: 2f6f8a2e-5a0b-4f7c-9b0e-0c1d2e3f4a5b",
    "INTERNAL_SERVER_ERROR",
    requestId="2f6f8a2e-5a0b-4f7c-9b0e-0c1d2e3f4a5b",
)
MAX_COST = _error(
    "Query cost is 2413, which exceeds the single query max cost limit (1000).", "MAX_COST_EXCEEDED", cost=2413, maxCost=1000
)
ACCESS_DENIED = _error("Access denied for product field. Required access: `read_products` access scope.", "ACCESS_DENIED")
SHOP_INACTIVE = _error("The shop is inactive.", "SHOP_INACTIVE")


class Script:
    """Hold the answers that wait for requests, in order, apart for "graphql", "token", "cdn" and "storage"."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[Answer, int | None]]] = {}

    def put(self, answer: Any | None, times: int | None, to: str) -> None:
        if answer is None:
            self._waiting.pop(to, None)
            return
        made = answer if isinstance(answer, Answer) else Answer(answer.status, answer.headers, answer.body)
        self._waiting.setdefault(to, []).append((made, times))

    def next(self, to: str) -> Answer | None:
        waiting = self._waiting.get(to)
        if not waiting:
            return None
        answer, times = waiting[0]
        if times is not None:
            if times <= 1:
                waiting.pop(0)
            else:
                waiting[0] = (answer, times - 1)
        return answer
