from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.errors import DeliveryUnreadable
from integrations.kit.untrusted import MAX_DEPTH, Untrusted, read_json


def nested(depth: int, opening: str = '{"a":', closing: str = "}") -> bytes:
    return (opening * depth + "1" + closing * depth).encode()


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b'{"a":1', "JSON"),
        (b"\xff\xfe{}", "UTF-8"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":NaN}', "JSON"),
        (b'{"a":-Infinity}', "JSON"),
        (b'{"a":' + b"9" * 10_000 + b"}", "JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b'"text"', "object"),
        (b"1", "object"),
        (nested(MAX_DEPTH + 1), "deeper"),
        (nested(1_000), "deeper"),
        (nested(200_000), "deeper"),
        (b'{"a":' + nested(100_000, "[", "]") + b"}", "deeper"),
    ],
)
def test_says_what_is_wrong_with_a_body(body: bytes, names: str) -> None:
    with pytest.raises(DeliveryUnreadable, match=names):
        read_json(body)


def test_reads_what_nests_as_deep_as_allowed() -> None:
    read_json(nested(MAX_DEPTH))


BODY = read_json(
    json.dumps(
        {
            "text": "x", "empty": "", "long": "s3cret" * 1000, "nul": "a\x00b", "half": "\ud800", "one": 1, "yes": True,
            "none": None, "real": 1.5, "list": [{"a": 1}, 2], "names": ["a", 7], "in": {"deep": {"wrong": 1}}, "php": [],
        }
    ).encode()
)  # fmt: skip

WRONG: list[tuple[str, Callable[[], Any]]] = [
    ("gone", lambda: BODY.text("gone")),
    ("none", lambda: BODY.text("none")),
    ("one", lambda: BODY.text("one")),
    ("empty", lambda: BODY.text("empty")),
    ("long", lambda: BODY.text("long", 10)),
    ("nul", lambda: BODY.text("nul")),
    ("half", lambda: BODY.text("half")),
    ("text", lambda: BODY.integer("text")),
    ("yes", lambda: BODY.integer("yes")),
    ("real", lambda: BODY.integer("real")),
    ("one", lambda: BODY.integer("one", 2)),
    ("one", lambda: BODY.integer("one", 0, 0)),
    ("one", lambda: BODY.flag("one")),
    ("text", lambda: BODY.choice("text", ("a", "b"))),
    ("one", lambda: BODY.choice("one", ("a", "b"))),
    ("text", lambda: BODY.object("text")),
    ("list", lambda: BODY.plain("list")),
    ("text", lambda: list(BODY.items("text"))),
    ("list", lambda: list(BODY.items("list", 1))),
    (r"list\[1\]", lambda: list(BODY.items("list"))),
    (r"list\[0\]", lambda: BODY.texts("list")),
    ("real", lambda: BODY.identifier("real")),
    ("yes", lambda: BODY.identifier("yes")),
    (r"in\.deep\.wrong", lambda: BODY.object("in").object("deep").text("wrong")),
]


@pytest.mark.parametrize(("path", "read"), WRONG)
def test_names_the_wrong_field_and_never_its_value(path: str, read: Callable[[], Any]) -> None:
    with pytest.raises(DeliveryUnreadable, match=path) as wrong:
        read()
    assert "s3cret" not in str(wrong.value)
    assert len(str(wrong.value)) < 200


def test_reads_what_is_right() -> None:
    assert BODY.text("text") == "x"
    assert BODY.text("gone", default="") == BODY.text("empty", default="") == ""
    assert BODY.identifier("one") == "1"
    assert BODY.integer("gone", default=3) == 3
    assert BODY.flag("yes") is True
    assert BODY.flag("gone", default=False) is False
    assert BODY.choice("text", ("x",)) == "x"
    assert BODY.texts("names") == ("a", "7")
    assert BODY.plain("php") == BODY.plain("gone") == {}
    assert "none" not in BODY
    assert "one" in BODY


def test_a_label_is_cut_and_cleaned_instead_of_refused() -> None:
    assert BODY.label("long", 6) == "s3cret"
    assert BODY.label("nul") == "a b"
    assert BODY.label("half") == BODY.label("one") == BODY.label("gone") == ""


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary(max_size=300) | DOCUMENTS.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=300, deadline=None)
def test_fuzz_an_object_or_unreadable(body: bytes) -> None:
    try:
        assert isinstance(read_json(body), Untrusted)
    except DeliveryUnreadable:
        return
    assert isinstance(json.loads(body), dict)


@given(DOCUMENTS)
@settings(max_examples=300, deadline=None)
def test_fuzz_readers_give_their_type_or_unreadable(value: object) -> None:
    body = Untrusted({"key": value})
    readers: list[tuple[Callable[[str], Any], type]] = [
        (body.text, str), (body.label, str), (body.identifier, str), (body.integer, int), (body.flag, bool),
        (body.object, Untrusted), (lambda key: list(body.items(key)), list), (body.texts, tuple), (body.plain, dict),
    ]  # fmt: skip
    for read, kind in readers:
        try:
            result = read("key")
        except DeliveryUnreadable:
            continue
        assert isinstance(result, kind)
        if isinstance(result, str):
            result.encode("utf-8")
            assert "\x00" not in result
        if isinstance(result, int):
            assert math.isfinite(result)
