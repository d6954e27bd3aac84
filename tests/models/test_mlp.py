import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.models import Signature, load, mlp
from pipeline.space import Choice, Space, contains, parse, sample, size
from pipeline.trial import Configuration

UNITS = {"type": "integer", "low": 4, "high": 16, "per": "hidden_layers"}
LAYERS = {"type": "integer", "low": 0, "high": 3}
EVERYTHING = {
    "hidden_layers": LAYERS,
    "units": UNITS,
    "activation": {"type": "choice", "values": list(mlp.ACTIVATIONS), "per": "hidden_layers"},
    "optimizer": {"type": "choice", "values": list(mlp.OPTIMIZERS)},
    "learning_rate": {"type": "real", "low": 1e-4, "high": 1e-1, "scale": "log"},
    "batch_size": {"type": "choice", "values": [16, 32]},
    "dropout": {"type": "real", "low": 0.0, "high": 0.5, "per": "hidden_layers"},
    "l2": {"type": "real", "low": 1e-6, "high": 1e-2, "scale": "log", "per": "hidden_layers"},
    "weight_decay": 0.01,
}


def names_of_baseline() -> set[str]:
    return set(mlp.BASELINE)


# ---------------------------------------------------------------------------------------------------------- complete


@pytest.mark.parametrize("entries", [{"learning_rate": 0.1}, {"hidden_layers": LAYERS, "units": UNITS}, EVERYTHING])
def test_a_completed_space_has_every_hyperparameter_and_changes_none(entries):
    space = parse(entries)
    whole = mlp.complete(space)
    assert set(whole.names) >= names_of_baseline()
    assert whole.parameters[: len(space.parameters)] == space.parameters
    assert len(set(whole.names)) == len(whole.names)
    assert mlp.complete(whole) == whole
    assert size(whole) == size(space)


def test_what_is_left_out_is_the_baseline():
    whole = mlp.complete(Space(()))
    assert size(whole) == 1
    assert contains(whole, mlp.BASELINE)
    assert sample(whole, np.random.default_rng(0)) == mlp.BASELINE
    one = mlp.complete(parse({"learning_rate": 0.5}))
    expected = Configuration.of({**mlp.BASELINE.as_dict(), "learning_rate": 0.5})
    assert sample(one, np.random.default_rng(0)) == expected


def test_the_baseline_is_what_it_was():
    # Its key stands in ledgers.
    assert mlp.BASELINE.as_dict() == {
        "activation": "relu",
        "batch_size": 32,
        "dropout": 0.0,
        "hidden_layers": 2,
        "l2": 0.0,
        "learning_rate": 0.001,
        "optimizer": "adam",
        "units": (64, 64),
        "weight_decay": 0.0,
    }
    assert load("mlp").baseline(Space(())) is mlp.BASELINE


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ({"learnig_rate": 0.1}, "did you mean learning_rate?"),
        ({"zzz": 0.1}, "remove it from the space file"),
        ({"units": {**UNITS, "per": "batch_size"}, "batch_size": 2}, "hidden_layers"),
        ({"units": 64}, "no hidden_layers"),
        ({"hidden_layers": 2}, "no units"),
        ({"hidden_layers": 2, "units": 64}, 'per = "hidden_layers"'),
        ({"hidden_layers": 2, "units": {"type": "integer", "low": 0, "high": 8, "per": "hidden_layers"}}, "value 0"),
        ({"hidden_layers": -1, "units": 3}, "value -1"),
        ({"hidden_layers": 2.0, "units": 3}, "value 2.0"),
        ({"hidden_layers": True, "units": 3}, "value True"),
        ({"hidden_layers": {"type": "choice", "values": [1, "2"]}}, "value '2'"),
        ({"hidden_layers": 2, "units": {"type": "choice", "values": [8, 8.5], "per": "hidden_layers"}}, "value 8.5"),
        ({"hidden_layers": 1, "units": {"type": "real", "low": 8, "high": 9, "per": "hidden_layers"}}, "value 8.0"),
        ({"learning_rate": 0}, "numbers above 0"),
        ({"learning_rate": {"type": "real", "low": 0, "high": 1}}, "value 0.0"),
        ({"learning_rate": "fast"}, "value 'fast'"),
        ({"learning_rate": True}, "value True"),
        ({"batch_size": 0}, "value 0"),
        ({"batch_size": {"type": "real", "low": 1, "high": 8}}, "value 1.0"),
        ({"dropout": 1.0}, "below 1"),
        ({"dropout": {"type": "real", "low": 0, "high": 1}}, "value 1.0"),
        ({"dropout": -0.1}, "value -0.1"),
        ({"l2": -1e-9}, "value -1e-09"),
        ({"weight_decay": -1}, "value -1"),
        ({"activation": "Relu"}, "value 'Relu'"),
        ({"activation": {"type": "choice", "values": ["relu", "softmax"]}}, "value 'softmax'"),
        ({"activation": 1}, "value 1"),
        ({"optimizer": "adamax"}, "value 'adamax'"),
        (
            {
                "hidden_layers": 2,
                "units": UNITS,
                "learning_rate": {"type": "real", "low": 0.1, "high": 0.2, "per": "hidden_layers"},
            },
            "learning_rate cannot repeat",
        ),
        ({**EVERYTHING, "optimizer": {"type": "fixed", "value": "sgd", "per": "hidden_layers"}}, "cannot repeat"),
    ],
)
def test_what_a_perceptron_does_not_understand_is_explained(entries, text):
    with pytest.raises(UserError) as caught:
        mlp.complete(parse(entries))
    assert text in str(caught.value)


@given(st.integers(0, 2**32 - 1))
def test_every_drawn_configuration_has_a_value_for_each_layer(seed):
    drawn = sample(mlp.complete(parse(EVERYTHING)), np.random.default_rng(seed))
    for name in ("units", "activation", "dropout", "l2"):
        assert len(mlp.each_layer(drawn, name)) == drawn["hidden_layers"]


def test_one_value_serves_all_layers():
    assert mlp.each_layer(mlp.BASELINE, "activation") == ("relu", "relu")
    none = Configuration.of({**mlp.BASELINE.as_dict(), "hidden_layers": 0, "units": ()})
    assert mlp.each_layer(none, "units") == mlp.each_layer(none, "dropout") == ()
    assert mlp.complete(parse({"hidden_layers": 0, "units": UNITS}))["hidden_layers"].domain == Choice((0,))


# ----------------------------------------------------------------------------------------------------------- weights


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 3))
def test_the_network_without_hidden_layers_is_linear(seed, features, outputs):
    none = Configuration.of({**mlp.BASELINE.as_dict(), "hidden_layers": 0, "units": ()})
    signature = Signature(features, outputs)
    weights = mlp.initial_weights(none, signature, seed)
    assert [each.shape for each in weights] == [(features, outputs), (outputs,)]
    rows = np.random.default_rng(0).normal(size=(5, features)).astype(np.float32)
    np.testing.assert_allclose(mlp.network(none, signature, weights)(rows), rows @ weights[0], rtol=1e-6)


def test_initial_weights_are_a_function_of_the_seed():
    signature = Signature(5, 2)
    one, same, other = (mlp.initial_weights(mlp.BASELINE, signature, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert all(not np.array_equal(a, b) for a, b in zip(one[::2], other[::2], strict=True))
    assert not np.array_equal(one[2][:5, :2], one[4][:5, :2])  # layers do not share numbers
    assert {each.dtype for each in one} == {np.dtype(np.float32)}
    assert all(not bias.any() for bias in one[1::2])
    limits = [np.sqrt(6 / sum(kernel.shape)) for kernel in one[::2]]
    assert all(0.9 * limit < abs(kernel).max() <= limit for kernel, limit in zip(one[::2], limits, strict=True))


def test_weights_of_another_shape_are_refused():
    weights = mlp.initial_weights(mlp.BASELINE, Signature(5, 2), 0)
    for wrong in (weights[:-1], weights[::-1], [*weights, weights[0]], []):
        with pytest.raises(ValueError, match="shapes"):
            mlp.network(mlp.BASELINE, Signature(5, 2), wrong)
    with pytest.raises(ValueError, match="shapes"):
        mlp.network(mlp.BASELINE, Signature(6, 2), weights)


def test_whole_and_real_zero_are_one_value_where_a_number_is_real():
    whole = mlp.complete(parse({"dropout": 0, "learning_rate": {"type": "choice", "values": [1, 0.1]}}))
    real = mlp.complete(parse({"dropout": 0.0, "learning_rate": {"type": "choice", "values": [1.0, 0.1]}}))
    assert whole == real
