"""A curve has every epoch of a short training, and of a long one those that tell its story."""

import numpy as np
import pytest

from pipeline.training.curve import POINTS, Curve


def test_a_short_training_is_kept_whole():
    curve = Curve.of([3.0, 2.0, 1.5], np.array([4.0, 1.0, 2.0]), 2)
    assert curve.epochs.tolist() == [1, 2, 3]
    assert curve.training.tolist() == [3.0, 2.0, 1.5]
    assert curve.validation.tolist() == [4.0, 1.0, 2.0]
    assert [each.dtype.str for each in (curve.epochs, curve.training, curve.validation)] == ["<i4", "<f4", "<f4"]


@pytest.mark.parametrize("count", [POINTS, POINTS + 1, 2 * POINTS - 1, 12_345])
def test_a_long_one_is_thinned_evenly_and_keeps_its_first_last_and_best_epoch(count):
    losses = np.arange(count, dtype=np.float64)
    for best in {1, 2, 3, count // 3, count // 2 + 1, count - 1, count}:
        curve = Curve.of(losses, 2 * losses, best)
        assert len(curve.epochs) == POINTS
        assert {1, best, count} <= set(curve.epochs.tolist())
        assert np.array_equal(curve.training, (curve.epochs - 1).astype(np.float32))
        assert np.array_equal(curve.validation, 2 * curve.training)
        gaps = np.diff(curve.epochs)
        assert gaps.min() >= 1
        assert gaps.max() <= 2 * -(-count // POINTS)
