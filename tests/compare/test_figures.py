"""The figures of a comparison, over the seeds."""

import json
from dataclasses import replace

import pytest

from pipeline.analysis.importance import Importance, Part
from pipeline.compare import figures
from tests.compare.outcomes import OUTCOMES, comparison


def test_the_lines_have_means_with_intervals_and_who_reached_what_random_ends_with():
    lines = {line.method: line for line in figures.lines_of(OUTCOMES, None)}
    gp = lines["gp"]
    assert gp.test.value == pytest.approx(0.51)
    assert gp.test.low is not None
    assert gp.test.low < 0.51
    assert gp.ratio.value == pytest.approx(0.51)
    assert (gp.reached, gp.reached_trainings, gp.reached_seconds) == (3, 2, 4.0)
    assert lines["grid"].reached == 0
    assert figures.lines_of(OUTCOMES, 0.7)[2].reached == 3


def test_figures_of_hyperparameters_have_names_of_their_own():
    parts = tuple(Part(names, 0.1 * place, 0.0) for place, names in enumerate([("a", "b"), ("a_x_b",), ("explained",)]))
    numbers = figures.flat(replace(comparison(), importance=Importance(40, 0.75, parts)))
    assert numbers["importance_explained"] == 0.75
    found = {name: value for name, value in numbers.items() if name.startswith("importance")}
    assert found == {
        "importance_explained": 0.75,
        "importance_a_x_b": 0.0,
        "importance_a_x_b (hyperparameter)": 0.1,
        "importance_explained (hyperparameter)": 0.2,
    }


def test_figures_are_numbers_and_what_nobody_knows_is_left_out():
    numbers = figures.flat(comparison())
    assert numbers["gp_test_low"] < numbers["gp_test"] < numbers["gp_test_high"]
    assert "grid_reached_trainings" not in numbers  # nobody reached it
    json.dumps(numbers, allow_nan=False)
