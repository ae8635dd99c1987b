"""An installation that was attacked while it could be: what stood open is closed by the update, and a live site works on.

`attacked_137e778` is what that version stored: a picture that a plain list blocked and then a restricted one (decisions 1 and 2),
and a site that saved its own switches through its own door, once under an owner's name.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.upgrade import today

SAVED = {
    "private_network": True,
    "tell_webhook": "http://127.0.0.1:9/hook",
    "tell_emails": ["victim@example.com"],
    "preview_days": 364,
    "trusted_roles": ["author"],
}
"""What the site saved; which roles are trusted is its own to say."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return Path(shutil.copytree(Path(__file__).parent / "attacked_137e778", tmp_path / "data"))


@pytest.fixture
def core(data: Path) -> Iterator[Any]:
    kept_at = stored(data, "SELECT max(at) FROM audit")[0][0]
    with today.opened(data, kept_at + 1_000_000, []) as core:
        yield core


def stored(data: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data / "picward.db")) as db:
        return db.execute(query).fetchall()


RIGHTS = "SELECT id, restricted, two_people, supersedes FROM decisions ORDER BY id"
PREVIEWS = "SELECT count(*) FROM previews"


def test_what_was_attacked_is_healed_and_works_on(data: Path, core: Any) -> None:
    # The control: the holes are there. An open decision before a restricted one, the picture's preview, the switches.
    assert stored(data, RIGHTS) == [(1, 0, 0, None), (2, 1, 1, 1)]
    assert stored(data, PREVIEWS) == [(1,)]
    before = stored(data, "SELECT settings FROM sites")
    today.update(core)

    assert stored(data, RIGHTS) == [(1, 1, 1, None), (2, 1, 1, 1)]
    assert stored(data, PREVIEWS) == [(0,)]
    assert stored(data, "SELECT settings FROM sites") == before, "nothing is set otherwise than a live site works by"
    (state,) = today.state(core).values()
    assert state["settings"].items() >= SAVED.items()
    rita, owner = today.at_the_console(core, "Rita"), today.at_the_console(core, "Olivia Owner")
    for number in (1, 2):
        for path in ("", "/preview", "/preview?clear=1", "/statement"):
            assert rita.get(f"/decisions/{number}{path}", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 404, path
    assert "told by a hotline" in owner.get("/decisions/2").get_data(as_text=True), "the control: whoever may see it does"
    page = owner.get(f"/sites/{today.sites.listing(core)[0].id}").get_data(as_text=True)
    assert "Was this you?" in page
    for title in ("This site is on my own network", "Call this web address", "Send e-mail to", "Keep previews for (days)"):
        assert title in page.partition("Was this you?")[2]
