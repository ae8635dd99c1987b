"""Whatever is done to a library in whatever order: no file of another is touched, and every own file comes back to the byte."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.integrations.wordpress.plugin.site import WordPress

pytestmark = pytest.mark.e2e

DRIVER = Path(__file__).with_name("owners.php")
ROUNDS = 25
"""How many libraries are drawn: each is a process of PHP that boots WordPress."""

VERBS = ["upload", "translate", "edit", "undo_edit", "crop", "stray", "hide", "restore", "delete"]
number = st.integers(0, 11)
steps = st.lists(st.tuples(st.sampled_from(["upload"]), number, number), min_size=2, max_size=4).flatmap(
    lambda first: st.lists(st.tuples(st.sampled_from(VERBS), number, number), min_size=4, max_size=14).map(
        lambda rest: first + rest
    )
)
runs = count()
collided = {"stems": 0}


@settings(
    max_examples=ROUNDS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=steps)
@example(steps=[("upload", 0, 0), ("upload", 0, 1), ("hide", 0, 0), ("delete", 0, 0)])
@example(steps=[("upload", 0, 8), ("translate", 0, 0), ("edit", 1, 0), ("hide", 1, 0), ("delete", 1, 0), ("hide", 0, 0)])
@example(steps=[("upload", 0, 0), ("translate", 0, 0), ("edit", 1, 0), ("hide", 0, 0), ("undo_edit", 1, 0), ("delete", 0, 0)])
def test_no_file_of_another_is_touched(site: WordPress, steps: list[tuple[str, int, int]]) -> None:
    out = site.php(f"$steps = json_decode( '{json.dumps(steps)}' ); $prefix = 'prop{next(runs)}x'; require '{DRIVER}';")
    assert out.startswith("held "), out
    collided["stems"] += int(out.removeprefix("held "))


def test_the_libraries_had_something_to_confuse() -> None:
    assert collided["stems"] >= ROUNDS // 4, "pictures with equal stems and other extensions"
