from __future__ import annotations

from itertools import pairwise

import pytest

from app.domain.jobs import retry_delay


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 5), (1, 5), (2, 10), (3, 20), (12, 10_240), (13, 20_480), (14, 21_600), (100, 21_600)],
)
def test_doubles_from_5_seconds_to_6_hours(attempts: int, seconds: float) -> None:
    assert retry_delay(attempts) == seconds


def test_waits_longer_when_asked_and_never_shorter() -> None:
    assert retry_delay(1, 60) == 60
    assert retry_delay(10, 1) == 60
    assert retry_delay(1, 90_000) == 90_000
    assert retry_delay(1, None) == retry_delay(1, 0) == 5


def test_never_shrinks_and_never_overflows() -> None:
    delays = [retry_delay(attempts) for attempts in range(1_000)]
    assert all(before <= after for before, after in pairwise(delays))
