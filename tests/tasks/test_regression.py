"""Scores of numbers that scikit-learn agrees with, and scales that come back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.preprocessing import StandardScaler

from pipeline.tasks.number_metrics import objective, scores
from pipeline.tasks.regression import Quantities, fit


def test_scales_are_those_of_earlier_versions_to_the_last_bit() -> None:
    """Studies go on with the scales that they began with: those of a scaler that was given the table's columns."""
    for seed in range(20):
        frame = pd.DataFrame(np.random.default_rng(seed).normal(5, 3, (48, 3)), columns=list("xyz"))
        scaler = StandardScaler().fit(pd.DataFrame({name: frame[name].to_numpy() for name in "xyz"})[["x", "y"]])
        found = fit({name: frame[name].to_numpy() for name in "xy"}, np.ones(48), "standard", "mse")
        assert found.scale == tuple(scaler.scale_.tolist())
        assert found.offset == tuple(scaler.mean_.tolist())


def test_scores_agree_with_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    measured, weights = generator.normal(3, 2, (50, 2)), generator.uniform(0, 2, 50).astype(np.float32)
    predicted = (measured + generator.normal(size=(50, 2))).astype(np.float32)
    found = scores(measured, predicted, weights, ("a", "b"))
    for place, name in enumerate(("a", "b")):
        true, guess = measured[:, place], predicted[:, place].astype(np.float64)
        mae = metrics.mean_absolute_error(true, guess, sample_weight=weights)
        assert found[name] == pytest.approx(
            {
                "mae": mae,
                "rmse": metrics.root_mean_squared_error(true, guess, sample_weight=weights),
                "r2": metrics.r2_score(true, guess, sample_weight=weights),
                "percent": 100 * mae / np.average(np.abs(true), weights=weights),
                "largest": metrics.max_error(true, guess),
            }
        )
        assert all(type(value) is float for value in found[name].values())
    assert objective(measured, predicted, weights) == pytest.approx(np.mean([found[name]["mae"] for name in found]))


def test_scores_of_equal_measurements_are_finite() -> None:
    zeros, ones = np.zeros((3, 1)), np.ones((3, 1))
    assert scores(zeros, zeros, np.ones(3), ("y",))["y"] == {"mae": 0, "rmse": 0, "r2": 1, "percent": 0, "largest": 0}
    assert scores(zeros, ones, np.ones(3), ("y",))["y"] == {"mae": 1, "rmse": 1, "r2": 0, "percent": 100, "largest": 1}
    assert scores(ones, ones * [[1], [1], [9]], np.array([1, 1, 0]), ("y",))["y"]["largest"] == 0.0


def test_shapes_that_would_broadcast_are_a_defect() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        objective(np.zeros((3, 1)), np.zeros(3), np.ones(3))
    assert np.isnan(objective(np.zeros((3, 1)), np.full((3, 1), np.nan), np.ones(3)))


def test_units_of_many_repeats_at_once() -> None:
    target = Quantities(("a", "b"), (2.0, 10.0), (1.0, -5.0))
    units = target.to_units(np.ones((4, 3, 2), dtype=np.float32))
    assert units.dtype == np.float64
    assert units.shape == (4, 3, 2)
    assert units[0, 0].tolist() == [3.0, 5.0]
    assert target.to_scaled(units).tolist() == np.ones((4, 3, 2)).tolist()
