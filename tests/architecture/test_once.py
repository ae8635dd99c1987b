"""One thing is written once: what has a home is nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = {
    str(path.relative_to(ROOT)): path.read_text()
    for floor in ("app", "integrations", "models")
    for path in sorted((ROOT / floor).rglob("*.py"))
    if "migrations" not in path.parts
}

HOMES = {
    "times are read and written": (r"\.(fromtimestamp|utcfromtimestamp|astimezone)\(", {"app/domain/time.py"}),
    "microseconds are reckoned": (r"^(SECOND|MINUTE|HOUR|DAY) =|\* ?1_000_000\b|86_?400|3_?600 ?\*", {"app/domain/time.py"}),
    "pydantic's errors become words": (r"error\.errors\(|Value error", {"app/domain/errors.py"}),
    "restricted categories are known": (r"CATEGORIES\[[^]]*\]\.restricted", {"app/domain/taxonomy.py"}),
    "a list's own category is named": (r"owner\.(blocked|allowed)_hash|owner\.\{", {"app/domain/taxonomy.py"}),
    "a picture is put on a list by bytes and look": (r"HashEntry\(HashKind\.", set()),
    "look-alikes are told apart": (r"^[A-Z_]*DISTANCE = ", {"app/domain/detector.py"}),
    "a picture's size is limited": (r"\b20_000_000\b", {"app/domain/limits.py"}),
    "a platform is told its settings": (r"\.settings_changed\(", {"app/services/sites/sites.py"}),
    "another server's words are quoted": (r"label\([\"']detail[\"']|\{[^}]*label\([\"']message", set()),
    "settings are stored for a site": (r"changed_by\(declared, name\)", {"app/services/sites/sites.py"}),
    "passwords are hashed, a few at a time": (r"\bargon2\b|_hasher\.", {"app/services/people/passwords.py"}),
    "secrets that we hand out are made and digested": (
        r"token_bytes|sha256\((token|presented|user_id)",
        {"app/services/secrets.py"},
    ),
}


@pytest.mark.parametrize("what", HOMES)
def test_it_is_in_its_home_and_nowhere_else(what: str) -> None:
    pattern, homes = HOMES[what]
    assert {name for name, text in CODE.items() if re.search(pattern, text, re.MULTILINE)} == homes
