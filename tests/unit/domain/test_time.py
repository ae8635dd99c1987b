from __future__ import annotations

import pytest

from app.domain.time import DAY, SECOND, iso, microseconds, utc

AT = 1_795_348_800 * SECOND + 250_001


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22T12:00:00.250001Z", AT),
        ("2026-11-22T12:00:00.250001", AT),
        ("2026-11-22T13:00:00.250001+01:00", AT),
        ("2026-11-22", AT // DAY * DAY),
        ("1969-12-31T23:59:59Z", -SECOND),
        *((text, 0) for text in ("", "soon", "2026-13-01", "1970-01-01T00:00:00Z", "9" * 400)),
    ],
)
def test_a_time_is_read_to_the_microsecond_and_nonsense_is_none(text: str, at: int) -> None:
    assert microseconds(text) == at


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_at_the_edge_of_the_calendar_is_read(edge: str) -> None:
    assert microseconds(edge) != 0


def test_what_is_written_is_read_again() -> None:
    assert iso(AT) == "2026-11-22T12:00:00+00:00"
    assert microseconds(iso(AT)) == AT // SECOND * SECOND
    assert microseconds(utc(AT).isoformat()) == AT
