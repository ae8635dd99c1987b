"""The main job at a bucket: real Picward processes, the real Admin SDK, a real Firestore emulator, and signed pushes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.integrations.firebase.stand_in.credential import AnonymousCredential
from tests.integrations.firebase.stand_in.firestore import firestore_emulator
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.integrations.firebase.stand_in.google import GoogleSigner
from tests.integrations.firebase.stand_in.push import Push
from tests.support.instance import Instance, running, wait_for

pytestmark = pytest.mark.e2e

PROJECT, BUCKET = "demo-test", "demo-test.firebasestorage.app"
AUDIENCE = "https://picward.example/webhooks/firebase"
ACCOUNT = f"picward-push@{PROJECT}.iam.gserviceaccount.com"
OURS = ("firebaseStorageDownloadTokens", "moderation", "picward")


@pytest.fixture(scope="module")
def surroundings() -> Iterator[CloudStorage]:
    """Run the bucket, Google's certificates and Firestore where every process that is started from here finds them."""
    before = dict(os.environ)
    with CloudStorage(signer=GoogleSigner()) as gcs, firestore_emulator() as firestore:
        os.environ.update(
            gcs.environment()
            | {"FIRESTORE_EMULATOR_HOST": firestore, "PICWARD_FIREBASE_CERTIFICATES_URL": gcs.jwks_url, "NO_PROXY": "127.0.0.1"}
        )
        yield gcs
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def picward(surroundings: CloudStorage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("picward"), lease_seconds="10", log_level="WARNING") as instance:
        surroundings.bucket(BUCKET)
        told = instance.cli(
            "sites", "add", "firebase", "--name", "App", "--set", f"project={PROJECT}", "--set", f"bucket={BUCKET}",
            "--set", f"audience={AUDIENCE}",
        )  # fmt: skip
        assert f"connect.sh --project {PROJECT} --bucket {BUCKET} --url {AUDIENCE}" in told
        yield instance


@pytest.fixture(scope="module")
def push(surroundings: CloudStorage, picward: Instance) -> Push:
    """Push as Pub/Sub does: signed, each message twice, and late ones first."""
    made = Push(
        f"{picward.url}/webhooks/firebase",
        signer=surroundings.signer,
        audience=AUDIENCE,
        email=ACCOUNT,
        events=("OBJECT_FINALIZE", "OBJECT_DELETE"),
    )
    made.duplicate, made.reorder = 2, True
    return surroundings.notify(made)


def document(name: str) -> dict[str, Any]:
    import firebase_admin
    from firebase_admin import firestore

    try:
        app = firebase_admin.get_app("e2e")
    except ValueError:
        app = firebase_admin.initialize_app(AnonymousCredential(), {"projectId": PROJECT}, "e2e")
    id = hashlib.sha256(f"{BUCKET}/{name}".encode()).hexdigest()
    return firestore.client(app).collection("moderation").document(id).get().to_dict() or {}


def picture(seed: int) -> bytes:
    out = io.BytesIO()
    noise = Image.effect_noise((320, 240), 40 + seed).convert("RGB")
    noise.paste((200, 40 * (seed % 5), 90), (seed % 100, 30, 200, 160))
    noise.save(out, "PNG")
    return out.getvalue()


def block(picward: Instance, folder: Path, data: bytes) -> None:
    (folder / "listed.png").write_bytes(data)
    known = folder / "list.csv"
    known.write_text(picward.cli("hashes", "of", str(folder / "listed.png"), "--note", "not here"))
    picward.cli("hashes", "import", str(known))


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def decided(picward: Instance, name: str, verdict: str, action: str) -> bool:
    found = next((item for item in picward.decisions() if item["media"] == name), None)
    return bool(found and (found["verdict"], found["action"], found["state"]) == (verdict, action, "done"))


def seen(one: Any) -> tuple[Any, ...]:
    metadata = {key: value for key, value in one.metadata.items() if key not in OURS}
    return (one.data, one.content_type, one.cache_control, metadata)


def test_an_upload_is_judged_hidden_told_of_and_restored_equal(
    surroundings: CloudStorage, picward: Instance, push: Push, tmp_path: Path
) -> None:
    bucket = surroundings.bucket(BUCKET)
    unwanted, fine = picture(1), picture(2)
    block(picward, tmp_path, unwanted)
    bad, good = "users/u1/unwanted ü.png", "users/u1/fine.png"
    before = bucket.put(bad, unwanted, token=True, metadata={"title": "Zoë"}, cache_control="public, max-age=60")
    bucket.put(good, fine, token=True)
    address = surroundings.download_url(BUCKET, bad, before.tokens[0])
    assert status(address) == 200
    push.drain(30)
    wait_for(lambda: decided(picward, bad, "block", "hide"), "the picture to be hidden", 90, picward.log)
    assert status(address) in (403, 404)
    copies = [name for name in bucket.names() if name.startswith("quarantine/")]
    assert len(copies) == 2
    for name in copies:
        assert status(surroundings.download_url(BUCKET, name, before.tokens[0])) == 403
        assert status(surroundings.public_url(BUCKET, name)) == 403
    assert document(bad)["status"] == "rejected"
    wait_for(lambda: decided(picward, good, "allow", "label"), "the other picture to be approved", 90, picward.log)
    assert document(good)["status"] == "approved"
    assert bucket.get(good).metadata["moderation"] == "approved"  # type: ignore[union-attr]

    decision = next(item for item in picward.decisions() if item["media"] == bad)
    picward.cli("decisions", "resolve", str(decision["id"]), "allow")
    wait_for(lambda: decided(picward, bad, "allow", "restore"), "the restore", 90, picward.log)
    after = bucket.get(bad)
    assert after is not None and seen(after) == seen(before)
    assert status(address) == 403 and status(surroundings.download_url(BUCKET, bad, after.tokens[0])) == 200
    assert document(bad)["status"] == "approved"
    assert not [name for name in bucket.names() if name.startswith("quarantine/")]
    # Our own writes came back as pushes, and changed nothing.
    push.drain(30)
    wait_for(
        lambda: not picward.rows("SELECT id FROM jobs WHERE state IN ('due', 'busy')"), "the echoes to be read", 60, picward.log
    )
    assert len([item for item in picward.decisions() if item["media"] == bad]) == 1
    assert seen(bucket.get(bad)) == seen(before)
    # An idle connection that the server closed is no answer; the message was sent again.
    assert {sent.status for sent in push.sent if isinstance(sent.status, int)} == {202}
    assert surroundings.signer.fetches <= 2, "each of the two web processes fetches the certificates once"


def test_a_push_of_another_account_is_refused(surroundings: CloudStorage, picward: Instance) -> None:
    bucket = surroundings.bucket(BUCKET)
    stranger = Push(
        f"{picward.url}/webhooks/firebase",
        signer=surroundings.signer,
        audience=AUDIENCE,
        email="anybody@another-project.iam.gserviceaccount.com",
        attempts=1,
    )
    surroundings.notify(stranger)
    bucket.put("users/u2/a.png", picture(3))
    stranger.drain(30)
    assert [sent.status for sent in stranger.sent] == [401]
    stranger.close()


def test_a_lost_notification_is_found_by_looking(surroundings: CloudStorage, picward: Instance, push: Push) -> None:
    push.drop = 1
    bucket = surroundings.bucket(BUCKET)
    bucket.put("users/u3/lost.png", picture(4), token=True)
    site = picward.rows("SELECT id FROM sites")[0][0]
    assert "would be queued" in picward.cli("scan", site, "--dry-run")
    picward.cli("scan", site)
    wait_for(lambda: decided(picward, "users/u3/lost.png", "allow", "label"), "the lost one to be judged", 90, picward.log)
    assert document("users/u3/lost.png") == {
        **document("users/u3/lost.png"), "status": "approved", "name": "users/u3/lost.png", "url": "",
    }  # fmt: skip
    assert json.dumps(document("users/u3/lost.png")["categories"]) == "[]"
