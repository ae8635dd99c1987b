"""What is said to those who upload, and what is done about them: where a platform says that it can, and refused elsewhere."""

from __future__ import annotations

import pytest

from app.domain.errors import PlatformRefused
from app.domain.platform import Platform
from app.domain.uploaders import MESSAGE_CHARACTERS, Sanction, SanctionOrder, UploaderMessage
from tests.contract.sample import StandIn

UNTIL = 1_795_435_200_000_000


def ordered(platform: Platform, place: StandIn, sanction: Sanction, id: int = 1) -> object:
    until = UNTIL if sanction is Sanction.SUSPEND else 0
    return platform.sanction(place.site, SanctionOrder(id, "u_7", sanction, until, "Three blocked pictures"))


def test_what_is_not_declared_is_refused(platform: Platform, place: StandIn) -> None:
    if not platform.tells_uploaders:
        with pytest.raises(PlatformRefused, match=platform.name):
            platform.tell(place.site, UploaderMessage(1, "u_7", "Your picture was hidden."))
    for sanction in set(Sanction) - platform.sanctions:
        with pytest.raises(PlatformRefused, match=platform.name):
            ordered(platform, place, sanction)


def test_a_message_reaches_its_uploader_once_and_no_other(platform: Platform, telling: StandIn) -> None:
    text = "Grüße – ".ljust(MESSAGE_CHARACTERS, "x")
    for _ in range(2):
        platform.tell(telling.site, UploaderMessage(1, "u_7", text, telling.media))
    assert telling.said("u_7") == [text]
    assert telling.said("u_8") == []
    platform.tell(telling.site, UploaderMessage(2, "u_7", "Another"))
    assert telling.said("u_7") == [text, "Another"]


def test_a_sanction_twice_is_once_and_can_be_lifted(platform: Platform, sanctioning: StandIn) -> None:
    for sanction in platform.sanctions - {Sanction.LIFT}:
        for _ in range(2):
            first = ordered(platform, sanctioning, sanction)
        assert sanctioning.suspended("u_7") and not sanctioning.suspended("u_8")
        assert ordered(platform, sanctioning, sanction) == first
        for _ in range(2):
            ordered(platform, sanctioning, Sanction.LIFT, id=2)
        assert not sanctioning.suspended("u_7")
