from __future__ import annotations

import hashlib

import pytest

from app.db import decisions, deliveries, jobs
from app.db import sites as rows
from app.domain.decisions import Verdict
from app.domain.detector import HashEntry, HashKind, ListKind
from app.domain.errors import DeliveryRepeated, DeliveryUnreadable, PlatformClosed, PlatformUnknown
from app.domain.events import AddressTold, ErasureWanted, Event, MediaDeleted, VerdictGiven, VerdictUndone
from app.domain.jobs import Priority
from app.domain.media import MediaRef
from app.domain.platform import Hold
from app.services.pipeline import intake
from app.services.pipeline.moderate import Moderator
from app.services.review import showing
from app.services.rules import lists, policies
from app.services.sites import holds, sites
from tests.services.pipeline.test_moderate import settle, upload
from tests.support.core import Bench


def _jobs(bench: Bench, site_id: str) -> dict[str, int]:
    with bench.core.db.read() as connection:
        return jobs.counts(connection, site_id)


def test_a_delivery_is_counted_once_for_ever(bench: Bench) -> None:
    site = bench.site()
    bench.platform.images["1"] = b"one"
    assert intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "1"))
    bench.clock.pass_seconds(10_000_000)
    assert not intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "1"))
    assert _jobs(bench, site.id) == {"due": 1}


def test_another_delivery_about_the_same_bytes_queues_nothing(bench: Bench) -> None:
    site = bench.site()
    bench.platform.images["1"] = b"one"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "1"))
    assert intake.receive(bench.core, "paper", bench.uploaded(site, "d2", "1"))
    assert _jobs(bench, site.id) == {"due": 1}


def test_new_bytes_replace_the_old_ones_once_they_were_fetched(bench: Bench) -> None:
    site = bench.site()
    bench.platform.images["1"] = b"one"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "1"))
    Moderator(bench.core).run_next()
    bench.platform.images["1"] = b"two"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d2", "1"))
    assert _jobs(bench, site.id) == {"done": 1, "due": 1}
    Moderator(bench.core).run_next()
    assert _jobs(bench, site.id) == {"done": 1, "gone": 1}


def test_a_late_delivery_of_an_older_version_does_not_harm_the_newer(bench: Bench) -> None:
    site = bench.site()
    bench.platform.images["1"] = b"old"
    late = bench.uploaded(site, "d1", "1")
    bench.platform.images["1"] = b"new"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d2", "1"))
    intake.receive(bench.core, "paper", late)
    moderator = Moderator(bench.core)
    while moderator.run_next():
        pass
    assert [shown.decision.media for shown in showing.recent(bench.core)] == [bench.platform.ref("1")]
    assert _jobs(bench, site.id) == {"done": 1, "gone": 1}


def test_a_version_that_was_gone_before_it_was_judged_is_judged_when_it_is_back(bench: Bench) -> None:
    site = bench.site()
    bench.judge.tell(b"bad", "owner.blocked_hash", 1.0)
    bench.platform.images["1"] = b"bad"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "1"))
    bench.platform.images["1"] = b"other"
    assert Moderator(bench.core).run_next()
    bench.platform.images["1"] = b"bad"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d3", "1"))
    assert Moderator(bench.core).run_next()
    assert [shown.decision.verdict for shown in showing.recent(bench.core)] == [Verdict.BLOCK]


def test_a_worker_is_woken_only_after_the_commit(bench: Bench) -> None:
    site = bench.site()
    bench.woken.clear()
    bench.platform.images["1"] = b"one"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "1"))
    assert bench.woken == [1]


def test_what_cannot_be_read_is_kept_and_shown(bench: Bench) -> None:
    site = bench.site()
    assert intake.receive(bench.core, "paper", bench.signed(site, b"not json"))
    assert sites.summary(bench.core, site.id)["unreadable"] == ["Delivery 1: not JSON"]


def test_a_stored_delivery_can_be_read_again(bench: Bench) -> None:
    site = bench.site()
    bench.platform.images["1"] = b"one"
    delivery = bench.uploaded(site, "d1", "1")
    intake.receive(bench.core, "paper", delivery)
    assert intake.read_again(bench.core, 1) == 1
    assert _jobs(bench, site.id) == {"due": 1}


def test_a_signed_request_changes_something_only_once(bench: Bench) -> None:
    site = bench.site()
    request = bench.signed(site, b"{}")
    assert intake.authenticate_once(bench.core, "paper", request, "r1").id == site.id
    with pytest.raises(DeliveryRepeated):
        intake.authenticate_once(bench.core, "paper", request, "r1")


def test_an_unknown_platform_is_refused(bench: Bench) -> None:
    with pytest.raises(PlatformUnknown):
        intake.receive(bench.core, "nowhere", bench.signed(bench.site(), b""))


def test_old_bodies_are_forgotten_and_their_ids_are_not(bench: Bench) -> None:
    site = bench.site()
    bench.platform.images["1"] = b"one"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "1"))
    with bench.core.db.write() as connection:
        assert deliveries.forget_bodies(connection, bench.clock() + 1) == 1
    assert not intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "1"))


def test_claims_go_by_priority_then_fairly_across_sites_then_by_age(bench: Bench) -> None:
    busy, quiet = bench.site(), bench.site()
    with bench.core.db.write() as connection:
        for n in range(3):
            jobs.add(connection, busy.id, MediaRef(f"b{n}", "v"), 0, Priority.UPLOAD, bench.clock() + n)
        jobs.add(connection, quiet.id, MediaRef("q0", "v"), 0, Priority.UPLOAD, bench.clock() + 9)
        jobs.add(connection, busy.id, MediaRef("fill", "v"), 0, Priority.BACKFILL, bench.clock() - 9)
        jobs.add(connection, quiet.id, MediaRef("person", "v"), 0, Priority.PERSON, bench.clock() + 9)
    order = []
    bench.clock.pass_seconds(1)
    while True:
        bench.clock.pass_seconds(0.001)
        with bench.core.db.write() as connection:
            job = jobs.claim(connection, bench.clock(), 60_000_000)
        if job is None:
            break
        order.append(job.media.id)
    assert order == ["person", "b0", "q0", "b1", "b2", "fill"]


def test_a_verdict_given_at_the_platform_binds_and_takes_the_picture_off_the_block_list(bench: Bench) -> None:
    site = bench.site()
    bench.platform.images["1"] = b"one"
    media = bench.platform.ref("1")
    for verdict, never_again, on_list in ((Verdict.BLOCK, True, {"block": 1}), (Verdict.ALLOW, False, {})):
        with bench.core.db.write() as connection:
            intake._take(
                bench.core, connection, site, VerdictGiven(media, media.version, verdict, "Eve", never_again), bench.clock()
            )
        shown = showing.recent(bench.core, site.id)[0].decision
        assert (shown.verdict, shown.person) == (verdict, "at the site: Eve")
        assert sites.summary(bench.core, site.id)["hashes"] == on_list
    assert _jobs(bench, site.id) == {"done": 1}


def test_a_verdict_undone_at_the_platform_is_no_verdict_and_puts_back_what_was_before(bench: Bench) -> None:
    site = bench.site()
    bench.judge.tell(b"one", "owner.blocked_hash", 1.0)
    upload(bench, site, "1", b"one")
    settle(bench)
    media = bench.platform.ref("1")

    def take(*events: Event) -> None:
        with bench.core.db.write() as connection:
            for event in events:
                intake._take(bench.core, connection, site, event, bench.clock())
        settle(bench)

    def now() -> tuple[Verdict, str]:
        shown = showing.recent(bench.core, site.id)[0].decision
        return shown.verdict, shown.person

    assert bench.platform.hidden == {"1"} and now() == (Verdict.BLOCK, "")
    approved = VerdictGiven(media, media.version, Verdict.ALLOW, "Eve")
    take(approved)
    assert bench.platform.hidden == set() and now() == (Verdict.ALLOW, "at the site: Eve")
    take(VerdictUndone(media, "somebody else"))
    assert now()[0] is Verdict.ALLOW, "not theirs to undo"
    take(VerdictUndone(media, "Eve"))
    assert bench.platform.hidden == {"1"} and now()[0] is Verdict.BLOCK
    with bench.core.db.read() as connection:
        assert decisions.by_person(connection, site.id, media.version) is None, "an undo approves nothing, and rejects nothing"
    kept = len(showing.recent(bench.core, site.id))
    take(VerdictUndone(MediaRef("9", "x"), "Eve"))
    assert len(showing.recent(bench.core, site.id)) == kept


def test_a_site_is_asked_where_it_says_it_is_once_it_cannot_be_reached(bench: Bench) -> None:
    site = bench.site()
    told = AddressTold({"rest_url": "https://a.example/api/"})

    def known() -> object:
        with bench.core.db.write() as connection:
            intake._take(bench.core, connection, site, told, bench.clock())
        return sites.get(bench.core, site.id).connection.get("rest_url")

    assert known() is None, "it can be reached where it is"
    with bench.core.db.write() as connection:
        holds.hold(bench.core, connection, site.id, PlatformClosed("a wall"), bench.clock())
    assert known() == "https://a.example/api/"
    with bench.core.db.read() as connection:
        row = rows.get(connection, site.id)
    assert row is not None and row.held_why is Hold.NONE, "its work goes on at once"


def test_erasure_leaves_ids_and_verdicts_and_nothing_else(bench: Bench) -> None:
    site = bench.site()
    bench.judge.tell(b"one", "owner.blocked_hash", 1.0)
    bench.platform.images["1"] = b"one"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "1"))
    Moderator(bench.core).run_next()
    with bench.core.db.write() as connection:
        intake._take(bench.core, connection, site, MediaDeleted("1"), bench.clock())
        intake._take(bench.core, connection, site, ErasureWanted(("1",)), bench.clock())
    shown = showing.recent(bench.core, site.id)[0].decision
    assert showing.preview(bench.core, shown.id, "Ann", clear=False) is None
    assert shown.media.context == {}
    with pytest.raises(DeliveryUnreadable):
        intake.read_again(bench.core, 1)


def test_one_person_at_the_platform_does_not_settle_what_needs_two(bench: Bench) -> None:
    site = bench.site()
    bench.judge.tell(b"severe", "csae.known_hash", 1.0)
    upload(bench, site, "1", b"severe")
    settle(bench)
    media = bench.platform.ref("1")
    with bench.core.db.write() as connection:
        event = VerdictGiven(media, media.version, Verdict.ALLOW, "Eve")
        intake._take_verdict(bench.core, connection, site, event, bench.clock())
    settle(bench)
    with bench.core.db.read() as connection:
        current = decisions.current(connection, site.id, "1", media.version)
        assert current is not None and (current.verdict, current.two_people) == (Verdict.REVIEW, True)
        assert decisions.by_person(connection, site.id, media.version) is None
    assert bench.platform.hidden == {"1"}


def test_a_sites_word_before_anybody_judged_passes_no_severe_list(bench: Bench) -> None:
    site = bench.site()
    policies.save(bench.core, site.id, [{"category": "csae.known_hash", "block": 0.9, "mode": "enforce"}], "owner")
    for number, (name, listed) in enumerate({"plain": False, "severe": True}.items()):
        data = name.encode()
        bench.platform.images[name] = data
        if listed:
            sha256 = hashlib.sha256(data).hexdigest()
            entry = HashEntry(HashKind.SHA256, sha256, ListKind.BLOCK, "csae.known_hash", "told by a hotline")
            lists.import_entries(bench.core, [entry], "", "Ada")
        media = bench.platform.ref(name)
        with bench.core.db.write() as connection:
            event = VerdictGiven(media, media.version, Verdict.ALLOW, "Olivia Owner")
            intake._take(bench.core, connection, site, event, bench.clock())
        settle(bench)
        upload(bench, site, f"again-{number}", data)
        settle(bench)
    shown = {one.decision.media.id: one.decision for one in showing.recent(bench.core, site.id, restricted=True)}
    assert {id: found.verdict for id, found in shown.items()} == {
        "plain": Verdict.ALLOW,
        "again-0": Verdict.ALLOW,
        "severe": Verdict.BLOCK,
        "again-1": Verdict.BLOCK,
    }
    assert bench.platform.hidden == {"severe", "again-1"}
    assert "the list wins" in shown["severe"].reasons[-1].text and "Olivia Owner" in shown["severe"].reasons[-1].text
