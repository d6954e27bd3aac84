"""Check a table once: the role of each column, and that every cell fits the kind of its column."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline import tasks
from pipeline.data import (
    column_kinds,
    given_split,
    images,
    like_training,
    part_files,
    series,
    series_columns,
    time_inputs,
    user_split,
)
from pipeline.data.cells import MISSING, row_number
from pipeline.data.column_kinds import Grouped
from pipeline.data.digest import digest_of
from pipeline.data.like_training import Cells, Trained
from pipeline.data.part_files import Files
from pipeline.data.readers import read_frame
from pipeline.data.roles import Columns, Named, quoted
from pipeline.data.rules import LATEST, Rules, rules_of
from pipeline.errors import UserError
from pipeline.tasks import Task

MOST_CATEGORIES: Final = 200

_Texts = Callable[[str, str], np.ndarray]  # of a column, and what errors call it


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The used columns only: numbers as float64, categories and groups as text, dates and times as datetime64; rows as
    in the user's file or files.
    """

    frame: pd.DataFrame  # its index: positions in the file, or counted on from one file to the next, see `files`
    columns: Columns
    source: str
    sha256: str  # of the used columns' names and values, of the training file: the same from CSV, Excel and Parquet
    task: str = tasks.FIRST.name  # its targets are numbers, or one text column
    why: str = ""  # the reason for a task that the user did not name
    in_time: bool = False  # rows are in order of time, which splits have to respect
    times: tuple[str, ...] = ()  # of the rows of a series, as the table spells them
    split: given_split.GivenSplit | None = None  # the part of each row, where the user gives it
    words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Column -> word that can mean a missing cell -> cells that have it: missing ones among numbers and truth values, a
    category like others among texts."""
    grouped: Mapping[str, Grouped] = field(default_factory=dict)
    """Columns of numbers that are read as decimals, and whose points may separate thousands."""
    files: Files = field(default_factory=Files)  # says what a row is called; several if parts have files of their own


def read(
    source: str,
    *,
    targets: Sequence[str],
    inputs: Sequence[str] = (),
    ignore: Sequence[str] = (),
    categories: Sequence[str] = (),
    weight: str = "",
    groups: Sequence[str] = (),
    task: str = "auto",
    time: str = "",
    time_format: str = "",
    window: int = 1,
    horizon: int = 1,
    split: str = "",
    validation_data: str | None = None,
    test_data: str | None = None,
    times: Sequence[str] = (),
    reading: int = LATEST,
) -> Table:
    """Read a table and check every used cell. Raise UserError naming the column, the row and what to do.

    The table may be in several files: `source` has the rows for training, and the others those for validation and for
    the test. What the columns are is decided by `source`; see `part_files`.

    Targets are numbers. With `task="auto"`, a single target of texts or truth values is classified instead.

    Without `inputs`, all columns are inputs except targets, weight and those in `ignore`. Text columns are categories;
    `categories` names further, numeric ones. A group column is an input too, unless it is in `ignore`. With a `time`
    column, inputs are windows of all columns; see `series`. `time_format` says how its cells are written, if they do
    not say it themselves. The column `split` says which part each row is in, see `given_split`; it is no input.
    `times` names inputs that are dates or times, as COLUMN or COLUMN=FORMAT, see `time_inputs`.
    `reading` is the number of the rules by which cells are read.
    """
    files = part_files.files_of(source, validation_data, test_data)
    reading = max(reading, part_files.FIRST_READING) if files.several else reading
    rules = rules_of(reading)
    named = Named(targets, inputs, ignore, categories, weight, groups, time, split, time_inputs.named(times))
    named = named.tidied(rules.tidy)
    classes = named.targets if task != "auto" and tasks.load(task).targets == "texts" else ()
    if named.times and images.is_image_source(source):
        raise UserError(f"{source} has images, whose inputs are pixels", hint=f"leave {time_inputs.OPTION} out")
    texts = [*named.categories, *named.groups, *classes, named.split, named.time]
    texts += [name for name, given in named.times.items() if given]
    frame = read_frame(source, reading, texts, named={*named.targets, *named.inputs})
    (replace(named, ignore=()) if files.several else named).check_existence([*frame.columns], source)
    steps = bool(time) and reading > 1
    if time:
        named.check_series()
        named.of_windows().check_roles()
        if not steps:  # by the first rules, windows are a table like any other
            frame = series_columns.by_first_rules(frame, named, window, horizon)
            named = named.of_windows()
    else:
        named.check_roles()
    with files.within(0, frame):
        columns = _columns(frame, series_columns.of_steps(frame, named) if steps else named, rules, reading)
        found, why = (tasks.load(task), "") if task != "auto" else _task(frame, columns.targets, rules)
        measured = _targets(frame, columns, found, rules)
        first = Cells(frame, _checked(frame, columns, measured, rules), measured)
        if steps:
            moments = series.times_of(frame[named.time], named.time, time_format)
            columns, first = replace(columns, time_format=moments.format), replace(first, times=moments)
    trained = Trained(source, first, columns, named, found)
    each = [first, *(_further(number, files, trained) for number in range(1, len(files.sources)))]
    files, cells = like_training.joined(files, each, named.ignore)
    checked, times = cells.checked, tuple[str, ...]()
    if cells.times is not None:
        ordered = series.sorted_by(cells.of_every_column, named.time, cells.times, files.called)
        user_split.check_order(files, ordered.frame.index.to_numpy())
        measured = cells.targets.loc[ordered.frame.index]
        windows = series.windowed(ordered, {*cells.frame} - {*columns.inputs}, measured, window, horizon)
        columns = series_columns.of_windows(columns, windows)
        checked = _checked(windows, columns, _targets(windows, columns, found, rules), rules)
        times = ordered.times[-len(checked) :]
    words = {str(name): counted for name in cells.frame if (counted := rules.missing_words(cells.frame[name]))}
    grouped = {str(name): odd for name in cells.frame if (odd := rules.grouped(cells.frame[name]))}
    parts = user_split.split_of(files, frame, checked, named, columns)
    digest = digest_of(files.divided(checked)[0])
    return Table(checked, columns, source, digest, found.name, why, bool(time), times, parts, words, grouped, files)


def _further(number: int, files: Files, trained: Trained) -> Cells:
    """Read and check a further file of the table, as new rows are read by a model of the training file."""
    source, columns, time = files.sources[number], trained.columns, trained.columns.time
    frame = read_frame(source, columns.reading, texts=trained.texts, named=columns.inputs)
    like_training.check_columns(frame, source, trained)
    with files.within(number, frame):
        like_training.check_kinds(frame, trained)
        rules, theirs = rules_of(columns.reading), trained.cells
        targets = _targets(frame, columns, trained.task, rules, theirs.targets)
        like_training.check_classes(targets, trained)
        checked = _checked(frame, columns, targets, rules, theirs.checked)
        times = theirs.times and series.times_like(theirs.times, frame[time], time, trained.source)
        return Cells(frame, checked, targets, times)


def _columns(frame: pd.DataFrame, named: Named, rules: Rules, reading: int) -> Columns:
    used = named.inputs_of([*frame.columns])
    outside = [name for name in named.categories if name not in used]
    if outside:
        raise UserError(
            f"{quoted(outside)} cannot be a category: it is not an input", hint="remove it from `categories`"
        )
    times = time_inputs.read_all(frame, named.times, used)
    told = {**dict.fromkeys(named.categories, "text"), **dict.fromkeys(times, "time")}
    in_series = bool(named.time)
    kinds = {name: told.get(name) or _input_kind(frame[name], name, rules, in_series=in_series) for name in used}
    categories = tuple(name for name in used if kinds[name] == "text")
    texts = (*categories, *(name for name in (*named.targets, *named.groups) if name not in categories))
    return Columns(
        targets=tuple(dict.fromkeys(named.targets)),
        inputs=used,
        categories=categories,
        weight=named.weight,
        groups=tuple(dict.fromkeys(named.groups)),
        time=named.time if reading > 1 else "",
        truths=tuple(name for name in used if kinds[name] == "truth") if reading > 1 else (),
        spelled=tuple(name for name in dict.fromkeys(texts) if rules.spelled_apart(frame[name])),
        reading=reading,
        times={name: each.format for name, each in times.items()},
        zoned=tuple(name for name, each in times.items() if each.zoned),
    )


def _input_kind(column: pd.Series[Any], name: str, rules: Rules, *, in_series: bool) -> str:
    """Of an input that the user did not name as a category: "number", "truth" or "text"."""
    found, what = rules.kind(column), f"Input {name!r}"
    ignore = f"name {name!r} in `ignore`"
    if found == "empty":
        raise UserError(f"{what} is empty", expected="at least one value", hint=ignore)
    if found == "date":
        raise UserError(
            f"{what} holds dates or times",
            expected="numbers or categories",
            hint=_as_time(column, name, in_series=in_series) + ignore + _or_categories(column, name),
        )
    if found == "other":
        raise _a_date_among_numbers(column, what) or UserError(
            f"{what} holds neither numbers nor text", expected="one value per cell", hint=ignore
        )
    if found == "text" and not isinstance(column.dtype, pd.CategoricalDtype):
        _check_words(column, name, rules, in_series=in_series)
    return found


def _a_date_among_numbers(column: pd.Series[Any], what: str) -> UserError | None:
    stray = column_kinds.stray_moment(column)
    if stray is None:
        return None
    return UserError(
        f"{what} has a date among its numbers",
        expected="numbers in every cell",
        got=f"{stray[0]} in {row_number(stray[1])}",
        hint="correct the cell: spreadsheets make dates of numbers such as 1.5 and 3/4",
    )


def _as_time(column: pd.Series[Any], name: str, *, in_series: bool) -> str:
    """How to make an input of a column of dates or times."""
    option = "" if in_series else time_inputs.offered(column, name)
    made = f"{option} makes it an input" if option else "convert it to a number (days since a date, hour of the day)"
    return f"{made}; or "


def _or_categories(column: pd.Series[Any], name: str) -> str:
    written = pd.api.types.infer_dtype(column, skipna=True) == "string"
    return f"; or name {name!r} in `categories` if its texts are categories" if written else ""


def _check_words(column: pd.Series[Any], name: str, rules: Rules, *, in_series: bool) -> None:
    """Raise UserError for texts that are no categories, but numbers with a mistake or in a local spelling."""
    odd, local = rules.stray_text(column), rules.local_spelling(column)
    if local:
        figures = local.holds == "numbers"
        hint = local.hint if figures else _as_time(column, name, in_series=in_series) + f"name {name!r} in `ignore`"
        raise UserError(
            f"Input {name!r} holds {local.holds}{' in a local spelling' if figures else ''}",
            expected="numbers with a decimal point, or categories",
            got=f"{local.cell!r} in {row_number(local.first)}; {local.cells} are spelled like this",
            hint=f"{hint}; or name {name!r} in `categories` if its texts are categories",
        )
    if odd:
        raise UserError(
            f"Input {name!r} has some text among its numbers",
            expected="numbers with a decimal point, or text only",
            got=f"{odd[0]!r} in {row_number(odd[1])}",
            hint=f"correct the cells (leave them empty where the value is missing), or name {name!r} in `categories`",
        )


def _task(frame: pd.DataFrame, targets: Sequence[str], rules: Rules) -> tuple[Task, str]:
    """The task that the targets call for, and the reason if it is not the obvious one."""
    # A text among numbers is a typing error, and so are decimal commas: `numbers` reports the cell.
    found = {name: rules.kind(frame[name]) for name in targets}
    doubted = (name for name in targets if found[name] == "text" and rules.has_numbers(frame[name]))
    return tasks.for_targets([*{**found, **dict.fromkeys(doubted, "number")}.values()])


def _texts(frame: pd.DataFrame, columns: Columns, rules: Rules, like: pd.DataFrame | None) -> _Texts:
    """A function that reads a column as texts; `like` are those of the training file, where this is another one."""

    def texts(name: str, what: str) -> np.ndarray:
        found = rules.texts(frame[name], what, spelled=name in columns.spelled)
        return found if like is None else like_training.as_trained(frame[name], found, like[name], what)

    return texts


def _targets(
    frame: pd.DataFrame, columns: Columns, task: Task, rules: Rules, like: pd.DataFrame | None = None
) -> pd.DataFrame:
    texts = _texts(frame, columns, rules, like)
    found = {name: _target(frame[name], name, task, texts, rules) for name in columns.targets}
    if like is None:
        task.check(found)
    return pd.DataFrame(found, index=frame.index)


def _checked(
    frame: pd.DataFrame, columns: Columns, targets: pd.DataFrame, rules: Rules, like: pd.DataFrame | None = None
) -> pd.DataFrame:
    texts, checked = _texts(frame, columns, rules, like), {str(name): targets[name].to_numpy() for name in targets}
    for name in columns.inputs:
        what = f"Input {name!r}"
        if name in columns.times:
            checked[name] = time_inputs.read_like(frame[name], name, columns)
        elif name in columns.categories:
            checked[name] = _limited(texts(name, what), name)
        else:
            checked[name] = rules.numbers(frame[name], what)
    if columns.weight:
        checked[columns.weight] = _weights(frame[columns.weight], columns.weight, rules)
    for name in columns.groups:
        _check_no_gaps(texts(name, f"Group {name!r}") == MISSING, f"Group {name!r}", frame[name], rules)
        checked.setdefault(name, texts(name, f"Group {name!r}"))
    return pd.DataFrame(checked, index=frame.index)


def _target(column: pd.Series[Any], name: str, task: Task, texts: _Texts, rules: Rules) -> np.ndarray:
    what = f"Target {name!r}"
    found = rules.kind(column)
    written = pd.api.types.infer_dtype(column, skipna=True) == "string"
    if found == "other" or (found == "date" and not (written and task.targets == "texts")):
        odd = _a_date_among_numbers(column, what)
        if odd:
            raise odd
        holds = "dates or times" if found == "date" else "neither numbers nor text"
        otherwise = "; or use --task classification if its texts are classes" if found == "date" and written else ""
        raise UserError(f"{what} holds {holds}", expected="numbers", hint=f"convert it to a number{otherwise}")
    if task.targets == "numbers":
        return _without_gaps(rules.numbers(column, what, task.otherwise), what, column, rules)
    values = texts(name, what)
    _check_no_gaps(values == MISSING, what, column, rules)
    return values


def _without_gaps(values: np.ndarray, what: str, column: pd.Series[Any], rules: Rules) -> np.ndarray:
    _check_no_gaps(np.isnan(values), what, column, rules)
    return values


def _check_no_gaps(gaps: np.ndarray, what: str, column: pd.Series[Any], rules: Rules) -> None:
    if gaps.any():
        words = ", ".join(f"{word!r} in {cells} of them" for word, cells in rules.missing_words(column).items())
        first = column.index[int(np.argmax(gaps))]  # in the file, of which a series leaves rows out
        raise UserError(
            f"{what} has {int(gaps.sum())} empty cell(s), the first in {row_number(first)}",
            expected="a value in every row",
            got=words,
            hint="fill them in, or remove those rows from the file",
        )


def _limited(values: np.ndarray, name: str) -> np.ndarray:
    distinct = len(set(values.tolist()) - {MISSING})
    if distinct > MOST_CATEGORIES:
        raise UserError(
            f"Category {name!r} has {distinct} distinct values",
            expected=f"at most {MOST_CATEGORIES}: each becomes an input of the network",
            hint=f"name {name!r} in `ignore` if it is an identifier or free text, or merge rare values",
        )
    return values


def _weights(column: pd.Series[Any], name: str, rules: Rules) -> np.ndarray:
    what = f"Weight {name!r}"
    values = _without_gaps(rules.numbers(column, what), what, column, rules)
    if (values < 0.0).any():
        first = int(np.argmax(values < 0.0))
        raise UserError(f"{what} is negative in {row_number(first)}", expected="0 or more", got=f"{values[first]:g}")
    if not values.any():
        raise UserError(f"{what} is 0 in every row", expected="weights above 0")
    if math.isinf(float(values.max()) * len(values)):
        first = int(np.argmax(values))
        raise UserError(
            f"{what} is too large in {row_number(first)}",
            expected="weights with a finite sum",
            got=f"{values[first]:.6g}",
            hint="correct the cell, or divide all weights by one number",
        )
    return values
