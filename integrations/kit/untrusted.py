"""Typed reading of foreign JSON: every value is asked for by key, type and size, and a wrong one is named by its path.

The idea is Zulip's WildValue: text from outside never travels as a bare dict, so no field is used unchecked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.errors import DeliveryUnreadable

MAX_DEPTH = 32
"""How deeply objects and lists may nest; the deepest message of any platform that we know nests 6."""


class Untrusted:
    """A foreign JSON object. Every reader raises `DeliveryUnreadable` that names the path and never the value."""

    __slots__ = ("_fields", "_path")

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise DeliveryUnreadable(f"{path or 'The body'} is not an object.")
        self._fields: dict[str, Any] = value
        self._path = path

    def __contains__(self, key: str) -> bool:
        """Tell whether the field is there and not null."""
        return self._fields.get(key) is not None

    def text(self, key: str, max: int = 500, *, default: str | None = None, nul: bool = False) -> str:
        """Read a text of 1 to `max` characters, or `default` (which may be "") when it is missing, null or empty.

        With `nul` it may hold NUL, which whoever asks must not store as it is.
        """
        value = self._fields.get(key)
        if value in (None, "") and default is not None:
            return default
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "a text")
        if len(value) > max:
            raise self._wrong(key, f"a text of at most {max} characters")
        # NUL ends a text in PostgreSQL, and half a surrogate pair cannot be stored in UTF-8 at all.
        if ("\x00" in value and not nul) or not _encodable(value):
            raise self._wrong(key, "a text without NUL and lone surrogates")
        return value

    def label(self, key: str, max: int = 200) -> str:
        """Read a text that is only shown to people: cut to `max`, cleaned, and "" when it is missing or no text."""
        value = self._fields.get(key)
        if not isinstance(value, str):
            return ""
        shown = value[:max]
        return (shown if shown.isprintable() else "".join(c if c.isprintable() else " " for c in shown)).strip()

    def identifier(self, key: str, max: int = 200) -> str:
        """Read an id that some senders write as a number and some as a text."""
        value = self._fields.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
            return str(value)
        return self.text(key, max)

    def integer(self, key: str, minimum: int = -(2**63), maximum: int = 2**63 - 1, *, default: int | None = None) -> int:
        value = self._fields.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise self._wrong(key, f"a whole number from {minimum} to {maximum}")
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        value = self._fields.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self._fields.get(key)
        if not isinstance(value, str) or value not in choices:
            raise self._wrong(key, "one of " + ", ".join(choices))
        return value

    def object(self, key: str) -> Untrusted:
        if not isinstance(self._fields.get(key), dict):
            raise self._wrong(key, "an object")
        return Untrusted(self._fields[key], self._name(key))

    def items(self, key: str, max: int = 1_000) -> Iterator[Untrusted]:
        """Read a list of at most `max` objects one by one; a wrong one raises only when its turn comes."""
        for index, value in enumerate(self._list(key, max)):
            yield Untrusted(value, f"{self._name(key)}[{index}]")

    def objects(self, key: str, max: int = 1_000) -> Iterator[Untrusted]:
        """Read a list of at most `max` items one by one; what is no object is one without fields, so that it costs no other."""
        for index, value in enumerate(self._list(key, max)):
            yield Untrusted(value if isinstance(value, dict) else {}, f"{self._name(key)}[{index}]")

    def texts(self, key: str, max: int = 1_000, length: int = 500) -> tuple[str, ...]:
        """Read a list of at most `max` texts or whole numbers, as texts of at most `length` characters."""
        values = self._list(key, max)
        return tuple(
            Untrusted({"": value}, f"{self._name(key)}[{index}]").identifier("", length) for index, value in enumerate(values)
        )

    def plain(self, key: str) -> Mapping[str, Any]:
        """Return an object as it is, to be handed back later unread; an empty list is PHP's empty object."""
        value = self._fields.get(key)
        if value in (None, []):
            return {}
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return value

    def _list(self, key: str, max: int) -> list[Any]:
        value = self._fields.get(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        if len(value) > max:
            raise self._wrong(key, f"a list of at most {max}")
        return value

    def _name(self, key: str) -> str:
        return f"{self._path}.{key}".strip(".") if key else self._path

    def _wrong(self, key: str, wanted: str) -> DeliveryUnreadable:
        return DeliveryUnreadable(f"{self._name(key)} is missing or is not {wanted}.")


def read_json(body: bytes) -> Untrusted:
    """Read a body as a JSON object nested at most 32 deep. Raise `DeliveryUnreadable` for everything else."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise DeliveryUnreadable("The body is not UTF-8.") from None
    except RecursionError:
        raise DeliveryUnreadable(f"The body nests deeper than {MAX_DEPTH}.") from None
    except ValueError:  # also an integer of more digits than Python converts
        raise DeliveryUnreadable("The body is not JSON.") from None
    _measure(value)
    return Untrusted(value)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _measure(value: object) -> None:
    layer: list[object] = [value]
    for _ in range(MAX_DEPTH + 1):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return
    raise DeliveryUnreadable(f"The body nests deeper than {MAX_DEPTH}.")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
