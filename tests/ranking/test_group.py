from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import polygamma
from scipy.stats import ttest_rel

from pipeline.ranking import group, statistics
from pipeline.ranking.group import Group, group_of, objectives_of
from pipeline.ranking.order import POOLED, ranked
from pipeline.ranking.statistics import holm
from pipeline.trial import Repeat, Summary, Training
from tests.fakes import summary_of


def summary(number: int, *objectives: float | None, weights: int = 0, seconds: float = 0.0) -> Summary:
    return replace(summary_of({"number": number}, *objectives), weights=weights, seconds=seconds)


def grouped(scores: Sequence[Sequence[float]]) -> tuple[Group, list[int]]:
    every = [summary(number, *each) for number, each in enumerate(scores)]
    objectives = {each.key: dict(enumerate(values)) for each, values in zip(every, scores, strict=True)}
    found = group_of(ranked(every), objectives)
    return found, [int(str(each.configuration["number"])) for each in found.members]


def noisy(means: Sequence[float], repeats: int, seed: int, noise: float = 0.01) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    seeds = rng.normal(0, 5 * noise, repeats)  # what all configurations share: pairs do not see it
    return [(mean + seeds + rng.normal(0, noise, repeats)).tolist() for mean in means]


def test_what_is_far_worse_is_told_apart_and_what_is_equal_is_not():
    found, members = grouped(noisy([0.3] * 10 + [0.5] * 30, repeats=3, seed=1))
    assert set(members) <= set(range(10))
    assert len(members) >= 9
    assert found.compared == 40


def test_two_seeds_tell_apart_what_one_pair_alone_could_not():
    scores = noisy([0.30] + [0.36] * 20, repeats=2, seed=3)
    alone = [ttest_rel(each, scores[0], alternative="greater").pvalue for each in scores[1:]]
    assert np.median(alone) > 0.05 / 20
    assert len(grouped(scores)[1]) <= 3


@pytest.mark.parametrize("repeats", [2, 4])
def test_equals_of_a_fixed_best_are_seldom_left_out(repeats):
    wrong = 0
    for seed in range(200):
        scores = noisy([0.0] * 12, repeats, seed)
        pairs = [np.array(each) - np.array(scores[0]) for each in scores[1:]]
        wrong += bool((holm(statistics.moderated(pairs, POOLED)) <= group.LEVEL).any())
    # The pairs share the best one's trainings; Holm holds all the same. Binomial: 200 x 5 %, and three deviations.
    assert wrong <= 20


def test_what_has_one_training_a_failure_or_no_seeds_is_not_in_the_group():
    best, once, lost = summary(1, 0.1, 0.12), summary(2, 0.1), summary(3, 0.1, None, 0.1)
    taken = replace(summary(4, 0.1, 0.11), stage="imported")
    objectives = {best.key: {0: 0.1, 1: 0.12}, once.key: {0: 0.1}, lost.key: {0: 0.1, 2: 0.1}}
    assert group_of([best, once, lost, taken], objectives) == Group((best,), 1)
    assert group_of([once, best], objectives) == Group()
    assert group_of([taken, best], objectives) == Group((best,), 1)  # what is imported has no models: best is here
    assert group_of([], {}) == Group()


def test_identical_trainings_are_as_good_and_constant_differences_are_not():
    _, members = grouped([[0.1, 0.2], [0.1, 0.2], [0.3, 0.4], [0.3, 0.4]])
    assert members == [0, 1]


def test_the_smallest_and_the_fastest_are_marked():
    first, second = summary(1, 0.1, 0.2, weights=900, seconds=3), summary(2, 0.1, 0.2, weights=300, seconds=5)
    third = summary(3, 0.1, 0.2, weights=800, seconds=1)
    found = Group((first, second, third), 9)
    assert found.marks == {first.key: "best", second.key: "as good, smallest", third.key: "as good, fastest"}
    assert Group((first,), 9).marks == {first.key: "best"}
    assert Group((second, first), 2).marks[second.key] == "best, smallest"
    assert (Group().marks, Group().smallest, Group().fastest) == ({}, None, None)


def test_the_spread_of_variances_is_found_again():
    rng = np.random.default_rng(0)
    true = 0.5 * 8 / rng.chisquare(8, 4000)  # scattered as Smyth's prior says, with 8 degrees of freedom
    freedom, variance = statistics.prior_of(true * rng.chisquare(3, 4000) / 3, np.full(4000, 3.0))
    assert freedom == pytest.approx(8, rel=0.25)
    assert variance == pytest.approx(0.5, rel=0.1)
    same = statistics.prior_of(0.5 * rng.chisquare(3, 50) / 3, np.full(50, 3.0))
    assert same[0] > 8


@given(st.floats(1e-4, 1e4))
def test_the_trigamma_function_is_inverted(value):
    assert float(polygamma(1, statistics._inverse_trigamma(value))) == pytest.approx(value, rel=1e-6)


def test_only_trainings_of_one_limit_of_epochs_count():
    configuration = summary(1, 0.1).configuration
    repeats = [
        Repeat(Training(configuration, epochs, index), "explore", index, value)
        for epochs, index, value in [(10, 0, 0.5), (10, 1, None), (20, 0, 0.7)]
    ]
    assert objectives_of(repeats, 10) == {configuration.key: {0: 0.5}}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1e6), min_size=1, max_size=5), max_size=12))
def test_the_laws_of_a_group(scores):
    found, members = grouped(scores)
    assert len(set(members)) == len(members)
    assert len(members) <= found.compared <= len(scores)
    assert all(math.isfinite(each.mean) and each.repeats >= 2 for each in found.members)
