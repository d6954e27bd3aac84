"""What every model offers, tested on each of them: a new one is a line of `MODELS`."""

from dataclasses import dataclass

import numpy as np
import pytest

from pipeline import models
from pipeline.data.rows import Part, Rows
from pipeline.errors import UserError
from pipeline.models import Signature, predict
from pipeline.space import Space, contains, parse, sample
from pipeline.tasks.regression import Quantities
from pipeline.training import keras_fit
from pipeline.training.protocol import Protocol
from pipeline.trial import Configuration, Training

OPTIMIZER = {"optimizer": {"type": "choice", "values": ["adam", "sgd"]}, "learning_rate": 0.01, "batch_size": 8}
UNITS = {"type": "integer", "low": 2, "high": 7, "per": "hidden_layers"}


@dataclass(frozen=True)
class Case:
    name: str
    features: tuple[str, ...]
    shape: tuple[int, ...]
    entries: dict[str, object]


def images(height: int, width: int) -> tuple[str, ...]:
    return tuple(f"pixel_{row}_{column}" for row in range(height) for column in range(width))


def windows(steps: int) -> tuple[str, ...]:
    return tuple(f"{name}[t-{back}]" for back in range(steps, 0, -1) for name in ("load", "heat"))


MODELS = (
    Case("mlp", tuple("abcd"), (), {"hidden_layers": {"type": "integer", "low": 0, "high": 2}, "units": UNITS}),
    Case(
        "convnet",
        images(8, 6),
        (8, 6, 1),
        {
            "architecture": {"type": "choice", "values": ["resnet", "plain"]},
            "stages": {"type": "integer", "low": 1, "high": 3},
            "blocks": {"type": "integer", "low": 1, "high": 2},
            "filters": {"type": "integer", "low": 2, "high": 6, "step": 2},
            "kernel_size": {"type": "choice", "values": [1, 3, 5]},
            "batch_norm": {"type": "choice", "values": [True, False]},
            "dense_units": {"type": "choice", "values": [0, 5]},
            "l2": {"type": "choice", "values": [0.0, 0.01]},
        },
    ),
    Case(
        "recurrent",
        windows(5),
        (5, 2),
        {
            "cell": {"type": "choice", "values": ["lstm", "gru"]},
            "hidden_layers": {"type": "integer", "low": 1, "high": 3},
            "units": UNITS,
        },
    ),
    Case(
        "tests.models.own_networks:build", images(4, 4), (4, 4, 1), {"width": {"type": "integer", "low": 2, "high": 9}}
    ),
    Case("tests.models.own_networks:flat", tuple("abc"), (), {}),
)
CASES = pytest.mark.parametrize("case", MODELS, ids=lambda case: case.name)
TRAINED = pytest.mark.parametrize(  # by Keras, which compiles each of them for seconds
    "case", [each if each.name == "mlp" else pytest.param(each, marks=pytest.mark.slow) for each in MODELS],
    ids=lambda case: case.name,
)  # fmt: skip
DRAWN = 4  # configurations of each
COUNTS = pytest.mark.parametrize("count", [DRAWN, pytest.param(40, marks=pytest.mark.soak)])


def signature_of(case: Case) -> Signature:
    return Signature(len(case.features), 2, case.shape)


def searched(case: Case, **further: object) -> Space:
    return models.load(case.name).complete(parse({**OPTIMIZER, **case.entries, **further}))


def drawn(case: Case, count: int = DRAWN, **further: object) -> list[Configuration]:
    rng = np.random.default_rng(1)
    return [sample(searched(case, **further), rng) for _ in range(count)]


def inputs_of(case: Case, count: int = 9) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, len(case.features))).astype(np.float32)


def rows_of(case: Case) -> Rows:
    def part(seed: int, count: int) -> Part:
        rng = np.random.default_rng(seed)
        inputs = rng.normal(size=(count, len(case.features))).astype(np.float32)
        outputs = np.stack([inputs.mean(axis=1), inputs[:, 0]], axis=1)
        return Part(inputs, outputs, outputs.astype(float), np.ones(count, np.float32), np.arange(count))

    target = Quantities(("one", "two"), (1.0, 1.0), (0.0, 0.0))
    return Rows(part(1, 40), part(2, 20), part(3, 10), target, case.features)


def equal(one, other) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_every_model_of_the_folder_is_tested():
    assert {case.name for case in MODELS if not models.is_own(case.name)} == set(models.MODELS)


@CASES
def test_it_says_what_a_configuration_has_of_layers(case: Case) -> None:
    kind = models.load(case.name)
    configuration = kind.baseline(searched(case))
    depth, units = kind.layers.of(configuration)
    assert kind.layers.depth(configuration) == depth
    assert depth is not None or not set(kind.layers.names) & configuration.as_dict().keys()
    assert units is None or (isinstance(units, tuple) and len(units) == depth)


@CASES
def test_a_completed_space_has_all_that_training_needs(case):
    space = searched(case)
    kind = models.load(case.name)
    assert kind.complete(space) == space
    assert set(space.names) >= {*case.entries, "optimizer", "learning_rate", "batch_size", "weight_decay"}
    assert [space[name] for name in case.entries] == [
        parse({**OPTIMIZER, **case.entries})[name] for name in case.entries
    ]
    kind.check(space, signature_of(case))
    unsearched = kind.complete(
        parse({"learning_rate": 0.001}) if case.name != "tests.models.own_networks:build" else space
    )
    assert contains(unsearched, kind.baseline(unsearched))


@CASES
@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ({"learning_rate": 0}, "numbers above 0"),
        ({"optimizer": "adamax"}, "adamax"),
        ({"batch_size": 0}, "batch_size"),
        ({"schedule": "steep"}, "plateau"),
        ({"learning_rate": {"type": "fixed", "value": 0.1, "per": "stages"}, "stages": 2}, "per"),
    ],
)
def test_what_no_model_understands_is_explained(case, entries, text):
    with pytest.raises(UserError, match=text):
        models.load(case.name).complete(parse(entries))


@COUNTS
@CASES
def test_weights_have_the_shapes_that_are_said_without_building(case, count):
    kind, signature = models.load(case.name), signature_of(case)
    most = kind.most_weights(searched(case), signature)
    for configuration in (*drawn(case, count), kind.baseline(searched(case))):
        model = kind.build(configuration, signature, 0)
        weights = model.get_weights()
        assert kind.weight_shapes(configuration, signature) == tuple(weight.shape for weight in weights)
        assert {weight.dtype for weight in weights} == {np.dtype("float32")}
        assert sum(weight.size for weight in weights) <= most
        assert model.input_shape == (None, len(case.features))
        assert model.output_shape == (None, 2)


@COUNTS
@CASES
def test_a_network_predicts_what_its_weights_say(case, count):
    kind, signature = models.load(case.name), signature_of(case)
    rows = inputs_of(case)
    for configuration in drawn(case, count):
        model = kind.build(configuration, signature, 3)
        # Other numbers than at the start, where normalisations and biases do nothing.
        rng = np.random.default_rng(5)
        weights = [
            np.abs(weight + rng.normal(0, 0.1, weight.shape)).astype(np.float32) for weight in model.get_weights()
        ]
        model.set_weights(weights)
        found = predict(kind.network(configuration, signature, weights), rows)
        np.testing.assert_allclose(found, np.asarray(model(rows, training=False)), rtol=1e-4, atol=1e-5)
        assert np.array_equal(found, predict(kind.network(configuration, signature, weights), rows))


@CASES
def test_initial_weights_are_a_function_of_the_seed(case):
    kind, signature = models.load(case.name), signature_of(case)
    (configuration,) = drawn(case, 1)
    one, same, other = (kind.build(configuration, signature, seed).get_weights() for seed in (1, 1, 2))
    assert equal(one, same)
    assert not equal(one, other)


@CASES
def test_a_native_keras_file_gives_the_network_back(case, tmp_path):
    import keras

    kind, signature = models.load(case.name), signature_of(case)
    (configuration,) = drawn(case, 1)
    model = kind.build(configuration, signature, 3)
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras", compile=False, safe_mode=True)
    rows = inputs_of(case)
    assert equal(loaded.get_weights(), model.get_weights())
    np.testing.assert_allclose(np.asarray(loaded(rows)), np.asarray(model(rows)), rtol=1e-5, atol=1e-6)


@CASES
def test_weights_of_other_shapes_are_refused(case):
    kind, signature = models.load(case.name), signature_of(case)
    (configuration,) = drawn(case, 1)
    weights = kind.build(configuration, signature, 0).get_weights()
    for wrong in (weights[:-1], [*weights, weights[0]], [], [weights[0].T[:1], *weights[1:]]):
        with pytest.raises(ValueError, match="shapes"):
            kind.network(configuration, signature, wrong)


@pytest.mark.parametrize("case", [case for case in MODELS if not models.is_own(case.name)], ids=lambda case: case.name)
def test_what_is_no_configuration_is_a_value_error_and_takes_no_memory(case):
    kind, signature = models.load(case.name), signature_of(case)
    whole = kind.baseline(searched(case)).as_dict()
    for changes in (
        {"hidden_layers": 10**9, "stages": 10**9},
        {"units": ((10**9,) * 1), "filters": 10**9, "hidden_layers": 1},
        {"nonsense": 1},
        {"learning_rate": "fast"},
        {"batch_size": (1, 2)},
    ):
        with pytest.raises(ValueError, match=r"cannot be|has no|values for"):
            kind.weight_shapes(Configuration.of({**whole, **changes}), signature)
    with pytest.raises(ValueError, match="has no"):
        kind.weight_shapes(Configuration.of({"learning_rate": 0.1}), signature)


def train(case: Case, configuration: Configuration, epochs: int = 30):
    protocol = Protocol(case.name, "mse", 3, 0.0, seed=7, space=searched(case), engine="keras")
    return keras_fit.train_one(Training(configuration, epochs, 1), rows_of(case), protocol)


def trainable(case: Case) -> Configuration:
    """The default network, with dropout where there is a choice: masks are to be the same again."""
    changed = {"batch_size": 8, "learning_rate": 0.01, **({"dropout": 0.3} if case.name in models.MODELS else {})}
    default = models.load(case.name).baseline(searched(case, **changed))
    return Configuration.of({**default.as_dict(), **changed})


@TRAINED
@pytest.mark.parametrize("choose", [trainable, pytest.param(lambda case: drawn(case, 1)[0], marks=pytest.mark.soak)])
def test_a_training_lowers_the_error_scores_what_its_reloaded_weights_score_and_is_repeated_bit_by_bit(case, choose):
    configuration = choose(case)
    one, same = train(case, configuration), train(case, configuration)
    assert one.error == ""
    assert equal(one.weights, same.weights)
    assert one.objective == same.objective
    rows = rows_of(case)
    network = models.load(case.name).network(configuration, signature_of(case), one.weights)
    found = float(np.abs(predict(network, rows.validation.inputs) - rows.validation.outputs).mean())
    assert one.objective == pytest.approx(found, rel=1e-6)
    assert one.parameters == sum(weight.size for weight in one.weights)
    assert one.curve is not None
    if choose is trainable:
        assert one.objective < 0.95 * one.curve.validation[0]
