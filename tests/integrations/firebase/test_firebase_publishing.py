"""Pending and public: only what is approved is moved to where everybody may see it."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from app.domain.decisions import Action, Verdict
from app.domain.errors import MediaGone, PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from app.domain.platform import Site
from integrations.firebase.naming import MODERATION
from tests.integrations.firebase.actions import approve, do, fetched, listed, set, status
from tests.integrations.firebase.contract import BUCKET, PIXELS, SAMPLE, Bucket
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.integrations.firebase.test_firebase_hiding import hidden, kill_at, put, url

PENDING, PUBLIC = "pending/u1/a.png", "public/u1/a.png"


@pytest.fixture
def site() -> Site:
    return set(SAMPLE.site(), layout="pending_public", include=("pending/*",))


@pytest.fixture
def media(place: Bucket) -> MediaRef:
    return put(place, PENDING, token=True, metadata={"title": "A"}, cache_control="public, max-age=9")


def test_an_approved_upload_is_published_with_a_new_address(place: Bucket, site: Site, media: MediaRef) -> None:
    old = url(place, PENDING)
    approve(site, media)
    assert place.bucket.get(PENDING) is None and status(old) in (403, 404)
    one = place.bucket.get(PUBLIC)
    assert one is not None and one.data == PIXELS
    assert (one.content_type, one.cache_control, one.metadata["title"]) == ("image/png", "public, max-age=9", "A")
    assert one.metadata[MODERATION] == "approved" and status(url(place, PUBLIC)) == 200
    assert old.rpartition("token=")[2] not in one.tokens


def test_it_stays_the_version_that_was_judged(place: Bucket, site: Site, media: MediaRef) -> None:
    approve(site, media)
    changes = place.changes()
    approve(site, media)
    assert place.changes() == changes
    assert fetched(site, media) == PIXELS
    assert listed(site) == [], "what is published was judged, and is not listed"


@pytest.mark.parametrize("verdict", [Verdict.REVIEW, Verdict.BLOCK])
def test_nothing_else_is_published(place: Bucket, site: Site, media: MediaRef, verdict: Verdict) -> None:
    do(Action.LABEL, site, media, verdict=verdict)
    assert place.bucket.get(PUBLIC) is None and place.bucket.get(PENDING) is not None
    do(Action.HIDE, site, media)
    assert place.bucket.get(PUBLIC) is None and place.bucket.get(PENDING) is None


@pytest.mark.parametrize(("number", "how"), [(n, how) for n in range(1, 9) for how in ("drop", "lost")])
def test_publishing_that_was_cut_off_anywhere_is_ended_by_the_next_try(
    place: Bucket, site: Site, media: MediaRef, number: int, how: str
) -> None:
    kill_at(place.gcs, number, how)
    with contextlib.suppress(PlatformUnavailable):
        approve(site, media)
    place.gcs.before = None
    approve(site, media)
    one = place.bucket.get(PUBLIC)
    assert one is not None and one.data == PIXELS and one.metadata[MODERATION] == "approved" and len(one.tokens) == 1
    assert place.bucket.get(PENDING) is None
    assert fetched(site, media) == PIXELS


def test_a_published_picture_is_hidden_and_comes_back_to_where_it_was(place: Bucket, site: Site, media: MediaRef) -> None:
    approve(site, media)
    before = place.snapshot()
    address = url(place, PUBLIC)
    receipt = do(Action.HIDE, site, media)
    assert place.bucket.get(PUBLIC) is None and status(address) in (403, 404)
    assert media in listed(site) and fetched(site, media) == PIXELS
    for _ in range(2):
        assert do(Action.RESTORE, site, media, receipt.undo).drifted == ""
        assert place.snapshot() == before and status(url(place, PUBLIC)) == 200


def test_a_pending_picture_that_was_hidden_is_published_by_a_persons_approval(place: Bucket, site: Site, media: MediaRef) -> None:
    receipt = do(Action.HIDE, site, media)
    assert do(Action.RESTORE, site, media, receipt.undo).drifted == ""
    one = place.bucket.get(PUBLIC)
    assert one is not None and one.data == PIXELS and one.metadata[MODERATION] == "approved"
    assert place.bucket.get(PENDING) is None and hidden(place) == []


def test_a_newer_approved_upload_replaces_the_published_one_and_an_older_one_never_does(
    place: Bucket, site: Site, media: MediaRef
) -> None:
    approve(site, media)
    newer = put(place, PENDING, b"\x89PNG newer")
    approve(site, newer)
    assert place.bucket.get(PUBLIC).data == b"\x89PNG newer"  # type: ignore[union-attr]
    with pytest.raises(MediaGone):
        approve(site, media)
    assert place.bucket.get(PUBLIC).data == b"\x89PNG newer"  # type: ignore[union-attr]


def test_a_newer_upload_that_waits_leaves_the_published_one_alone(place: Bucket, site: Site, media: MediaRef) -> None:
    approve(site, media)
    newer = put(place, PENDING, b"\x89PNG newer")
    assert listed(site) == [newer]
    do(Action.HIDE, site, media)
    assert place.bucket.get(PUBLIC) is None and place.bucket.get(PENDING) is not None
    approve(site, newer)
    assert place.bucket.get(PUBLIC).data == b"\x89PNG newer"  # type: ignore[union-attr]


def test_a_strangers_file_in_the_public_place_is_not_overwritten(place: Bucket, site: Site, media: MediaRef) -> None:
    put(place, PUBLIC, b"the app's own")
    with pytest.raises(PlatformRefused, match="not overwritten"):
        approve(site, media)
    assert place.bucket.get(PUBLIC).data == b"the app's own"  # type: ignore[union-attr]
    assert place.bucket.get(PENDING) is not None


def test_an_overwrite_while_it_is_published_publishes_what_was_approved_and_keeps_the_new_one(
    place: Bucket, site: Site, media: MediaRef, gcs: CloudStorage
) -> None:
    def before(request: Any) -> None:
        if request.operation == "objects.delete":
            gcs.before = None
            put(place, PENDING, b"\x89PNG newer")

    gcs.before = before
    approve(site, media)
    assert place.bucket.get(PUBLIC).data == PIXELS  # type: ignore[union-attr]
    assert place.bucket.get(PENDING).data == b"\x89PNG newer"  # type: ignore[union-attr]


def test_it_is_deleted_where_it_is(place: Bucket, site: Site, media: MediaRef) -> None:
    approve(site, media)
    do(Action.DELETE, site, media)
    assert place.bucket.get(PUBLIC) is None
    assert place.gcs.bucket(BUCKET).get(PENDING) is None


@pytest.mark.parametrize(("layout", "name"), [("in_place", "users/u1/a.png"), ("pending_public", "public/u1/a.png")])
def test_an_approved_picture_may_be_kept_by_caches_again(place: Bucket, layout: str, name: str) -> None:
    site = set(place.site, layout=layout, approved_cache="public, max-age=3600")
    uploaded = name.replace("public/", "pending/")
    stored = place.bucket.put(uploaded, PIXELS, cache_control="private, max-age=0")
    media = MediaRef(uploaded, str(stored.generation))
    do(Action.LABEL, site, media, verdict=Verdict.REVIEW)
    assert place.bucket.get(uploaded).cache_control == "private, max-age=0"  # type: ignore[union-attr]
    for _ in range(2):
        approve(site, media)
        changes = place.changes()
    approve(site, media)
    assert place.bucket.get(name).cache_control == "public, max-age=3600" and place.changes() == changes  # type: ignore[union-attr]
    undo = do(Action.HIDE, site, media).undo
    assert all(place.bucket.get(one).cache_control != "public, max-age=3600" for one in place.bucket.names())  # type: ignore[union-attr]
    do(Action.RESTORE, site, media, undo)
    assert place.bucket.get(name).cache_control == "public, max-age=3600"  # type: ignore[union-attr]
