"""The sheet *Repeats*: one row for each training, in the order of the journal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from pipeline.tasks import Task
from pipeline.trial import Repeat
from pipeline.workbook.columns import (
    ERROR,
    INDEX,
    KEY,
    LAYERS,
    LIMIT,
    NEURONS,
    REPEATS,
    ROWS,
    STAGE,
    Cell,
    Column,
    Table,
    free_header,
    score_column,
    shown,
)
from pipeline.workbook.view import View


def repeats(view: View) -> Table:
    """One row for each training, in the order of the journal."""
    shapes: dict[int, tuple[Cell, ...]] = {}
    for repeat in view.repeats:
        configuration = repeat.training.configuration
        if id(configuration) not in shapes:
            shapes[id(configuration)] = (configuration.key, *(shown(each) for each in view.layers.of(configuration)))
    taken = set(_REPEATS)
    metric = view.task.metrics[0]
    scored = [output for output in view.outputs if _has(view.repeats, output, metric.name)]
    outputs = [
        score_column(free_header(output, metric.header, taken), metric, _values(view.repeats, output, metric.name))
        for output in scored
    ]
    return Table(
        title=REPEATS,
        columns=_repeat_columns(outputs),
        rows=tuple(_repeat_cells(repeat, shapes, scored, metric.name, view.task) for repeat in view.repeats[:ROWS]),
        identity=(KEY, LIMIT, INDEX),
    )


def _has(trained: Sequence[Repeat], output: str, metric: str) -> bool:
    """False for an output that was scored without this metric: for several outputs together there are others."""
    first = next((repeat.scores for repeat in trained if repeat.scores), {})
    return not first or metric in first.get(output, {})


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
    repeat: Repeat, shapes: Mapping[int, tuple[Cell, ...]], outputs: Sequence[str], metric: str, task: Task
) -> tuple[Cell, ...]:
    training = repeat.training
    scores = [repeat.scores.get(output, {}).get(metric) for output in outputs]
    objective = None if repeat.objective is None else task.shown(repeat.objective)
    numbers = [None if value is None or not math.isfinite(value) else value for value in (objective, *scores)]
    run = (None, None) if repeat.failed and not repeat.epochs_run else (repeat.epochs_run, repeat.best_epoch)
    head = (*shapes[id(training.configuration)], repeat.stage, training.index, repeat.seed)
    return (
        *head,
        *numbers,
        *run,
        repeat.seconds,
        repeat.threads or None,
        repeat.slot,
        " | ".join(repeat.error.split("\n")),  # one line high, like all rows
        training.epochs,
        repeat.device,
        repeat.versions,
    )


_REPEATS: Final = frozenset(column.header for column in _repeat_columns(()))
