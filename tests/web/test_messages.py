"""What pages say after a redirect: every code has its text, and every page that is told to say something says it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from app.web.console import words
from app.web.console.trying import pictures
from app.web.console.words import SAID, Said
from tests.web.house import House

CONSOLE = Path(words.__file__).parent
SOURCE = "\n".join(path.read_text() for path in sorted(CONSOLE.rglob("*.py")) if path.name != "words.py")

TOLD = sorted(set(re.findall(r'url_for\("(console\.\w+)"[^\n]*?\bsaid=', SOURCE)))
"""The pages that routes send people to with something to say; `_back` of the queue leads to two more."""


def test_every_code_has_a_text_of_its_own_and_a_route_that_says_it() -> None:
    assert set(SAID) == set(Said) and len({str(text) for text in SAID.values()}) == len(Said)
    unused = [code for code in Said if not re.search(rf"\bSaid\.{code.name}\b", SOURCE)]
    assert unused == []
    assert re.findall(r"said=f?[\"'][^\n]*", SOURCE) == [], "routes name the codes of the table, and write none themselves"


@pytest.mark.parametrize("endpoint", [*TOLD, "console.review_queue", "console.review_list"])
def test_every_page_that_is_told_to_say_something_says_it(house: House, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setattr(pictures, "WAIT_SECONDS", 0.0)
    rule = next(rule for rule, method, _ in house.routes("GET") if rule.endpoint == endpoint)
    for code in (Said.SAVED, Said.UNSHARED):
        answer = house.owner.get(f"{house.path(rule, house.own)}?said={code}")
        notices = re.findall(r'<p class="notice (\w+)" role="status">(.*?)</p>', answer.text, re.DOTALL)
        tone = "warn" if code is Said.UNSHARED else "good"
        assert (tone, str(SAID[code])) in [(tone, html.unescape(text)) for tone, text in notices], (answer.status_code, endpoint)


def test_a_code_that_nobody_declared_says_nothing(house: House) -> None:
    assert 'role="status"' not in house.owner.get("/sites?said=nonsense").text
