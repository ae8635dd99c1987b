"""The keys of the review queue, and what a person changed about them."""

from __future__ import annotations

from dataclasses import dataclass

from app.db import preferences
from app.domain.errors import SettingsInvalid
from app.services.core import Core

KEYS = "keys"
"""The name of the preference that holds a person's own keys."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a key does, and which it is unless a person chose another."""

    name: str
    title: str
    key: str


_TABLE = (
    Key("next", "Next picture", "j"),
    Key("previous", "Previous picture", "k"),
    Key("approve", "Approve", "a"),
    Key("reject", "Reject", "r"),
    Key("hide", "Hide the whole listing", "h"),
    Key("escalate", "Escalate", "e"),
    Key("skip", "Skip", "s"),
    Key("undo", "Undo my last verdict", "u"),
    Key("reveal", "Show the clear picture while held", " "),
    Key("part", "Show the part that scored while held", "p"),
    Key("help", "Show the keys", "?"),
)

ACTIONS: dict[str, Key] = {key.name: key for key in _TABLE}
"""Everything that a key does. The digits choose the reason of a rejection, and are nobody's to change."""


def of(core: Core, person_id: int) -> dict[str, str]:
    """Look up a person's keys, by what they do."""
    with core.db.read() as connection:
        own = preferences.get(connection, person_id, KEYS) or {}
    return {name: own.get(name, key.key) for name, key in ACTIONS.items()}


def choose(core: Core, person_id: int, wanted: dict[str, str]) -> None:
    """Store a person's own keys: one character each, no digit, each once. Raise `SettingsInvalid` that names the wrong ones."""
    wrong: dict[str, str] = {}
    chosen: dict[str, str] = {}
    for name, declared in ACTIONS.items():
        key = wanted.get(name, declared.key)
        key = {"space": " "}.get(key.strip().casefold(), key.strip().casefold() or " " * (key == " "))
        if len(key) != 1 or key.isdigit() or not key.isprintable():
            wrong[name] = "must be one character, and no digit"
        elif key in chosen.values():
            wrong[name] = f"“{key}” does something else already"
        chosen[name] = key
    if wrong:
        raise SettingsInvalid("Some keys cannot be used.", wrong)
    own = {name: key for name, key in chosen.items() if key != ACTIONS[name].key}
    with core.db.write() as connection:
        preferences.keep(connection, person_id, KEYS, own)
