"""Which program trains which configuration: a function of the configuration and of the study alone.

The program has padded widths from the configuration's own, places from the padded widths, activations and optimizers
from the search space. So the bits of a training do not depend on what else waits, on the workers or on an interruption.

Cost model, measured on one core. A program takes one to two seconds to compile, and training 64-64 units on a few
hundred rows 0.2 ms an epoch: a second of compiling buys thousands of epochs, and padding to twice the width costs less
than another program while layers are narrow. So all layers of a configuration get one width, that of the widest
network of the space up to 128, and a half, a quarter, ... of it beyond, whichever is the smallest that fits. Depths and
batch sizes have programs of their own: padding those would cost every training more than the compilation.
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
from functools import cache
from typing import Any, Final

from pipeline.data.task import Rows
from pipeline.models import mlp
from pipeline.space import Choice, Domain, Space, ends
from pipeline.training.program import Shape
from pipeline.training.protocol import Protocol
from pipeline.trial import Configuration, Scalar

GRAIN: Final = 16  # padded widths of the widest network are multiples of this: whole vector registers
ONE_WIDTH: Final = 128  # up to here all networks of a study are padded to the same width


def group_of(configuration: Configuration, space: Space) -> str:
    """Equal for configurations that one program can train, whatever the rows: what a job is made of."""
    widths = padded_widths(configuration, space)
    return f"{_words(widths)} b{configuration['batch_size']}"


def shape_of(configuration: Configuration, rows: Rows, protocol: Protocol) -> Shape:
    """The program of a configuration: a function of it and of the study alone."""
    widths = padded_widths(configuration, protocol.space)
    train = len(rows.train.rows)
    batch = configuration["batch_size"]
    assert isinstance(batch, int)
    offered = _offered(protocol.space)
    features, outputs = rows.train.inputs.shape[1], rows.target.outputs
    sizes = itertools.pairwise((features, *widths, outputs))
    return Shape(
        features=features,
        outputs=outputs,
        widths=widths,
        batch=batch,
        places=protocol.places or places_of(sum((inputs + 1) * units for inputs, units in sizes)),
        train=train,
        validation=len(rows.validation.rows),
        epochs=max(1, min(8, 4000 // train)),
        loss=protocol.loss,
        patience=protocol.patience,
        min_delta=protocol.min_delta,
        activations=offered["activation"],
        optimizers=offered["optimizer"],
        uses=frozenset(name for name in ("dropout", "l1", "l2", "clip_norm") if offered[name]),
    )


def padded_widths(configuration: Configuration, space: Space) -> tuple[int, ...]:
    """One width for all hidden layers: the smallest that the study has and that holds the widest of them."""
    units = [int(each) for each in mlp.each_layer(configuration, "units")]
    return (_width(max(units), _widest(space)),) * len(units) if units else ()


def _width(units: int, widest: int) -> int:
    """The widest network's width, halved as long as the units fit and the half is no less than 64."""
    width = max(-(-units // GRAIN), -(-widest // GRAIN)) * GRAIN
    while width > ONE_WIDTH and width // 2 >= units:
        width //= 2
    return width


@cache
def _widest(space: Space) -> int:
    return mlp.widest(space)


def places_of(parameters: int) -> int:
    """How many trainings of padded networks with so many parameters share a program; see the cost model above.

    A GPU is filled by many more. The rule knows the kind of device, never how much of it is free.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES"):
        return 64
    return 8 if parameters <= 6_000 else 4 if parameters <= 24_000 else 2


@cache
def _offered(space: Space) -> dict[str, tuple[Any, ...]]:
    """What a study may train, baseline included: the words of each choice, and which penalties are not always zero."""
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
    """The program as the ledger names it: padded widths, batch size, places, and a digest of its whole shape."""
    parts = [
        f"{name}={sorted(value) if isinstance(value, frozenset) else value}" for name, value in fields_of(shape).items()
    ]
    digest = hashlib.sha256("; ".join(parts).encode()).hexdigest()[:6]
    return f"packed {_words(shape.widths)} b{shape.batch} p{shape.places} {digest}"


def _words(widths: Sequence[int]) -> str:
    return "-".join(str(width) for width in widths) or "linear"


def fields_of(shape: Shape) -> dict[str, Any]:
    """The shape as a dictionary, to make another from it."""
    return {name: getattr(shape, name) for name in Shape.__dataclass_fields__}
