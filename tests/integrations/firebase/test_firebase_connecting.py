"""Connecting a bucket: what is typed, what is tested, what the owner is told to run, and what is loaded when."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import threading
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from app.domain.decisions import Action
from app.domain.errors import CredentialsExpired, PlatformClosed, PlatformRefused, PlatformUnavailable
from app.domain.platform import Site
from integrations.firebase import apps
from integrations.firebase.platform import Firebase
from integrations.firebase.settings import Config
from tests.contract.sample import Scripted
from tests.integrations.firebase.actions import PLATFORM, do, fetched, set
from tests.integrations.firebase.contract import BUCKET, NAME, PUBLIC_URL, SECRET, Bucket, with_key
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.support.surroundings import made


def test_nothing_of_googles_is_loaded_before_a_site_is_used() -> None:
    program = """
import sys
from app.config import Config
from app.factory import create_app
from integrations.firebase import PLATFORM
from tests.support.surroundings import made
made(PLATFORM)
loaded = [name for name in sys.modules if name.split(".")[0] in ("firebase_admin", "grpc", "jwt") or name.startswith("google.")]
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_typed_bucket_is_the_sites_key() -> None:
    for typed in (BUCKET, f"gs://{BUCKET}", f"gs://{BUCKET}/"):
        assert PLATFORM.key_of({"bucket": typed}) == BUCKET
    assert PLATFORM.key_of({}) == ""


def test_check_tells_what_was_found(place: Bucket) -> None:
    line = PLATFORM.check(place.site)
    assert line.startswith(
        f"gs://{BUCKET} can be read and written, 4 of its 4 newest objects are in the watched paths, and 1 of these are no "
        f"pictures by their types and names, hidden pictures go to gs://{BUCKET}/quarantine/"
    )
    assert "the app is not told" in line and "PICWARD_PUBLIC_URL" not in line
    assert "pushes are refused until PICWARD_PUBLIC_URL" in made(Firebase, public_url="http://127.0.0.1:8080").check(place.site)
    pushing = replace(place.site, connection={**place.site.connection, "push_account": "p@demo-test.iam.gserviceaccount.com"})
    with pytest.raises(PlatformRefused, match="PICWARD_PUBLIC_URL"):
        made(Firebase, public_url="http://127.0.0.1:8080").check(pushing)


def test_check_counts_the_newest_objects_that_are_watched(place: Bucket) -> None:
    do(Action.HIDE, place.site, place.media)  # what we write ourselves is no upload
    for paths, told in (
        (("users/{uid}/photos/",), "0 of its 3 newest objects are in the watched paths"),
        (("users/",), "2 of its 3 newest"),
    ):
        assert told in PLATFORM.check(set(place.site, include=paths))
    place.bucket.fill("zz/", 1_200)
    assert "of its 100 newest objects among its first 1000 are in the watched paths" in PLATFORM.check(place.site)
    for name in place.bucket.names():
        place.bucket.remove(name)
    assert "nothing is in it yet" in PLATFORM.check(place.site)


@pytest.mark.parametrize(
    "connection", [{"project": ""}, {"project": "x; rm -rf /"}, {"audience": "a b"}, {"push_account": "é@x.example"}]
)
def test_what_cannot_be_right_is_refused(place: Bucket, connection: dict[str, str]) -> None:
    with pytest.raises(PlatformRefused):
        PLATFORM.check(replace(place.site, connection={**place.site.connection, **connection}))


@pytest.mark.parametrize("typed", ["no json", " ", "[]", "{}", '{"type":"service_account"}', "[" * 100_000])
def test_a_key_that_is_none_is_refused_without_being_shown(place: Bucket, typed: str) -> None:
    with pytest.raises(PlatformRefused) as refused:
        PLATFORM.check(replace(place.site, credentials={"service_account": typed}))
    assert str(refused.value) == "The service account is not the JSON of a service account's key."


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"type": "external_account", "credential_source": {"file": "/etc/passwd"}}, "GOOGLE_APPLICATION_CREDENTIALS"),
        ({"type": "impersonated_service_account"}, "Workload Identity Federation"),
        ({"type": "authorized_user", "refresh_token": "s3cret"}, "a person's own credentials"),
        ({"project_info": {"project_id": "demo-test"}, "client": []}, r"google-services\.json"),
    ],
)
def test_another_file_than_a_key_is_called_what_it_is(place: Bucket, typed: dict[str, Any], told: str) -> None:
    with pytest.raises(PlatformRefused, match=told) as refused:
        PLATFORM.check(with_key(place.site, typed))
    assert "s3cret" not in str(refused.value)


GRANTS = [
    ("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values.",
     PlatformClosed, "its clock is wrong"),
    ("Invalid JWT Signature.", CredentialsExpired, "no longer accepts the service account's key"),
    ("Invalid grant: account not found", CredentialsExpired, "was deleted"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "error", "told"), GRANTS, ids=[told for *_, told in GRANTS])
def test_why_there_is_no_token_is_told(gcs: CloudStorage, place: Bucket, said: str, error: type[Exception], told: str) -> None:
    body = json.dumps({"error": "invalid_grant", "error_description": said}).encode()
    gcs.fail(Scripted(400, {"Content-Type": "application/json"}, body), operation="token")
    platform = made(Firebase, Config(token_url=gcs.token_url), public_url=PUBLIC_URL)
    with pytest.raises(error, match=told):
        platform.check(with_key(place.site, gcs.service_account()))


def test_a_service_accounts_key_opens_the_bucket_until_it_is_revoked(gcs: CloudStorage, place: Bucket) -> None:
    gcs.bearer = gcs.issued
    key_file = gcs.service_account()
    # Where tokens come from is the operator's to say: this address in the key file would lead into the network.
    site = with_key(place.site, key_file | {"token_uri": "http://169.254.169.254/token"})
    platform = made(Firebase, Config(token_url=gcs.token_url), public_url=PUBLIC_URL)
    assert platform.check(site)
    with platform.fetch(site, place.media) as file:
        assert file.read() == place.original
    with pytest.raises(PlatformRefused):
        fetched(place.site, place.media)
    gcs.revoke(key_file["client_email"])
    with pytest.raises(CredentialsExpired):
        platform.check(site)


def test_a_machine_without_credentials_is_told_what_to_do(place: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(PlatformRefused, match="no Google credentials"):
        PLATFORM.check(place.site)


def test_the_steps_can_be_pasted(place: Bucket) -> None:
    site = set(place.site, include=("users/*",), quarantine_bucket="q-bucket", strikes="claim", message_topic="t-{uid}")
    first, second, third = PLATFORM.steps(site)
    words = shlex.split(first.command)
    assert words == [
        "plugins/firebase/connect.sh", "--project", "demo-test", "--bucket", BUCKET, "--url", f"{PUBLIC_URL}/webhooks/firebase",
        "--name", "picward", "--prefix", "users/", "--deletions", "--quarantine", "q-bucket", "--strikes", "--messages",
    ]  # fmt: skip
    assert (
        shlex.split(second.command)[:3] == ["printf", "%s", SECRET] and "functions:secrets:set PICWARD_SECRET" in second.command
    )
    assert "quarantine/" in third.text
    for account, name in (
        ("app2-push@demo-test.iam.gserviceaccount.com", ["app2"]),
        ("mine@demo-test.iam.gserviceaccount.com", []),
    ):
        other = replace(site, connection={**site.connection, "push_account": account})
        words = shlex.split(PLATFORM.steps(other)[0].command)
        assert [after for word, after in pairwise(words) if word == "--name"] == name


def test_clients_are_made_once_and_anew_for_other_credentials(place: Bucket) -> None:
    made: list[Any] = []
    threads = [threading.Thread(target=lambda: made.append(apps.app_of(place.site, Config()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in made}) == 1
    other: Site = replace(place.site, connection={**place.site.connection, "project": "another-project"})
    assert apps.app_of(other, Config()) is not made[0]


def test_no_more_apps_are_kept_than_a_process_can_hold(place: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps, "MAX_APPS", 3)
    sites = [replace(place.site, key=f"bucket-{n}.example") for n in range(8)]
    first = apps.app_of(sites[0], Config())
    for site in sites:
        apps.app_of(site, Config())
    assert len(apps._apps) == 3 and apps.app_of(sites[0], Config()) is not first


def test_every_call_has_a_time_limit_and_is_not_repeated_here(place: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth.transport.requests import AuthorizedSession

    seen: list[Any] = []
    original = AuthorizedSession.request

    def request(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        seen.append(kwargs.get("timeout"))
        return original(self, method, url, *args, **kwargs)

    monkeypatch.setattr(AuthorizedSession, "request", request)
    place.gcs.forget()
    place.gcs.fail(503)
    with pytest.raises(PlatformUnavailable):
        fetched(place.site, place.media)
    assert sum(place.gcs.counts().values()) == 1
    fetched(place.site, place.media)
    PLATFORM.check(place.site)
    PLATFORM.scan(place.site)
    undo = do(Action.HIDE, place.site, place.media).undo
    do(Action.RESTORE, place.site, place.media, undo)
    assert len(seen) > 15 and all(isinstance(timeout, tuple) and max(timeout) <= 60 for timeout in seen), seen
    assert place.bucket.get(NAME) is not None


def test_the_key_is_nowhere_to_be_read(gcs: CloudStorage, place: Bucket) -> None:
    key_file = gcs.service_account()
    site = with_key(place.site, key_file)
    assert "PRIVATE KEY" not in repr(site)
    for step in PLATFORM.steps(site):
        assert "PRIVATE KEY" not in json.dumps([step.text, step.command])
