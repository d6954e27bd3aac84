"""The best constant of the training rows, on rows that it never saw."""

import numpy as np
import pytest

from pipeline.baselines.constant import constant
from pipeline.data.rows import Part
from pipeline.tasks import load


def part(measured: list[float], target=None) -> Part:
    values = np.array(measured)[:, None]
    scaled = values if target is None else target.to_scaled(values)
    ones = np.ones(len(values), np.float32)
    return Part(np.zeros((len(values), 1), np.float32), scaled.astype(np.float32), values, ones, np.arange(len(values)))


def test_numbers_are_predicted_by_the_median_of_the_training_rows():
    target = load("regression").fit({"y": np.array([0.0, 1.0, 8.0])}, np.ones(3, np.float32), "none", "mae")
    found = constant(target, part([0.0, 1.0, 8.0]), part([1.0, 3.0], target))
    assert found.objective == pytest.approx(1.0)
    assert found.scores["y"]["mae"] == pytest.approx(1.0)


def test_classes_are_predicted_by_their_frequencies_in_the_training_rows():
    target = load("classification").fit(
        {"c": np.array(["a", "a", "a", "b"], object)}, np.ones(4, np.float32), "none", ""
    )
    found = constant(target, part([0, 0, 0, 1]), part([0, 1], target))
    assert found.objective == pytest.approx(-(np.log(0.75) + np.log(0.25)) / 2, rel=1e-5)
    assert found.scores["c"]["accuracy"] == pytest.approx(0.5)
