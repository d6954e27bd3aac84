import numpy as np
import pytest
from scipy.optimize import check_grad

from pipeline.space import parse, sample
from pipeline.space.unit_cube import axes_of, features, groups, row_of
from pipeline.trial import Configuration
from pipeline.tuning.surrogate import gaussian
from pipeline.tuning.surrogate.gaussian import (
    Parameters,
    expected_improvement,
    most_probable,
    posterior,
    prior_of,
    standardised,
)
from tests.fakes import networks


def data(count: int = 30, noise: float = 0.0):
    """Two coordinates, of which the second does not matter."""
    rng = np.random.default_rng(0)
    columns = rng.random((count, 2))
    targets = np.sin(5 * columns[:, 0]) + noise * rng.normal(size=count)
    return columns, np.array([0, 1]), (targets - targets.mean()) / targets.std()


def test_the_gradient_of_the_cost_is_that_of_its_values():
    columns, _, targets = data(12, noise=0.3)
    squares = np.stack([((one[:, None] - one[None, :]) ** 2).ravel() for one in columns.T])
    given = {
        "squares": squares,
        "targets": targets,
        "shares": 1 / np.arange(1.0, 13.0),
        "middle": prior_of(2).start(2).vector,
        "spread": np.array([1.0, 1.0, 0.5, 1.5]),
    }
    for seed in range(5):
        at = np.random.default_rng(seed).normal(-0.5, 0.7, 4)
        wrong = check_grad(lambda v: gaussian._cost(v, **given)[0], lambda v: gaussian._cost(v, **given)[1], at)
        assert wrong < 1e-4


def test_the_slopes_of_a_posterior_are_those_of_its_predictions():
    columns, group, targets = data(15, noise=0.2)
    known = posterior(columns, group, targets, np.ones(15), Parameters((-1.0, 0.3), 0.1, -2.0))
    at = np.array([[0.31, 0.72]])
    mean, deviation, by_mean, by_deviation = known.slopes(at)
    assert [mean, deviation] == pytest.approx([each[0] for each in known.predict(at)])
    for column in range(2):
        step = np.zeros((1, 2))
        step[0, column] = 1e-5
        up, down = known.predict(at + step), known.predict(at - step)
        assert by_mean[column] == pytest.approx((up[0][0] - down[0][0]) / 2e-5, abs=1e-5)
        assert by_deviation[column] == pytest.approx((up[1][0] - down[1][0]) / 2e-5, abs=1e-5)


def test_what_does_not_matter_gets_the_longer_scale():
    columns, group, targets = data(40)
    found = most_probable(columns, group, targets, np.ones(40), None)
    assert found.lengths[1] > found.lengths[0] + 1
    assert found == most_probable(columns, group, targets, np.ones(40), None)


def test_repeats_divide_the_noise():
    # Two rows disagree at one place: the one that was trained often is believed.
    columns, group = np.array([[0.5], [0.5], [0.0]]), np.array([0])
    targets = np.array([1.0, -1.0, 0.0])
    parameters = Parameters((-0.7,), 0.0, -1.0)
    often_first = posterior(columns, group, targets, np.array([50.0, 1.0, 1.0]), parameters).predict(columns[:1])[0]
    often_second = posterior(columns, group, targets, np.array([1.0, 50.0, 1.0]), parameters).predict(columns[:1])[0]
    assert often_first > 0.5
    assert often_second < -0.5


def test_expected_improvement_grows_with_lower_means_and_wider_spreads():
    gain = expected_improvement(np.array([0.0, -1.0, 0.0]), np.array([1.0, 1.0, 2.0]), 0.0)
    assert gain[0] == pytest.approx(0.3989, abs=1e-3)
    assert gain[1] > gain[0]
    assert gain[2] > gain[0]


@pytest.mark.parametrize(
    "values", [[0.1, 0.2, 0.9], [0.0, 0.0, 0.5, 1.0], [-3.0, 1.0, 2.0], [0.5] * 4, [1e-12, 1.0, 1e300]]
)
def test_targets_are_finite_ordered_and_of_one_size(values):
    found = standardised(values)
    assert np.all(np.isfinite(found))
    assert list(np.argsort(found, kind="stable")) == list(np.argsort(values, kind="stable"))
    if len(set(values)) > 1:
        assert [found.mean(), found.std()] == pytest.approx([0.0, 1.0], abs=1e-9)


def test_coordinates_know_what_is_missing_and_tell_choices_apart():
    space = networks()
    axes = axes_of(space)
    assert [axis.name for axis in axes].count("units[2]") == 1
    assert "optimizer" not in {axis.name for axis in axes}
    one = Configuration.of(
        {**sample(space, np.random.default_rng(0)).as_dict(), "hidden_layers": 1, "units": (36,), "activation": "relu"}
    )
    other = Configuration.of({**one.as_dict(), "activation": "swish"})
    rows = [row_of(axes, each) for each in (one, other)]
    assert all(row is not None for row in rows)
    stacked = np.stack([row for row in rows if row is not None])
    names = [axis.name for axis in axes]
    assert np.isnan(stacked[0, names.index("units[1]")])
    assert stacked[0, names.index("units[0]")] == pytest.approx(0.5)
    columns = features(axes, stacked)
    assert columns.shape[1] == len(groups(axes))
    assert np.sum((columns[0] - columns[1]) ** 2) == pytest.approx(1.0)
    assert row_of(axes, Configuration.of({**one.as_dict(), "activation": "unheard of"})) is None


def test_a_row_of_another_space_is_none():
    axes = axes_of(parse({"rate": {"type": "real", "low": 0.0, "high": 1.0}, "n": "fixed"}))
    assert row_of(axes, Configuration.of({"rate": "text", "n": "fixed"})) is None
    found = row_of(axes, Configuration.of({"rate": 1.5, "n": "other"}))
    assert found is not None
    assert found.tolist() == [1.5]
