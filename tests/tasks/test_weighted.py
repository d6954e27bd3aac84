"""Statistics of rows that count by their weights: exact, with the law that a weight is as many rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tasks import weighted

numbers = st.floats(-1e6, 1e6)
rows = st.lists(st.tuples(numbers, st.integers(0, 9)), min_size=1, max_size=40).filter(
    lambda drawn: any(weight for _, weight in drawn)
)


def taken_apart(drawn: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    values, weights = zip(*drawn, strict=True)
    return np.array(values), np.array(weights, dtype=float)


@given(st.lists(numbers, min_size=1, max_size=60), st.floats(1e-6, 1e6))
def test_equal_weights_are_no_weights_to_the_last_bit(values: list[float], weight: float) -> None:
    assert weighted.median(np.array(values), np.full(len(values), weight)) == np.median(values)


@given(rows, st.floats(1e-6, 1e6))
def test_a_weight_is_as_many_rows_whatever_its_unit(drawn: list[tuple[float, int]], unit: float) -> None:
    values, weights = taken_apart(drawn)
    repeated = np.repeat(values, weights.astype(int))
    stored = (unit * weights / np.mean(unit * weights)).astype(np.float32)  # as the rows of a study have them
    assert weighted.median(values, weights) == weighted.median(values, stored) == np.median(repeated)
    assert weighted.mean(values, weights) == pytest.approx(np.mean(repeated), rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(numbers, st.floats(0, 1e3)), min_size=1, max_size=30))
def test_no_number_has_a_lower_weighted_mean_absolute_error(drawn: list[tuple[float, float]]) -> None:
    values, weights = (np.array(each) for each in zip(*drawn, strict=True))
    if not weights.sum() > 0:
        return

    def error(number: float) -> float:
        return float(np.average(np.abs(values - number), weights=weights))

    # One of the values is always a best constant: the error is linear between them.
    best = min(error(each) for each in values)
    assert error(weighted.median(values, weights)) <= best + 1e-6 * np.ptp(values)


def test_many_equal_rows_have_the_median_of_them() -> None:
    values = np.arange(6_000_001.0) ** 2
    assert weighted.median(values, np.ones(len(values), np.float32)) == 3_000_000**2


def test_one_row_that_outweighs_the_others_is_the_median() -> None:
    assert weighted.median(np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.5])) == 2.0
    assert weighted.median(np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0])) == 1.5  # two halves: in the middle


def test_rows_without_any_weight_have_no_median() -> None:
    with pytest.raises(ValueError, match="weight above 0"):
        weighted.median(np.array([1.0, 2.0]), np.zeros(2))
