"""The split that the user gives, by a column or by files: read, and checked against groups and the order of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from pipeline.data import given_split
from pipeline.data.digest import digest_of
from pipeline.data.given_split import TEST, TRAIN, VALIDATION, GivenSplit
from pipeline.data.part_files import Files
from pipeline.data.roles import Columns, Named, quoted
from pipeline.data.rules import Rules, rules_of
from pipeline.errors import UserError

_FACTS: Final[Mapping[int, str]] = {VALIDATION: "validation_data", TEST: "test_data"}  # names in a fingerprint


def split_of(
    files: Files, frame: pd.DataFrame, checked: pd.DataFrame, named: Named, columns: Columns
) -> GivenSplit | None:
    """The split of a table that the user gives; None if the rows are to be divided at random.

    Args:
        files: The files of the table.
        frame: The cells of the training file as they were read; the index has their positions.
        checked: The checked cells of all rows, likewise.
        named: The columns that the user names.
        columns: What the columns are.

    Raises:
        UserError: A part lacks rows, a group is in several parts, or the parts of a series do not follow one another.
    """
    rows, rules = checked.index.to_numpy(), rules_of(columns.reading)
    if files.several:
        found = _of_files(files, checked)
    elif named.split:
        with files.within(0, frame):
            texts = rules.texts(frame.loc[rows, named.split], f"Split {named.split!r}")
            found = given_split.read(texts, named.split, rows, len(frame) - len(rows) if named.time else 0)
        if named.time:
            given_split.check_order(found, lambda place: files.called(rows[place]))
    else:
        return None
    if columns.groups:
        _check_groups(found, checked, columns, files, rules)
    return found


def check_order(files: Files, positions: np.ndarray) -> None:
    """Raise UserError unless the files of a series follow one another; `positions` are its rows in order of time."""
    if files.several:
        given_split.check_order(files.split(positions), lambda place: files.called(positions[place]))


def _of_files(files: Files, checked: pd.DataFrame) -> GivenSplit:
    found = files.split(checked.index.to_numpy())
    if not len(found.of(TRAIN)):
        raise UserError(
            f"{files.sources[0]} has no step with a whole window before it",
            expected="training rows",
            got=found.words,
            hint="lower window, or use more training rows",
        )
    further = zip(files.parts[1:], files.divided(checked)[1:], strict=True)
    return replace(found, facts={_FACTS[part]: digest_of(frame) for part, frame in further})


def _check_groups(split: GivenSplit, checked: pd.DataFrame, columns: Columns, files: Files, rules: Rules) -> None:
    texts = {name: rules.texts(checked[name], f"Group {name!r}", spelled=True) for name in columns.groups}
    names = pd.DataFrame(texts)
    numbers = names.groupby(list(columns.groups), sort=False).ngroup().to_numpy(dtype=np.int64)
    called = names.agg(", ".join, axis=1).to_numpy()
    given_split.check_groups(split, numbers, called, quoted(columns.groups), files.called)
