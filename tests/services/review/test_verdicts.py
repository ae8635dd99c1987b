from __future__ import annotations

import io

import pytest
from PIL import Image

from app.db import jobs
from app.domain.decisions import Action, Verdict
from app.domain.errors import DecisionStale, DecisionUnknown, SecondPersonNeeded, SettingsInvalid, UndoImpossible
from app.domain.media import Region
from app.domain.platform import Site
from app.domain.visibility import Visibility
from app.services.pipeline import replay
from app.services.review import batches, queue, showing, verdicts
from app.services.rules import policies
from app.services.sites import sites
from models import preview
from tests.services.pipeline.test_moderate import ENFORCED, settle, upload, verdict
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
    queue = showing.waiting(bench.core)
    assert [decision.media.id for decision in queue] == ["1", "2", "3"]
    verdicts.resolve(bench.core, queue[1].id, Verdict.ALLOW, "Ann")
    assert [decision.media.id for decision in showing.waiting(bench.core)] == ["1", "3"]
    assert showing.count_waiting(bench.core, site.id) == 2


def test_two_people_cannot_decide_the_same_thing(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    waiting = showing.waiting(bench.core)[0]
    verdicts.resolve(bench.core, waiting.id, Verdict.ALLOW, "Ann")
    with pytest.raises(DecisionStale):
        verdicts.resolve(bench.core, waiting.id, Verdict.BLOCK, "Bob")
    assert verdict(bench, site, "1") is Verdict.ALLOW


def test_a_persons_rejection_hides_even_where_the_policy_may_not(bench: Bench, site: Site) -> None:
    sites.save_settings(bench.core, site.id, {"mode": "flag"}, "owner")
    doubt(bench, site, "1")
    verdicts.resolve(bench.core, showing.waiting(bench.core)[0].id, Verdict.BLOCK, "Ann")
    settle(bench)
    assert bench.platform.hidden == {"1"}


def test_a_verdict_can_be_undone(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    rejected = verdicts.resolve(bench.core, showing.waiting(bench.core)[0].id, Verdict.BLOCK, "Ann")
    settle(bench)
    verdicts.resolve(bench.core, rejected, Verdict.ALLOW, "Ann")
    settle(bench)
    assert bench.platform.hidden == set()


def test_deleting_is_refused_until_the_owner_opts_in(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    waiting = showing.waiting(bench.core)[0]
    with pytest.raises(SettingsInvalid):
        verdicts.resolve(bench.core, waiting.id, Verdict.BLOCK, "Ann", delete=True)
    sites.save_settings(bench.core, site.id, {"delete_blocked": True}, "owner")
    verdicts.resolve(bench.core, waiting.id, Verdict.BLOCK, "Ann", delete=True)
    settle(bench)
    assert bench.platform.applied[-1].action is Action.DELETE


def test_never_again_hides_the_next_upload_of_the_same_bytes_and_approval_takes_it_back(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    rejected = verdicts.resolve(bench.core, showing.waiting(bench.core)[0].id, Verdict.BLOCK, "Ann", never_again=True)
    upload(bench, site, "2", b"unclear 1")
    settle(bench)
    assert bench.platform.hidden == {"1", "2"}
    assert sites.summary(bench.core, site.id)["hashes"] == {"block": 1}
    verdicts.resolve(bench.core, rejected, Verdict.ALLOW, "Ann")
    assert sites.summary(bench.core, site.id)["hashes"] == {}


def test_a_clear_look_is_written_down(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    waiting = showing.waiting(bench.core)[0]
    assert showing.preview(bench.core, waiting.id, "Ann", clear=False) == b"blurred"
    assert showing.preview(bench.core, waiting.id, "Ann", clear=True) == b"clear"
    seen = [entry for entry in showing.history(bench.core, site.id, "1") if entry["who"] == "Ann"]
    assert [entry["text"] for entry in seen] == ["Looked at the clear picture"]


def test_an_unknown_decision_is_said_so(bench: Bench) -> None:
    with pytest.raises(DecisionUnknown):
        verdicts.resolve(bench.core, 99, Verdict.ALLOW, "Ann")


def test_a_deleted_picture_leaves_the_queue(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    with bench.core.db.write() as connection:
        jobs.delete_media(connection, site.id, "1", bench.clock())
    assert showing.waiting(bench.core) == []


def severe(bench: Bench, category: str = "self_harm") -> tuple[Site, int]:
    site = bench.site()
    policies.save(bench.core, site.id, [{"category": "*", "review": 0.3, "block": 0.9, "mode": "enforce"}], "owner")
    doubt(bench, site, "1", category)
    return site, showing.recent(bench.core, restricted=True)[0].decision.id


def test_two_people_must_agree_about_what_is_severe(bench: Bench) -> None:
    site, waiting = severe(bench)
    assert verdicts.resolve(bench.core, waiting, Verdict.BLOCK, "Ann", person_id=1) == waiting
    settle(bench)
    assert bench.platform.hidden == set()
    with pytest.raises(SecondPersonNeeded):
        verdicts.resolve(bench.core, waiting, Verdict.BLOCK, "Ann", person_id=1)
    agreed = showing.get(bench.core, verdicts.resolve(bench.core, waiting, Verdict.BLOCK, "Bob", person_id=2))
    assert (agreed.verdict, agreed.reasons[0].text) == (Verdict.BLOCK, "Rejected by Ann and Bob")
    settle(bench)
    assert bench.platform.hidden == {"1"}
    assert "Ann would reject it" in str(showing.history(bench.core, site.id, "1"))


def test_two_who_disagree_escalate_and_a_third_decides(bench: Bench) -> None:
    site, waiting = severe(bench)
    verdicts.resolve(bench.core, waiting, Verdict.BLOCK, "Ann", person_id=1)
    assert verdicts.resolve(bench.core, waiting, Verdict.ALLOW, "Bob", person_id=2) == waiting
    assert queue.count(bench.core, Visibility((site.id,))) == 0
    item = queue.items(bench.core, Visibility((site.id,), restricted=True), [waiting])[0]
    assert item.escalated and item.opinions == ("Ann would reject", "Bob would approve")
    assert queue.take_next(bench.core, Visibility((site.id,), restricted=True), 1, "Ann") is None
    third = verdicts.resolve(bench.core, waiting, Verdict.ALLOW, "Own", person_id=3)
    assert showing.get(bench.core, third).reasons[0].text == "Approved by Bob and Own"


def test_an_opinion_can_be_taken_back_and_changed(bench: Bench) -> None:
    _, waiting = severe(bench)
    verdicts.resolve(bench.core, waiting, Verdict.BLOCK, "Ann", person_id=1)
    assert verdicts.take_back_opinion(bench.core, waiting, "Ann", 1)
    assert not verdicts.take_back_opinion(bench.core, waiting, "Ann", 1)
    assert verdicts.resolve(bench.core, waiting, Verdict.BLOCK, "Bob", person_id=2) == waiting
    assert verdicts.resolve(bench.core, waiting, Verdict.ALLOW, "Bob", person_id=2) == waiting
    assert verdicts.resolve(bench.core, waiting, Verdict.ALLOW, "Ann", person_id=1) != waiting


def test_one_person_cannot_show_again_what_two_must_decide(bench: Bench) -> None:
    bench.judge.tell(b"blocked", "csae.known_hash", 1.0)
    site = bench.site()
    upload(bench, site, "1", b"blocked")
    settle(bench)
    blocked = showing.recent(bench.core, restricted=True)[0].decision
    assert bench.platform.hidden == {"1"} and blocked.restricted
    with pytest.raises(SecondPersonNeeded):
        verdicts.undo(bench.core, blocked.id, "Ann")
    assert verdicts.resolve(bench.core, blocked.id, Verdict.ALLOW, "Ann", person_id=1) == blocked.id
    settle(bench)
    assert bench.platform.hidden == {"1"}
    listed = queue.listing(bench.core, Visibility((site.id,), restricted=True), queue.Order.OLDEST, (), 9)
    assert [item.decision.id for item in listed] == [blocked.id]
    verdicts.take_back_opinion(bench.core, blocked.id, "Ann", 1)
    assert queue.count(bench.core, Visibility((site.id,), restricted=True)) == 0
    verdicts.resolve(bench.core, blocked.id, Verdict.ALLOW, "Ann", person_id=1)
    allowed = showing.get(bench.core, verdicts.resolve(bench.core, blocked.id, Verdict.ALLOW, "Bob", person_id=2))
    settle(bench)
    assert bench.platform.hidden == set()
    assert allowed.restricted and allowed.two_people, "it stays what it was, for those with the right only"


def test_an_undone_rejection_waits_again_and_binds_no_more(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    rejected = verdicts.resolve(bench.core, showing.waiting(bench.core)[0].id, Verdict.BLOCK, "Ann")
    settle(bench)
    undone = showing.get(bench.core, verdicts.undo(bench.core, rejected, "Ann"))
    settle(bench)
    assert undone.verdict is Verdict.REVIEW and bench.platform.hidden == set()
    assert [one.id for one in showing.waiting(bench.core)] == [undone.id]
    upload(bench, site, "2", b"unclear 1")
    settle(bench)
    assert verdict(bench, site, "2") is Verdict.REVIEW
    with pytest.raises(DecisionStale):
        verdicts.undo(bench.core, rejected, "Ann")


def test_an_undone_approval_hides_again_and_a_later_policy_decides_on(bench: Bench, site: Site) -> None:
    bench.judge.tell(b"bare", "sexual.explicit_nudity", 0.9)
    upload(bench, site, "1", b"bare")
    settle(bench)
    approved = verdicts.resolve(bench.core, showing.recent(bench.core)[0].decision.id, Verdict.ALLOW, "Ann")
    settle(bench)
    assert bench.platform.hidden == set()
    verdicts.undo(bench.core, approved, "Ann")
    settle(bench)
    assert bench.platform.hidden == {"1"}
    again = verdicts.undo(bench.core, showing.recent(bench.core)[0].decision.id, "Ann")
    settle(bench)
    assert bench.platform.hidden == set() and showing.get(bench.core, again).verdict is Verdict.ALLOW
    verdicts.undo(bench.core, again, "Ann")
    policies.save(bench.core, site.id, [{"category": "*", "review": 0.95, "mode": "enforce"}], "owner")
    while replay.replay_policy(bench.core, site.id):
        pass
    settle(bench)
    assert verdict(bench, site, "1") is Verdict.ALLOW and bench.platform.hidden == set()


def test_a_first_decision_that_is_undone_waits_for_a_person(bench: Bench, site: Site) -> None:
    bench.judge.tell(b"bare", "sexual.explicit_nudity", 0.9)
    upload(bench, site, "1", b"bare")
    settle(bench)
    undone = showing.get(bench.core, verdicts.undo(bench.core, showing.recent(bench.core)[0].decision.id, "Ann"))
    settle(bench)
    assert undone.verdict is Verdict.REVIEW and bench.platform.hidden == set()
    assert "Nudity" in undone.reasons[0].text


def test_what_is_gone_cannot_be_undone(bench: Bench, site: Site) -> None:
    doubt(bench, site, "1")
    rejected = verdicts.resolve(bench.core, showing.waiting(bench.core)[0].id, Verdict.BLOCK, "Ann")
    with bench.core.db.write() as connection:
        jobs.delete_media(connection, site.id, "1", bench.clock())
    with pytest.raises(UndoImpossible):
        verdicts.undo(bench.core, rejected, "Ann")


def test_a_batch_is_done_in_steps_that_survive_its_end(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "STEP", 2)
    for number in range(5):
        doubt(bench, site, str(number))
    ids = [one.id for one in showing.waiting(bench.core)]
    verdicts.resolve(bench.core, ids[3], Verdict.ALLOW, "Eva")
    queue.take(bench.core, ids[4], 2, "Bob")
    batch = batches.give(bench.core, ids, Verdict.BLOCK, "Ann", 1, rejection="2")
    assert batches.step(bench.core, batch) == 2
    assert batches.progress(bench.core, batch).outcomes == {"done": 2, "": 3}
    done = batches.run(bench.core, batch)
    assert (done.done, done.left, done.outcomes["stale"], done.outcomes["busy"]) == (3, 0, 1, 1)
    settle(bench)
    assert len(bench.platform.hidden) == 3
    assert showing.recent(bench.core, verdict="block")[0].decision.reasons[0].text == "Rejected by Ann: Violence or gore"
    foreseen = batches.foresee(bench.core, [one.decision.id for one in showing.recent(bench.core)], Visibility((site.id,)))
    assert (foreseen.total, foreseen.shown, foreseen.quiet, foreseen.review, foreseen.impossible) == (5, 3, 2, 5, 0)
    batches.run(bench.core, batches.undo_batch(bench.core, batch, "Ann", 1))
    settle(bench)
    assert bench.platform.hidden == set() and showing.count_waiting(bench.core) == 4
    with pytest.raises(SettingsInvalid):
        batches.undo(bench.core, [], "Ann")


def test_everything_that_one_policy_did_can_be_undone(bench: Bench, site: Site) -> None:
    for number, score in enumerate((0.9, 0.9, 0.1)):
        data = f"picture {number}".encode()
        bench.judge.tell(data, "sexual.explicit_nudity", score)
        upload(bench, site, str(number), data)
    settle(bench)
    version = policies.current(bench.core, site.id).version
    ids = batches.of_policy(bench.core, site.id, version)
    assert len(ids) == 3
    batches.run(bench.core, batches.undo(bench.core, ids, "Ann", 1))
    settle(bench)
    assert bench.platform.hidden == set()
    assert batches.of_policy(bench.core, site.id, version) == []


def test_the_part_that_scored_is_cut_out_with_some_of_what_is_around() -> None:
    picture = Image.new("RGB", (200, 100), "white")
    picture.paste("red", (100, 50, 200, 100))
    out = io.BytesIO()
    picture.save(out, "WEBP", lossless=True)
    part = Image.open(io.BytesIO(preview.crop(out.getvalue(), Region(0.6, 0.6, 0.3, 0.3))))
    assert 76 <= part.width <= 80 and 37 <= part.height <= 40
    assert part.convert("RGB").getpixel((40, 20))[0] > 200  # type: ignore[index]
    tiny = Image.open(io.BytesIO(preview.crop(out.getvalue(), Region(0.99, 0.99, 0.001, 0.001))))
    assert tiny.size == (preview.LEAST_SIDE, preview.LEAST_SIDE)
