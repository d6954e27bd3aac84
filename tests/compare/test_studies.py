"""What a search came to: its steps, and the default network that all searches of a seed are held against."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.compare.request import BASELINE
from pipeline.compare.studies import baseline_of, relative, steps_of, with_one_default
from pipeline.trial import Configuration, Repeat, Training, Trial
from tests.compare.outcomes import EPOCHS, OUTCOMES, outcome


def configuration(value: float) -> Configuration:
    return Configuration.of({"learning_rate": value})


def test_all_searches_of_a_seed_are_held_against_the_same_trainings_of_the_default_network():
    few, many = (
        replace(outcome(name, 0, 0.5), default_test=score, default_trainings=count, default_seconds=3.0)
        for name, score, count in (("gp", 0.9, 1), ("random", 1.1, 4))
    )
    held = with_one_default([few, many])
    assert [each.default_test for each in held] == [1.1, 1.1]
    assert [each.test for each in held] == [0.5, 0.5]
    base = baseline_of(held[0])
    assert (base.method, base.test, base.trained, base.trainings, base.measured) == (BASELINE, 1.1, 4, 4.0, ())


def repeat(value: float, epochs: int, index: int, objective: float | None) -> Repeat:
    return Repeat(Training(configuration(value), epochs, index), "explore", index, objective, seconds=3.0)


def test_a_training_of_fewer_epochs_costs_its_part_and_is_never_recommended():
    trials = [
        Trial(configuration(0.1), 1, 1),
        Trial(configuration(0.1), EPOCHS, 1),
        Trial(configuration(0.2), EPOCHS, 2),
        Trial(configuration(0.1), EPOCHS, 2),
    ]
    repeats = [
        repeat(0.1, 1, 0, 0.01),
        repeat(0.1, EPOCHS, 0, 0.3),
        repeat(0.1, EPOCHS, 1, 0.5),
        repeat(0.2, EPOCHS, 0, 0.6),
        repeat(0.2, EPOCHS, 1, 0.6),
    ]
    steps = list(steps_of(trials, repeats, EPOCHS))
    assert [step.trainings for step in steps] == pytest.approx([0.1, 1.1, 3.1, 4.1])
    assert [step.seconds for step in steps] == [3.0, 6.0, 12.0, 15.0]
    assert np.isnan([step.score for step in steps[:2]]).all(), "trained once"
    assert [step.score for step in steps[2:]] == pytest.approx([0.6, 0.4])


def test_a_score_is_reached_where_it_is_kept_to_the_end():
    reached = outcome("gp", 0, math.nan, 0.5, 0.7, 0.6, 0.55).reached(0.6)
    assert reached is not None
    assert reached.trainings == 4
    assert outcome("gp", 0, 0.5, 0.7).reached(0.6) is None


def test_scores_are_relative_to_the_default_network():
    assert [round(score, 6) for _, score in relative(OUTCOMES["gp"][0])] == [round(math.log(0.5), 6), 0.0]
