from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from pydantic import ValidationError

from app.domain.errors import SettingsInvalid
from app.domain.settings import HoldingSettings, Kind, Mode, SiteSettings, declare, validate
from integrations.registry import platforms

EVERY = [SiteSettings, *(platform.Settings for platform in platforms().values())]


@pytest.mark.parametrize("settings", EVERY, ids=lambda settings: settings.__module__)
def test_every_setting_can_be_shown_to_people(settings: type[SiteSettings]) -> None:
    fields = declare(settings)
    assert [field["name"] for field in fields] == list(settings.model_fields)
    for field in fields:
        assert field["title"] != field["name"] and field["description"].endswith(".")
        assert (field["kind"] is Kind.CHOICE) is bool(field["choices"])
        if field["kind"] is Kind.CHOICE:
            named = settings.model_fields[field["name"]].annotation
            assert isinstance(named, type) and issubclass(named, StrEnum) and set(field["choices"]) <= set(named)
            assert field["default"] in field["choices"]
        if field["kind"] is Kind.NUMBER:
            assert field["minimum"] <= field["default"] <= field["maximum"]


@pytest.mark.parametrize("settings", EVERY, ids=lambda settings: settings.__module__)
def test_the_defaults_and_every_choice_are_valid(settings: type[SiteSettings]) -> None:
    fields = declare(settings)
    defaults = {field["name"]: field["default"] for field in fields}
    assert validate(settings, defaults) == settings()
    for field in fields:
        for choice in field["choices"]:
            try:
                chosen = validate(settings, defaults | {field["name"]: choice})
            except SettingsInvalid as wrong:
                assert "is missing" in str(wrong)  # it needs a text beside it, which has no default
            else:
                assert getattr(chosen, field["name"]) == choice


@pytest.mark.parametrize("settings", EVERY, ids=lambda settings: settings.__module__)
def test_settings_survive_the_way_through_json(settings: type[SiteSettings]) -> None:
    assert validate(settings, settings().model_dump(mode="json")) == settings()


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"mode": "loud"}, "mode"),
        ({"preview_days": 0}, "preview_days"),
        ({"preview_days": 366}, "preview_days"),
        ({"preview_days": "many"}, "preview_days"),
        ({"delete_blocked": "perhaps"}, "delete_blocked"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_wrong_value_is_named(values: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsInvalid) as wrong:
        validate(SiteSettings, values)
    assert set(wrong.value.fields) == {name}


def test_flag_only_hides_nothing() -> None:
    assert not SiteSettings(mode=Mode.FLAG).may_hide({})
    assert SiteSettings(mode=Mode.HIDE).may_hide({})
    assert HoldingSettings(mode=Mode.HOLD).may_hide({})


def test_no_platform_takes_a_mode_that_it_does_not_offer() -> None:
    with pytest.raises(ValidationError, match="must be one of flag, hide"):
        SiteSettings(mode=Mode.HOLD)
    offered = {slug: set(declare(platform.Settings)[0]["choices"]) for slug, platform in platforms().items()}
    assert [slug for slug, modes in offered.items() if "hold" in modes], "nobody can hold"
    for slug, modes in offered.items():
        for mode in set(Mode) - modes:
            with pytest.raises(ValidationError):
                platforms()[slug].Settings(mode=mode)
