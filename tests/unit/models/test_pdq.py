"""Our PDQ against Meta's, through pdqhash."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pdqhash
import pytest
from PIL import Image

from app.domain.detector import MATCH_DISTANCE
from models.hashes.pdq import look_of, turns_of
from tests.unit.models.drawn import encoded, photo

SIZES = [(512, 384), (384, 512), (512, 512), (500, 375), (341, 512), (64, 64), (40, 90), (512, 100), (512, 17), (9, 400)]


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def reference(image: Image.Image) -> tuple[str, int]:
    bits, quality = pdqhash.compute(np.asarray(image))
    return np.packbits(bits).tobytes().hex(), quality


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_reference(size: tuple[int, int], seed: int) -> None:
    image = photo(*size, seed)
    hash_, quality = reference(image)
    look = look_of(image)
    assert distance(look.hash, hash_) <= 6
    assert abs(look.quality - quality) <= 2


def test_the_eight_turns_are_the_reference_s() -> None:
    for seed in range(10):
        image = photo(512, 400, seed)
        turned = [np.packbits(bits).tobytes().hex() for bits in pdqhash.compute_dihedral(np.asarray(image))[0]]
        turns = turns_of(look_of(image).hash)
        assert len(set(turns)) == 8
        assert all(min(distance(each, turn) for turn in turns) <= 18 for each in turned)


def test_a_turn_is_found_among_the_turns() -> None:
    image = photo(512, 384, 5)
    turns = turns_of(look_of(image).hash)
    for method in Image.Transpose:
        assert min(distance(look_of(image.transpose(method)).hash, turn) for turn in turns) <= MATCH_DISTANCE


def test_the_first_turn_is_the_picture_itself() -> None:
    look = look_of(photo())
    assert turns_of(look.hash)[0] == look.hash


def test_small_changes_are_near_and_other_pictures_far() -> None:
    image = photo(512, 384, 7)
    worse = Image.open(BytesIO(encoded(image, "JPEG", quality=40)))
    assert distance(look_of(image).hash, look_of(worse).hash) <= MATCH_DISTANCE
    assert distance(look_of(image).hash, look_of(photo(512, 384, 8)).hash) > 80


def test_plain_and_tiny_pictures_have_no_quality() -> None:
    assert look_of(Image.new("RGB", (300, 200), (9, 9, 9))).quality == 0
    assert look_of(photo(4, 400)).quality == 0
