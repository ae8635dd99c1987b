"""Cards: complete, typed, and true to the weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.errors import ModelUnavailable
from app.domain.taxonomy import CATEGORIES
from models import registry
from models.registry import cards, read_card

ROOM = Path(registry.__file__).parent


def test_every_folder_with_a_detector_has_a_card_and_the_other_way_round() -> None:
    with_detector = {path.parent.name for path in ROOM.glob("*/detector.py")}
    assert with_detector == {path.parent.name for path in ROOM.glob("*/card.toml")} == set(cards())
    assert "nudenet" in cards()


def test_every_class_is_in_the_taxonomy() -> None:
    for card in cards().values():
        assert {label.category for label in card.classes.values()} <= set(CATEGORIES)


def test_exposed_classes_are_reported_from_lower_scores_than_covered_ones() -> None:
    for name, label in cards()["nudenet"].classes.items():
        intimate = label.category.startswith(("sexual.explicit_nudity", "privacy.face"))
        assert label.floor == (0.25 if intimate else 0.5), name


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("privacy.face", "privacy.nose", "privacy.nose"),
        ('id = "nudenet"', 'id = "other"', "calls itself other"),
        ("floor = 0.25", "floor = 2.5", "floor"),
        ('package = "nudenet"', 'url = "http://a.example/m.onnx"', "url"),
        ('package = "nudenet"', 'url = "https://a.example/m.onnx"\npackage = "nudenet"', "either"),
        ("input_side = 320", "input_side = 320\nextra = 1", "extra"),
        ("sha256 = ", "sha256 = 1 #", "sha256"),
        ("[weights]", "[weights", "not valid"),
    ],
)
def test_a_wrong_card_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    text = (ROOM / "nudenet" / "card.toml").read_text(encoding="utf-8")
    assert old in text
    folder = tmp_path / "nudenet"
    folder.mkdir()
    (folder / "card.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelUnavailable, match=reason):
        read_card(folder / "card.toml")


def test_a_missing_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable):
        read_card(tmp_path / "card.toml")
