from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.models import LAYERS, Layers
from pipeline.ranking.statistics import DIFFERENCE, OBJECTIVE, Range
from pipeline.report.wording import (
    MAE,
    R2,
    Naming,
    duration,
    escaped,
    number,
    others,
    range_of,
    table,
    varying,
    with_bounds,
)
from pipeline.space import parse
from pipeline.tasks.number_metrics import METRICS as REGRESSION
from pipeline.tasks.number_metrics import scores
from pipeline.tasks.probabilities import METRICS as CLASSES
from pipeline.trial import Configuration


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (math.inf, "failed"),
        (math.nan, "failed"),
        (0.0, "0.0"),
        (0.123456, "0.1235"),
        (-2.34567, "-2.346"),
        (4321.0, "4321"),
        (43212.4, "43212"),
        (1e6, "1.000e+06"),
        (0.00012345, "1.234e-04"),
    ],
)
def test_numbers_have_four_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_an_interval_decides_the_digits_of_its_mean() -> None:
    assert with_bounds(0.27134, 0.25914, 0.28354, DIFFERENCE) == "0.271 (0.259 to 0.284)"
    assert with_bounds(271.34, 259.14, 283.54, DIFFERENCE) == "271 (259 to 284)"
    assert with_bounds(0.27134, None, None, DIFFERENCE) == "0.2713"
    assert with_bounds(0.5, 0.5, 0.5, DIFFERENCE) == "0.5000 (0.5000 to 0.5000)"
    assert with_bounds(math.inf, None, None, DIFFERENCE) == "failed"
    assert with_bounds(2.5e7, 2e7, 3e7, DIFFERENCE) == "2.500e+07 (2.000e+07 to 3.000e+07)"


def test_an_interval_ends_where_its_quantity_does() -> None:
    shares = Range(0.0, 1.0)
    assert with_bounds(0.86, 0.51, 1.21, shares) == "0.86 (0.51 to 1.00)"
    assert with_bounds(0.86, -0.03, 1.75, OBJECTIVE) == "0.86 (0.00 to 1.75)"
    assert with_bounds(0.02, -0.4, 0.44, DIFFERENCE) == "0.02 (-0.40 to 0.44)"
    for metric in (*REGRESSION, *CLASSES):
        mean, low, high = range_of(metric).cut(0.5, -7.0, 7.0)
        assert (mean, low, high) == (0.5, max(-7.0, metric.low), min(7.0, metric.high))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.84, "0.8 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations_read_like_a_clock(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_metrics_that_pictures_name_are_scored() -> None:
    one = np.ones((3, 1))
    assert {MAE, R2} <= set(scores(one, one, np.ones(3), ["y"])["y"])


def test_configurations_are_written_by_layers_and_neurons() -> None:
    neurons, title = Naming().neurons, Naming().title
    deep = Configuration.of({"hidden_layers": 3, "units": (37, 41, 35)})
    assert (neurons(deep), title(deep)) == ("37-41-35", "3 hidden layers with 37-41-35 neurons")
    linear = Configuration.of({"hidden_layers": 0, "units": ()})
    assert (neurons(linear), title(linear)) == ("none", "0 hidden layers")
    flat = Configuration.of({"units": 32})
    assert (neurons(flat), title(flat)) == ("32", "32 neurons")
    neither = Configuration.of({"learning_rate": 0.1})
    assert neurons(neither) == ""
    assert title(neither) == "learning_rate 0.1"


def test_configurations_are_named_by_what_was_searched() -> None:
    values = {"hidden_layers": 2, "units": (64, 64), "learning_rate": 0.03048, "dropout": 0.25, "activation": "relu"}
    searched = parse(
        {"learning_rate": {"type": "real", "low": 1e-3, "high": 1e-1}, "hidden_layers": 2, "dropout": 0.25}
    )
    flat = Naming.of(Layers(), searched)
    assert flat.title(Configuration.of({"learning_rate": 0.03048, "blocks": 2})) == "learning_rate 0.03048"
    assert flat.title(Configuration.of({"blocks": 2})) == "blocks 2"  # a default network need not have it
    assert Naming.of(LAYERS, searched).title(Configuration.of(values)) == "learning_rate 0.03048"
    assert (
        Naming(LAYERS, ("learning_rate", "units")).title(Configuration.of(values))
        == "2 hidden layers with 64-64 neurons"
    )
    assert Naming(LAYERS, ()).title(Configuration.of(values)) == "2 hidden layers with 64-64 neurons"
    assert (
        Naming(LAYERS, ("learning_rate", "dropout")).title(Configuration.of(values))
        == "dropout 0.25, learning_rate 0.03048"
    )


def test_only_hyperparameters_that_vary_are_told() -> None:
    one = Configuration.of({"hidden_layers": 1, "units": (8,), "rate": 0.0123456, "batch": 32, "act": "relu"})
    two = Configuration.of({"hidden_layers": 2, "units": (8, 9), "rate": 0.5, "batch": 32, "act": "tanh"})
    names = varying([one, two])
    assert names == ("act", "rate")
    assert others(one, names) == "act relu, rate 0.01235"
    assert others(Configuration.of({"act": "relu"}), names) == "act relu"


def test_cells_never_end_early_and_are_never_markup() -> None:
    assert escaped("a|b") == r"a\|b"
    assert escaped("a\nb  c") == "a b c"
    assert escaped("*x* `y` <z> [w] \\ _v_ SLUMP_cm") == r"\*x\* \`y\` \<z\> \[w\] \\ \_v\_ SLUMP_cm"
    assert table(["h|1", "h2"], [["x|y", "z"]]) == "| h\\|1 | h2 |\n| :-- | --: |\n| x\\|y | z |"
