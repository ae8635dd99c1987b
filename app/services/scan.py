"""Back-fill and reconciliation: compare what is at the platform with what we know."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from app.db import audit, jobs, scans
from app.domain.errors import PicwardError
from app.domain.jobs import Priority
from app.domain.media import MediaRef, Page
from app.domain.platform import Site
from app.services import moderate, sites
from app.services.core import Core

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """Hold how far a scan is: images seen and queued so far, and the total when the platform tells it."""

    seen: int
    queued: int
    total: int | None
    done: bool


def scan(core: Core, site_id: str, *, budget: int = 0, dry_run: bool = False, afresh: bool = False) -> Iterator[Progress]:
    """Queue every image that is there and unknown to us, page by page, yielding after each.

    An interrupted scan goes on from its cursor unless `afresh`. `budget` is the most images to queue, 0 for no limit; at
    the budget the scan stops and the next call goes on. A dry run stores nothing.
    """
    site = sites.get(core, site_id)
    if dry_run:
        yield from _dry(core, site)
        return
    now = core.now()
    with core.db.write() as connection:
        open_scan = None if afresh else scans.unfinished(connection, site_id)
        scan_id = open_scan.id if open_scan else scans.begin(connection, site_id, "running", now)
    cursor, seen, queued = (open_scan.cursor, open_scan.seen, open_scan.queued) if open_scan else ("", 0, 0)
    start = queued
    going = "asked" if open_scan and open_scan.state == "asked" else "running"
    while True:
        try:
            page = core.platform(site.platform).scan(site, cursor)
        except PicwardError as error:
            with core.db.write() as connection:
                scans.advance(connection, scan_id, state="stopped", problem=str(error), updated_at=core.now())
            raise
        added, taken, full = _queue(core, site, page, budget - (queued - start) if budget else None)
        seen, queued, cursor = seen + taken, queued + added, cursor if full else page.cursor
        done = not full and not page.cursor
        with core.db.write() as connection:
            scans.advance(
                connection,
                scan_id,
                cursor=cursor,
                seen=seen,
                queued=queued,
                total=page.total,
                updated_at=core.now(),
                state="done" if done else "stopped" if full else going,
                problem="",
            )
            if done or full:
                text = f"{seen} pictures seen, {queued} queued" + ("" if done else "; the budget is used up")
                audit.add(connection, core.now(), "worker", "scan", text, site_id)
        core.wake()
        yield Progress(seen, queued, page.total, done)
        if done or full:
            return


def ask(core: Core, site_id: str, person: str) -> None:
    """Have the workers look at everything that is there, page by page, beside their other work."""
    with core.db.write() as connection:
        sites.get(core, site_id)
        ask_within(connection, site_id, person, core.now())
    core.wake()


def ask_within(connection: Connection, site_id: str, person: str, now: int) -> None:
    """Ask for a scan in the caller's transaction; one that was interrupted goes on."""
    unfinished = scans.unfinished(connection, site_id)
    if unfinished is None:
        scans.begin(connection, site_id, "asked", now)
    else:
        scans.advance(connection, unfinished.id, state="asked", problem="")
    audit.add(connection, now, person, "scan.asked", "Asked to look at what is already there", site_id)


def step(core: Core) -> None:
    """Do the next page of every scan that was asked for; called again and again, it survives any kill."""
    with core.db.read() as connection:
        asked = scans.asked(connection)
    for site_id in asked:
        try:
            next(scan(core, site_id), None)
        except PicwardError as error:
            log.warning("the scan of site %s stopped: %s", site_id, error)


def last(core: Core, site_id: str) -> Progress | None:
    """Give how far the last back-fill came; None when there was none."""
    with core.db.read() as connection:
        row = scans.last(connection, site_id)
    return Progress(row.seen, row.queued, row.total, row.state == "done") if row is not None else None


def _queue(core: Core, site: Site, page: Page, left: int | None) -> tuple[int, int, bool]:
    fresh = _unknown(core, site, page.media)
    full = left is not None and len(fresh) > left
    chosen = fresh[:left] if full and left is not None else fresh
    with core.db.write() as connection:
        added = sum(moderate.queue(connection, site.id, media, Priority.BACKFILL, core.now()) for media in chosen)
    return added, 0 if full else len(page.media), full


def _unknown(core: Core, site: Site, media: tuple[MediaRef, ...]) -> list[MediaRef]:
    with core.db.read() as connection:
        known = jobs.known(connection, site.id, media)
    return [item for item in media if (item.id, item.version) not in known]


def _dry(core: Core, site: Site) -> Iterator[Progress]:
    cursor, seen, fresh = "", 0, 0
    while True:
        page = core.platform(site.platform).scan(site, cursor)
        seen += len(page.media)
        fresh += len(_unknown(core, site, page.media))
        yield Progress(seen, fresh, page.total, not page.cursor)
        if not page.cursor:
            return
        cursor = page.cursor


def reconcile(core: Core, site: Site, since: int, stopping: Callable[[], bool]) -> int:
    """Queue what webhooks missed, with an upload's priority; return how many images that were.

    What came to the platform before `since`, and is wholly unknown to us, was not missed: the owner asks for it by `scan`.
    """
    cursor, missed = "", 0
    while not stopping():
        page = core.platform(site.platform).scan(site, cursor)
        fresh = _missed(core, site, _unknown(core, site, page.media), since)
        if fresh:
            with core.db.write() as connection:
                missed += sum(moderate.queue(connection, site.id, media, Priority.UPLOAD, core.now()) for media in fresh)
            core.wake()
        if not page.cursor:
            break
        cursor = page.cursor
    if missed:
        with core.db.write() as connection:
            audit.add(
                connection,
                core.now(),
                "worker",
                "reconciled",
                f"{missed} pictures that no webhook had told of were found",
                site.id,
            )
    return missed


def _missed(core: Core, site: Site, unknown: list[MediaRef], since: int) -> list[MediaRef]:
    with core.db.read() as connection:
        seen = jobs.seen(connection, site.id, unknown)
    return [media for media in unknown if media.id in seen or not 0 < media.created_at < since]
