from __future__ import annotations

from typing import Any

import pytest

from app.db import enforcements
from app.dispatch import clock
from app.domain.decisions import Action, Decision, Enforcement, Receipt, Verdict
from app.domain.errors import CredentialsExpired, MediaGone, PlatformRefused, PlatformThrottled, PlatformUnavailable
from app.domain.platform import Site
from app.services.pipeline import due, enforce
from app.services.pipeline.moderate import Moderator
from app.services.review import showing, verdicts
from app.services.rules import policies
from app.services.sites import sites
from tests.services.pipeline.test_moderate import ENFORCED, settle, upload
from tests.support.core import Bench


@pytest.fixture
def site(bench: Bench) -> Site:
    site = bench.site()
    policies.save(bench.core, site.id, ENFORCED, "owner")
    return site


def block(bench: Bench, site: Site, media_id: str) -> None:
    data = f"bad {media_id}".encode()
    bench.judge.tell(data, "sexual.explicit_nudity", 0.9)
    upload(bench, site, media_id, data)


def approve(bench: Bench, site: Site, media_id: str) -> None:
    shown = next(item for item in showing.recent(bench.core, site.id) if item.decision.media.id == media_id)
    verdicts.resolve(bench.core, shown.decision.id, Verdict.ALLOW, "Ann")


def states(bench: Bench, site: Site) -> list[tuple[str, str]]:
    with bench.core.db.read() as connection:
        rows = enforcements.history(connection, site.id, "1")
    return [(row.action, row.state) for row in reversed(rows)]


def test_restore_gets_the_undo_of_its_hide(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    settle(bench)
    approve(bench, site, "1")
    settle(bench)
    assert [(done.action, done.undo) for done in bench.platform.applied] == [
        (Action.HIDE, None),
        (Action.RESTORE, {"before": "as 1 was"}),
    ]


@pytest.mark.parametrize("who", ["a person", "the policy"])
def test_what_a_person_rejected_and_became_other_bytes_is_asked_again(bench: Bench, site: Site, who: str) -> None:
    if who == "a person":
        upload(bench, site, "1", b"fine")
        settle(bench)
        verdicts.resolve(bench.core, showing.recent(bench.core, site.id)[0].decision.id, Verdict.BLOCK, "Ann")
    else:
        block(bench, site, "1")
        assert Moderator(bench.core).run_next()
    bench.platform.images["1"] = b"fine, written anew by an optimiser"
    bench.platform.trouble["apply"] = MediaGone("changed", bench.platform.ref("1"))
    assert enforce.run_next(bench.core)
    bench.platform.trouble.clear()
    settle(bench)
    now = showing.recent(bench.core, site.id)[0].decision
    assert now.media.version == bench.platform.ref("1").version
    if who == "a person":
        assert now.verdict is Verdict.REVIEW and now.reasons[0].text.startswith("Ann rejected the bytes that were here before")
        verdicts.resolve(bench.core, now.id, Verdict.BLOCK, "Ann")
        settle(bench)
        assert bench.platform.hidden == {"1"}
    else:
        assert now.verdict is Verdict.ALLOW, "the policy has judged these bytes"


def test_what_was_rejected_and_became_other_bytes_is_asked_until_a_person_answers(bench: Bench, site: Site) -> None:
    def uploaded(bytes_: bytes) -> Decision:
        upload(bench, site, "1", bytes_)
        settle(bench)
        return showing.recent(bench.core, site.id)[0].decision

    verdicts.resolve(bench.core, uploaded(b"fine").id, Verdict.BLOCK, "Ann")
    bench.platform.images["1"] = b"fine, written anew"
    bench.platform.trouble["apply"] = MediaGone("changed")
    assert enforce.run_next(bench.core)
    bench.platform.trouble.clear()
    assert uploaded(b"fine, written anew").verdict is Verdict.REVIEW
    asked = uploaded(b"fine, written once more")
    assert asked.verdict is Verdict.REVIEW, "nobody has answered"
    verdicts.resolve(bench.core, asked.id, Verdict.ALLOW, "Ben")
    assert uploaded(b"another fine picture of that name").verdict is Verdict.ALLOW


def test_a_platform_that_is_away_is_retried_for_hours_then_parked(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    bench.platform.trouble["apply"] = PlatformUnavailable("away")
    settle(bench)
    assert states(bench, site) == [("hide", "due")]
    bench.clock.pass_seconds(6)
    bench.platform.trouble.clear()
    settle(bench)
    assert states(bench, site) == [("hide", "done")]


def test_what_stays_away_is_parked_and_can_be_tried_again(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    bench.platform.trouble["apply"] = PlatformUnavailable("away")
    settle(bench)
    bench.clock.pass_seconds(49 * 3600)
    settle(bench)
    parked = sites.summary(bench.core, site.id)["parked"]
    assert parked[0]["text"] == "Given up after 48 hours: away"
    bench.platform.trouble.clear()
    assert enforce.retry_parked(bench.core, parked[0]["id"])
    settle(bench)
    assert bench.platform.hidden == {"1"}


def test_a_refusal_is_parked_and_shown(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    bench.platform.trouble["apply"] = PlatformRefused("the plan allows no drafts")
    settle(bench)
    assert states(bench, site) == [("hide", "parked")]
    assert sites.summary(bench.core, site.id)["parked"][0]["text"] == "the plan allows no drafts"
    assert enforce.dismiss_parked(bench.core, 1)
    assert sites.summary(bench.core, site.id)["parked"] == []


def test_a_parked_hide_cannot_be_tried_again_after_an_approval(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    bench.platform.trouble["apply"] = PlatformRefused("no")
    settle(bench)
    parked = sites.summary(bench.core, site.id)["parked"][0]["id"]
    approve(bench, site, "1")
    bench.platform.trouble.clear()
    settle(bench)
    assert not enforce.retry_parked(bench.core, parked)
    assert sites.summary(bench.core, site.id)["parked"] == []
    assert states(bench, site) == [("hide", "superseded"), ("restore", "done")]


def test_a_hide_whose_answer_was_lost_for_good_is_still_taken_back(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    bench.platform.trouble["apply"] = PlatformUnavailable("the answer was lost")
    settle(bench)
    bench.clock.pass_seconds(49 * 3600)
    settle(bench)
    bench.platform.hidden.add("1")
    bench.platform.trouble.clear()
    policies.save(bench.core, site.id, [{**ENFORCED[0], "mode": "review"}], "owner")
    clock.run_due(bench.core)
    settle(bench)
    approve(bench, site, "1")
    settle(bench)
    assert bench.platform.hidden == set()


def test_a_drifted_restore_is_shown_and_not_fought(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    settle(bench)
    bench.platform.drift["1"] = "someone published it since"
    approve(bench, site, "1")
    settle(bench)
    assert states(bench, site) == [("hide", "done"), ("restore", "drifted")]
    assert sites.summary(bench.core, site.id)["parked"][0]["text"] == "someone published it since"


def test_a_hide_that_never_began_is_superseded_by_an_approval(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    Moderator(bench.core).run_next()
    approve(bench, site, "1")
    settle(bench)
    assert bench.platform.hidden == set()
    assert Action.HIDE not in [done.action for done in bench.platform.applied]


def test_a_hide_that_may_have_happened_is_finished_before_its_restore(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    bench.platform.trouble["apply"] = PlatformUnavailable("the answer was lost")
    settle(bench)
    approve(bench, site, "1")
    bench.platform.trouble.clear()
    settle(bench)
    assert [done.action for done in bench.platform.applied] == [Action.HIDE, Action.RESTORE]
    assert bench.platform.applied[1].undo == {"before": "as 1 was"}


def test_two_actions_for_one_picture_never_run_at_once(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    bench.platform.trouble["apply"] = PlatformUnavailable("away")
    settle(bench)
    bench.clock.pass_seconds(10)
    with bench.core.db.write() as connection:
        running = enforcements.claim(connection, bench.clock(), 60_000_000)
    assert running is not None
    approve(bench, site, "1")
    bench.platform.trouble.clear()
    assert not enforce.run_next(bench.core)


def test_a_killed_workers_action_is_made_true_by_another(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    Moderator(bench.core).run_next()
    with bench.core.db.write() as connection:
        lost = enforcements.claim(connection, bench.clock(), 60_000_000)
    assert lost is not None
    bench.clock.pass_seconds(61)
    assert due.sweep(bench.core) == 1
    settle(bench)
    assert bench.platform.hidden == {"1"}
    enforce._end(bench.core, lost, enforce.WorkState.PARKED, "late", None)
    # Nobody knows what the late one did there after the other: the last word is said once more.
    assert states(bench, site) == [("hide", "due")]
    settle(bench)
    assert states(bench, site) == [("hide", "done")]
    assert [done.action for done in bench.platform.applied] == [Action.HIDE, Action.HIDE]


def test_a_parent_keeps_the_state_before_its_first_hide_until_the_last_block_is_gone(bench: Bench, site: Site) -> None:
    for media_id in ("1", "2"):
        bench.platform.parents[media_id] = "product:7"
    for media_id in ("1", "2"):
        data = f"bad {media_id}".encode()
        bench.judge.tell(data, "sexual.explicit_nudity", 0.9)
        bench.platform.images[media_id] = data
    clock.run_due(bench.core)
    settle(bench)
    first, second = bench.platform.applied
    assert (first.held, first.others_blocked) == (None, 1)
    assert (second.held, second.others_blocked) == ({"before": f"as {first.media.id} was"}, 1)
    bench.platform.applied.clear()
    approve(bench, site, first.media.id)
    settle(bench)
    approve(bench, site, second.media.id)
    settle(bench)
    assert [done.others_blocked for done in bench.platform.applied] == [1, 0]
    assert bench.platform.applied[1].undo == {"before": f"as {first.media.id} was"}


def test_what_is_deleted_at_the_platform_needs_no_action(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    bench.platform.trouble["apply"] = MediaGone("deleted")
    settle(bench)
    assert states(bench, site) == [("hide", "gone")]


def test_a_bug_in_an_integration_is_retried_and_never_lost(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    bench.platform.trouble["apply"] = RuntimeError("a bug")
    settle(bench)
    assert states(bench, site) == [("hide", "due")]


# --- a worker that comes back from the dead


def test_a_worker_that_slept_over_its_lease_calls_nobody(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    block(bench, site, "1")
    assert Moderator(bench.core).run_next()
    known = sites.get

    def slow(*given: Any) -> Site:
        bench.clock.pass_seconds(bench.core.limits.lease_seconds + 1)
        return known(*given)

    with monkeypatch.context() as patch:
        patch.setattr(sites, "get", slow)
        assert enforce.run_next(bench.core)
    assert bench.platform.applied == []
    due.look(bench.core)
    settle(bench)
    assert bench.platform.hidden == {"1"}


@pytest.mark.parametrize("ending", ["done", "away", "gone", "refused"])
def test_a_late_hide_does_not_outlast_a_persons_approval(bench: Bench, site: Site, ending: str) -> None:
    """Stopped inside the call, beyond its lease; meanwhile another hides, and a person restores."""
    block(bench, site, "1")
    assert Moderator(bench.core).run_next()
    apply, stopped = bench.platform.apply, []
    ends = {"away": PlatformUnavailable("away"), "gone": MediaGone("gone"), "refused": PlatformRefused("no")}

    def late(place: Site, enforcement: Enforcement) -> Receipt:
        if stopped:
            return apply(place, enforcement)
        stopped.append(enforcement)
        bench.clock.pass_seconds(bench.core.limits.lease_seconds + 1)
        due.look(bench.core)
        settle(bench)
        assert bench.platform.hidden == {"1"}
        approve(bench, site, "1")
        settle(bench)
        assert bench.platform.hidden == set()
        receipt = apply(place, enforcement)
        assert bench.platform.hidden == {"1"}, "the control: it was hidden again"
        if ending in ends:
            raise ends[ending]
        return receipt

    bench.platform.apply = late  # type: ignore[method-assign]
    assert enforce.run_next(bench.core)
    assert stopped
    settle(bench)
    assert bench.platform.hidden == set()
    assert states(bench, site) == [("hide", "done"), ("restore", "done")]


# --- one picture, and its site as a whole


@pytest.mark.parametrize(
    ("error", "held"),
    [(PlatformUnavailable("This picture is still processed.", 5.0), False), (PlatformThrottled("Slow down.", 5.0), True)],
)
def test_a_pause_that_is_about_one_picture_holds_up_no_other(
    bench: Bench, site: Site, error: PlatformUnavailable, held: bool
) -> None:
    block(bench, site, "1")
    block(bench, site, "2")
    apply = bench.platform.apply

    def busy(place: Site, enforcement: Enforcement) -> Receipt:
        if enforcement.media.id == "1":
            raise error
        return apply(place, enforcement)

    bench.platform.apply = busy  # type: ignore[method-assign]
    settle(bench)
    assert bench.platform.hidden == (set() if held else {"2"})
    bench.clock.pass_seconds(5)
    bench.platform.apply = apply  # type: ignore[method-assign]
    settle(bench)
    assert bench.platform.hidden == {"1", "2"}


def test_an_answer_from_before_a_site_was_connected_again_does_not_shut_it(bench: Bench, site: Site) -> None:
    block(bench, site, "1")
    apply = bench.platform.apply

    def late(place: Site, enforcement: Enforcement) -> Receipt:
        bench.platform.apply = apply  # type: ignore[method-assign]
        bench.clock.pass_seconds(1)
        sites.check(bench.core, site.id)
        bench.clock.pass_seconds(1)
        raise CredentialsExpired("These are no longer accepted.")

    bench.platform.apply = late  # type: ignore[method-assign]
    settle(bench)
    assert bench.platform.hidden == {"1"}
