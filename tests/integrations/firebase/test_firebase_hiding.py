"""HIDE, RESTORE and DELETE on a bucket that enforces preconditions: what is shown, what is kept, and who may cut in."""

from __future__ import annotations

import contextlib
import gzip
import json
from dataclasses import replace
from typing import Any, Literal

import pytest

from app.domain.decisions import Action, Verdict
from app.domain.errors import MediaGone, MediaUnreadable, PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from integrations.firebase import naming
from integrations.firebase.naming import MARK, MODERATION, TOKENS, Kind
from integrations.firebase.platform import Firebase
from tests.integrations.firebase.actions import approve, do, fetched, listed, set, status
from tests.integrations.firebase.contract import BUCKET, NAME, PIXELS, SAMPLE, Bucket, storage
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.integrations.firebase.stand_in.objects import StoredObject
from tests.support.surroundings import made


def url(place: Bucket, name: str = NAME) -> str:
    one = place.bucket.get(name)
    assert one is not None and one.tokens
    return place.gcs.download_url(BUCKET, name, one.tokens[0])


def hidden(place: Bucket) -> list[StoredObject]:
    found = (place.bucket.get(name) for name in place.bucket.names() if name.startswith("quarantine/"))
    return [one for one in found if one is not None and not one.name.endswith(".json")]


def put(place: Bucket, name: str, data: bytes = PIXELS, **how: Any) -> MediaRef:
    return MediaRef(naming.media_id(name), str(place.bucket.put(name, data, **how).generation), f"gs://{BUCKET}/{name}")


def test_a_hidden_pictures_address_is_dead_and_the_quarantine_is_denied(place: Bucket) -> None:
    address = url(place)
    assert status(address) == 200
    do(Action.HIDE, place.site, place.media)
    assert status(address) in (403, 404)
    (copy,) = hidden(place)
    assert copy.data == PIXELS and copy.tokens == () and not copy.public
    assert (copy.content_type, copy.cache_control) == ("application/octet-stream", "private, no-store")
    token = address.rpartition("token=")[2]
    for name in place.bucket.names():
        assert token.encode() not in place.bucket.get(name).data  # type: ignore[union-attr]
        if name.startswith("quarantine/"):
            assert status(place.gcs.download_url(BUCKET, name, token)) == 403
            assert status(place.gcs.public_url(BUCKET, name)) == 403


def test_the_token_goes_before_anything_else_changes_and_the_source_last(place: Bucket) -> None:
    place.gcs.forget()
    do(Action.HIDE, place.site, place.media)
    done = [r.operation for r in place.gcs.requests if r.operation in place.gcs.changing]
    assert done == ["objects.insert", "objects.patch", "objects.rewrite", "objects.delete"]
    patch = next(r for r in place.gcs.requests if r.operation == "objects.patch")
    assert patch.json()["metadata"][TOKENS] is None
    for request in place.gcs.requests:
        if request.operation in place.gcs.changing:
            assert "ifGenerationMatch" in request.query, request.operation


def test_what_was_restored_has_a_new_token_and_only_our_marks_beside(place: Bucket) -> None:
    before, old = place.bucket.get(NAME), url(place)
    receipt = do(Action.HIDE, place.site, place.media)
    do(Action.RESTORE, place.site, place.media, receipt.undo)
    after = place.bucket.get(NAME)
    assert before is not None and after is not None
    assert url(place) != old and status(url(place)) == 200 and status(old) == 403
    ours = {MARK, MODERATION, TOKENS}
    assert {k: v for k, v in after.metadata.items() if k not in ours} == {"title": "Zoë"}
    assert after.metadata[MODERATION] == "approved"
    assert (after.data, after.content_type, after.cache_control) == (before.data, before.content_type, before.cache_control)
    assert not hidden(place) and not [name for name in place.bucket.names() if name.startswith("quarantine/")]


def test_all_fields_come_back(place: Bucket) -> None:
    media = put(place, "users/u1/all.png", cache_control=None, metadata={"a": "b"})
    bucket = place.bucket
    one = bucket.get("users/u1/all.png")
    assert one is not None
    fields = {
        "contentType": "image/x-odd", "metadata": {"a": "b"}, "contentDisposition": "inline", "contentLanguage": "de",
        "customTime": "2026-01-02T03:04:05.000Z",
    }  # fmt: skip
    bucket.change(one, fields)
    receipt = do(Action.HIDE, place.site, media)
    do(Action.RESTORE, place.site, media, receipt.undo, verdict=Verdict.REVIEW)
    again = bucket.get("users/u1/all.png")
    assert again is not None
    time = again.fields.pop("customTime")  # type: ignore[attr-defined]
    assert time.startswith("2026-01-02T03:04:05")
    marked = again.metadata.pop(MARK)
    assert again.fields | {"metadata": {"a": "b"}} == {k: v for k, v in fields.items() if k != "customTime"}
    assert {k: v for k, v in again.metadata.items() if k != MARK} == {"a": "b"} and marked
    assert again.tokens == ()


@pytest.mark.parametrize("rewrite", ["replace", "merge"])
@pytest.mark.parametrize("chunk", [None, 10])
def test_it_works_on_services_that_merge_and_that_copy_in_pieces(rewrite: Literal["replace", "merge"], chunk: int | None) -> None:
    with storage(rewrite=rewrite, rewrite_chunk=chunk) as gcs:
        place = Bucket(gcs, SAMPLE.site())
        before = place.snapshot()
        receipt = do(Action.HIDE, place.site, place.media)
        assert hidden(place)[0].tokens == ()
        do(Action.RESTORE, place.site, place.media, receipt.undo)
        assert place.snapshot() == before


def test_a_token_that_a_client_makes_meanwhile_does_not_come_along() -> None:
    with storage(rewrite="merge") as gcs:
        place = Bucket(gcs, SAMPLE.site())
        gcs.rules = True

        def mint(request: Any) -> None:
            if request.operation == "objects.rewrite":
                gcs.before = None
                status(gcs.client_metadata_url(BUCKET, NAME))

        gcs.before = mint
        do(Action.HIDE, place.site, place.media)
        assert gcs.before is None
        (copy,) = hidden(place)
        assert copy.tokens == ()


KILLS = [(n, how) for n in range(1, 14) for how in ("drop", "lost")]


def kill_at(gcs: CloudStorage, number: int, how: str) -> None:
    """Cut the connection at the given request from now on, before or after it is done."""
    count = 0

    def before(request: Any) -> None:
        nonlocal count
        count += 1
        if count == number:
            gcs.before = None
            gcs.fail(how)

    gcs.before = before


@pytest.mark.parametrize(("number", "how"), KILLS)
def test_a_hide_that_was_cut_off_anywhere_is_ended_by_the_next_try(place: Bucket, number: int, how: str) -> None:
    address, before = url(place), place.snapshot()
    kill_at(place.gcs, number, how)
    try:
        do(Action.HIDE, place.site, place.media)
        cut = False
    except PlatformUnavailable:
        cut = True
    place.gcs.before = None
    # Each step that is done at all is one that hides more; the picture is never in two public places.
    receipt = do(Action.HIDE, place.site, place.media)
    assert status(address) in (403, 404) and place.bucket.get(NAME) is None
    (copy,) = hidden(place)
    assert copy.data == PIXELS and not copy.tokens
    do(Action.RESTORE, place.site, place.media, receipt.undo)
    assert place.snapshot() == before and status(url(place)) == 200
    assert cut is (number <= 9)


@pytest.mark.parametrize(("number", "how"), KILLS)
@pytest.mark.parametrize("with_undo", [True, False])
def test_a_restore_that_was_cut_off_anywhere_is_ended_by_the_next_try(
    place: Bucket, number: int, how: str, with_undo: bool
) -> None:
    before = place.snapshot()
    undo = do(Action.HIDE, place.site, place.media).undo if with_undo else (do(Action.HIDE, place.site, place.media), None)[1]
    kill_at(place.gcs, number, how)
    with contextlib.suppress(PlatformUnavailable):
        do(Action.RESTORE, place.site, place.media, undo)
    place.gcs.before = None
    assert do(Action.RESTORE, place.site, place.media, undo).drifted == ""
    assert place.snapshot() == before and status(url(place)) == 200
    assert place.media in listed(place.site) and fetched(place.site, place.media) == PIXELS


@pytest.mark.parametrize(("number", "how"), KILLS[:18])
def test_a_restore_takes_a_hide_back_that_never_ended(place: Bucket, number: int, how: str) -> None:
    before = place.snapshot()
    kill_at(place.gcs, number, how)
    with contextlib.suppress(PlatformUnavailable):
        do(Action.HIDE, place.site, place.media)
    place.gcs.before = None
    # The core has no undo of a HIDE whose answer was lost.
    assert do(Action.RESTORE, place.site, place.media, None).drifted == ""
    assert place.snapshot() == before
    assert status(url(place)) == 200


def test_hide_restore_and_hide_again_stays_the_same_version(place: Bucket) -> None:
    before = place.snapshot()
    for _ in range(3):
        receipt = do(Action.HIDE, place.site, place.media)
        do(Action.RESTORE, place.site, place.media, receipt.undo)
        assert place.snapshot() == before
        assert place.media in listed(place.site) and fetched(place.site, place.media) == PIXELS


def test_the_echo_of_a_restore_leads_to_the_version_that_is_known(place: Bucket) -> None:
    receipt = do(Action.HIDE, place.site, place.media)
    do(Action.RESTORE, place.site, place.media, receipt.undo)
    now = place.bucket.get(NAME)
    assert now is not None and str(now.generation) != place.media.version
    with pytest.raises(MediaGone) as gone:
        fetched(place.site, MediaRef(NAME, str(now.generation)))
    assert gone.value.now == place.media


def test_an_echo_that_comes_before_the_restore_is_whole_waits(place: Bucket) -> None:
    receipt = do(Action.HIDE, place.site, place.media)
    kill = "objects.patch"

    def before(request: Any) -> None:
        if request.operation == kill:
            place.gcs.before = None
            place.gcs.fail("drop")

    place.gcs.before = before
    with pytest.raises(PlatformUnavailable):
        do(Action.RESTORE, place.site, place.media, receipt.undo)
    now = place.bucket.get(NAME)
    assert now is not None
    with pytest.raises(PlatformUnavailable) as wait:
        fetched(place.site, MediaRef(NAME, str(now.generation)))
    assert wait.value.retry_after == 2.0


def test_a_mark_copied_onto_other_bytes_counts_for_nothing(place: Bucket) -> None:
    receipt = do(Action.HIDE, place.site, place.media)
    do(Action.RESTORE, place.site, place.media, receipt.undo)
    vouched = place.bucket.get(NAME)
    assert vouched is not None
    for marks in (
        {MARK: vouched.metadata[MARK], MODERATION: "approved"},
        {MARK: naming.mark(place.site, Kind.COPYING, NAME, "", place.media.version)},
    ):
        forged = put(place, NAME, b"\x89PNG other", metadata=marks)
        assert forged in listed(place.site) and place.media not in listed(place.site)
        if Kind.COPYING not in marks[MARK]:
            assert fetched(place.site, forged) == b"\x89PNG other"
        with pytest.raises(MediaGone):
            fetched(place.site, place.media)
        assert do(Action.HIDE, place.site, forged).undo
        assert place.bucket.get(NAME) is None


def test_a_client_that_fills_all_metadata_is_hidden_and_restored(place: Bucket) -> None:
    crowd = {f"k{n:02d}": "x" * 200 for n in range(39)}
    media = put(place, "users/u1/crowd.png", metadata=crowd)
    receipt = do(Action.HIDE, place.site, media)
    assert place.bucket.get("users/u1/crowd.png") is None
    do(Action.RESTORE, place.site, media, receipt.undo)
    again = place.bucket.get("users/u1/crowd.png")
    assert again is not None and {k: v for k, v in again.metadata.items() if k in crowd} == crowd


@pytest.mark.parametrize(
    "name", ["a b/ü?#%.png", "x" * 1024, "é" * 500, "quarantined/../x.png", "a//b.png", " .png", "tab\there", "n\0l.png"]
)
def test_odd_names_are_hidden_and_restored(place: Bucket, name: str) -> None:
    media = put(place, name, token=True)
    before = place.snapshot()
    assert media in listed(place.site)
    receipt = do(Action.HIDE, place.site, media)
    assert place.bucket.get(name) is None
    assert fetched(place.site, media) == PIXELS
    assert media in listed(place.site)
    do(Action.RESTORE, place.site, media, receipt.undo)
    assert place.snapshot() == before


def test_what_everybody_may_read_by_its_own_access_list_is_hidden_and_comes_back_so(place: Bucket) -> None:
    media = put(place, "users/u1/open.png", acl_public=True)
    address = place.gcs.public_url(BUCKET, "users/u1/open.png")
    assert status(address) == 200
    receipt = do(Action.HIDE, place.site, media)
    assert status(address) in (403, 404)
    assert all(not one.public for one in hidden(place))
    do(Action.RESTORE, place.site, media, receipt.undo)
    assert status(address) == 200


def test_a_bucket_with_uniform_access_needs_no_access_lists(gcs: CloudStorage) -> None:
    gcs.bucket(BUCKET, uniform=True)
    place = Bucket(gcs, SAMPLE.site())
    before = place.snapshot()
    receipt = do(Action.HIDE, place.site, place.media)
    do(Action.RESTORE, place.site, place.media, receipt.undo)
    assert place.snapshot() == before


def test_the_quarantine_may_be_another_bucket(place: Bucket) -> None:
    vault = place.gcs.bucket("demo-quarantine")
    site = set(place.site, quarantine_bucket="demo-quarantine", quarantine="hidden/")
    before = place.snapshot()
    receipt = do(Action.HIDE, site, place.media)
    assert len(vault.names()) == 2 and all(name.startswith("hidden/") for name in vault.names())
    assert fetched(site, place.media) == PIXELS and place.media in listed(site)
    do(Action.RESTORE, site, place.media, receipt.undo)
    assert place.snapshot() == before and vault.names() == []


def test_a_hold_keeps_the_object_and_parks_the_hide(place: Bucket) -> None:
    one = place.bucket.get(NAME)
    assert one is not None
    address = url(place)
    place.bucket.change(one, {**one.fields, "temporaryHold": True})
    with pytest.raises(PlatformRefused, match="hold"):
        do(Action.HIDE, place.site, place.media)
    assert status(address) == 403, "the token must be gone although the object cannot be removed"


def test_a_copy_that_somebody_changed_is_not_published(place: Bucket) -> None:
    receipt = do(Action.HIDE, place.site, place.media)
    (copy,) = hidden(place)
    place.bucket.put(copy.name, b"something else entirely", content_type=copy.content_type, metadata=copy.metadata)
    with pytest.raises(PlatformRefused):
        do(Action.RESTORE, place.site, place.media, receipt.undo)
    with pytest.raises(PlatformRefused):
        do(Action.HIDE, place.site, place.media)
    assert place.bucket.get(NAME) is None


def test_a_journal_that_somebody_wrote_is_not_believed(place: Bucket) -> None:
    do(Action.HIDE, place.site, place.media)
    (name,) = (name for name in place.bucket.names() if name.endswith(".json"))
    journal = place.bucket.get(name)
    assert journal is not None
    told = json.loads(journal.data)
    told["text"] = told["text"].replace("image/png", "text/html")
    place.bucket.put(name, json.dumps(told).encode(), content_type="application/json")
    with pytest.raises(PlatformRefused):
        do(Action.RESTORE, place.site, place.media, None)
    assert place.bucket.get(NAME) is None


def test_a_hidden_version_and_a_newer_upload_are_two_things(place: Bucket) -> None:
    receipt = do(Action.HIDE, place.site, place.media)
    newer = put(place, NAME, b"\x89PNG newer", token=True)
    assert newer in listed(place.site) and place.media not in listed(place.site)
    assert do(Action.RESTORE, place.site, place.media, receipt.undo).drifted
    assert fetched(place.site, newer) == b"\x89PNG newer"
    with pytest.raises(MediaGone) as gone:
        fetched(place.site, place.media)
    assert gone.value.now == newer
    second = do(Action.HIDE, place.site, newer)
    assert len(hidden(place)) == 2
    assert newer in listed(place.site) and place.media not in listed(place.site)
    assert do(Action.RESTORE, place.site, newer, second.undo).drifted == ""
    assert do(Action.DELETE, place.site, place.media)
    assert hidden(place) == [] and fetched(place.site, newer) == b"\x89PNG newer"


def test_delete_removes_one_version_and_nothing_else(place: Bucket) -> None:
    do(Action.DELETE, place.site, place.media)
    assert place.bucket.get(NAME) is None
    newer = put(place, NAME, b"newer")
    do(Action.DELETE, place.site, place.media)
    assert fetched(place.site, newer) == b"newer"


def test_approving_in_place_says_so_in_the_metadata_once(place: Bucket) -> None:
    approve(place.site, place.media)
    one = place.bucket.get(NAME)
    assert (
        one is not None and one.metadata[MODERATION] == "approved" and one.tokens and str(one.generation) == place.media.version
    )
    changes = place.changes()
    approve(place.site, place.media)
    assert place.changes() == changes
    do(Action.LABEL, place.site, place.media, verdict=Verdict.REVIEW)
    do(Action.LABEL, place.site, place.media, verdict=Verdict.BLOCK)
    assert place.bucket.get(NAME).metadata[MODERATION] == "flagged"  # type: ignore[union-attr]
    place.replace()
    with pytest.raises(MediaGone):
        approve(place.site, place.media)


def test_what_is_stored_compressed_is_judged_as_it_is_seen(place: Bucket) -> None:
    packed = put(place, "users/u1/packed.png", gzip.compress(PIXELS))
    one = place.bucket.get("users/u1/packed.png")
    assert one is not None
    place.bucket.change(one, {**one.fields, "contentEncoding": "gzip"})
    assert fetched(place.site, packed) == PIXELS
    receipt = do(Action.HIDE, place.site, packed)
    assert fetched(place.site, packed) == PIXELS
    do(Action.RESTORE, place.site, packed, receipt.undo)
    assert place.bucket.get("users/u1/packed.png").fields["contentEncoding"] == "gzip"  # type: ignore[union-attr]
    small = made(Firebase, max_image_bytes=1_000)
    bomb = put(place, "users/u1/bomb.png", gzip.compress(bytes(1_000_000), 9)[:990])
    one = place.bucket.get("users/u1/bomb.png")
    assert one is not None
    place.bucket.change(one, {**one.fields, "contentEncoding": "gzip"})
    with pytest.raises(MediaUnreadable):
        small.fetch(place.site, bomb)


def test_an_object_too_large_is_not_downloaded(place: Bucket) -> None:
    place.gcs.forget()
    with pytest.raises(MediaUnreadable):
        made(Firebase, max_image_bytes=5).fetch(place.site, place.media)
    assert place.gcs.counts()["objects.media"] == 0


def test_a_bucket_that_is_not_there_is_no_picture_that_is_gone(place: Bucket) -> None:
    with pytest.raises(PlatformRefused, match="bucket does not exist"):
        fetched(replace(place.site, key="demo-test.appspot.com"), place.media)
