"""A Picward that lost its key: what another one hid comes back, to nobody's eyes, and is judged anew."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from app.domain.decisions import Action
from app.domain.errors import PlatformRefused
from app.domain.media import MediaRef
from integrations.firebase import recovery
from integrations.firebase.naming import MARK
from tests.integrations.firebase.actions import do, fetched, listed, set, status
from tests.integrations.firebase.contract import BUCKET, NAME, PIXELS, PROJECT, Bucket


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["recovery", "--project", PROJECT, "--bucket", BUCKET, *words])
    recovery.main()


def test_what_another_picward_hid_is_put_back_and_judged_anew(
    place: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = place.bucket.put("users/u1/open.png", PIXELS, acl_public=True, token=True)
    do(Action.HIDE, place.site, place.media)
    do(Action.HIDE, place.site, MediaRef("users/u1/open.png", str(opened.generation)))
    other = replace(place.site, own_key=b"another" * 5)
    with pytest.raises(PlatformRefused):
        do(Action.RESTORE, other, place.media, None)
    before = place.bucket.snapshot()
    run(monkeypatch, "--dry-run")
    assert sorted(capsys.readouterr().out.splitlines()) == [f"{n}: goes back to {n}" for n in ("users/u1/open.png", NAME)]
    assert place.bucket.snapshot() == before
    run(monkeypatch)
    for name in (NAME, "users/u1/open.png"):
        one = place.bucket.get(name)
        assert one is not None and one.data == PIXELS and not one.tokens and MARK not in one.metadata and not one.public
        assert one.content_type == "image/png"
        new = MediaRef(name, str(one.generation))
        assert new in listed(other) and fetched(other, new) == PIXELS
    assert place.bucket.get(NAME).metadata == {"title": "Zoë"}  # type: ignore[union-attr]
    assert status(place.gcs.public_url(BUCKET, "users/u1/open.png")) == 403
    assert not [name for name in place.bucket.names() if name.startswith("quarantine/")]


def test_what_is_not_what_it_says_is_left(
    place: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vault = place.gcs.bucket("demo-vault")
    site = set(place.site, quarantine_bucket="demo-vault")
    do(Action.HIDE, site, place.media)
    (hidden, beside) = vault.names()
    kept = vault.get(beside)
    assert kept is not None
    place.bucket.put(NAME, b"something else")
    run(monkeypatch, "--quarantine-bucket", "demo-vault")
    assert f"{NAME}: left, since something is at {NAME} again" in capsys.readouterr().out
    place.bucket.remove(NAME)
    told = json.loads(kept.data)
    for text in (told["text"].replace(NAME, "index.html"), told["text"].replace('"size": ', '"size": 1'), "[]"):
        vault.put(beside, json.dumps(told | {"text": text}).encode(), content_type="application/json")
        run(monkeypatch, "--quarantine-bucket", "demo-vault")
        assert f"{NAME}: left, since" in capsys.readouterr().out
    assert place.bucket.get("index.html") is None and vault.get(hidden) is not None
