"""The part of Shopify's search syntax that is about products. https://shopify.dev/docs/api/usage/search-syntax"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.integrations.shopify.stand_in.model import Product

Test = Callable[[Product], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<word>AND|OR|NOT)\b|(?P<paren>[()])|(?P<minus>-)"
    r"|(?P<field>\w+):(?P<op>>=|<=|>|<)?(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>[^\s()'\"]+)))"
)


class NotBuilt(NotImplementedError):
    """Say that the stand-in lacks something that the real API has: never answered with a guess."""


def matcher(query: str | None) -> Test:
    """Compile a query to a test of products. Raise `NotBuilt` for what is not supported here."""
    if not query or not query.strip():
        return lambda product: True
    tokens, at = [], 0
    while query[at:].strip():
        found = _TOKEN.match(query, at)
        if not found:
            raise NotBuilt(f"the stand-in cannot search for {query[at:]!r}")
        tokens.append(found.groupdict())
        at = found.end()
    test, rest = _either(tokens)
    if rest:
        raise NotBuilt(f"the stand-in cannot search for {query!r}")
    return test


def _either(tokens: list[dict[str, Any]]) -> tuple[Test, list[dict[str, Any]]]:
    tests = []
    test, tokens = _all(tokens)
    tests.append(test)
    while tokens and tokens[0]["word"] == "OR":
        test, tokens = _all(tokens[1:])
        tests.append(test)
    return (lambda product: any(one(product) for one in tests)), tokens


def _all(tokens: list[dict[str, Any]]) -> tuple[Test, list[dict[str, Any]]]:
    tests = []
    while tokens and tokens[0]["word"] != "OR" and tokens[0]["paren"] != ")":
        if tokens[0]["word"] == "AND":
            tokens = tokens[1:]
            continue
        test, tokens = _one(tokens)
        tests.append(test)
    return (lambda product: all(one(product) for one in tests)), tokens


def _one(tokens: list[dict[str, Any]]) -> tuple[Test, list[dict[str, Any]]]:
    token, rest = tokens[0], tokens[1:]
    if token["word"] == "NOT" or token["minus"]:
        test, rest = _one(rest)
        return (lambda product: not test(product)), rest
    if token["paren"] == "(":
        test, rest = _either(rest)
        if not rest or rest[0]["paren"] != ")":
            raise NotBuilt("the stand-in cannot search with open brackets")
        return test, rest[1:]
    value = next(token[name] for name in ("single", "double", "bare") if token[name] is not None)
    return _compare(token["field"], token["op"] or "", value), rest


_ORDERS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "": lambda a, b: a == b,
}
_WORDS: dict[str, Callable[[Product], list[str]]] = {
    "status": lambda product: [product.status.lower()],
    "tag": lambda product: [tag.lower() for tag in product.tags],
    "vendor": lambda product: [product.vendor.lower()],
    "product_type": lambda product: [product.product_type.lower()],
    "title": lambda product: [product.title.lower()],
    "handle": lambda product: [product.handle.lower()],
}


def _compare(name: str, op: str, value: str) -> Test:
    order = _ORDERS[op]
    if name in ("updated_at", "created_at"):
        moment = datetime.fromisoformat(value)
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        return lambda product: order(product.updated if name == "updated_at" else product.created, at)
    if name == "id":
        number = int(value.rsplit("/", 1)[-1])
        return lambda product: order(product.number, number)
    if name in _WORDS and not op:
        wanted = {one.strip().lower() for one in value.split(",")}
        return lambda product: bool(wanted & set(_WORDS[name](product)))
    raise NotBuilt(f"the stand-in cannot search by {name}{op}")
