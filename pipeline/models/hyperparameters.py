"""Meanings of hyperparameters, and those that every kind of network has: its optimizer's.

A model lists its own in a table of `Meaning`; `completed` checks a space against it and adds the defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from pipeline.errors import UserError
from pipeline.space import Choice, Parameter, Space, ends, nearest
from pipeline.trial import Configuration, Scalar, Value

OPTIMIZERS: Final = ("adam", "adamw", "nadam", "rmsprop", "sgd")
SCHEDULES: Final = ("constant", "cosine", "exponential", "plateau")

EXPONENTIAL_END: Final = 0.01  # the exponential schedule ends at this fraction of the learning rate, after all epochs
PLATEAU_FACTOR: Final = 0.5  # the plateau schedule multiplies the learning rate by this,
PLATEAU_PATIENCE: Final = 5  # after this many epochs without a better validation objective


@dataclass(frozen=True, slots=True)
class Meaning:
    """A hyperparameter's default, its possible values, and their description."""

    default: Value
    valid: Callable[[Scalar], bool]
    expected: str


Meanings = Mapping[str, Meaning]


def whole(low: int, high: int) -> Callable[[Scalar], bool]:
    """A check for integers in [low, high]; truth values are not accepted."""
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def within(low: float, high: float, *, open_low: bool = False) -> Callable[[Scalar], bool]:
    """A check for numbers in [low, high), or in (low, high)."""

    def valid(value: Scalar) -> bool:
        if isinstance(value, bool | str):
            return False
        return (low < value if open_low else low <= value) and value < high

    return valid


def count(default: int, low: int, high: int) -> Meaning:
    """The meaning of a count."""
    return Meaning(default, whole(low, high), f"whole numbers from {low} to {high}")


def word(default: str, words: tuple[str, ...]) -> Meaning:
    """The meaning of a choice between words."""
    return Meaning(default, lambda value: value in words, ", ".join(words))


NOT_NEGATIVE: Final = Meaning(0.0, within(0, np.inf), "numbers of at least 0")
SHARE: Final = Meaning(0.0, within(0, 1), "numbers of at least 0 and below 1")

TRAINING: Final[Meanings] = {
    "optimizer": word("adam", OPTIMIZERS),
    "learning_rate": Meaning(1e-3, within(0, np.inf, open_low=True), "numbers above 0"),
    "batch_size": Meaning(32, whole(1, 2**31), "whole numbers of at least 1"),
    "weight_decay": NOT_NEGATIVE,
}
# Part of a configuration only if its space names them; otherwise the default holds.
TRAINING_FURTHER: Final[Meanings] = {
    "momentum": Meaning(0.0, within(0, 1), "numbers of at least 0 and below 1, for sgd and rmsprop"),
    "nesterov": Meaning(False, lambda value: isinstance(value, bool), "true or false, for sgd with momentum"),
    "clip_norm": Meaning(0.0, within(0, np.inf), "numbers of at least 0, where 0 does not clip"),
    "schedule": word("constant", SCHEDULES),
}
_ALL: Final[Meanings] = {**TRAINING, **TRAINING_FURTHER}


def known(parameter: Parameter, meanings: Meanings, kind: str) -> None:
    """Raise UserError unless this kind of network has the hyperparameter and can take its values."""
    meaning = meanings.get(parameter.name)
    if meaning is None:
        raise UserError(
            f"The {kind} has no hyperparameter {parameter.name!r}",
            expected=", ".join(meanings),
            hint=nearest(parameter.name, meanings) or "remove it from the space file",
        )
    wrong = [value for value in ends(parameter.domain) if not meaning.valid(value)]
    if wrong:
        raise UserError(
            f"{parameter.name} cannot take the value {wrong[0]!r}",
            expected=meaning.expected,
            hint="correct the space file",
        )


def real(parameter: Parameter, meanings: Meanings) -> Parameter:
    """Convert whole numbers of a real hyperparameter to floats: 0 and 0.0 are one value, and one configuration."""
    meaning = meanings.get(parameter.name)
    if meaning is None or not isinstance(meaning.default, float) or not isinstance(parameter.domain, Choice):
        return parameter
    return replace(parameter, domain=Choice(tuple(float(value) for value in parameter.domain.values)))


def completed(space: Space, always: Meanings, further: Meanings, kind: str) -> Space:
    """The space with every hyperparameter of `always`, left-out ones fixed to their defaults.

    For kinds of networks without repeating hyperparameters. Raise UserError for an unknown name or value, or for a
    repetition.
    """
    meanings = {**always, **further}
    for parameter in space.parameters:
        known(parameter, meanings, kind)
        if parameter.per:
            raise UserError(f"{parameter.name} cannot repeat per {parameter.per} in a {kind}", hint="remove per")
    return filled(space, meanings, always)


def filled(space: Space, meanings: Meanings, always: Meanings) -> Space:
    """The space with floats for real hyperparameters, and defaults for those of `always` that it lacks."""
    given = [real(parameter, meanings) for parameter in space.parameters]
    missing = [Parameter(name, _fixed(each.default)) for name, each in always.items() if name not in space]
    return Space((*given, *missing))


def _fixed(value: Value) -> Choice:
    assert not isinstance(value, tuple)
    return Choice((value,))


def possible(configuration: Configuration, meanings: Meanings, needed: Meanings) -> None:
    """Raise ValueError for a configuration that no space of this kind of network contains; ignores repeated values."""
    values = configuration.as_dict()
    missing = [name for name in needed if name not in values]
    if missing:
        raise ValueError(f"it has no {missing[0]}")
    for name, given in values.items():
        if name not in meanings or isinstance(given, tuple) or not meanings[name].valid(given):
            raise ValueError(f"{name[:40]} cannot be {given!r:.60}")


def largest(space: Space, meanings: Meanings) -> dict[str, Any]:
    """For each hyperparameter the largest number, or all words, of the space and the default."""
    found: dict[str, Any] = {}
    for name, meaning in meanings.items():
        given = ends(space[name].domain) if name in space else (meaning.default,)
        found[name] = given if isinstance(given[0], str) else max(given)
    return found


def training(configuration: Configuration, name: str) -> Value:
    """The value of a hyperparameter that every kind of network has; its default if the configuration lacks it."""
    return configuration.as_dict().get(name, _ALL[name].default)


def _number(configuration: Configuration, name: str) -> float:
    given = training(configuration, name)
    assert isinstance(given, int | float)
    return float(given)


def optimizer(configuration: Configuration, steps: int) -> Any:
    """A new Keras optimizer for a training of at most `steps` steps; the plateau schedule is left to a callback.

    Weight decay is decoupled from the gradient (Loshchilov & Hutter 2019) and acts on biases too; gradients are
    clipped by the norm of all of them together.
    """
    import keras

    kinds = keras.optimizers
    kind = {
        "adam": kinds.Adam,
        "adamw": kinds.AdamW,
        "nadam": kinds.Nadam,
        "rmsprop": kinds.RMSprop,
        "sgd": kinds.SGD,
    }[str(training(configuration, "optimizer"))]
    rate = _number(configuration, "learning_rate")
    schedules = {
        "cosine": lambda: keras.optimizers.schedules.CosineDecay(rate, steps),
        "exponential": lambda: keras.optimizers.schedules.ExponentialDecay(rate, steps, EXPONENTIAL_END),
    }
    schedule = schedules.get(str(training(configuration, "schedule")), lambda: rate)()
    decay = _number(configuration, "weight_decay")
    further: dict[str, Any] = {}
    if kind in (kinds.SGD, kinds.RMSprop):
        further["momentum"] = _number(configuration, "momentum")
    if kind is kinds.SGD:
        further["nesterov"] = bool(training(configuration, "nesterov"))
    return kind(
        schedule,
        weight_decay=decay if decay or kind is kinds.AdamW else None,  # AdamW requires a number
        global_clipnorm=_number(configuration, "clip_norm") or None,
        **further,
    )


def callbacks(configuration: Configuration) -> list[Any]:
    """The Keras callbacks of this configuration, besides early stopping."""
    import keras

    if training(configuration, "schedule") != "plateau":
        return []
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_objective", mode="min", factor=PLATEAU_FACTOR, patience=PLATEAU_PATIENCE, min_delta=0.0
        )
    ]
