from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, model_validator

from app.domain.errors import MESSAGE_CHARACTERS, SettingsInvalid, wrong_fields


class _Limit(BaseModel):
    most: int
    least: int = 0

    @model_validator(mode="after")
    def _ordered(self) -> _Limit:
        if self.least > self.most:
            raise ValueError("the least is more than the most")
        return self


class _Sent(BaseModel):
    limits: list[_Limit]
    name: str


def _error(values: dict[str, Any], shape: type[BaseModel] = _Sent) -> ValidationError:
    with pytest.raises(ValidationError) as raised:
        shape.model_validate(values)
    return raised.value


def test_each_wrong_field_is_named_by_its_place_in_its_own_words() -> None:
    error = _error({"limits": [{"most": 2}, {"most": 1, "least": 2}, {"most": "x"}]})
    fields = wrong_fields(error, "body")
    assert fields["limits.1"] == "the least is more than the most"
    assert fields["name"] == "Field required" and set(fields) == {"limits.1", "limits.2.most", "name"}
    said = SettingsInvalid.of(error, "The request is not valid", "body")
    assert str(said).startswith("The request is not valid: limits.1: the least is more") and said.fields == fields


def test_what_is_wrong_as_a_whole_has_a_name_too() -> None:
    error = _error({"most": 1, "least": 2}, _Limit)
    assert wrong_fields(error, "body") == {"body": "the least is more than the most"}
    assert str(SettingsInvalid.of_environment(error, "PICWARD_PAPER_")).endswith(
        "\nPICWARD_PAPER_*: the least is more than the most"
    )


def test_a_thousand_wrong_fields_make_a_short_message_and_are_all_named() -> None:
    said = SettingsInvalid.of(_error({"limits": [{}] * 1000, "name": ""}), "The request is not valid", "body")
    assert len(str(said)) == MESSAGE_CHARACTERS and len(said.fields) == 1000
