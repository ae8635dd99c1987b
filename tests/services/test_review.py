from __future__ import annotations

import pytest

from app.domain.decisions import Action, Verdict
from app.domain.errors import DecisionStale, DecisionUnknown, SettingsInvalid
from app.domain.platform import Site
from app.services import policies, review, sites
from tests.services.test_moderate import ENFORCED, settle, upload, verdict
from tests.support.core import Bench


@pytest.fixture
def site(bench: Bench) -> Site:
    site = bench.site()
    policies.save(bench.core, site.id, ENFORCED, "owner")
    return site


def doubt(bench: Bench, site: Site, media_id: str, category: str = "sexual.explicit_nudity") -> None:
    data = f"unclear {media_id}".encode()
    bench.judge.tell(data, category, 0.5)
    upload(bench, site, media_id, data)
    settle(bench)


def test_the_queue_holds_reviews_without_a_successor_oldest_first(bench: Bench, site: Site) -> None:
    for media_id in ("1", "2", "3"):
        doubt(bench, site, media_id)
        bench.clock.pass_seconds(1)
    queue = review.waiting(bench.core)
    assert [decision.media.id for decision in queue] == ["1", "2", "3"]
    review.resolve(bench.core, queue[1].id, Verdict.ALLOW, "Ann")
    assert [decision.media.id for decision in review.waiting(bench.core)] == ["1", "3"]
    assert review.count_waiting(bench.core, site.id) == 2


def test_two_people_cannot_decide_the_same_thing(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    waiting = review.waiting(bench.core)[0]
    review.resolve(bench.core, waiting.id, Verdict.ALLOW, "Ann")
    with pytest.raises(DecisionStale):
        review.resolve(bench.core, waiting.id, Verdict.BLOCK, "Bob")
    assert verdict(bench, site, "1") is Verdict.ALLOW


def test_a_persons_rejection_hides_even_where_the_policy_may_not(bench: Bench, site: Site) -> None:
    sites.save_settings(bench.core, site.id, {"mode": "flag"}, "owner")
    doubt(bench, site, "1")
    review.resolve(bench.core, review.waiting(bench.core)[0].id, Verdict.BLOCK, "Ann")
    settle(bench)
    assert bench.platform.hidden == {"1"}


def test_a_verdict_can_be_undone(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    rejected = review.resolve(bench.core, review.waiting(bench.core)[0].id, Verdict.BLOCK, "Ann")
    settle(bench)
    review.resolve(bench.core, rejected, Verdict.ALLOW, "Ann")
    settle(bench)
    assert bench.platform.hidden == set()


def test_deleting_is_refused_until_the_owner_opts_in(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    waiting = review.waiting(bench.core)[0]
    with pytest.raises(SettingsInvalid):
        review.resolve(bench.core, waiting.id, Verdict.BLOCK, "Ann", delete=True)
    sites.save_settings(bench.core, site.id, {"delete_blocked": True}, "owner")
    review.resolve(bench.core, waiting.id, Verdict.BLOCK, "Ann", delete=True)
    settle(bench)
    assert bench.platform.applied[-1].action is Action.DELETE


def test_never_again_hides_the_next_upload_of_the_same_bytes_and_approval_takes_it_back(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    rejected = review.resolve(bench.core, review.waiting(bench.core)[0].id, Verdict.BLOCK, "Ann", never_again=True)
    upload(bench, site, "2", b"unclear 1")
    settle(bench)
    assert bench.platform.hidden == {"1", "2"}
    assert sites.summary(bench.core, site.id)["hashes"] == {"block": 1}
    review.resolve(bench.core, rejected, Verdict.ALLOW, "Ann")
    assert sites.summary(bench.core, site.id)["hashes"] == {}


def test_a_clear_look_is_written_down(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    waiting = review.waiting(bench.core)[0]
    assert review.preview(bench.core, waiting.id, "Ann", clear=False) == b"blurred"
    assert review.preview(bench.core, waiting.id, "Ann", clear=True) == b"clear"
    seen = [entry for entry in review.history(bench.core, site.id, "1") if entry["who"] == "Ann"]
    assert [entry["text"] for entry in seen] == ["Looked at the clear picture"]


def test_an_unknown_decision_is_said_so(bench: Bench) -> None:
    with pytest.raises(DecisionUnknown):
        review.resolve(bench.core, 99, Verdict.ALLOW, "Ann")


def test_a_deleted_picture_leaves_the_queue(bench: Bench, site: Site) -> None:
    from app.db import jobs

    doubt(bench, site, "1")
    with bench.core.db.write() as connection:
        jobs.delete_media(connection, site.id, "1", bench.clock())
    assert review.waiting(bench.core) == []
