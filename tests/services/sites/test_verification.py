"""Vendors' published keys are fetched by the clock, once among all workers, and only while somebody needs them."""

from __future__ import annotations

import threading
from typing import ClassVar

import pytest

from app.db import sites as rows
from app.dispatch import clock
from app.dispatch.holding import Held
from app.domain.errors import PlatformUnavailable
from app.domain.platform import SiteState
from app.services.sites import sites, verification
from app.services.sites.verification import AGAIN_SECONDS, LATE_SECONDS, Published
from tests.support.core import Bench, PaperPlatform

EVERY = 900


class Publishing(PaperPlatform):
    verification_keys_seconds: ClassVar[int] = EVERY

    def __init__(self) -> None:
        super().__init__()
        self.fetches, self.away = 0, False

    def fetch_verification_keys(self) -> str:
        self.fetches += 1
        if self.away:
            raise PlatformUnavailable("nobody answers")
        return f"keys {self.fetches}"


@pytest.fixture
def vendor(bench: Bench) -> Publishing:
    vendor = Publishing()
    bench.core.platforms["paper"] = vendor
    return vendor


def due(bench: Bench) -> None:
    verification.fetch_due(bench.core)


def latest(bench: Bench) -> str:
    keys = Published(bench.core.db)("paper")
    return keys.text if keys is not None else ""


def test_nobody_is_asked_while_no_site_is_connected(bench: Bench, vendor: Publishing) -> None:
    due(bench)
    site = bench.site()
    for state in (SiteState.PAIRING, SiteState.REMOVED):
        with bench.core.db.write() as connection:
            rows.change(connection, site.id, state=state)
        due(bench)
    assert (vendor.fetches, latest(bench)) == (0, "")
    for state in verification.CONNECTED:
        with bench.core.db.write() as connection:
            rows.change(connection, site.id, state=state)
        due(bench)
        bench.clock.pass_seconds(EVERY + 1)
    assert (vendor.fetches, latest(bench)) == (2, "keys 2")


def test_the_clock_fetches_when_it_is_due_and_however_many_sites_there_are(bench: Bench, vendor: Publishing) -> None:
    for _ in range(3):
        bench.site()
    for _ in range(5):
        clock.run_due(bench.core)
    assert vendor.fetches == 1
    bench.clock.pass_seconds(EVERY)
    clock.run_due(bench.core)
    assert (vendor.fetches, latest(bench)) == (2, "keys 2")


def test_one_flight_among_many_workers(bench: Bench, vendor: Publishing) -> None:
    bench.site()
    gate = threading.Barrier(6)

    def work() -> None:
        gate.wait()
        while clock.run_next(bench.core, Held(threading.Event())):
            pass

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (vendor.fetches, latest(bench)) == (1, "keys 1")


def test_a_vendor_that_is_away_is_asked_once_a_minute_and_its_old_keys_stay(bench: Bench, vendor: Publishing) -> None:
    site = bench.site()
    due(bench)
    vendor.away = True
    bench.clock.pass_seconds(EVERY)
    for _ in range(3):
        due(bench)
    assert (vendor.fetches, latest(bench)) == (2, "keys 1")
    bench.clock.pass_seconds(AGAIN_SECONDS)
    due(bench)
    assert vendor.fetches == 3
    assert problem(bench, site.id) == "", "a hiccup is no trouble of the site"
    bench.clock.pass_seconds(LATE_SECONDS)
    due(bench)
    assert "publishes cannot be fetched" in problem(bench, site.id)
    vendor.away = False
    bench.clock.pass_seconds(AGAIN_SECONDS)
    due(bench)
    assert (problem(bench, site.id), latest(bench)) == ("", "keys 5")


def test_another_trouble_of_a_site_is_neither_covered_nor_cleared(bench: Bench, vendor: Publishing) -> None:
    site = bench.site()
    sites.note_problem(bench.core, site.id, "", "The disk is full.")
    vendor.away = True
    due(bench)
    assert problem(bench, site.id) == "The disk is full."
    vendor.away = False
    bench.clock.pass_seconds(AGAIN_SECONDS)
    due(bench)
    assert problem(bench, site.id) == "The disk is full."


def problem(bench: Bench, site_id: str) -> str:
    with bench.core.db.read() as connection:
        row = rows.get(connection, site_id)
    assert row is not None
    return row.problem
