"""Layers by proportion: two numbers say the widths, and the network is the one that has these widths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import space as spaces
from pipeline.errors import UserError
from pipeline.models import Signature, mlp
from pipeline.models.layer_widths import NAMES, structure, widths
from pipeline.report.wording import Naming
from pipeline.training.protocol import Protocol
from pipeline.training.shapes import padded_widths
from pipeline.trial import Configuration, Training
from pipeline.tuning.elite import best_of_each_depth
from tests.fakes import summary_of

GIVEN: dict[str, Any] = {
    "base_units": 128,
    "neuron_percentage": 0.5,
    "shrinkage": 0.5,
    "min_units": 4,
    "max_layers": 4,
}
SPACE = {
    "neuron_percentage": {"type": "real", "low": 0.01, "high": 1.0},
    "shrinkage": {"type": "real", "low": 0.01, "high": 1.0},
    "base_units": 100,
}
SIGNATURE = Signature(5, 3)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (64, 32, 16, 8)),
        ({"max_layers": 2}, (64, 32)),
        ({"min_units": 20}, (64, 32)),
        ({"min_units": 32}, (64, 32)),
        ({"neuron_percentage": 0.01}, (1,)),
        ({"neuron_percentage": 0.001}, (1,)),
        ({"shrinkage": 0.01}, (64,)),
        ({"shrinkage": 1.0, "max_layers": 3}, (64, 64, 64)),
        ({"shrinkage": 1, "neuron_percentage": 1, "max_layers": 1}, (128,)),
    ],
)
def test_each_layer_is_a_part_of_the_one_before(changes: dict[str, Any], expected: tuple[int, ...]) -> None:
    assert widths({**GIVEN, **changes}) == expected


@given(
    base=st.integers(1, 5000),
    part=st.floats(0.001, 1.0),
    shrinkage=st.floats(0.001, 1.0),
    least=st.integers(1, 60),
    most=st.integers(1, 12),
)
def test_the_first_layer_is_always_there_and_none_is_wider_than_the_one_before(
    base: int, part: float, shrinkage: float, least: int, most: int
) -> None:
    found = widths(dict(zip(NAMES, (base, part, shrinkage, least, most), strict=True)))
    assert 1 <= len(found) <= most
    assert 1 <= found[0] <= base
    assert list(found) == sorted(found, reverse=True)
    assert all(units >= least for units in found[1:])


def searched() -> spaces.Space:
    return mlp.complete(spaces.parse(SPACE))


def test_a_space_by_proportion_is_completed_without_layers_by_number() -> None:
    names = {parameter.name for parameter in searched().parameters}
    assert set(NAMES) <= names
    assert names.isdisjoint({"hidden_layers", "units"})
    drawn = spaces.sample(searched(), np.random.default_rng(0))
    assert set(drawn) == names


def test_the_network_is_the_one_of_these_widths() -> None:
    drawn = Configuration.of({**GIVEN, "learning_rate": 0.01})
    plain = Configuration.of({"hidden_layers": 4, "units": (64, 32, 16, 8), "learning_rate": 0.01})
    assert mlp.weight_shapes(drawn, SIGNATURE) == mlp.weight_shapes(plain, SIGNATURE)
    ours, theirs = (mlp.initial_weights(each, SIGNATURE, 3) for each in (drawn, plain))
    assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))
    inputs = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
    one, other = (mlp.network(each, SIGNATURE, ours)(inputs) for each in (drawn, plain))
    assert np.array_equal(one, other)
    assert mlp.each_layer(drawn, "dropout") == (0.0,) * 4


def test_no_network_of_a_space_is_larger_than_it_says() -> None:
    space, rng = searched(), np.random.default_rng(2)
    most, widest = mlp.most_weights(space, SIGNATURE), mlp.widest(space)
    for _ in range(200):
        drawn = spaces.sample(space, rng)
        assert sum(int(np.prod(shape)) for shape in mlp.weight_shapes(drawn, SIGNATURE)) <= most
        for rows in (0, 10**6):  # few, and enough for a program of its own
            study = Protocol("mlp", "mse", 3, 0.0, seed=7, space=space, engine="packed", rows=rows)
            assert max(padded_widths(Training(drawn, 100, 0), study)) <= -(-widest // 16) * 16
    assert widest == 100


@pytest.mark.parametrize(
    ("further", "fragment"),
    [
        (
            {"hidden_layers": 2, "units": {"type": "integer", "low": 1, "high": 9, "per": "hidden_layers"}},
            "both|remove",
        ),
        (
            {"dropout": {"type": "real", "low": 0.0, "high": 0.4, "per": "hidden_layers"}},
            "dropout repeats per hidden_layers",
        ),
        ({"shrinkage": 0.0}, "shrinkage cannot take the value 0"),
        ({"shrinkage": {"type": "real", "low": 0.5, "high": 1.5}}, "shrinkage cannot take the value 1.5"),
        ({"min_units": 0}, "min_units cannot take"),
        ({"max_layers": 5000}, "max_layers cannot take"),
    ],
)
def test_spaces_that_contradict_themselves_are_refused(further: dict[str, Any], fragment: str) -> None:
    with pytest.raises(UserError, match=fragment):
        mlp.complete(spaces.parse({**SPACE, **further}))


@pytest.mark.parametrize(
    "changes",
    [{"min_units": None}, {"shrinkage": 2.0}, {"neuron_percentage": 0.0}, {"units": (3,)}, {"dropout": (0.1, 0.2)}],
    ids=str,
)
def test_what_is_no_configuration_is_refused(changes: dict[str, Any]) -> None:
    values = {name: value for name, value in {**GIVEN, **changes}.items() if value is not None}
    with pytest.raises(ValueError, match=r"has|cannot be"):
        mlp.weight_shapes(Configuration.of(values), SIGNATURE)


def test_people_see_layers_and_neurons_and_each_depth_has_its_best() -> None:
    deep, flat = Configuration.of(GIVEN), Configuration.of({**GIVEN, "shrinkage": 0.01})
    assert (Naming().depth(deep), Naming().neurons(deep)) == (4, "64-32-16-8")
    assert structure(flat) == (1, (64,))
    summaries = [summary_of({**GIVEN, "shrinkage": shrinkage}, 0.1 + shrinkage) for shrinkage in (0.5, 0.45, 0.01)]
    assert [structure(each.configuration)[0] for each in best_of_each_depth(summaries, 5)] == [1, 4]
