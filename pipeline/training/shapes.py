"""Which program trains what: a function of the training, the study and the kind of device only.

The program has padded widths from the configuration's own, places from the padded widths, activations and optimizers
from the search space. So the bits of a training do not depend on other trainings, on the workers or on an interruption.

Cost model, measured on one core. A program takes one to two seconds to compile, and training 64-64 units on a few
hundred rows 0.2 ms an epoch: a second of compiling buys thousands of epochs, and padding to twice the width costs less
than another program while layers are narrow. So all layers of a configuration get one width, that of the widest
network of the space up to 128, and a half, a quarter, ... of it beyond, whichever is the smallest that fits. Depths and
batch sizes have programs of their own: padding those would cost every training more than the compilation.
Wide networks on many rows are another matter: on 13,000 rows 48-160-208-304-224-96 units, all six layers padded to 512,
take nearly six times as long (`scripts/benchmark_training.py --parts wide`). Where the padding of a training costs
more than the compilation (`pays`), its configuration has a program of its own, with every layer as wide as it is and a
single place: it fills the core, so that a second one would save nothing and cost as much again while it is empty.
Places pay as long as the arrays of all of them stay in a core's cache (ms per network and epoch):

    places                       2      4      8     16
    265 rows, 48-48           0.29   0.20   0.15   0.12
    618 rows, 96-96-96        1.75   1.67   1.90   2.24
    2,000 rows, 128-128-128    6.5    7.2    8.0    8.9
    13,000 rows, 64-64         7.5    6.5    7.1    7.2

Small networks get 8 and not 16 places, because the repeats of a few configurations leave more of 16 empty.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pipeline.data.rows import Rows
from pipeline.models import mlp
from pipeline.space import Choice, Domain, Space, ends
from pipeline.training.protocol import Protocol
from pipeline.trial import Scalar, Training

GRAIN: Final = 16  # padded widths of the widest network are multiples of this: whole vector registers
ONE_WIDTH: Final = 128  # up to here all networks of a study are padded to the same width


# Measured as the seconds above; for layers of hundreds of units, which leave the cache, the padding costs twice that.
COMPILE: Final = 1.2  # seconds for each layer of a program, the last one included
UNIT: Final = 50  # weights that cost as much as everything else that a unit takes part in
RATE: Final = 1e11 / 6  # weights and rows in a second: products forwards and backwards, and the optimizer
OWN_PLACES: Final = 1


@dataclass(frozen=True, slots=True)
class Shape:
    """What makes programs differ; equal shapes are one program, compiled once in the life of a process."""

    features: int
    outputs: int
    widths: tuple[int, ...]  # padded, one for each hidden layer
    batch: int
    places: int
    train: int  # rows
    validation: int
    epochs: int  # trained in one call, after which finished places can be refilled
    loss: str
    patience: int
    min_delta: float
    activations: tuple[str, ...]  # offered by the study: all are computed, each place takes its own
    optimizers: tuple[str, ...]
    uses: frozenset[str]  # of dropout, l1, l2, clip_norm: left out of the program if the study does not use it
    watched: str = ""  # by early stopping, where that is not what the loss calls for

    @property
    def steps(self) -> int:
        """Batches of an epoch; the last one may be short."""
        return -(-self.train // self.batch)

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """Padded inputs and outputs of each dense layer."""
        return tuple(itertools.pairwise((self.features, *self.widths, self.outputs)))


def group_of(training: Training, protocol: Protocol) -> str:
    """A text that is equal for trainings that one program can do, whatever the rows; jobs are grouped by it."""
    own = " own" if pays(training, protocol) else ""
    return f"{_words(padded_widths(training, protocol))}{own} b{training.configuration['batch_size']}"


def shape_of(training: Training, rows: Rows, protocol: Protocol) -> Shape:
    """The program of a training: a function of the training and the study only."""
    widths = padded_widths(training, protocol)
    train = len(rows.train.rows)
    batch = training.configuration["batch_size"]
    assert isinstance(batch, int)
    offered = _offered(protocol.space)
    features, outputs = rows.train.inputs.shape[1], rows.target.outputs
    sizes = itertools.pairwise((features, *widths, outputs))
    fitting = places_of(sum((inputs + 1) * units for inputs, units in sizes))
    return Shape(
        features=features,
        outputs=outputs,
        widths=widths,
        batch=batch,
        places=protocol.places or (min(fitting, OWN_PLACES) if pays(training, protocol) else fitting),
        train=train,
        validation=len(rows.validation.rows),
        epochs=max(1, min(8, 4000 // train)),
        loss=protocol.loss,
        patience=protocol.patience,
        min_delta=protocol.min_delta,
        activations=offered["activation"],
        optimizers=offered["optimizer"],
        uses=frozenset(name for name in ("dropout", "l1", "l2", "clip_norm") if offered[name]),
        watched=protocol.watched,
    )


def padded_widths(training: Training, protocol: Protocol) -> tuple[int, ...]:
    """The width of each hidden layer in its program: its own if that `pays`, otherwise one width for all of them.

    That is the smallest width of the study that is at least that of the widest layer.
    """
    return _own(training) if pays(training, protocol) else _shared(training, protocol.space)


def pays(training: Training, protocol: Protocol) -> bool:
    """True if padding costs more, for half of the epochs of two repeats, than compiling a separate program."""
    padded, own = _shared(training, protocol.space), _own(training)
    saved = training.epochs * protocol.rows * (_weight(padded) - _weight(own)) / RATE
    return saved > COMPILE * (1 + len(own))


def _weight(widths: Sequence[int]) -> int:
    return sum(one * other for one, other in itertools.pairwise(widths)) + UNIT * sum(widths)


def _own(training: Training) -> tuple[int, ...]:
    return tuple(-(-int(each) // GRAIN) * GRAIN for each in mlp.each_layer(training.configuration, "units"))


def _shared(training: Training, space: Space) -> tuple[int, ...]:
    units = [int(each) for each in mlp.each_layer(training.configuration, "units")]
    return (_width(max(units), _widest(space)),) * len(units) if units else ()


def _width(units: int, widest: int) -> int:
    """The widest network's width, halved as long as the units fit and the half is at least 64."""
    width = max(-(-units // GRAIN), -(-widest // GRAIN)) * GRAIN
    while width > ONE_WIDTH and width // 2 >= units:
        width //= 2
    return width


@cache
def _widest(space: Space) -> int:
    return mlp.widest(space)


def places_of(parameters: int) -> int:
    """How many trainings of padded networks with this many parameters share a program; see the cost model above.

    A GPU needs many more. The rule depends on the kind of device, never on how much of it is free.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES"):
        return 64
    return 8 if parameters <= 6_000 else 4 if parameters <= 24_000 else 2


@cache
def _offered(space: Space) -> dict[str, tuple[Any, ...]]:
    """The choices of a study, baseline included: the words of each, and the penalties that are not always zero."""
    offered: dict[str, tuple[Any, ...]] = {}
    for name in ("activation", "optimizer"):
        words = {str(mlp.value(mlp.BASELINE, name)), *(str(word) for word in _reach(space, name))}
        offered[name] = tuple(sorted(words))
    for name in ("dropout", "l1", "l2", "clip_norm"):
        offered[name] = tuple(value for value in _reach(space, name) if value)
    return offered


def _reach(space: Space, name: str) -> tuple[Scalar, ...]:
    if name not in space:
        return ()
    domain: Domain = space[name].domain
    return domain.values if isinstance(domain, Choice) else ends(domain)


def label(shape: Shape) -> str:
    """The name of the program in the ledger: padded widths, batch size, places, and a digest of the whole shape."""
    parts = [
        f"{name}={sorted(value) if isinstance(value, frozenset) else value}"
        for name, value in fields_of(shape).items()
        if name != "watched" or value  # programs of before have the names that they had
    ]
    digest = hashlib.sha256("; ".join(parts).encode()).hexdigest()[:6]
    return f"packed {_words(shape.widths)} b{shape.batch} p{shape.places} {digest}"


def _words(widths: Sequence[int]) -> str:
    return "-".join(str(width) for width in widths) or "linear"


def fields_of(shape: Shape) -> dict[str, Any]:
    """The shape as a dictionary of its fields."""
    return {name: getattr(shape, name) for name in Shape.__dataclass_fields__}
