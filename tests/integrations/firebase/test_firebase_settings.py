"""Paths and prefixes: what is watched, and what cannot be set."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from app.domain.errors import SettingsInvalid
from integrations.firebase.settings import Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"include": ("uploads/*",), "quarantine": "uploads/quarantine/"},
        {"include": ("uploads/",), "blurred": "uploads/blurred/"},
        {"include": ("*/x/*",), "quarantine": "a/x/"},
        {"layout": "pending_public", "include": ("p*",)},
        {"layout": "pending_public", "public": "pending/approved/"},
        {"layout": "pending_public", "include": ("users/*",)},
        {"layout": "pending_public", "exclude": ("pending/*",)},
        {"quarantine": "hidden/", "blurred": "hidden/"},
        {"quarantine": "hidden/", "blurred": "hidden/blurred/"},
        {"quarantine": ""},
        {"quarantine": "/"},
        {"quarantine": "no-slash"},
        {"quarantine": "a*/"},
        {"quarantine_bucket": "Not A Bucket"},
        {"tell": "database"},
        {"database_url": "https://10.0.0.5"},
        {"database_url": "http://169.254.169.254/?ns=x"},
        {"database_url": "https://attacker.example"},
        {"database_url": "https://x.firebaseio.com.attacker.example"},
        {"database_url": "https://x.firebaseio.com:8443/"},
        {"database_url": "http://x.firebaseio.com"},
        {"tell_path": "a/b"},
        {"tell_path": "a//b/c"},
        {"message_topic": "a b"},
        {"message_topic": "{user}"},
        {"strikes_after": 0},
        {"include": ()},
        {"mode": "hold"},
    ],
)
def test_what_cannot_work_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


@pytest.mark.parametrize(
    "url", ["", "https://a-1-default-rtdb.firebaseio.com", "https://a-1-default-rtdb.europe-west1.firebasedatabase.app/"]
)
def test_a_realtime_database_is_at_googles_own_addresses(url: str) -> None:
    assert Settings(database_url=url).database_url == url


def test_a_quarantine_in_another_bucket_may_have_any_prefix() -> None:
    settings = Settings(include=("uploads/*",), quarantine="uploads/", quarantine_bucket="my-quarantine")
    assert settings.watches("uploads/a.png")


@pytest.mark.parametrize(
    ("include", "name", "watched"),
    [
        (("*",), "a", True),
        (("users/*/photos/*",), "users/u/photos/a", True),
        (("users/*/photos/*",), "users/u/x/photos/a/b", True),
        (("users/*/photos/*",), "users/u/a", False),
        (("/users/",), "users/a", True),
        (("users/",), "users", False),
        (("a.b+c[1]*",), "a.b+c[1]x", True),
        (("a.b",), "axb", False),
        (("*",), "line\nbreak.png", True),
        (("*",), "quarantine/ab/1", False),
        (("*",), "quarantined", True),
    ],
)
def test_patterns(include: tuple[str, ...], name: str, watched: bool) -> None:
    assert Settings(include=include).watches(name) is watched


@pytest.mark.parametrize(
    ("include", "prefix"),
    [
        (("*",), ""),
        (("users/*",), "users/"),
        (("users/a*", "users/b/"), "users/"),
        (("a/*", "b/*"), ""),
        (("x/y",), "x/y"),
        (("users/{uid}/photos/",), "users/"),
        (("{uid}/a/",), ""),
    ],
)
def test_what_all_watched_names_begin_with(include: tuple[str, ...], prefix: str) -> None:
    assert Settings(include=include).watched_prefix() == prefix


SAVED = [
    ("users/{uid}/photos/", "users/{uid}/photos/", "users/u1/photos/a.png"),
    ("users/{userId}/photos/", "users/{uid}/photos/", "users/u1/photos/a.png"),
    ("users/{user}/{photo=**}", "users/{uid}/*", "users/u1/x/a.png"),
    ("uploads", "uploads/", "uploads/b/c.jpg"),
    ("users/*/photos", "users/*/photos/", "users/u1/photos/a.png"),
    ("/uploads/", "uploads/", "uploads/a.png"),
    ("/", "*", "a.png"),
    ("uploads/*", "uploads/*", "uploads/a.png"),
    ("**/*.png", "*.png", "a.png"),
    ("avatars/**/*.jpg", "avatars/*.jpg", "avatars/x/y/a.jpg"),
    ("*.jpg", "*.jpg", "uploads/b/c.jpg"),
    ("logo.png", "logo.png", "logo.png"),
]


@pytest.mark.parametrize(("typed", "stored", "name"), SAVED, ids=[typed for typed, *_ in SAVED])
def test_a_path_is_understood_as_it_is_meant(typed: str, stored: str, name: str) -> None:
    saved = Settings(include=(typed,)).after(Settings())
    assert saved.include == (stored,) and saved.watches(name)
    assert name.startswith(saved.watched_prefix()), "what the bucket is asked for holds what is watched"
    assert saved.after(saved) == saved == Settings(include=(stored,)).after(Settings())


@pytest.mark.parametrize(
    ("typed", "instead"),
    [("gs://my-app.appspot.com/uploads/", "uploads/"), ("GS://b", "*"), ("https://firebasestorage.googleapis.com/v0", "uploads/"),
     ("users/{uid/photos/", "braces"), ("users/{}/", "braces"), ("users/{a b}/", "braces")],
)  # fmt: skip
def test_a_path_that_can_be_no_path_is_refused_with_the_reason(typed: str, instead: str) -> None:
    for field in ("include", "exclude", "owner_paths"):
        with pytest.raises(SettingsInvalid) as wrong:
            Settings.model_validate({field: (typed,)}).after(Settings())
        assert set(wrong.value.fields) == {field} and instead in wrong.value.fields[field] and typed in str(wrong.value)


def test_a_path_that_turns_out_to_hold_our_own_prefix_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="which Picward writes to"):
        Settings(include=("quarantine",)).after(Settings())


def test_whose_picture_it_is_may_be_called_as_in_the_rules() -> None:
    saved = Settings(owner_paths=("profiles/{userId}/", "rooms/{room}/{uid}/{file=**}")).after(Settings())
    assert saved.owner_paths == ("profiles/{uid}/", "rooms/*/{uid}/*")
    assert (saved.owner_of("profiles/u1/a.png"), saved.owner_of("rooms/9/u2/a.png")) == ("u1", "u2")
    for typed in ("users/", "a/{b}/{c}/"):
        with pytest.raises(SettingsInvalid, match="where the user's id is"):
            Settings(owner_paths=(typed,)).after(Settings())


def test_a_path_that_was_stored_before_keeps_its_meaning() -> None:
    """No update changes what a live site watches, and none of its settings stops it from being opened."""
    stored = Settings(include=("uploads", "gs://b/x/", "users/{userId}/"), exclude=("raw",), owner_paths=("users/",))
    assert stored.after(stored) == stored
    changed = stored.model_copy(update={"include": (*stored.include, "more")}).after(stored)
    assert changed.include == (*stored.include, "more/") and changed.exclude == ("raw",)


def test_starting_does_not_load_the_sdk() -> None:
    script = "import app.factory, integrations.firebase, sys; sys.exit('firebase_admin' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
