"""Paths and prefixes: what is watched, and what cannot be set."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

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
    [(("*",), ""), (("users/*",), "users/"), (("users/a*", "users/b/"), "users/"), (("a/*", "b/*"), ""), (("x/y",), "x/y")],
)
def test_what_all_watched_names_begin_with(include: tuple[str, ...], prefix: str) -> None:
    assert Settings(include=include).watched_prefix() == prefix


def test_starting_does_not_load_the_sdk() -> None:
    script = "import app.factory, integrations.firebase, sys; sys.exit('firebase_admin' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
