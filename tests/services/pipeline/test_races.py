"""What happens when two things happen at once, or in the wrong order: nothing is lost, done twice, or shown by mistake."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from app.db import enforcements, jobs
from app.db import sites as rows
from app.dispatch import clock
from app.domain.decisions import Action, Enforcement, Outcome, Receipt, Ruling, Verdict
from app.domain.errors import DeliveryRefused, MediaGone, PairingRefused, PlatformUnavailable, SettingsInvalid
from app.domain.events import Delivery, ErasureWanted, Event, Noted, Parsed, SiteRemoved
from app.domain.jobs import Priority
from app.domain.media import MediaRef
from app.domain.platform import Admission, ConnectField, Site, SiteState
from app.services.pipeline import enforce, intake, moderate, record, scan
from app.services.pipeline.moderate import Moderator
from app.services.review import showing
from app.services.rules import policies
from app.services.sites import connecting, sites
from app.services.sites.credentials import RENEWAL_SECONDS
from tests.services.pipeline.test_enforce import approve, block
from tests.services.pipeline.test_moderate import ENFORCED, settle, upload, verdict
from tests.support.core import Bench, PaperPlatform

OLD = {"access_token": "old", "refresh_token": "r1"}
NEW = {"access_token": "new", "refresh_token": "r2"}


@pytest.fixture
def site(bench: Bench) -> Iterator[Site]:
    site = bench.site()
    policies.save(bench.core, site.id, ENFORCED, "owner")
    with bench.core.db.write() as connection:
        rows.change(connection, site.id, credentials=bench.core.credentials.lock(OLD))
    yield sites.get(bench.core, site.id)


def row_of(bench: Bench, site: Site) -> Any:
    with bench.core.db.read() as connection:
        return rows.get(connection, site.id)


# --- credentials


def test_a_removed_site_gets_no_credentials_from_a_renewal_that_was_under_way(bench: Bench, site: Site) -> None:
    def refresh(_: Mapping[str, Any]) -> Mapping[str, Any]:
        sites.disconnect(bench.core, site.id, "platform")
        return NEW

    assert bench.core.credentials.renew(site, OLD, refresh) == {}
    assert row_of(bench, site).credentials is None


def test_a_renewal_that_took_too_long_stores_nothing_over_what_is_newer(bench: Bench, site: Site) -> None:
    def slow(_: Mapping[str, Any]) -> Mapping[str, Any]:
        bench.clock.pass_seconds(RENEWAL_SECONDS + 1)
        assert bench.core.credentials.renew(site, OLD, lambda _: NEW) == NEW
        return {"access_token": "too late"}

    assert bench.core.credentials.renew(site, OLD, slow) == NEW
    assert sites.get(bench.core, site.id).credentials == NEW


def test_a_renewal_that_lost_its_lease_to_one_under_way_does_not_use_what_it_got(bench: Bench, site: Site) -> None:
    def slow(_: Mapping[str, Any]) -> Mapping[str, Any]:
        bench.clock.pass_seconds(RENEWAL_SECONDS + 1)
        with bench.core.db.write() as connection:
            assert rows.take_renewal(connection, site.id, bench.clock(), bench.clock() + RENEWAL_SECONDS * 1_000_000)
        return {"access_token": "too late"}

    with pytest.raises(PlatformUnavailable):
        bench.core.credentials.renew(site, OLD, slow)
    assert sites.get(bench.core, site.id).credentials == OLD


# --- connecting


@pytest.fixture
def visitors(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let visits connect a shop that installs itself; give the proofs that were traded."""
    traded: list[str] = []

    def admit(visit: Delivery, find: Any) -> Admission:
        site = find("shop.example") or Site("", "paper", "A shop", SiteState.PAIRING, (), key="shop.example")
        return Admission(site, "A shop", person="Ann", proof=visit.body.decode())

    def trade(admission: Admission) -> Mapping[str, Any]:
        traded.append(admission.proof)
        return {"access_token": admission.proof}

    monkeypatch.setattr(PaperPlatform, "installs_itself", True)
    monkeypatch.setattr(bench.platform, "admit", admit)
    monkeypatch.setattr(bench.platform, "settle", trade)
    return traded


def visit(bench: Bench, proof: str = "first") -> Site:
    return connecting.visit(bench.core, "paper", Delivery("GET", "/x", {}, proof.encode(), bench.clock()))[0]


def test_two_first_visits_at_once_trade_one_proof(bench: Bench, visitors: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    welcome = connecting.welcome

    def both(core: Any, newcomer: Site) -> Site:
        known = welcome(core, newcomer)
        monkeypatch.setattr(connecting, "welcome", welcome)
        visit(bench, "second")
        return known

    monkeypatch.setattr(connecting, "welcome", both)
    site = visit(bench, "first")
    assert visitors == ["second"]
    assert sites.get(bench.core, site.id).credentials == {"access_token": "second"}
    assert len(sites.listing(bench.core)) == 1


def test_a_site_that_is_removed_while_it_connects_stays_removed(
    bench: Bench, visitors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(site: Site) -> str:
        sites.disconnect(bench.core, site.id, "platform")
        return "fine"

    monkeypatch.setattr(bench.platform, "check", check)
    with pytest.raises(DeliveryRefused):
        visit(bench)
    assert sites.listing(bench.core) == []


def test_what_was_missed_while_a_site_lost_its_credentials_is_still_looked_for(
    bench: Bench, visitors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = visit(bench)
    first = row_of(bench, site).paired_at
    bench.clock.pass_seconds(86_400)
    admit = bench.platform.admit

    def again(seen: Delivery, find: Any) -> Admission:
        admission = admit(seen, find)
        return replace(admission, site=replace(admission.site, state=SiteState.PAIRING))

    monkeypatch.setattr(bench.platform, "admit", again)
    visit(bench)
    assert row_of(bench, site).paired_at == first
    monkeypatch.setattr(bench.platform, "admit", admit)
    sites.disconnect(bench.core, site.id, "platform")
    visit(bench)
    assert row_of(bench, site).paired_at == bench.clock()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PaperPlatform, "connect_fields", (ConnectField("bucket", "Bucket"),))
    monkeypatch.setattr(PaperPlatform, "key_of", lambda self, connection: str(connection["bucket"]))


def test_a_site_that_is_added_twice_at_once_is_added_once(bench: Bench, typed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(site: Site) -> str:
        monkeypatch.undo()
        monkeypatch.setattr(PaperPlatform, "connect_fields", (ConnectField("bucket", "Bucket"),))
        monkeypatch.setattr(PaperPlatform, "key_of", lambda self, connection: str(connection["bucket"]))
        connecting.add(bench.core, "paper", "Shop", "owner", {"bucket": "b"})
        return "fine"

    monkeypatch.setattr(bench.platform, "check", check)
    with pytest.raises(SettingsInvalid):
        connecting.add(bench.core, "paper", "Shop", "owner", {"bucket": "b"})
    assert len(sites.listing(bench.core)) == 1


def test_a_site_that_was_disconnected_can_be_added_again_and_is_the_same(bench: Bench, typed: None) -> None:
    site = connecting.add(bench.core, "paper", "Shop", "owner", {"bucket": "b"})
    sites.save_settings(bench.core, site.id, {"preview_days": 7}, "owner")
    sites.disconnect(bench.core, site.id, "owner")
    again = connecting.add(bench.core, "paper", "Shop", "owner", {"bucket": "b"})
    known = sites.get(bench.core, site.id)
    assert (again.id, known.state, known.settings.preview_days) == (site.id, SiteState.ACTIVE, 7)
    assert known.secrets == again.secrets != site.secrets


def test_a_typed_site_gets_no_pairing_code_that_nothing_could_redeem(bench: Bench, typed: None) -> None:
    site = connecting.add(bench.core, "paper", "Shop", "owner", {"bucket": "b"})
    with pytest.raises(PairingRefused):
        connecting.renew_pairing(bench.core, site.id, "owner")
    assert sites.get(bench.core, site.id).state is SiteState.ACTIVE


@pytest.mark.parametrize("event", [SiteRemoved(), ErasureWanted(whole_site=True), Noted("redact", "Nothing is kept")])
def test_farewells_of_an_unknown_shop_leave_nothing_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch, event: Event) -> None:
    newcomer = Site("", "paper", "A shop", SiteState.PAIRING, (), key="shop.example")
    monkeypatch.setattr(bench.platform, "authenticate", lambda delivery, find: find("shop.example") or newcomer)
    monkeypatch.setattr(bench.platform, "parse", lambda delivery, site: Parsed("late", (event,)))
    assert not intake.receive(bench.core, "paper", Delivery("POST", "/x", {}, b"{}", bench.clock()))
    with bench.core.db.read() as connection:
        assert rows.every(connection) == []


# --- listings and versions


@pytest.fixture
def listed(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(PaperPlatform, "hides_parents", True)
    bench.platform.parents |= {"1": "p"}
    return site


def test_a_hide_that_finds_its_image_gone_gives_back_what_an_earlier_version_hid(
    bench: Bench, listed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    block(bench, listed, "1")
    settle(bench)
    bench.judge.tell(b"also bad", "sexual.explicit_nudity", 0.9)
    upload(bench, listed, "1", b"also bad")
    while Moderator(bench.core).run_next():
        pass
    apply = bench.platform.apply

    def gone(site: Site, enforcement: Enforcement) -> Receipt:
        if enforcement.action is Action.HIDE:
            raise MediaGone("the picture is no longer in the shop")
        return apply(site, enforcement)

    monkeypatch.setattr(bench.platform, "apply", gone)
    settle(bench)
    assert [done.action for done in bench.platform.applied] == [Action.HIDE, Action.RESTORE]
    assert bench.platform.applied[-1].undo == {"before": "as 1 was"}


def test_a_hide_ends_together_with_the_queueing_of_what_is_there_instead(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    block(bench, site, "1")
    while Moderator(bench.core).run_next():
        pass
    bench.platform.trouble["apply"] = MediaGone("replaced", now=MediaRef("1", "v2"))

    def killed(*_: Any, **__: Any) -> bool:
        raise RuntimeError("killed here")

    with monkeypatch.context() as dying:
        dying.setattr(moderate, "add_job", killed)
        with pytest.raises(RuntimeError):
            enforce.run_next(bench.core)
    with bench.core.db.read() as connection:
        assert [row.state for row in enforcements.history(connection, site.id, "1")] == ["busy"]


def test_a_platform_that_names_two_versions_in_turns_is_not_asked_without_end(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"a": "b", "b": "a"}
    fetched = []

    def fetch(site: Site, media: MediaRef) -> Any:
        fetched.append(media.version)
        assert len(fetched) < 20, "it goes on without end"
        raise MediaGone("another version", now=MediaRef("1", other[media.version]))

    monkeypatch.setattr(bench.platform, "fetch", fetch)
    with bench.core.db.write() as connection:
        moderate.add_job(connection, site.id, MediaRef("1", "a"), Priority.UPLOAD, bench.clock())
    settle(bench)
    assert fetched == ["a", "b"]
    bench.clock.pass_seconds(60)
    settle(bench)
    assert fetched == ["a", "b", "a"]


def test_a_slow_look_at_an_earlier_version_does_not_undo_what_was_found_since(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.judge.tell(b"bad", "sexual.explicit_nudity", 0.9)
    judge = bench.judge.judge

    def slow(data: bytes, wanted: Any) -> Any:
        if data == b"fine" and bench.platform.images["1"] == b"fine":
            bench.clock.pass_seconds(1)
            upload(bench, site, "1", b"bad")
            assert Moderator(bench.core).run_next()
            bench.clock.pass_seconds(1)
        return judge(data, wanted)

    monkeypatch.setattr(bench.judge, "judge", slow)
    upload(bench, site, "1", b"fine")
    settle(bench)
    assert bench.platform.hidden == {"1"}
    with bench.core.db.read() as connection:
        known = jobs.latest(connection, site.id, "1", hashlib.sha256(b"bad").hexdigest())
    assert known is not None and known.state == "done"


def test_a_clock_that_goes_back_has_nothing_looked_at_again_and_again(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"fine")
    settle(bench)
    bench.clock.pass_seconds(-3600)
    upload(bench, site, "1", b"fine too")
    assert Moderator(bench.core).run_next()
    assert not Moderator(bench.core).run_next()
    assert verdict(bench, site, "1") is Verdict.ALLOW


def test_a_late_verdict_about_an_earlier_version_does_not_stop_a_hide(bench: Bench, site: Site) -> None:
    bench.judge.tell(b"doubtful", "sexual.explicit_nudity", 0.5)
    upload(bench, site, "1", b"doubtful")
    settle(bench)
    earlier = showing.recent(bench.core, site.id)[0].decision
    bench.judge.tell(b"bad", "sexual.explicit_nudity", 0.9)
    upload(bench, site, "1", b"bad")
    while Moderator(bench.core).run_next():
        pass
    with bench.core.db.write() as connection:
        allowed = Outcome(Verdict.ALLOW, ())
        ruling = Ruling(
            earlier.job_id, earlier.media, earlier.sha256, allowed, bench.clock(), person="Ann", supersedes=earlier.id
        )
        record.store(bench.core, connection, site, ruling)
    settle(bench)
    assert Action.HIDE in {done.action for done in bench.platform.applied}
    assert verdict(bench, site, "1") is Verdict.BLOCK


@pytest.mark.parametrize("dismissed", [False, True])
def test_an_image_whose_restore_found_changes_by_hand_no_longer_holds_its_parent(
    bench: Bench, listed: Site, dismissed: bool
) -> None:
    bench.platform.parents |= {"2": "p"}
    block(bench, listed, "1")
    settle(bench)
    bench.platform.drift["1"] = "Someone archived the product"
    approve(bench, listed, "1")
    settle(bench)
    if dismissed:
        enforce.dismiss_parked(bench.core, enforce.parked(bench.core, listed.id)[0].id)
    block(bench, listed, "2")
    settle(bench)
    approve(bench, listed, "2")
    settle(bench)
    hide, restore = bench.platform.applied[-2:]
    assert (hide.action, hide.media.id, hide.held) == (Action.HIDE, "2", None)
    assert (restore.action, restore.media.id, restore.others_blocked) == (Action.RESTORE, "2", 0)


# --- upkeep


@pytest.mark.parametrize("what", ["apply", "fetch"])
def test_the_time_that_a_site_is_paused_counts_against_no_work(bench: Bench, site: Site, what: str) -> None:
    block(bench, site, "1")
    if what == "apply":
        while Moderator(bench.core).run_next():
            pass
    sites.set_state(bench.core, site.id, SiteState.PAUSED, "owner")
    bench.clock.pass_seconds(3 * 86_400)
    sites.set_state(bench.core, site.id, SiteState.ACTIVE, "owner")
    bench.platform.trouble[what] = PlatformUnavailable("away for a moment")
    settle(bench)
    bench.platform.trouble.clear()
    bench.clock.pass_seconds(60)
    settle(bench)
    assert bench.platform.hidden == {"1"}


def test_a_scan_that_stumbles_over_a_bug_stops_and_stops_nothing_else(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = bench.site()
    bench.platform.images["1"] = b"picture"
    listing = bench.platform.scan

    def stumble(scanned: Site, cursor: str = "") -> Any:
        if scanned.id == site.id:
            raise ZeroDivisionError("a bug")
        return listing(scanned, cursor)

    monkeypatch.setattr(bench.platform, "scan", stumble)
    scan.ask(bench.core, site.id, "owner")
    scan.ask(bench.core, other.id, "owner")
    clock.run_due(bench.core)
    stopped, done = scan.last(bench.core, site.id), scan.last(bench.core, other.id)
    assert stopped is not None and not stopped.running and "ZeroDivisionError" in stopped.problem
    assert done is not None and done.done
