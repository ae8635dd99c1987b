"""Actions that make decisions true: leased in order, ended with what undoes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, bindparam, exists, insert, or_, select, update

from app.db import decisions as decided
from app.db import leases, lines, undos
from app.db.lines import ACTIONS
from app.db.sql import columns, execute_compiled, execute_typed, read_all, written
from app.db.tables import decisions, enforcements, jobs
from app.db.undos import Undo
from app.domain.decisions import Action, Enforcement
from app.domain.jobs import WorkState
from app.domain.media import MediaRef

_newer = enforcements.alias("newer")


@dataclass(frozen=True, slots=True)
class EnforcementRow:
    """Hold an action, whoever has it."""

    id: int
    site_id: str
    decision_id: int
    media_id: str
    version: str
    parent: str
    action: Action
    state: WorkState
    attempts: int
    deaths: int
    undo: Undo | None
    problem: str
    created_at: int
    ended_at: int | None


_ALL = select(*columns(enforcements, EnforcementRow))


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold a leased enforcement with what fences it."""

    enforcement: Enforcement
    site_id: str
    attempts: int
    deaths: int
    token: int
    created_at: int


_SAME = (enforcements.c.site_id == bindparam("site"), enforcements.c.media_id == bindparam("media"))
_DUE = enforcements.c.state == lines.DUE

# A late verdict about an earlier version says nothing about the one that is there now.
_there = exists().where(
    jobs.c.site_id == bindparam("site"),
    jobs.c.media_id == bindparam("media"),
    jobs.c.version == enforcements.c.version,
    jobs.c.version != bindparam("version"),
    jobs.c.state == written(WorkState.DONE),
)
_SUPERSEDE = (
    update(enforcements)
    .where(*_SAME, ~_there)
    .where(or_(and_(_DUE, enforcements.c.attempts == written(0)), enforcements.c.state == written(WorkState.PARKED)))
    .values(state=written(WorkState.SUPERSEDED), place=written(lines.BEHIND), ended_at=bindparam("now"))
)
_BRING_FORWARD = (
    update(enforcements)
    .where(*_SAME, _DUE, enforcements.c.place < written(lines.BEHIND))
    .values(run_at=bindparam("now"), place=written(lines.BEHIND))
)
_LATER = {"undo", "ended_at"}
_ADD = insert(enforcements).values({c.name: bindparam(c.name) for c in enforcements.c if c.name != "id" and c.name not in _LATER})
_ADD = _ADD.returning(enforcements.c.id)


def add(connection: Connection, site_id: str, decision_id: int, media: MediaRef, action: Action, now: int) -> int:
    """Queue an action. Earlier ones for the same image that never began, or were parked, are superseded: trying them again
    would undo this one. One that may have happened is brought forward, since the two must be made true in order."""
    given = {"site": site_id, "media": media.id, "version": media.version, "now": now}
    execute_compiled(connection, _SUPERSEDE, given)
    execute_compiled(connection, _BRING_FORWARD, given)
    row = {
        "site_id": site_id,
        "decision_id": decision_id,
        "media_id": media.id,
        "version": media.version,
        "parent": media.parent,
        "action": action,
        "state": WorkState.DUE,
        "run_at": now,
        "place": lines.BEHIND,
        "lease_until": 0,
        "token": 0,
        "attempts": 0,
        "deaths": 0,
        "problem": "",
        "created_at": now,
    }
    added = int(execute_typed(connection, _ADD, row)[0][0])
    lines.fill(connection, ACTIONS, site_id, now)
    return added


_CLAIMED = _ALL.add_columns(enforcements.c.token).where(enforcements.c.id == bindparam("enforcement"))


def claim(connection: Connection, now: int, lease_us: int) -> Claim | None:
    """Lease the action whose turn it is."""
    row_id = lines.claim(connection, ACTIONS, now, lease_us)
    found = execute_typed(connection, _CLAIMED, {"enforcement": row_id}) if row_id is not None else ()
    if not found:
        return None
    *row_, token = found[0]
    row = EnforcementRow(*row_)
    return Claim(_whole(connection, row), row.site_id, row.attempts, row.deaths, token, row.created_at)


def _whole(connection: Connection, row: EnforcementRow) -> Enforcement:
    decision = decided.get(connection, row.decision_id)
    if decision is None:
        raise LookupError(f"enforcement {row.id} has no decision")
    others = _others_hiding(connection, row)
    return Enforcement(
        id=row.id,
        action=row.action,
        media=decision.media,
        sha256=decision.sha256,
        verdict=decision.verdict,
        reasons=decision.reasons,
        person=decision.person,
        decided_at=decision.decided_at,
        undo=undos.of_version(connection, row.site_id, row.media_id, row.version),
        held=next((other.undo for other in others if other.state is WorkState.DONE and other.undo), _earlier(connection, row)),
        others_blocked=len(others),
        restricted=decision.restricted,
        two_people=decision.two_people,
        again=row.undo is not None,
    )


_TURNING = (Action.HIDE, Action.RESTORE, Action.DELETE)
_COUNTS = (WorkState.DUE, WorkState.BUSY, WorkState.DONE)


def _others_hiding(connection: Connection, row: EnforcementRow) -> list[EnforcementRow]:
    """Give the HIDE in force of each other image of the same parent, oldest first."""
    if not row.parent:
        return []
    return [other for other in hiding(connection, row.site_id, row.parent) if other.media_id != row.media_id]


def hiding(connection: Connection, site_id: str, parent: str) -> list[EnforcementRow]:
    """Give the HIDE in force of each image of a parent, oldest first.

    A RESTORE that found changes by hand, which the owner may have put away since, ends it like one that was made true.
    """
    put_away = and_(_newer.c.action == Action.RESTORE, _newer.c.state == WorkState.SUPERSEDED, _newer.c.attempts > 0)
    query = (
        _ALL.where(enforcements.c.site_id == site_id, enforcements.c.parent == parent)
        .where(enforcements.c.action == Action.HIDE, enforcements.c.state.in_(_COUNTS))
        .where(
            ~exists().where(
                _newer.c.site_id == enforcements.c.site_id,
                _newer.c.media_id == enforcements.c.media_id,
                _newer.c.id > enforcements.c.id,
                _newer.c.action.in_(_TURNING),
                or_(_newer.c.state.in_((*_COUNTS, WorkState.DRIFTED)), put_away),
            )
        )
        .order_by(enforcements.c.id)
    )
    return read_all(connection, query, EnforcementRow)


def _any_of(column: Column[Any], members: Iterable[StrEnum]) -> ColumnElement[bool]:
    return or_(*(column == written(member) for member in members))


_SAID = (
    _any_of(enforcements.c.action, _TURNING),
    or_(
        _any_of(enforcements.c.state, (*_COUNTS, WorkState.PARKED, WorkState.DRIFTED)),
        and_(enforcements.c.state == written(WorkState.SUPERSEDED), enforcements.c.attempts > written(0)),
    ),
)
_EARLIER = (
    select(enforcements.c.action, enforcements.c.state, enforcements.c.undo)
    .where(*_SAME, enforcements.c.id < bindparam("row"), *_SAID)
    .order_by(enforcements.c.id.desc())
    .limit(1)
)


def _earlier(connection: Connection, row: EnforcementRow) -> Undo | None:
    """Give what this image's own HIDE in force returned, when it is about to be hidden anew."""
    if not row.parent or row.action is not Action.HIDE:
        return None
    rows = execute_typed(connection, _EARLIER, {"site": row.site_id, "media": row.media_id, "row": row.id})
    undo: Undo | None = rows[0][2] if rows and (rows[0][0], rows[0][1]) == (Action.HIDE, WorkState.DONE) else None
    return undo


_LAST_WORD = (
    select(enforcements.c.action, enforcements.c.decision_id)
    .where(*_SAME, or_(enforcements.c.version == bindparam("version"), bindparam("version") == written("")))
    .where(*_SAID)
    .order_by(enforcements.c.id.desc())
    .limit(1)
)


def hides(connection: Connection, site_id: str, media_id: str, version: str = "") -> int | None:
    """Give the decision of our last word about an image, about one version of it when that is named, if it was a HIDE:
    made true, on its way, or tried with an unknown end."""
    rows = execute_typed(connection, _LAST_WORD, {"site": site_id, "media": media_id, "version": version})
    return int(rows[0][1]) if rows and rows[0][0] is Action.HIDE else None


def end(connection: Connection, claim: Claim, state: WorkState, now: int, problem: str = "", undo: Undo | None = None) -> bool:
    """End a leased action; what undoes it stays when an end brings no other."""
    values = {"problem": problem} if undo is None else {"problem": problem, "undo": undo}
    return leases.end(connection, ACTIONS, claim.enforcement.id, claim.token, state, now, **values)


def later(connection: Connection, claim: Claim, now: int, run_at: int, problem: str, *, stumbled: bool = False) -> bool:
    return leases.later(connection, ACTIONS, claim.enforcement.id, claim.token, now, run_at, problem, stumbled=stumbled)


def give_back(connection: Connection, claim: Claim, now: int, problem: str) -> bool:
    return leases.give_back(connection, ACTIONS, claim.enforcement.id, claim.token, now, problem)


def held(connection: Connection, claim: Claim, now: int) -> bool:
    return leases.held(connection, ACTIONS, claim.enforcement.id, claim.token, now)


def say_again(connection: Connection, site_id: str, media_id: str, now: int) -> None:
    """Make the last word about an image due again, whatever became of it: what was done there since is not known."""
    last = (
        select(enforcements.c.id)
        .where(enforcements.c.site_id == site_id, enforcements.c.media_id == media_id, enforcements.c.action.in_(_TURNING))
        .where(enforcements.c.state.in_((*_COUNTS, WorkState.PARKED)))
        .order_by(enforcements.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    # Whoever is at it now finds the token changed, and says it once more.
    again = {"state": WorkState.DUE, "run_at": now, "place": lines.FOR_TIME, "token": enforcements.c.token + 1, "ended_at": None}
    connection.execute(update(enforcements).where(enforcements.c.id == last).values(again))


def look_again(connection: Connection, site_id: str, parent: str, media_ids: Collection[str], now: int) -> int:
    """Make due again each HIDE in force that was made true of these images of a parent, and count them: applied once more, the
    same action finds out whether it still holds."""
    there = [row.id for row in hiding(connection, site_id, parent) if row.state is WorkState.DONE and row.media_id in media_ids]
    for row_id in there:
        connection.execute(update(enforcements).where(enforcements.c.id == row_id).values(**_ANEW, run_at=now, created_at=now))
    return len(there)


_answer = decisions.alias("answer")
_answered = (
    exists()
    .where(jobs.c.site_id == bindparam("site"), jobs.c.media_id == bindparam("media"), _answer.c.job_id == jobs.c.id)
    .where(_answer.c.id > decisions.c.id, _answer.c.person != written(""))
)
_LAST_TURN = (
    select(enforcements.c.action, enforcements.c.state, enforcements.c.version, decisions.c.person, _answered)
    .join(decisions, decisions.c.id == enforcements.c.decision_id)
    .where(*_SAME, _any_of(enforcements.c.action, _TURNING))
    .order_by(enforcements.c.id.desc())
    .limit(1)
)


def unkept_block(connection: Connection, site_id: str, media: MediaRef) -> str:
    """Name the person who last wanted an image hidden when its bytes had become these others before that was done, and no
    person decided about it since; else ""."""
    given = {"site": site_id, "media": media.id}
    for action, state, version, person, answered in execute_compiled(connection, _LAST_TURN, given):
        if (action, state) == (Action.HIDE, WorkState.GONE) and version != media.version and not answered:
            return str(person)
    return ""


def parked(connection: Connection, site_id: str = "", limit: int = 50) -> list[EnforcementRow]:
    """List actions that need the owner: refused by the platform, or drifted."""
    query = _ALL.where(enforcements.c.state.in_([WorkState.PARKED, WorkState.DRIFTED]))
    if site_id:
        query = query.where(enforcements.c.site_id == site_id)
    return read_all(connection, query.order_by(enforcements.c.id.desc()).limit(limit), EnforcementRow)


_ANEW = {"state": WorkState.DUE, "place": lines.FOR_TIME, "attempts": 1, "deaths": 0}
"""Due again as what may have happened already, so that nothing that comes after overtakes it."""


def retry(connection: Connection, enforcement_id: int, now: int) -> bool:
    """Make a parked action due again, with its attempts counted anew."""
    statement = update(enforcements).where(enforcements.c.id == enforcement_id, enforcements.c.state == WorkState.PARKED)
    return connection.execute(statement.values(**_ANEW, run_at=now, created_at=now)).rowcount == 1


def dismiss(connection: Connection, enforcement_id: int, now: int) -> bool:
    """Put a parked or drifted action away: the owner has seen it."""
    statement = update(enforcements).where(
        enforcements.c.id == enforcement_id, enforcements.c.state.in_([WorkState.PARKED, WorkState.DRIFTED])
    )
    return connection.execute(statement.values(state=WorkState.SUPERSEDED, ended_at=now)).rowcount == 1


_GONE = {"state": WorkState.GONE, "place": lines.BEHIND, "problem": "deleted at the platform"}


def delete_media(connection: Connection, site_id: str, media_id: str, now: int, version: str = "") -> None:
    """End what waits to be done to an image that is gone, to one version of it when that is named."""
    statement = (
        update(enforcements)
        .where(enforcements.c.site_id == site_id, enforcements.c.media_id == media_id)
        .where(enforcements.c.state.in_([WorkState.DUE, WorkState.PARKED]))
    )
    if version:
        statement = statement.where(enforcements.c.version == version)
    connection.execute(statement.values(**_GONE, ended_at=now))
    lines.fill(connection, ACTIONS, site_id, now)


def delete_parent(connection: Connection, site_id: str, parent: str, now: int) -> None:
    connection.execute(
        update(enforcements)
        .where(enforcements.c.site_id == site_id, enforcements.c.parent == parent)
        .where(enforcements.c.state.in_([WorkState.DUE, WorkState.PARKED, WorkState.DRIFTED]))
        .values(**_GONE, ended_at=now)
    )
    lines.fill(connection, ACTIONS, site_id, now)


def of_decisions(connection: Connection, decision_ids: Sequence[int]) -> dict[int, EnforcementRow]:
    """Give the last action of each of these decisions."""
    query = _ALL.where(enforcements.c.decision_id.in_(decision_ids)).order_by(enforcements.c.id)
    return {row.decision_id: row for row in read_all(connection, query, EnforcementRow)}


def history(connection: Connection, site_id: str, media_id: str) -> list[EnforcementRow]:
    query = _ALL.where(enforcements.c.site_id == site_id, enforcements.c.media_id == media_id)
    return read_all(connection, query.order_by(enforcements.c.id.desc()), EnforcementRow)
