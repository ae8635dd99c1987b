"""A draft tried on stored decisions foresees exactly what the replay then does."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import Any

import pytest

from app.db import decisions, hashes, jobs
from app.dispatch import clock
from app.domain.decisions import Action, Decision, Verdict
from app.domain.detector import HashEntry, HashKind, ListKind
from app.domain.platform import Site
from app.domain.policy import read_policy
from app.domain.settings import Mode
from app.domain.signals import Signal
from app.services.pipeline import enforce, intake, replay
from app.services.pipeline.moderate import Moderator
from app.services.review import verdicts
from app.services.rules import policies
from app.services.trying import backtest
from app.services.trying.backtest import Change
from tests.support.core import Bench

NUDITY, SUGGESTIVE = "sexual.explicit_nudity", "sexual.suggestive"
NOW = [{"category": NUDITY, "review": 0.4, "block": 0.8, "mode": "enforce"}]


def fill(bench: Bench, site: Site, count: int, seed: int) -> None:
    """Judge pictures with all kinds of signals, failures, contexts, lists and people's verdicts."""
    dice = random.Random(seed)
    platform, judge = bench.platform, bench.judge
    listed = []
    for number in range(count):
        name = f"{seed}-{number}"
        data = f"picture {dice.randrange(count)}".encode() if dice.random() < 0.2 else name.encode()
        platform.images[name] = data
        sha256 = hashlib.sha256(data).hexdigest()
        categories = dice.sample([f"{NUDITY}.genitalia", NUDITY, f"{SUGGESTIVE}.partial", "weapons.knife"], dice.randrange(3))
        seen = tuple(Signal("told", "1", category, round(dice.random(), 3)) for category in (*categories, *categories))
        judge.sees[sha256] = seen
        if dice.random() < 0.1:
            judge.fails[sha256] = "it is torn"
        if dice.random() < 0.15:
            listed.append(HashEntry(HashKind.SHA256, sha256, dice.choice([*ListKind]), "owner.blocked_hash", "", site.id))
    with bench.core.db.write() as connection:
        hashes.add(connection, listed, bench.clock(), "Ada")
    for number in range(count):
        name = f"{seed}-{number}"
        context = {"product_type": (dice.choice(["Swimwear", "Shoes"]),), "role": (dice.choice(["author", "editor"]),)}
        with bench.core.db.write() as connection:
            media = replace(platform.ref(name), context=context)
            jobs.add(connection, site.id, media, 0, jobs.Priority.UPLOAD, bench.clock())
    settle(bench)
    for decision in in_force(bench, site):
        if dice.random() < 0.1:
            verdicts.resolve(bench.core, decision.id, dice.choice([Verdict.ALLOW, Verdict.BLOCK]), "Ada")
    settle(bench)


def settle(bench: Bench) -> None:
    moderator = Moderator(bench.core)
    while moderator.run_next() or enforce.run_next(bench.core):
        pass


def in_force(bench: Bench, site: Site) -> list[Decision]:
    with bench.core.db.read() as connection:
        return decisions.recent(connection, site.id, limit=10_000)


DRAFTS: dict[str, list[dict[str, Any]]] = {
    "stricter": [{"category": NUDITY, "review": 0.2, "block": 0.5, "mode": "enforce"}],
    "laxer": [{"category": NUDITY, "review": 0.7, "block": 0.95, "mode": "enforce"}],
    "asks": [{"category": NUDITY, "review": 0.2, "block": 0.5, "mode": "review"}],
    "watches": [{"category": NUDITY, "review": 0.2, "block": 0.5, "mode": "shadow"}],
    "nothing": [],
    "lists": [{"category": "owner.blocked_hash", "review": 0.5, "block": 0.9, "mode": "enforce"}],
    "everything": [{"category": "*", "review": 0.3, "block": 0.6, "mode": "enforce"}],
    "exempts": [
        {"category": NUDITY, "review": 0.3, "block": 0.6, "mode": "enforce"},
        {
            "category": SUGGESTIVE,
            "review": 0.3,
            "block": 0.6,
            "mode": "enforce",
            "exempt": [{"key": "product_type", "values": ["swimwear"]}],
        },
        {"category": f"{NUDITY}.genitalia", "review": 0.9, "mode": "enforce", "exempt": [{"key": "role", "values": ["EDITOR"]}]},
    ],
}


def changed(before: dict[str, Verdict], after: dict[str, Verdict]) -> dict[Change, int]:
    kinds = {
        (Verdict.ALLOW, Verdict.BLOCK): Change.HIDE,
        (Verdict.REVIEW, Verdict.BLOCK): Change.HIDE,
        (Verdict.BLOCK, Verdict.ALLOW): Change.RELEASE,
        (Verdict.REVIEW, Verdict.ALLOW): Change.SETTLE,
        (Verdict.ALLOW, Verdict.REVIEW): Change.REVIEW,
        (Verdict.BLOCK, Verdict.REVIEW): Change.REVIEW,
    }
    found: dict[Change, int] = {}
    for name, verdict in after.items():
        if before[name] is not verdict:
            kind = kinds[before[name], verdict]
            found[kind] = found.get(kind, 0) + 1
    return found


@pytest.mark.parametrize("draft", DRAFTS)
def test_what_is_foreseen_is_what_the_replay_does(bench: Bench, draft: str) -> None:
    site = bench.site()
    policies.save(bench.core, site.id, NOW, "owner")
    fill(bench, site, 60, seed=len(draft))
    before = {one.media.id: one.verdict for one in in_force(bench, site)}
    foreseen = backtest.try_policy(bench.core, site.id, policies.draft(bench.core, site.id, DRAFTS[draft]))
    assert {one.media.id: one.verdict for one in in_force(bench, site)} == before, "trying wrote something"
    policies.save(bench.core, site.id, DRAFTS[draft], "owner")
    looked = replay.replay_policy(bench.core, site.id)
    after = {one.media.id: one.verdict for one in in_force(bench, site)}
    assert foreseen.changes == changed(before, after)
    assert foreseen.looked_at == looked
    of_categories: dict[Change, int] = {}
    for (change, _), count in foreseen.by_category.items():
        of_categories[change] = of_categories.get(change, 0) + count
    assert of_categories == foreseen.changes
    by_id = {one.id: one for one in in_force(bench, site)}
    assert by_id, "the drafts must be tried on something"
    assert replay.replay_policy(bench.core, site.id) == 0


def test_examples_are_those_that_change(bench: Bench) -> None:
    site = bench.site()
    policies.save(bench.core, site.id, NOW, "owner")
    fill(bench, site, 60, seed=3)
    found = backtest.try_policy(bench.core, site.id, read_policy({"version": 3, "rules": DRAFTS["stricter"]}))
    for change, ids in found.examples.items():
        assert len(ids) == min(found.changes[change], backtest.EXAMPLES)
    verdicts = {one.id: one.verdict for one in in_force(bench, site)}
    assert all(verdicts[id_] is not Verdict.BLOCK for id_ in found.examples[Change.HIDE])


def test_only_the_last_ones_are_looked_at(bench: Bench) -> None:
    site = bench.site()
    policies.save(bench.core, site.id, NOW, "owner")
    fill(bench, site, 30, seed=4)
    draft = read_policy({"version": 3, "rules": []})
    assert backtest.try_policy(bench.core, site.id, draft, limit=10).looked_at == 10


def test_what_may_not_be_hidden_is_told_apart(bench: Bench) -> None:
    site = bench.site()
    policies.save(bench.core, site.id, NOW, "owner")
    fill(bench, site, 40, seed=5)
    draft = read_policy({"version": 3, "rules": DRAFTS["stricter"]})
    hides = backtest.try_policy(bench.core, site.id, draft).changes
    marks = backtest.try_policy(bench.core, site.id, draft, site.settings.model_copy(update={"mode": Mode.FLAG})).changes
    assert hides[Change.HIDE] == marks[Change.MARK] > 0
    assert Change.HIDE not in marks


def test_a_picture_that_the_newest_model_has_not_seen_is_left_alone(bench: Bench) -> None:
    site = bench.site()
    policies.save(bench.core, site.id, NOW, "owner")
    bench.judge.tell(b"picture", NUDITY, 0.9)
    bench.platform.images["one"] = b"picture"
    intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "one"))
    settle(bench)
    assert bench.platform.hidden == {"one"}
    bench.judge.detectors = {"told": "2"}
    assert backtest.try_policy(bench.core, site.id, policies.draft(bench.core, site.id, DRAFTS["laxer"])).unseen == 1
    policies.save(bench.core, site.id, DRAFTS["laxer"], "owner")
    clock.run_due(bench.core)
    settle(bench)
    assert bench.platform.hidden == {"one"}, "what nobody has looked at again was shown"


def test_a_decision_that_somebody_makes_meanwhile_stands_and_the_others_of_its_batch_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = bench.site()
    policies.save(bench.core, site.id, NOW, "owner")
    fill(bench, site, 30, seed=6)
    theirs = next(one for one in in_force(bench, site) if not one.person and one.verdict is Verdict.REVIEW)
    policies.save(bench.core, site.id, DRAFTS["stricter"], "owner")
    decide = replay._decide

    def overtaken(core: Any, judge: Any, index: Any, policy: Any, decision: Decision) -> Any:
        if decision.id == theirs.id:
            verdicts.resolve(core, theirs.id, Verdict.ALLOW, "Ada")
        return decide(core, judge, index, policy, decision)

    monkeypatch.setattr(replay, "_decide", overtaken)
    replay.replay_policy(bench.core, site.id)
    now = {one.media.id: one for one in in_force(bench, site)}
    assert (now[theirs.media.id].person, now[theirs.media.id].verdict) == ("Ada", Verdict.ALLOW)
    assert {one.policy_version for one in now.values() if not one.person} == {3}


def test_long_lists_are_taken_as_the_decisions_noted_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    site = bench.site()
    bench.judge.sees[hashlib.sha256(b"known").hexdigest()] = ()
    bench.platform.images["known"] = b"known"
    with bench.core.db.write() as connection:
        entry = HashEntry(
            HashKind.SHA256, hashlib.sha256(b"known").hexdigest(), ListKind.BLOCK, "owner.blocked_hash", "", site.id
        )
        hashes.add(connection, [entry, replace(entry, kind=HashKind.PDQ, value="0" * 64)], bench.clock(), "Ada")
    intake.receive(bench.core, "paper", bench.uploaded(site, "d1", "known"))
    settle(bench)
    draft = read_policy({"version": 2, "rules": []})
    exact = backtest.try_policy(bench.core, site.id, draft)
    monkeypatch.setattr(backtest, "LOOKS_COMPARED", 0)
    noted = backtest.try_policy(bench.core, site.id, draft)
    assert (exact.as_noted, noted.as_noted) == (False, True)
    assert exact.changes == noted.changes == {Change.RELEASE: 1}


def test_a_released_picture_is_restored_by_the_replay(bench: Bench) -> None:
    site = bench.site()
    policies.save(bench.core, site.id, NOW, "owner")
    fill(bench, site, 40, seed=7)
    policies.save(bench.core, site.id, [], "owner")
    replay.replay_policy(bench.core, site.id)
    settle(bench)
    people = {one.media.id for one in in_force(bench, site) if one.person and one.verdict is Verdict.BLOCK}
    assert bench.platform.hidden >= people
    hidden = {one.media.id for one in in_force(bench, site) if one.verdict is Verdict.BLOCK}
    assert bench.platform.hidden == hidden
    assert any(done.action is Action.RESTORE for done in bench.platform.applied)
