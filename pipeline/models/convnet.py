"""Convolutional networks for images: a residual one (He et al. 2016, https://arxiv.org/abs/1512.03385) and a plain one.

Both have `stages` of `blocks`; from one stage to the next the image is halved and the filters are doubled. A block of
the residual network is two convolutions with a shortcut, of the plain one a single convolution. Global average pooling
and an optional dense layer lead to the outputs, which are linear.
"""

from __future__ import annotations

import itertools
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
    completed,
    count,
    largest,
    optimizer,
    possible,
    whole,
    word,
)
from pipeline.models.keras_weights import network_of, weight_seeds
from pipeline.models.mlp import ACTIVATIONS
from pipeline.models.model import Layers, Network, Signature
from pipeline.space import Space
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

ARCHITECTURES: Final = ("resnet", "plain")

_MEANINGS: Final[Meanings] = {
    "architecture": word("resnet", ARCHITECTURES),
    "stages": count(2, 1, 6),
    "blocks": count(1, 1, 16),
    "filters": count(16, 1, 512),
    "activation": word("relu", ACTIVATIONS),
    "dropout": SHARE,
    "l2": NOT_NEGATIVE,
    **TRAINING,
}
_FURTHER: Final[Meanings] = {
    "kernel_size": Meaning(3, lambda size: whole(1, 11)(size) and int(size) % 2 == 1, "odd numbers from 1 to 11"),
    "batch_norm": Meaning(True, lambda value: isinstance(value, bool), "true or false"),
    "dense_units": count(0, 0, 8192),
    **TRAINING_FURTHER,
}
_ALL: Final[Meanings] = {**_MEANINGS, **_FURTHER}

layers: Final = Layers()  # stages and blocks are not comparable with hidden layers
_DEFAULT: Final = Configuration.of({name: meaning.default for name, meaning in _MEANINGS.items()})


def complete(space: Space) -> Space:
    """The space with every hyperparameter of the network, left-out ones fixed to their defaults; see `completed`."""
    return completed(space, _MEANINGS, _FURTHER, "convolutional network")


def baseline(space: Space) -> Configuration:  # noqa: ARG001 - one network to compare all spaces with
    """The default network: a small residual one."""
    return _DEFAULT


def check(space: Space, signature: Signature) -> None:
    """Raise UserError unless the rows are images, large enough for all stages."""
    if len(signature.shape) != 3:
        raise UserError(
            "A convolutional network needs images",
            expected="an idx file, arrays (.npz), builtin:digits, or columns pixel_0_0, pixel_0_1, ... row by row",
            got=f"rows of {signature.features} numbers without a shape",
            hint="use images and no other inputs, or another --model",
        )
    stages = max(largest(space, _MEANINGS)["stages"], _size(_DEFAULT, "stages"))
    smallest = min(signature.shape[:2])
    if smallest < 2 ** (stages - 1):
        raise UserError(
            f"{stages} stages halve an image {stages - 1} times",
            expected=f"images of at least {2 ** (stages - 1)} pixels in height and width",
            got=f"{signature.shape[0]} x {signature.shape[1]}",
            hint="lower stages in the space file",
        )


def value(configuration: Configuration, name: str) -> Value:
    """The value of a hyperparameter; its default if the configuration leaves it out."""
    return configuration.as_dict().get(name, _ALL[name].default)


def _size(configuration: Configuration, name: str) -> int:
    given = value(configuration, name)
    assert isinstance(given, int)
    return given


def _filters(configuration: Configuration) -> list[int]:
    """The filters of each stage."""
    return [_size(configuration, "filters") * 2**stage for stage in range(_size(configuration, "stages"))]


# -------------------------------------------------------------------------------------------------------------- shapes


def weight_shapes(configuration: Configuration, signature: Signature) -> tuple[tuple[int, ...], ...]:
    """The shapes of a network's weights, in their order. Raise ValueError for configurations of other models."""
    possible(configuration, _ALL, {name: _MEANINGS[name] for name in ("architecture", "stages", "blocks", "filters")})
    if len(signature.shape) != 3:
        raise ValueError("its inputs are not images")
    return tuple(_shapes(configuration, signature))


def _shapes(configuration: Configuration, signature: Signature) -> Iterator[tuple[int, ...]]:
    kernel, normed = _size(configuration, "kernel_size"), bool(value(configuration, "batch_norm"))
    blocks, channels = _size(configuration, "blocks"), signature.shape[2]
    residual = value(configuration, "architecture") == "resnet"
    filters = _filters(configuration)
    if residual:
        yield from _convolution(kernel, channels, filters[0], normed)
        channels = filters[0]
    for each, number in itertools.product(filters, range(blocks)):
        if residual and number == 0 and channels != each:
            # In the order of Keras's layers: by depth, and within a depth by creation.
            convolutions = (_convolution(kernel, channels, each, normed), _convolution(kernel, each, each, normed))
            first, second = (list(shapes) for shapes in convolutions)
            shortcut = list(_convolution(1, channels, each, normed))
            size = 1 if normed else 2  # arrays of a convolution without its normalisation
            yield from (*first, *second[:size], *shortcut[:size], *second[size:], *shortcut[size:])
        else:
            yield from _convolution(kernel, channels, each, normed)
            if residual:
                yield from _convolution(kernel, each, each, normed)
        channels = each
    for units in (*([dense] if (dense := _size(configuration, "dense_units")) else []), signature.outputs):
        yield from ((channels, units), (units,))
        channels = units


def _convolution(kernel: int, channels: int, filters: int, normed: bool) -> Iterator[tuple[int, ...]]:
    yield (kernel, kernel, channels, filters)
    yield from [(filters,)] * (4 if normed else 1)  # scale, shift, mean and variance, or else a bias


def most_weights(space: Space, signature: Signature) -> int:
    """The number of weights of the largest network of a space, including the default network."""
    most = largest(space, _ALL)
    kinds = [name for name in ARCHITECTURES if name in most["architecture"]] or list(ARCHITECTURES)
    sizes = {name: most[name] for name in ("stages", "blocks", "filters", "kernel_size", "dense_units", "batch_norm")}
    widest = [Configuration.of({**sizes, "architecture": kind}) for kind in kinds]
    return max(sum(int(np.prod(each)) for each in _shapes(one, signature)) for one in (*widest, _DEFAULT))


# --------------------------------------------------------------------------------------------------------------- build


def build(configuration: Configuration, signature: Signature, seed: int) -> Any:
    """A new keras.Model (rows, features) -> (rows, outputs); weights and dropout are a function of the seed."""
    import keras

    kinds = keras.layers
    seeds = weight_seeds(seed)
    residual = value(configuration, "architecture") == "resnet"
    kernel, normed = _size(configuration, "kernel_size"), bool(value(configuration, "batch_norm"))
    activation = str(value(configuration, "activation"))
    l2 = float(str(value(configuration, "l2")))
    penalty = keras.regularizers.L2(l2) if l2 else None

    def convolution(values: Any, filters: int, size: int = kernel, strides: int = 1, *, active: bool = True) -> Any:
        values = kinds.Conv2D(
            filters,
            size,
            strides,
            padding="same",
            use_bias=not normed,
            kernel_initializer=keras.initializers.HeNormal(next(seeds)),
            kernel_regularizer=penalty,
        )(values)
        values = kinds.BatchNormalization()(values) if normed else values
        return kinds.Activation(activation)(values) if active else values

    def block(values: Any, filters: int, strides: int) -> Any:
        if not residual:
            return convolution(kinds.MaxPooling2D()(values) if strides > 1 else values, filters)
        inner = convolution(values, filters, strides=strides)
        inner = convolution(inner, filters, active=False)
        if values.shape[-1] != filters:
            values = convolution(values, filters, 1, strides, active=False)
        return kinds.Activation(activation)(kinds.Add()([inner, values]))

    def dense(values: Any, units: int) -> Any:
        initializer = keras.initializers.GlorotUniform(next(seeds))
        return kinds.Dense(units, kernel_initializer=initializer, kernel_regularizer=penalty)(values)

    inputs = keras.Input((signature.features,))
    values = kinds.Reshape(signature.shape)(inputs)
    if residual:
        values = convolution(values, _filters(configuration)[0])
    for stage, filters in enumerate(_filters(configuration)):
        for number in range(_size(configuration, "blocks")):
            values = block(values, filters, 2 if stage and not number else 1)
    values = kinds.GlobalAveragePooling2D()(values)
    if units := _size(configuration, "dense_units"):
        values = kinds.Activation(activation)(dense(values, units))
    if rate := float(str(value(configuration, "dropout"))):
        values = kinds.Dropout(rate, seed=next(seeds))(values)
    return keras.Model(inputs, dense(values, signature.outputs))


def network(configuration: Configuration, signature: Signature, weights: Sequence[np.ndarray]) -> Network:
    """The trained network as a function of scaled inputs (rows, features). Raise ValueError for other weights."""
    return network_of(lambda: build(configuration, signature, 0), weight_shapes(configuration, signature), weights)
