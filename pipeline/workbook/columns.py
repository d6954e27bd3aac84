"""The parts of a sheet: headers, columns with a kind, cells, and tables."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Final, Literal

from pipeline.tasks import Metric, Task
from pipeline.tasks.naming import distinct
from pipeline.trial import Value
from pipeline.workbook.ooxml import Link

CONFIGURATIONS: Final = "Configurations"
REPEATS: Final = "Repeats"
STUDY: Final = "Study"

RANK: Final = "rank"
STAGE: Final = "stage"
ELITE: Final = "elite"
GROUP: Final = "group"  # of the best configuration and those not significantly worse
FRONT: Final = "front"  # of configurations on the front of weights or of seconds
LAYERS: Final = "hidden layers"
NEURONS: Final = "neurons"
MEAN: Final = "MAE mean"
STD: Final = "MAE std"
LOW: Final = "95 % low"
HIGH: Final = "95 % high"
LEAST: Final = "MAE min"
MOST: Final = "MAE max"
TEST: Final = "test MAE"
COUNT: Final = "repeats"
FAILURES: Final = "failures"
NOTES: Final = "notes"
LIMIT: Final = "epochs limit"
KEY: Final = "key"
JSON: Final = "configuration"
INDEX: Final = "repeat"
ERROR: Final = "error"
HYPERPARAMETER: Final = "hyperparameter"  # marks a hyperparameter that is named like one of our columns

# Headers of *Configurations* in the words of the first task: see `ours`.
_BEFORE: Final = frozenset({RANK, STAGE, ELITE, GROUP, FRONT, LAYERS, NEURONS, MEAN, STD, LOW, HIGH, LEAST, MOST, TEST})
OURS: Final = _BEFORE | {COUNT, FAILURES, "epochs", "mean seconds", "weights", "model", NOTES, LIMIT, KEY, JSON}

Kind = Literal["count", "plain", "fraction", "scientific", "moment", "mark", "text", "link", "wide", "exact"]
Group = Literal["place", "hyperparameters", "objective", "outputs", "cost", "exact"]
_NAME: Final = 200  # characters of an output's name in a header
_OBJECTIVE: Final = (MEAN, STD, LEAST, MOST, TEST)  # in the words of the first task
ROWS: Final = 1_048_575  # of a sheet below its header; further ones are only in the journal


def ours(task: Task) -> frozenset[str]:
    """The headers of the product's own columns of *Configurations* in studies of that task: no other is called so."""
    return OURS | {headed(header, task) for header in _OBJECTIVE}


def headed(header: str, task: Task) -> str:
    """A header of the objective's columns in the words of the study's task: `MAE mean` becomes `log loss mean`."""
    return header.replace("MAE", task.objective) if header in _OBJECTIVE else header


Cell = str | int | float | bool | Link | None | EllipsisType
"""The value of a cell: None empties it, an ellipsis leaves the user's value."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, found by its header wherever the user moved it."""

    header: str
    kind: Kind
    width: float  # characters
    group: Group


@dataclass(frozen=True, slots=True)
class Table:
    """The contents of a sheet; rows are identified by their cells below the `identity` headers."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    identity: tuple[str, ...]
    ranked: bool = False  # rows are kept in rank order until the user sorts them differently

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers from left to right."""
        return tuple(column.header for column in self.columns)


def shown(value: Value | None) -> Cell:
    """A hyperparameter in one cell; several values as `[37, 41, 35]`."""
    return "[" + ", ".join(str(each) for each in value) + "]" if isinstance(value, tuple) else value


def kind_of(values: Sequence[float]) -> Kind:
    """The kind of a column of numbers: counts, decimals, or powers of ten for small values on a log scale."""
    if all(isinstance(value, int) for value in values):
        return "count"
    sizes = sorted(abs(value) for value in values if value)
    if sizes and sizes[len(sizes) // 4] < 0.01:
        return "scientific"
    return "plain" if not sizes or statistics.median(sizes) >= 10 else "fraction"


def width_of(header: str) -> float:
    """The width for a header that breaks at its spaces, with the filter's button."""
    return min(30, max(11, 4 + max((len(word) for word in header.split()), default=0)))


def score_column(header: str, metric: Metric | None, values: Sequence[float]) -> Column:
    """The column of a metric of an output; its kind follows from the values unless the metric defines it."""
    finite = [float(value) for value in values if math.isfinite(value)]
    look = metric.look if metric else ""
    kind: Kind = "fraction" if look == "share" or not finite else kind_of(finite)
    if look == "percent":
        kind = "plain"
    return Column(header, kind, width_of(header), "outputs")


def free_header(output: str, measure: str, taken: set[str]) -> str:
    """A new header, which is added to the used ones; the name is cut so that the measure stays readable."""
    name = output if len(output) <= _NAME else output[: _NAME - 1] + "…"
    header = distinct(f"{name} {measure}", taken, "output")
    taken.add(header)
    return header
