"""Run NudeNet's detector, with our own steps before and after the model.

The library's own Python feeds the model blue-green-red where it was trained on red-green-blue (its issue 203), which
halves the faces it finds; and its steps around the model need OpenCV, and 70 times as long after it.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.domain.errors import ModelUnavailable
from app.domain.media import Region
from app.domain.signals import Signal
from models.image import Picture
from models.registry import Card, Machine
from models.runtime import Model, Tensor
from models.store import find

_OVERLAP = 0.45
"""Share of two boxes' union from which the weaker one is dropped, whatever its class; the library's own."""

_MOST = 50
"""Signals for one picture; a pattern can set off hundreds."""


@dataclass(frozen=True, slots=True)
class Box:
    """One detection: the class's place in the model's list, its score, and the box in fractions of the frame."""

    label: int
    score: float
    region: Region


def load(card: Card, machine: Machine) -> NudeNet:
    """Make the detector. Raise `ModelUnavailable` when the weights are missing or name other classes than the card."""
    model = Model(find(card.file, machine.weights), machine.providers)
    return NudeNet(card, model, _names(card, model))


@dataclass(frozen=True, slots=True)
class NudeNet:
    card: Card
    model: Model
    names: tuple[str, ...]

    def look(self, picture: Picture) -> tuple[Signal, ...]:
        """Look at every view. A picture with one gives every detection; one with more the strongest of each category."""
        frames = picture.scaled(self.card.input_side)
        floors = np.array([self.card.classes[name].floor for name in self.names], np.float32)
        outputs = self.model.infer([tensor_of(frame, self.card.input_side) for frame in frames])
        signals: list[Signal] = []
        for place, (frame, output) in enumerate(zip(frames, outputs, strict=True)):
            words = picture.views[place].words
            boxes = boxes_of(output[0], frame.size, floors)
            signals.extend(self._signal(box, f", {words}" if words else "", place) for box in boxes)
        signals.sort(key=lambda signal: -signal.score)
        if len(frames) > 1:
            strongest: dict[str, Signal] = {}
            for signal in signals:
                strongest.setdefault(signal.category, signal)
            signals = list(strongest.values())
        return tuple(signals[:_MOST])

    def _signal(self, box: Box, seen: str, view: int) -> Signal:
        name = self.names[box.label]
        words = name.replace("_", " ").lower() + seen
        category = self.card.classes[name].category
        return Signal(self.card.id, self.card.version, category, round(box.score, 4), box.region, words, view)


def tensor_of(frame: Image.Image, side: int) -> Tensor:
    """Put a frame at the top left of a black square, as red, green and blue planes of 0.0 to 1.0."""
    tensor = np.zeros((3, side, side), np.float32)
    planes = np.asarray(frame).transpose(2, 0, 1)
    np.multiply(planes, np.float32(1 / 255), out=tensor[:, : frame.height, : frame.width])
    return tensor


def boxes_of(output: Tensor, size: tuple[int, int], floors: Tensor) -> list[Box]:
    """Read the model's output, one column for each anchor: centre x and y, width, height, then a score for each class.

    Strongest first, only scores above their class's floor, weaker ones that overlap dropped, cut to the frame of `size` px.
    What is below its floor is dropped first, so that it cannot hide another class's box.
    """
    scores = output[4:]
    best = scores.max(axis=0)
    likely = np.flatnonzero(best > floors.min())
    labels = scores[:, likely].argmax(axis=0)
    above = best[likely] > floors[labels]
    likely, labels = likely[above], labels[above]
    if not likely.size:
        return []
    order = np.argsort(-best[likely], kind="stable")
    likely, labels = likely[order], labels[order]
    centre_x, centre_y, width, height = output[:4, likely].astype(np.float64)
    left, top = np.clip(centre_x - width / 2, 0, size[0]), np.clip(centre_y - height / 2, 0, size[1])
    right, bottom = np.minimum(left + width, size[0]), np.minimum(top + height, size[1])
    corners = np.stack([left, top, right, bottom])
    return [
        Box(int(labels[each]), float(best[likely[each]]), _region(corners[:, each], size))
        for each in _distinct(corners)
        # A box that lies in the black border is about nothing in the picture.
        if corners[2, each] > corners[0, each] and corners[3, each] > corners[1, each]
    ]


def _distinct(corners: NDArray[np.float64]) -> list[int]:
    """Keep the first of every group of overlapping boxes. They come strongest first."""
    left, top, right, bottom = corners
    area = (right - left) * (bottom - top)
    rest = np.arange(area.size)
    kept: list[int] = []
    while rest.size:
        first, rest = rest[0], rest[1:]
        kept.append(int(first))
        across = np.minimum(right[first], right[rest]) - np.maximum(left[first], left[rest])
        down = np.minimum(bottom[first], bottom[rest]) - np.maximum(top[first], top[rest])
        shared = np.clip(across, 0, None) * np.clip(down, 0, None)
        rest = rest[shared <= _OVERLAP * (area[first] + area[rest] - shared)]
    return kept


def _region(corners: NDArray[np.float64], size: tuple[int, int]) -> Region:
    left, top, right, bottom = (round(float(each), 4) for each in corners / np.array([*size, *size]))
    return Region(left, top, round(right - left, 4), round(bottom - top, 4))


def _names(card: Card, model: Model) -> tuple[str, ...]:
    """Read the class names that the ONNX file carries; the card must know exactly these."""
    try:
        by_place = ast.literal_eval(model.metadata["names"])
        names = tuple(str(by_place[place]) for place in range(len(by_place)))
    except (KeyError, ValueError, SyntaxError, TypeError) as error:
        raise ModelUnavailable(f"The weights of {card.id} do not name their classes.") from error
    if set(names) != set(card.classes):
        differing = ", ".join(sorted(set(names) ^ set(card.classes)))
        raise ModelUnavailable(f"The weights of {card.id} and its card do not name the same classes: {differing}.")
    return names
