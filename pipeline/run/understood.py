"""What a run understood of its data, as sentences: in its first lines, and in the summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from pipeline import tasks
from pipeline.data.overview import Column, Odd
from pipeline.data.rows import targets_of
from pipeline.data.series import base
from pipeline.data.time_inputs import OPTION, written
from pipeline.data.times import in_words
from pipeline.report.wording import count
from pipeline.run.deciding import costs_asked, threshold_of
from pipeline.run.prepared_run import PreparedRun
from pipeline.tasks import Decision

LISTED: Final = 20  # names of inputs of one kind,
ODD: Final = 5  # columns with odd values,
EACH: Final = 3  # and odd values, or words for a missing cell, of each of them
_KINDS: Final = (("number", "numbers"), ("truth value", "truth values"), ("category", "categories"), ("time", "times"))


def understood(prepared: PreparedRun) -> tuple[str, ...]:
    """A line for each thing that there is to say: inputs, what is missing, odd or constant in columns, and the task."""
    inputs = prepared.overview.inputs
    columns = (*inputs, *prepared.overview.targets)
    lines = {
        "Inputs": _inputs(prepared),
        "Times": _times(prepared),
        "Missing cells": _missing(inputs, len(prepared.table.frame)),
        "Words": _kept(inputs),
        "Suspicious values": _odd(columns, prepared.table.files.called),
        "Points": _grouped(prepared),
        "Constant": _constant(inputs),
        "Never repeated": _unrepeated(inputs),
        "Task": _task(prepared),
        "Decisions": _decisions(prepared),
    }
    return tuple(f"{name}: {text}" for name, text in lines.items() if text)


def _inputs(prepared: PreparedRun) -> str:
    found, features = prepared.overview, len(prepared.rows.features)
    if len(found.shape) == 3:
        height, width, channels = found.shape
        channelled = f" with {channels} channels" if channels > 1 else ""
        (pixels,) = found.inputs
        return f"images of {height} x {width} pixels{channelled}, {pixels.low:.6g} to {pixels.high:.6g}"
    kinds = (
        f"{len(those)} {kind if len(those) == 1 else kinds} ({_listed([_named(each) for each in those], LISTED)})"
        for kind, kinds in _KINDS
        if (those := [each for each in found.inputs if each.kind == kind])
    )
    windows = f" in windows of {count(found.shape[0], 'step')}" if found.shape else ""
    ordered = f" in order of {prepared.settings.time}" if prepared.table.in_time else ""
    more = f"; {count(features, 'input')} of the networks" if features != len(prepared.table.columns.inputs) else ""
    overrule = "(--categories takes numbers as categories, --ignore leaves columns out)"
    return f"{', '.join(kinds)}{windows}{ordered}{more} {overrule}"


def _named(column: Column) -> str:
    counted = column.kind == "category" or (column.kind == "number" and column.few and column.distinct > 2)
    return f"{column.name} of {count(column.distinct, 'value')}" if counted else column.name


def _times(prepared: PreparedRun) -> str:
    """How dates and times were understood, what they span, and which inputs they become."""
    made, found = prepared.preprocessing.cycles, []
    for each in (column for column in prepared.overview.inputs if column.kind == "time"):
        cycles = made[each.name]
        positions = f" and position in the {_and(cycles)}" if cycles else ""
        zone = " in UTC" if each.name in prepared.table.columns.zoned else ""
        span = f"{_shown(each.low, each)} to {_shown(each.high, each)}{zone}"
        found.append(f"{each.name}, {in_words(each.time_format)}, {span}: elapsed days{positions}")
    overrule = f" ({OPTION} COLUMN=FORMAT says how a column is written)" if found else ""
    return f"{_listed(found, LISTED, '; ')}{overrule}"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _shown(value: float, of: Column) -> str:
    return written(value, of.time_format) if of.time_format else f"{value:.6g}"


def _missing(columns: Sequence[Column], rows: int) -> str:
    found = sorted((each for each in columns if each.missing), key=lambda each: -each.missing)
    words = [f"{each.name} {each.missing}{f' ({_words(each.words)})' if each.words else ''}" for each in found]
    keep = "; --categories takes such words as categories" if any(each.words for each in found) else ""
    return f"{_listed(words, LISTED)}, of {count(rows, 'row')}{keep}" if words else ""


def _kept(columns: Sequence[Column]) -> str:
    found = [f"{each.name} {_words(each.kept)}" for each in columns if each.kept]
    return f"{_listed(found, LISTED)} are categories; leave the cells empty where they are missing" if found else ""


def _words(words: Mapping[str, int]) -> str:
    return _listed([f'"{word}" in {count(cells, "cell")}' for word, cells in words.items()], EACH)


def _odd(columns: Sequence[Column], called: Callable[[int], str]) -> str:
    found = [f"{each.name}: {_values(each, called)}" for each in columns if each.odd]
    mend = "correct such cells, or leave those of inputs empty where the value is not known"
    return f"{_listed(found, ODD, '; ')}; {mend}" if found else ""


def _grouped(prepared: PreparedRun) -> str:
    """Numbers of used columns whose points may separate thousands."""
    table = prepared.table
    used = {*table.columns.targets, *map(base, table.columns.inputs), table.columns.weight}
    numbers = [name for name in table.grouped if name in used and name not in table.columns.categories]
    found = [
        f"{name} {table.grouped[name].cell} in {table.files.called(table.grouped[name].first)}"
        f" ({count(table.grouped[name].cells, 'cell')} with three digits behind a point, others with none)"
        for name in numbers
    ]
    read = "read as decimals; write them without points if these separate thousands"
    return f"{_listed(found, ODD, '; ')}; {read}" if found else ""


def _values(column: Column, called: Callable[[int], str]) -> str:
    values = _listed([_place(each, column, called) for each in column.odd], EACH)
    return f"{values}, far off from all others ({_shown(column.low, column)} to {_shown(column.high, column)})"


def _place(odd: Odd, column: Column, called: Callable[[int], str]) -> str:
    value = _shown(odd.value, column)
    if odd.row is None or odd.cells == 1:
        return f"{value} in {count(odd.cells, 'cell') if odd.row is None else called(odd.row)}"
    return f"{value} in {count(odd.cells, 'row')}, first in {called(odd.row)}"


def _constant(columns: Sequence[Column]) -> str:
    found = [
        f"{each.name} ({each.only}{' in all training rows' if each.only_in_training else ''})"
        for each in columns
        if each.only
    ]
    return f"{_listed(found, LISTED)} (--ignore leaves such columns out)" if found else ""


def _unrepeated(columns: Iterable[Column]) -> str:
    found = [each.name for each in columns if each.unrepeated]
    return f"{_listed(found, LISTED)} (an identifier? --ignore leaves it out)" if found else ""


def _task(prepared: PreparedRun) -> str:
    task, why, weights = prepared.rows.target.task, prepared.table.why, prepared.settings.class_weights
    found = f", for {why} (--task {tasks.FIRST.name} takes {tasks.FIRST.takes})" if why else ""
    if prepared.settings.task == "auto" and not why:
        doubt = task.doubt(targets_of(prepared.table))
        found = f" ({doubt})" if doubt else ""
    weighed = f", class weights {weights}" if weights != "none" else ""
    return f"{task.name}{found}; loss {prepared.protocol.loss}{weighed}, objective {task.about}"


def _decisions(prepared: PreparedRun) -> str:
    """How the class of a row is decided; nothing where it is the likeliest one by probabilities as they are."""
    settings, target = prepared.settings, prepared.rows.target
    costs, threshold = costs_asked(settings, target), threshold_of(settings, target)
    calibrates = settings.calibration == tasks.FITTED
    if not (costs or threshold or calibrates):
        return ""
    rule, ranked = Decision(target.labels, costs=costs).rule, ""
    if threshold:
        rule = f"{target.labels[1]} above the threshold with the best {threshold} on validation rows"
        ranked = f"; configurations are ranked by the {threshold} of the likeliest class"
    kept = "calibrated on validation rows where that lowers their log loss" if calibrates else "as networks give them"
    return f"{rule}; probabilities {kept}{ranked}"


def _listed(words: Sequence[str], most: int, between: str = ", ") -> str:
    """As many words as `most`, and how many more there are."""
    return between.join(words if len(words) <= most else (*words[: most - 1], f"and {len(words) - most + 1} more"))
