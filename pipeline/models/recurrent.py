"""Recurrent networks for windows of a series: LSTM (Hochreiter & Schmidhuber 1997) or GRU (Cho et al. 2014) layers.

Each hidden layer reads the whole window; the state of the last one after the last step leads to the linear outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from pipeline.errors import UserError
from pipeline.models.hyperparameters import (
    NOT_NEGATIVE,
    SHARE,
    TRAINING,
    TRAINING_FURTHER,
    Meaning,
    Meanings,
    callbacks,
    count,
    filled,
    known,
    largest,
    optimizer,
    possible,
    whole,
    word,
)
from pipeline.models.keras_weights import network_of, weight_seeds
from pipeline.models.layer_widths import LAYERS
from pipeline.models.model import Network, Signature
from pipeline.space import Choice, Parameter, Space
from pipeline.trial import Configuration, Value

__all__ = [
    "baseline",
    "build",
    "callbacks",
    "check",
    "complete",
    "layers",
    "most_weights",
    "network",
    "optimizer",
    "weight_shapes",
]

CELLS: Final = ("lstm", "gru")
_GATES: Final = {"lstm": 4, "gru": 3}

_LAYERS: Final[Meanings] = {
    "hidden_layers": count(1, 1, 16),
    "units": Meaning((32,), whole(1, 8192), 'whole numbers from 1 to 8192, with per = "hidden_layers"'),
}
_MEANINGS: Final[Meanings] = {"cell": word("gru", CELLS), "dropout": SHARE, "l2": NOT_NEGATIVE, **TRAINING}
_ALL: Final[Meanings] = {**_LAYERS, **_MEANINGS, **TRAINING_FURTHER}

layers: Final = LAYERS
_DEFAULT: Final = Configuration.of({name: meaning.default for name, meaning in {**_LAYERS, **_MEANINGS}.items()})


def complete(space: Space) -> Space:
    """The space with every hyperparameter of the network, left-out ones fixed to their defaults.

    Raise UserError for a name, a value or a repetition that the network does not have.
    """
    for parameter in space.parameters:
        known(parameter, _ALL, "recurrent network")
        if parameter.per != ("hidden_layers" if parameter.name == "units" else ""):
            raise UserError(
                f"{parameter.name} of a recurrent network repeats per {parameter.per or 'nothing'}",
                expected='per = "hidden_layers" for units, and for nothing else',
                hint="correct the space file",
            )
    if ("units" in space) != ("hidden_layers" in space):
        raise UserError(
            "The space has one of hidden_layers and units without the other",
            hint='give both, for example hidden_layers = 1 and units = { type = "integer", low = 8, high = 64,'
            ' per = "hidden_layers" }',
        )
    whole_space = filled(space, _ALL, _MEANINGS)
    if "units" in space:
        return whole_space
    fixed = (Parameter("hidden_layers", Choice((1,))), Parameter("units", Choice((32,)), "hidden_layers"))
    return Space((*whole_space.parameters, *fixed))


def baseline(space: Space) -> Configuration:  # noqa: ARG001 - one network to compare all spaces with
    """The default network: one layer of 32 gated units."""
    return _DEFAULT


def check(space: Space, signature: Signature) -> None:  # noqa: ARG001 - every network of a space takes every window
    """Raise UserError unless the rows are windows of a series."""
    if len(signature.shape) != 2:
        raise UserError(
            "A recurrent network needs windows of a series",
            expected="--time and --window, or columns name[t-3], name[t-2], ... step by step",
            got=f"rows of {signature.features} numbers without steps",
            hint="name the time column and the length of the window, or use another --model",
        )


def _value(configuration: Configuration, name: str) -> Value:
    return configuration.as_dict().get(name, _ALL[name].default)


def _units(configuration: Configuration) -> tuple[int, ...]:
    units = _value(configuration, "units")
    assert isinstance(units, tuple)
    return tuple(int(each) for each in units)


def weight_shapes(configuration: Configuration, signature: Signature) -> tuple[tuple[int, ...], ...]:
    """The shapes of a network's weights, in their order. Raise ValueError for configurations of other models."""
    values = configuration.as_dict()
    units = values.pop("units", ())
    possible(Configuration.of(values), _ALL, {name: _ALL[name] for name in ("cell", "hidden_layers")})
    if not isinstance(units, tuple) or len(units) != values["hidden_layers"]:
        raise ValueError(f"units cannot be {units!r:.60}")
    if not all(map(_LAYERS["units"].valid, units)):
        raise ValueError(f"units cannot be {units!r:.60}")
    if len(signature.shape) != 2:
        raise ValueError("its inputs are not windows")
    return tuple(_shapes(str(values["cell"]), tuple(int(each) for each in units), signature))


def _shapes(cell: str, units: Sequence[int], signature: Signature) -> Iterator[tuple[int, ...]]:
    columns = signature.shape[1]
    for each in units:
        gates = _GATES[cell] * each
        yield from ((columns, gates), (each, gates), (gates,) if cell == "lstm" else (2, gates))
        columns = each
    yield from ((columns, signature.outputs), (signature.outputs,))


def most_weights(space: Space, signature: Signature) -> int:
    """The number of weights of the largest network of a space, including the default network."""
    most = largest(space, {"hidden_layers": _LAYERS["hidden_layers"]})
    widest = max(largest(space, {"units": Meaning(32, whole(1, 8192), "")})["units"], *_units(_DEFAULT))
    shapes = _shapes("lstm", (widest,) * max(most["hidden_layers"], 1), signature)
    return sum(int(np.prod(each)) for each in shapes)


def build(configuration: Configuration, signature: Signature, seed: int) -> Any:
    """A new keras.Model (rows, features) -> (rows, outputs); weights and dropout are a function of the seed."""
    import keras

    seeds = weight_seeds(seed)
    kind = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[str(_value(configuration, "cell"))]
    dropout, l2 = (float(str(_value(configuration, name))) for name in ("dropout", "l2"))
    units = _units(configuration)
    stack: list[Any] = [keras.Input((signature.features,)), keras.layers.Reshape(signature.shape)]
    for position, each in enumerate(units, 1):
        stack.append(
            kind(
                each,
                return_sequences=position < len(units),
                kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
                recurrent_initializer=keras.initializers.Orthogonal(seed=next(seeds)),
                kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            )
        )
        if dropout:
            stack.append(keras.layers.Dropout(dropout, seed=next(seeds)))
    last = keras.layers.Dense(signature.outputs, kernel_initializer=keras.initializers.GlorotUniform(next(seeds)))
    return keras.Sequential([*stack, last])


def network(configuration: Configuration, signature: Signature, weights: Sequence[np.ndarray]) -> Network:
    """The trained network as a function of scaled inputs (rows, features). Raise ValueError for other weights."""
    return network_of(lambda: build(configuration, signature, 0), weight_shapes(configuration, signature), weights)
