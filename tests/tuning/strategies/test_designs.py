"""Sobol sequence, Latin hypercube and grid on spaces of all kinds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.space import Real, contains, parse, size
from pipeline.space.unit_cube import configuration_at
from pipeline.tuning.strategies.designs import fitted_grid, latin_hypercube, sobol
from tests.fakes import few, networks

PLAIN = parse(
    {
        "learning_rate": {"type": "real", "low": 1e-4, "high": 1e-1, "scale": "log"},
        "dropout": {"type": "real", "low": 0.0, "high": 0.5},
        "batch_size": {"type": "integer", "low": 8, "high": 64, "step": 8},
        "activation": {"type": "choice", "values": ["relu", "tanh"]},
    }
)
RATE = PLAIN["learning_rate"].domain


def units(found, count):
    """The parts of the learning rate's range that are used."""
    assert isinstance(RATE, Real)
    return sorted(int(RATE.unit(float(each["learning_rate"])) * count) for each in found)


@pytest.mark.parametrize("design", [sobol, latin_hypercube, fitted_grid])
@pytest.mark.parametrize("space", [networks(), few(), PLAIN], ids=["networks", "few", "plain"])
def test_configurations_are_new_different_and_of_the_space(design, space):
    known = {each.key for each in design(space, 3, 0, ())}
    found = design(space, 20, 0, known)
    assert all(contains(space, each) for each in found)
    assert len({each.key for each in found} - known) == len(found) > 0
    assert design(space, 20, 0, known) == found
    assert len(found) <= 20


def test_a_latin_hypercube_uses_each_part_of_a_range_once():
    assert units(latin_hypercube(PLAIN, 20, 0, ()), 20) == list(range(20))


def test_a_sobol_sequence_fills_a_range_evenly_and_goes_on_as_it_began():
    found = sobol(PLAIN, 32, 0, ())
    assert units(found, 32) == list(range(32))
    assert sobol(PLAIN, 50, 0, ())[:32] == found


@pytest.mark.parametrize("design", [sobol, latin_hypercube])
def test_a_small_space_is_emptied(design):
    assert len(design(few(), 100, 0, ())) == 24


@pytest.mark.parametrize("design", [sobol, latin_hypercube, fitted_grid])
def test_a_space_of_one_configuration_has_one(design):
    assert len(design(parse({"batch_size": 8, "optimizer": "adam"}), 5, 0, ())) == 1


def test_a_grid_is_refined_evenly_in_the_order_of_the_file():
    found = fitted_grid(PLAIN, 40, 0, ())
    levels = {name: len({each[name] for each in found}) for name in PLAIN.names}
    assert levels == {"learning_rate": 3, "dropout": 3, "batch_size": 2, "activation": 2}
    assert len(found) == 36
    assert sorted({each["batch_size"] for each in found}) == [24, 56]  # the middles of both halves


@given(st.integers(1, 300))
def test_a_grid_has_at_most_as_many_configurations_as_asked_for(count):
    found = fitted_grid(networks(), count, 1, ())
    assert 0 < len(found) <= count
    assert len({each.key for each in found}) == len(found)


def test_a_grid_of_a_small_space_is_all_of_it():
    assert len(fitted_grid(few(), 1000, 0, ())) == size(few()) == 24


def test_corners_of_the_unit_cube_are_the_ends_of_the_ranges():
    lowest, highest = configuration_at(PLAIN, [0.0] * 4), configuration_at(PLAIN, [1.0] * 4)
    assert (lowest["dropout"], lowest["batch_size"], lowest["activation"]) == (0.0, 8, "relu")
    assert (highest["dropout"], highest["batch_size"], highest["activation"]) == (0.5, 64, "tanh")
    assert lowest["learning_rate"] == pytest.approx(1e-4)
