"""The description of a run, printed before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline import space, tasks
from pipeline.data.duplicates import equal_test_rows
from pipeline.run.prepared_run import PreparedRun

LISTED: Final = 20  # names of inputs listed; an image has thousands


def describe(prepared: PreparedRun) -> tuple[str, ...]:
    """What a prepared run is going to do, one line for each fact."""
    settings = prepared.settings
    slots = ", ".join(slot.name for slot in prepared.slots)
    return (
        _data(prepared),
        *_split(prepared),
        *((f"Folds: {_folds(prepared)}",) if settings.folds else ()),
        f"Inputs: {_listed(prepared.table.columns.inputs)} ({len(prepared.rows.features)} numbers)",
        f"Task: {_task(prepared)}",
        f"Outputs: {prepared.rows.target.words}",
        f"Space: {settings.space}, {_size(prepared)} configurations",
        *prepared.plan.description,
        *_prior(prepared),
        f"Workers: {slots}; study: {settings.study}",
    )


def _data(prepared: PreparedRun) -> str:
    table, rows = prepared.table, prepared.rows
    parts = ", ".join(f"{len(getattr(rows, name).rows)} {name}" for name in ("train", "validation", "test"))
    grouped = f", grouped by {', '.join(table.columns.groups)}" if table.columns.groups else ""
    return f"Data: {table.source}, {len(table.frame)} rows ({parts}{grouped})"


def _split(prepared: PreparedRun) -> tuple[str, ...]:
    """What is to be said of the parts: where they come from, and which rows are in more than one."""
    table, settings = prepared.table, prepared.settings
    given, lines = table.split, []
    if given:
        divided = f"--folds {settings.folds}" if settings.folds else f"--validation {settings.validation:g}"
        rest = "" if given.folds or given.has_validation else f"; {divided} divides those that are for training"
        lines.append(f"Split: of column {given.column} ({given.words}){rest}")
    equal = equal_test_rows(table, prepared.rows)
    if equal:
        tested = len(prepared.rows.test.rows)
        lines.append(f"Equal rows: {equal} of the {tested} test rows are training or validation rows too")
    return tuple(lines)


def _folds(prepared: PreparedRun) -> str:
    folds, repeats, most = prepared.settings.folds, prepared.settings.repeats, prepared.plan.budget.contender_repeats
    text = f"{folds}, of all rows but the test rows; the numbers above are those of repeat 0, which holds out fold 0"
    if repeats < folds:
        text += f"; {repeats} repeats are {repeats} of the folds, contenders have up to {most}"
    return text


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names if len(names) <= LISTED else (*names[: LISTED - 2], "...", names[-1]))


def _task(prepared: PreparedRun) -> str:
    task, why, weights = prepared.rows.target.task, prepared.table.why, prepared.settings.class_weights
    found = f", for {why} (--task {tasks.FIRST.name} takes {tasks.FIRST.takes})" if why else ""
    weighed = f", class weights {weights}" if weights != "none" else ""
    return f"{task.name}{found}; loss {prepared.protocol.loss}{weighed}, objective {task.about}"


def _size(prepared: PreparedRun) -> str:
    count = space.size(prepared.space)
    return "infinitely many" if count is None else str(count)


def _prior(prepared: PreparedRun) -> tuple[str, ...]:
    found = prepared.plan.prior
    return (f"Prior: {len(found)} configurations of {prepared.settings.prior}, best first",) if found else ()
