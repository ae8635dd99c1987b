"""What the app is told: in a real Firestore emulator, in the Realtime Database, by claims and by messages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.decisions import Action, Reason, Verdict
from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from app.domain.platform import Site
from integrations.firebase import telling
from integrations.firebase.apps import app_of
from integrations.firebase.platform import Firebase
from integrations.firebase.settings import Config
from tests.contract.sample import enforcement
from tests.integrations.firebase.actions import PLATFORM, approve, do, set, status
from tests.integrations.firebase.contract import BUCKET, NAME, PIXELS, Bucket
from tests.integrations.firebase.stand_in.database import RealtimeDatabase
from tests.integrations.firebase.stand_in.firestore import firestore_emulator
from tests.integrations.firebase.stand_in.identity import Identity
from tests.integrations.firebase.stand_in.messaging import Messaging

ID = hashlib.sha256(f"{BUCKET}/{NAME}".encode()).hexdigest()
NOWHERE = {"path": "", "url": "", "blurred": "", "owner": "u9"}
REASONS = (
    Reason(Verdict.BLOCK, "sexual.explicit_nudity", "Exposed", detector="nudenet", score=0.93, threshold=0.8),
    Reason(Verdict.BLOCK, "csae.known_hash", "Known"),
    Reason(Verdict.ALLOW, "weapons.knife", "A knife", score=0.2),
    Reason(Verdict.REVIEW, "", "Something else"),
)


@pytest.fixture(scope="module")
def firestore_host() -> Iterator[str]:
    with firestore_emulator() as host:
        yield host


@pytest.fixture
def firestore(firestore_host: str, monkeypatch: pytest.MonkeyPatch, place: Bucket) -> Site:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    return set(place.site, tell="firestore", tell_path=f"moderation-{place.media.version}")


def document(site: Site, id: str = ID) -> Any:
    from firebase_admin import firestore

    collection = firestore.client(app_of(site, Config())).collection(site.settings.tell_path)  # type: ignore[attr-defined]
    return collection.document(id)


def told(site: Site) -> dict[str, Any]:
    fields: dict[str, Any] = document(site).get().to_dict()
    return fields


def test_the_app_reads_a_verdict_and_never_a_score(place: Bucket, firestore: Site) -> None:
    do(Action.HIDE, firestore, place.media, reasons=REASONS)
    assert told(firestore) == {
        "name": NAME,
        "generation": place.media.version,
        "status": "rejected",
        "categories": ["sexual.explicit_nudity"],
        "decidedAt": datetime.fromtimestamp(1_795_348_800, UTC),
        **NOWHERE,
    }


def test_every_action_has_its_word(place: Bucket, firestore: Site) -> None:
    words = []
    for verdict in (Verdict.REVIEW, Verdict.BLOCK, Verdict.ALLOW):
        do(Action.LABEL, firestore, place.media, verdict=verdict)
        words.append(told(firestore)["status"])
    undo = do(Action.HIDE, firestore, place.media).undo
    words.append(told(firestore)["status"])
    do(Action.RESTORE, firestore, place.media, undo)
    words.append(told(firestore)["status"])
    do(Action.DELETE, firestore, place.media)
    words.append(told(firestore)["status"])
    assert words == ["pending", "flagged", "approved", "rejected", "approved", "deleted"]


def test_the_new_address_is_told_only_where_the_owner_wants_it(place: Bucket, firestore: Site) -> None:
    telling_all = set(firestore, tell_address=True)
    undo = do(Action.HIDE, telling_all, place.media).undo
    assert told(firestore).items() >= NOWHERE.items()
    do(Action.RESTORE, telling_all, place.media, undo)
    assert told(firestore)["path"] == NAME and status(told(firestore)["url"]) == 200
    document(firestore).set({"seenBy": "the app"}, merge=True)
    approve(firestore, place.media)
    assert told(firestore).items() >= {**NOWHERE, "seenBy": "the app"}.items()


def test_a_newer_upload_is_not_overwritten_by_the_word_on_an_older_one(place: Bucket, firestore: Site) -> None:
    approve(firestore, place.media)
    old = telling.Word(ID, NAME, str(int(place.media.version) - 1), "rejected", (), 0)
    telling.tell(telling.Store(firestore), old)
    assert told(firestore)["status"] == "approved"
    document(firestore).set({"status": "odd", "generation": 5})
    approve(firestore, place.media)
    assert told(firestore)["status"] == "approved"


def test_a_firestore_that_is_away_undoes_nothing_and_is_told_later(
    place: Bucket, firestore: Site, firestore_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    with pytest.raises(PlatformUnavailable, match="Firestore"):
        do(Action.HIDE, firestore, place.media)
    assert place.bucket.get(NAME) is None
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    undo = do(Action.HIDE, firestore, place.media).undo
    assert told(firestore)["status"] == "rejected"
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    with pytest.raises(PlatformUnavailable):
        do(Action.RESTORE, firestore, place.media, undo)
    assert [name for name in place.bucket.names() if name.startswith("quarantine/")], "nobody was told yet"
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    do(Action.RESTORE, firestore, place.media, undo)
    assert told(firestore)["status"] == "approved" and place.bucket.get(NAME).data == PIXELS  # type: ignore[union-attr]
    assert not [name for name in place.bucket.names() if name.startswith("quarantine/")]


def test_a_blurred_copy_is_named_and_goes_again(place: Bucket, firestore: Site) -> None:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.effect_noise((900, 600), 90).convert("RGB").save(out, "PNG")
    name = "users/u1/noise.png"
    media = MediaRef(name, str(place.bucket.put(name, out.getvalue()).generation))
    site = set(firestore, blurred_copy=True)
    id = hashlib.sha256(f"{BUCKET}/{name}".encode()).hexdigest()
    undo = do(Action.HIDE, site, media, reasons=REASONS[:1]).undo
    assert document(site, id).get().to_dict()["blurred"] == f"blurred/{id}.webp"
    copy = place.bucket.get(f"blurred/{id}.webp")
    assert copy is not None and copy.content_type == "image/webp"
    with Image.open(io.BytesIO(copy.data)) as shown:
        assert shown.size == (512, 341)
        low, high = shown.convert("L").getextrema()
        assert high - low < 40, "the noise is still to be seen"
    do(Action.RESTORE, site, media, undo)
    assert place.bucket.get(f"blurred/{id}.webp") is None
    do(Action.HIDE, site, media, reasons=REASONS)
    assert place.bucket.get(f"blurred/{id}.webp") is None, "there is no copy of what is restricted, however blurred"


def test_what_cannot_be_blurred_is_hidden_nevertheless(place: Bucket) -> None:
    do(Action.HIDE, set(place.site, blurred_copy=True), place.media)
    assert place.bucket.get(NAME) is None
    assert not [name for name in place.bucket.names() if name.startswith("blurred/")]


@pytest.fixture
def database(place: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Site, RealtimeDatabase]]:
    with RealtimeDatabase() as stand_in:
        monkeypatch.setenv("FIREBASE_DATABASE_EMULATOR_HOST", stand_in.host)
        yield set(place.site, tell="database", database_url="https://demo-test.firebaseio.com"), stand_in


def test_a_node_of_the_realtime_database_says_the_same(place: Bucket, database: tuple[Site, RealtimeDatabase]) -> None:
    site, stand_in = database
    do(Action.HIDE, site, place.media, reasons=REASONS)
    assert stand_in.value(f"moderation/{ID}") == {
        "name": NAME,
        "generation": place.media.version,
        "status": "rejected",
        "categories": ["sexual.explicit_nudity"],
        "decidedAt": 1_795_348_800_000,
        **NOWHERE,
    }
    stand_in.put(f"moderation/{ID}", {"generation": str(int(place.media.version) + 1), "status": "pending"})
    do(Action.HIDE, site, place.media)
    assert stand_in.value(f"moderation/{ID}/status") == "pending"


def test_a_node_that_changes_under_our_hands_is_read_again(place: Bucket, database: tuple[Site, RealtimeDatabase]) -> None:
    site, stand_in = database
    seen: list[str] = []

    def before(request: Any) -> None:
        if request.operation == "put" and not seen:
            seen.append(request.path)
            stand_in.put(f"moderation/{ID}", {"generation": "1", "status": "pending"})

    stand_in.before = before
    approve(site, place.media)
    assert seen and stand_in.value(f"moderation/{ID}/status") == "approved"
    stand_in.before = None
    stand_in.fail(429)
    with pytest.raises(PlatformUnavailable):
        approve(site, place.media)
    stand_in.fail(403)
    with pytest.raises(PlatformRefused):
        approve(site, place.media)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[Identity]:
    with Identity() as stand_in:
        monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", stand_in.host)
        yield stand_in


def uploads(place: Bucket, count: int, uid: str = "u1") -> list[MediaRef]:
    names = [f"users/{uid}/{n}.png" for n in range(count)]
    return [MediaRef(name, str(place.bucket.put(name, PIXELS + name.encode()).generation)) for name in names]


def test_strikes_set_a_claim_and_a_restore_takes_it_back(place: Bucket, identity: Identity) -> None:
    user = identity.add("u1", claims={"role": "author"})
    site = set(place.site, strikes="claim", strikes_after=2)
    media = uploads(place, 3)
    undos = [do(Action.HIDE, site, one).undo for one in media[:1]]
    assert "uploadBanned" not in user.claims and user.claims["role"] == "author"
    undos += [do(Action.HIDE, site, one).undo for one in media[1:] for _ in range(2)]
    assert user.claims["uploadBanned"] is True and len(user.claims["picwardStrikes"]) == 3
    do(Action.RESTORE, site, media[0], undos[0])
    assert user.claims["uploadBanned"] is True
    do(Action.RESTORE, site, media[1], undos[1])
    assert "uploadBanned" not in user.claims
    do(Action.RESTORE, site, media[2], undos[3])
    assert user.claims == {"role": "author"} and not user.disabled


def test_strikes_disable_an_account_and_give_back_only_what_we_took(place: Bucket, identity: Identity) -> None:
    ours, theirs = identity.add("u1"), identity.add("u2")
    theirs.disabled = True
    site = set(place.site, strikes="disable", strikes_after=1)
    for uid in ("u1", "u2"):
        (one,) = uploads(place, 1, uid)
        undo = do(Action.HIDE, site, one).undo
        assert identity.users[uid].disabled
        do(Action.RESTORE, site, one, undo)
    assert not ours.disabled and ours.claims == {}
    assert theirs.disabled, "who the app's owner disabled stays disabled"


def test_only_the_owner_of_the_path_is_struck_and_only_where_it_is_wanted(place: Bucket, identity: Identity) -> None:
    user = identity.add("u1")
    other = MediaRef("elsewhere/a.png", str(place.bucket.put("elsewhere/a.png", PIXELS, metadata={"uid": "u1"}).generation))
    site = set(place.site, strikes="claim", strikes_after=1)
    do(Action.HIDE, site, other)
    (nobody,) = uploads(place, 1, "not a user")
    do(Action.HIDE, site, nobody)
    (one,) = uploads(place, 1)
    do(Action.LABEL, site, one, verdict=Verdict.BLOCK)
    do(Action.HIDE, set(site, strikes="off"), one)
    assert user.claims == {}


def test_claims_that_are_full_are_the_owners_matter_and_the_picture_is_hidden(place: Bucket, identity: Identity) -> None:
    identity.add("u1", claims={"x": "y" * 980})
    (one,) = uploads(place, 1)
    with pytest.raises(PlatformRefused, match="claims are full"):
        do(Action.HIDE, set(place.site, strikes="claim", strikes_after=1), one)
    assert place.bucket.get(one.id) is None


def test_a_claim_that_another_wrote_meanwhile_is_kept(place: Bucket, identity: Identity) -> None:
    user = identity.add("u1")
    site = set(place.site, strikes="claim", strikes_after=1)
    (one,) = uploads(place, 1)
    lost = []

    def before(request: Any) -> None:
        # Another worker's strike, written from what it read before ours, takes ours away.
        if request.operation == "accounts.lookup" and user.claims and not lost:
            lost.append(dict(user.claims))
            user.claims = {"picwardStrikes": ["00000000"], "uploadBanned": True}

    identity.before = before
    do(Action.HIDE, site, one)
    assert lost and set_of(user.claims["picwardStrikes"]) == {"00000000", *lost[0]["picwardStrikes"]}


def set_of(values: list[str]) -> frozenset[str]:
    return frozenset(values)


def test_a_message_says_only_which_and_what(place: Bucket) -> None:
    site = set(place.site, message_topic="moderation-{uid}")
    with Messaging() as fcm:
        (one, odd) = (*uploads(place, 1), *uploads(place, 1, "u ü"))
        undo = do(Action.HIDE, site, one).undo
        do(Action.HIDE, site, odd)
        do(Action.RESTORE, site, one, undo)
        approve(site, one)
        id = hashlib.sha256(f"{BUCKET}/{one.id}".encode()).hexdigest()
        assert fcm.messages == [
            {"topic": "moderation-u1", "data": {"id": id, "status": "rejected"}},
            {"topic": "moderation-u1", "data": {"id": id, "status": "approved"}},
        ]
        fcm.fail(429)
        with pytest.raises(PlatformUnavailable):
            do(Action.HIDE, site, one)


def test_every_action_and_verdict_has_a_word(place: Bucket) -> None:
    for action in Action:
        for verdict in Verdict:
            asked = replace(enforcement(action, place.media), verdict=verdict)
            assert telling.status_of(asked) in ("approved", "pending", "rejected", "flagged", "deleted")


def test_check_says_how_the_app_is_told(place: Bucket, firestore: Site, database: tuple[Site, RealtimeDatabase]) -> None:
    assert "told in Firestore" in PLATFORM.check(firestore)
    assert "told in the Realtime Database" in PLATFORM.check(database[0])
    database[1].fail(429)
    assert "cannot be told" in PLATFORM.check(database[0])
    assert isinstance(PLATFORM, Firebase)


def test_an_app_lists_a_users_own_pictures(firestore: Site, place: Bucket) -> None:
    from firebase_admin import firestore as sdk

    other = place.bucket.put("users/u2/b.png", PIXELS)
    approve(firestore, place.media)
    approve(firestore, MediaRef("users/u2/b.png", str(other.generation), f"gs://{BUCKET}/users/u2/b.png"))
    pictures = sdk.client(app_of(firestore, Config())).collection(firestore.settings.tell_path)  # type: ignore[attr-defined]
    own = pictures.where(filter=sdk.firestore.FieldFilter("owner", "==", "u9")).get()
    assert [one.get("name") for one in own] == [NAME]


def test_the_named_database_is_the_one_that_is_written(firestore: Site, place: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from firebase_admin import firestore as sdk

    asked: list[Any] = []
    client = sdk.client
    monkeypatch.setattr(sdk, "client", lambda app, database_id=None: asked.append(database_id) or client(app))
    approve(set(firestore, firestore_database="pictures"), place.media)
    approve(firestore, place.media)
    assert asked == ["pictures", None]
