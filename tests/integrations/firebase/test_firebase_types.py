"""What clients say of a type, which is theirs to choose: what is not plainly something else is looked at, the rest is counted."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from app.domain.errors import MediaSkipped, PlatformUnavailable
from app.domain.events import Delivery, MediaUploaded
from app.domain.media import MediaRef
from integrations.firebase import sniffing
from tests.integrations.firebase.actions import PLATFORM, fetched, listed
from tests.integrations.firebase.contract import BUCKET, NAME, NOW, PIXELS, SAMPLE, Bucket
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.integrations.firebase.stand_in.push import Push
from tests.integrations.firebase.test_firebase_intake import resource, wrapped

TEXT = b'{"score": 12, "level": "forest"}'

ODD_TYPES = [
    "", "text/plain", "text/plain;charset=UTF-8", "application/json", "multipart/form-data", "application/octet-stream",
    "binary/octet-stream", "application/x-www-form-urlencoded", "jpg", "jpeg", "image", "*/*", "undefined", "null", "false",
    "application/x-jpg", "application/jpg", "data:image/png;base64", "text/html", "text/xml", "application/zip", "audio/mpeg",
    "video/mp4", "application/pdf",
]  # fmt: skip
"""What apps, libraries and evaders give as the type of a picture; most are of the issue trackers of Firebase's clients."""


@pytest.mark.parametrize("kind", ODD_TYPES)
def test_a_picture_is_looked_at_whatever_its_type_says(place: Bucket, kind: str) -> None:
    for name in ("users/u1/abc", "users/u1/abc_200x200", "users/u1/pic.jpg_small", "users/u1/.png", "users/u1.d/x"):
        stored = place.bucket.put(name, PIXELS, content_type=kind)
        media = MediaRef(name, str(stored.generation))
        parsed = PLATFORM.parse(wrapped(resource(name, str(stored.generation), contentType=kind)), place.site)
        assert parsed.events == (MediaUploaded(media),) and not parsed.skipped
        assert media in listed(place.site) and fetched(place.site, media) == PIXELS


@pytest.mark.parametrize(
    ("name", "kind"),
    [("film.mp4", "video/mp4"), ("film.MOV", "video/mp4"), ("song.mp3", "audio/mpeg"), ("a.pdf", "application/pdf"),
     ("notes.txt", "text/plain; charset=utf-8"), ("all.zip", "application/zip"), ("save.json", "application/json")],
)  # fmt: skip
def test_what_type_and_name_call_something_else_is_skipped_and_counted(place: Bucket, name: str, kind: str) -> None:
    parsed = PLATFORM.parse(wrapped(resource(name, contentType=kind)), place.site)
    assert (parsed.events, parsed.skipped) == ((), 1)
    for other in ("OBJECT_METADATA_UPDATE", "OBJECT_DELETE", "OBJECT_ARCHIVE"):
        assert PLATFORM.parse(wrapped(resource(name, contentType=kind), other), place.site).skipped == 0, "counted once"
    assert PLATFORM.parse(wrapped(resource("quarantine/" + name, contentType=kind)), place.site).skipped == 0, "not watched"
    for disagreeing in ("application/octet-stream", "", "image/png", "undefined"):
        assert PLATFORM.parse(wrapped(resource(name, contentType=disagreeing)), place.site).events


@pytest.mark.parametrize("kind", ODD_TYPES)
def test_bytes_that_no_browser_shows_are_no_work_for_a_person(place: Bucket, kind: str) -> None:
    stored = place.bucket.put("users/u1/save", TEXT, content_type=kind)
    place.gcs.forget()
    with pytest.raises(MediaSkipped):
        fetched(place.site, MediaRef("users/u1/save", str(stored.generation)))
    (read,) = [one for one in place.gcs.requests if one.operation == "objects.media"]
    assert read.headers["range"] == f"bytes=0-{sniffing.HEAD_BYTES - 1}", "no more is read of it than tells"


@pytest.mark.parametrize(
    ("name", "kind"), [("users/u1/a.png", "text/plain"), ("users/u1/a", "image/png"), ("users/u1/a.svg", "")]
)
def test_what_says_that_it_is_a_picture_is_judged_as_one(place: Bucket, name: str, kind: str) -> None:
    """What cannot be read of it goes to a person."""
    stored = place.bucket.put(name, TEXT, content_type=kind)
    assert fetched(place.site, MediaRef(name, str(stored.generation))) == TEXT


def test_what_is_stored_compressed_is_not_judged_by_its_first_bytes(place: Bucket) -> None:
    stored = place.bucket.put("users/u1/packed", gzip.compress(PIXELS), content_type="text/plain")
    place.bucket.change(stored, {**stored.fields, "contentEncoding": "gzip"})
    assert fetched(place.site, MediaRef("users/u1/packed", str(stored.generation))) == PIXELS


def test_an_answer_that_is_no_object_is_no_other_file(place: Bucket) -> None:
    stored = place.bucket.put("users/u1/abc", PIXELS, content_type="text/plain")
    place.gcs.fail("html-502", operation="objects.media")
    with pytest.raises(PlatformUnavailable):
        fetched(place.site, MediaRef("users/u1/abc", str(stored.generation)))


def test_the_first_bytes_of_every_kind_of_picture_are_known() -> None:
    from io import BytesIO

    from PIL import Image

    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "ICO", "AVIF", "JPEG2000"):
        out = BytesIO()
        Image.new("RGB", (16, 16)).save(out, kind)
        assert sniffing.looks_like_picture(out.getvalue()[: sniffing.HEAD_BYTES]), kind
    for brand in (b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"avis"):
        assert sniffing.looks_like_picture(b"\0\0\0\x18ftyp" + brand)
        assert sniffing.looks_like_picture(b"\0\0\0\x20ftypisom\0\0\0\0iso8" + brand)
    for other in (TEXT, b"", b"%PDF-1.7", b"PK\3\4", b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", b"ID3\4", b"<!doctype html>"):
        assert not sniffing.looks_like_picture(other)


def told(gcs: CloudStorage, form: str, **how: Any) -> list[Delivery]:
    """Give what a subscriber is sent of one picture whose type becomes another, and another."""
    bucket = gcs.bucket(BUCKET)
    stored = bucket.put(NAME, PIXELS, content_type="video/mp4")
    push = Push("http://127.0.0.1:9/", form=form, events=("OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE"), **how)  # type: ignore[arg-type]
    found = []
    for kind in ("image/png", "image/jpeg"):
        stored = bucket.change(stored, stored.fields | {"contentType": kind})
        from tests.integrations.firebase.stand_in.objects import resource as described

        headers, body = push.request("OBJECT_METADATA_UPDATE", described(stored, gcs.address))
        found.append(Delivery("POST", "/", {k.lower(): v for k, v in headers.items()}, body, NOW * 1_000_000))
    return found


@pytest.mark.parametrize("form", ["wrapped", "unwrapped", "eventarc", "forwarder"])
def test_a_type_that_is_changed_later_is_heard(gcs: CloudStorage, form: str) -> None:
    how = {"secret": SAMPLE.secrets[0]} if form == "forwarder" else {"signer": gcs.signer}
    parsed = [PLATFORM.parse(one, SAMPLE.site()) for one in told(gcs, form, **how)]
    assert [type(event) for one in parsed for event in one.events] == [MediaUploaded, MediaUploaded]
    assert len({one.id for one in parsed}) == 2, "one version may be changed often"
    assert parsed[0].events == parsed[1].events, "and is judged once"


def test_a_type_that_was_changed_is_found_by_the_next_comparison(place: Bucket) -> None:
    stored = place.bucket.put("users/u1/film.mp4", PIXELS, content_type="video/mp4")
    later = stored.generation + 3_600_000_000
    assert PLATFORM.changed(place.site, later).media == ()
    place.bucket._clock._last = later + 1_200_000_000
    place.bucket.change(stored, stored.fields | {"contentType": "image/png"})
    assert [one.id for one in PLATFORM.changed(place.site, later).media] == ["users/u1/film.mp4"]


def test_a_forwarders_secret_ends_nothing() -> None:
    """It lies at the customer's; whoever has it could keep a picture from being hidden by calling it deleted."""
    delivery = SAMPLE.recordings()["object_deleted"]
    assert PLATFORM.parse(delivery, SAMPLE.site()).events == ()
