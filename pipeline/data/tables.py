"""Check a table once: the role of each column, and that every cell fits the kind of its column."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline import tasks
from pipeline.data import series
from pipeline.data.cells import MISSING, has_numbers, kind, numbers, row_number, stray_text, texts
from pipeline.data.readers import NAMELESS, read_frame
from pipeline.errors import UserError
from pipeline.tasks import Task

__all__ = ["Columns", "Table", "read", "read_frame", "unknown_column"]

MOST_CATEGORIES: Final = 200
_LISTED: Final = 30  # column names in an error
_SETTINGS: Final[Mapping[str, str]] = {"input": "inputs", "ignored": "ignore", "category": "categories"}
"""What the settings call a role, where that is another word."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The role of every used column; groups may be inputs as well."""

    targets: tuple[str, ...]  # in the user's order
    inputs: tuple[str, ...]  # in the file's order
    categories: tuple[str, ...]  # the inputs that are one-hot encoded
    weight: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The used columns only: numbers as float64, categories and groups as text; rows as in the user's file."""

    frame: pd.DataFrame  # default RangeIndex: positions in the file
    columns: Columns
    source: str
    sha256: str  # of the used columns' names and values: the same from CSV, Excel and Parquet
    task: str = tasks.FIRST.name  # its targets are numbers, or one text column
    why: str = ""  # the reason for a task that the user did not name
    in_time: bool = False  # rows are in order of time, which splits have to respect


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
    window: int = 1,
    horizon: int = 1,
) -> Table:
    """Read a table and check every used cell. Raise UserError naming the column, the row and what to do.

    Targets are numbers. With `task="auto"`, a single target of texts or truth values is classified instead.

    Without `inputs`, all columns are inputs except targets, weight and those in `ignore`. Text columns are categories;
    `categories` names further, numeric ones. A group column is an input too, unless it is in `ignore`. With a `time`
    column, inputs are windows of all columns; see `series`.
    """
    frame = read_frame(source)
    roles: dict[str, Sequence[str]] = {
        "target": targets,
        "input": inputs,
        "ignored": ignore,
        "category": categories,
        "weight": [weight] if weight else [],
        "group": groups,
        "time": [time] if time else [],
    }
    _check_names(frame, roles, source)
    if time:
        _check_series({"inputs": inputs, "categories": categories, "weight": weight, "group": groups}, time, targets)
        frame = series.windowed(frame, time=time, targets=targets, ignore=ignore, window=window, horizon=horizon)
        ignore = ()
    _check_roles(targets, inputs, ignore, weight, groups)
    used = _inputs(frame, targets, inputs, ignore, weight)
    outside = [name for name in categories if name not in used]
    if outside:
        raise UserError(
            f"{_quoted(outside)} cannot be a category: it is not an input", hint="remove it from `categories`"
        )
    columns = Columns(
        targets=tuple(dict.fromkeys(targets)),
        inputs=used,
        categories=tuple(name for name in used if name in categories or _is_category(frame[name], name)),
        weight=weight,
        groups=tuple(dict.fromkeys(groups)),
    )
    found, why = (tasks.load(task), "") if task != "auto" else _task(frame, columns.targets)
    checked = _checked(frame, columns, found)
    return Table(checked, columns, source, _hash(checked), found.name, why, bool(time))


def _check_names(frame: pd.DataFrame, roles: Mapping[str, Sequence[str]], source: str) -> None:
    for role, names in roles.items():
        for name in names:
            if name not in frame.columns:
                what = f"{source} has no column {name!r} (named as {role})"
                raise _split_name(role, names, frame.columns, what) or unknown_column(name, frame.columns, what)


def _split_name(role: str, names: Sequence[str], columns: Iterable[object], what: str) -> UserError | None:
    """The error where names that a comma separates are one column with a comma in its name; None where they are not."""
    pieces = {tuple(part.strip() for part in str(each).split(",")): str(each) for each in columns if "," in str(each)}
    runs = (tuple(names[first:last]) for first, last in itertools.combinations(range(len(names) + 1), 2))
    found = next((pieces[run] for run in runs if run in pieces), None)
    if found is None:
        return None
    setting = _SETTINGS.get(role, role)
    return UserError(
        what,
        expected=f"{found!r} perhaps, whose name has a comma: on the command line a comma separates names",
        hint=f"put it into a settings file, as a list: {setting} = [{json.dumps(found, ensure_ascii=False)}]",
    )


def _check_series(others: Mapping[str, object], time: str, targets: Sequence[str]) -> None:
    named = [name for name, given in others.items() if given]
    if named or time in targets:
        raise UserError(
            f"{named[0]} cannot be used with a series" if named else f"{time!r} is the time and cannot be a target",
            expected="a time column, targets, and columns to ignore; all other columns are inputs at every step",
            hint=f"leave {named[0]} out" if named else "name another target",
        )


def _task(frame: pd.DataFrame, targets: Sequence[str]) -> tuple[Task, str]:
    """The task that the targets call for, and the reason if it is not the obvious one."""
    # A text among numbers is a typing error, and so are decimal commas: `numbers` reports the cell.
    found = {name: kind(frame[name]) for name in targets}
    doubted = (name for name in targets if found[name] == "text" and has_numbers(frame[name]))
    return tasks.for_targets([*{**found, **dict.fromkeys(doubted, "number")}.values()])


def unknown_column(name: str, names: Iterable[object], what: str) -> UserError:
    """The error for a column that does not exist; it suggests the closest names."""
    there = [str(each) for each in names]
    folded = {each.casefold(): each for each in reversed(there)}
    near = [folded[each] for each in difflib.get_close_matches(name.casefold(), folded, n=3)]
    listed = _quoted(there[:_LISTED]) + (f" and {len(there) - _LISTED} more" if len(there) > _LISTED else "")
    return UserError(
        what,
        expected=f"one of {listed}",
        hint=f"did you mean {_quoted(near, ' or ')}?{_in_a_file(near)}" if near else "check the name",
    )


def _in_a_file(names: Sequence[str]) -> str:
    return " A settings file takes names with commas, in a list." if any("," in name for name in names) else ""


def _quoted(names: Iterable[str], between: str = ", ") -> str:
    return between.join(repr(name) for name in names)


def _check_roles(
    targets: Sequence[str], inputs: Sequence[str], ignore: Sequence[str], weight: str, groups: Sequence[str]
) -> None:
    if not targets:
        raise UserError("No target is named", expected="the column, or columns, to predict", hint="name it")
    named = {"target": set(targets), "input": set(inputs), "ignored": set(ignore), "group": set(groups)}
    named["weight"] = {weight} if weight else set()
    for one, other in (
        ("target", "input"),
        ("target", "ignored"),
        ("target", "weight"),
        ("target", "group"),
        ("input", "ignored"),
        ("input", "weight"),
        ("ignored", "weight"),
        ("weight", "group"),
    ):
        both = sorted(named[one] & named[other])
        if both:
            raise UserError(
                f"Column {_quoted(both)} is named as {one} and as {other}",
                expected="one role for each column",
                hint="remove it from one of the two",
            )


def _inputs(
    frame: pd.DataFrame, targets: Sequence[str], inputs: Sequence[str], ignore: Sequence[str], weight: str
) -> tuple[str, ...]:
    if inputs:
        return tuple(name for name in frame.columns if name in set(inputs))
    taken = {*targets, *ignore, weight}
    left = tuple(name for name in frame.columns if name not in taken)
    nameless = [name for name in left if re.fullmatch(f"{NAMELESS}[0-9]+", name)]
    if nameless:
        raise UserError(
            f"Column {int(nameless[0].removeprefix(NAMELESS)) + 1} has no name",
            expected="a name for every input; a column without one is often the row number",
            hint=f"name {nameless[0]!r} in `ignore`, or give the column a name in the file",
        )
    if not left:
        raise UserError("No input is left", expected="at least one column beside targets, weight and ignored ones")
    return left


def _is_category(column: pd.Series[Any], name: str) -> bool:
    found = kind(column)
    ignore = f"name {name!r} in `ignore`"
    if found == "empty":
        raise UserError(f"Input {name!r} is empty", expected="at least one value", hint=ignore)
    if found == "date":
        raise UserError(
            f"Input {name!r} holds dates or times",
            expected="numbers or categories",
            hint=f"{ignore}, or convert it to a number (days since a date, hour of the day)",
        )
    if found == "other":
        raise UserError(f"Input {name!r} holds neither numbers nor text", expected="one value per cell", hint=ignore)
    odd = stray_text(column) if found == "text" and not isinstance(column.dtype, pd.CategoricalDtype) else None
    if odd:
        raise UserError(
            f"Input {name!r} has some text among its numbers",
            expected="numbers with a decimal point, or text only",
            got=f"{odd[0]!r} in {row_number(odd[1])}",
            hint=f"correct the cells (leave them empty where the value is missing), or name {name!r} in `categories`",
        )
    return found == "text"


def _checked(frame: pd.DataFrame, columns: Columns, task: Task) -> pd.DataFrame:
    checked = {name: _target(frame[name], name, task) for name in columns.targets}
    task.check(checked)
    for name in columns.inputs:
        what = f"Input {name!r}"
        checked[name] = (
            _limited(texts(frame[name], what), name) if name in columns.categories else numbers(frame[name], what)
        )
    if columns.weight:
        checked[columns.weight] = _weights(frame[columns.weight], columns.weight)
    for name in columns.groups:
        _check_no_gaps(texts(frame[name], f"Group {name!r}") == MISSING, f"Group {name!r}")
        checked.setdefault(name, texts(frame[name], f"Group {name!r}"))
    return pd.DataFrame(checked, index=frame.index)


def _target(column: pd.Series[Any], name: str, task: Task) -> np.ndarray:
    what = f"Target {name!r}"
    if task.targets == "numbers":
        return _without_gaps(numbers(_without_dates(column, name), what, task.otherwise), what)
    values = texts(_without_dates(column, name), what)
    _check_no_gaps(values == MISSING, what)
    return values


def _without_dates(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    found = kind(column)
    if found in {"date", "other"}:
        holds = "dates or times" if found == "date" else "neither numbers nor text"
        raise UserError(f"Target {name!r} holds {holds}", expected="numbers", hint="convert it to a number")
    return column


def _without_gaps(values: np.ndarray, what: str) -> np.ndarray:
    _check_no_gaps(np.isnan(values), what)
    return values


def _check_no_gaps(gaps: np.ndarray, what: str) -> None:
    if gaps.any():
        raise UserError(
            f"{what} has {int(gaps.sum())} empty cell(s), the first in {row_number(int(np.argmax(gaps)))}",
            expected="a value in every row",
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


def _weights(column: pd.Series[Any], name: str) -> np.ndarray:
    what = f"Weight {name!r}"
    values = _without_gaps(numbers(column, what), what)
    if (values < 0.0).any():
        first = int(np.argmax(values < 0.0))
        raise UserError(f"{what} is negative in {row_number(first)}", expected="0 or more", got=f"{values[first]:g}")
    if not values.any():
        raise UserError(f"{what} is 0 in every row", expected="weights above 0")
    if math.isinf(float(values.max()) * len(values)):
        raise UserError(f"{what} is too large", expected="weights with a finite sum", hint="divide all by one number")
    return values


def _hash(frame: pd.DataFrame) -> str:
    digest = hashlib.sha256()
    for name in frame.columns:
        values = frame[name].to_numpy()
        if values.dtype.kind == "f":
            # The same NaN everywhere: readers and platforms differ in its sign and payload.
            content = np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes()
        else:
            content = json.dumps([str(value) for value in values]).encode()
        digest.update(json.dumps([name, values.dtype.kind == "f", len(content)]).encode())
        digest.update(content)
    return digest.hexdigest()
