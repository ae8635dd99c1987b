"""The judge as services see it."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.domain.detector import HashEntry, HashIndex, HashKind, Judge, ListKind
from app.domain.errors import HashListUnreadable, ModelUnavailable
from app.domain.limits import ImageLimits
from app.domain.signals import Signal
from models.image import Picture
from models.judge import LocalJudge
from models.preview import blurred
from tests.unit.models.drawn import animation, encoded, halves, photo

JUDGE: Judge = LocalJudge()
DATA = encoded(photo(), "JPEG")


class Broken:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def look(self, picture: Picture) -> tuple[Signal, ...]:
        raise self.error


def judge_with(error: Exception) -> LocalJudge:
    judge = LocalJudge()
    judge._loaded["nudenet"] = Broken(error)
    return judge


def test_a_photo_is_judged() -> None:
    judgement = JUDGE.judge(DATA, ["nudenet"])
    print_ = judgement.fingerprint
    assert print_.sha256 == hashlib.sha256(DATA).hexdigest() and (print_.width, print_.height) == (640, 480)
    assert len(print_.pdq) == 64 and int(print_.pdq, 16)
    assert set(judgement.signals) == {"nudenet"} and judgement.failures == ()


def test_only_the_wanted_detectors_run() -> None:
    assert JUDGE.judge(DATA, []).signals == {}
    assert JUDGE.judge(DATA, []).fingerprint.pdq


def test_a_plain_picture_has_no_pdq() -> None:
    assert JUDGE.judge(encoded(Image.new("RGB", (300, 300), (1, 2, 3)), "PNG"), []).fingerprint.pdq == ""


def test_what_cannot_be_decoded_is_a_failure() -> None:
    judgement = JUDGE.judge(b"<svg/>", ["nudenet"])
    assert judgement.failures == ("The file is no JPEG, PNG, GIF, WebP, AVIF, HEIC or BMP picture.",)
    assert judgement.signals == {} and judgement.preview() is None
    assert judgement.fingerprint.sha256 == hashlib.sha256(b"<svg/>").hexdigest() and judgement.fingerprint.pdq == ""


def test_frames_that_were_not_seen_are_a_failure() -> None:
    judgement = JUDGE.judge(animation(40), ["nudenet"])
    assert judgement.failures == ("Only the first 32 of 40 frames were looked at.",) and "nudenet" in judgement.signals


def test_an_unknown_detector_is_a_failure() -> None:
    assert JUDGE.judge(DATA, ["nonesuch"]).failures == ("There is no detector nonesuch here.",)


def test_a_detector_that_crashes_is_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    judgement = judge_with(RuntimeError("secret path")).judge(DATA, ["nudenet"])
    assert judgement.failures == ("The detector nudenet could not look at this picture (RuntimeError).",)
    assert judgement.signals == {} and "secret path" in caplog.text


def test_a_detector_that_cannot_run_says_why() -> None:
    assert judge_with(ModelUnavailable("Pull it.")).judge(DATA, ["nudenet"]).failures == ("Pull it.",)


def test_a_missing_provider_is_a_failure_and_not_silent() -> None:
    judgement = LocalJudge(providers=["TensorrtExecutionProvider"]).judge(DATA, ["nudenet"])
    assert len(judgement.failures) == 1 and "TensorrtExecutionProvider" in judgement.failures[0]


def test_limits_are_followed() -> None:
    assert "limit" in LocalJudge(limits=ImageLimits(max_image_bytes=100)).judge(DATA, []).failures[0]


def test_check_runs_a_detector() -> None:
    LocalJudge().check("nudenet")
    with pytest.raises(ModelUnavailable):
        LocalJudge().check("nonesuch")


def test_lists_match_what_was_judged(tmp_path: Path) -> None:
    fingerprint = JUDGE.judge(DATA, []).fingerprint
    smaller = JUDGE.judge(encoded(photo().resize((500, 375)), "WEBP"), []).fingerprint
    mirrored = JUDGE.judge(encoded(photo().transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG"), []).fingerprint
    index = JUDGE.index([HashEntry(HashKind.PDQ, fingerprint.pdq, ListKind.BLOCK, "owner.blocked_hash", "no")])
    for each in (fingerprint, smaller, mirrored):
        (signal,) = JUDGE.match(each, index)
        assert signal.category == "owner.blocked_hash" and signal.score >= 0.9
    assert JUDGE.match(JUDGE.judge(encoded(photo(seed=9), "JPEG"), []).fingerprint, index) == ()
    allowed = JUDGE.index([HashEntry(HashKind.SHA256, fingerprint.sha256, ListKind.ALLOW, "owner.allowed_hash")])
    assert [signal.category for signal in JUDGE.match(fingerprint, allowed)] == ["owner.allowed_hash"]


def test_a_foreign_index_is_refused() -> None:
    class Foreign:
        def __len__(self) -> int:
            return 0

    foreign: HashIndex = Foreign()
    with pytest.raises(TypeError):
        JUDGE.match(JUDGE.judge(DATA, []).fingerprint, foreign)
    with pytest.raises(HashListUnreadable):
        JUDGE.index([HashEntry(HashKind.PDQ, "", ListKind.BLOCK, "owner.blocked_hash")])


def test_previews_are_small_webp() -> None:
    pair = JUDGE.judge(encoded(photo(2000, 1000), "PNG"), []).preview()
    assert pair is not None
    for body in pair:
        image = Image.open(BytesIO(body))
        assert image.format == "WEBP" and image.size == (512, 256)
    assert len(pair[1]) < len(pair[0]) < 200_000


def test_the_blurred_preview_holds_only_a_few_grey_cells() -> None:
    """Detail of up to 24 px is gone: the amplitude of stripes that fine is nothing, and so is colour."""
    for period in (4, 12, 24):
        stripes = (np.indices((512, 512))[1] // period % 2 * 255).astype(np.uint8)
        left = np.asarray(blurred(Image.fromarray(stripes).convert("RGB")), np.int16)[64:-64, 64:-64]
        assert left.max() - left.min() <= 80 if period == 24 else left.max() - left.min() <= 40
    assert blurred(halves()).mode == "L"
