"""Scans of what is at the platforms: how far each came, and where it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

from sqlalchemy import Connection, insert, select, update

from app.db.sql import columns, read_all, read_one
from app.db.tables import scans
from app.domain.jobs import ScanState


@dataclass(frozen=True, slots=True)
class ScanRow:
    """Hold a scan. `cursor` is where it goes on; at `stop_at` pictures queued it is enough, 0 for no limit."""

    id: int
    cursor: str
    total: int | None
    seen: int
    queued: int
    state: ScanState
    problem: str
    started_at: int
    updated_at: int
    stop_at: int


class ScanChange(TypedDict, total=False):
    """Name the columns that may be changed by themselves."""

    cursor: str
    total: int | None
    seen: int
    queued: int
    state: ScanState
    problem: str
    updated_at: int
    run_at: int
    stop_at: int


def begin(connection: Connection, site_id: str, state: ScanState, now: int, *, counting: bool = False, stop_at: int = 0) -> int:
    """Begin a scan: RUNNING by who calls, or ASKED for, to be done by a worker page by page."""
    blank = {"cursor": "", "seen": 0, "queued": 0, "problem": "", "started_at": now, "updated_at": now}
    statement = insert(scans).values(site_id=site_id, state=state, counting=counting, stop_at=stop_at, **blank)
    return int(connection.execute(statement.returning(scans.c.id)).scalar_one())


def unfinished(connection: Connection, site_id: str, *, counting: bool = False) -> ScanRow | None:
    """Give the last scan of a site if it was interrupted: it goes on from its cursor."""
    row = last(connection, site_id, counting=counting)
    return row if row is not None and row.state is not ScanState.DONE else None


@dataclass(frozen=True, slots=True)
class AskedScan:
    """Hold a scan that waits for a worker's next page; `counting` is a mere count, and `run_at` when the platform is ready."""

    counting: bool
    run_at: int


def asked(connection: Connection, site_id: str) -> list[AskedScan]:
    """Give the scans of a site that were asked for and are not done, the first one first."""
    query = select(*columns(scans, AskedScan)).where(scans.c.site_id == site_id, scans.c.state == ScanState.ASKED)
    return read_all(connection, query.order_by(scans.c.id), AskedScan)


def asked_of(connection: Connection, site_ids: Sequence[str]) -> set[str]:
    """Give those of these sites that a scan was asked for that is not done."""
    query = select(scans.c.site_id).where(scans.c.site_id.in_(site_ids), scans.c.state == ScanState.ASKED)
    return set(connection.execute(query).scalars())


def stop(connection: Connection, site_id: str) -> int:
    """Stop what is asked for or at work; return how many scans that were."""
    statement = update(scans).where(scans.c.site_id == site_id, scans.c.state.in_([ScanState.ASKED, ScanState.RUNNING]))
    return connection.execute(statement.values(state=ScanState.STOPPED)).rowcount


def hurry(connection: Connection, site_id: str, now: int) -> None:
    """Go on with a waiting scan now."""
    statement = update(scans).where(scans.c.site_id == site_id, scans.c.state == ScanState.ASKED, scans.c.run_at > now)
    connection.execute(statement.values(run_at=now))


def last(connection: Connection, site_id: str, *, counting: bool = False) -> ScanRow | None:
    query = select(*columns(scans, ScanRow)).where(scans.c.site_id == site_id, scans.c.counting.is_(counting))
    return read_one(connection, query.order_by(scans.c.id.desc()).limit(1), ScanRow)


def advance(connection: Connection, scan_id: int, **changes: Unpack[ScanChange]) -> None:
    connection.execute(update(scans).where(scans.c.id == scan_id).values(**changes))


def state(connection: Connection, scan_id: int) -> ScanState:
    return ScanState(connection.execute(select(scans.c.state).where(scans.c.id == scan_id)).scalar_one())
