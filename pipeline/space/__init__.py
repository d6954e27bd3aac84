"""Search spaces as values: their configurations, drawing one at random, narrowing around one.

A space file is TOML with one entry for each hyperparameter, either a fixed value or a table:

    batch_size = 32
    learning_rate = { type = "real", low = 1e-4, high = 1e-1, scale = "log" }
    hidden_layers = { type = "integer", low = 1, high = 4 }
    units         = { type = "integer", low = 8, high = 64, step = 2, per = "hidden_layers" }
    activation    = { type = "choice", values = ["relu", "tanh"] }

An entry with `per` repeats: its value is a tuple, whose length is the value of the named entry.
"""

from __future__ import annotations

from pipeline.space.drawing import ENUMERATED, contains, grid, sample, size, stream
from pipeline.space.narrowing import Narrowing, assemble, flatten, inside, narrow
from pipeline.space.reading import load, nearest, parse, read_toml
from pipeline.space.values import Choice, Domain, Integer, Parameter, Real, Space, ends, value_at

__all__ = [
    "ENUMERATED",
    "Choice",
    "Domain",
    "Integer",
    "Narrowing",
    "Parameter",
    "Real",
    "Space",
    "assemble",
    "contains",
    "ends",
    "flatten",
    "grid",
    "inside",
    "load",
    "narrow",
    "nearest",
    "parse",
    "read_toml",
    "sample",
    "size",
    "stream",
    "value_at",
]
