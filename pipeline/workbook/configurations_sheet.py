"""The sheet *Configurations*: one row for each, best first."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.ranking.order import ranks
from pipeline.ranking.statistics import Range
from pipeline.tasks import Task
from pipeline.tasks.naming import distinct
from pipeline.trial import Summary, Value
from pipeline.workbook.columns import (
    CONFIGURATIONS,
    COUNT,
    ELITE,
    FAILURES,
    FRONT,
    GROUP,
    HIGH,
    HYPERPARAMETER,
    JSON,
    KEY,
    LAYERS,
    LEAST,
    LIMIT,
    LOW,
    MEAN,
    MOST,
    NEURONS,
    NOTES,
    RANK,
    ROWS,
    STAGE,
    STD,
    TEST,
    Cell,
    Column,
    Kind,
    Table,
    free_header,
    headed,
    kind_of,
    ours,
    score_column,
    shown,
    width_of,
)
from pipeline.workbook.ooxml import Link
from pipeline.workbook.view import View


@dataclass(frozen=True, slots=True)
class _Row:
    summary: Summary
    rank: int | None
    key: str  # computed once: a hash
    values: Mapping[str, Value]

    @classmethod
    def of(cls, summary: Summary, rank: int | None) -> _Row:
        return cls(summary, rank, summary.key, summary.configuration.as_dict())

    @property
    def trained_here(self) -> bool:
        """False for an imported row: values that its summary lacks may be in the user's workbook and are kept."""
        return self.summary.stage != "imported"


_Source = tuple[Column, Callable[[_Row], Cell]]


def configurations(view: View) -> Table:
    """One row for each configuration, best first; the baseline and imported rows have their places, without a rank."""
    rows = _placed(view)
    sources = [*_place(rows, view), *_hyperparameters(rows, view.task), *_objective(view)]
    taken = {column.header for column, _ in sources} | ours(view.task)
    sources += [*_outputs(view, rows, taken), *_cost(rows), *_exact()]
    return Table(
        title=CONFIGURATIONS,
        columns=tuple(column for column, _ in sources),
        rows=tuple(tuple(_cell(row, *source) for source in sources) for row in rows[:ROWS]),
        identity=(KEY,),
        ranked=True,
    )


_MARKS: Final = frozenset({RANK, ELITE, GROUP, FRONT})  # by us alone: one that does not hold any more is taken away


def _cell(row: _Row, column: Column, source: Callable[[_Row], Cell]) -> Cell:
    value = source(row)
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    return ... if value is None and not row.trained_here and column.header not in _MARKS else value


def _placed(view: View) -> list[_Row]:
    known = ranks(view.ranking)
    rows = [
        _Row.of(summary, known.get(summary.key) if math.isfinite(summary.mean) else None) for summary in view.ranking
    ]
    baseline = view.baseline
    # A baseline that the search also found is one configuration: one row, with its rank.
    if baseline is not None and baseline.key not in {row.key for row in rows}:
        position = sum(row.summary.order < baseline.order for row in rows)
        rows.insert(position, _Row.of(baseline, None))
    return rows


def _place(rows: Sequence[_Row], view: View) -> list[_Source]:
    said = {row.key: view.layers.of(row.summary.configuration) for row in rows}
    sources: list[_Source] = [
        (Column(RANK, "count", 6, "place"), lambda row: row.rank),
        (Column(STAGE, "text", 10, "place"), lambda row: row.summary.stage),
        (Column(ELITE, "mark", 6, "place"), lambda row: "★" if row.key in view.elite else None),
    ]
    if any(depth is not None for depth, _ in said.values()):
        sources.append((Column(LAYERS, "count", 8, "place"), lambda row: shown(said[row.key][0])))
    if any(units is not None for _, units in said.values()):
        sources.append((Column(NEURONS, "text", 18, "place"), lambda row: shown(said[row.key][1])))
    return sources


def _hyperparameters(rows: Sequence[_Row], task: Task) -> list[_Source]:
    names = sorted({name for row in rows for name in row.values} - {"hidden_layers", "units"})
    taken, sources = {*ours(task)}, list[_Source]()
    for name in names:  # a name before those that begin with it: `import_rows` takes one mark off
        taken.add(header := distinct(name, taken, HYPERPARAMETER))
        sources.append((_hyperparameter(name, header, rows), _reader(name)))
    return sources


def _hyperparameter(name: str, header: str, rows: Sequence[_Row]) -> Column:
    values = [row.values[name] for row in rows if name in row.values]
    numbers = [value for value in values if isinstance(value, int | float)]
    kind = kind_of(numbers) if len(numbers) == len(values) else "text"
    return Column(header, kind, width_of(header), "hyperparameters")


def _reader(name: str) -> Callable[[_Row], Cell]:
    return lambda row: shown(row.values.get(name))


def _objective(view: View) -> list[_Source]:
    def column(header: str) -> Column:
        return Column(headed(header, view.task), "fraction", 10, "objective")

    task = view.task

    def known(value: float | None) -> float | None:
        return None if value is None else task.shown(value)

    return [
        (column(MEAN), lambda row: known(row.summary.mean)),
        (column(STD), lambda row: row.summary.std),
        (column(LOW), lambda row: _ends(row.summary, task)[0]),
        (column(HIGH), lambda row: _ends(row.summary, task)[1]),
        (column(LEAST), lambda row: known(row.summary.worst if task.higher else row.summary.best)),
        (column(MOST), lambda row: known(row.summary.best if task.higher else row.summary.worst)),
        # Empty until the end of a run: an earlier number may be that of fewer repeats.
        (column(TEST), lambda row: known(view.test.get(row.key))),
        (Column(GROUP, "text", 16, "objective"), lambda row: view.group.get(row.key)),
        (Column(FRONT, "text", 16, "objective"), lambda row: view.front.get(row.key)),
    ]


def _ends(summary: Summary, task: Task) -> tuple[float | None, float | None]:
    return Range(*task.ends).cut(*task.shown_bounds(summary.mean, summary.low, summary.high))[1:]


def _outputs(view: View, rows: Sequence[_Row], taken: set[str]) -> list[_Source]:
    known = {metric.name: metric for metric in (*view.task.metrics, *view.task.optional)}
    metrics = _metrics([row.summary.scores for row in rows], known)
    sources: list[_Source] = []
    for output in view.outputs:
        for metric in metrics:
            if not any(metric in row.summary.scores.get(output, {}) for row in rows):
                continue  # of another output alone
            values = [row.summary.scores.get(output, {}).get(metric, math.nan) for row in rows]
            header = free_header(output, known[metric].header if metric in known else metric, taken)
            sources.append((score_column(header, known.get(metric), values), _scored(output, metric)))
    return sources


def _metrics(scores: Sequence[Mapping[str, Mapping[str, float]]], known: Collection[str]) -> list[str]:
    present = {metric for each in scores for metrics in each.values() for metric in metrics}
    return [*(metric for metric in known if metric in present), *sorted(present - set(known))]


def _scored(output: str, metric: str) -> Callable[[_Row], Cell]:
    return lambda row: row.summary.scores.get(output, {}).get(metric)


def _cost(rows: Sequence[_Row]) -> list[_Source]:
    def measured(value: Callable[[Summary], float]) -> Callable[[_Row], Cell]:
        return lambda row: value(row.summary) or None  # zero means that nothing was measured

    seconds = [row.summary.seconds for row in rows if row.summary.seconds]
    kind: Kind = "plain" if not seconds or statistics.median(seconds) >= 1 else "fraction"
    return [
        (Column(COUNT, "count", 10, "cost"), lambda row: row.summary.repeats),
        (Column(FAILURES, "count", 10, "cost"), lambda row: row.summary.failures if row.trained_here else None),
        (Column("epochs", "plain", 8, "cost"), measured(lambda summary: summary.epochs_run)),
        (Column("mean seconds", kind, 9, "cost"), measured(lambda s: s.seconds)),
        (Column("weights", "count", 10, "cost"), measured(lambda summary: summary.weights)),
    ]


def _exact() -> list[_Source]:
    def model(row: _Row) -> Cell:
        saved = row.trained_here and row.summary.repeats > 0
        return Link("open", f"models/{row.key}/") if saved else None

    return [
        (Column("model", "link", 8, "exact"), model),
        (Column(NOTES, "wide", 28, "exact"), lambda _: ...),
        (Column(LIMIT, "count", 8, "exact"), lambda row: row.summary.epochs),
        (Column(KEY, "exact", 19, "exact"), lambda row: row.key),
        (Column(JSON, "exact", 14, "exact"), lambda row: row.summary.configuration.json),
    ]
