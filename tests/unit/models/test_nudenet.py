"""NudeNet's steps before and after the model."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.domain.errors import ModelUnavailable
from app.domain.media import Region
from models.image import read
from models.nudenet import detector as nudenet
from models.nudenet.detector import NudeNet, boxes_of, tensor_of
from models.registry import Machine, cards, load
from tests.unit.models.drawn import animation, encoded, halves, photo

FLOORS = np.full(18, 0.25, np.float32)


class Told:
    """Stand in for the model: give outputs that the test made, one for each tensor."""

    def __init__(self, *outputs: np.ndarray) -> None:
        self.outputs = outputs

    def infer(self, tensors: list[np.ndarray]) -> list[tuple[np.ndarray, ...]]:
        return [(self.outputs[place % len(self.outputs)],) for place, _ in enumerate(tensors)]


def output(*boxes: tuple[float, float, float, float, int, float]) -> np.ndarray:
    """Lay boxes out as the model does: centre x, centre y, width, height, class, score."""
    made = np.zeros((22, max(len(boxes), 1)), np.float32)
    for column, (x, y, width, height, label, score) in enumerate(boxes):
        made[:4, column] = x, y, width, height
        made[4 + label, column] = score
    return made


def real() -> NudeNet:
    detector = load(cards()["nudenet"], Machine())
    assert isinstance(detector, NudeNet)
    return detector


def slowly(made: np.ndarray, size: tuple[int, int], floors: np.ndarray) -> list[tuple[int, float, Region]]:
    """Do what `boxes_of` does, one number at a time."""
    found = []
    for column in made.T:
        scores = column[4:].tolist()
        label = scores.index(max(scores))
        if max(scores) > floors[label]:
            x, y, w, h = (float(value) for value in column[:4])
            left, top = min(max(x - w / 2, 0), size[0]), min(max(y - h / 2, 0), size[1])
            found.append((label, max(scores), left, top, min(left + w, size[0]), min(top + h, size[1])))
    found.sort(key=lambda box: -box[1])
    kept: list[tuple[int, float, float, float, float, float]] = []
    for box in found:
        for other in kept:
            across = max(0.0, min(box[4], other[4]) - max(box[2], other[2]))
            down = max(0.0, min(box[5], other[5]) - max(box[3], other[3]))
            union = (box[4] - box[2]) * (box[5] - box[3]) + (other[4] - other[2]) * (other[5] - other[3]) - across * down
            if across * down > 0.45 * union:
                break
        else:
            kept.append(box)
    return [
        (
            label,
            score,
            Region(
                round(left / size[0], 4),
                round(top / size[1], 4),
                round(round(right / size[0], 4) - round(left / size[0], 4), 4),
                round(round(bottom / size[1], 4) - round(top / size[1], 4), 4),
            ),
        )
        for label, score, left, top, right, bottom in kept
        if right > left and bottom > top
    ]


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_a_slow_reference(seed: int) -> None:
    draw = np.random.default_rng(seed)
    made = np.zeros((22, 300), np.float32)
    made[:2], made[2:4] = draw.uniform(-20, 340, (2, 300)), draw.uniform(0, 160, (2, 300))
    made[4:] = draw.beta(0.5, 6, (18, 300))
    floors = draw.choice([0.25, 0.5], 18).astype(np.float32)
    size = (320, int(draw.integers(20, 321)))
    fast = [(box.label, box.score, box.region) for box in boxes_of(made, size, floors)]
    assert fast == slowly(made, size, floors) and fast


def test_agrees_with_a_slow_reference_on_the_real_model() -> None:
    detector = real()
    low = np.full(18, 0.002, np.float32)
    found = 0
    for seed in range(4):
        frame = read(encoded(photo(640, 480, seed), "PNG")).scaled(320)[0]
        made = detector.model.infer([tensor_of(frame, 320)])[0][0]
        fast = [(box.label, box.score, box.region) for box in boxes_of(made, frame.size, low)]
        assert fast == slowly(made, frame.size, low)
        found += len(fast)
    assert found


def test_regions_are_fractions_of_the_upright_picture() -> None:
    (box,) = boxes_of(output((160, 60, 160, 60, 3, 0.9)), (320, 240), FLOORS)
    assert box.region == Region(0.25, 0.125, 0.5, 0.25)
    assert boxes_of(output((160, 300, 50, 50, 3, 0.9)), (320, 240), FLOORS) == []
    assert boxes_of(output(), (320, 240), FLOORS) == []


def test_what_is_below_its_floor_hides_nothing() -> None:
    detector = replace(real(), model=Told(output((100, 100, 80, 80, 16, 0.45), (102, 100, 80, 80, 3, 0.40))))
    (signal,) = detector.look(read(encoded(halves(), "PNG")))
    assert (signal.category, signal.score) == ("sexual.explicit_nudity.female_nipple", 0.4)


def test_a_signal_says_what_where_and_who() -> None:
    detector = replace(real(), model=Told(output((160, 80, 320, 160, 1, 0.8))))
    (signal,) = detector.look(read(encoded(halves(), "PNG")))
    assert (signal.detector, signal.version) == ("nudenet", cards()["nudenet"].version)
    assert (signal.category, signal.note, signal.region) == ("privacy.face", "face female", Region(0.0, 0.0, 1.0, 1.0))


def test_an_animation_gives_the_strongest_of_each_category() -> None:
    face, breast = (160, 160, 60, 60, 1), (60, 60, 50, 50, 3)
    told = Told(output((*face, 0.5)), output((*face, 0.7), (*breast, 0.4)), output((*breast, 0.6)))
    signals = replace(real(), model=told).look(read(animation(3)))
    assert [(signal.category, signal.score) for signal in signals] == [
        ("privacy.face", 0.7),
        ("sexual.explicit_nudity.female_nipple", 0.6),
    ]
    assert signals[1].note == "female breast exposed, picture 3 of the animation"


def test_signals_are_not_without_end() -> None:
    many = output(*((8 + 15.0 * (n % 20), 8 + 15.0 * (n // 20), 10, 10, 3, 0.9) for n in range(400)))
    assert len(replace(real(), model=Told(many)).look(read(encoded(Image.new("RGB", (320, 320)), "PNG")))) == 50


def test_the_tensor_is_red_green_blue_and_padded_right_and_below() -> None:
    tensor = tensor_of(Image.new("RGB", (4, 2), (255, 51, 0)), 4)
    assert tensor.shape == (3, 4, 4) and tensor.dtype == np.float32
    assert np.allclose(tensor[:, :2], np.array([1.0, 0.2, 0.0])[:, None, None]) and not tensor[:, 2:].any()


def test_weights_that_name_other_classes_are_refused() -> None:
    card = cards()["nudenet"]
    fewer = card.model_copy(update={"classes": {k: v for k, v in card.classes.items() if k != "FACE_MALE"}})
    with pytest.raises(ModelUnavailable, match="FACE_MALE"):
        nudenet.load(fewer, Machine())


@pytest.mark.parametrize("names", [None, "[", "{1: 'A'}", "3"])
def test_weights_that_name_nothing_are_refused(names: str | None) -> None:
    class Nameless:
        metadata = {} if names is None else {"names": names}

    with pytest.raises(ModelUnavailable, match="do not name"):
        nudenet._names(cards()["nudenet"], Nameless())  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_drawn_pictures_show_nothing_explicit(seed: int) -> None:
    data = encoded(photo(800, 600, seed), "JPEG")
    assert not [signal for signal in real().look(read(data)) if signal.score >= 0.55]
    assert Image.open(BytesIO(data)).size == (800, 600)
