"""What a reviewer did last in the queue, for the bar that takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.decisions import Decision
from app.domain.errors import DecisionUnknown
from app.domain.roles import Right
from app.domain.time import SECOND
from app.services.core import Core
from app.services.people.sessions import Person
from app.services.review import preferences, showing

SHOWN_SECONDS = 30
"""How long the bar is shown; the history takes back at any time."""

KEPT = 20
"""How many verdicts in a row can be taken back by the key."""

_NAME = "lately"


class Act(StrEnum):
    DECISION = "decision"
    OPINION = "opinion"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Last:
    """A person's last act in the queue: a decision, an opinion about one, or a batch. `decision` is what it is about."""

    kind: Act
    id: int | str
    at: int
    decision: Decision | None = None
    seconds: int = 0


def remember(core: Core, person: Person, kind: Act, id: int | str) -> None:
    acts = preferences.get(core, person.id, _NAME, [])
    preferences.keep(core, person.id, _NAME, [*acts[-KEPT + 1 :], [kind, id, core.now()]])


def lately(core: Core, person: Person) -> Last | None:
    """Find a person's last act, with how many seconds its bar is still shown."""
    acts = preferences.get(core, person.id, _NAME, [])
    if not acts:
        return None
    word, id, at = acts[-1]
    kind = Act(word)
    seconds = max(SHOWN_SECONDS - (core.now() - at) // SECOND, 0)
    try:
        decision = None if kind is Act.BATCH else showing.get(core, int(id))
    except DecisionUnknown:  # erased meanwhile
        return None
    if decision is not None and decision.restricted and not person.may(Right.REVIEW_RESTRICTED):  # since a list came
        return None
    return Last(kind, id, at, decision, seconds)


def forget_lately(core: Core, person: Person) -> None:
    """Drop the last act, so that the one before it is the last."""
    preferences.keep(core, person.id, _NAME, preferences.get(core, person.id, _NAME, [])[:-1])
