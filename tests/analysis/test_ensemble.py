"""Which networks are averaged, and what the mean scores: the laws of the selection, and its worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis.ensemble import GREEDY, MEAN, Candidate, choose, examined, greedy, mean_of
from pipeline.data.rows import Part
from pipeline.ranking.statistics import over_rows
from pipeline.tasks import Target
from pipeline.tasks.classification import Classes
from pipeline.tasks.regression import Quantities

NUMBERS = Quantities(("y", "z"), (2.0, 0.5), (1.0, -3.0))
CLASSES = Classes(("c",), ("a", "b", "c"), (0.5, 0.3, 0.2), 3)


def part_of(target: Target, rng: np.random.Generator, rows: int) -> Part:
    measured = (
        rng.normal(size=(rows, 2)) if target is NUMBERS else rng.integers(0, 3, size=(rows, 1)).astype(np.float64)
    )
    outputs = target.to_scaled(measured).astype(np.float32)
    return Part(np.zeros((rows, 1), np.float32), outputs, measured, rng.uniform(0.5, 2, rows), np.arange(rows))


def said(target: Target, part: Part, rng: np.random.Generator, networks: int) -> np.ndarray:
    """What networks of different quality say, in units."""
    noise = rng.uniform(0.2, 2, size=(networks, 1, 1)) * rng.normal(size=(networks, *part.outputs.shape))
    return target.to_units(part.outputs + noise)


def error_of(target: Target, part: Part, units: np.ndarray) -> float:
    return float(np.average(target.row_errors(part.measured, units), weights=part.weights))


@pytest.mark.parametrize("target", [NUMBERS, CLASSES], ids=["numbers", "classes"])
@given(seed=st.integers(0, 10_000), networks=st.integers(2, 7), rows=st.integers(1, 40))
@settings(deadline=None, max_examples=40)
def test_the_selection_is_never_worse_than_the_best_network_alone(target, seed, networks, rows):
    rng = np.random.default_rng(seed)
    part = part_of(target, rng, rows)
    units = said(target, part, rng, networks)
    chosen = choose(
        [Candidate((place,), each) for place, each in enumerate(units)], part.measured, part.weights, target
    )
    times, error = chosen[GREEDY]
    assert len(times) == networks
    assert sum(times) >= 1
    assert np.gcd.reduce(times) == 1
    assert error == pytest.approx(error_of(target, part, mean_of(units, times)))
    assert error <= min(error_of(target, part, each) for each in units) + 1e-12
    assert chosen[MEAN][0] == (1,) * networks
    assert chosen[MEAN][1] == pytest.approx(error_of(target, part, units.mean(axis=0)))


def test_networks_are_taken_again_where_that_helps():
    # The truth is 0: two parts of the first (1) and one of the second (-2) hit it; the third is further off.
    predictions = np.array([[[1.0]], [[-2.0]], [[5.0]]])
    assert greedy(predictions, lambda mean: abs(float(mean[0, 0]))) == (2, 1, 0)
    assert greedy(predictions[:1], lambda mean: abs(float(mean[0, 0]))) == (1,)
    assert greedy(np.array([[[1.0]], [[1.0]]]), lambda mean: abs(float(mean[0, 0]))) == (1, 0)


def test_a_single_network_is_no_ensemble_and_members_of_a_candidate_enter_together():
    rng = np.random.default_rng(0)
    part = part_of(NUMBERS, rng, 9)
    units = said(NUMBERS, part, rng, 2)
    assert choose([Candidate((0,), units[0])], part.measured, part.weights, NUMBERS) == {}
    assert choose([], part.measured, part.weights, NUMBERS) == {}
    rounds = [Candidate((0, 2), units[0]), Candidate((1, 3), units[1])]
    times, _ = choose(rounds, part.measured, part.weights, NUMBERS)[GREEDY]
    assert times[0] == times[2]
    assert times[1] == times[3]


def test_what_a_mean_scores_on_test_rows():
    rng = np.random.default_rng(1)
    part = part_of(NUMBERS, rng, 50)
    units = said(NUMBERS, part, rng, 3)
    library = [("a" * 16, 0), ("a" * 16, 1), ("b" * 16, 0)]
    found = examined(
        "greedy", library, (2, 0, 1), 0.1, predictions=units, best=units[:2], part=part, target=NUMBERS
    )  # fmt: skip
    assert found.members == (library[0], library[2])
    assert found.times == (2, 1)
    mean = (units[0] + units[0] + units[2]) / 3
    assert found.predictions == pytest.approx(mean)
    assert found.objective[0] == pytest.approx(error_of(NUMBERS, part, mean))
    singles = [error_of(NUMBERS, part, each) for each in units[:2]]
    assert found.gain[0] == pytest.approx(np.mean(singles) - found.objective[0])
    assert found.scores["y"]["mae"] == pytest.approx(
        np.average(np.abs(mean - part.measured)[:, 0], weights=part.weights)
    )


def test_intervals_are_students_and_weights_of_zero_are_no_rows():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    mean, low, high = over_rows(values, np.ones(4))
    # The standard error is 1.29099 / 2, and 3.18245 the quantile with 3 degrees of freedom.
    assert (mean, low, high) == pytest.approx((2.5, 2.5 - 2.05426, 2.5 + 2.05426), abs=1e-5)
    assert over_rows(np.append(values, 99.0), np.array([1, 1, 1, 1, 0])) == pytest.approx((mean, low, high))
    assert over_rows(values, np.array([0, 1, 0, 0])) == (2.0, None, None)


def test_the_interval_covers_the_mean_about_as_often_as_it_says():
    rng, hits = np.random.default_rng(2), 0
    for _ in range(400):
        weights = rng.uniform(0.2, 2, 60)
        _, low, high = over_rows(rng.gamma(2.0, 1.0, 60), weights)
        assert low is not None
        assert high is not None
        hits += low <= 2.0 <= high
    assert 0.90 <= hits / 400 <= 0.98
