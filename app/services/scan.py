"""Back-fill and reconciliation: compare what is at the platform with what we know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.db import audit, jobs, scans
from app.db import sites as site_rows
from app.domain.errors import PicwardError
from app.domain.jobs import Priority
from app.domain.media import MediaRef, Page
from app.domain.platform import Site
from app.services import moderate, sites
from app.services.core import Core


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
        scan_id = open_scan.id if open_scan else scans.begin(connection, site_id, now)
    cursor, seen, queued = (open_scan.cursor, open_scan.seen, open_scan.queued) if open_scan else ("", 0, 0)
    start = queued
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
                state="done" if done else "stopped" if full else "running",
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
    """Have a worker compare the whole listing with what we know, soon."""
    with core.db.write() as connection:
        sites.get(core, site_id)
        site_rows.change(connection, site_id, {"scanned_at": 0})
        audit.add(connection, core.now(), person, "scan.asked", "Asked to look at what is already there", site_id)
    core.wake()


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


def reconcile(core: Core, site: Site, stopping: Callable[[], bool]) -> int:
    """Queue what webhooks missed, with an upload's priority; return how many images that were."""
    cursor, missed = "", 0
    while not stopping():
        page = core.platform(site.platform).scan(site, cursor)
        fresh = _unknown(core, site, page.media)
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
