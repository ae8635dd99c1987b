from __future__ import annotations

import re

import pytest

from app.domain.policy import starting_policy
from app.domain.taxonomy import _TABLE, CATEGORIES, covers


def test_no_id_is_used_twice() -> None:
    assert len(_TABLE) == len(CATEGORIES)


@pytest.mark.parametrize("category", _TABLE, ids=lambda category: category.id)
def test_each_category_is_complete(category: object) -> None:
    id, title = getattr(category, "id", ""), getattr(category, "title", "")
    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+){0,2}", id)
    assert title and title[0].isupper()


def test_titles_are_told_apart() -> None:
    assert len({category.title for category in _TABLE}) == len(_TABLE)


def test_known_abuse_material_is_restricted() -> None:
    for id in ("csae.known_hash", "csae.suspected", "ncii.known_hash", "terror.known_hash"):
        assert CATEGORIES[id].restricted


def test_every_rule_of_a_new_site_covers_something() -> None:
    for rule in starting_policy().rules:
        assert any(covers(rule.category, id) for id in CATEGORIES)


@pytest.mark.parametrize(
    ("rule", "category", "covered"),
    [
        ("*", "self_harm", True),
        ("self_harm", "self_harm", True),
        ("sexual", "sexual.toys", True),
        ("sexual.explicit_nudity", "sexual.explicit_nudity.genitalia", True),
        ("sexual.explicit_nudity.genitalia", "sexual.explicit_nudity", False),
        ("sex", "sexual.toys", False),
        ("", "sexual.toys", False),
        ("sexual.", "sexual.toys", False),
    ],
)
def test_covers(rule: str, category: str, covered: bool) -> None:
    assert covers(rule, category) is covered
