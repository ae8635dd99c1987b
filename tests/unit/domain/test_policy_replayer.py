"""The quick evaluation for replays gives what `decide` gives, whatever the policy and the signals are."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.decisions import Verdict
from app.domain.policy import Exemption, Policy, Replayer, Rule, RuleMode, decide, starting_policy
from app.domain.signals import Signal

CATEGORIES = [
    "sexual.explicit_nudity",
    "sexual.explicit_nudity.genitalia",
    "sexual.explicit_nudity.female_nipple",
    "weapons.knife",
    "owner.blocked_hash",
    "owner.allowed_hash",
    "unsafe.file",
]
NAMES = [*CATEGORIES, "*", "weapons", "owner"]
SCORES = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0, 1))
CONTEXTS = st.dictionaries(st.sampled_from(["role", "tag"]), st.lists(st.sampled_from(["A", "b", "Ä"])).map(tuple))
EXEMPTIONS = st.builds(
    Exemption, key=st.sampled_from(["role", "tag"]), values=st.lists(st.sampled_from(["a", "B", "ä"]), min_size=1).map(tuple)
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    bands = sorted(draw(st.tuples(SCORES, SCORES)))
    review, block = (draw(st.sampled_from([band, None])) for band in bands)
    exempt = tuple(draw(st.lists(EXEMPTIONS, max_size=2)))
    return Rule(
        category=draw(st.sampled_from(NAMES)), review=review, block=block, mode=draw(st.sampled_from(RuleMode)), exempt=exempt
    )


POLICIES = st.lists(rules(), max_size=8).map(lambda made: Policy(version=1, rules=tuple(made)))
SIGNALS = st.lists(st.builds(Signal, st.just("d"), st.just("1"), st.sampled_from(CATEGORIES), SCORES), max_size=8)


def peaks_of(signals: list[Signal]) -> dict[str, float]:
    peaks: dict[str, float] = {}
    for signal in signals:
        peaks[signal.category] = max(signal.score, peaks.get(signal.category, 0.0))
    return peaks


@settings(max_examples=600)
@given(policy=POLICIES, signals=SIGNALS, context=CONTEXTS, failures=st.lists(st.just("unreadable"), max_size=1))
@example(starting_policy(), [Signal("d", "1", "owner.blocked_hash", 0.9)], {}, [])
@example(starting_policy(), [Signal("d", "1", "owner.blocked_hash", 1.0), Signal("d", "1", "owner.allowed_hash", 1.0)], {}, [])
def test_it_gives_the_verdict_of_decide(
    policy: Policy, signals: list[Signal], context: dict[str, tuple[str, ...]], failures: list[str]
) -> None:
    outcome = decide(policy, signals, context, failures)
    verdict, cause = Replayer(policy).verdict(peaks_of(signals), lambda: context, failed=bool(failures))
    assert verdict is outcome.verdict
    if verdict is Verdict.ALLOW:
        assert cause == ""
    else:
        first = outcome.reasons[0]
        assert any(reason.category == cause and reason.score == first.score for reason in outcome.reasons)


def test_the_context_is_not_asked_for_where_no_rule_exempts_anything() -> None:
    def never() -> dict[str, tuple[str, ...]]:
        raise AssertionError("the context was read")

    policy = Policy(version=1, rules=(Rule(category="weapons", review=0.5, mode=RuleMode.REVIEW),))
    assert Replayer(policy).verdict({"weapons.knife": 0.6}, never) == (Verdict.REVIEW, "weapons.knife")
