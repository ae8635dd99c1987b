"""Listeners: what is said comes in by the one intake, is acknowledged once it is stored, and comes again when it was not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.db import jobs
from app.dispatch import clock
from app.domain.errors import DatabaseUnavailable, DeliveryRefused, PlatformRefused
from app.domain.events import Delivery
from app.domain.platform import Deliver, Platform, Site, SiteState
from app.services.pipeline import intake
from app.services.sites import connecting, sites
from tests.contract.sample import StandIn
from tests.support.core import Bench, make_bench

PATIENCE = 30
"""Seconds after which a test gives up: far over what is expected, and nothing is measured by it."""


class Killed(BaseException):
    """What stands for the end of a process: nobody catches it."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    folder = tmp_path / "ours"
    folder.mkdir()
    bench = make_bench(folder)
    yield bench
    bench.core.db.close()


def connected(bench: Bench, platform: Platform, place: StandIn) -> Site:
    """Connect the place's site to a real database, as an owner who typed its connection does."""
    bench.core.platforms[platform.slug] = platform
    with bench.core.db.write() as connection:
        connecting._store_new(bench.core, connection, replace(place.site, state=SiteState.ACTIVE), "owner")
    return sites.get(bench.core, place.site.id)


def listen_until(platform: Platform, site: Site, deliver: Deliver, heard: threading.Event) -> BaseException | None:
    """Listen in a thread until `heard`, then have it stop; return what it raised."""
    stopping, raised = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            platform.listen(site, deliver, stopping)
        except BaseException as error:
            raised.append(error)
            heard.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert heard.wait(PATIENCE), "nothing was heard"
    stopping.set()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it does not end when it is told to"
    return raised[0] if raised else None


def known(bench: Bench, site: Site) -> int:
    with bench.core.db.read() as connection:
        return sum(jobs.counts(connection, site.id).values())


def test_a_platform_that_is_not_listened_to_says_so(platform: Platform, place: StandIn) -> None:
    if not platform.listens:
        with pytest.raises(PlatformRefused, match=platform.name):
            platform.listen(place.site, lambda delivery: None, threading.Event())


def test_what_is_said_is_authenticated_as_any_delivery(platform: Platform, listening: StandIn, bench: Bench) -> None:
    site, heard, got = connected(bench, platform, listening), threading.Event(), list[Delivery]()

    def deliver(delivery: Delivery) -> None:
        got.append(delivery)
        heard.set()

    listening.say()
    assert listen_until(platform, site, deliver, heard) is None
    assert platform.authenticate(got[0], {site.id: site, site.key: site}.get).id == site.id
    assert platform.parse(got[0], site).events
    stranger = replace(
        site, own_key=b"another".ljust(32, b"-"), secrets=("whsec_" + "YW5vdGhlci1zZWNyZXQtb2YtMzItYnl0ZXMtIS0tLQ==",)
    )
    with pytest.raises(DeliveryRefused):
        platform.authenticate(got[0], {site.id: stranger, site.key: stranger}.get)


def test_a_message_that_could_not_be_stored_comes_again(platform: Platform, listening: StandIn, bench: Bench) -> None:
    site, failed, heard = connected(bench, platform, listening), threading.Event(), threading.Event()

    def full(delivery: Delivery) -> None:
        failed.set()
        raise DatabaseUnavailable("full")

    listening.say()
    assert isinstance(listen_until(platform, site, full, failed), DatabaseUnavailable)
    assert known(bench, site) == 0
    assert listen_until(platform, site, receiving(bench, platform, heard), heard) is None
    clock.run_due(bench.core)
    assert known(bench, site) > 0


def receiving(bench: Bench, platform: Platform, heard: threading.Event, *, dying: bool = False) -> Deliver:
    def deliver(delivery: Delivery) -> None:
        intake.receive(bench.core, platform.slug, replace(delivery, received_at=bench.core.now()))
        heard.set()
        if dying:
            raise Killed

    return deliver


def test_a_kill_between_commit_and_acknowledgement_loses_nothing_and_decides_nothing_twice(
    platform: Platform, listening: StandIn, bench: Bench
) -> None:
    site = connected(bench, platform, listening)
    listening.say()
    for _ in range(2):
        heard = threading.Event()
        assert isinstance(listen_until(platform, site, receiving(bench, platform, heard, dying=True), heard), Killed)
    clock.run_due(bench.core)
    before = known(bench, site)
    assert before > 0
    heard = threading.Event()
    listen_until(platform, site, receiving(bench, platform, heard), heard)
    clock.run_due(bench.core)
    assert known(bench, site) == before
    with bench.core.db.read() as connection:
        found = jobs.latest(connection, site.id, listening.media.id)
    assert found is not None and (found.version, found.round) == (listening.media.version, 0)
