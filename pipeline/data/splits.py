"""Split a table into training, validation and test rows: one random split, or the folds of a cross-validation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline import tasks
from pipeline.data.given_split import TEST, TRAIN, VALIDATION
from pipeline.errors import UserError

if TYPE_CHECKING:
    from pipeline.data.tables import Table

Positions = tuple[np.ndarray, np.ndarray, np.ndarray]
"""The positions of the training, validation and test rows."""


def split(table: Table, *, validation: float, test: float, seed: int) -> Positions:
    """The positions of the training, validation and test rows: disjoint and complete, each in random order by seed.

    A part is a fraction below 1, or a whole number of rows. With group columns, rows that agree in all of them stay in
    one part: fractions are then fractions of the groups, and numbers of rows are met as closely as whole groups allow.
    Rows in order of time are cut in that order: the first ones are for training, the last ones for the test. Without
    groups, classes have the same proportions in each part as in the table, to within one row for each class. The test
    rows do not depend on `validation`. Where the table has a split of its own, its parts are these; `validation` then
    divides its training rows if it has no validation rows, and `test` if it has no test rows. Raise UserError if a part
    would be empty.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    given = table.split
    if given is None:
        return _cut(table, generator, validation, test)
    tested = generator.permutation(given.of(TEST))
    if given.has_validation and given.has_test:
        return generator.permutation(given.of(TRAIN)), generator.permutation(given.of(VALIDATION)), tested
    others = given.of(TRAIN) if given.has_validation else np.flatnonzero(given.parts != TEST)
    rest = replace(table, frame=table.frame.iloc[others])
    if given.has_validation:
        trained, _, tested = _cut(rest, generator, None, test)
        return others[trained], generator.permutation(given.of(VALIDATION)), others[tested]
    trained, validated, _ = _cut(rest, generator, validation, None)
    return others[trained], others[validated], tested


def _cut(table: Table, generator: np.random.Generator, validation: float | None, test: float | None) -> Positions:
    """Cut the rows into parts, of which the validation part or the test part is empty if it is None."""
    total = len(table.frame)
    groups = _group_of_each_row(table)
    sizes = np.ones(total, dtype=np.int64) if groups is None else np.bincount(groups)
    unit = "rows" if groups is None else "groups"
    shares = {"validation": validation, "test": test}
    asked = {part: share for part, share in shares.items() if share is not None}
    *parts, last = ("training", *asked)
    least = 1 + len(asked)
    if len(sizes) < least:
        raise UserError(
            f"The table has {len(sizes)} {unit}{'' if len(asked) == 2 else ' for training'}",
            expected=f"at least {least} {unit}: one each for {', '.join(parts)} and {last}",
            hint="use more data" if groups is None else "use more data, or other group columns",
        )
    shuffled = generator.permutation(len(sizes))
    if table.in_time:
        shuffled = shuffled[np.argsort(-shuffled)]  # the latest are for the test, those before them for validation
    elif groups is None and tasks.load(table.task).stratified:
        shuffled = _stratified(shuffled, table.frame[table.columns.targets[0]].to_numpy(), generator)
    tested = 0 if test is None else _count("test", test, sizes[shuffled], len(sizes), total)
    following = sizes[shuffled[tested:]]
    validated = 0 if validation is None else _count("validation", validation, following, len(sizes), total)
    if tested + validated >= len(sizes) or (max(asked.values()) < 1 <= sum(asked.values())):
        raise UserError(
            f"No {unit} are left for training",
            expected=f"validation and test parts that together are smaller than the table of {total} rows",
            got=", ".join(f"{part} = {share:g}" for part, share in asked.items()),
            hint="ask for smaller parts",
        )
    part = np.zeros(len(sizes), dtype=np.int8)
    part[shuffled[:tested]] = 2
    part[shuffled[tested : tested + validated]] = 1
    if groups is None:
        return shuffled[tested + validated :], shuffled[tested : tested + validated], shuffled[:tested]
    order = generator.permutation(total)
    of_row = part[groups[order]]
    return order[of_row == 0], order[of_row == 1], order[of_row == 2]


def fold(table: Table, *, folds: int, index: int, validation: float, test: float, seed: int) -> Positions:
    """The positions of the rows of repeat `index`: its validation rows are fold `index % folds` of a shuffled table.

    The test rows are those of `split` in every repeat. The other rows are shuffled anew for each round
    `index // folds`; the folds of a round are disjoint and contain all of them. Without groups, the sizes of folds
    differ by at most one row, and classes have the same proportions in each fold, to within one row for each class.
    Groups stay whole; in random order, each goes to the fold that is smallest so far. Folds that the table has itself
    are the same in every round. Raise UserError for a series, and for more folds than rows or groups.
    """
    if table.in_time:
        raise UserError(
            "A series cannot have folds: networks would be trained on rows that are later than their validation rows",
            expected="one split in order of time",
            hint="leave --folds out",
        )
    tested = split(table, validation=validation, test=test, seed=seed)[2]
    generator = np.random.default_rng(np.random.SeedSequence([seed, 0], spawn_key=(index // folds,)))
    held = index % folds
    if table.split is not None and table.split.folds:
        parts = [generator.permutation(table.split.of(number)) for number in range(folds)]
    else:
        parts = _parts(table, np.setdiff1d(np.arange(len(table.frame)), tested), folds, generator)
    return np.concatenate([part for number, part in enumerate(parts) if number != held]), parts[held], tested


def parts_of(table: Table, rows: np.ndarray, count: int, seed: int) -> np.ndarray | None:
    """The part of each of some rows, to fit something to all parts but one and to judge it on that one.

    Args:
        table: The table.
        rows: Their positions in the user's table (n,), as `Part.rows` has them.
        count: How many parts there are, or fewer where there are fewer rows or groups.
        seed: The seed of the study.

    Returns:
        Numbers of parts (n,) from 0 on, at least two and none of them empty: of random rows with the classes in equal
        shares; of whole groups; or of rows of a series that follow each other. None for rows that are a single one, or
        of a single group.
    """
    import pandas as pd  # deferred: workers import this module, and need numpy alone

    places = table.frame.index.get_indexer(pd.Index(rows))
    ordered, groups = np.sort(places), _group_of_each_row(table)
    count = min(count, len(ordered) if groups is None else len(np.unique(groups[ordered])))
    if count < 2:
        return None
    generator = np.random.default_rng(np.random.SeedSequence([seed, 0], spawn_key=(0, count)))
    parts = np.array_split(ordered, count) if table.in_time else _parts(table, ordered, count, generator)
    number = np.empty(len(table.frame), dtype=np.int64)
    for part, held in enumerate(parts):
        number[held] = part
    found: np.ndarray = number[places]
    return found


def _parts(table: Table, others: np.ndarray, folds: int, generator: np.random.Generator) -> list[np.ndarray]:
    """The rows of each fold, of the rows that are not for the test."""
    groups = _group_of_each_row(table)
    shuffled = generator.permutation(others)
    units, counted = ("rows", len(shuffled)) if groups is None else ("groups", len(np.unique(groups[shuffled])))
    if counted < folds:
        raise UserError(
            f"{counted} {units} cannot be divided into {folds} folds",
            expected=f"in each fold at least one of the {units} that are not for the test",
            hint="ask for fewer --folds, or for fewer test rows",
        )
    if groups is None:
        if tasks.load(table.task).stratified:
            shuffled = _stratified(shuffled, table.frame[table.columns.targets[0]].to_numpy(), generator)
        return np.array_split(shuffled, folds)
    of_row = _folds_of(groups[shuffled], folds, generator)
    return [shuffled[of_row == number] for number in range(folds)]


def _folds_of(groups: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """The fold of each row; rows of a group are in the same fold, and no fold is empty."""
    names, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    filled, of_group = np.zeros(folds, np.int64), np.zeros(len(names), np.int64)
    for group in generator.permutation(len(names)):
        of_group[group] = np.argmin(filled)
        filled[of_group[group]] += sizes[group]
    chosen: np.ndarray = of_group[numbers]
    return chosen


def _stratified(shuffled: np.ndarray, classes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Order the rows so that any stretch has the same proportions of classes as the whole, to within one row."""
    _, numbers = np.unique(classes[shuffled].astype(str), return_inverse=True)
    due = np.empty(len(shuffled))
    for number in range(int(numbers.max()) + 1):
        places = np.flatnonzero(numbers == number)
        due[places] = (np.arange(len(places)) + generator.random()) / len(places)
    return shuffled[np.argsort(due, kind="stable")]


def _group_of_each_row(table: Table) -> np.ndarray | None:
    if not table.columns.groups:
        return None
    frame = table.frame[list(table.columns.groups)]
    numbers: np.ndarray = frame.groupby(list(table.columns.groups), sort=False).ngroup().to_numpy(dtype=np.int64)
    return numbers


def _count(name: str, asked: float, following: np.ndarray, units: int, total: int) -> int:
    """How many units a part gets, of those with the sizes `following` (in rows); at least one if there are any."""
    if not asked > 0 or (asked >= 1 and asked != int(min(asked, total))):
        raise UserError(
            f"The {name} part cannot be {asked:g} rows",
            expected=f"a fraction between 0 and 1, or a whole number of rows below {total}, the size of the table",
            hint="correct it",
        )
    if asked < 1:
        return max(1, round(asked * units))
    return 1 + int(np.argmin(np.abs(np.cumsum(following) - asked))) if following.size else 0
