"""What every discovered detector does, whatever it looks for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.domain.signals import Signal
from app.domain.taxonomy import CATEGORIES
from models.image import Picture, read
from models.registry import Detector, Machine, cards, load
from tests.unit.models.drawn import animation, encoded, halves, photo

PICTURES = {
    "photo": encoded(photo(), "JPEG"),
    "tall": encoded(photo(40, 900), "PNG"),
    "one pixel": encoded(halves(1, 1), "PNG"),
    "grey": encoded(photo().convert("L"), "PNG"),
    "animation": animation(3),
}


@pytest.fixture(params=sorted(cards()))
def detector(request: pytest.FixtureRequest) -> Detector:
    return load(cards()[request.param], Machine())


@pytest.fixture(params=sorted(PICTURES))
def picture(request: pytest.FixtureRequest) -> Picture:
    return read(PICTURES[request.param])


def test_signals_are_well_formed(detector: Detector, picture: Picture) -> None:
    for signal in detector.look(picture):
        assert isinstance(signal, Signal)
        card = cards()[signal.detector]
        assert signal.version == card.version and signal.category in CATEGORIES
        assert signal.category in {label.category for label in card.classes.values()}
        assert 0.0 <= signal.score <= 1.0
        if signal.region is not None:
            region = signal.region
            assert 0.0 <= region.x <= region.x + region.width <= 1.0001 and region.width > 0
            assert 0.0 <= region.y <= region.y + region.height <= 1.0001 and region.height > 0


def test_the_strongest_comes_first(detector: Detector, picture: Picture) -> None:
    scores = [signal.score for signal in detector.look(picture)]
    assert scores == sorted(scores, reverse=True)


def test_the_same_picture_gives_the_same_signals(detector: Detector, picture: Picture) -> None:
    assert detector.look(picture) == detector.look(picture)


def test_threads_do_not_disturb_each_other(detector: Detector) -> None:
    alone = {name: detector.look(read(data)) for name, data in PICTURES.items()}
    with ThreadPoolExecutor(4) as pool:
        jobs = [(name, pool.submit(detector.look, read(data))) for _ in range(3) for name, data in PICTURES.items()]
        assert all(job.result() == alone[name] for name, job in jobs)


def test_the_picture_is_left_as_it_was(detector: Detector, picture: Picture) -> None:
    before = [frame.tobytes() for frame in picture.frames]
    detector.look(picture)
    assert [frame.tobytes() for frame in picture.frames] == before
