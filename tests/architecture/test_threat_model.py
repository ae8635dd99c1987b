"""The threat model names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_of_the_threat_model_exists() -> None:
    named = NAMED.findall((ROOT / "docs/threat-model.md").read_text())
    missing = [
        f"{path}::{test}"
        for path, test in named
        if not (ROOT / path).is_file() or f"def {test or 'test_'}" not in (ROOT / path).read_text()
    ]
    assert len(named) > 25 and missing == []


def test_every_attack_has_a_test() -> None:
    rows = [line for line in (ROOT / "docs/threat-model.md").read_text().splitlines() if line.startswith("| ")]
    attacks = [row for row in rows if not row.startswith("| attack")]
    assert attacks and all(NAMED.search(row) for row in attacks)
