"""The judge as services see it."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.domain.detector import MATCH_DISTANCE, Fingerprint, HashEntry, HashIndex, HashKind, Judge, ListKind
from app.domain.errors import HashListUnreadable, ModelUnavailable
from app.domain.limits import ImageLimits
from app.domain.signals import Signal
from models.hashes.pdq import look_of
from models.image import Picture, read
from models.judge import LocalJudge
from models.preview import blurred
from models.registry import Machine, cards, load
from tests.support.tricks import INVERTED, two_in_one
from tests.unit.models.drawn import animation, encoded, halves, photo, squares

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
    assert judgement.signals == {} and judgement.preview(()) is None
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


def bits(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_lists_know_every_look() -> None:
    """One picture is seen on white, another on black; a list that has either finds it."""
    on_white, on_black = squares(3), squares(4)
    fingerprint = JUDGE.judge(encoded(two_in_one(on_white, on_black), "PNG"), []).fingerprint
    for shown in (on_white, on_black):
        entry = HashEntry(HashKind.PDQ, look_of(shown).hash, ListKind.BLOCK, "owner.blocked_hash")
        assert bits(entry.value, fingerprint.pdq) > MATCH_DISTANCE, "the control: by its first hash it is not found"
        (signal,) = JUDGE.match(fingerprint, JUDGE.index([entry]))
        assert signal.category == "owner.blocked_hash"
        assert JUDGE.match_all([Fingerprint("", "", 0, 0), fingerprint], JUDGE.index([entry])) == {1: (signal,)}


def test_lists_know_every_frame() -> None:
    frames = [photo(300, 200, seed) for seed in (1, 2, 3)]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    fingerprint = JUDGE.judge(data, []).fingerprint
    for frame in frames:
        entry = HashEntry(HashKind.PDQ, look_of(frame).hash, ListKind.BLOCK, "owner.blocked_hash")
        assert JUDGE.match(fingerprint, JUDGE.index([entry]))


def test_an_allow_list_must_know_every_look() -> None:
    """One frame that an owner allowed lets nothing else in beside it."""
    frames = [photo(300, 200, seed) for seed in (1, 2)]
    looks = [HashEntry(HashKind.PDQ, look_of(frame).hash, ListKind.ALLOW, "owner.allowed_hash") for frame in frames]
    moving = JUDGE.judge(encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True), []).fingerprint
    assert JUDGE.match(moving, JUDGE.index(looks[:1])) == () and JUDGE.match(moving, JUDGE.index(looks[1:])) == ()
    assert JUDGE.match(moving, JUDGE.index(looks))
    plain = Image.new("RGB", (300, 200), (9, 9, 9))
    faint = JUDGE.judge(encoded(frames[0], "WEBP", save_all=True, append_images=[plain], lossless=True), []).fingerprint
    assert JUDGE.match(faint, JUDGE.index(looks)) == (), "the second frame has no hash, and nobody allowed it"


def test_a_picture_is_still_known_by_what_earlier_versions_made_of_it() -> None:
    """They laid it on grey and took its colours as stored."""
    image = two_in_one(squares(3), squares(4))
    grey = Image.new("RGBA", image.size, (128, 128, 128, 255))
    grey.alpha_composite(image.convert("RGBA"))
    assert bits(JUDGE.judge(encoded(image, "PNG"), []).fingerprint.pdq, look_of(grey.convert("RGB")).hash) <= 10
    coloured = JUDGE.judge(encoded(photo(), "JPEG", icc_profile=INVERTED), []).fingerprint
    assert bits(coloured.pdq, JUDGE.judge(DATA, []).fingerprint.pdq) <= 10


class Sees:
    """See a category in the second view and another, which matters less, in the first."""

    def look(self, picture: Picture) -> tuple[Signal, ...]:
        face = Signal("nudenet", "1", "privacy.face", 0.9, view=0)
        return (face, Signal("nudenet", "1", "sexual.explicit_nudity", 0.6, view=1))


@pytest.mark.parametrize("wanted", [["nudenet"], []])
def test_the_preview_shows_the_worst_look(wanted: list[str]) -> None:
    """Also where the signals are known already, and which look they were of is not."""
    judge = LocalJudge()
    judge._loaded["nudenet"] = Sees()
    image = Image.new("RGBA", (64, 64), (128, 128, 128, 0))
    assert shown(judge.judge(encoded(image, "PNG"), wanted).preview(())).getpixel((9, 9)) < 10


def shown(pair: tuple[bytes, bytes] | None) -> Image.Image:
    assert pair is not None
    return Image.open(BytesIO(pair[0])).convert("L")


def far(one: Image.Image, other: Image.Image) -> float:
    """Give how far two pictures are from each other in the mean, without brightness and contrast."""
    small = [np.asarray(image.convert("L").resize((24, 18)), np.float64) for image in (one, other)]
    return float(1 - np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1])


def test_the_preview_shows_the_look_that_a_list_knows() -> None:
    on_white, on_black = squares(3), squares(4)
    judgement = JUDGE.judge(encoded(two_in_one(on_white, on_black), "PNG"), [])
    for known, other in ((on_white, on_black), (on_black, on_white)):
        entry = HashEntry(HashKind.PDQ, look_of(known).hash, ListKind.BLOCK, "owner.blocked_hash")
        preview = shown(judgement.preview(JUDGE.match(judgement.fingerprint, JUDGE.index([entry]))))
        assert far(preview, known) < 0.05 < 0.5 < far(preview, other)


@pytest.mark.parametrize(("colour", "ground"), [(255, "black"), (0, "white")])
def test_the_preview_shows_the_look_with_the_most_detail_when_nothing_was_seen(colour: int, ground: str) -> None:
    """White on nothing is a blank page on white: a person who is asked must see what it is."""
    drawn = Image.new("RGBA", (640, 480), (colour,) * 3)
    drawn.putalpha(squares(5))
    preview = shown(JUDGE.judge(encoded(drawn, "PNG"), []).preview(()))
    assert np.asarray(preview).std() > 50, ground


def test_the_strongest_of_each_category_over_all_looks_counts() -> None:
    picture = read(encoded(Image.merge("RGBA", (*photo().split(), Image.new("L", (640, 480), 100))), "PNG"))
    found = load(cards()["nudenet"], Machine()).look(picture)
    assert len({signal.category for signal in found}) == len(found)
    assert {signal.view for signal in found} <= set(range(len(picture.views)))


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
    pair = JUDGE.judge(encoded(photo(2000, 1000), "PNG"), []).preview(())
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
