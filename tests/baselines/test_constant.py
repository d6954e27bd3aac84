"""The best constant of the training rows, on rows that it never saw."""

import numpy as np
import pytest

from pipeline.baselines.constant import constant
from pipeline.data.rows import Part
from pipeline.tasks import load


def part(measured: list[float], target=None, weights=None) -> Part:
    values = np.array(measured)[:, None]
    scaled = values if target is None else target.to_scaled(values)
    given = np.ones(len(values), np.float32) if weights is None else np.array(weights, np.float32)
    inputs = np.zeros((len(values), 1), np.float32)
    return Part(inputs, scaled.astype(np.float32), values, given, np.arange(len(values)))


def test_numbers_are_predicted_by_the_median_of_the_training_rows():
    target = load("regression").fit({"y": np.array([0.0, 1.0, 8.0])}, np.ones(3, np.float32), "none", "mae")
    found = constant(target, part([0.0, 1.0, 8.0]), part([1.0, 3.0], target))
    assert found.objective == pytest.approx(1.0)
    assert found.scores["y"]["mae"] == pytest.approx(1.0)


def test_rows_count_in_the_baseline_as_they_count_in_the_score():
    """One row in ten outweighs the nine others: the best constant is what it says, and not the middle of the rows."""
    measured, weights = [100.0, *[0.0] * 9] * 10, [50.0, *[1.0] * 9] * 10
    target = load("regression").fit({"y": np.array(measured)}, np.array(weights, np.float32), "none", "mae")
    rows = part(measured, target, weights)
    found = constant(target, rows, rows)
    assert found.scores["y"]["mae"] == pytest.approx(100 * 9 / 59)
    assert found.objective == pytest.approx(100 * 9 / 59)
    equal = constant(target, part(measured, target), rows)
    assert equal.scores["y"]["mae"] == pytest.approx(100 * 50 / 59)  # what the median of equal rows comes to


def test_classes_are_predicted_by_their_frequencies_in_the_training_rows():
    target = load("classification").fit(
        {"c": np.array(["a", "a", "a", "b"], object)}, np.ones(4, np.float32), "none", ""
    )
    found = constant(target, part([0, 0, 0, 1]), part([0, 1], target))
    assert found.objective == pytest.approx(-(np.log(0.75) + np.log(0.25)) / 2, rel=1e-5)
    assert found.scores["c"]["accuracy"] == pytest.approx(0.5)
