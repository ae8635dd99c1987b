"""Back-fill and reconciliation: compare what is at the platform with what we know."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from app.db import audit, enforcements, jobs, scans, tasks
from app.db import sites as rows
from app.db.scans import ScanChange, ScanRow
from app.db.sites import SiteRow
from app.db.sql import said_by_database
from app.domain.errors import PicwardError, PlatformUnavailable
from app.domain.jobs import Priority, ScanState
from app.domain.media import MediaRef, Page
from app.domain.platform import Site
from app.domain.tasks import TIMINGS, Task
from app.domain.time import HOUR, SECOND
from app.services.core import Core
from app.services.pipeline import moderate
from app.services.sites import sites

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scan is: images seen and queued so far, and the total when the platform tells it.

    With `wait_seconds` the platform is still preparing its listing, and is not to be asked before that time. A scan that is
    neither done nor running has stopped, because of `problem` when there is one.
    """

    seen: int
    queued: int
    total: int | None
    done: bool
    wait_seconds: float = 0.0
    running: bool = False
    problem: str = ""


def scan(core: Core, site_id: str, *, budget: int = 0, dry_run: bool = False, afresh: bool = False) -> Iterator[Progress]:
    """Queue every image that is there and unknown to us, page by page, yielding after each.

    An interrupted scan goes on from its cursor unless `afresh`. `budget` is the most images to queue, 0 for no limit; at
    the budget the scan stops and the next call goes on. A dry run stores nothing. The caller waits when it is told to.
    """
    site = sites.get(core, site_id)
    yield from _dry(core, site) if dry_run else _go_on(core, site, budget=budget, afresh=afresh)


def _go_on(core: Core, site: Site, *, budget: int = 0, afresh: bool = False, counting: bool = False) -> Iterator[Progress]:
    """Begin a stored scan or go on with one, page by page; one that only counts queues nothing."""
    now = core.now()
    with core.db.write() as connection:
        known = None if afresh else scans.unfinished(connection, site.id, counting=counting)
        scan_id = known.id if known else scans.begin(connection, site.id, ScanState.RUNNING, now, counting=counting)
        if known and known.state is ScanState.STOPPED:
            scans.advance(connection, scan_id, state=ScanState.RUNNING, problem="")
    cursor, seen, queued = (known.cursor, known.seen, known.queued) if known else ("", 0, 0)
    enough = queued + budget if budget else known.stop_at if known and known.state is ScanState.ASKED else 0
    while True:
        with _noted(core, known, scan_id, PlatformUnavailable):
            page = core.platform(site.platform).scan(site, cursor)
        with _noted(core, known, scan_id, Exception):  # the database may be able to later
            if counting:
                added, taken, full = len(_unknown(core, site, page.media)), len(page.media), False
            else:
                added, taken, full = _add_jobs(core, site, page, max(enough - queued, 0) if enough else None)
            seen, queued, cursor = seen + taken, queued + added, cursor if full else page.cursor
            done = not full and not page.cursor
            now = core.now()
            change: ScanChange = {"cursor": cursor, "seen": seen, "queued": queued, "total": page.total, "problem": ""}
            change |= {"updated_at": now, "run_at": now + int(page.wait_seconds * SECOND)}
            if done or full:
                change["state"] = ScanState.DONE if done else ScanState.STOPPED
            with core.db.write() as connection:
                scans.advance(connection, scan_id, **change)
                stopped = scans.state(connection, scan_id) is ScanState.STOPPED
                if done or full:
                    text = f"{seen} pictures seen, {queued} {'of them unknown' if counting else 'queued'}"
                    text += "" if done else "; the budget is used up"
                    audit.add(connection, core.now(), "worker", "scan", text, site.id)
        core.wake()
        yield Progress(seen, queued, page.total, done, page.wait_seconds, running=not (done or stopped))
        if done or stopped:
            return


AWAY_SECONDS = 60
"""How long a worker's scan waits after a failure that may pass, where nobody says for how long."""


@contextmanager
def _noted(core: Core, known: ScanRow | None, scan_id: int, passing: type[Exception]) -> Iterator[None]:
    """Note why a scan cannot go on, and when it is tried again after an error that may pass."""
    try:
        yield
    except Exception as error:
        again_at = _again_at(core, known, error) if isinstance(error, passing) else 0
        later: ScanChange = {"run_at": again_at} if again_at else {"state": ScanState.STOPPED}
        later |= {"problem": _told(error), "updated_at": core.now()}
        with core.db.write() as connection:
            scans.advance(connection, scan_id, **later)
        raise


def _told(error: Exception) -> str:
    if said_by_database(error):  # its text holds the whole statement
        return f"What was found could not be stored ({type(error).__name__})."
    return str(error) if isinstance(error, PicwardError) else f"{type(error).__name__}: {error}"


def _again_at(core: Core, known: ScanRow | None, error: Exception) -> int:
    """Say when a worker's scan is tried again after what may pass; 0 when it stops: it is over, or by hand."""
    if known is None or known.state is not ScanState.ASKED:
        return 0
    if core.now() - known.started_at > core.limits.fetch_hours * HOUR:
        return 0
    asked = error.retry_after if isinstance(error, PlatformUnavailable) else None
    return core.now() + int(max(asked or 0, AWAY_SECONDS) * SECOND)


def ask(core: Core, site_id: str, person: str, *, budget: int = 0, dry_run: bool = False) -> None:
    """Queue a look at everything that is there: page by page, beside the workers' other work.

    `budget` is the most images to queue, 0 for no limit; a dry run only counts what would be queued, always from the start.
    """
    with core.db.write() as connection:
        sites.get(core, site_id)
        if not dry_run:
            ask_within(connection, site_id, person, core.now(), budget)
        elif (known := scans.last(connection, site_id, counting=True)) is None or known.state is not ScanState.ASKED:
            scans.begin(connection, site_id, ScanState.ASKED, core.now(), counting=True)
            tasks.ask(connection, site_id, Task.SCAN, core.now(), core.now())
            audit.add(connection, core.now(), person, "scan.asked", "Asked to count what is already there", site_id)
    core.wake()


def ask_within(connection: Connection, site_id: str, person: str, now: int, budget: int = 0) -> None:
    """Ask for a scan in the caller's transaction; one that was interrupted goes on."""
    unfinished = scans.unfinished(connection, site_id)
    if unfinished is None:
        scans.begin(connection, site_id, ScanState.ASKED, now, stop_at=budget)
    else:
        enough = unfinished.queued + budget if budget else 0
        scans.advance(connection, unfinished.id, state=ScanState.ASKED, problem="", run_at=0, stop_at=enough, updated_at=now)
    tasks.ask(connection, site_id, Task.SCAN, now, now)
    most = f", at most {budget} pictures" if budget else ""
    audit.add(connection, now, person, "scan.asked", f"Asked to look at what is already there{most}", site_id)


def stop(core: Core, site_id: str, person: str) -> None:
    """Stop a site's scans after the page that they are at; asked again, they go on from there."""
    with core.db.write() as connection:
        if scans.stop(connection, site_id):
            audit.add(connection, core.now(), person, "scan.stopped", "Stopped the look at what is already there", site_id)


def step(core: Core, site_id: str, stopping: Callable[[], bool]) -> int | None:
    """Look at the next pages of a site's scans that were asked for; return when to go on, None when all are done.

    Called again and again, it survives any kill.
    """
    with core.db.read() as connection:
        asked = scans.asked(connection, site_id)
    for one in asked:
        if not core.now() < one.run_at <= core.now() + TIMINGS[Task.SCAN].longest:
            _step(core, site_id, one.counting, stopping)
    with core.db.read() as connection:
        left = scans.asked(connection, site_id)
    return min((max(one.run_at, core.now()) for one in left), default=None)


def _step(core: Core, site_id: str, counting: bool, stopping: Callable[[], bool]) -> None:
    try:
        for progress in _go_on(core, sites.get(core, site_id), counting=counting):
            if progress.wait_seconds or stopping():
                break
    except PicwardError as error:
        log.warning("the scan of site %s stopped: %s", site_id, error)
    except Exception:  # the scan tells why on the site's page, and its other one goes on
        log.exception("the scan of site %s stopped", site_id)


def hurry(connection: Connection, site_id: str, now: int) -> None:
    """Resume a scan that waits for its platform now, in the caller's transaction; begin none."""
    scans.hurry(connection, site_id, now)
    tasks.hurry(connection, site_id, Task.SCAN, now, now)


def estimate(core: Core, site_id: str) -> str:
    """Estimate what looking at everything costs at the platform, "" when nothing."""
    site = sites.get(core, site_id)
    return core.platform(site.platform).estimate(site)


SILENT_SECONDS = 300
"""After so long without a page, a scan that a person runs by hand is taken for interrupted; the slowest page takes less."""


def last(core: Core, site_id: str, *, dry_run: bool = False) -> Progress | None:
    """Report how far the last back-fill came, or the last count of one; None when there was none."""
    with core.db.read() as connection:
        row = scans.last(connection, site_id, counting=dry_run)
    if row is None:
        return None
    heard = core.now() - row.updated_at < SILENT_SECONDS * SECOND
    running = row.state is ScanState.ASKED or (row.state is ScanState.RUNNING and heard)
    return Progress(row.seen, row.queued, row.total, row.state is ScanState.DONE, running=running, problem=row.problem)


def _add_jobs(core: Core, site: Site, page: Page, left: int | None) -> tuple[int, int, bool]:
    fresh = _unknown(core, site, page.media)
    full = left is not None and len(fresh) > left
    chosen = fresh[:left] if full and left is not None else fresh
    with core.db.write() as connection:
        added = moderate.add_jobs(connection, site.id, chosen, Priority.BACKFILL, core.now())
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
        yield Progress(seen, fresh, page.total, not page.cursor, page.wait_seconds)
        if not page.cursor:
            return
        cursor = page.cursor


@dataclass(slots=True)
class _Sweep:
    """Hold how far a reconciliation is: when it began, since when changes are looked at, the next page, what was missed."""

    begun: int
    since: int
    cursor: str = ""
    missed: int = 0


SWEEP_MARGIN_SECONDS = 900
"""How far back of the last reconciliation the next one looks: platforms' clocks and indexes lag by minutes."""


def reconcile(core: Core, row: SiteRow, place: str, stopping: Callable[[], bool]) -> str:
    """Queue what webhooks missed among what changed since the last time, with an upload's priority.

    It goes on at `place`, "" for the beginning, and returns where it stopped, "" when it is done. What came to the platform
    before the site was connected, and is wholly unknown to us, was not missed: the owner asks for it by `scan`.
    """
    connected_at = row.paired_at or 0
    if place:
        sweep = _Sweep(**json.loads(place))
    else:
        since = max(row.swept_at or connected_at, connected_at) - SWEEP_MARGIN_SECONDS * SECOND
        sweep = _Sweep(core.now(), since)
        with core.db.write() as connection:
            rows.change(connection, row.id, scanned_at=sweep.begun)
    site = sites.open_site(core, row)
    while True:
        page = core.platform(site.platform).changed(site, sweep.since, sweep.cursor)
        sweep.missed += _add_missed(core, site, page, connected_at)
        _look_again(core, site, page)
        sweep.cursor = page.cursor
        if not page.cursor:
            break
        if stopping():
            return json.dumps(asdict(sweep))
    with core.db.write() as connection:
        rows.change(connection, row.id, swept_at=sweep.begun)
        if sweep.missed:
            text = f"{sweep.missed} pictures that no webhook had told of were found"
            audit.add(connection, core.now(), "worker", "reconciled", text, site.id)
    return ""


def _add_missed(core: Core, site: Site, page: Page, connected_at: int) -> int:
    fresh = _missed(core, site, _unknown(core, site, page.media), connected_at)
    if not fresh:
        return 0
    with core.db.write() as connection:
        found = moderate.add_jobs(connection, site.id, fresh, Priority.UPLOAD, core.now())
        rows.count_missed(connection, site.id, found)
    core.wake()
    return found


def _look_again(core: Core, site: Site, page: Page) -> None:
    """Look at the hides of what people can see: another may have shown it again."""
    with core.db.read() as connection:
        hidden = [parent for parent in page.shown if enforcements.hiding(connection, site.id, parent)]
    if hidden:
        with core.db.write() as connection:
            for parent in hidden:
                enforcements.look_again(connection, site.id, parent, page.shown[parent], core.now())
        core.wake()


def _missed(core: Core, site: Site, unknown: list[MediaRef], since: int) -> list[MediaRef]:
    with core.db.read() as connection:
        seen = jobs.seen(connection, site.id, unknown)
    return [media for media in unknown if media.id in seen or not 0 < media.created_at < since]
