"""The review queue: the next item for one person, leases, and what helps to decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.db import audit, decisions, pictures, preferences
from app.db import queue as rows
from app.db import sites as site_rows
from app.db.queue import Order as Order
from app.db.queue import WaitingRow
from app.domain.decisions import Decision, Verdict
from app.domain.errors import BeingReviewed, DecisionStale, SettingsInvalid
from app.domain.names import by
from app.domain.time import MINUTE
from app.domain.visibility import Visibility
from app.services.core import Core

LEASE_MINUTES = 5
"""How long an item stays with a reviewer who does nothing: longer than a look takes, shorter than a coffee break."""

BESIDE = 60
"""Other images of the same parent that are shown and decided at once, at most: more than a listing has on any platform."""

ALIKE = 24
"""Look-alikes that are shown, at most: what fits on a screen."""

NOTE_CHARACTERS = 500

ORDER = "review_order"
"""The name of the preference that holds the order that a person chose."""


@dataclass(frozen=True, slots=True)
class Item:
    """What waits, with who looks at it now ("" for nobody) and until when, and what the first of two people said."""

    decision: Decision
    since: int
    reviewer: str = ""
    reviewer_id: int = 0
    leased_until: int = 0
    escalated: bool = False
    note: str = ""
    opinions: tuple[str, ...] = ()
    place: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Near:
    """Another image beside the one to decide. `bits` differ between their looks; `waits` when it can be decided as well."""

    decision: Decision
    waits: bool
    bits: int = 0
    reviewer: str = ""


def count(core: Core, visibility: Visibility) -> int:
    """Count what waits and may be decided within a visibility."""
    with core.db.read() as connection:
        return rows.count(connection, visibility)


def skipped(core: Core, visibility: Visibility, person_id: int) -> int:
    with core.db.read() as connection:
        return rows.skipped(connection, visibility, person_id)


def look_again(core: Core, person_id: int) -> None:
    """Return what a person skipped to their queue."""
    with core.db.write() as connection:
        rows.forget_skips(connection, person_id)


def order_of(core: Core, person_id: int) -> Order:
    with core.db.read() as connection:
        chosen = preferences.get(connection, person_id, ORDER)
    return Order(chosen) if chosen in set(Order) else Order.SEVEREST


def choose_order(core: Core, person_id: int, order: Order) -> None:
    with core.db.write() as connection:
        preferences.keep(connection, person_id, ORDER, order)


def take_next(core: Core, visibility: Visibility, person_id: int, name: str) -> Item | None:
    """Lease the next item to a reviewer for `LEASE_MINUTES`; None when nothing waits for them."""
    order = order_of(core, person_id)
    now = core.now()
    with core.db.write() as connection:
        row = rows.take_next(connection, visibility, order, person_id, name, now, _until(now))
        return _items(connection, [row], order, now)[0] if row is not None else None


def take(core: Core, decision_id: int, person_id: int, name: str, *, take_over: bool = False) -> Item:
    """Lease one item to a reviewer. Raise `BeingReviewed` when another has it, `DecisionStale` when it waits no more."""
    now = core.now()
    with core.db.write() as connection:
        row = rows.get(connection, decision_id)
        if row is None:
            raise DecisionStale("This picture waits no more: somebody decided it, or it is gone.")
        if take_over:
            rows.release(connection, row.reviewer, decision_id)
        if not rows.take(connection, decision_id, person_id, name, now, _until(now)):
            raise BeingReviewed(f"{row.reviewer_name} is looking at this picture now.")
        taken = rows.of_decisions(connection, [decision_id])
        return _items(connection, list(taken.values()), Order.OLDEST, now)[0]


def keep(core: Core, decision_id: int, person_id: int, name: str) -> bool:
    """Extend the lease of an item that its reviewer is at work on; False when another has it, or it no longer waits."""
    now = core.now()
    with core.db.write() as connection:
        return rows.take(connection, decision_id, person_id, name, now, _until(now))


def _until(now: int) -> int:
    return now + LEASE_MINUTES * MINUTE


def release(core: Core, person_id: int) -> None:
    """Release what a person has leased, as when they sign out."""
    with core.db.write() as connection:
        rows.release(connection, person_id)


def skip(core: Core, decision_id: int, person_id: int) -> None:
    """Leave an item to others, and to this person when they ask to look again."""
    with core.db.write() as connection:
        if rows.get(connection, decision_id) is None:
            return
        rows.release(connection, person_id, decision_id)
        rows.skip(connection, decision_id, person_id, core.now())


def escalate(core: Core, decision_id: int, person: str, note: str) -> None:
    """Hand an item to owners and restricted reviewers, with a note. Raise `DecisionStale` when it waits no more."""
    note = note.strip()
    if len(note) > NOTE_CHARACTERS:
        raise SettingsInvalid(f"The note is longer than {NOTE_CHARACTERS} characters.", {"note": "is too long"})
    with core.db.write() as connection:
        decision = decisions.get(connection, decision_id)
        if decision is None or rows.get(connection, decision_id) is None:
            raise DecisionStale("This picture waits no more: somebody decided it, or it is gone.")
        text = f"{person}: {note}" if note else person
        rows.escalate(connection, decision_id, text)
        said = f"Escalated {by(text)}"
        audit.add(connection, core.now(), person, "review.escalated", said, decision.site_id, decision.media.id)


def listing(core: Core, visibility: Visibility, order: Order, after: Sequence[int], limit: int) -> list[Item]:
    """List what waits, with who looks at what."""
    now = core.now()
    with core.db.read() as connection:
        return _items(connection, rows.page(connection, visibility, order, after, limit), order, now)


def is_beyond(core: Core, visibility: Visibility, decision_id: int) -> bool:
    """Tell whether a decision waits for people with more rights: it was escalated, or is restricted."""
    with core.db.read() as connection:
        row = rows.get(connection, decision_id)
    return row is not None and not _open_to(row, visibility)


def items(core: Core, visibility: Visibility, decision_ids: Sequence[int]) -> list[Item]:
    """Pick those of these decisions that wait and may be decided within a visibility."""
    now = core.now()
    with core.db.read() as connection:
        found = rows.of_decisions(connection, decision_ids)
        of_sites = site_rows.seen_of(connection, visibility, {row.site_id for row in found.values()})
        mine = (found[id_] for id_ in decision_ids if id_ in found)
        seen = [row for row in mine if row.site_id in of_sites and _open_to(row, visibility)]
        return _items(connection, seen, Order.OLDEST, now)


def _open_to(row: WaitingRow, visibility: Visibility) -> bool:
    return visibility.restricted or not (row.restricted or row.escalated)


def _items(connection: Connection, found: Sequence[WaitingRow], order: Order, now: int) -> list[Item]:
    decided = decisions.by_ids(connection, [row.decision_id for row in found])
    return [
        Item(
            decided[row.decision_id],
            row.since,
            row.reviewer_name if row.leased_until >= now else "",
            row.reviewer if row.leased_until >= now else 0,
            row.leased_until,
            row.escalated,
            row.note,
            _opinions(connection, row),
            rows.place(row, order),
        )
        for row in found
    ]


def _opinions(connection: Connection, row: WaitingRow) -> tuple[str, ...]:
    if not row.two_people:
        return ()
    word = {Verdict.ALLOW: "approve", Verdict.BLOCK: "reject"}
    return tuple(f"{opinion.person} would {word[opinion.verdict]}" for opinion in rows.opinions_of(connection, row.decision_id))


def beside(core: Core, decision: Decision, visibility: Visibility) -> list[Near]:
    """List the other images of the same listing or post, with their decisions in force; what waits first."""
    if not decision.media.parent:
        return []
    with core.db.read() as connection:
        found = decisions.of_parent(connection, decision.site_id, decision.media.parent, BESIDE + 1)
        others = [other for other in found if other.media.id != decision.media.id]
        return _near(connection, others, visibility, core.now(), {})


def alike(core: Core, decision: Decision, visibility: Visibility) -> list[Near]:
    """List images of the same site that look like this one, the nearest first, with their decisions in force."""
    with core.db.read() as connection:
        near = dict(pictures.look_alikes(connection, decision.site_id, decision.sha256, ALIKE + 1))
        near.pop(decision.job_id, None)
        found = decisions.in_force(connection, list(near))
        found.sort(key=lambda other: (near[other.job_id], -other.id))
        others = [other for other in found if other.media.id != decision.media.id]
        return _near(connection, others[:ALIKE], visibility, core.now(), near)


def _near(
    connection: Connection, found: Sequence[Decision], visibility: Visibility, now: int, bits: dict[int, int]
) -> list[Near]:
    seen = [other for other in found if visibility.restricted or not other.restricted]
    waits = rows.of_decisions(connection, [other.id for other in seen])
    near = []
    for other in seen:
        row = waits.get(other.id)
        busy = row.reviewer_name if row is not None and row.leased_until >= now else ""
        near.append(Near(other, row is not None and _open_to(row, visibility), bits.get(other.job_id, 0), busy))
    return sorted(near, key=lambda other: not other.waits)
