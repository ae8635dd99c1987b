from __future__ import annotations

import pytest

from app.domain.rejections import _TABLE, REJECTIONS
from app.domain.statements import DSA_CATEGORIES, DSA_KEYWORDS, GROUNDS, SYNTHETIC
from app.domain.taxonomy import CATEGORIES, Severity


def test_every_category_has_its_ground() -> None:
    assert set(GROUNDS) == set(CATEGORIES)


@pytest.mark.parametrize("category", sorted(GROUNDS))
def test_each_ground_is_in_the_database(category: str) -> None:
    ground = GROUNDS[category]
    assert ground.category in DSA_CATEGORIES
    assert set(ground.keywords) <= DSA_KEYWORDS


def test_synthetic_categories_are_ours() -> None:
    assert set(CATEGORIES) >= SYNTHETIC
    assert {category for category in CATEGORIES if category.startswith("synthetic.")} == SYNTHETIC


def test_two_people_judge_whatever_is_severe_or_restricted() -> None:
    severe = {id for id, category in CATEGORIES.items() if category.severity is Severity.SEVERE or category.restricted}
    assert {id for id, category in CATEGORIES.items() if category.two_people} == severe


def test_reasons_for_rejecting_have_a_digit_each_and_a_category() -> None:
    assert list(REJECTIONS) == [str(number + 1) for number in range(len(_TABLE))]
    assert len(_TABLE) <= 9
    assert len({rejection.title for rejection in _TABLE}) == len(_TABLE)
    for rejection in _TABLE:
        assert rejection.category in CATEGORIES
        assert not CATEGORIES[rejection.category].restricted, "such a picture is escalated, and not rejected by one person"
