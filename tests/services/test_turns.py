"""What is due by time: found by one look-up, one leader each, several side by side, resumed after a death, told when late."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest
from sqlalchemy import select

from app.db import audit, tasks
from app.db import sites as rows
from app.db.tables import tasks as table
from app.dispatch import clock
from app.dispatch.clock import Eye
from app.dispatch.holding import Held
from app.domain.detector import HashEntry, HashKind, ListKind
from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.media import Page
from app.domain.platform import Site, SiteState
from app.domain.tasks import (
    HEARTBEAT_SECONDS,
    HOUSE,
    LEASE_SECONDS,
    RETRY_MOST_SECONDS,
    SITE_TURNS,
    TIMINGS,
    Next,
    Task,
    quiet_seconds,
    retry_seconds,
    spread,
)
from app.domain.time import DAY, HOUR, MINUTE, SECOND
from app.services import turns
from app.services.pipeline import intake, scan
from app.services.rules import lists, policies
from app.services.sites import sites, upkeep
from app.services.telling import clocks
from app.services.trying import pictures
from tests.support.core import START, Bench, PaperPlatform

PATIENCE = 30


class Pulsing(PaperPlatform):
    """Be pulsed every minute, and listened to; `pulses` counts, and `wants` is what a pulse says."""

    pulse_seconds: ClassVar[int] = 60
    quiet_pulse_seconds: ClassVar[int] = 3_600
    listens: ClassVar[bool] = True
    verification_keys_seconds: ClassVar[int] = 900

    def __init__(self) -> None:
        super().__init__()
        self.pulses: list[str] = []
        self.wants: float | None = None

    def pulse(self, site: Site) -> float | None:
        self._trip("pulse")
        self.pulses.append(site.id)
        return self.wants


@pytest.fixture
def paper(bench: Bench) -> Pulsing:
    bench.core.platforms["paper"] = paper = Pulsing()
    return paper


def row(bench: Bench, site_id: str, kind: Task) -> Any:
    with bench.core.db.read() as connection:
        found = connection.execute(select(table).where(table.c.site_id == site_id, table.c.kind == kind))
        return found.one_or_none()


def only(bench: Bench, *kinds: Task) -> None:
    """Forget all tasks but these kinds."""
    with bench.core.db.write() as connection:
        connection.execute(table.delete().where(table.c.kind.not_in(kinds)))


def one_turn(bench: Bench) -> bool:
    return clock.run_next(bench.core, Held(threading.Event()))


# --- every kind


def _entry(site: Site) -> HashEntry:
    return HashEntry(HashKind.SHA256, "0" * 64, ListKind.BLOCK, "owner.blocked_hash", site_id=site.id)


def _save_policy(bench: Bench, site: Site) -> None:
    policies.save(bench.core, site.id, [{"category": "csae", "review": 0.1, "block": 0.2, "mode": "enforce"}], "owner")


def _connect(bench: Bench, site: Site) -> None:
    sites.set_state(bench.core, site.id, SiteState.ACTIVE, "owner")


MADE_DUE: Mapping[Task, Callable[[Bench, Site], object]] = {
    Task.PULSE: _connect,
    Task.RECONCILE: _connect,
    Task.LISTEN: _connect,
    Task.KEYS: _connect,
    Task.REPLAY: _save_policy,
    Task.SCAN: lambda bench, site: scan.ask(bench.core, site.id, "owner"),
    Task.NOTICES: lambda bench, site: sites.save_settings(bench.core, site.id, {"tell_emails": ["a@example.org"]}, "owner"),
    Task.COMPARE: lambda bench, site: lists.import_entries(bench.core, [_entry(site)], site.id, "owner"),
    Task.TRIED: lambda bench, site: pictures.begin(bench.core, b"picture", 1),
    **{kind: lambda bench, site: clock.begin(bench.core) for kind, timing in TIMINGS.items() if timing.always},
}
"""What makes a kind due; for each there must be something, or it never comes."""


@pytest.mark.parametrize("kind", Task)
def test_every_kind_has_its_times_a_handler_and_something_that_makes_it_due(bench: Bench, paper: Pulsing, kind: Task) -> None:
    assert set(TIMINGS) == set(Task) == {*clock.HANDLERS, Task.LISTEN} == set(MADE_DUE)
    site = bench.site()
    only(bench)
    whose = HOUSE if TIMINGS[kind].house else site.id
    assert row(bench, whose, kind) is None, "the control: it is not there before"
    MADE_DUE[kind](bench, site)
    made = row(bench, whose, kind)
    assert made is not None
    assert bench.clock() <= made.due_at <= bench.clock() + TIMINGS[kind].longest


def test_nothing_is_due_for_a_site_that_is_not_active_and_all_is_again_when_it_is(bench: Bench, paper: Pulsing) -> None:
    site = bench.site()
    with bench.core.db.read() as connection:
        active = tasks.of_sites(connection, [site.id])[site.id]
    assert active == {Task.PULSE, Task.RECONCILE, Task.LISTEN}
    sites.set_state(bench.core, site.id, SiteState.PAUSED, "owner")
    for ask in (MADE_DUE[Task.SCAN], MADE_DUE[Task.NOTICES], MADE_DUE[Task.REPLAY]):
        ask(bench, site)
    with bench.core.db.read() as connection:
        assert tasks.of_sites(connection, [site.id]) == {}
    sites.set_state(bench.core, site.id, SiteState.ACTIVE, "owner")
    with bench.core.db.read() as connection:
        assert tasks.of_sites(connection, [site.id])[site.id] == active | {Task.SCAN, Task.NOTICES, Task.REPLAY}
    sites.disconnect(bench.core, site.id, "owner")
    with bench.core.db.read() as connection:
        assert tasks.of_sites(connection, [site.id]) == {}


def test_sites_that_an_earlier_version_left_get_their_tasks_when_they_are_due(bench: Bench, paper: Pulsing) -> None:
    site = bench.site()
    with bench.core.db.write() as connection:
        rows.change(connection, site.id, scanned_at=bench.clock() - HOUR, pulsed_at=bench.clock() - MINUTE // 2)
        connection.execute(table.delete())
    clock.begin(bench.core)
    assert upkeep.arrange(bench.core, "", lambda: False) == ""
    assert row(bench, site.id, Task.RECONCILE).due_at == bench.clock() + DAY - HOUR
    assert row(bench, site.id, Task.PULSE).due_at == bench.clock() + MINUTE // 2


def test_a_task_of_a_platform_that_is_gone_goes(bench: Bench, paper: Pulsing) -> None:
    site = bench.site()
    del bench.core.platforms["paper"]
    upkeep.arrange(bench.core, "", lambda: False)
    with bench.core.db.read() as connection:
        assert tasks.of_sites(connection, [site.id]) == {}


# --- one leader


def test_a_task_has_one_leader_however_many_workers_there_are(bench: Bench, paper: Pulsing) -> None:
    for _ in range(5):
        bench.site()
    only(bench, Task.PULSE)
    gate = threading.Barrier(6)

    def work() -> None:
        gate.wait()
        while one_turn(bench):
            pass

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(paper.pulses) == len(set(paper.pulses)) == 5


def test_what_a_dead_worker_had_is_due_again_and_a_late_end_ends_nothing(bench: Bench, paper: Pulsing) -> None:
    bench.site()
    only(bench, Task.PULSE)
    dead = turns.take(bench.core)
    assert dead is not None and turns.take(bench.core) is None
    bench.clock.pass_seconds(LEASE_SECONDS + 1)
    alive = turns.take(bench.core)
    assert alive is not None and alive.claim.token > dead.claim.token
    turns.end(bench.core, dead, Next(None))
    turns.renew(bench.core, [dead, alive])
    assert (dead.over.is_set(), alive.over.is_set()) == (True, False)
    turns.end(bench.core, alive, Next(bench.clock() + MINUTE))
    assert row(bench, alive.claim.site_id, Task.PULSE).due_at == bench.clock() + MINUTE


def test_a_turn_that_is_renewed_is_nobody_elses_however_long_it_takes(bench: Bench, paper: Pulsing) -> None:
    bench.site()
    only(bench, Task.PULSE)
    turn = turns.take(bench.core)
    assert turn is not None
    held = Held(threading.Event())
    with held.holding(turn):
        for _ in range(5):
            bench.clock.pass_seconds(LEASE_SECONDS - 1)
            held.renew(bench.core)
            assert turns.take(bench.core) is None


def test_what_is_asked_for_during_a_turn_is_not_lost(bench: Bench) -> None:
    site = bench.site()
    only(bench)
    _save_policy(bench, site)
    turn = turns.take(bench.core)
    assert turn is not None and turn.claim.kind is Task.REPLAY
    _save_policy(bench, site)
    assert turns.take(bench.core) is None, "one turn at a time"
    turns.end(bench.core, turn, Next(None))
    again = turns.take(bench.core)
    assert again is not None and again.claim.kind is Task.REPLAY
    turns.end(bench.core, again, Next(None))
    assert row(bench, site.id, Task.REPLAY) is None


def test_a_site_that_is_paused_during_a_turn_has_no_other(bench: Bench, paper: Pulsing) -> None:
    site = bench.site()
    only(bench, Task.PULSE)
    turn = turns.take(bench.core)
    assert turn is not None
    sites.set_state(bench.core, site.id, SiteState.PAUSED, "owner")
    turns.end(bench.core, turn, Next(bench.clock()))
    assert not one_turn(bench) and row(bench, site.id, Task.PULSE) is None


# --- side by side


def test_a_site_that_hangs_holds_up_no_other_and_no_more_than_its_share(bench: Bench, paper: Pulsing) -> None:
    slow, quick = bench.site(), bench.site()
    scan.ask(bench.core, slow.id, "owner")
    only(bench, Task.PULSE, Task.RECONCILE, Task.SCAN)
    with bench.core.db.write() as connection:
        connection.execute(table.update().where(table.c.site_id == quick.id).values(due_at=bench.clock() + 1))
    bench.clock.pass_seconds(1)
    first, second = turns.take(bench.core), turns.take(bench.core)
    assert first is not None and second is not None and SITE_TURNS == 2
    assert {first.claim.site_id, second.claim.site_id} == {slow.id}, "the control: the slow site was due first, with three"
    assert first.claim.kind is not second.claim.kind
    while one_turn(bench):
        pass
    assert paper.pulses.count(quick.id) == 1
    assert row(bench, quick.id, Task.RECONCILE).due_at > bench.clock()
    waiting = {Task.PULSE, Task.RECONCILE, Task.SCAN} - {first.claim.kind, second.claim.kind}
    assert row(bench, slow.id, waiting.pop()).due_at <= bench.clock(), "its third waits for one of its two"


def test_a_long_task_goes_to_the_end_of_the_line_and_on_from_its_page(
    bench: Bench, paper: Pulsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    large, small = bench.site(), bench.site()
    only(bench, Task.RECONCILE)
    monkeypatch.setattr(turns, "SLICE_SECONDS", -1.0)  # a slice is one page
    asked: list[tuple[str, str]] = []

    def changed(site: Site, since: int, cursor: str = "") -> Page:
        asked.append((site.id, cursor))
        bench.clock.pass_seconds(0.001)
        return Page((), str(len(cursor) + 1) * (len(cursor) + 1) if site.id == large.id and len(cursor) < 3 else "")

    monkeypatch.setattr(paper, "changed", changed)
    assert one_turn(bench) and one_turn(bench)
    assert {site_id for site_id, _ in asked} == {large.id, small.id}, "the large one did not come twice before the small one"
    dead = turns.take(bench.core)
    assert dead is not None and dead.claim.cursor
    bench.clock.pass_seconds(LEASE_SECONDS + 1)
    while one_turn(bench):
        pass
    assert [cursor for site_id, cursor in asked if site_id == large.id] == ["", "1", "22", "333"]
    with bench.core.db.read() as connection:
        swept = rows.get(connection, large.id)
    assert swept is not None and swept.swept_at == swept.scanned_at > 0


# --- time


def test_a_task_that_a_clock_put_too_far_ahead_is_due_now_and_that_is_told(bench: Bench, paper: Pulsing) -> None:
    site = bench.site()
    bench.clock.pass_seconds(400 * 86_400)
    while one_turn(bench):
        pass
    died = turns.take(bench.core, listening=True)
    assert died is not None
    bench.clock.at = START
    assert not one_turn(bench) and turns.take(bench.core, listening=True) is None, "the control: all of it lies ahead"
    clocks.mind_future(bench.core)
    pulses = len(paper.pulses)
    while one_turn(bench):
        pass
    assert len(paper.pulses) == pulses + 1
    assert turns.take(bench.core, listening=True) is not None
    assert "due up to 400 days ahead" in clocks.trouble(bench.core)
    assert row(bench, site.id, Task.RECONCILE).due_at <= bench.clock() + DAY
    bench.clock.pass_seconds(2 * 86_400)
    assert clocks.trouble(bench.core) == ""


def test_what_is_ahead_as_it_should_be_and_what_has_its_turn_is_left_alone(bench: Bench, paper: Pulsing) -> None:
    bench.site()
    clock.run_due(bench.core)
    held = turns.take(bench.core, listening=True)
    assert held is not None
    with bench.core.db.read() as connection:
        before = connection.execute(select(table).order_by(table.c.id)).all()
    clocks.mind_future(bench.core)
    with bench.core.db.read() as connection:
        assert connection.execute(select(table).order_by(table.c.id)).all() == before
    assert clocks.trouble(bench.core) == ""


@pytest.mark.parametrize(("moved", "told"), [(400 * DAY, "ahead by 400 days"), (-2 * HOUR, "back by 2 hours")])
def test_a_clock_that_is_set_is_noticed(bench: Bench, moved: int, told: str) -> None:
    passed = [0.0]
    eye = Eye(bench.clock, lambda: passed[0])
    for _ in range(3):
        passed[0] += 3_600
        bench.clock.pass_seconds(3_601)  # a second an hour is nobody's news, and neither is a machine that slept
        assert eye.jump() == 0
    bench.clock.at += moved
    jumped = eye.jump()
    assert jumped == moved
    clocks.tell_jump(bench.core, jumped)
    assert told in clocks.trouble(bench.core)
    assert eye.jump() == 0


def test_a_clock_that_is_behind_what_was_written_is_told_at_the_start(bench: Bench) -> None:
    bench.site()
    clock.begin(bench.core)
    assert clocks.trouble(bench.core) == ""
    bench.clock.pass_seconds(-7_200)
    clock.begin(bench.core)
    clocks.mind_start(bench.core)
    with bench.core.db.read() as connection:
        told = [line.text for line in audit.recent(connection, "", 10) if line.action == clocks.ACTION]
    assert len(told) == 2, "several workers tell the same once"
    assert "2 hours behind" in told[1] and "due up to 3 hours ahead" in told[0]


def test_times_are_spread_evenly_and_keep_their_pace() -> None:
    ids, every = [f"st_{n}" for n in range(1_000)], HOUR
    times = sorted(spread(START, every, id) for id in ids)
    assert all(START < at <= START + every for at in times)
    tenths = [sum(START + n * every // 10 < at <= START + (n + 1) * every // 10 for at in times) for n in range(10)]
    assert min(tenths) > 60 and max(tenths) < 140
    first = spread(START, every, "st_7")
    assert spread(first, every, "st_7") == spread(first + 5 * SECOND, every, "st_7") == first + every


# --- quiet and failing sites


def test_few_sites_are_pulsed_as_often_as_wanted_and_thousands_more_rarely_the_quieter_they_are(
    bench: Bench, paper: Pulsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [quiet_seconds(60, 21_600, quiet, 10) for quiet in (0, 5, 30)] == [60, 60, 60]
    assert [quiet_seconds(60, 86_400, quiet, 10_000) for quiet in (0, 1, 5, 30)] == [60, 120, 1_920, 50_000]
    assert quiet_seconds(60, 21_600, 30, 1_000_000) == 21_600
    site = bench.site()
    only(bench, Task.PULSE)
    monkeypatch.setattr(upkeep, "count", lambda core, kind: 10_000)
    for _ in range(10):
        assert one_turn(bench)
        bench.clock.at = row(bench, site.id, Task.PULSE).due_at
    rarely = row(bench, site.id, Task.PULSE)
    assert rarely.quiet == 10
    assert one_turn(bench)
    assert row(bench, site.id, Task.PULSE).due_at == bench.clock() + HOUR
    bench.platform.images["a"] = b"a"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "a"))
    assert row(bench, site.id, Task.PULSE).due_at == bench.clock() + MINUTE, "where something happens, more may wait"
    paper.wants = 5.0
    bench.clock.pass_seconds(60)
    assert one_turn(bench)
    assert (row(bench, site.id, Task.PULSE).due_at, row(bench, site.id, Task.PULSE).quiet) == (bench.clock() + 5 * SECOND, 0)


def test_after_a_silence_of_all_workers_quiet_sites_are_seen_to(
    bench: Bench, paper: Pulsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = bench.site()
    monkeypatch.setattr(upkeep, "count", lambda core, kind: 10_000)
    clock.run_due(bench.core)
    with bench.core.db.write() as connection:
        connection.execute(table.update().where(table.c.kind == Task.PULSE).values(due_at=bench.clock() + 5 * HOUR, quiet=9))
    bench.clock.pass_seconds(HEARTBEAT_SECONDS)
    only(bench, Task.PULSE, Task.HEARTBEAT)
    while one_turn(bench):
        pass
    assert row(bench, site.id, Task.PULSE).due_at > bench.clock() + HOUR, "the control: nobody was silent"
    bench.clock.pass_seconds(3 * 3_600)
    pulses = len(paper.pulses)
    while one_turn(bench):
        pass
    assert len(paper.pulses) == pulses + 1


def test_a_task_that_fails_is_tried_again_ever_more_rarely_and_its_trouble_ends_with_it(bench: Bench, paper: Pulsing) -> None:
    site = bench.site()
    only(bench, Task.PULSE)
    paper.trouble["pulse"] = PlatformUnavailable("nobody is at home")
    waits = []
    for _ in range(6):
        assert one_turn(bench)
        waits.append((row(bench, site.id, Task.PULSE).due_at - bench.clock()) // SECOND)
        bench.clock.at = row(bench, site.id, Task.PULSE).due_at
    assert waits == [60, 120, 240, 480, 900, RETRY_MOST_SECONDS]
    assert sites.summary(bench.core, site.id)["problem"] == "nobody is at home"
    paper.trouble["pulse"] = PlatformUnavailable("come back", retry_after=3_000)
    assert one_turn(bench)
    assert row(bench, site.id, Task.PULSE).due_at == bench.clock() + 3_000 * SECOND
    paper.trouble.clear()
    bench.clock.pass_seconds(3_000)
    assert one_turn(bench)
    assert sites.summary(bench.core, site.id)["problem"] == ""
    assert row(bench, site.id, Task.PULSE).failures == 0


def test_a_trouble_is_neither_covered_nor_cleared_by_another_tasks_success(bench: Bench, paper: Pulsing) -> None:
    site = bench.site()
    only(bench, Task.PULSE, Task.RECONCILE)
    paper.trouble["scan"] = PlatformRefused("the listing is forbidden")
    while one_turn(bench):
        pass
    assert paper.pulses and sites.summary(bench.core, site.id)["problem"] == "the listing is forbidden"
    paper.trouble["pulse"] = PlatformRefused("no pulse")
    bench.clock.pass_seconds(3_600)
    while one_turn(bench):
        pass
    del paper.trouble["scan"]
    with bench.core.db.write() as connection:
        connection.execute(table.update().where(table.c.kind == Task.RECONCILE).values(due_at=bench.clock()))
    assert one_turn(bench)
    assert sites.summary(bench.core, site.id)["problem"] == "no pulse"


def test_a_bug_of_a_platform_is_shown_and_stops_no_other(bench: Bench, paper: Pulsing) -> None:
    broken, well = bench.site(), bench.site()
    only(bench, Task.PULSE)
    pulse = paper.pulse

    def stumble(site: Site) -> float | None:
        if site.id == broken.id:
            raise ZeroDivisionError("a bug")
        return pulse(site)

    paper.pulse = stumble  # type: ignore[method-assign]
    while one_turn(bench):
        pass
    assert paper.pulses == [well.id]
    assert "ZeroDivisionError" in sites.summary(bench.core, broken.id)["problem"]


def test_listeners_come_back_sooner_than_others() -> None:
    assert [retry_seconds(Task.LISTEN, failures) for failures in (1, 2, 3, 10)] == [2, 4, 8, 60]
    assert retry_seconds(Task.LISTEN, 1, asked=30.0) == 30


# --- one look-up


def test_a_look_and_a_claim_walk_the_index_of_what_is_due_and_nothing_else(bench: Bench) -> None:
    if not bench.core.db.embedded:
        pytest.skip("the plans are SQLite's")
    with bench.core.db.read() as connection:
        for statement in (tasks._LOOK, *tasks._CLAIMING.values()):
            text = str(statement.compile(connection, compile_kwargs={"literal_binds": False}))  # type: ignore[attr-defined]
            given = tuple(0 for _ in range(text.count("?")))
            plan = [line[3] for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)]
            assert any("ix_tasks_" in line for line in plan), plan
            assert not any(line.startswith("SCAN tasks") or "TEMP B-TREE" in line for line in plan), plan
