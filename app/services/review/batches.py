"""Many decisions at once: verdicts for a selection, and undoing what was done together. Each batch is done in steps."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from app.db import audit, decisions, enforcements
from app.db import batches as rows
from app.db import sites as site_rows
from app.db.batches import BatchRow
from app.db.engine import savepoint
from app.domain.batches import BatchKind, ItemState
from app.domain.decisions import Action, Decision, Verdict
from app.domain.errors import BeingReviewed, DecisionUnknown, PicwardError, SecondPersonNeeded, SettingsInvalid, UndoImpossible
from app.domain.jobs import WorkState
from app.domain.visibility import Visibility
from app.services.core import Core
from app.services.review import showing, verdicts
from app.services.review.showing import Shown
from app.services.review.verdicts import Said
from app.services.sites import sites

log = logging.getLogger(__name__)

STEP = 50
"""Items that one step decides in one transaction: about 100 ms, so that webhooks hardly wait for it."""

AT_ONCE = 200
"""Items that are decided before the request that asked for them is answered; longer ones show their progress."""

LARGEST = 100_000
"""Items of one batch: what one policy version may have decided on a busy site."""

EXAMPLES = 12
"""Decisions that are shown of many, before they are undone."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Say how far a batch came: how many of `total` ended how."""

    id: str
    kind: BatchKind
    person: str
    person_id: int
    rejection: str
    total: int
    created_at: int
    outcomes: dict[ItemState, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        return self.outcomes.get(ItemState.TO_DO, 0)

    @property
    def done(self) -> int:
        return self.outcomes.get(ItemState.DONE, 0)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Say what undoing would do: how many pictures would be shown again, hidden again, or only change their verdict;
    how many wait for a person afterwards, and how many cannot be undone. `examples` are some of them."""

    total: int
    shown: int
    hidden: int
    quiet: int
    review: int
    impossible: int
    examples: tuple[Shown, ...]


def give(core: Core, decision_ids: Sequence[int], verdict: Verdict, person: str, person_id: int, *, rejection: str = "") -> str:
    """Begin to give one verdict about many pictures; return the batch. `step` does it."""
    return _begin(core, BatchKind(verdict), decision_ids, person, person_id, rejection)


def undo(core: Core, decision_ids: Sequence[int], person: str, person_id: int = 0) -> str:
    """Begin to put in force again what was before each of these decisions; return the batch. `step` does it.

    Sites are asked as it is made true: where somebody changed the listing since, nothing is overwritten, and the action
    ends as drifted. What was decided again since is left alone.
    """
    return _begin(core, BatchKind.UNDO, decision_ids, person, person_id, "")


def undo_batch(core: Core, batch_id: str, person: str, person_id: int = 0) -> str:
    """Begin to undo everything that a batch did."""
    with core.db.read() as connection:
        ids = decisions.of_batch(connection, batch_id, LARGEST)
    if not ids:
        raise DecisionUnknown("There is no such batch, or nothing came of it.")
    return undo(core, ids, person, person_id)


def of_policy(core: Core, site_id: str, version: int) -> list[int]:
    """Give the decisions of one policy version that are in force, for `foresee` and `undo`."""
    with core.db.read() as connection:
        return decisions.of_policy(connection, site_id, version)


def _begin(core: Core, kind: BatchKind, decision_ids: Sequence[int], person: str, person_id: int, rejection: str) -> str:
    ids = sorted(set(decision_ids))
    if not ids:
        raise SettingsInvalid("Nothing was chosen.")
    if len(ids) > LARGEST:
        raise SettingsInvalid(f"More than {LARGEST:,} decisions at once are too many.")
    batch = BatchRow(secrets.token_hex(8), kind, person_id, person, rejection, len(ids), core.now())
    with core.db.write() as connection:
        rows.add(connection, batch, ids)
        audit.add(connection, core.now(), person, f"batch.{kind}", f"Batch {batch.id}: {kind} for {len(ids)} pictures")
    return batch.id


def progress(core: Core, batch_id: str) -> Progress:
    with core.db.read() as connection:
        row = rows.get(connection, batch_id)
        if row is None:
            raise DecisionUnknown("There is no such batch.")
        found = rows.outcomes(connection, batch_id)
    return Progress(row.id, row.kind, row.person, row.person_id, row.rejection, row.total, row.created_at, found)


def run(core: Core, batch_id: str, within: Visibility | None = None, limit: int = AT_ONCE) -> Progress:
    """Do up to so many items of a batch, and say how far it came; `within` is as for `verdicts.resolve`."""
    for _ in range(max(limit // STEP, 1)):
        if not step(core, batch_id, within):
            break
    return progress(core, batch_id)


def step(core: Core, batch_id: str, within: Visibility | None = None) -> int:
    """Do the next items of a batch in one transaction; return how many are left to try, 0 at the end."""
    with core.db.write() as connection:
        row = rows.get(connection, batch_id)
        if row is None:
            raise DecisionUnknown("There is no such batch.")
        todo = rows.to_do(connection, batch_id, STEP)
        for decision_id in todo:
            outcome = _one(core, connection, decision_id, row, within)
            rows.mark(connection, batch_id, decision_id, outcome)
        if len(todo) < STEP:
            rows.end(connection, batch_id, core.now())
    core.wake()
    return len(todo) if len(todo) == STEP else 0


def _one(core: Core, connection: Connection, decision_id: int, batch: BatchRow, within: Visibility | None) -> ItemState:
    """Do one item; it alone is rolled back when it fails."""
    try:
        with savepoint(connection):
            if batch.kind is BatchKind.UNDO:
                decision = decisions.get(connection, decision_id)
                if decision is None:
                    return ItemState.GONE
                verdicts.permit(connection, decision, within)
                verdicts.put_back(core, connection, sites.get(core, decision.site_id), decision, batch.person, batch.id)
                return ItemState.DONE
            decision = verdicts.in_force(connection, decision_id)
            verdicts.permit(connection, decision, within)
            verdicts.not_of_another(connection, decision.id, batch.person_id, core.now())
            said = Said(Verdict(batch.kind), batch.person, batch.person_id, batch.rejection, batch.id)
            given = verdicts.settle(core, connection, sites.get(core, decision.site_id), decision, said)
            return ItemState.DONE if given != decision.id else ItemState.NEEDS_TWO
    except SecondPersonNeeded:
        return ItemState.NEEDS_TWO
    except UndoImpossible:
        return ItemState.GONE
    except BeingReviewed:
        return ItemState.BUSY
    except PicwardError as error:
        log.info("decision %d was left out of batch %s: %s", decision_id, batch.id, error)
        return ItemState.STALE


def foresee(core: Core, decision_ids: Sequence[int], visibility: Visibility) -> Foreseen:
    """Say what undoing these decisions would do, before it is done."""
    counts = {"shown": 0, "hidden": 0, "quiet": 0, "review": 0, "impossible": 0}
    examples: list[Decision] = []
    ids = sorted(set(decision_ids))
    with core.db.read() as connection:
        for start in range(0, len(ids), 500):
            found = decisions.by_ids(connection, ids[start : start + 500])
            counts["impossible"] += len(ids[start : start + 500]) - len(found)
            _foresee(connection, list(found.values()), counts)
            examples += [one for one in found.values() if visibility.restricted or not one.restricted][: EXAMPLES - len(examples)]
        shown = tuple(showing.with_actions(connection, examples))
    return Foreseen(len(ids), **counts, examples=shown)


def _foresee(connection: Connection, found: list[Decision], counts: dict[str, int]) -> None:
    before = decisions.by_ids(connection, [one.supersedes for one in found if one.supersedes is not None])
    actions = enforcements.of_decisions(connection, [one.id for one in found])
    later = decisions.superseded(connection, [one.id for one in found])
    for one in found:
        earlier = before.get(one.supersedes or 0)
        action = actions.get(one.id)
        was = earlier.verdict if earlier is not None else Verdict.REVIEW
        hid = action is not None and action.action is Action.HIDE and action.state is not WorkState.GONE
        alone = one.two_people and one.verdict is Verdict.BLOCK and was is not Verdict.BLOCK
        if alone or one.id in later or (action is not None and action.action is Action.DELETE):
            counts["impossible"] += 1
            continue
        counts["review"] += was is Verdict.REVIEW
        if hid and was is not Verdict.BLOCK:
            counts["shown"] += 1
        elif one.verdict is not Verdict.BLOCK and was is Verdict.BLOCK:
            counts["hidden"] += 1
        else:
            counts["quiet"] += 1


def made(core: Core, batch_id: str) -> list[int]:
    """Give the decisions that came of a batch."""
    with core.db.read() as connection:
        return decisions.of_batch(connection, batch_id, LARGEST)


def beyond(core: Core, batch_id: str, visibility: Visibility) -> bool:
    """Say whether a batch is about anything outside a visibility."""
    with core.db.read() as connection:
        return rows.beyond(connection, batch_id, visibility)


def shown(core: Core, batch_id: str, visibility: Visibility, limit: int) -> list[tuple[Shown, ItemState]]:
    """List what a batch is about, each with the decision in force and how it ended."""
    with core.db.read() as connection:
        listed = rows.items(connection, batch_id, limit)
        found = decisions.by_ids(connection, [decision_id for decision_id, _ in listed])
        results = decisions.by_ids(connection, decisions.of_batch(connection, batch_id, limit))
        made = {one.supersedes: one for one in results.values()}
        of_sites = site_rows.seen_of(connection, visibility, {one.site_id for one in found.values()})
        seen = [
            (made.get(decision_id, found[decision_id]), outcome)
            for decision_id, outcome in listed
            if decision_id in found
            and found[decision_id].site_id in of_sites
            and (visibility.restricted or not found[decision_id].restricted)
        ]
        actions = showing.with_actions(connection, [one for one, _ in seen])
    return [(action, outcome) for action, (_, outcome) in zip(actions, seen, strict=True)]
