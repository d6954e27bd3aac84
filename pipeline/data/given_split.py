"""A split that the user gives: a column that says of each row which part it is in, or a file for each part.

Workers import this module, so it needs only numpy; `cells` needs pandas and is imported where it is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from pipeline.errors import UserError

TRAIN, VALIDATION, TEST = -1, -2, -3
WORDS: Final[Mapping[str, int]] = {
    "train": TRAIN,
    "training": TRAIN,
    "validation": VALIDATION,
    "valid": VALIDATION,
    "val": VALIDATION,
    "test": TEST,
}
_NAMES: Final = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}
MOST_FOLDS: Final = 100


@dataclass(frozen=True, slots=True, eq=False)
class GivenSplit:
    """The part of each row; there are validation rows, or folds, or neither. Files may leave the test rows open."""

    source: str  # what says it, in words: "column 'part'", "the files train.csv, test.csv"
    parts: np.ndarray  # (n,) int64: TRAIN, VALIDATION, TEST, or the number of a fold, from 0
    facts: Mapping[str, Any] = field(default_factory=dict)  # what a fingerprint says of it

    @property
    def folds(self) -> int:
        """How many folds there are; 0 if there are none."""
        return max(0, int(self.parts.max()) + 1)

    @property
    def has_validation(self) -> bool:
        """True if it says which rows are for validation."""
        return bool((self.parts == VALIDATION).any())

    @property
    def has_test(self) -> bool:
        """True if it says which rows are for the test."""
        return bool((self.parts == TEST).any())

    def of(self, part: int) -> np.ndarray:
        """The positions of the rows of a part."""
        return np.flatnonzero(self.parts == part)

    @property
    def words(self) -> str:
        """The parts and their numbers of rows."""
        named = [(name, len(self.of(part))) for part, name in _NAMES.items()]
        held = [(f"fold {fold}", len(self.of(fold))) for fold in range(self.folds)]
        return ", ".join(f"{count} {name}" for name, count in (*held, *named) if count)


def read(texts: np.ndarray, column: str, rows: np.ndarray | None = None, windowless: int = 0) -> GivenSplit:
    """Read the cells of the column, as texts (n,); `rows` are their positions in the file, if not 0, 1, ...

    `windowless` is how many rows a series had before these, too early for a whole window.

    They are the words train, validation (or val, valid) and test, in small or capital letters, or whole numbers of
    folds beside test. Raise UserError for anything else, and for a split that lacks a part.
    """
    what, source = f"Split {column!r}", f"column {column!r}"
    folds = sorted({int(text) for text in texts.tolist() if _is_fold(text)})
    number = {str(fold): place for place, fold in enumerate(folds)}
    parts = np.array([_part(text, number) for text in texts.tolist()], dtype=object)
    strange = np.array([part is None for part in parts])
    if strange.any():
        from pipeline.data.cells import row_number

        first = int(np.argmax(strange))
        raise UserError(
            f"{what} has a word that is no part",
            expected="train, validation and test, or whole numbers of folds and test",
            got=f"{texts[first] or 'an empty cell'!r} in {row_number(first if rows is None else rows[first])}",
            hint="correct the cell, or leave --split out",
        )
    found = GivenSplit(source, parts.astype(np.int64))
    _check(found, what, windowless)
    digest = hashlib.sha256(found.parts.astype("<i8").tobytes()).hexdigest()
    return replace(found, facts={"split": {"column": column, "sha256": digest}})


def _is_fold(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _part(text: str, number: Mapping[str, int]) -> int | None:
    return number[str(int(text))] if _is_fold(text) else WORDS.get(text.casefold())


def _check(split: GivenSplit, what: str, windowless: int) -> None:
    if not len(split.of(TEST)):
        raise UserError(
            f"{what} has no test rows",
            expected="rows named test: they judge the networks at the end, and choose nothing",
            got=split.words,
            hint="name some rows test, or leave --split out and use --test",
        )
    both = [name for part, name in _NAMES.items() if part != TEST and len(split.of(part))]
    if split.folds and both:
        raise UserError(
            f"{what} has folds beside rows named {both[0]}",
            expected="folds and test, or train, validation and test",
            got=split.words,
            hint="give those rows the number of a fold",
        )
    if not split.folds and not len(split.of(TRAIN)):
        raise UserError(
            f"{what} has no training rows",
            expected="rows named train" + (", of which some have a whole window before them" if windowless else ""),
            got=split.words,
            hint=f"lower --window or --horizon, or give training more rows: the first {windowless} rows of the table in"
            " order of time have no whole window"
            if windowless
            else "name some rows train, or leave --split out",
        )
    if split.folds == 1 or split.folds > MOST_FOLDS:
        raise UserError(
            f"{what} has {split.folds} fold(s)", expected=f"2 to {MOST_FOLDS} different whole numbers", got=split.words
        )


def check_classes(split: GivenSplit, classes: np.ndarray, train: np.ndarray) -> None:
    """Raise UserError for a class (of the texts (n,) of all rows) that the split leaves out of the training rows."""
    rest = np.delete(np.arange(len(classes)), train)
    for label in sorted({*classes[rest].tolist()} - {*classes[train].tolist()}):
        rows = GivenSplit(split.source, split.parts[classes == label])
        if not len(rows.of(TRAIN)):
            raise UserError(
                f"The split of {split.source} has no training rows of class {label!r}",
                expected="training rows of every class",
                got=rows.words,
                hint="spread them over the parts, or leave the class out",
            )


def check_groups(
    split: GivenSplit, groups: np.ndarray, names: np.ndarray, columns: str, called: Callable[[int], str]
) -> None:
    """Raise UserError if rows of one group are in different parts.

    Args:
        split: The split.
        groups: The number of each row's group (n,).
        names: What the rows' groups are called (n,).
        columns: The columns that make the groups, in words.
        called: What the row at a position is called, as in "row 3".
    """
    _, first, place = np.unique(groups, return_index=True, return_inverse=True)
    torn = np.flatnonzero(split.parts != split.parts[first[place]])
    if torn.size:
        row, before = int(torn[0]), int(first[place[torn[0]]])
        raise UserError(
            f"The split of {split.source} tears a group of {columns} apart",
            expected="all rows of a group in one part",
            got=f"group {names[row]}, in {called(row)} and in another part before, in {called(before)}",
            hint="correct the parts, or leave --group out",
        )


def check_order(split: GivenSplit, called: Callable[[int], str]) -> None:
    """Raise UserError unless the rows of a series, in order of time, are for training, then validation, then test.

    `called` says what the row at a position in order of time is called, as in "row 3".
    """
    order = {TRAIN: 0, VALIDATION: 1, TEST: 2}
    places = np.array([order.get(int(part), 0) for part in split.parts])
    back = np.flatnonzero(np.diff(places) < 0)
    if split.folds or back.size:
        wrong = [f"{called(row)} ({_NAMES[int(split.parts[row])]})" for row in (*back[:1], *(back[:1] + 1))]
        raise UserError(
            f"The split of {split.source} is not in order of time",
            expected="training rows first, then validation rows, then test rows, and no folds",
            got="; ".join([split.words, *([" comes before ".join(wrong)] if wrong else [])]),
            hint="move the parts, or let --validation and --test cut the series in order of time",
        )
    if not split.has_test:
        raise UserError(
            "A series ends with its test rows, and the validation rows have a file of their own",
            expected="the test rows after them, in a file of their own too",
            hint="give --test-data, or leave --validation-data out: a series is cut in order of time",
        )
