import itertools
from dataclasses import replace

import numpy as np
import pytest

from pipeline import models
from pipeline.data import tables
from pipeline.data.rows import prepare_rows
from pipeline.models import Signature, mlp
from pipeline.space import Space
from pipeline.training import keras_fit
from pipeline.training.protocol import Protocol, judged, probe_inputs, seeds
from pipeline.trial import Configuration, Training

PROTOCOL = Protocol("mlp", "mse", 3, 0.0, seed=7, space=mlp.complete(Space(())), engine="keras")


@pytest.fixture(scope="module")
def rows():
    table = tables.read("builtin:diabetes", targets=("target",))
    return prepare_rows(table, validation=0.2, test=0.2, seed=0, input_scaler="standard", output_scaler="standard")[0]


def configuration(**changes: object) -> Configuration:
    return Configuration.of({**mlp.BASELINE.as_dict(), "hidden_layers": 1, "units": (8,), **changes})


def train(rows, index=0, epochs=6, protocol=PROTOCOL, **changes):
    (trained,) = keras_fit.train([Training(configuration(**changes), epochs, index)], rows, protocol)
    return trained


@pytest.mark.slow
def test_equal_recipes_give_equal_bits_whatever_was_trained_before(rows):
    first = train(rows, dropout=0.2)
    train(rows, index=3, units=(5,))
    again = train(rows, dropout=0.2)
    assert first.error == ""
    assert all(np.array_equal(one, other) for one, other in zip(first.weights, again.weights, strict=True))
    assert first.objective == again.objective


def test_repeats_differ(rows):
    assert not np.array_equal(train(rows, index=0).weights[0], train(rows, index=1).weights[0])


def test_the_reported_score_is_that_of_the_returned_weights(rows):
    trained = train(rows, epochs=40, learning_rate=0.05)
    assert trained.best_epoch <= trained.epochs_run <= trained.best_epoch + PROTOCOL.patience
    network = mlp.network(trained.training.configuration, Signature(10, 1), trained.weights)
    objective, scores = judged(models.predict(network, rows.validation.inputs), rows)
    assert objective == trained.objective
    assert scores == trained.scores
    assert np.array_equal(models.predict(network, probe_inputs(rows.validation)), trained.probe)


@pytest.mark.parametrize(
    ("optimizer", "loss"), zip(mlp.OPTIMIZERS, itertools.cycle(["mse", "mae", "huber"]), strict=False)
)
def test_every_optimizer_and_every_loss_learn(rows, optimizer, loss):
    changes = {"learning_rate": 0.01, "weight_decay": 1e-3, "l2": 1e-4}
    trained = train(rows, optimizer=optimizer, protocol=replace(PROTOCOL, loss=loss), epochs=10, **changes)
    assert trained.error == ""
    assert trained.objective < 0.75


def test_every_activation_trains(rows):
    """One network with a layer of each, since Keras compiles every network for a second."""
    layers = {"activation": tuple(mlp.ACTIVATIONS), "hidden_layers": len(mlp.ACTIVATIONS)}
    layers["units"] = (8,) * len(mlp.ACTIVATIONS)
    trained = train(rows, **layers, dropout=0.1, epochs=2)
    assert trained.error == ""
    seed, _ = seeds(PROTOCOL.seed, 0)
    before = mlp.initial_weights(configuration(**layers), Signature(10, 1), seed)
    assert not any(np.array_equal(one, other) for one, other in zip(before, trained.weights, strict=True))


@pytest.mark.parametrize("activation", mlp.ACTIVATIONS)
def test_the_network_of_every_activation_is_the_keras_model(rows, activation):
    chosen = configuration(activation=activation, dropout=0.1)
    model = mlp.build(chosen, Signature(10, 1), 0)
    rng = np.random.default_rng(0)
    weights = [weight + rng.normal(0, 0.3, weight.shape).astype(np.float32) for weight in model.get_weights()]
    model.set_weights(weights)
    network = mlp.network(chosen, Signature(10, 1), weights)
    inputs = rows.validation.inputs * 3
    assert np.allclose(network(inputs), model(inputs, training=False), atol=1e-5)


def test_depth_zero_is_a_linear_model(rows):
    trained = train(rows, hidden_layers=0, units=(), epochs=30, learning_rate=0.01)
    assert [weight.shape for weight in trained.weights] == [(10, 1), (1,)]
    assert trained.objective < 0.7


def test_per_layer_values_reach_their_layers(rows):
    trained = train(rows, hidden_layers=2, units=(6, 4), activation=("relu", "tanh"), dropout=(0.0, 0.3), epochs=1)
    assert [weight.shape for weight in trained.weights] == [(10, 6), (6,), (6, 4), (4,), (4, 1), (1,)]


def test_a_diverged_training_is_a_failure_with_its_reason(rows):
    trained = train(rows, optimizer="sgd", learning_rate=1e12)
    assert trained.objective is None
    assert "diverged" in trained.error
    assert trained.weights == ()


def test_a_training_that_raises_is_a_failure_with_its_reason(rows):
    trained = train(rows, activation="no such activation")
    assert "no such activation" in trained.error


def test_weights_of_rows_matter(rows):
    heavy = np.where(rows.train.measured[:, 0] > 150, 100.0, 0.01).astype(np.float32)
    tilted = replace(rows, train=replace(rows.train, weights=heavy))
    trained = [train(each, epochs=15, learning_rate=0.01) for each in (rows, tilted)]
    networks = [mlp.network(configuration(), Signature(10, 1), each.weights) for each in trained]
    means = [network(rows.validation.inputs).mean() for network in networks]
    assert means[1] > means[0] + 0.1, means
