"""Listeners: one leader for each site, renewed while it listens, ended at once, and none stops another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import ClassVar, cast

import pytest

from app.db import jobs
from app.dispatch import holding
from app.dispatch.holding import Held
from app.dispatch.listening import Listeners
from app.domain.errors import PlatformUnavailable
from app.domain.events import Delivery
from app.domain.platform import Deliver, Site, SiteState, Stopping
from app.domain.tasks import LEASE_SECONDS, Task
from app.services.sites import sites
from tests.services.test_turns import only, row
from tests.support.core import Bench, PaperPlatform, PaperSettings

PATIENCE = 30
"""Seconds after which a test gives up; nothing is measured by it."""


class Speaking(PaperPlatform):
    """Say what `says` holds for a site, then wait; `listening` tells who is being listened to, `fails` what each raises."""

    listens: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.says: dict[str, list[Delivery]] = {}
        self.fails: dict[str, Exception] = {}
        self.listening: list[str] = []
        self.inks: list[str] = []
        self.ended: list[str] = []
        self.changed_hands = threading.Condition()

    def listen(self, site: Site, deliver: Deliver, stopping: Stopping) -> None:
        self.inks.append(cast(PaperSettings, site.settings).ink)
        self._note(self.listening, site.id)
        try:
            if site.id in self.fails:
                raise self.fails[site.id]
            for delivery in self.says.get(site.id, ()):
                deliver(delivery)
            stopping.wait(PATIENCE)
        finally:
            self._note(self.ended, site.id)

    def _note(self, where: list[str], site_id: str) -> None:
        with self.changed_hands:
            where.append(site_id)
            self.changed_hands.notify_all()

    def until(self, reached: Callable[[], bool]) -> None:
        with self.changed_hands:
            assert self.changed_hands.wait_for(reached, PATIENCE)


@pytest.fixture
def paper(bench: Bench) -> Speaking:
    bench.core.platforms["paper"] = paper = Speaking()
    return paper


class Lane:
    """Be the listeners of one worker."""

    def __init__(self, bench: Bench, most: int = 10) -> None:
        self.stop = threading.Event()
        self.held = Held(self.stop)
        self.listeners = Listeners(bench.core, self.held, most)

    def end(self) -> None:
        self.stop.set()
        self.held.end_all()
        self.listeners.join()


@pytest.fixture
def lane(bench: Bench) -> Iterator[Callable[..., Lane]]:
    made: list[Lane] = []

    def make(most: int = 10) -> Lane:
        made.append(Lane(bench, most))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_each_site_has_one_listener_among_all_workers_and_another_when_its_worker_is_gone(
    bench: Bench, paper: Speaking, lane: Callable[..., Lane]
) -> None:
    first, second = bench.site(), bench.site()
    one, two = lane(), lane()
    one.listeners.fill()
    two.listeners.fill()
    paper.until(lambda: len(paper.listening) == 2)
    for _ in range(3):
        bench.clock.pass_seconds(LEASE_SECONDS - 1)
        one.held.renew(bench.core)
        two.listeners.fill()
    assert sorted(paper.listening) == sorted([first.id, second.id])
    bench.clock.pass_seconds(LEASE_SECONDS + 1)  # as if its worker were dead
    two.listeners.fill()
    paper.until(lambda: len(paper.listening) == 4)
    one.held.renew(bench.core)
    paper.until(lambda: len(paper.ended) == 2)
    assert sorted(paper.listening[2:]) == sorted(paper.ended) == sorted([first.id, second.id])


def test_what_is_said_comes_in_and_a_message_that_nothing_proves_is_passed_over(
    bench: Bench, paper: Speaking, lane: Callable[..., Lane]
) -> None:
    site = bench.site()
    paper.images["1"] = bench.platform.images["1"] = b"picture"
    forged = Delivery("POST", "/", {"picward-site": site.id, "secret": "guessed"}, b"{}", 0)
    paper.says[site.id] = [forged, bench.uploaded(site, "d1", "1")]
    running = lane()
    running.listeners.fill()
    paper.until(lambda: len(paper.listening) == 1)
    running.end()
    with bench.core.db.read() as connection:
        assert sum(jobs.counts(connection, site.id).values()) == 1


def test_one_that_fails_delays_no_other_and_comes_again_a_little_later(
    bench: Bench, paper: Speaking, lane: Callable[..., Lane]
) -> None:
    broken, away, well = bench.site(), bench.site(), bench.site()
    paper.fails = {broken.id: ZeroDivisionError("a bug"), away.id: PlatformUnavailable("nobody is at home")}
    running = lane()
    running.listeners.fill()
    paper.until(lambda: len(paper.listening) == 3)
    deadline = threading.Event()
    while not row(bench, away.id, Task.LISTEN).failures or not row(bench, broken.id, Task.LISTEN).failures:
        assert not deadline.wait(0.01)
    assert "ZeroDivisionError" in sites.summary(bench.core, broken.id)["problem"]
    assert sites.summary(bench.core, away.id)["problem"] == "nobody is at home"
    assert paper.ended.count(well.id) == 0
    paper.fails.clear()
    bench.clock.pass_seconds(2)
    running.listeners.fill()
    paper.until(lambda: len(paper.listening) == 5)
    running.end()
    assert sites.summary(bench.core, away.id)["problem"] == sites.summary(bench.core, broken.id)["problem"] == ""


def test_a_site_that_changes_is_listened_to_as_it_is_now_and_a_paused_one_not_at_all(
    bench: Bench, paper: Speaking, lane: Callable[..., Lane]
) -> None:
    site = bench.site()
    running = lane()
    running.listeners.fill()
    paper.until(lambda: len(paper.listening) == 1)
    running.held.renew(bench.core)
    assert paper.ended == [], "the control: nothing has changed"
    sites.save_settings(bench.core, site.id, {"ink": "blue"}, "owner")
    running.listeners.fill()
    assert len(paper.listening) == 1, "one at a time"
    running.held.renew(bench.core)
    paper.until(lambda: len(paper.ended) == 1)
    running.listeners.join()
    running.listeners.fill()
    paper.until(lambda: len(paper.listening) == 2)
    assert paper.inks == ["black", "blue"]
    sites.set_state(bench.core, site.id, SiteState.PAUSED, "owner")
    running.held.renew(bench.core)
    paper.until(lambda: len(paper.ended) == 2)
    running.listeners.join()
    running.listeners.fill()
    assert len(paper.listening) == 2
    assert row(bench, site.id, Task.LISTEN) is None


def test_where_there_are_more_sites_than_threads_they_take_turns(
    bench: Bench, paper: Speaking, lane: Callable[..., Lane], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {bench.site().id for _ in range(3)}
    only(bench, Task.LISTEN)
    running = lane(most=1)
    running.listeners.fill()
    paper.until(lambda: len(paper.listening) == 1)
    running.listeners.fill()
    assert paper.ended == [], "it keeps its thread for a while"
    monkeypatch.setattr(holding, "LISTEN_SECONDS", -1)
    for turn in range(2, 4):
        bench.clock.pass_seconds(1)
        running.listeners.fill()
        paper.until(lambda turn=turn: len(paper.ended) == turn - 1)  # type: ignore[misc]
        running.listeners.join()
        running.listeners.fill()
        paper.until(lambda turn=turn: len(paper.listening) >= turn)  # type: ignore[misc]
    assert set(paper.listening) == ids
