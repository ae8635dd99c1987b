from __future__ import annotations

import re

import pytest

from app.services.people import tokens
from app.services.people.tokens import Scope
from tests.support.core import Bench
from tests.web.visitor import Owner


def test_a_token_is_shown_once_and_works(bench: Bench, owner: Owner) -> None:
    site = bench.site()
    answer = owner.client.post(
        "/programs",
        data={"form_token": owner.form_token, "name": "Nightly", "days": "30", "scope": ["read", "review"], "site": site.id},
    )
    assert answer.status_code == 200
    found = re.search(r"picward_[\w-]{43}", answer.text)
    assert found
    proven = tokens.prove(bench.core, found[0])
    assert (proven.name, proven.scopes, proven.site_id) == ("Nightly", {Scope.READ, Scope.REVIEW}, site.id)
    listed = owner.get("/programs").text
    assert found[0] not in listed
    assert "Nightly" in listed
    assert "read, review" in listed


@pytest.mark.parametrize(
    ("field", "form"),
    [
        ("name", {"name": " ", "scope": "read"}),
        ("scopes", {}),
        ("days", {"scope": "read", "days": "for ever"}),
        ("days", {"scope": "read", "days": "²"}),
        ("site", {"scope": "read", "site": "st_gone"}),
    ],
)
def test_what_is_wrong_is_marked_and_nothing_is_made(bench: Bench, owner: Owner, field: str, form: dict[str, str]) -> None:
    answer = owner.post("/programs", **{"name": "Nightly", "days": "30", **form})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert tokens.listing(bench.core) == []


def test_a_revoked_token_moves_to_the_ended_ones(bench: Bench, owner: Owner) -> None:
    made, _ = tokens.make(bench.core, "Nightly", ["read"], "Ada")
    answer = owner.client.post(f"/programs/{made}/revoke", data={"form_token": owner.form_token}, follow_redirects=True)
    assert "worth nothing from now on" in answer.text
    assert "Tokens that worked" in answer.text
    assert tokens.listing(bench.core)[0].revoked_at
