"""Four ways to be told of an upload, one meaning; and what is not taken for an upload."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import DeliveryRefused, DeliveryUnreadable
from app.domain.events import Delivery, MediaDeleted, MediaUploaded
from app.domain.media import MediaRef
from app.domain.platform import Site
from integrations.firebase import intake, naming
from integrations.firebase.naming import Kind
from integrations.firebase.settings import Settings
from tests.contract.sample import read_http
from tests.integrations.firebase.actions import PLATFORM, set
from tests.integrations.firebase.contract import BUCKET, NOW, SAMPLE, UPLOADED

RECORDED = {path.stem: path for path in sorted((Path(__file__).parent / "recorded" / "google").glob("*.http"))}
BUCKET_OF_GOOGLES = "my-bucket"


def recorded(name: str) -> Delivery:
    return read_http(RECORDED[name], NOW)


@pytest.fixture
def site() -> Site:
    return SAMPLE.site(key=BUCKET_OF_GOOGLES)


def test_the_samples_are_all_of_googles_forms() -> None:
    assert {*RECORDED} == {"eventarc", "unwrapped", "wrapped", "wrapped_without_payload"}


@pytest.mark.parametrize("name", RECORDED)
def test_every_form_says_the_same(site: Site, name: str) -> None:
    parsed = PLATFORM.parse(recorded(name), site)
    (event,) = parsed.events
    assert isinstance(event, MediaUploaded)
    assert event.media == MediaRef("users/u1/good.jpg", "1587627537231057")
    assert event.media.source == "gs://my-bucket/users/u1/good.jpg"
    assert event.media.context["owner"] == ("u1",)
    if name != "wrapped_without_payload":
        assert event.media.context["content_type"] == ("image/jpeg",)
        assert event.media.created_at == 1_587_627_537_230_000
    assert parsed.id == PLATFORM.parse(recorded("wrapped"), site).id


def test_the_forwarder_and_pubsub_count_as_one_delivery() -> None:
    forwarded = SAMPLE.recordings()["object_finalized"]
    data = json.loads(forwarded.body)["data"]
    pushed = wrapped(data)
    assert PLATFORM.parse(forwarded, SAMPLE.site()) == PLATFORM.parse(pushed, SAMPLE.site())


def wrapped(resource: dict[str, Any], event: str = "OBJECT_FINALIZE", **attributes: str) -> Delivery:
    said = {
        "eventType": event,
        "bucketId": resource["bucket"],
        "objectId": resource["name"],
        "objectGeneration": resource["generation"],
        "payloadFormat": "JSON_API_V1",
    } | attributes
    data = base64.b64encode(json.dumps(resource).encode()).decode()
    body = json.dumps({"message": {"attributes": said, "data": data, "messageId": "1"}, "subscription": "s"})
    return Delivery("POST", "/webhooks/firebase", {"content-type": "application/json"}, body.encode(), NOW * 1_000_000)


def resource(name: str = "users/u1/a.png", generation: str = "17", **more: Any) -> dict[str, Any]:
    return {"bucket": BUCKET, "name": name, "generation": generation, "metageneration": "1", "contentType": "image/png"} | more


def events(delivery: Delivery, site: Site | None = None) -> tuple[object, ...]:
    return PLATFORM.parse(delivery, site or SAMPLE.site()).events


@pytest.mark.parametrize("event", ["OBJECT_ARCHIVE", "OBJECT_SOMETHING_NEW"])
def test_other_events_say_nothing(event: str) -> None:
    assert events(wrapped(resource(), event)) == ()


def test_eventarcs_other_events_say_nothing(site: Site) -> None:
    for kind in ("archived", "somethingNew"):
        delivery = recorded("eventarc")
        delivery = replace(delivery, headers=delivery.headers | {"ce-type": f"google.cloud.storage.object.v1.{kind}"})
        assert events(delivery, site) == ()


@pytest.mark.parametrize(
    ("name", "kind", "taken"),
    [
        ("a/b.png", "image/png", True),
        ("a/b", "image/png", True),
        ("a/b", "", True),
        ("a/b", "application/octet-stream", True),
        ("a/b.PNG", "video/mp4", True),
        ("a/b.jpeg", "text/html; charset=utf-8", True),
        ("a/b", "IMAGE/JPEG; x=y", True),
        ("a/b.mp4", "video/mp4", False),
        ("a/b.txt", "text/plain", False),
        ("a/", "image/png", False),
        ("a/folder/", "application/x-www-form-urlencoded;charset=UTF-8", False),
    ],
)
def test_what_is_called_something_else_is_left_out(name: str, kind: str, taken: bool) -> None:
    assert bool(events(wrapped(resource(name, contentType=kind)))) is taken
    assert not events(wrapped(resource(name, contentType=kind, size="0")))


def test_our_own_prefixes_and_excluded_paths_are_not_watched() -> None:
    site = set(SAMPLE.site(), layout="pending_public", include=("pending/*", "x/"), exclude=("*/raw/*",))
    told = {name: bool(events(wrapped(resource(name)), site)) for name in (
        "pending/u1/a.png", "x/y/a.png", "x", "public/u1/a.png", "quarantine/ab/17", "blurred/ab.webp", "pending/u1/raw/a.png",
        "else/a.png",
    )}  # fmt: skip
    assert [name for name, watched in told.items() if watched] == ["pending/u1/a.png", "x/y/a.png"]


def test_a_delete_is_about_one_generation() -> None:
    assert events(wrapped(resource(), "OBJECT_DELETE")) == (MediaDeleted("users/u1/a.png", "17"),)
    # An overwritten generation is gone as well; the newer one has an event and a version of its own.
    assert events(wrapped(resource(), "OBJECT_DELETE", overwrittenByGeneration="18")) == (MediaDeleted("users/u1/a.png", "17"),)


def test_a_delete_without_the_resource_is_not_believed() -> None:
    delivery = recorded("wrapped_without_payload")
    delivery = replace(delivery, body=delivery.body.replace(b"OBJECT_FINALIZE", b"OBJECT_DELETE"))
    assert PLATFORM.parse(delivery, SAMPLE.site(key=BUCKET_OF_GOOGLES)).events == ()


def marked(
    kind: Kind, origin: str, generation: str = "17", *, site: Site | None = None, name: str = "users/u1/a.png"
) -> dict[str, Any]:
    return {"metadata": {naming.MARK: naming.mark(site or SAMPLE.site(), kind, name, generation, origin)}}


def test_our_own_delete_is_no_delete_and_our_own_copy_is_the_version_that_it_was() -> None:
    assert events(wrapped(resource(**marked(Kind.LEAVING, "17")), "OBJECT_DELETE")) == ()
    assert events(wrapped(resource(**marked(Kind.HERE, "12")))) == (MediaUploaded(MediaRef("users/u1/a.png", "12")),)
    assert events(wrapped(resource(**marked(Kind.HERE, "12")), "OBJECT_DELETE")) == (MediaDeleted("users/u1/a.png", "12"),)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_forged_or_replayed_mark_hides_nothing_from_us(kind: Kind) -> None:
    stranger = SAMPLE.site(own_key=bytes(32))
    for said in (
        marked(kind, "12", site=stranger),
        marked(kind, "12", generation="16"),
        marked(kind, "12", name="users/u1/another.png"),
        {"metadata": {naming.MARK: "v2.here.12." + "A" * 32}},
        {"metadata": {naming.MARK: "v2.here.12.é"}},
        {"metadata": {naming.MARK: "v3.here.12." + "A" * 32}},
        {"metadata": {naming.MARK: "v2.leaving.17"}},
        {"metadata": {naming.MARK: 7}},
        {"metadata": {"moderation": "approved", "picward-name": "x"}},
    ):
        assert events(wrapped(resource(**said))) == (MediaUploaded(MediaRef("users/u1/a.png", "17")),)
        assert events(wrapped(resource(**said), "OBJECT_DELETE")) == (MediaDeleted("users/u1/a.png", "17"),)


def test_an_unfinished_mark_never_stands_for_a_version() -> None:
    said = marked(Kind.COPYING, "12", generation="")
    assert events(wrapped(resource(**said))) == (MediaUploaded(MediaRef("users/u1/a.png", "17")),)


def test_owners_come_from_the_path_and_never_from_what_clients_say() -> None:
    settings = Settings()
    assert settings.owner_of("users/u1/x/y.png") == "u1"
    assert settings.owner_of("pending/u 2/y.png") == "u 2"
    assert settings.owner_of("elsewhere/u1/y.png") == ""
    (event,) = events(wrapped(resource(metadata={"ownerUid": "somebody", "uid": "somebody"})))
    assert isinstance(event, MediaUploaded) and event.media.context["owner"] == ("u1",)


def test_names_longer_than_an_id_keep_their_identity(site: Site) -> None:
    name = "users/u1/" + "é" * 500 + ".png"
    (event,) = events(wrapped(resource(name)))
    assert isinstance(event, MediaUploaded)
    media = event.media
    assert len(media.id) <= naming.MAX_ID and naming.name_of(SAMPLE.site(), media) == name
    assert media.id != naming.media_id(name + "x")


def said(**over: str) -> dict[str, Any]:
    whole = {"eventType": "OBJECT_FINALIZE", "bucketId": BUCKET, "objectId": "x", "objectGeneration": "1"} | over
    return {"attributes": {key: value for key, value in whole.items() if value}}


@pytest.mark.parametrize(
    "message",
    [
        None,
        {"attributes": {}},
        said(objectGeneration=""),
        said(objectGeneration="-1"),
        said(objectGeneration="1" * 20),
        said(objectId="é" * 600),
        said(bucketId="other"),
        said() | {"data": "é"},
        said() | {"data": "W10="},
    ],
    ids=range(9),
)
def test_authentic_nonsense_is_unreadable(message: Any) -> None:
    delivery = replace(wrapped(resource()), body=json.dumps({"message": message}).encode())
    with pytest.raises(DeliveryUnreadable):
        PLATFORM.parse(delivery, SAMPLE.site())


def test_a_forwarded_notice_about_another_bucket_is_refused() -> None:
    delivery = SAMPLE.recordings()["object_finalized"]
    other = SAMPLE.signed(delivery, body=delivery.body.replace(BUCKET.encode(), b"another-bucket.example"))
    with pytest.raises(DeliveryRefused):
        PLATFORM.authenticate(other, lambda claimed: SAMPLE.site())
    without_header = {name: value for name, value in delivery.headers.items() if name != "picward-site"}
    assert PLATFORM.authenticate(
        replace(delivery, headers=without_header), lambda claimed: SAMPLE.site() if claimed == BUCKET else None
    )


def test_unwrapped_without_metadata_is_looked_at(site: Site) -> None:
    delivery = recorded("unwrapped")
    kept = ("content-type", "host")
    bare = replace(delivery, headers={name: value for name, value in delivery.headers.items() if name in kept})
    assert PLATFORM.parse(bare, site).events == PLATFORM.parse(delivery, site).events


def test_unwrapped_without_payload_is_read_from_its_headers(site: Site) -> None:
    delivery = recorded("unwrapped")
    name = "users/ü/a.png".encode().decode("latin-1")
    empty = replace(delivery, body=b"", headers=delivery.headers | {"objectid": name})
    (event,) = PLATFORM.parse(empty, site).events
    assert isinstance(event, MediaUploaded) and event.media.id == "users/ü/a.png"
    with pytest.raises(DeliveryUnreadable):
        intake.read(replace(empty, headers=delivery.headers | {"objectid": "\xff"}))


def test_sizes_and_types_are_labels() -> None:
    (event,) = events(wrapped(resource(size="a lot\x00", contentType="image/png\n<script>", timeCreated="yesterday")))
    assert isinstance(event, MediaUploaded)
    assert event.media.context["size"] == ("a lot",) and event.media.created_at == 0


def test_the_recorded_upload_has_its_time() -> None:
    (event,) = events(SAMPLE.recordings()["object_finalized"])
    assert isinstance(event, MediaUploaded) and event.media.created_at == 1_795_348_799_123_000
    assert event.media == UPLOADED


def test_a_name_that_no_database_takes_is_no_way_around() -> None:
    for name in ("users/u1/a\0b.png", "users/u1/\0", "users/u1/a\0%00%2500.png"):
        (event,) = PLATFORM.parse(wrapped(resource(name)), SAMPLE.site()).events
        assert isinstance(event, MediaUploaded)
        media = event.media
        assert "\0" not in repr(media) + media.source + "".join(one for values in media.context.values() for one in values)
        assert naming.name_of(SAMPLE.site(), media) == name
    assert naming.name_of(SAMPLE.site(), MediaRef("a%00b", "1", f"gs://{BUCKET}/a%00b")) == "a%00b"
