"""The queue as a table: kept at write time, leased, ordered, scoped; and rebuilt for databases that are older than it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select, text

from app.db import decisions as rows
from app.db import jobs, migrate, tables
from app.db.queue import Order
from app.domain.decisions import Verdict
from app.domain.errors import BeingReviewed, DecisionStale, SettingsInvalid
from app.domain.platform import Site
from app.domain.time import SECOND
from app.domain.visibility import Visibility
from app.services.pipeline import replay
from app.services.review import queue, showing, verdicts
from app.services.rules import policies
from tests.services.pipeline.test_moderate import settle, upload
from tests.support.core import Bench

ALL = [{"category": "*", "review": 0.3, "mode": "review"}]
ANN, BOB = (1, "Ann"), (2, "Bob")


@pytest.fixture
def site(bench: Bench) -> Site:
    site = bench.site()
    policies.save(bench.core, site.id, ALL, "owner")
    return site


def doubt(bench: Bench, site: Site, media_id: str, category: str = "sexual.explicit_nudity") -> int:
    data = f"unclear {media_id}".encode()
    bench.judge.tell(data, category, 0.5)
    upload(bench, site, media_id, data)
    settle(bench)
    bench.clock.pass_seconds(1)
    return next(one.decision.id for one in showing.recent(bench.core, restricted=True) if one.decision.media.id == media_id)


def visibility(*sites: Site, restricted: bool = False) -> Visibility:
    return Visibility(tuple(site.id for site in sites), restricted)


def order(bench: Bench, site: Site, order: Order) -> list[str]:
    return [item.decision.media.id for item in queue.listing(bench.core, visibility(site), order, (), 50)]


def test_both_orders(bench: Bench, site: Site) -> None:
    for media_id, category in (("1", "gambling"), ("2", "violence.graphic"), ("3", "gambling"), ("4", "violence.graphic")):
        doubt(bench, site, media_id, category)
    assert order(bench, site, Order.OLDEST) == ["1", "2", "3", "4"]
    assert order(bench, site, Order.SEVEREST) == ["2", "4", "1", "3"]
    first = queue.listing(bench.core, visibility(site), Order.SEVEREST, (), 2)
    after = queue.listing(bench.core, visibility(site), Order.SEVEREST, first[-1].place, 2)
    assert [item.decision.media.id for item in after] == ["1", "3"]


def test_only_the_sites_of_a_scope_are_given_and_counted(bench: Bench, site: Site) -> None:
    other = bench.site()
    policies.save(bench.core, other.id, ALL, "owner")
    doubt(bench, site, "1")
    doubt(bench, other, "2")
    assert queue.count(bench.core, visibility(site, other)) == 2
    assert queue.count(bench.core, visibility(other)) == 1
    assert queue.count(bench.core, visibility()) == 0
    found = queue.take_next(bench.core, visibility(other), *ANN)
    assert found is not None and found.decision.media.id == "2"


def test_nobody_gets_what_another_has_until_the_lease_is_over(bench: Bench, site: Site) -> None:
    one, two = doubt(bench, site, "1"), doubt(bench, site, "2")
    mine = queue.take_next(bench.core, visibility(site), *ANN)
    assert mine is not None and mine.decision.id == one
    again = queue.take_next(bench.core, visibility(site), *ANN)
    assert again is not None and again.decision.id == one, "a reload gives the same picture"
    bobs = queue.take_next(bench.core, visibility(site), *BOB)
    assert bobs is not None and bobs.decision.id == two
    assert queue.take_next(bench.core, visibility(site), 3, "Eve") is None
    with pytest.raises(BeingReviewed, match="Ann"):
        verdicts.resolve(bench.core, one, Verdict.ALLOW, "Bob", person_id=2)
    with pytest.raises(BeingReviewed):
        queue.take(bench.core, one, *BOB)
    bench.clock.pass_seconds(queue.LEASE_MINUTES * 60 + 1)
    late = queue.take_next(bench.core, visibility(site), 3, "Eve")
    assert late is not None and late.decision.id == one
    assert not queue.keep(bench.core, one, *ANN)
    queue.release(bench.core, 3)
    assert queue.keep(bench.core, one, *ANN)


def test_many_reviewers_at_once_get_one_picture_each(bench: Bench, site: Site) -> None:
    for number in range(8):
        doubt(bench, site, str(number))
    got: list[int] = []

    def work(person: int) -> None:
        found = queue.take_next(bench.core, visibility(site), person, f"P{person}")
        assert found is not None
        got.append(found.decision.id)

    threads = [threading.Thread(target=work, args=(person,)) for person in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 8


def test_a_skipped_picture_is_somebody_elses(bench: Bench, site: Site) -> None:
    one = doubt(bench, site, "1")
    queue.take_next(bench.core, visibility(site), *ANN)
    queue.skip(bench.core, one, 1)
    assert queue.take_next(bench.core, visibility(site), *ANN) is None
    assert queue.skipped(bench.core, visibility(site), 1) == 1
    assert queue.take_next(bench.core, visibility(site), *BOB) is not None
    queue.release(bench.core, 2)
    queue.look_again(bench.core, 1)
    assert queue.take_next(bench.core, visibility(site), *ANN) is not None


def test_restricted_and_escalated_pictures_are_for_those_with_the_right(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1", "csae.known_hash")
    two = doubt(bench, site, "2")
    assert queue.count(bench.core, visibility(site)) == 1
    queue.escalate(bench.core, two, "Ann", "please")
    assert queue.count(bench.core, visibility(site)) == 0
    assert queue.take_next(bench.core, visibility(site), *ANN) is None
    assert queue.listing(bench.core, visibility(site), Order.OLDEST, (), 9) == []
    assert queue.count(bench.core, visibility(site, restricted=True)) == 2
    found = queue.items(bench.core, visibility(site, restricted=True), [two])[0]
    assert found.escalated and found.note == "Ann: please"
    with pytest.raises(SettingsInvalid):
        queue.escalate(bench.core, two, "Ann", "x" * 501)
    verdicts.resolve(bench.core, two, Verdict.ALLOW, "Own")
    with pytest.raises(DecisionStale):
        queue.escalate(bench.core, two, "Ann", "")
    with pytest.raises(DecisionStale):
        queue.take(bench.core, two, *ANN)


def test_a_newer_policy_takes_neither_place_nor_lease_nor_verdict_away(bench: Bench, site: Site) -> None:
    one = doubt(bench, site, "1")
    mine = queue.take_next(bench.core, visibility(site), *ANN)
    assert mine is not None
    policies.save(bench.core, site.id, [{"category": "*", "review": 0.2, "mode": "review"}], "owner")
    while replay.replay_policy(bench.core, site.id):
        pass
    newer = showing.current(bench.core, showing.get(bench.core, one))
    assert newer.id != one
    item = queue.items(bench.core, visibility(site), [newer.id])[0]
    assert (item.since, item.reviewer) == (mine.since, "Ann")
    given = verdicts.resolve(bench.core, one, Verdict.BLOCK, "Ann", person_id=1)
    assert showing.get(bench.core, given).supersedes == newer.id
    assert queue.count(bench.core, visibility(site)) == 0


def test_what_is_deleted_or_replaced_leaves_the_queue(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    doubt(bench, site, "2")
    doubt(bench, site, "3")
    with bench.core.db.write() as connection:
        connection.execute(tables.jobs.update().where(tables.jobs.c.media_id == "3").values(parent="post:1"))
        connection.execute(tables.waiting.update().where(tables.waiting.c.media_id == "3").values(parent="post:1"))
        jobs.delete_media(connection, site.id, "1", bench.clock())
        jobs.delete_parent(connection, site.id, "post:1", bench.clock())
    assert order(bench, site, Order.OLDEST) == ["2"]
    bench.judge.tell(b"other bytes", "gambling", 0.1)
    upload(bench, site, "2", b"other bytes")
    settle(bench)
    assert order(bench, site, Order.OLDEST) == []


def test_look_alikes_are_found_whatever_bits_differ(bench: Bench, site: Site) -> None:
    chosen = int("5a" * 32, 16)
    spread = sum(1 << (place * 8) for place in range(31))  # 31 bits, two in nearly every piece
    looks = {"1": chosen, "2": chosen ^ spread, "3": chosen ^ spread ^ (1 << 254), "4": chosen ^ 1}
    ids = {}
    for media_id, look in looks.items():
        ids[media_id] = doubt(bench, site, media_id)
        decision = showing.get(bench.core, ids[media_id])
        with bench.core.db.write() as connection:
            pictures = tables.pictures
            connection.execute(pictures.update().where(pictures.c.sha256 == decision.sha256).values(pdq=f"{look:064x}"))
            rows.pictures.keep_look(connection, decision.job_id, decision.sha256)
    near = queue.alike(bench.core, showing.get(bench.core, ids["1"]), visibility(site))
    assert [(one.decision.media.id, one.bits) for one in near] == [("4", 1), ("2", 31)]
    other = bench.site()
    policies.save(bench.core, other.id, ALL, "owner")
    assert queue.alike(bench.core, showing.get(bench.core, doubt(bench, other, "5")), visibility(other)) == []


def test_an_allowed_picture_leaves_no_look(bench: Bench, site: Site) -> None:
    upload(bench, site, "fine", b"fine")
    settle(bench)
    with bench.core.db.read() as connection:
        assert connection.execute(select(tables.looks)).all() == []


def test_an_older_database_gets_its_queue_from_its_decisions(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    two = doubt(bench, site, "2", "self_harm")
    three = doubt(bench, site, "3", "csae.known_hash")
    verdicts.resolve(bench.core, doubt(bench, site, "4"), Verdict.ALLOW, "Ann")
    kept = _state(bench)
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with bench.core.db.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    with bench.core.db.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert _state(bench) == kept
    assert {row[0] for row in kept[0]} >= {two, three}


def _state(bench: Bench) -> list[list[tuple[object, ...]]]:
    queries = (
        "SELECT decision_id, site_id, job_id, media_id, parent, rank, since, restricted, two_people FROM waiting ORDER BY 1",
        "SELECT id, category, name, restricted, two_people FROM decisions ORDER BY 1",
        "SELECT piece, job_id FROM looks ORDER BY 1, 2",
    )
    with bench.core.db.read() as connection:
        return [[tuple(row) for row in connection.execute(text(query))] for query in queries]


def test_the_lease_is_minutes_from_the_last_activity(bench: Bench, site: Site) -> None:
    one = doubt(bench, site, "1")
    taken = queue.take(bench.core, one, *ANN)
    assert taken.leased_until == bench.clock() + queue.LEASE_MINUTES * 60 * SECOND
