"""What is about to happen, as sentences for people: printed before a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline import space
from pipeline.run.prepared_run import PreparedRun

LISTED: Final = 20  # names of inputs; an image has thousands


def describe(prepared: PreparedRun) -> tuple[str, ...]:
    """What a prepared run is about to do, a line each."""
    settings, most = prepared.settings, prepared.plan.race.most
    slots = ", ".join(slot.name for slot in prepared.slots)
    return (
        _data(prepared),
        *((f"Folds: {_folds(prepared)}",) if settings.folds else ()),
        f"Inputs: {_listed(prepared.table.columns.inputs)} ({len(prepared.rows.features)} numbers)",
        f"Task: {_task(prepared)}",
        f"Outputs: {prepared.rows.target.words}",
        f"Space: {settings.space}, {_size(prepared)} configurations",
        f"Stage 1: {_stage_one(prepared)}",
        f"Stage 2: {_stage_two(prepared)}, contenders up to {most}",
        *(f"Ends earlier: {ends}" for ends in (_early_ends(prepared),) if ends),
        *_prior(prepared),
        f"Workers: {slots}; study: {settings.study}",
    )


def _data(prepared: PreparedRun) -> str:
    table, rows = prepared.table, prepared.rows
    parts = ", ".join(f"{len(getattr(rows, name).rows)} {name}" for name in ("train", "validation", "test"))
    grouped = f", grouped by {', '.join(table.columns.groups)}" if table.columns.groups else ""
    return f"Data: {table.source}, {len(table.frame)} rows ({parts}{grouped})"


def _folds(prepared: PreparedRun) -> str:
    folds, repeats, most = prepared.settings.folds, prepared.settings.repeats, prepared.plan.race.most
    text = f"{folds}, of all rows but the test rows; the numbers above are those of repeat 0, which holds out fold 0"
    if repeats < folds:
        text += f"; {repeats} repeats are {repeats} of the folds, contenders have up to {most}"
    return text


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names if len(names) <= LISTED else (*names[: LISTED - 2], "...", names[-1]))


def _task(prepared: PreparedRun) -> str:
    task, why, weights = prepared.rows.target.task, prepared.table.why, prepared.settings.class_weights
    found = f", for {why} (--task regression takes numbers)" if why else ""
    weighed = f", class weights {weights}" if weights != "none" else ""
    return f"{task.name}{found}; loss {prepared.protocol.loss}{weighed}, judged by {task.about}"


def _size(prepared: PreparedRun) -> str:
    count = space.size(prepared.space)
    return "infinitely many" if count is None else str(count)


def _stage_one(prepared: PreparedRun) -> str:
    settings, plan = prepared.settings, prepared.plan
    if plan.way.screens:
        return (
            f"{plan.way.about}, {settings.repeats} repeats, up to {settings.epochs} epochs; as many epochs in all as"
            f" {plan.drawn} configurations take"
        )
    by = "" if plan.way.proposes else f" of {plan.way.about}"
    return f"{plan.drawn} configurations{by} x {settings.repeats} repeats, up to {settings.epochs} epochs"


def _stage_two(prepared: PreparedRun) -> str:
    settings, plan = prepared.settings, prepared.plan
    each = f", {settings.repeats} repeats each"
    if not plan.way.proposes:
        return "nothing new"
    if settings.strategy == "gp":
        return f"one Gaussian process ({settings.acquisition}), {plan.proposals} configurations in turn{each}"
    if settings.trainings:
        return f"until {settings.trainings} trainings are made{each}"
    start = "" if plan.joint else ", from the front of score and weights"
    return f"{settings.elite * settings.calls} configurations, {settings.elite} at once{start}{each}"


def _early_ends(prepared: PreparedRun) -> str:
    settings = prepared.settings
    ends = (
        (settings.seconds > 0, f"after {settings.seconds:g} seconds"),
        (settings.target_score is not None, f"at an objective of {settings.target_score}"),
        (settings.settled > 0, f"after {settings.settled} rounds below the noise"),
    )
    return ", ".join(words for wanted, words in ends if wanted)


def _prior(prepared: PreparedRun) -> tuple[str, ...]:
    found = prepared.plan.prior
    return (f"Prior: {len(found)} configurations of {prepared.settings.prior}, best first",) if found else ()
