"""What the workbook's three sheets say, as values: columns with a header and a kind, rows of plain cells."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Final, Literal

from pipeline.models.tapered import structure
from pipeline.tasks import Task, classification
from pipeline.tasks.regression import TASK
from pipeline.trial import Repeat, Summary, Value

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
CONFUSABLE: Final = " (hyperparameter)"  # behind a hyperparameter that is called like a column of ours

Kind = Literal["count", "plain", "fraction", "scientific", "mark", "text", "link", "wide", "exact"]
Group = Literal["place", "hyperparameters", "objective", "outputs", "cost", "exact"]
_SHARES: Final = frozenset({"r2", *classification.TASK.metrics})  # of 1, however small
_NAME: Final = 200  # characters of an output's name in a header
_OBJECTIVE: Final = (MEAN, STD, LEAST, MOST, TEST)  # as a regression calls them
ROWS: Final = 1_048_575  # of a sheet below its header; what is beyond stands in the journal only


@dataclass(frozen=True, slots=True)
class Link:
    """A cell that leads to a file beside the workbook."""

    text: str
    target: str  # relative to the workbook


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


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the workbook shows, already derived."""

    ranking: tuple[Summary, ...]  # best first, every configuration of the study once, imported ones as well
    baseline: Summary | None = None  # a row too, without a rank
    repeats: tuple[Repeat, ...] = ()
    elite: frozenset[str] = frozenset()  # keys
    outputs: tuple[str, ...] = ()
    task: Task = TASK
    study: tuple[tuple[str, str], ...] = ()  # (name, value)
    test: Mapping[str, float] = field(default_factory=dict)  # key -> objective on the test rows
    group: Mapping[str, str] = field(default_factory=dict)  # key -> best, as good, ...
    front: Mapping[str, str] = field(default_factory=dict)  # key -> weights, seconds, or both


def tables(view: View) -> tuple[Table, ...]:
    """The sheets of the workbook, in their order."""
    return configurations(view), repeats(view), study(view.study)


@dataclass(frozen=True, slots=True)
class _Row:
    summary: Summary
    rank: int | None
    key: str  # derived once: a hash of everything below
    values: Mapping[str, Value]

    @classmethod
    def of(cls, summary: Summary, rank: int | None) -> _Row:
        return cls(summary, rank, summary.key, summary.configuration.as_dict())

    @property
    def told(self) -> bool:
        """False for a row that was taken in: what its summary does not say may stand in the user's workbook."""
        return self.summary.stage != "imported"


_Source = tuple[Column, Callable[[_Row], Cell]]


def configurations(view: View) -> Table:
    """One row per configuration, best first; the baseline stands where its mean places it, without a rank."""
    rows = _placed(view)
    sources = [*_place(rows, view.elite), *_hyperparameters(rows), *_objective(view)]
    sources += [*_outputs(view, rows, taken={column.header for column, _ in sources} | _OURS), *_cost(rows), *_exact()]
    return Table(
        title=CONFIGURATIONS,
        columns=tuple(column for column, _ in sources),
        rows=tuple(tuple(_cell(row, source) for _, source in sources) for row in rows[:ROWS]),
        identity=(KEY,),
        ranked=True,
    )


def _cell(row: _Row, source: Callable[[_Row], Cell]) -> Cell:
    value = source(row)
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    return ... if value is None and not row.told else value


def _placed(view: View) -> list[_Row]:
    rows = [
        _Row.of(summary, place if math.isfinite(summary.mean) else None)
        for place, summary in enumerate(view.ranking, 1)
    ]
    baseline = view.baseline
    # A baseline that the search came upon as well is one configuration: one row, with its rank.
    if baseline is not None and baseline.key not in {row.key for row in rows}:
        position = sum(row.summary.order < baseline.order for row in rows)
        rows.insert(position, _Row.of(baseline, None))
    return rows


def _place(rows: Sequence[_Row], elite: frozenset[str]) -> list[_Source]:
    names = {name for row in rows for name in row.values}
    sources: list[_Source] = [
        (Column(RANK, "count", 6, "place"), lambda row: row.rank),
        (Column(STAGE, "text", 10, "place"), lambda row: row.summary.stage),
        (Column(ELITE, "mark", 6, "place"), lambda row: "★" if row.key in elite else None),
    ]
    if not names.isdisjoint(("hidden_layers", "neuron_percentage")):
        sources.append(
            (Column(LAYERS, "count", 8, "place"), lambda row: shown(structure(row.summary.configuration)[0]))
        )
    if not names.isdisjoint(("units", "neuron_percentage")):
        sources.append(
            (Column(NEURONS, "text", 18, "place"), lambda row: shown(structure(row.summary.configuration)[1]))
        )
    return sources


def _hyperparameters(rows: Sequence[_Row]) -> list[_Source]:
    names = sorted({name for row in rows for name in row.values} - {"hidden_layers", "units"})
    return [(_hyperparameter(name, rows), _reader(name)) for name in names]


def _hyperparameter(name: str, rows: Sequence[_Row]) -> Column:
    values = [row.values[name] for row in rows if name in row.values]
    header = name + CONFUSABLE if name in _OURS else name
    numbers = [value for value in values if isinstance(value, int | float)]
    kind = _kind(numbers) if len(numbers) == len(values) else "text"
    return Column(header, kind, _width(header), "hyperparameters")


def _width(header: str) -> float:
    """Wide enough for a header that breaks at its spaces, the filter's button beside it."""
    return min(30, max(11, 4 + max((len(word) for word in header.split()), default=0)))


def _reader(name: str) -> Callable[[_Row], Cell]:
    return lambda row: shown(row.values.get(name))


def shown(value: Value | None) -> Cell:
    """A hyperparameter in one cell; several values as `[37, 41, 35]`."""
    return "[" + ", ".join(str(each) for each in value) + "]" if isinstance(value, tuple) else value


def _kind(values: Sequence[float]) -> Kind:
    """How numbers of one column are best read: counts, plain decimals, or powers of ten for log-like small ones."""
    if all(isinstance(value, int) for value in values):
        return "count"
    sizes = sorted(abs(value) for value in values if value)
    if sizes and sizes[len(sizes) // 4] < 0.01:
        return "scientific"
    return "plain" if not sizes or statistics.median(sizes) >= 10 else "fraction"


def _objective(view: View) -> list[_Source]:
    def column(header: str) -> Column:
        return Column(headed(header, view.task), "fraction", 10, "objective")

    return [
        (column(MEAN), lambda row: row.summary.mean),
        (column(STD), lambda row: row.summary.std),
        (column(LOW), lambda row: row.summary.low),
        (column(HIGH), lambda row: row.summary.high),
        (column(LEAST), lambda row: row.summary.best),
        (column(MOST), lambda row: row.summary.worst),
        # Empty until the end of a run: a number from before may be that of fewer repeats.
        (column(TEST), lambda row: view.test.get(row.key)),
        (Column(GROUP, "text", 16, "objective"), lambda row: view.group.get(row.key)),
        (Column(FRONT, "text", 16, "objective"), lambda row: view.front.get(row.key)),
    ]


def _outputs(view: View, rows: Sequence[_Row], taken: set[str]) -> list[_Source]:
    words = view.task.metrics
    metrics = _metrics([row.summary.scores for row in rows], words)
    sources: list[_Source] = []
    for output in view.outputs:
        for metric in metrics:
            values = [row.summary.scores.get(output, {}).get(metric, math.nan) for row in rows]
            header = _free(output, words.get(metric, metric), taken)
            sources.append((_score(header, metric, values), _scored(output, metric)))
    return sources


def _free(output: str, measure: str, taken: set[str]) -> str:
    # The measure stays readable, and distinct, behind a name that a cell would cut.
    name = output if len(output) <= _NAME else output[: _NAME - 1] + "…"
    header = f"{name} {measure}"
    while header in taken:
        header += " (output)"
    taken.add(header)
    return header


def _metrics(scores: Sequence[Mapping[str, Mapping[str, float]]], words: Mapping[str, str]) -> list[str]:
    present = {metric for each in scores for metrics in each.values() for metric in metrics}
    return [*(metric for metric in words if metric in present), *sorted(present - words.keys())]


def _score(header: str, metric: str, values: Sequence[float]) -> Column:
    finite = [value for value in values if math.isfinite(value)]
    kind: Kind = "fraction" if metric in _SHARES or not finite else _kind([float(value) for value in finite])
    if metric == "percent":
        kind = "plain"
    return Column(header, kind, _width(header), "outputs")


def _scored(output: str, metric: str) -> Callable[[_Row], Cell]:
    return lambda row: row.summary.scores.get(output, {}).get(metric)


def _cost(rows: Sequence[_Row]) -> list[_Source]:
    def measured(value: Callable[[Summary], float]) -> Callable[[_Row], Cell]:
        return lambda row: value(row.summary) or None  # zero says that nothing was measured

    seconds = [row.summary.seconds for row in rows if row.summary.seconds]
    kind: Kind = "plain" if not seconds or statistics.median(seconds) >= 1 else "fraction"
    return [
        (Column(COUNT, "count", 10, "cost"), lambda row: row.summary.repeats),
        (Column(FAILURES, "count", 10, "cost"), lambda row: row.summary.failures if row.told else None),
        (Column("epochs", "plain", 8, "cost"), measured(lambda summary: summary.epochs_run)),
        (Column("mean seconds", kind, 9, "cost"), measured(lambda s: s.seconds)),
        (Column("weights", "count", 10, "cost"), measured(lambda summary: summary.weights)),
    ]


def _exact() -> list[_Source]:
    def model(row: _Row) -> Cell:
        saved = row.told and row.summary.repeats > 0
        return Link("open", f"models/{row.key}/") if saved else None

    return [
        (Column("model", "link", 8, "exact"), model),
        (Column(NOTES, "wide", 28, "exact"), lambda _: ...),
        (Column(LIMIT, "count", 8, "exact"), lambda row: row.summary.epochs),
        (Column(KEY, "exact", 19, "exact"), lambda row: row.key),
        (Column(JSON, "exact", 14, "exact"), lambda row: row.summary.configuration.json),
    ]


def repeats(view: View) -> Table:
    """One row per training, in the order of the journal."""
    shapes: dict[int, tuple[Cell, ...]] = {}
    for repeat in view.repeats:
        configuration = repeat.training.configuration
        if id(configuration) not in shapes:
            shapes[id(configuration)] = (configuration.key, *(shown(each) for each in structure(configuration)))
    taken = set(_REPEATS)
    metric, word = next(iter(view.task.metrics.items()))
    outputs = [
        (output, _score(_free(output, word, taken), metric, _values(view.repeats, output, metric)))
        for output in view.outputs
    ]
    return Table(
        title=REPEATS,
        columns=_repeat_columns([column for _, column in outputs]),
        rows=tuple(_repeat_cells(repeat, shapes, view.outputs, metric) for repeat in view.repeats[:ROWS]),
        identity=(KEY, LIMIT, INDEX),
    )


def _values(trained: Sequence[Repeat], output: str, metric: str) -> list[float]:
    return [repeat.scores.get(output, {}).get(metric, math.nan) for repeat in trained]


def _repeat_columns(outputs: Sequence[Column]) -> tuple[Column, ...]:
    return (
        Column(KEY, "exact", 19, "place"),
        Column(LAYERS, "count", 8, "place"),
        Column(NEURONS, "text", 18, "place"),
        Column(STAGE, "text", 10, "place"),
        Column(INDEX, "count", 8, "place"),
        Column("seed", "count", 13, "place"),
        Column("objective", "fraction", 10, "objective"),
        *outputs,
        Column("epochs run", "count", 8, "cost"),
        Column("best epoch", "count", 8, "cost"),
        Column("seconds", "plain", 9, "cost"),
        Column("threads", "count", 8, "cost"),
        Column("slot", "text", 10, "cost"),
        Column(ERROR, "wide", 60, "exact"),
        Column(LIMIT, "count", 8, "exact"),
        Column("device", "text", 24, "exact"),
        Column("versions", "wide", 60, "exact"),
    )


def _repeat_cells(
    repeat: Repeat, shapes: Mapping[int, tuple[Cell, ...]], outputs: Sequence[str], metric: str
) -> tuple[Cell, ...]:
    training = repeat.training
    scores = [repeat.scores.get(output, {}).get(metric) for output in outputs]
    numbers = [None if value is None or not math.isfinite(value) else value for value in (repeat.objective, *scores)]
    run = (None, None) if repeat.failed and not repeat.epochs_run else (repeat.epochs_run, repeat.best_epoch)
    head = (*shapes[id(training.configuration)], repeat.stage, training.index, repeat.seed)
    return (
        *head,
        *numbers,
        *run,
        repeat.seconds,
        repeat.threads or None,
        repeat.slot,
        " | ".join(repeat.error.split("\n")),  # one line high, as all rows are
        training.epochs,
        repeat.device,
        repeat.versions,
    )


def study(rows: Sequence[tuple[str, str]]) -> Table:
    """Names and values: settings, hash of the data, versions."""
    columns = (Column("name", "text", 30, "place"), Column("value", "wide", 100, "objective"))
    return Table(STUDY, columns, tuple(dict(rows).items()), ("name",))


_LATER: Final = frozenset({COUNT, FAILURES, "epochs", "mean seconds", "weights", "model", NOTES, LIMIT, KEY, JSON})
_OURS: Final = _LATER | {RANK, STAGE, ELITE, GROUP, FRONT, LAYERS, NEURONS, MEAN, STD, LOW, HIGH, LEAST, MOST, TEST}
_REPEATS: Final = frozenset(column.header for column in _repeat_columns(()))
