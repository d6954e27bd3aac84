"""What the perceptron asks of Keras; importing that takes seconds."""

import numpy as np
import pytest

from pipeline.models import Signature, mlp
from pipeline.trial import Configuration

SIGNATURE = Signature(4, 2)
INPUTS = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)


def configuration(**changes: object) -> Configuration:
    return Configuration.of({**mlp.BASELINE.as_dict(), "hidden_layers": 2, "units": (5, 3), **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"activation": ("tanh", "gelu"), "dropout": (0.0, 0.5), "l2": (0.0, 0.1)},
        {"hidden_layers": 0, "units": ()},
        {"hidden_layers": 1, "units": (1,), "activation": "leaky_relu", "dropout": 0.9},
    ],
)
def test_the_model_predicts_what_its_weights_say(changes):
    chosen = configuration(**changes)
    model = mlp.build(chosen, SIGNATURE, 3)
    assert model.output_shape == (None, 2)
    weights = model.get_weights()
    for one, other in zip(weights, mlp.initial_weights(chosen, SIGNATURE, 3), strict=True):
        assert np.array_equal(one, other)
    predicted = np.asarray(model(INPUTS, training=False))
    np.testing.assert_allclose(predicted, mlp.network(chosen, SIGNATURE, weights)(INPUTS), rtol=1e-5, atol=1e-6)


def test_dropout_and_penalties_stand_where_they_were_asked_for():
    model = mlp.build(configuration(dropout=(0.0, 0.5), l2=(0.25, 0.0)), SIGNATURE, 0)
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Dense", "Dropout", "Dense"]
    assert model.layers[2].rate == 0.5
    assert model.layers[1].kernel_regularizer is None
    assert model.layers[3].kernel_regularizer is None
    assert float(model.losses[0]) == pytest.approx(0.25 * float(np.sum(model.get_weights()[0] ** 2)), rel=1e-5)


def test_dropout_masks_follow_the_seed():
    def drawn(seed: int) -> np.ndarray:
        model = mlp.build(configuration(dropout=0.5), SIGNATURE, seed)
        model.set_weights(mlp.initial_weights(configuration(), SIGNATURE, 0))
        return np.asarray(model(INPUTS, training=True))

    assert np.array_equal(drawn(1), drawn(1))
    assert not np.array_equal(drawn(1), drawn(2))


@pytest.mark.parametrize("name", mlp.OPTIMIZERS)
def test_every_optimizer_has_its_rate_and_its_decay(name):
    import keras

    made = mlp.optimizer(configuration(optimizer=name, learning_rate=0.25, weight_decay=0.125), 100)
    assert type(made).__name__.lower() == name
    assert float(keras.ops.convert_to_numpy(made.learning_rate)) == 0.25
    assert made.weight_decay == 0.125
    assert not mlp.optimizer(configuration(optimizer=name), 100).weight_decay
