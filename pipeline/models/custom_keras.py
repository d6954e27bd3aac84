"""User-defined networks: a function `(configuration, signature) -> keras.Model`, named as `module:function`.

The module is imported by workers and by code that loads the models, and only because the user has named it: a study
folder never causes an import. Python's search path comes first, then the working directory. Workers get its source as
it was when the run began, and import that under the module's name.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pipeline import plugins
from pipeline.errors import UserError
from pipeline.models.hyperparameters import TRAINING, TRAINING_FURTHER, callbacks, filled, known, optimizer
from pipeline.models.keras_weights import network_of
from pipeline.models.layer_widths import LAYERS
from pipeline.models.model import Layers, Network, Signature
from pipeline.space import Choice, Domain, Parameter, Real, Space, ends
from pipeline.trial import Configuration, Scalar

_TRAINING: Final = {**TRAINING, **TRAINING_FURTHER}
_BUILD: Final = "def build(configuration, signature) -> keras.Model"


@dataclass(frozen=True, slots=True)
class Own:
    """A `models.Model` made from the function of that name."""

    name: str

    @property
    def layers(self) -> Layers:
        """By the names of this program, if the function uses them."""
        return LAYERS

    def complete(self, space: Space) -> Space:
        """The space with the hyperparameters of every optimizer; all others are left to the function."""
        for parameter in space.parameters:
            if parameter.name in _TRAINING:
                known(parameter, _TRAINING, "network")
                if parameter.per:
                    raise UserError(f"{parameter.name} cannot repeat per {parameter.per}", hint="remove per")
        return filled(space, _TRAINING, TRAINING)

    def baseline(self, space: Space) -> Configuration:
        """The middle of every range and the first of every choice, because nothing better is known."""
        return _at(space, _middle)

    def check(self, space: Space, signature: Signature) -> None:
        """Accept everything: `most_weights` calls the function and so checks whether it can take such rows."""

    def most_weights(self, space: Space, signature: Signature) -> int:
        """The number of weights of the largest of three networks: with middle, lowest and highest hyperparameters.

        Imports the module and Keras. Raise UserError if the first cannot be built; the others may be impossible.
        """
        sizes = [self._size(self.baseline(space), signature)]
        for end in (_low, _high):
            with contextlib.suppress(UserError):  # such trainings fail one by one, with this error
                sizes.append(self._size(_at(space, end), signature))
        return max(sizes)

    def _size(self, configuration: Configuration, signature: Signature) -> int:
        return sum(int(np.prod(shape)) for shape in self.weight_shapes(configuration, signature))

    def build(self, configuration: Configuration, signature: Signature, seed: int) -> Any:
        """The network that the function returns, with Keras's random numbers seeded. Raise UserError if it is none."""
        import keras

        build = _function(self.name)
        keras.utils.set_random_seed(seed)
        return _flat(_checked(self._called(build, configuration, signature), self.name, signature), signature)

    def _called(self, build: Callable[..., Any], configuration: Configuration, signature: Signature) -> Any:
        try:
            return build(configuration, signature)
        except Exception as error:
            raise UserError(
                f"{self.name} raised {type(error).__name__} for the configuration {configuration.json:.300}",
                expected=_BUILD,
                got=str(error)[:500],
                hint="correct the function or the space file",
            ) from error

    def weight_shapes(self, configuration: Configuration, signature: Signature) -> tuple[tuple[int, ...], ...]:
        """The shapes of a network's weights, in their order, without allocating memory for them."""
        import keras

        # Variables made in such a scope, and not initialised when it ends, have a shape but no value.
        with keras.StatelessScope(initialize_variables=False):
            model = self.build(configuration, signature, 0)
        return tuple(tuple(int(size) for size in weight.shape) for weight in model.weights)

    def network(self, configuration: Configuration, signature: Signature, weights: Sequence[np.ndarray]) -> Network:
        """The trained network as a function of scaled inputs, through Keras. Raise ValueError for other weights."""
        expected = self.weight_shapes(configuration, signature)
        return network_of(lambda: self.build(configuration, signature, 0), expected, weights)

    def optimizer(self, configuration: Configuration, steps: int) -> Any:
        """The optimizer in the configuration; that of a compiled model is not used."""
        return optimizer(configuration, steps)

    def callbacks(self, configuration: Configuration) -> list[Any]:
        """Same as for every kind of network."""
        return callbacks(configuration)


# ------------------------------------------------------------------------------------------------------ configurations


def _order(value: Scalar) -> tuple[bool, Any]:
    return isinstance(value, str), value


def _low(domain: Domain) -> Scalar:
    return min(ends(domain), key=_order)


def _high(domain: Domain) -> Scalar:
    return max(ends(domain), key=_order)


def _middle(domain: Domain) -> Scalar:
    if isinstance(domain, Choice):
        return domain.values[0]
    if isinstance(domain, Real):
        return domain.at(0.5)
    return domain.low + domain.step * (domain.size // 2)


def _at(space: Space, pick: Callable[[Domain], Scalar]) -> Configuration:
    """The configuration with the picked value of every domain; counts first, since repetitions depend on them."""
    counts = {parameter.name: pick(parameter.domain) for parameter in space.parameters if not parameter.per}

    def value(parameter: Parameter) -> object:
        return (pick(parameter.domain),) * int(counts[parameter.per]) if parameter.per else counts[parameter.name]

    return Configuration.of({parameter.name: value(parameter) for parameter in space.parameters})


# -------------------------------------------------------------------------------------------------------- the function


def source_sha256(name: str) -> str:
    """The SHA-256 of the module's source; see `source_of`."""
    return hashlib.sha256(source_of(name)).hexdigest()


def source_of(name: str) -> bytes:
    """The source of the module in `module:function`, found without executing it. Raise UserError if there is none."""
    return plugins.sources_of(name.partition(":")[0])[-1].content


def _function(name: str) -> Callable[..., Any]:
    found: object = plugins.load_object(name, expected=_BUILD, what="function")
    if not callable(found):
        module, _, function = name.partition(":")
        raise UserError(
            f"The module {module} has no function {function}", expected=_BUILD, got="something that cannot be called"
        )
    return found


def _checked(model: Any, name: str, signature: Signature) -> Any:
    """The model, after checking that this program can train, save and reload it."""
    import keras

    if not isinstance(model, keras.Model):
        raise UserError(f"{name} returned no keras.Model", expected=_BUILD, got=type(model).__name__)
    got = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    inputs = [(None, signature.features), (None, *signature.shape)]
    if got[0] not in inputs or got[1] != (None, signature.outputs):
        raise UserError(
            f"{name} returned a network whose inputs or outputs do not match the rows",
            expected=f"{' or '.join(map(str, dict.fromkeys(inputs[: 1 + bool(signature.shape)])))}"
            f" -> {(None, signature.outputs)}, rows first",
            got=f"{got[0]} -> {got[1]}",
            hint="use signature.features, signature.shape and signature.outputs",
        )
    if any(isinstance(layer, keras.layers.Lambda) for layer in _layers(model)):
        raise UserError(f"{name} uses a Lambda layer", hint="make it a layer class: saved code is never loaded")
    types = sorted({str(weight.dtype) for weight in model.weights} - {"float32"})
    if types:
        raise UserError(f"{name} has weights of type {', '.join(types)}", expected="float32", hint="use dtype float32")
    return model


def _layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)


def _flat(model: Any, signature: Signature) -> Any:
    """The same network for flat rows, as the rest of the program uses them."""
    import keras

    if model.input_shape == (None, signature.features):
        return model
    inputs = keras.Input((signature.features,))
    return keras.Model(inputs, model(keras.layers.Reshape(signature.shape)(inputs)))
