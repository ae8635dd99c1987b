from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.decisions import Verdict
from app.domain.errors import SettingsInvalid
from app.domain.policy import Exemption, Policy, Rule, RuleMode, decide, read_policy, starting_policy
from app.domain.signals import Signal
from app.domain.taxonomy import CATEGORIES

ALLOW, REVIEW, BLOCK = Verdict.ALLOW, Verdict.REVIEW, Verdict.BLOCK
SHADOW, ASK, ENFORCE = RuleMode.SHADOW, RuleMode.REVIEW, RuleMode.ENFORCE
NUDITY = "sexual.explicit_nudity"


def signal(category: str = NUDITY, score: float = 0.9) -> Signal:
    return Signal("nudenet", "1", category, score)


def policy(*rules: Rule) -> Policy:
    return Policy(version=1, rules=rules)


# score · review from · block from · mode · verdict · may be acted on · what the reason asked for
BANDS = [
    (0.30, 0.4, 0.8, ENFORCE, ALLOW, False, None),
    (0.399, 0.4, 0.8, ENFORCE, ALLOW, False, None),
    (0.40, 0.4, 0.8, ENFORCE, REVIEW, False, REVIEW),
    (0.799, 0.4, 0.8, ENFORCE, REVIEW, False, REVIEW),
    (0.80, 0.4, 0.8, ENFORCE, BLOCK, True, BLOCK),
    (1.00, 0.4, 0.8, ENFORCE, BLOCK, True, BLOCK),
    (0.50, 0.4, 0.8, ASK, REVIEW, False, REVIEW),
    (0.90, 0.4, 0.8, ASK, REVIEW, False, BLOCK),
    (0.50, 0.4, 0.8, SHADOW, ALLOW, False, REVIEW),
    (0.90, 0.4, 0.8, SHADOW, ALLOW, False, BLOCK),
    (0.90, 0.4, None, ENFORCE, REVIEW, False, REVIEW),
    (0.90, None, 0.8, ENFORCE, BLOCK, True, BLOCK),
    (0.70, None, 0.8, ENFORCE, ALLOW, False, None),
    (0.90, None, None, ENFORCE, ALLOW, False, None),
    (0.00, 0.0, 0.8, ENFORCE, REVIEW, False, REVIEW),
    (0.50, 0.5, 0.5, ENFORCE, BLOCK, True, BLOCK),
]


@pytest.mark.parametrize(("score", "review", "block", "mode", "verdict", "enforce", "asked"), BANDS)
def test_bands_and_modes(
    score: float,
    review: float | None,
    block: float | None,
    mode: RuleMode,
    verdict: Verdict,
    enforce: bool,
    asked: Verdict | None,
) -> None:
    outcome = decide(policy(Rule(category=NUDITY, review=review, block=block, mode=mode)), [signal(score=score)], {})
    assert (outcome.verdict, outcome.enforce) == (verdict, enforce)
    assert [reason.verdict for reason in outcome.reasons] == ([] if asked is None else [asked])
    for reason in outcome.reasons:
        assert (reason.category, reason.rule, reason.mode, reason.score) == (NUDITY, NUDITY, mode, score)
        assert reason.threshold in (review, block)


def test_no_signal_and_no_rule_is_allowed() -> None:
    assert decide(policy(), [signal()], {}).verdict is ALLOW
    assert decide(starting_policy(), [], {}).verdict is ALLOW


def test_the_most_specific_rule_applies_alone() -> None:
    rules = policy(
        Rule(category="*", review=0.1, mode=ENFORCE),
        Rule(category="sexual", block=0.1, mode=ENFORCE),
        Rule(category=NUDITY, review=0.1, mode=ENFORCE),
        Rule(category=f"{NUDITY}.genitalia", mode=ENFORCE),
    )
    assert decide(rules, [signal(f"{NUDITY}.genitalia")], {}).verdict is ALLOW
    assert decide(rules, [signal(f"{NUDITY}.female_nipple")], {}).verdict is REVIEW
    assert decide(rules, [signal("sexual.suggestive")], {}).verdict is BLOCK
    assert decide(rules, [signal("weapons.knife")], {}).verdict is REVIEW


def test_a_rule_does_not_cover_a_category_that_only_begins_alike() -> None:
    rules = policy(Rule(category="sexual.suggestive", block=0.1, mode=ENFORCE))
    assert decide(rules, [Signal("x", "1", "sexual.suggestively", 1.0)], {}).verdict is ALLOW


def test_the_gravest_reason_decides_and_comes_first() -> None:
    rules = policy(Rule(category=NUDITY, review=0.4, mode=ENFORCE), Rule(category="violence", block=0.5, mode=ENFORCE))
    outcome = decide(rules, [signal(score=0.99), signal("violence.graphic", 0.6)], {})
    assert outcome.verdict is BLOCK
    assert [reason.verdict for reason in outcome.reasons] == [BLOCK, REVIEW]


EXEMPT = Rule(
    category=NUDITY, review=0.4, block=0.8, mode=ENFORCE, exempt=(Exemption(key="product_type", values=("Swimwear", "Art")),)
)


@pytest.mark.parametrize(
    ("context", "verdict"),
    [
        ({"product_type": ("Swimwear",)}, ALLOW),
        ({"product_type": ("SWIMWEAR",)}, ALLOW),
        ({"product_type": ("Shoes", "art")}, ALLOW),
        ({"product_type": ("Shoes",)}, BLOCK),
        ({"title": ("Swimwear",)}, BLOCK),
        ({"product_type": ()}, BLOCK),
        ({}, BLOCK),
    ],
)
def test_exemptions(context: dict[str, tuple[str, ...]], verdict: Verdict) -> None:
    outcome = decide(policy(EXEMPT), [signal()], context)
    assert outcome.verdict is verdict
    assert ("exempt" in outcome.reasons[0].text) is (verdict is ALLOW)


def test_an_exempt_signal_does_not_excuse_another() -> None:
    rules = policy(EXEMPT, Rule(category="violence", review=0.5, mode=ENFORCE))
    assert decide(rules, [signal(), signal("violence.graphic")], {"product_type": ("Art",)}).verdict is REVIEW


def test_an_allow_list_outweighs_every_signal_but_no_failure() -> None:
    rules = policy(Rule(category="*", block=0.1, mode=ENFORCE))
    listed = signal("owner.allowed_hash", 1.0)
    assert decide(rules, [signal(), listed], {}).verdict is ALLOW
    assert decide(rules, [signal(), listed], {}, ["the model is missing"]).verdict is not ALLOW


def test_a_failure_is_reviewed_with_its_reason() -> None:
    outcome = decide(policy(), [], {}, ["the picture has 9000 frames"])
    assert (outcome.verdict, outcome.enforce) == (REVIEW, False)
    assert outcome.reasons[0].text == "the picture has 9000 frames"


SCORES = st.floats(0, 1)
BOUNDS = st.one_of(
    st.lists(SCORES, min_size=2, max_size=2).map(sorted),
    st.tuples(st.none() | SCORES, st.none()),
    st.tuples(st.none(), SCORES),
)
CONTEXTS = st.dictionaries(st.sampled_from(["a", "b"]), st.lists(st.sampled_from(["x", "y"])).map(tuple))
RULES = st.builds(
    lambda category, bounds, mode, exempt: Rule(category=category, review=bounds[0], block=bounds[1], mode=mode, exempt=exempt),
    st.sampled_from(["*", *CATEGORIES]),
    BOUNDS,
    st.sampled_from(RuleMode),
    st.lists(st.just(Exemption(key="a", values=("x",))), max_size=1).map(tuple),
)
SIGNALS = st.lists(st.builds(Signal, st.just("d"), st.just("1"), st.sampled_from(list(CATEGORIES)), SCORES), max_size=6)


@given(st.lists(RULES, max_size=6), SIGNALS, CONTEXTS, st.lists(st.text(), min_size=1, max_size=3))
@settings(max_examples=400, deadline=None)
def test_fuzz_a_failure_never_means_allow(
    rules: list[Rule], signals: list[Signal], context: dict[str, tuple[str, ...]], failures: list[str]
) -> None:
    assert decide(policy(*rules), signals, context, failures).verdict is not ALLOW


@given(st.lists(RULES, max_size=6), SIGNALS, CONTEXTS)
@settings(max_examples=400, deadline=None)
def test_fuzz_only_an_enforced_block_is_acted_on(
    rules: list[Rule], signals: list[Signal], context: dict[str, tuple[str, ...]]
) -> None:
    outcome = decide(policy(*rules), signals, context)
    assert outcome.enforce is (outcome.verdict is BLOCK)
    if outcome.enforce:
        assert any(reason.mode == ENFORCE and reason.verdict is BLOCK for reason in outcome.reasons)
    if all(rule.mode is SHADOW for rule in rules):
        assert outcome.verdict is ALLOW


@given(SIGNALS)
@settings(max_examples=200, deadline=None)
def test_fuzz_a_new_site_acts_on_known_hashes_only(signals: list[Signal]) -> None:
    outcome = decide(starting_policy(), signals, {})
    if outcome.enforce:
        assert any(signal.category.endswith("_hash") for signal in signals)


def test_the_starting_policy_has_everything_else_in_shadow() -> None:
    for rule in starting_policy().rules:
        known = rule.category.endswith("_hash")
        assert rule.mode is (ENFORCE if known else ASK if rule.category == "unsafe.file" else SHADOW)


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({"version": 1, "rules": [{"category": "nonsense"}]}, "nonsense"),
        ({"version": 1, "rules": [{"category": NUDITY, "review": 0.8, "block": 0.4}]}, "below"),
        ({"version": 1, "rules": [{"category": NUDITY, "review": 1.1}]}, "rules.0.review"),
        ({"version": 1, "rules": [{"category": NUDITY, "block": -0.1}]}, "rules.0.block"),
        ({"version": 1, "rules": [{"category": NUDITY, "mode": "loud"}]}, "rules.0.mode"),
        ({"version": 1, "rules": [{"category": NUDITY, "colour": 1}]}, "colour"),
        ({"version": 1, "rules": [{"category": NUDITY, "exempt": [{"key": "", "values": ["x"]}]}]}, "key"),
        ({"version": 0, "rules": []}, "version"),
        ([], "valid"),
        (None, "valid"),
    ],
)
def test_a_wrong_policy_is_named(document: object, names: str) -> None:
    with pytest.raises(SettingsInvalid, match=names):
        read_policy(document)


def test_a_policy_survives_the_way_through_json() -> None:
    assert read_policy(starting_policy().model_dump(mode="json")) == starting_policy()
