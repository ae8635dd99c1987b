"""Whatever is done to a library in whatever order: no file of another is touched, and every own file comes back to the byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
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


def test_no_file_of_another_is_touched(site: WordPress) -> None:
    equal_stems: list[int] = []

    @settings(max_examples=ROUNDS, deadline=None, derandomize=True, database=None)
    @given(steps=steps)
    @example(steps=[("upload", 0, 0), ("upload", 0, 1), ("hide", 0, 0), ("delete", 0, 0)])
    @example(steps=[("upload", 0, 8), ("translate", 0, 0), ("edit", 1, 0), ("hide", 1, 0), ("delete", 1, 0), ("hide", 0, 0)])
    @example(steps=[("upload", 0, 0), ("translate", 0, 0), ("edit", 1, 0), ("hide", 0, 0), ("undo_edit", 1, 0), ("delete", 0, 0)])
    def no_library_loses_a_file(steps: list[tuple[str, int, int]]) -> None:
        prefix = f"prop{len(equal_stems)}x"
        out = site.php(f"$steps = json_decode( '{json.dumps(steps)}' ); $prefix = '{prefix}'; require '{DRIVER}';")
        assert out.startswith("held "), out
        equal_stems.append(int(out.removeprefix("held ")))

    no_library_loses_a_file()
    assert sum(equal_stems) >= ROUNDS // 4, "the control: pictures with equal stems and other extensions"
