"""What Cloud Storage says no to, and how: no refusal is taken for a newer upload, and none leaves a picture half hidden."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from app.domain.decisions import Action, Verdict
from app.domain.errors import MediaGone, PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from integrations.firebase import intake, naming, storage
from integrations.kit.untrusted import Untrusted
from tests.contract.sample import Scripted
from tests.integrations.firebase.actions import approve, do, fetched, set, status
from tests.integrations.firebase.contract import BUCKET, NAME, PIXELS, Bucket
from tests.integrations.firebase.stand_in.server import Refusal

POLICY = "Request violates constraint 'constraints/gcp.restrictNonCmekServices'"
STEPS = ("objects.insert", "objects.patch", "objects.rewrite", "objects.delete")


def refuse(place: Bucket, operation: str, status: int, reason: str, said: str) -> None:
    """Refuse one kind of request from now on, in Google's JSON."""
    answer = Refusal(status, reason, said).answer()
    place.gcs.fail(Scripted(answer.status, answer.headers, answer.body), 1_000, operation=operation)


def allow(place: Bucket) -> None:
    place.gcs._failures.clear()


@pytest.mark.parametrize("step", STEPS)
def test_a_policy_that_forbids_a_step_is_no_newer_upload(place: Bucket, step: str) -> None:
    before, shown, tokens = place.bucket.snapshot(), place.snapshot(), place.bucket.get(NAME).tokens  # type: ignore[union-attr]
    refuse(place, step, 412, "conditionNotMet", POLICY)
    with pytest.raises(PlatformRefused, match=r"gcp\.restrictNonCmekServices"):
        do(Action.HIDE, place.site, place.media)
    assert status(place.gcs.download_url(BUCKET, NAME, tokens[0])) == 200, "half hidden"
    if step != "objects.delete":  # then what we wrote ourselves cannot be removed either
        assert place.bucket.snapshot() == before
    allow(place)
    receipt = do(Action.HIDE, place.site, place.media)
    assert place.bucket.get(NAME) is None
    do(Action.RESTORE, place.site, place.media, receipt.undo)
    assert place.snapshot() == shown


@pytest.mark.parametrize("step", ["objects.rewrite", "objects.patch"])
def test_a_restore_that_is_forbidden_stays_hidden_whole(place: Bucket, step: str) -> None:
    receipt = do(Action.HIDE, place.site, place.media)
    before = place.bucket.snapshot()
    refuse(place, step, 412, "conditionNotMet", POLICY)
    with pytest.raises(PlatformRefused):
        do(Action.RESTORE, place.site, place.media, receipt.undo)
    assert place.bucket.snapshot() == before
    allow(place)
    assert do(Action.RESTORE, place.site, place.media, receipt.undo).drifted == ""
    assert fetched(place.site, place.media) == PIXELS


def test_an_interrupted_hide_that_is_then_forbidden_is_taken_back(place: Bucket) -> None:
    before = place.snapshot()
    place.gcs.fail("drop", operation="objects.rewrite")
    with pytest.raises(PlatformUnavailable):
        do(Action.HIDE, place.site, place.media)
    assert place.bucket.get(NAME).tokens == ()  # type: ignore[union-attr]
    refuse(place, "objects.rewrite", 412, "conditionNotMet", POLICY)
    with pytest.raises(PlatformRefused):
        do(Action.HIDE, place.site, place.media)
    assert place.snapshot() == before and place.bucket.get(NAME).tokens  # type: ignore[union-attr]


OPEN = "users/u1/open.png"


@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("step", ["objects.rewrite", "objects.delete"])
@pytest.mark.parametrize("trouble", ["drop", 503, 403])
def test_what_stays_shut_after_a_refusal_keeps_its_journal(
    place: Bucket, step: str, trouble: str | int, interrupted: bool
) -> None:
    put = place.bucket.put(
        OPEN, PIXELS, metadata={"title": "Zoë"}, cache_control="public, max-age=60", token=True, acl_public=True
    )
    media, before = MediaRef(OPEN, str(put.generation)), place.snapshot()
    if interrupted:
        place.gcs.fail("drop", operation="objects.rewrite")
        with pytest.raises(PlatformUnavailable):
            do(Action.HIDE, place.site, media)

    def fail_to_reopen(request: Any) -> None:
        if request.operation == step:  # what is patched from now on opens it again
            place.gcs.before = None
            if trouble == 403:
                refuse(place, "objects.patch", 403, "forbidden", "x@y does not have storage.objects.update access.")
            else:
                place.gcs.fail(trouble, 1_000, operation="objects.patch")

    for _ in range(2):
        refuse(place, step, 403, "forbidden", "x@y does not have storage.objects.create access to the object.")
        place.gcs.before = fail_to_reopen
        with pytest.raises(PlatformRefused):
            do(Action.HIDE, place.site, media)
        now = place.bucket.get(OPEN)
        assert now is not None and not now.tokens and not now.public, "the fault was not delivered: it is open"
        allow(place)
    receipt = do(Action.HIDE, place.site, media)
    assert place.bucket.get(OPEN) is None
    do(Action.RESTORE, place.site, media, receipt.undo)
    again = place.bucket.get(OPEN)
    assert place.snapshot() == before and again is not None and again.tokens and again.public


def test_a_restore_opens_what_a_refused_hide_left_shut(place: Bucket) -> None:
    before = place.snapshot()
    refuse(place, "objects.rewrite", 403, "forbidden", "x@y does not have storage.objects.create access to the object.")

    def fail_to_reopen(request: Any) -> None:
        if request.operation == "objects.rewrite":
            place.gcs.fail("drop", 1_000, operation="objects.patch")

    place.gcs.before = fail_to_reopen
    with pytest.raises(PlatformRefused):
        do(Action.HIDE, place.site, place.media)
    place.gcs.before = None
    allow(place)
    assert place.snapshot() != before
    do(Action.RESTORE, place.site, place.media)
    now = place.bucket.get(NAME)
    assert place.snapshot() == before and now is not None and now.tokens


def test_an_interrupted_hide_that_may_not_even_close_keeps_its_journal(place: Bucket) -> None:
    """A client made a new token meanwhile, so there is something to close again."""
    before = place.snapshot()
    place.gcs.fail("drop", operation="objects.rewrite")
    with pytest.raises(PlatformUnavailable):
        do(Action.HIDE, place.site, place.media)
    one = place.bucket.get(NAME)
    assert one is not None
    place.bucket.change(one, {**one.fields, "metadata": {**one.metadata, "firebaseStorageDownloadTokens": "new"}})
    refuse(place, "objects.patch", 403, "forbidden", "x@y does not have storage.objects.update access to the object.")
    with pytest.raises(PlatformRefused):
        do(Action.HIDE, place.site, place.media)
    allow(place)
    do(Action.RESTORE, place.site, place.media)
    assert place.snapshot() == before


def test_a_real_overtaking_is_still_one(place: Bucket) -> None:
    def overwrite(request: Any) -> None:
        if request.operation == "objects.patch":
            place.gcs.before = None
            place.replace()

    place.gcs.before = overwrite
    with pytest.raises(MediaGone) as gone:
        do(Action.HIDE, place.site, place.media)
    assert gone.value.now is not None and gone.value.now.version != place.media.version


def test_a_picture_that_another_worker_moves_is_not_gone(place: Bucket) -> None:
    """It is looked for in its place, then in the quarantine; in between it may be on its way from there."""
    receipt = do(Action.HIDE, place.site, place.media)
    looked = []

    def restore(request: Any) -> None:
        looked.append(request.operation)
        if len(looked) == 2:
            place.gcs.before = None
            do(Action.RESTORE, place.site, place.media, receipt.undo)

    place.gcs.before = restore
    assert do(Action.LABEL, place.site, place.media, verdict=Verdict.REVIEW).drifted == ""
    assert len(looked) == 2


GOOGLES = [
    (400, "failedPrecondition", "Cloud KMS key projects/p/locations/l/keyRings/r/cryptoKeys/k is not enabled.", "encrypts"),
    (403, "forbidden", "x@y does not have storage.objects.create access to the object.", "objects.create"),
    (404, "notFound", "The specified bucket does not exist.", "bucket does not exist"),
    (400, "required", "Bucket is a requester pays bucket but no user project provided.", "readers pay"),
    (403, "accountDisabled", "The billing account for the owning project is disabled in state absent", "billing"),
    (412, "conditionNotMet", "The member bindings are not allowed since public access prevention is enforced.", "prevention"),
    (412, "conditionNotMet", POLICY, "restrictNonCmek"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "reason", "said", "told"), GOOGLES, ids=[told for *_, told in GOOGLES])
@pytest.mark.parametrize("operation", ["objects.get", "objects.media", *STEPS])
def test_what_google_says_is_told_whatever_was_asked(
    place: Bucket, operation: str, code: int, reason: str, said: str, told: str
) -> None:
    if operation == "objects.media":  # downloads are refused in plain text
        place.gcs.fail(Scripted(code, {"Content-Type": "text/html; charset=UTF-8"}, said.encode()), operation=operation)
    else:
        refuse(place, operation, code, reason, said)
    with pytest.raises(PlatformRefused, match=told):
        fetched(place.site, place.media) if operation == "objects.media" else do(Action.HIDE, place.site, place.media)


def test_a_wall_before_a_download_is_no_word_of_google(place: Bucket) -> None:
    for said in (b"Forbidden", b"<html>does not have storage.objects.get access", b'{"error": "no such object"}', b""):
        place.gcs.fail(Scripted(403, {}, said), operation="objects.media")
        with pytest.raises(PlatformUnavailable):
            fetched(place.site, place.media)


def test_a_picture_that_arrives_in_part_is_asked_for_again(place: Bucket) -> None:
    plain = place.bucket.put("users/u1/plain", PIXELS, content_type="text/plain")
    for media in (place.media, MediaRef("users/u1/plain", str(plain.generation))):
        place.gcs.fail("cut", operation="objects.media")
        with pytest.raises(PlatformUnavailable):
            fetched(place.site, media)
        assert fetched(place.site, media) == PIXELS


@pytest.mark.parametrize("operation", ["objects.get", *STEPS])
def test_an_answer_that_breaks_off_is_no_answer(place: Bucket, operation: str) -> None:
    before = place.snapshot()
    place.gcs.fail("cut", operation=operation)
    with contextlib.suppress(PlatformUnavailable):  # nothing is to be read of what a deletion answers
        do(Action.HIDE, place.site, place.media)
    receipt = do(Action.HIDE, place.site, place.media)
    assert place.bucket.get(NAME) is None
    do(Action.RESTORE, place.site, place.media, receipt.undo)
    assert place.snapshot() == before


class Seconds:
    """Be the clock of a service, and the sleep of who waits for it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def paced(place: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Give a bucket that takes one change a second of each object, and whose seconds pass only when somebody waits."""
    seconds = Seconds()
    monkeypatch.setattr(storage.time, "sleep", seconds.sleep)
    place.gcs.pace.clock = seconds
    return place


def test_one_write_per_object_and_second_is_enough(paced: Bucket) -> None:
    before = paced.snapshot()
    for _ in range(2):
        receipt = do(Action.HIDE, paced.site, paced.media)
        assert paced.bucket.get(NAME) is None
        do(Action.RESTORE, paced.site, paced.media, receipt.undo)
        assert paced.snapshot() == before
    site = set(paced.site, layout="pending_public")
    made = paced.bucket.put("pending/u1/b.png", PIXELS, token=True)
    approve(site, MediaRef("pending/u1/b.png", str(made.generation)))
    assert "public/u1/b.png" in paced.bucket.names() and "pending/u1/b.png" not in paced.bucket.names()
    assert paced.gcs.pace.refused > 5, "the service did keep its pace"


def test_what_is_done_is_not_done_again(paced: Bucket) -> None:
    paced.gcs.fail("drop", operation="objects.rewrite")
    with pytest.raises(PlatformUnavailable):
        do(Action.HIDE, paced.site, paced.media)
    paced.gcs.forget()
    do(Action.HIDE, paced.site, paced.media)
    done = [one.operation for one in paced.gcs.requests if one.operation in paced.gcs.changing and one.status < 300]
    assert done == ["objects.rewrite", "objects.delete"]


def test_a_service_that_never_has_time_is_asked_later(place: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(storage.time, "sleep", waited.append)
    refuse(place, "objects.patch", 429, "rateLimitExceeded", "The object exceeded the rate limit for object mutation operations.")
    with pytest.raises(PlatformUnavailable):
        do(Action.HIDE, place.site, place.media)
    assert tuple(waited) == storage.PAUSES_SECONDS


@pytest.mark.parametrize("left", ["the journal", "the copy", "the copy without its undo", "the place of what is approved"])
def test_a_refusal_about_an_odd_name_can_be_stored(place: Bucket, left: str) -> None:
    """No database takes NUL, and what is refused is kept with the action."""
    made = place.bucket.put("pending/a\x00%.png", PIXELS)
    media = intake.media(place.site, made.name, str(made.generation), Untrusted({}))
    hidden = f"quarantine/{naming.quarantine_folder(made.name)}/{made.generation}"
    with pytest.raises(PlatformRefused, match=r"a%00%25\.png") as refused:
        if left == "the journal":
            place.bucket.put(f"{hidden}.json", b"{}")
            do(Action.HIDE, place.site, media)
        elif left == "the place of what is approved":
            place.bucket.put("public/a\x00%.png", PIXELS)
            approve(set(place.site, layout="pending_public"), media)
        else:
            receipt = do(Action.HIDE, place.site, media)
            place.bucket.put(hidden, b"something else")
            do(Action.RESTORE, place.site, media, receipt.undo) if left == "the copy" else do(Action.HIDE, place.site, media)
    assert "\x00" not in str(refused.value)
