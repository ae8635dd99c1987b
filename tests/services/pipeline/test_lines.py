"""Whose turn it is: shares, order and waits hold whatever happens, and a claim costs the same however many sites there are."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from app.db import enforcements, jobs, lines
from app.db import sites as rows
from app.db.sql import _compiled
from app.db.tables import enforcements as action_table
from app.db.tables import jobs as job_table
from app.domain.decisions import Action, Outcome, Ruling, Verdict
from app.domain.jobs import SHARE, ModerationJob, Priority, WorkState
from app.domain.media import MediaRef
from app.domain.platform import Hold, Site, SiteState
from app.domain.time import DAY, HOUR, SECOND
from app.services.pipeline import due, record
from app.services.sites import sites
from tests.support.core import Bench

LEASE = 60 * SECOND


def claimed(bench: Bench) -> ModerationJob | None:
    with bench.core.db.write() as connection:
        return jobs.claim(connection, bench.clock(), LEASE)


def add(bench: Bench, site: Site, *names: str, priority: Priority = Priority.UPLOAD) -> None:
    with bench.core.db.write() as connection:
        for name in names:
            jobs.add(connection, site.id, MediaRef(name, "v"), 0, priority, bench.clock())


def end(bench: Bench, job: ModerationJob, state: WorkState = WorkState.DONE) -> None:
    with bench.core.db.write() as connection:
        assert jobs.end(connection, job, state, bench.clock())


def test_a_site_holds_no_more_than_its_share_and_another_is_served_beside_it(bench: Bench) -> None:
    busy, quiet = bench.site(), bench.site()
    add(bench, busy, *(f"b{n}" for n in range(20)))
    held = [claimed(bench) for _ in range(SHARE)]
    assert all(job is not None and job.site_id == busy.id for job in held)
    assert claimed(bench) is None
    add(bench, quiet, "q0")
    job = claimed(bench)
    assert job is not None and job.media.id == "q0"
    end(bench, held[0])  # type: ignore[arg-type]
    following = claimed(bench)
    assert following is not None and following.media.id == f"b{SHARE}"


def test_what_is_urgent_steps_before_what_waits_and_not_before_what_is_worked_at(bench: Bench) -> None:
    site = bench.site()
    add(bench, site, *(f"b{n}" for n in range(20)), priority=Priority.BACKFILL)
    first = claimed(bench)
    add(bench, site, "now", priority=Priority.PERSON)
    urgent = claimed(bench)
    assert first is not None and urgent is not None and urgent.media.id == "now"
    assert front(bench, job_table, site) <= SHARE


def test_a_hundred_sites_are_served_in_turn_whatever_each_has_waiting(bench: Bench) -> None:
    many = [bench.site() for _ in range(12)]
    for number, site in enumerate(many):
        add(bench, site, *(f"{number}-{n}" for n in range(1 + 3 * (number % 3))))
    served = []
    while job := claimed(bench):
        served.append(job.site_id)
        bench.clock.pass_seconds(0.01)
        end(bench, job)
    assert set(served[: len(many)]) == {site.id for site in many}
    assert len(served) == sum(1 + 3 * (number % 3) for number in range(len(many)))


def test_what_waits_for_its_time_is_claimed_when_that_has_come(bench: Bench) -> None:
    site = bench.site()
    add(bench, site, "one")
    job = claimed(bench)
    assert job is not None
    with bench.core.db.write() as connection:
        jobs.later(connection, job, bench.clock(), bench.clock() + 30 * SECOND, "away")
    assert claimed(bench) is None and due.look(bench.core) == (False, False)
    bench.clock.pass_seconds(30)
    assert due.look(bench.core) == (True, False)
    again = claimed(bench)
    assert again is not None and again.attempts == 2


@pytest.mark.parametrize("wait", [FAR := 2 * DAY, 400 * DAY])
def test_a_time_that_a_wrong_clock_wrote_counts_as_due_and_is_told(
    bench: Bench, caplog: pytest.LogCaptureFixture, wait: int
) -> None:
    site = bench.site()
    add(bench, site, "waits", "held")
    first, second = claimed(bench), claimed(bench)
    assert first is not None and second is not None
    with bench.core.db.write() as connection:
        jobs.later(connection, first, bench.clock() + wait, bench.clock() + wait, "away")
        connection.execute(job_table.update().where(job_table.c.id == second.id).values(lease_until=bench.clock() + wait))
    assert due.look(bench.core) == (True, False)
    assert "by a clock that was wrong" in caplog.text
    assert {job.media.id for job in (claimed(bench), claimed(bench)) if job} == {"waits", "held"}


@pytest.mark.parametrize("state", [SiteState.PAUSED, SiteState.PAIRING])
def test_nothing_of_a_site_that_does_not_work_is_claimed_until_it_does(bench: Bench, state: SiteState) -> None:
    site = bench.site()
    add(bench, site, "before")
    with bench.core.db.write() as connection:
        rows.change(connection, site.id, state=state)
    add(bench, site, "meanwhile")
    assert claimed(bench) is None and due.look(bench.core) == (False, False)
    with bench.core.db.write() as connection:
        rows.change(connection, site.id, state=SiteState.ACTIVE)
    assert [job.media.id for job in (claimed(bench), claimed(bench)) if job] == ["before", "meanwhile"]


def test_a_site_that_is_held_works_again_by_itself(bench: Bench) -> None:
    site = bench.site()
    add(bench, site, "one", "two")
    job = claimed(bench)
    assert job is not None
    with bench.core.db.write() as connection:
        jobs.give_back(connection, job, bench.clock(), "closed")
        rows.hold(connection, site.id, Hold.REFUSED, bench.clock() + 60 * SECOND)
    assert claimed(bench) is None
    bench.clock.pass_seconds(60)
    assert due.look(bench.core)[0]
    assert [job.media.id for job in (claimed(bench), claimed(bench)) if job] == ["one", "two"]


def test_what_was_left_behind_is_lined_up(bench: Bench) -> None:
    """As an update leaves what was due, and as two transactions of one moment may."""
    site = bench.site()
    add(bench, site, *(f"{n}" for n in range(6)))
    with bench.core.db.write() as connection:
        connection.execute(job_table.update().values(place=lines.BEHIND))
    assert claimed(bench) is None
    due.fill_stuck(bench.core)
    assert front(bench, job_table, site) == SHARE
    assert claimed(bench) is not None


def front(bench: Bench, table: Any, site: Site) -> int:
    with bench.core.db.read() as connection:
        query = select(table.c.id).where(table.c.site_id == site.id, table.c.place > 0)
        return len(connection.execute(query).all())


# --- whatever happens


def check(connection: Connection, now: int) -> None:
    """Hold the table to what turns promise: shares, order within an image and a parent, nobody left behind who has room."""
    for line in lines.LINES:
        table = line.table
        works = {
            row.id: row.share
            for row in connection.execute(text("SELECT id, share FROM sites WHERE state = 'active' AND held_until = 0"))
        }
        found = connection.execute(select(table)).all()
        ahead = Counter(row.site_id for row in found if row.place > lines.BEHIND)
        behind = Counter(row.site_id for row in found if row.state is WorkState.DUE and row.place == lines.BEHIND)
        for row in found:
            assert row.place <= lines.BEHIND or row.state in (WorkState.DUE, WorkState.BUSY), "an ended row holds a place"
            assert row.state is not WorkState.DUE or row.place <= lines.BEHIND or row.site_id in works, "a site that may not work"
        for site_id, share in works.items():
            assert ahead[site_id] <= share
            if table is job_table:
                assert not behind[site_id] or ahead[site_id] >= share, "a site with room, and rows behind"
        if table is action_table:
            shown = [row for row in found if row.place > lines.BEHIND]
            assert max(Counter((row.site_id, row.media_id) for row in shown).values(), default=0) <= 1
            assert max(Counter((row.site_id, row.parent) for row in shown if row.parent).values(), default=0) <= 1
            for row in shown:
                older = [o for o in found if (o.site_id, o.media_id) == (row.site_id, row.media_id) and o.id < row.id]
                assert not any(o.state in (WorkState.DUE, WorkState.BUSY) for o in older), "one action overtook another"


@pytest.mark.parametrize("seed", range(6))
def test_shares_and_order_hold_whatever_happens(bench: Bench, seed: int) -> None:
    chance = random.Random(seed)
    many = [bench.site() for _ in range(4)]
    working: list[ModerationJob] = []
    acting: list[enforcements.Claim] = []
    number = 0
    for _ in range(150):
        bench.clock.pass_seconds(chance.choice([0, 0.1, 5, 40, 100]))
        site, now = chance.choice(many), bench.clock()
        with bench.core.db.write() as connection:
            match chance.randrange(14):
                case 0 | 1 | 2:
                    number += 1
                    wait = chance.choice([0, 0, 50 * SECOND])
                    jobs.add(connection, site.id, MediaRef(f"m{number}", "v"), 0, chance.choice(list(Priority)), now, wait)
                case 3:
                    refs = [MediaRef(f"n{number}-{n}", "v", parent=f"p{n % 2}") for n in range(7)]
                    number += 1
                    jobs.add_many(connection, site.id, refs, Priority.BACKFILL, now)
                case 4 | 5 | 6:
                    job = jobs.claim(connection, now, LEASE)
                    working += [job] if job else []
                case 7 if working:
                    job = working.pop(chance.randrange(len(working)))
                    row = jobs.get(connection, job.id)
                    held = row is not None and row.token == job.token and row.state is WorkState.BUSY
                    if held and chance.random() < 0.6:
                        jobs.end(connection, job, WorkState.DONE, now)
                        media = MediaRef(job.media.id, "v", parent=chance.choice(["", "p0", "p1"]))
                        outcome = Outcome(Verdict.BLOCK, (), enforce=True)
                        ruling = Ruling(job.id, media, "", outcome, now, action=Action.HIDE)
                        record.store(bench.core, connection, sites.get_within(bench.core, connection, job.site_id), ruling)
                    elif chance.random() < 0.5:
                        jobs.later(connection, job, now, now + 30 * SECOND, "away")
                    else:
                        jobs.give_back(connection, job, now, "closed")
                case 8 | 9:
                    action = enforcements.claim(connection, now, LEASE)
                    acting += [action] if action else []
                case 10 if acting:
                    action = acting.pop()
                    if chance.random() < 0.7:
                        enforcements.end(connection, action, WorkState.DONE, now)
                    else:
                        enforcements.later(connection, action, now, now + 20 * SECOND, "away")
                case 11:
                    rows.change(connection, site.id, state=chance.choice([SiteState.PAUSED, SiteState.ACTIVE, SiteState.ACTIVE]))
                case 12:
                    if chance.random() < 0.5:
                        rows.hold(connection, site.id, Hold.ASKED, now + 60 * SECOND)
                    else:
                        rows.open_again(connection, site.id, now)
                case 13:
                    jobs.delete_parent(connection, site.id, "p0", now)
                    enforcements.delete_parent(connection, site.id, "p0", now)
        due.look(bench.core)
        with bench.core.db.read() as connection:
            check(connection, bench.clock())
    assert number > 10


def test_everything_is_served_in_the_end(bench: Bench) -> None:
    many = [bench.site() for _ in range(3)]
    for number, site in enumerate(many):
        add(bench, site, *(f"{number}-{n}" for n in range(9)))
    chance, done = random.Random(1), 0
    for _ in range(400):
        bench.clock.pass_seconds(61 if chance.random() < 0.3 else 1)
        due.look(bench.core)
        job = claimed(bench)
        if job is not None and chance.random() < 0.7:  # else its worker dies
            end(bench, job)
            done += 1
    assert done == 27 and claimed(bench) is None


# --- what a claim costs


@pytest.mark.parametrize("name", ["room", "step_up", "woken", "lease", "look"])
@pytest.mark.parametrize("line", lines.LINES, ids=["jobs", "actions"])
def test_no_statement_of_a_claim_walks_a_table(bench: Bench, line: lines.Line, name: str) -> None:
    statement, order, _ = _compiled(getattr(line, name), "sqlite")
    with bench.core.db.read() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(1 for _ in order)).fetchall()
    steps = [row[3] for row in plan]
    walked = [step for step in steps if step.startswith("SCAN") and "CONSTANT" not in step and "USING" not in step]
    assert steps and not walked
    assert not [step for step in steps if "TEMP B-TREE" in step], "it sorts what it should find in order"
    # The only index that is read from its beginning is the one that holds but what stands in front, or what is amiss.
    scanned = [step for step in steps if step.startswith("SCAN") and "INDEX" in step]
    assert all(step.rsplit(" ", 1)[1].endswith(("_place", "_time", "_behind", "_busy", "_held")) for step in scanned), scanned


def test_the_site_row_is_the_only_thing_that_a_hold_writes_beside_what_stands_in_front(bench: Bench) -> None:
    site = bench.site()
    add(bench, site, *(f"{n}" for n in range(50)))
    with bench.core.db.write() as connection:
        rows.hold(connection, site.id, Hold.ASKED, bench.clock() + HOUR)
        assert connection.execute(text("SELECT changes()")).scalar_one() <= SHARE
