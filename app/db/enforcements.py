"""Actions that make decisions true: leased in order, ended with what undoes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, insert, or_, select, update

from app.db import decisions as decided
from app.db import leases
from app.db.sql import columns, read_all, read_one
from app.db.tables import enforcements, jobs, sites
from app.domain.decisions import Action, Enforcement
from app.domain.jobs import WorkState
from app.domain.media import MediaRef
from app.domain.platform import SiteState

Undo = Mapping[str, Any]
"""What a platform's HIDE returned, and nobody else reads."""

_OPEN = (WorkState.DUE, WorkState.BUSY)
_earlier = enforcements.alias("earlier")
_newer = enforcements.alias("newer")
_beside = enforcements.alias("beside")


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


def add(connection: Connection, site_id: str, decision_id: int, media: MediaRef, action: Action, now: int) -> int:
    """Queue an action. Earlier ones for the same image that never began, or were parked, are superseded: trying them again
    would undo this one. One that may have happened is brought forward, since the two must be made true in order."""
    same = (enforcements.c.site_id == site_id, enforcements.c.media_id == media.id)
    never_began = and_(enforcements.c.state == WorkState.DUE, enforcements.c.attempts == 0)
    # A late verdict about an earlier version says nothing about the one that is there now.
    there = exists().where(
        jobs.c.site_id == site_id,
        jobs.c.media_id == media.id,
        jobs.c.version == enforcements.c.version,
        jobs.c.version != media.version,
        jobs.c.state == WorkState.DONE,
    )
    connection.execute(
        update(enforcements)
        .where(*same, ~there, or_(never_began, enforcements.c.state == WorkState.PARKED))
        .values(state=WorkState.SUPERSEDED, ended_at=now)
    )
    connection.execute(update(enforcements).where(*same, enforcements.c.state == WorkState.DUE).values(run_at=now))
    statement = insert(enforcements).values(
        site_id=site_id,
        decision_id=decision_id,
        media_id=media.id,
        version=media.version,
        parent=media.parent,
        action=action,
        state=WorkState.DUE,
        run_at=now,
        lease_until=0,
        token=0,
        attempts=0,
        deaths=0,
        problem="",
        created_at=now,
    )
    return int(connection.execute(statement.returning(enforcements.c.id)).scalar_one())


# Actions go to the site that was served longest ago, then by age, so that one busy site never starves another. Those of
# one image are made true in order, and those of one parent one at a time: they all change the same listing.
def _next() -> Select[Any]:
    first = (
        select(enforcements.c.id)
        .where(
            enforcements.c.state == leases.DUE, enforcements.c.run_at <= bindparam("now"), enforcements.c.site_id == sites.c.id
        )
        .where(
            ~exists().where(
                _earlier.c.site_id == enforcements.c.site_id,
                _earlier.c.media_id == enforcements.c.media_id,
                _earlier.c.id < enforcements.c.id,
                _earlier.c.state.in_(_OPEN),
            ),
            ~exists().where(
                enforcements.c.parent != "",
                _beside.c.site_id == enforcements.c.site_id,
                _beside.c.parent == enforcements.c.parent,
                _beside.c.state == leases.BUSY,
            ),
        )
        .order_by(enforcements.c.run_at, enforcements.c.id)
        .limit(1)
        .correlate(sites)
        .scalar_subquery()
    )
    options = select(first.label("id"), sites.c.enforced_at).where(sites.c.state == SiteState.ACTIVE).subquery()
    return select(options.c.id).where(options.c.id.is_not(None)).order_by(options.c.enforced_at, options.c.id).limit(1)


_NEXT = _next()
_ONE = _ALL.where(enforcements.c.id == bindparam("enforcement"))


def claim(connection: Connection, now: int, lease_us: int) -> Claim | None:
    """Lease the next due action of an active site."""
    row_id = connection.execute(_NEXT, {"now": now}).scalar_one_or_none()
    token = leases.lease(connection, enforcements, row_id, now, lease_us) if row_id is not None else None
    row = read_one(connection, _ONE, EnforcementRow, {"enforcement": row_id}) if token is not None else None
    if row is None or token is None:
        return None
    connection.execute(update(sites).where(sites.c.id == row.site_id).values(enforced_at=now))
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
        undo=_undo(connection, row.site_id, row.media_id, row.version),
        held=next((other.undo for other in others if other.state is WorkState.DONE and other.undo), None),
        others_blocked=len(others),
        restricted=decision.restricted,
        two_people=decision.two_people,
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


def _undo(connection: Connection, site_id: str, media_id: str, version: str) -> Undo | None:
    query = (
        select(enforcements.c.undo)
        .where(enforcements.c.site_id == site_id, enforcements.c.media_id == media_id, *_of_version(version))
        .where(enforcements.c.action == Action.HIDE, enforcements.c.state.in_([WorkState.DONE, WorkState.DRIFTED]))
        .order_by(enforcements.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def last_undo(connection: Connection, site_id: str, media_id: str) -> Undo | None:
    """Give what the last HIDE of an image returned, whichever its version was."""
    return _undo(connection, site_id, media_id, "")


def _of_version(version: str) -> list[ColumnElement[bool]]:
    return [enforcements.c.version == version] if version else []


def hides(connection: Connection, site_id: str, media_id: str, version: str = "") -> int | None:
    """Give the decision of our last word about an image, about one version of it when that is named, if it was a HIDE:
    made true, on its way, or tried with an unknown end."""
    tried = and_(enforcements.c.state == WorkState.SUPERSEDED, enforcements.c.attempts > 0)
    query = (
        select(enforcements.c.action, enforcements.c.decision_id)
        .where(enforcements.c.site_id == site_id, enforcements.c.media_id == media_id, *_of_version(version))
        .where(enforcements.c.action.in_(_TURNING))
        .where(or_(enforcements.c.state.in_((*_COUNTS, WorkState.PARKED, WorkState.DRIFTED)), tried))
        .order_by(enforcements.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return row.decision_id if row is not None and row.action is Action.HIDE else None


def end(connection: Connection, claim: Claim, state: WorkState, now: int, problem: str = "", undo: Undo | None = None) -> bool:
    return leases.end(connection, enforcements, claim.enforcement.id, claim.token, state, now, problem=problem, undo=undo)


def later(connection: Connection, claim: Claim, run_at: int, problem: str, *, stumbled: bool = False) -> bool:
    return leases.later(connection, enforcements, claim.enforcement.id, claim.token, run_at, problem, stumbled=stumbled)


def sweep(connection: Connection, now: int) -> int:
    return leases.sweep(connection, enforcements, now)


def look(connection: Connection, now: int) -> tuple[bool, bool]:
    return leases.look(connection, enforcements, now)


def parked(connection: Connection, site_id: str = "", limit: int = 50) -> list[EnforcementRow]:
    """List actions that need the owner: refused by the platform, or drifted."""
    query = _ALL.where(enforcements.c.state.in_([WorkState.PARKED, WorkState.DRIFTED]))
    if site_id:
        query = query.where(enforcements.c.site_id == site_id)
    return read_all(connection, query.order_by(enforcements.c.id.desc()).limit(limit), EnforcementRow)


def begin_anew(connection: Connection, site_id: str, now: int) -> None:
    """Count the hours that waiting actions are tried from now on: before, their site was not asked."""
    statement = update(enforcements).where(enforcements.c.site_id == site_id, enforcements.c.state == WorkState.DUE)
    connection.execute(statement.values(created_at=now))


def retry(connection: Connection, enforcement_id: int, now: int) -> bool:
    """Make a parked action due again, with its attempts counted anew."""
    statement = update(enforcements).where(enforcements.c.id == enforcement_id, enforcements.c.state == WorkState.PARKED)
    return (
        connection.execute(statement.values(state=WorkState.DUE, run_at=now, attempts=1, deaths=0, created_at=now)).rowcount == 1
    )


def dismiss(connection: Connection, enforcement_id: int, now: int) -> bool:
    """Put a parked or drifted action away: the owner has seen it."""
    statement = update(enforcements).where(
        enforcements.c.id == enforcement_id, enforcements.c.state.in_([WorkState.PARKED, WorkState.DRIFTED])
    )
    return connection.execute(statement.values(state=WorkState.SUPERSEDED, ended_at=now)).rowcount == 1


def delete_media(connection: Connection, site_id: str, media_id: str, now: int, version: str = "") -> None:
    """End what waits to be done to an image that is gone, to one version of it when that is named."""
    statement = (
        update(enforcements)
        .where(enforcements.c.site_id == site_id, enforcements.c.media_id == media_id)
        .where(enforcements.c.state.in_([WorkState.DUE, WorkState.PARKED]))
    )
    if version:
        statement = statement.where(enforcements.c.version == version)
    connection.execute(statement.values(state=WorkState.GONE, ended_at=now, problem="deleted at the platform"))


def delete_parent(connection: Connection, site_id: str, parent: str, now: int) -> None:
    connection.execute(
        update(enforcements)
        .where(enforcements.c.site_id == site_id, enforcements.c.parent == parent)
        .where(enforcements.c.state.in_([WorkState.DUE, WorkState.PARKED, WorkState.DRIFTED]))
        .values(state=WorkState.GONE, ended_at=now, problem="deleted at the platform")
    )


def of_decisions(connection: Connection, decision_ids: Sequence[int]) -> dict[int, EnforcementRow]:
    """Give the last action of each of these decisions."""
    query = _ALL.where(enforcements.c.decision_id.in_(decision_ids)).order_by(enforcements.c.id)
    return {row.decision_id: row for row in read_all(connection, query, EnforcementRow)}


def history(connection: Connection, site_id: str, media_id: str) -> list[EnforcementRow]:
    query = _ALL.where(enforcements.c.site_id == site_id, enforcements.c.media_id == media_id)
    return read_all(connection, query.order_by(enforcements.c.id.desc()), EnforcementRow)
