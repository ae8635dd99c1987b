"""The stand-ins against the real clients: what a platform's tests rely on is proven here, with nothing of the platform."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cachecontrol
import firebase_admin
import google.auth.transport.requests
import pytest
import requests
from firebase_admin import auth, credentials, db, firestore, messaging, storage
from google.api_core import exceptions
from google.cloud.storage import Client
from google.oauth2 import id_token

from app.domain.errors import DeliveryRefused
from app.domain.events import Delivery
from app.services.secrets import new_signing_secret
from integrations.kit import signing
from tests.contract.sample import Scripted
from tests.integrations.firebase.stand_in.credential import AnonymousCredential
from tests.integrations.firebase.stand_in.database import RealtimeDatabase
from tests.integrations.firebase.stand_in.firestore import firestore_emulator
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.integrations.firebase.stand_in.google import GoogleSigner
from tests.integrations.firebase.stand_in.identity import Identity
from tests.integrations.firebase.stand_in.messaging import Messaging
from tests.integrations.firebase.stand_in.objects import TOKENS
from tests.integrations.firebase.stand_in.push import Form, Push

BUCKET = "demo-test.firebasestorage.app"
TOKEN = "9ded1d5f-0000-4000-8000-000000000000"
AUDIENCE = "https://picward.example/webhooks/firebase"
PUSHER = "picward-push@demo-test.iam.gserviceaccount.com"
SECRET = "whsec_cmVjb3JkZWQtd2l0aC10aGlzLXNlY3JldC0zMi1ieXQ="
NAME = "users/u1/Am Strand – für alle?.png"


@pytest.fixture
def gcs() -> Iterator[CloudStorage]:
    with CloudStorage() as stand_in:
        stand_in.bucket(BUCKET)
        yield stand_in


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[firebase_admin.App]:
    options = {"projectId": "demo-test", "storageBucket": BUCKET, "databaseURL": "https://demo-test.firebaseio.com"}
    made = firebase_admin.initialize_app(AnonymousCredential(), options, name="stand-ins")
    yield made
    firebase_admin.delete_app(made)


@pytest.fixture
def bucket(gcs: CloudStorage, app: firebase_admin.App, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs.address)
    return storage.bucket(app=app)


# -- Cloud Storage ---------------------------------------------------------------------------------------------------------


def test_a_stale_generation_changes_nothing(gcs: CloudStorage, bucket: Any) -> None:
    old = gcs.bucket(BUCKET).put(NAME, b"first", token=TOKEN).generation
    new = gcs.bucket(BUCKET).put(NAME, b"second").generation
    assert new > old
    before = gcs.bucket(BUCKET).snapshot()
    blob = bucket.blob(NAME)
    blob.metadata = {"moderation": "rejected"}
    attempts = (
        lambda: blob.patch(if_generation_match=old),
        lambda: blob.patch(if_metageneration_match=7),
        lambda: blob.delete(if_generation_match=old),
        lambda: blob.upload_from_string(b"third", if_generation_match=old),
        lambda: blob.upload_from_string(b"third", if_generation_match=0),
        lambda: blob.download_as_bytes(if_generation_match=old),
        lambda: bucket.blob("q/1").rewrite(bucket.blob(NAME), if_source_generation_match=old),
        lambda: bucket.copy_blob(bucket.blob(NAME), bucket, "q/1", if_source_generation_match=old),
        lambda: bucket.move_blob(bucket.blob(NAME), "q/1", if_source_generation_match=old),
    )
    for attempt in attempts:
        with pytest.raises(exceptions.PreconditionFailed):
            attempt()
    with pytest.raises(exceptions.NotFound):
        bucket.blob(NAME, generation=old).download_as_bytes()
    with pytest.raises(exceptions.NotModified):
        bucket.blob(NAME).reload(if_generation_not_match=new)
    assert gcs.bucket(BUCKET).snapshot() == before
    blob.patch(if_generation_match=new)
    assert gcs.bucket(BUCKET).get(NAME).metageneration == 2


def test_a_patch_merges_metadata_and_none_removes_the_token(gcs: CloudStorage, bucket: Any) -> None:
    stored = gcs.bucket(BUCKET).put(NAME, b"pixels", token=TOKEN, metadata={"ownerUid": "u1"})
    url = gcs.download_url(BUCKET, NAME, TOKEN)
    assert requests.get(url, timeout=5).content == b"pixels"
    blob = bucket.blob(NAME)
    blob.metadata = {TOKENS: None, "moderation": "rejected"}
    blob.cache_control = "private, no-store"
    blob.patch(if_generation_match=stored.generation)
    assert gcs.bucket(BUCKET).get(NAME).metadata == {"ownerUid": "u1", "moderation": "rejected"}
    assert requests.get(url, timeout=5).status_code == 403
    # A client that the rules let read the metadata publishes the picture again.
    asked = gcs.client_metadata_url(BUCKET, NAME)
    assert requests.get(asked, timeout=5).status_code == 403
    gcs.rules = lambda operation, bucket, name: (operation, bucket, name) == ("get", BUCKET, NAME)
    minted = requests.get(asked, timeout=5).json()["downloadTokens"]
    gcs.rules = False
    assert requests.get(gcs.download_url(BUCKET, NAME, minted), timeout=5).content == b"pixels"


@pytest.mark.parametrize("rewrite", ["replace", "merge"])
def test_a_copy_carries_the_token(gcs: CloudStorage, bucket: Any, rewrite: Any) -> None:
    gcs.rewrite = rewrite
    place = gcs.bucket(BUCKET)
    place.put("a.png", b"x" * 2500, token=TOKEN, metadata={"ownerUid": "u1"}, cache_control="private")
    gcs.rewrite_chunk = 1000
    calls, token = 0, None
    while token or not calls:
        token, done, size = bucket.blob("plain.png").rewrite(bucket.get_blob("a.png"), token=token)
        calls += 1
    assert (calls, done, size) == (3, 2500, 2500)
    assert place.get("plain.png").tokens == (TOKEN,)
    gcs.rewrite_chunk = None
    given = bucket.blob("given.png")
    given.metadata = {"moderation": "rejected"}
    given.rewrite(bucket.get_blob("a.png"))
    found = place.get("given.png")
    if rewrite == "merge":
        assert (found.tokens, found.content_type, found.cache_control) == ((TOKEN,), "image/png", "private")
    else:
        assert (found.metadata, found.content_type) == ({"moderation": "rejected"}, "application/octet-stream")
    bucket.move_blob(bucket.blob("a.png"), "moved.png")
    assert place.get("moved.png").tokens == (TOKEN,)
    assert place.get("a.png") is None


def test_uploads_of_all_kinds_arrive_whole(gcs: CloudStorage, bucket: Any) -> None:
    data = bytes(range(256)) * 4096  # 1 MiB
    bucket.blob("small.png", chunk_size=None).upload_from_string(data, content_type="image/png")
    large = bucket.blob("large.png", chunk_size=256 * 1024)
    large.metadata = {"ownerUid": "u1"}
    large.upload_from_string(data + b"tail", content_type="image/png", if_generation_match=0)
    found = gcs.bucket(BUCKET).get("large.png")
    assert (found.data, found.content_type, found.metadata) == (data + b"tail", "image/png", {"ownerUid": "u1"})
    assert large.generation == found.generation
    assert gcs.bucket(BUCKET).get("small.png").data == data
    # Reading in ranges gives the same, and its checksums hold.
    assert bucket.blob("large.png", chunk_size=256 * 1024).download_as_bytes() == data + b"tail"
    assert bucket.blob("large.png").download_as_bytes(start=5, end=9) == data[5:10]


def test_a_listing_goes_on_where_it_was_left(gcs: CloudStorage, bucket: Any) -> None:
    gcs.bucket(BUCKET).fill("uploads/", 2500)
    gcs.bucket(BUCKET).put("other/a.png", b"a")
    gcs.page_size = 400
    pages = [
        [blob.name for blob in page]
        for page in bucket.list_blobs(prefix="uploads/", fields="items(name,generation,size),nextPageToken").pages
    ]
    assert [len(page) for page in pages] == [400] * 6 + [100]
    assert list(itertools.chain(*pages)) == [f"uploads/{index:08d}.png" for index in range(2500)]
    half = next(iter(bucket.list_blobs(start_offset=pages[3][0], max_results=1)))
    assert (half.name, half.size) == (pages[3][0], len(half.download_as_bytes()))
    assert bucket.blob(pages[0][0]).download_as_bytes() != bucket.blob(pages[0][1]).download_as_bytes()
    listing = bucket.list_blobs(delimiter="/")
    assert (list(listing), listing.prefixes) == ([], {"other/", "uploads/"})


def test_a_held_object_stays(gcs: CloudStorage, bucket: Any) -> None:
    gcs.bucket(BUCKET).put(NAME, b"evidence")
    blob = bucket.blob(NAME)
    blob.temporary_hold = True
    blob.patch()
    for attempt in (blob.delete, lambda: blob.upload_from_string(b"other"), lambda: bucket.move_blob(bucket.blob(NAME), "b")):
        with pytest.raises(exceptions.Forbidden):
            attempt()
    blob.temporary_hold = False
    blob.patch()
    blob.delete()
    assert gcs.bucket(BUCKET).names() == []


def test_public_objects_are_public_until_their_list_says_otherwise(gcs: CloudStorage, bucket: Any) -> None:
    gcs.bucket(BUCKET).put(NAME, b"pixels")
    url = gcs.public_url(BUCKET, NAME)
    assert requests.get(url, timeout=5).status_code == 403
    blob = bucket.blob(NAME)
    blob.make_public()
    answer = requests.get(url, timeout=5)
    assert (answer.content, answer.headers["cache-control"]) == (b"pixels", "public, max-age=3600")
    blob.acl.all().revoke_read()
    blob.acl.save()
    assert requests.get(url, timeout=5).status_code == 403
    gcs.bucket(BUCKET).uniform = True
    with pytest.raises(exceptions.BadRequest):
        blob.make_public()


def test_failures_come_when_they_are_scripted(gcs: CloudStorage, bucket: Any) -> None:
    stored = gcs.bucket(BUCKET).put(NAME, b"pixels")
    gcs.fail(429, operation="objects.get", headers={"retry-after": "7"})
    with pytest.raises(exceptions.TooManyRequests):
        bucket.blob(NAME).reload(retry=None)
    gcs.fail("html")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        bucket.blob(NAME).reload(retry=None)
    gcs.fail("lost", operation="objects.delete")
    with pytest.raises(requests.exceptions.ConnectionError):
        bucket.blob(NAME).delete(if_generation_match=stored.generation, retry=None)
    assert gcs.bucket(BUCKET).get(NAME) is None
    gcs.scripted = Scripted(503, {"retry-after": "1"}, b"")
    for _ in range(2):
        with pytest.raises(exceptions.ServiceUnavailable):
            bucket.blob(NAME).reload(retry=None)
    gcs.scripted = None
    assert gcs.changes() == 1
    assert gcs.counts()["objects.delete"] == 1


def test_a_service_account_gets_a_bearer_and_loses_it(gcs: CloudStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs.address)
    look_up = "CredentialsWithRegionalAccessBoundary._is_regional_access_boundary_lookup_required"
    # With a key google-auth asks iamcredentials.googleapis.com in the background, and nothing but this turns it off.
    monkeypatch.setattr(f"google.auth.credentials.{look_up}", lambda self: False)
    gcs.bearer = gcs.issued
    gcs.bucket(BUCKET).put(NAME, b"pixels")
    key_file = gcs.service_account()
    client = Client(project="demo-test", credentials=credentials.Certificate(key_file).get_credential())
    assert client.bucket(BUCKET).blob(NAME).download_as_bytes() == b"pixels"
    assert client.bucket(BUCKET).test_iam_permissions(["storage.objects.get"]) == ["storage.objects.get"]
    gcs.revoke(key_file["client_email"])
    with pytest.raises(google.auth.exceptions.RefreshError):
        client.bucket(BUCKET).blob(NAME).download_as_bytes()
    assert requests.get(f"{gcs.address}/storage/v1/b/{BUCKET}", timeout=5).status_code == 401


# -- notifications ---------------------------------------------------------------------------------------------------------


class Receiver:
    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.refuse = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.received.append((headers, body))
                outer.refuse -= 1
                self.send_response(202 if outer.refuse < 0 else 503)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/firebase"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def signer() -> GoogleSigner:
    return GoogleSigner()


@pytest.mark.parametrize("form", ["wrapped", "wrapped-none", "unwrapped", "unwrapped-bare", "eventarc"])
def test_a_push_verifies_with_googles_library_and_its_certificates_are_cached(
    receiver: Receiver, signer: GoogleSigner, form: Form
) -> None:
    with CloudStorage(signer=signer) as gcs:
        fetched = signer.fetches
        push = gcs.notify(Push(receiver.url, form=form, signer=signer, audience=AUDIENCE, email=PUSHER))
        push.duplicate = 2
        stored = gcs.bucket(BUCKET).put(NAME, b"pixels", token=TOKEN)
        push.drain()
        session = cachecontrol.CacheControl(requests.Session())
        fetch = google.auth.transport.requests.Request(session=session)
        for headers, body in receiver.received:
            token = headers["authorization"].removeprefix("Bearer ")
            claims = id_token.verify_token(token, fetch, audience=AUDIENCE, certs_url=gcs.certs_url)
            assert (claims["email"], claims["email_verified"], claims["iss"]) == (PUSHER, True, "https://accounts.google.com")
            assert json.loads(body)
        assert len(receiver.received) == 2
        assert signer.fetches - fetched == 1
        assert id_token.verify_token(token, fetch, audience=AUDIENCE, certs_url=gcs.jwks_url)["email"] == PUSHER
        with pytest.raises(ValueError, match="audience"):
            id_token.verify_token(token, fetch, audience="https://other.example", certs_url=gcs.certs_url)
        assert [(sent.generation, sent.status) for sent in push.sent] == [(stored.generation, 202)] * 2


def test_a_push_is_tried_again_until_it_is_acknowledged(receiver: Receiver, signer: GoogleSigner) -> None:
    with CloudStorage(signer=signer) as gcs:
        events = ("OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_METADATA_UPDATE")
        push = gcs.notify(Push(receiver.url, signer=signer, events=events, prefix="users/", attempts=3))
        receiver.refuse = 1
        place = gcs.bucket(BUCKET)
        first = place.put(NAME, b"one")
        push.drain()
        assert [(sent.attempt, sent.status) for sent in push.sent] == [(1, 503), (2, 202)]
        push.reorder = True
        place.put("elsewhere/a.png", b"nobody is told")
        second = place.put(NAME, b"two")
        place.remove(NAME)
        push.drain()
        later = [(sent.event, sent.generation) for sent in push.sent[2:]]
        assert later == [
            ("OBJECT_DELETE", second.generation),
            ("OBJECT_FINALIZE", second.generation),
            ("OBJECT_DELETE", first.generation),
        ]
        attributes = [json.loads(body)["message"]["attributes"] for _, body in receiver.received[2:]]
        assert attributes[2]["overwrittenByGeneration"] == str(second.generation)
        assert attributes[1]["overwroteGeneration"] == str(first.generation)
        push.reorder, push.drop = False, 1
        place.put(NAME, b"three")
        push.drain()
        assert len(push.sent) == 5


def test_the_forwarders_request_is_signed_and_names_no_token(receiver: Receiver) -> None:
    with CloudStorage() as gcs:
        push = gcs.notify(Push(receiver.url, form="forwarder", secret=SECRET))
        push.duplicate = 2
        gcs.bucket(BUCKET).put(NAME, b"pixels", token=TOKEN, metadata={"ownerUid": "u1"})
        push.drain()
    ids = set()
    for headers, body in receiver.received:
        received_at = int(headers["webhook-timestamp"]) * 1_000_000
        delivery = Delivery("POST", "/webhooks/firebase", headers, body, received_at)
        ids.add(signing.verify(delivery, [SECRET]))
        with pytest.raises(DeliveryRefused):
            signing.verify(delivery, [new_signing_secret()])
        said = json.loads(body)
        assert (said["v"], said["to"], said["type"]) == (1, "connector", "object.finalized")
        assert said["data"]["metadata"] == {"ownerUid": "u1"}
    assert len(ids) == 1


# -- the others ------------------------------------------------------------------------------------------------------------


def test_a_database_node_is_written_only_over_what_was_read(app: firebase_admin.App, monkeypatch: pytest.MonkeyPatch) -> None:
    with RealtimeDatabase() as stand_in:
        monkeypatch.setenv("FIREBASE_DATABASE_EMULATOR_HOST", stand_in.host)
        node = db.reference("moderation/abc", app=app)
        assert node.get() is None
        node.set({"status": "pending", "gone": None})
        node.update({"status": "approved", "detail/score": 3})
        value, etag = node.get(etag=True)
        assert value == {"status": "approved", "detail": {"score": 3}}
        node.child("status").set("rejected")
        done, now, _ = node.set_if_unchanged(etag, {"status": "late"})
        assert (done, now["status"]) == (False, "rejected")
        assert node.transaction(lambda known: {"status": known["status"] + "!"}) == {"status": "rejected!"}
        assert stand_in.value("moderation/abc") == {"status": "rejected!"}
        node.delete()
        assert stand_in.value("") is None


def test_an_account_is_disabled_and_its_claims_replaced(app: firebase_admin.App, monkeypatch: pytest.MonkeyPatch) -> None:
    with Identity() as stand_in:
        monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", stand_in.host)
        user = stand_in.add("u1", email="u1@example.org", claims={"plan": "free"})
        assert auth.get_user("u1", app=app).custom_claims == {"plan": "free"}
        auth.set_custom_user_claims("u1", {"uploadBanned": True}, app=app)
        auth.update_user("u1", disabled=True, app=app)
        auth.revoke_refresh_tokens("u1", app=app)
        assert (user.claims, user.disabled, user.valid_since > 0) == ({"uploadBanned": True}, True, True)
        assert auth.get_user("u1", app=app).disabled
        with pytest.raises(auth.UserNotFoundError):
            auth.get_user("u2", app=app)
        with pytest.raises(auth.UserNotFoundError):
            auth.update_user("u2", disabled=True, app=app)


def test_a_message_is_taken_and_a_dead_device_named(app: firebase_admin.App) -> None:
    with Messaging() as stand_in:
        note = messaging.Notification(title="Your picture", body="It was hidden.")
        assert messaging.send(messaging.Message(fid="device-1", notification=note), app=app).startswith("projects/demo-test/")
        assert stand_in.messages == [{"fid": "device-1", "notification": {"title": "Your picture", "body": "It was hidden."}}]
        stand_in.unregistered.add("device-2")
        with pytest.raises(messaging.UnregisteredError):
            messaging.send(messaging.Message(fid="device-2"), app=app)


def test_firestore_keeps_documents_and_settles_races(app: firebase_admin.App, monkeypatch: pytest.MonkeyPatch) -> None:
    with firestore_emulator() as host:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
        client = firestore.client(app=app)
        document = client.collection("moderation").document("abc")
        document.set({"status": "pending", "generation": "1"}, timeout=10)

        @firestore.transactional  # type: ignore[untyped-decorator]
        def advance(transaction: Any) -> None:
            known = document.get(transaction=transaction).to_dict()
            transaction.set(document, known | {"generation": str(int(known["generation"]) + 1)})

        advance(client.transaction())
        document.set({"status": "approved"}, merge=True, timeout=10)
        assert document.get(timeout=10).to_dict() == {"status": "approved", "generation": "2"}
        with pytest.raises(exceptions.AlreadyExists):
            document.create({"status": "pending"}, timeout=10)
