"""Patterns of names mean what the regular expressions meant that they replaced, and never take longer for being hostile."""

from __future__ import annotations

import re
import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.kit.paths import PathPattern, pattern

HOSTILE = [
    ("users/*/photos/*", "users/" + "/photos/" * 127),
    ("*/*/*.jpg", "/" * 1024),
    ("*/*/*/*.jpg", "/" * 1024),
    ("apps/*/users/*/albums/*/*.jpg", "apps/" + "/users/" * 40 + "/albums/" * 40 + "/" * 300),
    ("users/{uid}/*/*/*.jpg", "users/u/" + "/" * 1000),
    ("*-*-*-*.png", "-" * 1024),
    ("*a" * 100, "a" * 1023 + "b"),
    ("*{uid}*{uid}*{uid}*x", "y" * 1024),
    ("{uid}" * 40 + "/", "u" * 1024),
    ("*" * 200 + "x", "y" * 1024),
]


def expression(path: str) -> re.Pattern[str]:
    """Write a pattern as a regular expression, as it is defined: correct, and slow at its worst."""
    path = path.lstrip("/")
    parts = re.split(r"(\*|\{uid\})", path + "*" if path.endswith("/") else path)
    seen, written = 0, ""
    for part in parts:
        if part == "{uid}":
            seen += 1
            written += "(?P<uid>[^/]+)" if seen == 1 else "[^/]+"
        else:
            written += ".*" if part == "*" else re.escape(part)
    return re.compile(written + r"\Z", re.DOTALL)


PARTS = st.sampled_from(["*", "{uid}", "/", "a", "b", ".", "a/", "/b", "é", "\n"])


@pytest.mark.table("patterns and names that hang")
@given(st.lists(PARTS, max_size=7).map("".join), st.text("ab/.é\n", max_size=9))
def test_a_pattern_means_what_its_regular_expression_means(path: str, name: str) -> None:
    found = expression(path).match(name)
    assert pattern(path).matches(name) is bool(found)
    owner = found["uid"] if found and "uid" in found.groupdict() else ""
    assert pattern(path).owner_in(name) == owner


def steps_of(look: Any, name: str) -> int:
    """Count the lines that a look-up runs through."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        look(name)
    finally:
        sys.settrace(before)
    return count


STEPS_PER_CHARACTER = 20


@pytest.mark.table("patterns and names that hang")
@pytest.mark.parametrize(("path", "name"), HOSTILE, ids=[path[:30] for path, _ in HOSTILE])
def test_a_hostile_name_costs_a_few_steps_a_character(path: str, name: str) -> None:
    made = PathPattern(path)
    for look in (made.matches, made.owner_in):
        taken = steps_of(look, name)
        assert 0 < taken <= STEPS_PER_CHARACTER * (len(name) + len(path))


def test_the_steps_grow_with_the_name_and_not_with_its_power() -> None:
    made = PathPattern("*/*/*/*/*.jpg")
    short, long = steps_of(made.matches, "/" * 256), steps_of(made.matches, "/" * 1024)
    assert long <= 4.5 * short
