"""Importance on functions whose decomposition is known."""

import math
import time

import numpy as np
import pytest

from pipeline.analysis.importance import LEAST, importance, importance_of
from pipeline.space import parse, sample
from pipeline.trial import Configuration, Summary
from tests.fakes import networks

SPACE = parse(
    {
        "learning_rate": {"type": "real", "low": 0.0, "high": 1.0},
        "dropout": {"type": "real", "low": 0.0, "high": 1.0},
        "batch_size": {"type": "integer", "low": 0, "high": 10},
        "activation": {"type": "choice", "values": ["relu", "tanh", "swish"]},
        "optimizer": "adam",
    }
)


def drawn(count: int, space=SPACE) -> list[Configuration]:
    rng = np.random.default_rng(0)
    return [sample(space, rng) for _ in range(count)]


def parts(function, count=600):
    found = importance(SPACE, [(each, function(each)) for each in drawn(count)])
    assert found.meaningful
    return found, {part.names: part.mean for part in found.parts}


def test_additive_terms_get_their_shares_of_the_variance():
    found, shares = parts(lambda each: 2.0 * each["learning_rate"] + each["dropout"])
    assert shares["learning_rate",] == pytest.approx(0.8, abs=0.06)  # 4/12 of 5/12
    assert shares["dropout",] == pytest.approx(0.2, abs=0.06)
    assert max(share for names, share in shares.items() if len(names) == 2) < 0.05
    assert found.explained > 0.9
    assert found.parts[0].names == ("learning_rate",)


def test_what_works_only_together_is_the_pair():
    _, shares = parts(lambda each: (each["learning_rate"] - 0.5) * (each["dropout"] - 0.5), 2000)
    assert shares["learning_rate", "dropout"] > 0.7
    assert max(share for names, share in shares.items() if len(names) == 1) < 0.15


def test_choices_and_integers_count_each_value_alike():
    _, shares = parts(lambda each: 1.0 * (each["activation"] == "tanh"))
    assert shares["activation",] > 0.97
    _, shares = parts(lambda each: 1.0 * (each["batch_size"] == 10) + each["activation"].count("w"))
    # Variances 1/11 x 10/11 and 1/3 x 2/3.
    assert shares["batch_size",] == pytest.approx(0.0826 / (0.0826 + 0.2222), abs=0.05)


def test_the_parts_are_those_of_the_forest_computed_by_drawing():
    """The exact sums over leaves against a plain estimate from many draws of the same trees."""
    from pipeline.analysis.importance import _forest, _parts
    from pipeline.space.unit_cube import axes_of, features, row_of

    axes = axes_of(SPACE)
    known = np.array([row_of(axes, each) for each in drawn(200)])
    values = known[:, 0] * known[:, 1] + 0.3 * (known[:, 3] == 2) + 0.2 * known[:, 2]
    tree = _forest(features(axes, known), values, 1, 0).estimators_[0]
    exact = _parts(axes, tree.tree_)
    rng = np.random.default_rng(1)

    def draw(count):
        columns = [rng.random(count), rng.random(count), rng.integers(0, 11, count) / 10, rng.integers(0, 3, count)]
        return np.column_stack(columns).astype(float)

    outer, inner = draw(400), draw(400)
    total = tree.predict(features(axes, draw(100_000))).var()
    for place, axis in enumerate(axes):
        rows = np.repeat(inner[None], len(outer), axis=0)
        rows[:, :, place] = outer[:, None, place]
        marginal = tree.predict(features(axes, rows.reshape(-1, 4))).reshape(len(outer), -1).mean(axis=1)
        assert exact[axis.name,] == pytest.approx(marginal.var() / total, abs=0.06)
    assert sum(exact.values()) <= 1 + 1e-9


def test_layers_that_a_configuration_lacks_are_no_obstacle():
    scores = [(each, float(str(each["hidden_layers"]))) for each in drawn(200, networks())]
    found = importance(networks(), scores)
    assert found.parts[0].names == ("hidden_layers",)
    assert {name for part in found.of(1) for name in part.names} >= {"units[0]", "units[2]", "activation"}
    assert len(found.of(2)) == len(found.of(1)) * (len(found.of(1)) - 1) / 2
    assert found == importance(networks(), scores)


@pytest.mark.parametrize(
    ("space", "scores", "lacking", "counted"),
    [
        (SPACE, [float(number) for number in range(LEAST - 1)], "configurations", LEAST - 1),
        (SPACE, [1.0] * 50, "differences", 50),
        (parse({"optimizer": "adam"}), [1.0, 2.0], "choices", 0),
        (networks(), [float(number) for number in range(LEAST)], "configurations", 0),  # of another space
        (SPACE, [float(number) for number in range(LEAST)], "", LEAST),
    ],
)
def test_what_is_lacking_is_named(space, scores, lacking, counted):
    found = importance(space, list(zip(drawn(len(scores)), scores, strict=True)))
    assert (found.lacking, found.configurations) == (lacking, counted)
    assert bool(found.parts) == (not lacking)
    assert not (lacking and found.meaningful)


def test_noise_is_known_as_noise():
    rng = np.random.default_rng(2)
    found = importance(SPACE, [(each, float(rng.normal())) for each in drawn(150)])
    assert found.parts
    assert not found.meaningful


def test_summaries_count_by_the_logarithm_of_their_mean_failed_ones_and_the_default_network_not_at_all():
    def summary(configuration, mean, stage="explore"):
        return Summary(configuration, stage, 10, 2, 0, mean)

    some = drawn(60)
    means = [math.exp(float(str(each["learning_rate"]))) for each in some]
    failed = [summary(each, mean) for each, mean in zip(drawn(4), (math.inf, math.nan, 0.0, -1.0), strict=True)]
    default = summary(some[0], 9.0, "baseline")
    found = importance_of(SPACE, [*map(summary, some, means), *failed, default])
    assert found == importance(SPACE, [(each, math.log(mean)) for each, mean in zip(some, means, strict=True)])


def test_many_configurations_are_no_burden():
    """Trees are fitted to samples of a bounded size: thousands of configurations do not make thousands of leaves."""
    many = [(each, float(str(each["learning_rate"]))) for each in drawn(5000)]
    began = time.process_time()
    found = importance(SPACE, many)
    assert time.process_time() - began < 5
    assert found.configurations == 5000
    assert found.parts[0].mean > 0.9
