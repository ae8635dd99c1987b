"""Figures: counted when things happen, the same as counted afterwards, and honest about how little they know."""

from __future__ import annotations

import importlib
import random

from app.db import tallies
from app.db.tables import tallies as table
from app.domain.decisions import Verdict
from app.domain.platform import Site
from app.domain.statistics import Tally
from app.domain.time import DAY
from app.domain.visibility import Visibility
from app.services.review import showing, verdicts
from app.services.rules import policies
from app.services.telling import insights
from tests.services.pipeline.test_replay import NOW, NUDITY, fill, in_force, settle
from tests.support.core import Bench
from tests.web.visitor import acting_site, decided

migration = importlib.import_module("app.db.migrations.versions.0005_policies_and_figures")


def counted(bench: Bench) -> dict[tuple[str, int, str, str], int]:
    with bench.core.db.read() as connection:
        rows = connection.execute(table.select()).all()
    return {(row.site_id, row.day, row.name, row.category): row.count for row in rows if row.count}


def test_what_is_counted_at_once_is_what_the_migration_counts_afterwards(bench: Bench) -> None:
    dice = random.Random(1)
    sites = [bench.site(), bench.site()]
    for site in sites:
        policies.save(bench.core, site.id, NOW, "owner")
    for day in range(3):
        for number, site in enumerate(sites):
            fill(bench, site, 12, seed=100 * day + number)
            for decision in in_force(bench, site)[:6]:
                bench.clock.pass_seconds(dice.randrange(7200))
                if decision.verdict is not Verdict.ALLOW and not decision.person:
                    verdicts.resolve(bench.core, decision.id, dice.choice([Verdict.ALLOW, Verdict.BLOCK]), "Ada")
            for decision in [one for one in in_force(bench, site) if one.person][:3]:
                verdicts.resolve(bench.core, decision.id, dice.choice([Verdict.ALLOW, Verdict.BLOCK]), "Bob")
            settle(bench)
        policies.save(bench.core, sites[0].id, [{**NOW[0], "review": 0.3 + day / 10}], "owner")
        insights.note_waiting(bench.core)
        bench.clock.pass_seconds(86_400)
    at_once = counted(bench)
    with bench.core.db.write() as connection:
        connection.execute(table.delete())
        migration._count_what_was(connection)
    afterwards = counted(bench)
    assert {key[2] for key in at_once} >= {"judged", "found", "judged_in", "hidden", "answered", "answered_in", "confirmed"}
    assert {k: n for k, n in afterwards.items() if k[2] != "waiting"} == {k: n for k, n in at_once.items() if k[2] != "waiting"}
    noted = {key for key in at_once if key in afterwards and key[2] == "waiting"}
    assert len(noted) >= 3
    assert {key: afterwards[key] for key in noted} == {key: at_once[key] for key in noted}


def one_site(bench: Bench, site: Site, days: int = 30) -> insights.Figures:
    return insights.figures(bench.core, Visibility((site.id,)), days)


def test_figures_of_a_site(bench: Bench) -> None:
    site, other = acting_site(bench), acting_site(bench)
    decided(bench, site, "fine", 0.1)
    first = decided(bench, site, "waits", 0.4)
    decided(bench, site, "waits too", 0.4)
    decided(bench, site, "bad", 0.9)
    decided(bench, other, "elsewhere", 0.9)
    bench.clock.pass_seconds(86_400)
    verdicts.resolve(bench.core, first, Verdict.ALLOW, "Ada")
    figures = one_site(bench, site)
    assert figures.verdicts == {Verdict.ALLOW: 1, Verdict.REVIEW: 2, Verdict.BLOCK: 1}
    assert figures.series["judged"][-2:] == (4, 0)
    assert figures.series[Tally.HIDDEN][-2:] == (1, 0)
    assert figures.series["answered"][-2:] == (0, 1)
    assert figures.series["waiting"][-1] == 1
    assert figures.total("judged") == 4
    assert figures.found == {NUDITY: 3}
    assert figures.to_verdict.count == 4
    answer = figures.to_answer
    assert answer.count == 1
    assert answer.p50 is not None
    assert 86_000 < answer.p50 < 110_000
    assert insights.figures(bench.core, Visibility((site.id, other.id)), 7).total("judged") == 5
    assert insights.figures(bench.core, Visibility(()), 7).total("judged") == 0


def test_precision_counts_only_what_a_policy_did_not_allow_and_a_person_then_decided(bench: Bench) -> None:
    site = acting_site(bench)
    allowed = decided(bench, site, "allowed", 0.1)
    reviews = [decided(bench, site, f"r{number}", 0.4) for number in range(3)]
    blocked = decided(bench, site, "b", 0.9)
    verdicts.resolve(bench.core, allowed, Verdict.BLOCK, "Ada")
    approved = [verdicts.resolve(bench.core, decision, Verdict.ALLOW, "Ada") for decision in reviews[:2]]
    confirmed = verdicts.resolve(bench.core, blocked, Verdict.BLOCK, "Ada")
    share = one_site(bench, site).precision[NUDITY]
    assert (share.right, share.total, share.enough) == (1, 3, False)
    verdicts.resolve(bench.core, confirmed, Verdict.ALLOW, "Bob")
    share = one_site(bench, site).precision[NUDITY]
    assert (share.right, share.total) == (0, 3), "a changed mind counts once, as it is now"
    verdicts.undo(bench.core, in_force(bench, site)[0].id, "Bob")
    share = one_site(bench, site).precision[NUDITY]
    assert (share.right, share.total) == (1, 3), "Ada's verdict is in force again"
    verdicts.undo(bench.core, approved[0], "Ada")
    share = one_site(bench, site).precision[NUDITY]
    assert (share.right, share.total) == (1, 2), "what was taken back does not count"


def test_replays_are_no_new_pictures(bench: Bench) -> None:
    from app.services.pipeline import replay

    site = acting_site(bench)
    decided(bench, site, "one", 0.4)
    policies.save(bench.core, site.id, [{**NOW[0], "review": 0.1}], "owner")
    assert replay.replay_policy(bench.core, site.id) == 1
    assert one_site(bench, site).total("judged") == 1


def test_waiting_is_carried_over_days_without_a_note(bench: Bench) -> None:
    site = acting_site(bench)
    decided(bench, site, "one", 0.4)
    insights.note_waiting(bench.core)
    bench.clock.pass_seconds(3 * 86_400)
    assert one_site(bench, site).series["waiting"][-5:] == (0, 1, 1, 1, 1)


def test_a_look_at_the_clear_picture_is_counted(bench: Bench) -> None:
    site = acting_site(bench)
    waiting = decided(bench, site, "one", 0.4)
    showing.preview(bench.core, waiting, "Ada", clear=False)
    showing.preview(bench.core, waiting, "Ada", clear=True)
    assert one_site(bench, site).total("exposed") == 1


def test_a_day_is_a_utc_day(bench: Bench) -> None:
    site = bench.site()
    with bench.core.db.write() as connection:
        tallies.count(connection, site.id, 5 * DAY - 1, Tally.HIDDEN)
        tallies.count(connection, site.id, 5 * DAY, Tally.HIDDEN, by=2)
    with bench.core.db.read() as connection:
        seen = Visibility((site.id,))
        assert {row.day: row.count for row in tallies.daily(connection, seen, [Tally.HIDDEN], 0, 9)} == {4: 1, 5: 2}
        assert [row.count for row in tallies.totals(connection, seen, [Tally.HIDDEN], 5, 5)] == [2]
