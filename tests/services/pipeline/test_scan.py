from __future__ import annotations

import pytest
from sqlalchemy.exc import DataError

from app.db import jobs
from app.dispatch import clock
from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.media import Page
from app.domain.platform import Site, SiteState
from app.domain.time import SECOND
from app.services.pipeline import scan
from app.services.sites import sites
from tests.services.pipeline.test_moderate import settle, upload
from tests.support.core import Bench


@pytest.fixture
def site(bench: Bench) -> Site:
    site = bench.site()
    for n in range(5):
        bench.platform.images[str(n)] = f"picture {n}".encode()
    return site


def queued(bench: Bench, site: Site) -> int:
    with bench.core.db.read() as connection:
        return sum(jobs.counts(connection, site.id).values())


def test_a_scan_goes_page_by_page_with_progress(bench: Bench, site: Site) -> None:
    steps = list(scan.scan(bench.core, site.id))
    assert [(step.seen, step.queued, step.done) for step in steps] == [(2, 2, False), (4, 4, False), (5, 5, True)]
    assert steps[0].total == 5


def test_a_dry_run_stores_nothing(bench: Bench, site: Site) -> None:
    assert list(scan.scan(bench.core, site.id, dry_run=True))[-1].queued == 5
    assert queued(bench, site) == 0


def test_known_pictures_are_not_queued_again(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"picture 1")
    settle(bench)
    assert list(scan.scan(bench.core, site.id))[-1].queued == 4


def test_an_interrupted_scan_goes_on_from_its_cursor(bench: Bench, site: Site) -> None:
    steps = scan.scan(bench.core, site.id)
    next(steps)
    bench.platform.trouble["scan"] = PlatformUnavailable("away")
    with pytest.raises(PlatformUnavailable):
        next(steps)
    bench.platform.trouble.clear()
    again = list(scan.scan(bench.core, site.id))
    assert [step.seen for step in again] == [4, 5]
    assert queued(bench, site) == 5


def test_a_budget_stops_and_the_next_call_goes_on_without_a_gap(bench: Bench, site: Site) -> None:
    seen = []
    for _ in range(3):
        last = list(scan.scan(bench.core, site.id, budget=2))[-1]
        seen.append((queued(bench, site), last.done))
    assert seen == [(2, False), (4, False), (5, True)]


def test_reconciliation_finds_what_no_webhook_told(bench: Bench, site: Site) -> None:
    clock.run_due(bench.core)
    assert queued(bench, site) == 5
    bench.platform.images["late"] = b"late"
    clock.run_due(bench.core)
    assert queued(bench, site) == 5
    bench.clock.pass_seconds(86_401)
    clock.run_due(bench.core)
    assert queued(bench, site) == 6


def test_what_was_there_before_the_site_was_connected_is_left_to_a_scan(bench: Bench, site: Site) -> None:
    for n in range(4):
        bench.platform.created[str(n)] = bench.clock() - 1
    clock.run_due(bench.core)
    assert queued(bench, site) == 1
    assert list(scan.scan(bench.core, site.id))[-1].queued == 4


def test_an_old_picture_that_we_know_is_followed_when_its_bytes_change(bench: Bench, site: Site) -> None:
    for n in range(5):
        bench.platform.created[str(n)] = bench.clock() - 1
    upload(bench, site, "1", b"picture 1")
    bench.platform.images["1"] = b"other bytes"
    bench.clock.pass_seconds(86_401)
    clock.run_due(bench.core)
    assert queued(bench, site) == 2


def test_a_scan_that_was_asked_for_is_done_slice_by_slice_by_the_workers(bench: Bench, site: Site) -> None:
    for n in range(5):
        bench.platform.created[str(n)] = bench.clock() - 1
    scan.ask(bench.core, site.id, "owner")
    seen = []
    for _ in range(4):
        scan.step(bench.core, site.id, lambda: True)  # a slice is one page
        progress = scan.last(bench.core, site.id)
        assert progress is not None
        seen.append((progress.seen, progress.done))
    assert seen == [(2, False), (4, False), (5, True), (5, True)]
    assert queued(bench, site) == 5


def test_reconciliation_finds_a_version_that_is_back(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"picture 1")
    bench.platform.images["1"] = b"other"
    settle(bench)
    bench.platform.images["1"] = b"picture 1"
    clock.run_due(bench.core)
    settle(bench)
    with bench.core.db.read() as connection:
        assert jobs.counts(connection, site.id) == {"done": 5, "gone": 1}


def work(bench: Bench, site: Site, times: int) -> None:
    for _ in range(times):
        scan.step(bench.core, site.id, lambda: False)


def test_a_count_is_done_by_workers_and_queues_nothing(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"picture 1")
    settle(bench)
    scan.ask(bench.core, site.id, "Ada", dry_run=True)
    asked = scan.last(bench.core, site.id, dry_run=True)
    assert asked is not None
    assert (asked.running, asked.done) == (True, False)
    work(bench, site, 1)
    counted = scan.last(bench.core, site.id, dry_run=True)
    assert counted is not None
    assert (counted.seen, counted.queued, counted.total, counted.done, counted.running) == (5, 4, 5, True, False)
    assert queued(bench, site) == 1
    assert scan.last(bench.core, site.id) is None
    scan.ask(bench.core, site.id, "Ada", dry_run=True)
    fresh = scan.last(bench.core, site.id, dry_run=True)
    assert fresh is not None
    assert fresh.seen == 0, "a count always starts anew"


def test_a_count_between_does_not_lose_an_interrupted_scan(bench: Bench, site: Site) -> None:
    steps = scan.scan(bench.core, site.id)
    next(steps)
    steps.close()
    scan.ask(bench.core, site.id, "Ada", dry_run=True)
    work(bench, site, 1)
    assert [step.seen for step in scan.scan(bench.core, site.id)] == [4, 5]


def test_an_asked_scan_keeps_to_its_budget_and_goes_on_when_asked_again(bench: Bench, site: Site) -> None:
    seen = []
    for _ in range(3):
        scan.ask(bench.core, site.id, "Ada", budget=2)
        work(bench, site, 5)
        last = scan.last(bench.core, site.id)
        assert last is not None
        seen.append((queued(bench, site), last.done, last.running))
    assert seen == [(2, False, False), (4, False, False), (5, True, False)]


def test_a_scan_is_stopped_between_pages_and_goes_on_when_asked_again(bench: Bench, site: Site) -> None:
    scan.ask(bench.core, site.id, "Ada")
    steps = scan._go_on(bench.core, site)
    next(steps)
    scan.stop(bench.core, site.id, "Ada")
    assert [step.seen for step in steps] == [4], "the page that it is at is finished"
    work(bench, site, 2)
    assert queued(bench, site) == 4
    last = scan.last(bench.core, site.id)
    assert last is not None
    assert (last.running, last.done) == (False, False)
    scan.ask(bench.core, site.id, "Ada")
    work(bench, site, 2)
    assert queued(bench, site) == 5
    scan.stop(bench.core, site.id, "Ada")
    assert [line[2] for line in sites.trail(bench.core, site.id)].count("Stopped the look at what is already there") == 1


def test_why_a_scan_stopped_is_told(bench: Bench, site: Site) -> None:
    scan.ask(bench.core, site.id, "Ada")
    bench.platform.trouble["scan"] = PlatformRefused("it is asleep")
    work(bench, site, 1)
    last = scan.last(bench.core, site.id)
    assert last is not None
    assert (last.running, last.problem) == (False, "it is asleep")


def test_a_workers_scan_waits_for_a_platform_that_is_away(bench: Bench, site: Site) -> None:
    scan.ask(bench.core, site.id, "Ada")
    bench.platform.trouble["scan"] = PlatformUnavailable("it is asleep")
    scan.step(bench.core, site.id, lambda: False)
    last = scan.last(bench.core, site.id)
    assert last is not None and (last.running, last.problem) == (True, "it is asleep")
    bench.platform.trouble.clear()
    scan.step(bench.core, site.id, lambda: False)
    assert queued(bench, site) == 0
    bench.clock.pass_seconds(scan.AWAY_SECONDS + 1)
    scan.step(bench.core, site.id, lambda: False)
    last = scan.last(bench.core, site.id)
    assert last is not None and (last.done, last.problem) == (True, "")
    assert queued(bench, site) == 5


@pytest.mark.parametrize("counting", [False, True])
def test_what_cannot_be_stored_of_a_scan_is_noted_and_tried_later(
    bench: Bench, site: Site, counting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def odd(site: Site, cursor: str = "") -> Page:
        asked.append(cursor)
        return Page((), "no database takes \ud800")

    scan.ask(bench.core, site.id, "Ada", dry_run=counting)
    with monkeypatch.context() as patched:
        patched.setattr(bench.platform, "scan", odd)
        at = scan.step(bench.core, site.id, lambda: False)
        assert at == bench.clock() + scan.AWAY_SECONDS * SECOND
        scan.step(bench.core, site.id, lambda: False)
        assert asked == [""], "it is not asked again at once"
        last = scan.last(bench.core, site.id, dry_run=counting)
        assert last is not None and last.running and "surrogates not allowed" in last.problem
        bench.clock.pass_seconds(scan.AWAY_SECONDS + 1)
        scan.step(bench.core, site.id, lambda: False)
        assert asked == ["", ""]
    bench.clock.pass_seconds(scan.AWAY_SECONDS + 1)
    assert scan.step(bench.core, site.id, lambda: False) is None
    last = scan.last(bench.core, site.id, dry_run=counting)
    assert last is not None and (last.seen, last.queued, last.done, last.problem) == (5, 5, True, "")


def test_a_scan_that_can_never_be_stored_stops(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.platform, "scan", lambda site, cursor="": Page((), "no database takes \ud800"))
    scan.ask(bench.core, site.id, "Ada")
    bench.clock.pass_seconds(25 * 3600)
    assert scan.step(bench.core, site.id, lambda: False) is None
    last = scan.last(bench.core, site.id)
    assert last is not None and not last.running and last.problem


def test_what_a_database_says_is_not_told_with_its_statement(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise DataError("INSERT INTO jobs (media_id) VALUES (?)", ("secret/a\x00.png",), OSError("disk full"))

    monkeypatch.setattr(scan.moderate, "add_jobs", full)
    scan.ask(bench.core, site.id, "Ada")
    scan.step(bench.core, site.id, lambda: False)
    last = scan.last(bench.core, site.id)
    assert last is not None and last.running
    assert last.problem == "What was found could not be stored (DataError)."


def test_a_platform_that_stays_away_stops_a_scan(bench: Bench, site: Site) -> None:
    scan.ask(bench.core, site.id, "Ada")
    bench.platform.trouble["scan"] = PlatformUnavailable("it is asleep")
    bench.clock.pass_seconds(25 * 3600)
    scan.step(bench.core, site.id, lambda: False)
    last = scan.last(bench.core, site.id)
    assert last is not None and not last.running


def test_a_scan_by_hand_that_fell_silent_counts_as_interrupted(bench: Bench, site: Site) -> None:
    steps = scan.scan(bench.core, site.id)
    next(steps)
    assert scan.last(bench.core, site.id) == scan.Progress(2, 2, 5, False, running=True)
    bench.clock.pass_seconds(scan.SILENT_SECONDS + 1)
    assert scan.last(bench.core, site.id) == scan.Progress(2, 2, 5, False)


def test_a_paused_or_removed_sites_scan_waits(bench: Bench, site: Site) -> None:
    scan.ask(bench.core, site.id, "Ada")
    sites.set_state(bench.core, site.id, SiteState.PAUSED, "Ada")
    clock.run_due(bench.core)
    assert queued(bench, site) == 0
    sites.set_state(bench.core, site.id, SiteState.ACTIVE, "Ada")
    clock.run_due(bench.core)
    assert queued(bench, site) == 5
    last = scan.last(bench.core, site.id)
    assert last is not None and last.done


def test_what_no_webhook_told_of_is_counted(bench: Bench, site: Site) -> None:
    for _ in range(2):
        clock.run_due(bench.core)
        bench.clock.pass_seconds(86_401)
    assert sites.summary(bench.core, site.id)["missed"] == 5
