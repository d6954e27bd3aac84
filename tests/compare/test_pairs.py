"""Paired tests against scipy's, and Holm against its own definition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.compare.pairs import compared
from pipeline.ranking.statistics import holm

SCORES = {
    "a": [0.50, 0.52, 0.61, 0.40, 0.55],
    "b": [0.51, 0.55, 0.62, 0.43, 0.56],
    "c": [0.49, 0.54, 0.60, 0.41, 0.55],
}


def test_pairs_are_tested_as_scipy_does():
    from scipy.stats import ttest_rel

    pairs = compared(SCORES)
    assert [(pair.one, pair.other) for pair in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    for pair in pairs:
        expected = ttest_rel(SCORES[pair.other], SCORES[pair.one])
        low, high = expected.confidence_interval()
        assert (pair.chance, pair.low, pair.high) == pytest.approx((expected.pvalue, low, high))
        assert pair.mean == pytest.approx(np.mean(SCORES[pair.other]) - np.mean(SCORES[pair.one]))


def test_chances_are_adjusted_over_all_pairs():
    pairs = compared(SCORES)
    chances = sorted(pair.chance for pair in pairs if pair.chance is not None)
    best = min(pairs, key=lambda pair: pair.chance or 1.0)
    assert best.adjusted == pytest.approx(3 * chances[0])
    assert best.apart(0.05) == (3 * chances[0] <= 0.05)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.5))
def test_holm_rejects_as_its_steps_do(chances, level):
    expected = set()
    for place, index in enumerate(sorted(range(len(chances)), key=lambda each: chances[each])):
        if chances[index] * (len(chances) - place) > level:
            break
        expected.add(index)
    assert {index for index, each in enumerate(holm(np.array(chances))) if each <= level} == expected


def test_seeds_that_one_method_lacks_are_left_out_and_one_seed_is_no_test():
    (pair,) = compared({"a": [0.5, math.nan, 0.7], "b": [0.6, 0.6, 0.9]})
    assert pair.seeds == 2
    assert pair.mean == pytest.approx(0.15)
    (pair,) = compared({"a": [0.5], "b": [0.6]})
    assert (pair.chance, pair.adjusted, pair.apart(0.05)) == (None, None, False)
    (pair,) = compared({"a": [math.nan], "b": [0.6]})
    assert math.isnan(pair.mean)


def test_equal_scores_are_never_told_apart_and_constant_differences_always():
    equal, constant, _ = compared({"a": [0.5, 0.5, 0.5], "b": [0.5, 0.5, 0.5], "c": [0.75, 0.75, 0.75]})
    assert equal.adjusted == 1.0
    assert constant.adjusted == pytest.approx(0.0, abs=1e-6)
