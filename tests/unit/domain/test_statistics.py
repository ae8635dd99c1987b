from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.precision import share
from app.domain.statistics import end_of, percentile, step_of


# Values from the literature's usual check: R's prop.test(x, n, correct = FALSE).
@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval(right: int, total: int, low: float, high: float) -> None:
    found = share(right, total)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@given(st.integers(1, 10_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_holds_the_share_and_stays_within_bounds(counts: tuple[int, int]) -> None:
    found = share(*counts)
    assert 0.0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1.0


def test_nothing_is_claimed_about_nothing() -> None:
    nothing = share(0, 0)
    assert (nothing.low, nothing.high, nothing.enough) == (0.0, 1.0, False)
    assert (share(19, 19).enough, share(20, 20).enough) == (False, True)


@given(st.floats(0.001, 1e7))
def test_a_span_lies_in_its_step(seconds: float) -> None:
    step = step_of(seconds)
    assert seconds <= end_of(step) * (1 + 1e-6)
    assert step == 0 or end_of(step - 1) < seconds * (1 + 1e-6)


@given(st.lists(st.floats(0.002, 1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.95]))
def test_a_percentile_is_at_most_a_fifth_too_high(spans: list[float], part: float) -> None:
    steps: dict[int, int] = {}
    for span in spans:
        steps[step_of(span)] = steps.get(step_of(span), 0) + 1
    exact = sorted(spans)[math.ceil(part * len(spans)) - 1]
    found = percentile(steps, part)
    assert found is not None
    assert exact * 0.999 <= found <= exact * 1.2


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile({}, 0.5) is None
