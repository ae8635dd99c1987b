"""Read and apply the part of Firebase's security rules that ours use: https://firebase.google.com/docs/rules/rules-language.

The real evaluators (a Java program and a service) cannot run here. What this one does not know it refuses, so that a rule which
it misreads fails a test instead of passing it. An error while a condition is evaluated is a no, as in the real one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

GROUPS = {"read": {"get", "list"}, "write": {"create", "update", "delete"}}
_TOKEN = re.compile(r"\s+|//[^\n]*|('(?:[^'\\]|\\.)*'|\d+|&&|\|\||[=!<>]=|\{\w+(?:=\*\*)?\}|\w+|[^\s\w])")


@dataclass
class Match:
    """Be a match block: a path of segments, conditions by method, and blocks within."""

    segments: list[str]
    allows: list[tuple[set[str], Any]] = field(default_factory=list)
    inner: list[Match] = field(default_factory=list)


class Denied(Exception):
    """Be an error in a condition."""


class Rules:
    def __init__(self, text: str) -> None:
        read = list(_TOKEN.finditer(text))
        assert "".join(match[0] for match in read) == text, "a character is not known here"
        self._tokens = [match[1] for match in read if match[1]]
        self._at = 0
        for token in ("rules_version", "=", "'2'", ";", "service"):
            self._take(token)
        self.service = self._take() + self._take(".") + self._take()
        self._take("{")
        self.matches = self._blocks()
        assert self._at == len(self._tokens), "something follows the rules"

    def allows(self, method: str, path: str, **known: Any) -> bool:
        """Say whether any rule that fits the path allows the method; `known` has request and resource."""
        found: list[tuple[Any, dict[str, str]]] = []
        for block in self.matches:
            _collect(block, path.strip("/").split("/"), {}, method, found)
        return any(_true(condition, known | bound) for condition, bound in found)

    # -- reading -----------------------------------------------------------------------------------------------------------

    def _take(self, wanted: str | None = None) -> str:
        token = self._tokens[self._at]
        assert wanted in (None, token), f"{wanted} is expected, and there is {self._tokens[self._at : self._at + 8]}"
        self._at += 1
        return token

    def _next(self, *tokens: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at] in tokens

    def _blocks(self) -> list[Match]:
        made = []
        while not self._next("}"):
            self._take("match")
            made.append(self._match())
        self._take("}")
        return made

    def _match(self) -> Match:
        block = Match([])
        while self._next("/"):
            self._take()
            block.segments.append(self._take())
        self._take("{")
        while not self._next("}"):
            if self._take() == "match":
                block.inner.append(self._match())
                continue
            assert self._tokens[self._at - 1] == "allow"
            methods: set[str] = set()
            while not methods or self._next(","):
                if methods:
                    self._take(",")
                word = self._take()
                methods |= GROUPS.get(word, {word})
            assert methods <= GROUPS["read"] | GROUPS["write"], methods
            self._take(":")
            self._take("if")
            block.allows.append((methods, self._binary(0)))
            self._take(";")
        self._take("}")
        return block

    _LEVELS = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">=", "in"), ("+",), ("*",))

    def _binary(self, level: int) -> Any:
        if level == len(self._LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._next(*self._LEVELS[level]):
            left = (self._take(), left, self._binary(level + 1))
        return left

    def _unary(self) -> Any:
        if self._next("!"):
            self._take()
            return ("!", self._unary())
        value = self._value()
        while self._next(".", "[", "("):
            sign = self._take()
            if sign == ".":
                value = (".", value, self._take())
            elif sign == "[":
                value = ("[", value, self._binary(0))
                self._take("]")
            else:
                arguments = []
                while not self._next(")"):
                    arguments.append(self._binary(0))
                    if not self._next(")"):
                        self._take(",")
                self._take(")")
                value = ("call", value, arguments)
        return value

    def _value(self) -> Any:
        token = self._take()
        if token == "(":
            inner = self._binary(0)
            self._take(")")
            return inner
        if token.startswith("'"):
            return ("literal", token[1:-1])
        if token.isdigit():
            return ("literal", int(token))
        if token in ("true", "false", "null"):
            return ("literal", {"true": True, "false": False, "null": None}[token])
        assert token.isidentifier(), f"no value: {token}"
        return ("name", token)


def _collect(block: Match, path: list[str], bound: dict[str, str], method: str, found: list[Any]) -> None:
    bound = dict(bound)
    rest = list(path)
    for segment in block.segments:
        if not rest:
            return
        if segment.endswith("=**}"):
            bound[segment[1:-4]], rest = "/".join(rest), []
        elif segment.startswith("{"):
            bound[segment[1:-1]] = rest.pop(0)
        elif rest.pop(0) != segment:
            return
    if not rest:
        found += [(condition, bound) for methods, condition in block.allows if method in methods]
    for inner in block.inner:
        _collect(inner, rest, bound, method, found)


def _true(condition: Any, known: Mapping[str, Any]) -> bool:
    try:
        return evaluate(condition, known) is True
    except Denied:
        return False


def evaluate(node: Any, known: Mapping[str, Any]) -> Any:
    match node:
        case ("literal", value):
            return value
        case ("name", name):
            assert name in known, f"unknown name: {name}"
            return known[name]
        case ("&&" | "||" as sign, left, right):
            return _logic(sign, left, right, known)
        case ("!", inner):
            return not evaluate(inner, known)
        case (".", inner, name):
            return _member(evaluate(inner, known), name)
        case ("[", inner, index):
            return _item(evaluate(inner, known), evaluate(index, known))
        case ("call", (".", inner, name), arguments):
            return _call(evaluate(inner, known), name, [evaluate(one, known) for one in arguments])
        case (sign, left, right):
            return _compare(sign, evaluate(left, known), evaluate(right, known))
    raise AssertionError(f"this part of the language is not known here: {node}")


def _logic(sign: str, left: Any, right: Any, known: Mapping[str, Any]) -> bool:
    # One side decides even when the other is an error, whichever comes first.
    decisive = sign == "||"
    failed = None
    for side in (left, right):
        try:
            if evaluate(side, known) is decisive:
                return decisive
        except Denied as error:
            failed = error
    if failed:
        raise failed
    return not decisive


def _compare(sign: str, left: Any, right: Any) -> Any:
    if sign == "==":
        return left == right
    if sign == "!=":
        return left != right
    try:
        if sign == "in":
            return left in right
        if sign == "<":
            return left < right
        if sign == "*":
            return left * right
    except TypeError:
        raise Denied from None
    raise AssertionError(f"this part of the language is not known here: {sign}")


def _member(value: Any, name: str) -> Any:
    if isinstance(value, SimpleNamespace) and hasattr(value, name):
        return getattr(value, name)
    if isinstance(value, Mapping) and name in value:
        return value[name]
    raise Denied(name)


def _item(value: Any, index: Any) -> Any:
    try:
        return value[index]
    except (TypeError, LookupError):
        raise Denied from None


def _call(value: Any, name: str, arguments: list[Any]) -> Any:
    match name, value:
        case "matches", str():
            return re.fullmatch(arguments[0], value) is not None
        case "split", str():
            return re.split(arguments[0], value)
        case "get", Mapping():
            return value.get(*arguments)
        case "matches" | "split" | "get", _:
            raise Denied(name)
    raise AssertionError(f"this part of the language is not known here: {name}()")
