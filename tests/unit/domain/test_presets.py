"""The tables that owners' words stand for: complete, in order, and the same policy both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.choices import (
    ALWAYS,
    APPROACHES,
    GROUPS,
    LEVELS,
    MODES,
    WORDS,
    Approach,
    Band,
    Choices,
    Draft,
    Level,
    compose,
    group_of,
    level_of,
    read,
)
from app.domain.policy import Exemption, Policy, Rule, RuleMode, starting_policy
from app.domain.presets import PRESETS, advised
from app.domain.settings import declare
from app.domain.taxonomy import CATEGORIES, covers

BANDS = [(group, level) for group in GROUPS for level in LEVELS]


def test_every_category_is_decided_about_somewhere() -> None:
    loose = [category for category in CATEGORIES if not group_of(category) and category.split(".")[0] not in ALWAYS]
    assert loose == []
    assert [group for group in GROUPS if not any(covers(group, category) for category in CATEGORIES)] == []


@pytest.mark.parametrize("group", GROUPS)
def test_stricter_words_ask_and_block_earlier_and_never_the_same(group: str) -> None:
    bands = [GROUPS[group].bands[level] for level in LEVELS]
    reviews = [band.review for band in bands]
    blocks = [2.0 if band.block is None else band.block for band in bands]
    assert None not in reviews
    assert reviews == sorted(set(reviews), reverse=True)
    assert blocks == sorted(blocks, reverse=True)
    assert all(band.block is None or band.review < band.block for band in bands)
    assert [level_of(group, band) for band in bands] == list(LEVELS)


def test_every_word_has_a_title_and_every_approach_a_mode() -> None:
    assert set(WORDS) == set(Level)
    assert set(APPROACHES) == set(MODES) == set(Approach) - {Approach.MIXED}
    assert set(MODES.values()) == set(RuleMode)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_something_about_every_group_and_why(name: str) -> None:
    preset = PRESETS[name]
    assert set(preset.advice) == set(GROUPS)
    assert preset.title
    assert preset.about.endswith(".")
    for advice in preset.advice.values():
        assert advice.level in (*LEVELS, Level.OFF)
        assert advice.why.count(". ") == 0, "one sentence"
        assert advice.why.endswith(".")
        assert not (advice.exempt and advice.level is Level.OFF)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("approach", MODES)
def test_a_preset_becomes_a_policy_and_is_read_back(name: str, approach: Approach) -> None:
    before = starting_policy()
    draft = advised(PRESETS[name], read(before))
    draft = Draft(approach, draft.levels, draft.bands, draft.exempt)
    policy = Policy(version=2, rules=compose(draft, before))
    assert read(policy) == draft
    fixed = [rule for rule in before.rules if not group_of(rule.category)]
    assert [rule for rule in policy.rules if not group_of(rule.category)] == fixed


def test_presets_differ() -> None:
    said = [tuple(advice.level for advice in preset.advice.values()) for preset in PRESETS.values()]
    assert len(set(said)) == len(PRESETS)


def test_the_starting_policy_in_words() -> None:
    draft = read(starting_policy())
    assert draft.approach is Approach.WATCH
    assert {group: level for group, level in draft.levels.items() if level is not Level.OFF} == {
        "sexual.explicit_nudity": Level.BALANCED,
        "sexual.explicit_activity": Level.BALANCED,
        "synthetic.deepfake": Level.BALANCED,
    }
    assert compose(draft, starting_policy()) == starting_policy().rules


def test_what_an_expert_set_stays_as_it_is() -> None:
    expert = Policy(
        version=1,
        rules=(
            Rule(category="*", review=0.9, mode=RuleMode.REVIEW),
            Rule(category="weapons", review=0.11, block=0.12, mode=RuleMode.ENFORCE),
            Rule(category="weapons.knife", review=0.5, mode=RuleMode.SHADOW),
            Rule(category="hate", review=0.6, block=0.85, mode=RuleMode.REVIEW, exempt=(Exemption(key="tag", values=("x",)),)),
        ),
    )
    draft = read(expert)
    assert (draft.approach, draft.levels["weapons"], draft.levels["hate"]) == (Approach.MIXED, Level.CUSTOM, Level.BALANCED)
    assert compose(draft, expert) == expert.rules
    asking = Draft(Approach.ASK, {**draft.levels, "hate": Level.OFF, "rude": Level.STRICT}, draft.bands, draft.exempt)
    assert [(rule.category, rule.mode.value, rule.review) for rule in compose(asking, expert)] == [
        ("*", "review", 0.9),
        ("weapons", "review", 0.11),
        ("weapons.knife", "shadow", 0.5),
        ("rude", "review", 0.4),
    ]


LEVEL = st.sampled_from([*LEVELS, Level.OFF, Level.CUSTOM])
SCORE = st.floats(0, 1).map(lambda score: round(score, 2))


@given(
    levels=st.fixed_dictionaries(dict.fromkeys(GROUPS, LEVEL)),
    numbers=st.fixed_dictionaries(dict.fromkeys(GROUPS, st.tuples(SCORE, SCORE).map(sorted))),
    approach=st.sampled_from(list(MODES)),
    tagged=st.sets(st.sampled_from(list(GROUPS))),
)
def test_any_draft_is_read_back_as_it_was_composed(
    levels: dict[str, Level], numbers: dict[str, list[float]], approach: Approach, tagged: set[str]
) -> None:
    on = {group: level for group, level in levels.items() if level is not Level.OFF}
    bands = {g: Band(*numbers[g]) if level is Level.CUSTOM else GROUPS[g].bands[level] for g, level in on.items()}
    exempt = {group: (Exemption(key="tag", values=("x",)),) for group in on if group in tagged}
    policy = Policy(version=2, rules=compose(Draft(approach, levels, bands, exempt), starting_policy()))
    back = read(policy)
    assert (back.bands, back.exempt) == (bands, exempt)
    assert back.approach is (approach if on else Approach.WATCH)
    assert set(back.levels) == set(GROUPS)
    assert {g for g, level in back.levels.items() if level is not Level.OFF} == set(on)


def test_the_declaration_has_a_field_for_the_approach_and_each_group_in_their_order() -> None:
    fields = declare(Choices)
    assert [field["name"] for field in fields] == ["approach", *GROUPS]
    assert all(field["kind"] == "choice" and field["title"] and field["description"] for field in fields)
    assert list(fields[1]["choices"]) == ["off", "relaxed", "balanced", "strict", "custom"]
    assert list(fields[0]["choices"]) == ["watch", "ask", "hide"]
