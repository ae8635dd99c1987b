"""Relay connections: a page of a list by keys, so that the next page begins after the last key and not at an offset."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

MAX_PAGE = 250
EVERYTHING = -1
"""Be `first` in a bulk operation, where pages do not exist."""


@dataclass
class Connection:
    items: list[Any]
    key: Callable[[Any], tuple[Any, ...]]
    has_next: bool
    has_previous: bool

    def cursor(self, item: Any) -> str:
        return base64.b64encode(json.dumps(self.key(item)).encode()).decode()

    @property
    def page_info(self) -> dict[str, Any]:
        ends = (self.cursor(self.items[0]), self.cursor(self.items[-1])) if self.items else (None, None)
        return {
            "hasNextPage": self.has_next,
            "hasPreviousPage": self.has_previous,
            "startCursor": ends[0],
            "endCursor": ends[1],
        }


def page(items: Iterable[Any], key: Callable[[Any], tuple[Any, ...]], arguments: Mapping[str, Any]) -> Connection:
    """Cut a page out of items by `first`, `after`, `last`, `before` and `reverse`. Raise `GraphQLError` as Shopify does."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    if max(first or 0, last or 0) > MAX_PAGE:
        raise GraphQLError(f"The page size must not exceed {MAX_PAGE}.", extensions={"code": "BAD_REQUEST"})
    reverse = bool(arguments.get("reverse"))
    ordered = sorted(items, key=key, reverse=reverse)
    if first == EVERYTHING:
        return Connection(ordered, key, False, False)
    kept = ordered
    if arguments.get("after"):
        after = _read(arguments["after"])
        kept = [one for one in kept if (key(one) < after if reverse else key(one) > after)]
    if arguments.get("before"):
        before = _read(arguments["before"])
        kept = [one for one in kept if (key(one) > before if reverse else key(one) < before)]
    shown = kept[:first] if first is not None else kept[-last:] if last else []
    if not shown:
        return Connection([], key, bool(kept), False)
    return Connection(shown, key, shown[-1] is not ordered[-1], shown[0] is not ordered[0])


def _read(cursor: str) -> tuple[Any, ...]:
    try:
        return tuple(json.loads(base64.b64decode(cursor, validate=True)))
    except (binascii.Error, ValueError, TypeError):
        raise GraphQLError("Invalid cursor for current pagination sort.", extensions={"code": "BAD_REQUEST"}) from None
