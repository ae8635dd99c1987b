"""The installed detectors: every folder here with a card.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.domain.errors import ModelUnavailable
from app.domain.signals import Signal
from app.domain.taxonomy import CATEGORIES
from models.image import Picture
from models.runtime import CPU
from models.store import Weights

_HERE = Path(__file__).parent


class Label(BaseModel):
    """What one of a model's classes is in our taxonomy, and the lowest score that is worth a signal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: str
    floor: float = Field(ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _known(self) -> Label:
        if self.category not in CATEGORIES:
            raise ValueError(f"there is no category “{self.category}”")
        return self


class WeightsEntry(BaseModel):
    """Where the weights are (a file in an installed package, or an https address) and what proves them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    package: str = ""
    path: str = ""
    url: Annotated[str, Field(pattern="^(https://.+)?$")] = ""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def _one_place(self) -> WeightsEntry:
        if bool(self.url) == bool(self.package and self.path):
            raise ValueError("name either a package and a path in it, or an address")
        return self


class Card(BaseModel):
    """A detector's card. `version` changes whenever the same picture may give other signals."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
    version: Annotated[str, Field(min_length=1)]
    title: Annotated[str, Field(min_length=1)]
    licence: Annotated[str, Field(min_length=1)]
    reference: Annotated[str, Field(pattern="^https://")]
    input_side: Annotated[int, Field(gt=0, le=4096)]
    weights: WeightsEntry | None = None
    classes: dict[str, Label]

    @property
    def file(self) -> Weights:
        """Describe the weights for `models.store`. Raise `ModelUnavailable` when the detector has none."""
        if self.weights is None:
            raise ModelUnavailable(f"The detector {self.id} has no weights.")
        return Weights(**self.weights.model_dump())


@dataclass(frozen=True, slots=True)
class Machine:
    """What detectors may use: the folder of pulled weights, and onnxruntime's providers in order of preference."""

    weights: Path | None = None
    providers: tuple[str, ...] = (CPU,)


class Detector(Protocol):
    """What looks at decoded pictures. Threads share one; whatever it raises is a failure of that picture only."""

    def look(self, picture: Picture) -> tuple[Signal, ...]:
        """List what is seen, strongest first, and in which view; of several views the strongest of each category over all.

        Raise `ModelUnavailable` when it cannot run."""


@cache
def cards() -> Mapping[str, Card]:
    """Read every card, by id. Raise `ModelUnavailable` that names the card and what is wrong with it."""
    return {card.id: card for card in (read_card(path) for path in sorted(_HERE.glob("*/card.toml")))}


def read_card(path: Path) -> Card:
    """Read one card.toml; its id is its folder's name. Raise `ModelUnavailable` when something in it is wrong."""
    try:
        card = Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise ModelUnavailable(f"The card {path.parent.name}/{path.name} is not valid: {error}") from error
    if card.id != path.parent.name:
        raise ModelUnavailable(f"The card in the folder {path.parent.name} calls itself {card.id}.")
    return card


def load(card: Card, machine: Machine) -> Detector:
    """Make a card's detector. Raise `ModelUnavailable` when its weights are missing or wrong."""
    detector: Detector = import_module(f"models.{card.id}.detector").load(card, machine)
    return detector
