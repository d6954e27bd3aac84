"""Calibration: the least log loss of what may be fitted, kept where it helps on rows that it was not fitted to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from pipeline.tasks import probabilities
from pipeline.tasks.calibration import LEAST, MOST, PLATT, TEMPERATURE, Calibration, calibrated, fit


def drawn(
    count: int, classes: int, *, seed: int = 0, power: float = 1.0, shift: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities (n, classes) that are true but for a power and a shift of the second class, truth, and weights."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, classes)) * 1.5
    true = probabilities.of_logits(logits)
    truth = np.array([rng.choice(classes, p=row) for row in true])
    return probabilities.of_logits(power * logits + shift * (np.arange(classes) == 1)), truth, rng.uniform(0, 2, count)


def loss(chances: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> float:
    return probabilities.log_loss(truth, chances, weights)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_temperature_undoes_a_power(classes: int) -> None:
    chances, truth, weights = drawn(20_000, classes, power=2.0)
    assert fit(chances, truth, weights).temperature == pytest.approx(2.0, rel=0.06)
    assert Calibration(2.0)(chances) == pytest.approx(drawn(20_000, classes)[0])


def smoothed(chances: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows once for each class, with the weights of a fit as if one of n + 2 rows had been wrong."""
    doubt, classes = 1 / (weights.sum() ** 2 / (weights**2).sum() + 2), chances.shape[1]
    each = [weights * np.where(truth == place, 1 - doubt, doubt / (classes - 1)) for place in range(classes)]
    return np.tile(chances, (classes, 1)), np.repeat(np.arange(classes), len(truth)), np.concatenate(each)


def test_two_numbers_are_a_logistic_regression_of_the_log_odds() -> None:
    chances, truth, weights = drawn(500, 2, power=1.7, shift=0.8)
    found = fit(chances, truth, weights, shifted=True)
    said, labels, counts = smoothed(chances, truth, weights)
    odds = np.log(said[:, 1] / said[:, 0])[:, np.newaxis]
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(odds, labels, sample_weight=counts)
    assert 1 / found.temperature == pytest.approx(peer.coef_[0, 0], rel=1e-4)
    assert found.shift == pytest.approx(peer.intercept_[0], abs=1e-4)
    assert found(said)[:, 1] == pytest.approx(peer.predict_proba(odds)[:, 1], abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 60),
    classes=st.integers(2, 4),
    power=st.floats(0.02, 50),
    digits=st.integers(0, 6),
)
def test_a_fit_is_the_least_loss_of_what_is_allowed(
    seed: int, count: int, classes: int, power: float, digits: int
) -> None:
    chances, truth, weights = drawn(count, classes, seed=seed, power=power)
    chances, weights = np.round(chances, digits), weights + 1e-3  # many ties, zeros and ones; sums are not exactly 1
    rows = smoothed(chances, truth, weights)
    found = fit(chances, truth, weights)
    assert LEAST <= found.temperature <= MOST
    best = loss(found(rows[0]), *rows[1:])
    for temperature in np.geomspace(LEAST, MOST, 50):
        assert best <= loss(Calibration(temperature)(rows[0]), *rows[1:]) + 1e-9
    if classes == 2:
        both = fit(chances, truth, weights, shifted=True)
        assert LEAST <= both.temperature <= MOST
        assert loss(both(rows[0]), *rows[1:]) <= loss(Calibration()(rows[0]), *rows[1:]) + 1e-9


@pytest.mark.parametrize(("classes", "shifted"), [(2, False), (2, True), (3, False)])
def test_a_few_rows_that_are_all_right_make_nothing_sure(classes: int, shifted: bool) -> None:
    """One of 30 rows more may be wrong: no fit says more than that, however sure or unsure the rows were."""
    truth = np.arange(30) % classes
    for sure in (0.6, 0.9, 0.9999):
        chances = np.where(truth[:, np.newaxis] == np.arange(classes), sure, (1 - sure) / (classes - 1))
        said = fit(chances, truth, np.ones(30), shifted=shifted)(chances)
        assert said.max(axis=1) == pytest.approx(1 - 1 / 32, abs=0.01)
    assert calibrated(chances, truth, np.ones(30), np.arange(30) // 10).calibration is None  # it is worse on right rows


def test_rows_count_by_their_weights_whatever_the_unit() -> None:
    chances, truth, _ = drawn(200, 3, power=1.5)
    counts = np.random.default_rng(1).integers(0, 4, 200)
    once = fit(np.repeat(chances, counts, axis=0), np.repeat(truth, counts), np.ones(counts.sum()))
    assert fit(chances, truth, counts).temperature == pytest.approx(once.temperature, rel=0.02)
    assert fit(chances, truth, 1e-6 * counts).temperature == pytest.approx(fit(chances, truth, counts).temperature)
    assert fit(chances[counts > 0], truth[counts > 0], counts[counts > 0]) == fit(chances, truth, counts)


def test_a_temperature_changes_no_likeliest_class_and_no_order_of_rows() -> None:
    chances, _, _ = drawn(500, 3)
    for temperature in (LEAST, 0.7, 3.0, MOST):
        found = Calibration(temperature)(chances)
        assert found.sum(axis=1) == pytest.approx(1)
        assert np.array_equal(found.argmax(axis=1), chances.argmax(axis=1))
        assert (found.max(axis=1) > chances.max(axis=1)).all() == (temperature < 1)
    two, _, _ = drawn(500, 2)
    order = np.argsort(two[:, 1], kind="stable")
    assert (np.diff(Calibration(2.5, -1.3)(two)[order, 1]) >= 0).all()
    assert np.isnan(Calibration(2.0)(np.array([[np.nan, 0.5]]))).all()


def thirds(count: int) -> np.ndarray:
    return np.arange(count) % 3


def test_what_helps_rows_that_it_was_not_fitted_to_is_kept() -> None:
    chances, truth, weights = drawn(3000, 2, power=3.0, shift=1.0)
    found = calibrated(chances, truth, weights, thirds(3000))
    assert found.calibration is not None
    assert found.fitted[PLATT] < found.fitted[TEMPERATURE] < found.loss == loss(chances, truth, weights)
    assert found.calibration == fit(chances, truth, weights, shifted=True)
    assert (found.rows, found.parts, found.best) == (3000, 3, found.fitted[PLATT])
    alone = calibrated(chances, truth, weights, thirds(3000), shifts=False)
    assert alone.fitted == {TEMPERATURE: found.fitted[TEMPERATURE]}
    assert alone.calibration == fit(chances, truth, weights)


def test_what_does_not_help_them_is_left() -> None:
    """Few rows: what is fitted to some is worse on the others, though on all it is better, as everything fitted is."""
    left = 0
    for seed in range(20):
        chances, truth, _ = drawn(15, 2, seed=seed)
        found = calibrated(chances, truth, np.ones(15), thirds(15))
        assert (found.calibration is None) == (found.best >= found.loss)
        left += found.calibration is None
    assert left > 10


def test_a_part_is_judged_by_what_the_others_say() -> None:
    chances, truth, weights = drawn(300, 3, power=2.0)
    said = chances.copy()
    for part in range(3):
        own = thirds(300) == part
        said[own] = fit(chances[~own], truth[~own], weights[~own])(chances[own])
    assert calibrated(chances, truth, weights, thirds(300)).fitted == {TEMPERATURE: loss(said, truth, weights)}


def test_without_parts_nothing_is_fitted() -> None:
    chances, truth, weights = drawn(5, 2)
    found = calibrated(chances, truth, weights, None)
    assert found.calibration is None
    assert not found.fitted
    assert np.isnan(found.best)
