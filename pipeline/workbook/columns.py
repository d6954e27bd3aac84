"""What sheets are made of: headers, columns with a kind, cells, and tables of them."""

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
GROUP: Final = "group"  # of what cannot be told apart from the best
FRONT: Final = "front"  # of what no better configuration undercuts, in weights or in seconds
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
HYPERPARAMETER: Final = "hyperparameter"  # the mark of one that is called like a column of ours

# Of *Configurations*, as the first task calls them: see `ours`.
_BEFORE: Final = frozenset({RANK, STAGE, ELITE, GROUP, FRONT, LAYERS, NEURONS, MEAN, STD, LOW, HIGH, LEAST, MOST, TEST})
OURS: Final = _BEFORE | {COUNT, FAILURES, "epochs", "mean seconds", "weights", "model", NOTES, LIMIT, KEY, JSON}

Kind = Literal["count", "plain", "fraction", "scientific", "moment", "mark", "text", "link", "wide", "exact"]
Group = Literal["place", "hyperparameters", "objective", "outputs", "cost", "exact"]
_NAME: Final = 200  # characters of an output's name in a header
_OBJECTIVE: Final = (MEAN, STD, LEAST, MOST, TEST)  # as the first task calls them
ROWS: Final = 1_048_575  # of a sheet below its header; what is beyond stands in the journal only


def ours(task: Task) -> frozenset[str]:
    """The headers of the product's own columns of *Configurations* in studies of that task: no other is called so."""
    return OURS | {headed(header, task) for header in _OBJECTIVE}


def headed(header: str, task: Task) -> str:
    """A header of the objective's columns as studies of that task have it: `MAE mean` as `log loss mean`."""
    return header.replace("MAE", task.objective) if header in _OBJECTIVE else header


Cell = str | int | float | bool | Link | None | EllipsisType
"""None empties a cell, an ellipsis leaves it as the user made it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column is found by its header, wherever the user moved it."""

    header: str
    kind: Kind
    width: float  # characters
    group: Group


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet: its rows are found by the cells below the `identity` headers, which no two rows share."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    identity: tuple[str, ...]
    ranked: bool = False  # rows are kept in rank order until the user sorts them otherwise

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers from left to right."""
        return tuple(column.header for column in self.columns)


def shown(value: Value | None) -> Cell:
    """A hyperparameter in one cell; several values as `[37, 41, 35]`."""
    return "[" + ", ".join(str(each) for each in value) + "]" if isinstance(value, tuple) else value


def kind_of(values: Sequence[float]) -> Kind:
    """How numbers of one column are best read: counts, plain decimals, or powers of ten for log-like small ones."""
    if all(isinstance(value, int) for value in values):
        return "count"
    sizes = sorted(abs(value) for value in values if value)
    if sizes and sizes[len(sizes) // 4] < 0.01:
        return "scientific"
    return "plain" if not sizes or statistics.median(sizes) >= 10 else "fraction"


def width_of(header: str) -> float:
    """Wide enough for a header that breaks at its spaces, the filter's button beside it."""
    return min(30, max(11, 4 + max((len(word) for word in header.split()), default=0)))


def score_column(header: str, metric: Metric | None, values: Sequence[float]) -> Column:
    """The column of a metric of an output, its kind chosen by the values where the metric does not say."""
    finite = [float(value) for value in values if math.isfinite(value)]
    look = metric.look if metric else ""
    kind: Kind = "fraction" if look == "share" or not finite else kind_of(finite)
    if look == "percent":
        kind = "plain"
    return Column(header, kind, width_of(header), "outputs")


def free_header(output: str, measure: str, taken: set[str]) -> str:
    """A header that is not taken, and is then; the measure stays readable behind a name that a cell would cut."""
    name = output if len(output) <= _NAME else output[: _NAME - 1] + "…"
    header = distinct(f"{name} {measure}", taken, "output")
    taken.add(header)
    return header
