"""PDQ, Meta's perceptual hash, as linear algebra.

Source: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (Meta, 2019) and the reference code in
facebook/ThreatExchange, folder pdq. Its steps up to the DCT are all linear (two passes of a box filter each way, a pick
of 64 x 64 points, a 16 x 64 cosine transform), so they fold into one matrix per dimension. That is about ten times
faster than the C++ loop behind Python's binding, and numpy lets other threads run meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

QUALITY_FLOOR = 50
"""Hashes of pictures with less detail (0 to 100) match too much; Meta's README says to discard 49 and below."""

_SIDE = 64
_WAVES = 16
_LEAST_PIXELS = 5
_BLOCKS = 4

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Look:
    """A PDQ hash as 64 lower-case hex digits, and how much detail (0 to 100) it rests on."""

    hash: str
    quality: int


def look_of(picture: Image.Image) -> Look:
    """Hash a picture of at most a few hundred pixels a side. Below 5 pixels a side the quality is 0."""
    if min(picture.size) < _LEAST_PIXELS:
        return Look("0" * 64, 0)
    waves, quality = _transform(picture)
    return Look(_digest(waves), quality)


def turns_of(value: str) -> tuple[str, ...]:
    """Derive the eight hashes of the picture turned and mirrored, the upright one first.

    Turning a picture changes signs of its cosine terms or swaps their axes; the median of the terms is close to zero, so
    a changed sign is a changed bit. Like the reference's own eight, they are a few bits off the turned picture's hash.
    """
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(value), np.uint8)).reshape(_WAVES, _WAVES).astype(bool)
    turned = [turn ^ mask for turn in (bits, bits.T) for mask in _SIGNS]
    return tuple(np.packbits(each).tobytes().hex() for each in turned)


def _transform(picture: Image.Image) -> tuple[Floats, int]:
    luma = np.asarray(picture.convert("L"), dtype=np.float32)
    small = _shrink(_shrink(luma).T).T
    return cast(Floats, _COSINES @ small @ _COSINES.T), _quality(small)


def _digest(waves: Floats) -> str:
    flat = waves.reshape(-1)
    median = np.partition(flat, flat.size // 2 - 1)[flat.size // 2 - 1]
    # The reference prints the last term first.
    return np.packbits((flat > median)[::-1]).tobytes().hex()


def _quality(small: Floats) -> int:
    """Sum the steps between neighbours, each cut to a whole per cent as the reference does."""
    steps = sum(int(np.abs(np.diff(small, axis=axis) * (100 / 255)).astype(np.int32).sum()) for axis in (0, 1))
    return min(steps // 90, 100)


def _shrink(values: Floats) -> Floats:
    """Filter columns and pick 64 points of each."""
    return cast(Floats, np.concatenate([block @ values[first:last] for first, last, block in _shrinker(len(values))]))


@lru_cache(maxsize=256)
def _shrinker(length: int) -> tuple[tuple[int, int, Floats], ...]:
    """Make the 64 x `length` matrix of two box filters and the pick of 64 points.

    A point depends on few pixels, so the matrix is kept as blocks along its diagonal, which is three times as fast:
    (first pixel, last + 1, weights). 256 lengths up to 512 take 10 MB.
    """
    window = -(-length // (2 * _SIDE))
    ahead = (window + 2) // 2 - 1
    behind = window - 1 - ahead
    place = np.arange(length)
    first, last = np.maximum(place - behind, 0), np.minimum(place + ahead, length - 1)
    inside = (place >= first[:, None]) & (place <= last[:, None])
    box = inside / (last - first + 1)[:, None]
    picked = ((np.arange(_SIDE) + 0.5) * length / _SIDE).astype(np.int64)
    matrix = (box[picked] @ box).astype(np.float32)
    return tuple(_trimmed(rows) for rows in np.split(matrix, _BLOCKS))


def _trimmed(rows: Floats) -> tuple[int, int, Floats]:
    used = np.flatnonzero(rows.any(axis=0))
    first, last = int(used[0]), int(used[-1]) + 1
    return first, last, np.ascontiguousarray(rows[:, first:last])


def _cosines() -> Floats:
    wave, place = np.arange(1, _WAVES + 1)[:, None], np.arange(_SIDE)[None, :]
    matrix: Floats = (np.sqrt(2 / _SIDE) * np.cos(np.pi / 2 / _SIDE * wave * (2 * place + 1))).astype(np.float32)
    return matrix


def _signs() -> tuple[NDArray[np.bool_], ...]:
    """Tell which terms change sign when a picture is mirrored left-right, top-bottom, or both.

    Mirroring negates every odd wave. The waves run from 1 to 16, and the printed order is from the last to the first.
    """
    odd = np.arange(_WAVES, 0, -1) % 2 == 1
    rows, columns = np.broadcast_to(odd[:, None], (_WAVES, _WAVES)), np.broadcast_to(odd[None, :], (_WAVES, _WAVES))
    return np.zeros((_WAVES, _WAVES), bool), columns, rows, rows ^ columns


_COSINES = _cosines()
_SIGNS = _signs()
