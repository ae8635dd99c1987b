from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from app.db import decisions, hashes, jobs
from app.dispatch import clock
from app.domain.decisions import Action, Verdict
from app.domain.detector import HashEntry, HashKind, ListKind
from app.domain.errors import MediaSkipped, ModelUnavailable, PlatformRefused, PlatformUnavailable
from app.domain.jobs import MAX_DEATHS, WorkState
from app.domain.platform import Site
from app.services.pipeline import due, enforce, intake, moderate
from app.services.pipeline.moderate import Moderator
from app.services.review import showing, verdicts
from app.services.rules import lists, policies
from app.services.sites import sites
from tests.support.core import Bench

ENFORCED: list[dict[str, Any]] = [{"category": "sexual.explicit_nudity", "review": 0.4, "block": 0.8, "mode": "enforce"}]


@pytest.fixture
def site(bench: Bench) -> Site:
    site = bench.site()
    policies.save(bench.core, site.id, ENFORCED, "owner")
    return site


def upload(bench: Bench, site: Site, media_id: str, data: bytes) -> None:
    bench.platform.images[media_id] = data
    version = hashlib.sha256(data).hexdigest()
    intake.receive(bench.core, "paper", bench.uploaded(site, f"{media_id}-{version}", media_id))


def settle(bench: Bench) -> None:
    moderator = Moderator(bench.core)
    while moderator.run_next() or enforce.run_next(bench.core):
        pass


def verdict(bench: Bench, site: Site, media_id: str) -> Verdict:
    with bench.core.db.read() as connection:
        known = jobs.latest(connection, site.id, media_id)
        assert known is not None
        current = decisions.current(connection, site.id, media_id, known.version)
    assert current is not None
    return current.verdict


@pytest.mark.parametrize(("score", "expected"), [(0.1, "allow"), (0.4, "review"), (0.79, "review"), (0.8, "block")])
def test_scores_fall_into_bands(bench: Bench, site: Site, score: float, expected: str) -> None:
    bench.judge.tell(b"picture", "sexual.explicit_nudity.genitalia", score)
    upload(bench, site, "1", b"picture")
    settle(bench)
    assert verdict(bench, site, "1") == expected
    assert bench.platform.hidden == ({"1"} if expected == "block" else set())


def test_a_new_site_only_watches(bench: Bench) -> None:
    site = bench.site()
    bench.judge.tell(b"picture", "sexual.explicit_nudity", 0.99)
    upload(bench, site, "1", b"picture")
    settle(bench)
    shown = showing.recent(bench.core, site.id)[0]
    assert shown.decision.verdict is Verdict.ALLOW
    assert shown.decision.reasons[0].verdict is Verdict.BLOCK
    assert shown.decision.reasons[0].mode == "shadow"
    assert not bench.platform.hidden


def test_flag_only_labels_and_hides_nothing(bench: Bench, site: Site) -> None:
    sites.save_settings(bench.core, site.id, {"mode": "flag"}, "owner")
    bench.judge.tell(b"picture", "sexual.explicit_nudity", 0.99)
    upload(bench, site, "1", b"picture")
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.BLOCK
    assert [done.action for done in bench.platform.applied] == [Action.LABEL]


def test_what_cannot_be_judged_goes_to_a_person(bench: Bench, site: Site) -> None:
    bench.judge.fails[hashlib.sha256(b"bomb").hexdigest()] = "too many pixels"
    upload(bench, site, "1", b"bomb")
    settle(bench)
    waiting = showing.waiting(bench.core)
    assert [reason.text for reason in waiting[0].reasons] == ["too many pixels"]


def test_a_file_over_the_limit_goes_to_a_person(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"x" * 1001)
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.REVIEW


def test_a_missing_model_never_allows(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(data: bytes, wanted: object) -> Any:
        raise ModelUnavailable("no weights")

    monkeypatch.setattr(bench.judge, "judge", missing)
    upload(bench, site, "1", b"picture")
    moderator = Moderator(bench.core)
    for _ in range(MAX_DEATHS + 1):
        assert moderator.run_next()
        bench.clock.pass_seconds(300)
    assert verdict(bench, site, "1") is Verdict.REVIEW


def test_a_platform_that_is_away_is_asked_again_later(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"picture")
    bench.platform.trouble["fetch"] = PlatformUnavailable("away", retry_after=100)
    settle(bench)
    bench.clock.pass_seconds(99)
    assert not Moderator(bench.core).run_next()
    bench.clock.pass_seconds(2)
    bench.platform.trouble.clear()
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.ALLOW


def test_an_outage_of_an_hour_is_sat_out(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"picture")
    bench.platform.trouble["fetch"] = PlatformUnavailable("away")
    for _ in range(60):
        settle(bench)
        bench.clock.pass_seconds(60)
    bench.platform.trouble.clear()
    bench.clock.pass_seconds(6 * 3600)
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.ALLOW


def test_a_platform_that_stays_away_ends_in_review(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"picture")
    bench.platform.trouble["fetch"] = PlatformUnavailable("away")
    settle(bench)
    bench.clock.pass_seconds(25 * 3600)
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.REVIEW


def test_a_platform_that_refuses_ends_in_review_at_once(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"picture")
    bench.platform.trouble["fetch"] = PlatformRefused("no")
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.REVIEW


def test_a_deleted_picture_ends_without_a_decision(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"picture")
    del bench.platform.images["1"]
    settle(bench)
    assert showing.recent(bench.core) == []


def test_a_dead_workers_job_is_judged_by_another_and_the_dead_one_cannot_write(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"picture")
    with bench.core.db.write() as connection:
        lost = jobs.claim(connection, bench.clock(), 60_000_000)
    assert lost is not None
    settle(bench)
    assert showing.recent(bench.core) == []
    bench.clock.pass_seconds(61)
    assert due.sweep(bench.core) == 1
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.ALLOW
    Moderator(bench.core)._moderate(lost, site)
    assert len(showing.recent(bench.core)) == 1


def test_a_picture_that_kills_workers_goes_to_a_person(bench: Bench, site: Site) -> None:
    upload(bench, site, "1", b"poison")
    for _ in range(MAX_DEATHS):
        with bench.core.db.write() as connection:
            assert jobs.claim(connection, bench.clock(), 60_000_000)
        bench.clock.pass_seconds(61)
        due.sweep(bench.core)
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.REVIEW
    assert bench.judge.looked == []


def test_signals_are_reused_for_the_same_bytes_on_another_site_and_decisions_are_not(bench: Bench, site: Site) -> None:
    other = bench.site()
    bench.judge.tell(b"picture", "sexual.explicit_nudity", 0.9)
    upload(bench, site, "1", b"picture")
    upload(bench, other, "2", b"picture")
    settle(bench)
    assert len(bench.judge.looked) == 1
    assert verdict(bench, site, "1") is Verdict.BLOCK
    assert verdict(bench, other, "2") is Verdict.ALLOW


def test_an_approved_picture_is_not_flagged_again(bench: Bench, site: Site) -> None:
    bench.judge.tell(b"picture", "sexual.explicit_nudity", 0.9)
    upload(bench, site, "1", b"picture")
    settle(bench)
    blocked = showing.recent(bench.core, site.id)[0].decision
    verdicts.resolve(bench.core, blocked.id, Verdict.ALLOW, "Ann")
    settle(bench)
    assert not bench.platform.hidden
    upload(bench, site, "2", b"picture")
    moderate.rejudge(bench.core, site.id, "1")
    policies.save(bench.core, site.id, [{**ENFORCED[0], "block": 0.5}], "owner")
    clock.run_due(bench.core)
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.ALLOW
    assert verdict(bench, site, "2") is Verdict.ALLOW
    assert not bench.platform.hidden


def test_a_new_policy_replays_stored_signals(bench: Bench, site: Site) -> None:
    bench.judge.tell(b"picture", "sexual.explicit_nudity", 0.6)
    upload(bench, site, "1", b"picture")
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.REVIEW
    policies.save(bench.core, site.id, [{**ENFORCED[0], "block": 0.5}], "owner")
    clock.run_due(bench.core)
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.BLOCK
    assert bench.platform.hidden == {"1"}
    policies.save(bench.core, site.id, [{**ENFORCED[0], "review": 0.7}], "owner")
    clock.run_due(bench.core)
    settle(bench)
    assert not bench.platform.hidden
    assert len(bench.judge.looked) == 1


def test_a_replay_makes_the_missing_preview_and_bothers_the_site_only_with_what_changed(bench: Bench, site: Site) -> None:
    bench.judge.tell(b"unclear", "sexual.explicit_nudity", 0.3)
    upload(bench, site, "1", b"unclear")
    upload(bench, site, "2", b"harmless")
    settle(bench)
    bench.platform.applied.clear()
    policies.save(bench.core, site.id, [{**ENFORCED[0], "review": 0.2}], "owner")
    clock.run_due(bench.core)
    settle(bench)
    waiting = showing.waiting(bench.core)
    assert [decision.media.id for decision in waiting] == ["1"]
    assert showing.preview(bench.core, waiting[0].id, "Ann", clear=False) == b"blurred"
    assert [done.media.id for done in bench.platform.applied] == ["1"]


def test_what_a_rule_in_shadow_found_has_a_preview(bench: Bench) -> None:
    site = bench.site()
    bench.judge.tell(b"picture", "sexual.explicit_nudity", 0.9)
    upload(bench, site, "1", b"picture")
    settle(bench)
    assert showing.preview(bench.core, showing.recent(bench.core)[0].decision.id, "Ann", clear=False) == b"blurred"


def test_a_replay_keeps_what_could_not_be_judged_in_review(bench: Bench, site: Site) -> None:
    bench.judge.fails[hashlib.sha256(b"bomb").hexdigest()] = "too many pixels"
    upload(bench, site, "1", b"bomb")
    settle(bench)
    policies.save(bench.core, site.id, [], "owner")
    clock.run_due(bench.core)
    assert verdict(bench, site, "1") is Verdict.REVIEW


def test_lists_are_matched_and_the_index_follows_their_changes(bench: Bench) -> None:
    site = bench.site()
    moderator = Moderator(bench.core)
    upload(bench, site, "1", b"first")
    assert moderator.run_next()
    entry = HashEntry(HashKind.SHA256, hashlib.sha256(b"second").hexdigest(), ListKind.BLOCK, "owner.blocked_hash")
    with bench.core.db.write() as connection:
        hashes.add(connection, [entry], bench.clock(), "owner")
    upload(bench, site, "2", b"second")
    assert moderator.run_next()
    assert verdict(bench, site, "2") is Verdict.BLOCK
    assert bench.judge.shown == [["owner.blocked_hash"]], "the preview is of the look that the list knows"


def test_a_restricted_category_has_no_preview(bench: Bench) -> None:
    site = bench.site()
    for data, category in ((b"mild", "owner.blocked_hash"), (b"severe", "csae.known_hash")):
        bench.judge.tell(data, category, 1.0)
        upload(bench, site, data.decode(), data)
    settle(bench)
    shown = {
        item.decision.media.id: showing.preview(bench.core, item.decision.id, "Ann", clear=True)
        for item in showing.recent(bench.core, restricted=True)
    }
    assert shown == {"mild": b"clear", "severe": None}


def test_a_paused_site_waits_and_goes_on(bench: Bench, site: Site) -> None:
    from app.domain.platform import SiteState

    sites.set_state(bench.core, site.id, SiteState.PAUSED, "owner")
    upload(bench, site, "1", b"picture")
    settle(bench)
    assert showing.recent(bench.core) == []
    sites.set_state(bench.core, site.id, SiteState.ACTIVE, "owner")
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.ALLOW


def test_an_imported_list_reaches_what_was_decided_before(bench: Bench) -> None:
    site = bench.site()
    upload(bench, site, "1", b"first")
    upload(bench, site, "2", b"second")
    settle(bench)
    entry = HashEntry(HashKind.SHA256, hashlib.sha256(b"second").hexdigest(), ListKind.BLOCK, "owner.blocked_hash")
    assert (lists.import_entries(bench.core, [entry], "", "owner"), lists.compare(bench.core)) == (1, 1)
    settle(bench)
    assert (verdict(bench, site, "1"), verdict(bench, site, "2")) == (Verdict.ALLOW, Verdict.BLOCK)
    assert bench.platform.hidden == {"2"}
    assert (lists.import_entries(bench.core, [entry], "", "owner"), lists.compare(bench.core)) == (0, 0)


def test_a_comparison_goes_on_where_it_was_interrupted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "COMPARED_TOGETHER", 1)
    site = bench.site()
    for media_id in ("1", "2", "3"):
        upload(bench, site, media_id, f"picture {media_id}".encode())
    settle(bench)
    known = [hashlib.sha256(f"picture {media_id}".encode()).hexdigest() for media_id in ("1", "3")]
    entries = [HashEntry(HashKind.SHA256, value, ListKind.BLOCK, "owner.blocked_hash") for value in known]
    lists.import_entries(bench.core, entries, site.id, "owner")
    turns = iter([False, False, True, True])  # stopped after the first picture
    assert lists.compare(bench.core, lambda: next(turns)) == 1
    assert lists.compare(bench.core) == 1
    settle(bench)
    assert bench.platform.hidden == {"1", "3"}


def test_what_is_plainly_no_picture_is_nobodys_work_and_counted(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.platform.trouble["fetch"] = MediaSkipped("a film")
    upload(bench, site, "1", b"film")
    settle(bench)
    with bench.core.db.read() as connection:
        known = jobs.latest(connection, site.id, "1")
        assert known is not None and known.state is WorkState.GONE
        version = hashlib.sha256(b"film").hexdigest()
        assert decisions.current(connection, site.id, "1", version) is None
    assert sites.summary(bench.core, site.id)["skipped"] == 1
    # Or the platform sees it before it asks for anything.
    parse = bench.platform.parse
    monkeypatch.setattr(bench.platform, "parse", lambda delivery, site: replace(parse(delivery, site), events=(), skipped=2))
    for _ in range(2):
        upload(bench, site, "2", b"song")
    assert sites.summary(bench.core, site.id)["skipped"] == 3, "a delivery counts once"
