"""Intervals: they hold the mean, and nothing that the quantity cannot be."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ranking.statistics import DIFFERENCE, OBJECTIVE, Range, interval

numbers = st.floats(-1e9, 1e9)
ranges = st.tuples(numbers | st.just(-math.inf), numbers | st.just(math.inf)).map(lambda ends: Range(*sorted(ends)))


@given(st.lists(numbers, min_size=1, max_size=6), ranges)
def test_a_cut_interval_holds_the_mean_and_nothing_beyond_the_quantity(values: list[float], within: Range) -> None:
    mean, _, low, high = interval(values)
    kept, lower, upper = within.cut(mean, low, high)
    assert kept == mean
    if low is None or high is None:
        assert lower is upper is None
        return
    assert lower is not None
    assert upper is not None
    assert low <= lower <= mean <= upper <= high
    if within.low <= mean <= within.high:
        assert within.low <= lower <= upper <= within.high
    assert within.cut(mean, lower, upper) == (mean, lower, upper)
    assert within.bar(mean, high - mean) == pytest.approx((mean - lower, upper - mean), abs=1e-6 * (1 + high - low))


def test_scores_end_at_zero_and_differences_nowhere() -> None:
    assert OBJECTIVE.cut(0.3, -0.5, 1.1) == (0.3, 0.0, 1.1)
    assert DIFFERENCE.cut(0.3, -0.5, 1.1) == (0.3, -0.5, 1.1)
    assert OBJECTIVE.cut(0.3, None, None) == (0.3, None, None)
    assert OBJECTIVE.cut(-0.2, -0.5, 0.1) == (-0.2, -0.2, 0.1)  # what should not be is shown as it is
