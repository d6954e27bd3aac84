"""Decisions: the class of least expected cost, thresholds with the best measure, and costs as users write them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.tasks import probabilities
from pipeline.tasks.calibration import Calibration
from pipeline.tasks.classification import Classes
from pipeline.tasks.decisions import (
    HALF,
    Decision,
    best_threshold,
    costs_in_words,
    costs_of,
    described,
    row_costs,
    table,
)

MEASURES = {"balanced-accuracy": probabilities.balanced_accuracy, "macro-f1": probabilities.macro_f1}


def chances_of(count: int, classes: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(classes), count)


# --------------------------------------------------------------------------------------------------------------- costs


@settings(max_examples=100, deadline=None)
@given(
    costs=st.integers(2, 4).flatmap(
        lambda n: st.lists(st.lists(st.floats(0, 100), min_size=n, max_size=n), min_size=n, max_size=n)
    ),
    seed=st.integers(0, 10**6),
)
def test_the_class_of_least_expected_cost_is_chosen(costs: list[list[float]], seed: int) -> None:
    labels = tuple("abcd"[: len(costs)])
    chances = chances_of(30, len(costs), seed)
    chosen = Decision(labels, costs=tuple(map(tuple, costs))).chosen(chances)
    for row, place in zip(chances, chosen, strict=True):
        expected = [sum(p * costs[truth][said] for truth, p in enumerate(row)) for said in range(len(costs))]
        assert expected[place] == pytest.approx(min(expected))


def test_equal_costs_are_the_likeliest_class_whatever_they_are() -> None:
    chances = chances_of(2000, 3, 1)
    for cost in (1e-9, 0.1, 7.0):
        decision = Decision(("a", "b", "c"), costs=costs_of({"*": {"*": cost}}, ("a", "b", "c")))
        assert np.array_equal(decision.chosen(chances), chances.argmax(axis=1))
    tied = np.array([[0.5, 0.5], [0.2, 0.8]])
    assert Decision(("a", "b"), costs=((0.0, 1.0), (4.0, 0.0))).chosen(tied).tolist() == [1, 1]
    # Where the expected costs are equal, the likeliest is chosen: 0.8 x 1 for b, 0.2 x 4 for a.
    assert Decision(("a", "b"), costs=((0.0, 1.0), (4.0, 0.0))).chosen(np.array([[0.8, 0.2]])).tolist() == [0]


def test_two_costs_are_a_threshold() -> None:
    chances = chances_of(500, 2, 3)
    costs = costs_of({"no": {"yes": 1}, "yes": {"no": 5}}, ("no", "yes"))
    chosen = Decision(("no", "yes"), costs=costs, threshold=0.9).chosen(chances)  # costs count, the threshold does not
    assert np.array_equal(chosen, chances[:, 1] > 1 / 6)
    assert row_costs(costs, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])).tolist() == [0, 1, 5, 0]


def test_the_more_exact_cost_counts() -> None:
    labels = ("a", "b", "c")
    found = costs_of({"*": {"*": 1, "c": 2}, "a": {"*": 3, "b": 4}, "c": {"c": 0.5}}, labels)
    assert found == ((0.0, 4.0, 3.0), (1.0, 0.0, 2.0), (1.0, 1.0, 0.5))
    assert costs_of(described(found, labels), labels) == found
    assert costs_in_words(found, labels) == "a:b=4, a:c=3, b:a=1, b:c=2, c:a=1, c:b=1, c:c=0.5"
    # A class of that name is that class.
    assert costs_of({"*": {"b": 1.0}, "b": {"*": 2.0}}, ("*", "b")) == ((0.0, 1.0), (2.0, 0.0))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"no": {"yes": 1}, "Yes": {"no": 5}}, ["'Yes', which is not a class", "no, yes"]),
        ({"no": {"maybe": 1}}, ["'maybe', which is not a class"]),
        ({"no": {"yes": -1}, "yes": {"no": 1}}, ["no:yes is -1"]),
        ({"no": {"yes": float("inf")}, "yes": {"no": 1}}, ["no:yes is inf"]),
        ({"no": {"yes": float("nan")}, "yes": {"no": 1}}, ["no:yes is nan"]),
        ({"no": {"yes": 1}}, ["A wrong decision has no cost", "nothing for yes:no", "add yes:no=COST, or *:*=1"]),
        ({"no": {"yes": 0}, "yes": {"no": 0}}, ["All costs are 0"]),
    ],
)
def test_costs_that_are_not_of_the_classes_are_refused_by_name(
    given: dict[str, dict[str, float]], words: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        costs_of(given, ("no", "yes"))
    assert all(word in str(caught.value) for word in words), str(caught.value)


# ----------------------------------------------------------------------------------------------------------- thresholds


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 1), st.sampled_from([0.0, 0.5, 1.0, 3.0])), min_size=1, max_size=25
    ),
    measure=st.sampled_from(sorted(MEASURES)),
)
def test_no_threshold_has_a_better_measure(rows: list[tuple[int, int, float]], measure: str) -> None:
    second, truth, weights = (np.array(each) for each in zip(*rows, strict=True))
    assume(weights.sum() > 0)
    second = second / 12

    def score(threshold: float) -> float:
        return MEASURES[measure](truth, np.eye(2)[(second > threshold).astype(int)], weights)

    found = best_threshold(second, truth, weights, measure)
    values = sorted({*second[weights > 0].tolist()})  # rows of weight 0 are none
    middles = [(low + high) / 2 for low, high in itertools.pairwise(values)]
    best = max(score(each) for each in (HALF, *middles))
    assert score(found) == pytest.approx(best, abs=1e-12)
    if score(HALF) >= best - 1e-12:
        assert found == HALF
    else:
        good = [each for each in middles if score(each) >= best - 1e-12]
        assert found == pytest.approx(min(good, key=lambda each: (round(abs(each - HALF), 9), each)))


def test_a_threshold_divides_neighbouring_floats() -> None:
    low = 0.3
    high = np.nextafter(low, 1)
    second, truth = np.array([low, low, high, high]), np.array([0, 0, 1, 1])
    found = best_threshold(second, truth, np.ones(4), "balanced-accuracy")
    assert (second > found).tolist() == [False, False, True, True]


def test_rows_without_a_weight_do_not_count() -> None:
    second, truth = np.array([0.1, 0.2, 0.3, 0.4]), np.array([1, 0, 0, 1])
    found = best_threshold(second, truth, np.array([0.0, 1, 1, 1]), "macro-f1")
    assert found == pytest.approx(0.35)


# --------------------------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize(
    "decision",
    [
        Decision(("no", "yes")),
        Decision(("no", "yes"), Calibration(2.0, 0.4), threshold=0.3),
        Decision(("no", "yes"), Calibration(0.5), costs=((0.0, 1.0), (9.0, 0.0))),
    ],
)
def test_the_table_has_the_class_that_is_decided_and_calibrated_probabilities(decision: Decision) -> None:
    target = Classes(("bought",), ("no", "yes"), (0.8, 0.2), 1)
    units = np.stack([chances_of(40, 2, seed) for seed in range(3)])
    found, usual = table(target, units, decision), target.table(units)
    assert list(found) == list(usual)
    chances = decision.chances(units.mean(axis=0))
    chosen = decision.chosen(chances)
    assert found["bought"].tolist() == [("no", "yes")[place] for place in chosen]
    assert np.array_equal(found["bought probability yes"], chances[:, 1])
    spreads = decision.chances(units).std(axis=0, ddof=1)
    assert found["bought spread"] == pytest.approx(spreads[np.arange(40), chosen])
    if decision == Decision(("no", "yes")):
        assert all(np.array_equal(found[name], usual[name]) for name in usual)
