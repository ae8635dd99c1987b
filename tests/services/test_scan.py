from __future__ import annotations

import pytest

from app.db import jobs
from app.domain.errors import PlatformUnavailable
from app.domain.platform import Site
from app.services import scan, upkeep
from tests.services.test_moderate import settle, upload
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
    upkeep.tend_sites(bench.core, lambda: False)
    assert queued(bench, site) == 5
    bench.platform.images["late"] = b"late"
    upkeep.tend_sites(bench.core, lambda: False)
    assert queued(bench, site) == 5
    bench.clock.pass_seconds(86_401)
    upkeep.tend_sites(bench.core, lambda: False)
    assert queued(bench, site) == 6


def test_what_was_there_before_the_site_was_connected_is_left_to_a_scan(bench: Bench, site: Site) -> None:
    for n in range(4):
        bench.platform.created[str(n)] = bench.clock() - 1
    upkeep.tend_sites(bench.core, lambda: False)
    assert queued(bench, site) == 1
    assert list(scan.scan(bench.core, site.id))[-1].queued == 4


def test_an_old_picture_that_we_know_is_followed_when_its_bytes_change(bench: Bench, site: Site) -> None:
    for n in range(5):
        bench.platform.created[str(n)] = bench.clock() - 1
    upload(bench, site, "1", b"picture 1")
    bench.platform.images["1"] = b"other bytes"
    bench.clock.pass_seconds(86_401)
    upkeep.tend_sites(bench.core, lambda: False)
    assert queued(bench, site) == 2


def test_a_scan_that_was_asked_for_is_done_page_by_page_by_the_workers(bench: Bench, site: Site) -> None:
    for n in range(5):
        bench.platform.created[str(n)] = bench.clock() - 1
    scan.ask(bench.core, site.id, "owner")
    seen = []
    for _ in range(4):
        upkeep.tend_sites(bench.core, lambda: False)
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
    upkeep.tend_sites(bench.core, lambda: False)
    settle(bench)
    with bench.core.db.read() as connection:
        assert jobs.counts(connection, site.id) == {"done": 5, "gone": 1}
