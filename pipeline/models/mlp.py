"""Multi-layer perceptron: dense hidden layers, each followed by its activation and dropout, and a linear output."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from pipeline.errors import UserError
from pipeline.models import layer_widths
from pipeline.models.activations import FUNCTIONS
from pipeline.models.hyperparameters import (
    NOT_NEGATIVE,
    OPTIMIZERS,
    SCHEDULES,
    SHARE,
    TRAINING,
    TRAINING_FURTHER,
    Meaning,
    Meanings,
    callbacks,
    count,
    known,
    optimizer,
    real,
    whole,
    word,
)
from pipeline.models.model import Network, Signature
from pipeline.space import Choice, Parameter, Space, ends
from pipeline.trial import Configuration, Scalar, Value

__all__ = [
    "ACTIVATIONS",
    "BASELINE",
    "INITIALIZERS",
    "OPTIMIZERS",
    "SCHEDULES",
    "baseline",
    "build",
    "callbacks",
    "check",
    "complete",
    "each_layer",
    "initial_weights",
    "layers",
    "most_weights",
    "network",
    "number",
    "optimizer",
    "shapes",
    "value",
    "weight_shapes",
]

ACTIVATIONS: Final = ("relu", "tanh", "sigmoid", "elu", "selu", "gelu", "swish", "leaky_relu")
INITIALIZERS: Final = ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal")

_MEANINGS: Final[Meanings] = {
    "hidden_layers": count(2, 0, 1000),
    "units": Meaning((64, 64), whole(1, 65_536), 'whole numbers from 1 to 65536, with per = "hidden_layers"'),
    "activation": word("relu", ACTIVATIONS),
    "optimizer": TRAINING["optimizer"],
    "learning_rate": TRAINING["learning_rate"],
    "batch_size": TRAINING["batch_size"],
    "dropout": SHARE,
    "l2": NOT_NEGATIVE,
    "weight_decay": TRAINING["weight_decay"],
}
# Part of a configuration only if its space names them; otherwise the default holds.
_FURTHER: Final[Meanings] = {
    "l1": NOT_NEGATIVE,
    **TRAINING_FURTHER,
    "initializer": word("glorot_uniform", INITIALIZERS),
}


def _part(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1


# Instead of hidden_layers and units: see `layer_widths`. A configuration has either all of them or none.
_TAPERED: Final[Meanings] = {
    "base_units": Meaning(256, whole(1, 65_536), "whole numbers from 1 to 65536"),
    "neuron_percentage": Meaning(1.0, _part, "fractions of base_units above 0, up to 1"),
    "shrinkage": Meaning(0.5, _part, "fractions of the previous layer above 0, up to 1"),
    "min_units": Meaning(8, whole(1, 65_536), "whole numbers from 1 to 65536"),
    "max_layers": Meaning(5, whole(1, 1000), "whole numbers from 1 to 1000"),
}
_ALL: Final = {**_MEANINGS, **_FURTHER, **_TAPERED}
_LAYERS: Final = ("hidden_layers", "units")
_PER_LAYER: Final = frozenset({"units", "activation", "dropout", "l1", "l2"})

layers: Final = layer_widths.LAYERS
BASELINE: Final = Configuration.of({name: meaning.default for name, meaning in _MEANINGS.items()})


def complete(space: Space) -> Space:
    """The space with every hyperparameter of the perceptron, left-out ones fixed to their defaults.

    Raise UserError for a name, a value or a repetition that the perceptron does not have.
    """
    for parameter in space.parameters:
        known(parameter, _ALL, "multi-layer perceptron")
        _check_repetition(parameter)
    _check_depth(space)
    given = [real(parameter, _ALL) for parameter in space.parameters]
    proportions = tuple(_TAPERED) if any(name in space for name in _TAPERED) else ()
    wanted = [name for name in (*_MEANINGS, *proportions) if name not in _LAYERS]
    fixed = [Parameter(name, _fixed(_ALL[name].default)) for name in wanted if name not in space]
    if "hidden_layers" not in space and not proportions:
        fixed += [Parameter("hidden_layers", Choice((2,))), Parameter("units", Choice((64,)), "hidden_layers")]
    return Space((*given, *fixed))


def baseline(space: Space) -> Configuration:  # noqa: ARG001 - one network to compare all spaces with
    """The default network."""
    return BASELINE


def check(space: Space, signature: Signature) -> None:
    """Accept everything: a perceptron takes any row of numbers."""


def _check_repetition(parameter: Parameter) -> None:
    if parameter.per and parameter.name not in _PER_LAYER:
        raise UserError(
            f"{parameter.name} cannot repeat per {parameter.per}",
            expected=f"per only for {', '.join(sorted(_PER_LAYER))}",
            hint="remove per",
        )


def _check_depth(space: Space) -> None:
    per_layer = [parameter for parameter in space.parameters if parameter.per]
    proportions = [name for name in _TAPERED if name in space]
    structure = [*(name for name in _LAYERS if name in space), *(f"{each.name} per layer" for each in per_layer)]
    if proportions and structure:
        raise UserError(
            f"The space has {proportions[0]} and {structure[0]}",
            expected="hidden_layers and units, or neuron_percentage and shrinkage, which give the layers by proportion",
            hint=f"remove {structure[0]}, or {', '.join(proportions)}",
        )
    if any(parameter.per != "hidden_layers" for parameter in per_layer):
        raise UserError("A parameter repeats per something other than hidden_layers", hint='use per = "hidden_layers"')
    if "units" in space and "hidden_layers" not in space:
        raise UserError(
            "The space has units but no hidden_layers", hint="add hidden_layers, for example hidden_layers = 2"
        )
    if "hidden_layers" in space and "units" not in space:
        raise UserError(
            "The space has hidden_layers but no units",
            hint='add units = { type = "integer", low = 8, high = 64, per = "hidden_layers" }',
        )
    if "units" in space and not space["units"].per:
        raise UserError("units does not repeat for each hidden layer", hint='add per = "hidden_layers" to it')


def _fixed(value: Value) -> Choice:
    assert not isinstance(value, tuple)
    return Choice((value,))


def each_layer(configuration: Configuration, name: str) -> tuple[Scalar, ...]:
    """The value of a hyperparameter for each hidden layer, whether it repeats or is the same for all."""
    depth, units = layer_widths.structure(configuration)
    given = units if name == "units" and units is not None else value(configuration, name)
    assert isinstance(depth, int)
    return given if isinstance(given, tuple) else (given,) * depth


def value(configuration: Configuration, name: str) -> Value:
    """The value of a hyperparameter; its default if the configuration leaves it out."""
    return configuration.as_dict().get(name, _ALL[name].default)


def number(configuration: Configuration, name: str) -> float:
    """The value of a hyperparameter that is a single number."""
    given = value(configuration, name)
    assert isinstance(given, int | float)
    return float(given)


def initial_weights(configuration: Configuration, signature: Signature, seed: int) -> list[np.ndarray]:
    """Kernel (in, out) and bias (out,) of each layer, float32, a function of the arguments alone.

    Kernels are initialised by Glorot & Bengio (2010) or He et al. (2015), normal ones not truncated; biases are zero.
    Each layer has its own generator.
    """
    kind, shape = str(value(configuration, "initializer")).split("_")
    weights = []
    for layer, (rows, columns) in enumerate(shapes(configuration, signature)):
        variance = 2.0 / (rows + columns) if kind == "glorot" else 2.0 / rows
        rng = np.random.default_rng(np.random.SeedSequence([seed, layer]))
        limit = np.sqrt(3.0 * variance)
        size = (rows, columns)
        kernel = rng.uniform(-limit, limit, size) if shape == "uniform" else rng.normal(0.0, np.sqrt(variance), size)
        weights += [kernel.astype(np.float32), np.zeros(columns, np.float32)]
    return weights


def shapes(configuration: Configuration, signature: Signature) -> list[tuple[int, int]]:
    """Inputs and outputs of each dense layer, the output layer last."""
    widths = [signature.features, *(int(units) for units in each_layer(configuration, "units")), signature.outputs]
    return list(itertools.pairwise(widths))


def weight_shapes(configuration: Configuration, signature: Signature) -> tuple[tuple[int, ...], ...]:
    """The shapes of kernel and bias of each layer, in the order of the weights.

    Raise ValueError for a configuration that no space of this model contains.
    """
    values = configuration.as_dict()
    by_proportion = layer_widths.is_tapered(values)
    for name in layer_widths.NAMES if by_proportion else _LAYERS:
        if name not in values:
            raise ValueError(f"it has no {name}")
    for name, given in values.items():
        meaning = _ALL.get(name)
        each = given if isinstance(given, tuple) else (given,)
        if meaning is None or not all(map(meaning.valid, each)):
            raise ValueError(f"{name} cannot be {given!r:.60}")
        if isinstance(given, tuple) and (name not in _PER_LAYER or len(given) != values.get("hidden_layers")):
            raise ValueError(f"{name} has {len(given)} values for {values.get('hidden_layers')!r:.60} hidden layers")
    if by_proportion and not values.keys().isdisjoint(_LAYERS):
        raise ValueError("it has hidden layers both by number and by proportion")
    return tuple(shape for rows, columns in shapes(configuration, signature) for shape in ((rows, columns), (columns,)))


def most_weights(space: Space, signature: Signature) -> int:
    """The number of weights of the largest network of a space, including the default network."""
    networks = (shapes(each, signature) for each in (_largest(space), BASELINE))
    return max(sum((rows + 1) * columns for rows, columns in each) for each in networks)


def widest(space: Space) -> int:
    """The units of the widest hidden layer of a complete space, including the default network's."""
    return max(int(units) for each in (_largest(space), BASELINE) for units in each_layer(each, "units"))


def _largest(space: Space) -> Configuration:
    """The structure of the largest network of a complete space."""
    most = {
        each.name: max(ends(each.domain)) for each in space.parameters if each.name in (*layer_widths.NAMES, *_LAYERS)
    }
    if "neuron_percentage" in most:
        return Configuration.of({**most, "min_units": min(ends(space["min_units"].domain))})
    depth = most["hidden_layers"]
    assert isinstance(depth, int)
    return Configuration.of({"hidden_layers": depth, "units": (most["units"],) * depth})


def build(configuration: Configuration, signature: Signature, seed: int) -> Any:
    """A new keras.Model (rows, features) -> (rows, outputs) with `initial_weights`; dropout follows the seed."""
    import keras

    stack: list[Any] = [keras.Input((signature.features,))]
    names = ("units", "activation", "dropout", "l1", "l2")
    settings = zip(*(each_layer(configuration, name) for name in names), strict=True)
    for position, (units, activation, dropout, l1, l2) in enumerate(settings):
        penalty = keras.regularizers.L1L2(l1=l1, l2=l2) if l1 or l2 else None
        stack.append(keras.layers.Dense(units, activation=activation, kernel_regularizer=penalty))
        if dropout:
            mask_seed = np.random.SeedSequence([seed, position, 1]).generate_state(1)[0]
            stack.append(keras.layers.Dropout(dropout, seed=int(mask_seed)))
    model = keras.Sequential([*stack, keras.layers.Dense(signature.outputs)])
    model.set_weights(initial_weights(configuration, signature, seed))
    return model


def network(configuration: Configuration, signature: Signature, weights: Sequence[np.ndarray]) -> Network:
    """The trained network as a function of scaled inputs (rows, features), float32. It needs only NumPy.

    Raise ValueError if the weights do not have the shapes of the configuration.
    """
    expected = weight_shapes(configuration, signature)
    if tuple(weight.shape for weight in weights) != expected:
        raise ValueError(f"weights of the shapes {[weight.shape for weight in weights]} instead of {expected}")
    activations = [FUNCTIONS[str(name)] for name in each_layer(configuration, "activation")]

    def predict(inputs: np.ndarray) -> np.ndarray:
        values = inputs.astype(np.float32, copy=False)
        for position, activation in enumerate(activations):
            values = activation(values @ weights[2 * position] + weights[2 * position + 1])
        return np.asarray(values @ weights[-2] + weights[-1])

    return predict
