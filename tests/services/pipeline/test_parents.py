"""Listings that are hidden for one of their images: one action at a time, and back when the last block is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.db import audit, enforcements, jobs
from app.domain.decisions import Action, Receipt
from app.domain.errors import DeliveryUnreadable, MediaGone, PlatformRefused
from app.domain.events import (
    Delivery,
    ErasureWanted,
    Event,
    Noted,
    ParentDeleted,
    ParentSeen,
    ParentShown,
    Parsed,
    ScanAdvanced,
    SiteRemoved,
)
from app.domain.jobs import WorkState
from app.domain.media import MediaRef, Page
from app.domain.platform import Site, SiteState
from app.services.pipeline import enforce, intake, scan
from app.services.pipeline.moderate import Moderator
from app.services.rules import policies
from app.services.sites import sites
from tests.services.pipeline.test_enforce import approve, block
from tests.services.pipeline.test_moderate import ENFORCED, settle, upload
from tests.support.core import Bench, PaperPlatform


@pytest.fixture
def site(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(PaperPlatform, "hides_parents", True)
    site = bench.site()
    policies.save(bench.core, site.id, ENFORCED, "owner")
    bench.platform.parents |= {"1": "p", "2": "p", "3": "q"}
    yield site


def told(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch, *events: Event) -> bool:
    monkeypatch.setattr(bench.platform, "parse", lambda delivery, site: Parsed(json.loads(delivery.body)["id"], events))
    body = json.dumps({"id": f"told {len(events)} {events}"}).encode()
    return intake.receive(bench.core, "paper", bench.signed(site, body))


def applied(bench: Bench) -> list[tuple[Action, str, int]]:
    return [(done.action, done.media.id, done.others_blocked) for done in bench.platform.applied]


def test_two_actions_about_one_parent_are_never_under_way_together(bench: Bench, site: Site) -> None:
    for media_id in ("1", "2", "3"):
        block(bench, site, media_id)
    moderator = Moderator(bench.core)
    while moderator.run_next():
        pass
    lease = 60_000_000
    with bench.core.db.write() as connection:
        first = enforcements.claim(connection, bench.clock(), lease)
        second = enforcements.claim(connection, bench.clock(), lease)
        assert first is not None and second is not None
        assert {first.enforcement.media.id, second.enforcement.media.id} == {"1", "3"}
        assert enforcements.claim(connection, bench.clock(), lease) is None


def test_actions_are_fair_between_sites(bench: Bench, site: Site) -> None:
    other = bench.site()
    policies.save(bench.core, other.id, ENFORCED, "owner")
    for media_id in ("a", "b", "c", "d"):
        block(bench, site, media_id)
    bench.clock.pass_seconds(5)
    block(bench, other, "e")
    moderator = Moderator(bench.core)
    while moderator.run_next():
        pass
    served = []
    for _ in range(3):
        bench.clock.pass_seconds(1)
        assert enforce.run_next(bench.core)
        served.append(bench.platform.applied[-1].media.id)
    assert "e" in served[:2]


def test_a_deleted_image_gives_its_parent_back(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    block(bench, site, "1")
    settle(bench)
    del bench.platform.images["1"]
    assert told(bench, site, monkeypatch, ParentSeen("p", ("2",)))
    settle(bench)
    assert applied(bench) == [(Action.HIDE, "1", 0), (Action.RESTORE, "1", 0)]
    assert bench.platform.applied[-1].undo == {"before": "as 1 was"}


def test_a_hint_is_not_believed_when_the_image_is_still_there(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    block(bench, site, "1")
    settle(bench)
    assert told(bench, site, monkeypatch, ParentSeen("p", ()))
    settle(bench)
    assert Action.RESTORE not in {done.action for done in bench.platform.applied}
    assert bench.platform.hidden == {"1"}


def test_a_parent_stays_hidden_for_the_image_that_is_left(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    block(bench, site, "1")
    block(bench, site, "2")
    settle(bench)
    del bench.platform.images["1"]
    told(bench, site, monkeypatch, ParentSeen("p", ("2",)))
    settle(bench)
    assert applied(bench)[-1] == (Action.RESTORE, "1", 1)


def test_a_replaced_image_that_is_fine_gives_its_parent_back(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    settle(bench)
    upload(bench, site, "1", b"a fine picture")
    settle(bench)
    assert applied(bench) == [(Action.HIDE, "1", 0), (Action.RESTORE, "1", 0)]
    assert bench.platform.applied[-1].undo == {"before": "as 1 was"}


def test_a_hide_is_told_what_an_earlier_one_of_the_same_image_found_while_that_holds(bench: Bench, site: Site) -> None:
    for bytes_, held in ((b"nude", None), (b"nude, cropped", {"before": "as 1 was"}), (b"nude, after all", None)):
        bench.judge.tell(bytes_, "sexual.explicit_nudity", 0.9)
        upload(bench, site, "1", bytes_)
        settle(bench)
        last = bench.platform.applied[-1]
        assert (last.action, last.held) == (Action.HIDE, held)
        if held:
            upload(bench, site, "1", b"a fine picture")
            settle(bench)
            assert bench.platform.applied[-1].action is Action.RESTORE


def test_a_replaced_image_that_asks_for_a_person_keeps_it_hidden(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    settle(bench)
    bench.judge.tell(b"doubtful", "sexual.explicit_nudity", 0.5)
    upload(bench, site, "1", b"doubtful")
    settle(bench)
    assert Action.RESTORE not in {done.action for done in bench.platform.applied}


def test_a_deleted_parent_ends_all_about_it(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    block(bench, site, "1")
    upload(bench, site, "2", b"fine")
    told(bench, site, monkeypatch, ParentDeleted("p"))
    settle(bench)
    assert bench.platform.applied == []
    with bench.core.db.read() as connection:
        assert jobs.counts(connection, site.id) == {"gone": 2}


def test_the_version_that_is_there_instead_is_judged(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.platform.images["1"] = b"ready now"
    real = bench.platform.ref("1")
    fetch = bench.platform.fetch

    def fetched(site: Site, media: MediaRef) -> Any:
        if media.version == "provisional":
            raise MediaGone("another version is there", now=real)
        return fetch(site, media)

    monkeypatch.setattr(bench.platform, "fetch", fetched)
    body = json.dumps({"id": "x", "media": [["1", "provisional"]]}).encode()
    intake.receive(bench.core, "paper", bench.signed(site, body))
    settle(bench)
    with bench.core.db.read() as connection:
        known = jobs.latest(connection, site.id, "1")
        assert known is not None and (known.version, known.state) == (real.version, "done")
        assert jobs.counts(connection, site.id) == {"done": 1, "gone": 1}


def test_what_a_removed_site_sends_is_dropped_but_its_erasure(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    block(bench, site, "1")
    settle(bench)
    found = sites.get(bench.core, site.id)
    told(bench, site, monkeypatch, SiteRemoved())
    with pytest.raises(sites.SiteUnknown):
        sites.get(bench.core, site.id)
    monkeypatch.setattr(bench.platform, "authenticate", lambda delivery, find: find(site.id))
    uploaded = bench.uploaded(found, "late", "1")
    monkeypatch.undo()
    monkeypatch.setattr(bench.platform, "authenticate", lambda delivery, find: find(site.id))
    intake.receive(bench.core, "paper", uploaded)
    with bench.core.db.read() as connection:
        assert jobs.counts(connection, site.id) == {"done": 1}
    monkeypatch.setattr(bench.platform, "parse", lambda delivery, site: Parsed("bye", (ErasureWanted(whole_site=True),)))
    intake.receive(bench.core, "paper", Delivery("POST", "/x", {}, b"{}", bench.clock()))
    with bench.core.db.read() as connection:
        assert jobs.counts(connection, site.id) == {}
        assert [row.action for row in audit.recent(connection, site.id, 10)] == ["site.erased"]


def test_a_note_is_a_line_in_the_history(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    told(bench, site, monkeypatch, Noted("customer.redact", "Nothing of a customer is kept"))
    assert sites.trail(bench.core, site.id, 1)[0][2] == "Nothing of a customer is kept"


def test_a_scan_waits_for_its_platform_and_can_be_hurried(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.platform.images["1"] = b"picture"
    pages = iter([Page((), "preparing", wait_seconds=600), Page((bench.platform.ref("1"),))])
    asked = []
    monkeypatch.setattr(bench.platform, "scan", lambda site, cursor="": asked.append(cursor) or next(pages))
    scan.ask(bench.core, site.id, "owner")
    scan.step(bench.core, site.id, lambda: False)
    scan.step(bench.core, site.id, lambda: False)
    assert asked == [""]
    told(bench, site, monkeypatch, ScanAdvanced())
    scan.step(bench.core, site.id, lambda: False)
    assert asked == ["", "preparing"]
    done = scan.last(bench.core, site.id)
    assert done is not None and (done.seen, done.done) == (1, True)


def test_news_of_a_listing_begin_no_scan(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    told(bench, site, monkeypatch, ScanAdvanced())
    assert scan.last(bench.core, site.id) is None


def test_an_installation_that_is_not_connected_yet_waits_with_what_it_sends(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.platform.images["1"] = b"picture"
    newcomer = Site("", "paper", "A shop", SiteState.PAIRING, (), key="shop.example")
    monkeypatch.setattr(bench.platform, "authenticate", lambda delivery, find: find("shop.example") or newcomer)
    media = [["1", bench.platform.ref("1").version]]
    delivery = Delivery("POST", "/x", {}, json.dumps({"id": "x", "media": media}).encode(), bench.clock())
    assert intake.receive(bench.core, "paper", delivery)
    assert not intake.receive(bench.core, "paper", delivery)
    settle(bench)
    assert bench.judge.looked == []
    with bench.core.db.read() as connection:
        site = sites.find_for(bench.core, "paper", connection)("shop.example")
    assert site is not None and site.state is SiteState.PAIRING
    with bench.core.db.write() as connection:
        sites.rows.change(connection, site.id, state=SiteState.ACTIVE)
    settle(bench)
    assert len(bench.judge.looked) == 1


def test_an_unreadable_delivery_of_a_newcomer_is_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(delivery: Delivery, site: Site) -> Parsed:
        raise DeliveryUnreadable("not ours")

    newcomer = Site("", "paper", "A shop", SiteState.PAIRING, (), key="shop.example")
    monkeypatch.setattr(bench.platform, "authenticate", lambda delivery, find: find("shop.example") or newcomer)
    monkeypatch.setattr(bench.platform, "parse", unreadable)
    assert intake.receive(bench.core, "paper", Delivery("POST", "/x", {}, b"??", bench.clock()))


def test_the_body_of_a_personal_delivery_is_not_stored(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = Parsed("p", (Noted("customer.redact", "Nothing of a customer is kept"),), personal=True)
    monkeypatch.setattr(bench.platform, "parse", lambda delivery, site: parsed)
    assert intake.receive(bench.core, "paper", bench.signed(site, b'{"email":"ann@example.org"}'))
    with bench.core.db.read() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM deliveries").scalars().all()
    assert b"" in bodies and not any(b"ann@" in body for body in bodies)


def test_a_hide_is_looked_at_again_where_people_see_what_it_hid(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    block(bench, site, "1")
    settle(bench)
    (first,) = bench.platform.applied
    for parent, media_ids in (("p", ("2",)), ("another", ("1",))):
        told(bench, site, monkeypatch, ParentShown(parent, media_ids))
        settle(bench)
    assert bench.platform.applied == [first], "nothing that contradicts it"
    told(bench, site, monkeypatch, ParentShown("p", ("1", "2")))
    settle(bench)
    assert [done.id for done in bench.platform.applied] == [first.id, first.id]
    with bench.core.db.read() as connection:
        told_of = [entry for entry in audit.of_media(connection, site.id, "1") if entry.action == "enforcement.hide.done"]
    assert len(told_of) == 1, "that it still holds is no news"


def test_a_look_that_finds_a_change_by_hand_waits_for_the_owner_and_is_not_repeated(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    block(bench, site, "1")
    settle(bench)
    monkeypatch.setattr(bench.platform, "apply", lambda site, wanted: Receipt({"before": "it"}, "Someone showed it"))
    for _ in range(2):
        told(bench, site, monkeypatch, ParentShown("p", ("1",)))
        settle(bench)
    (waits,) = enforce.parked(bench.core, site.id)
    assert (waits.action, waits.state, waits.problem) == (Action.HIDE, WorkState.DRIFTED, "Someone showed it")


@pytest.mark.parametrize("found", [MediaGone("gone"), PlatformRefused("no more changes this hour")])
def test_a_look_that_does_not_succeed_loses_nothing_of_the_hide(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch, found: Exception
) -> None:
    block(bench, site, "1")
    settle(bench)
    bench.platform.trouble["apply"] = found
    told(bench, site, monkeypatch, ParentShown("p", ("1",)))
    enforce.run_next(bench.core)
    with bench.core.db.read() as connection:
        (looked, *after) = reversed(enforcements.history(connection, site.id, "1"))
    assert looked.undo == {"before": "as 1 was"}, "what brings the parent back is still there"
    bench.platform.trouble.clear()
    if isinstance(found, MediaGone):
        assert looked.state is WorkState.DONE and [one.action for one in after] == [Action.RESTORE]
    else:
        assert looked.state is WorkState.PARKED
        approve(bench, site, "1")
    settle(bench)
    last = bench.platform.applied[-1]
    assert (last.action, last.undo) == (Action.RESTORE, {"before": "as 1 was"})
