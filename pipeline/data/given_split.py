"""A split that the user gives: a column that says of each row which part it is in.

Workers import this module, so it needs only numpy; `cells` needs pandas and is imported where it is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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
    """The part of each row; there are validation rows, or folds, or neither."""

    column: str
    parts: np.ndarray  # (n,) int64: TRAIN, VALIDATION, TEST, or the number of a fold, from 0

    @property
    def folds(self) -> int:
        """How many folds there are; 0 if there are none."""
        return max(0, int(self.parts.max()) + 1)

    @property
    def has_validation(self) -> bool:
        """True if it says which rows are for validation."""
        return bool((self.parts == VALIDATION).any())

    def of(self, part: int) -> np.ndarray:
        """The positions of the rows of a part."""
        return np.flatnonzero(self.parts == part)

    def describe(self) -> dict[str, str]:
        """What a fingerprint says of it: the column, and the SHA-256 of the parts of all rows."""
        return {"column": self.column, "sha256": hashlib.sha256(self.parts.astype("<i8").tobytes()).hexdigest()}

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
    what = f"Split {column!r}"
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
    found = GivenSplit(column, parts.astype(np.int64))
    _check(found, what, windowless)
    return found


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
        rows = GivenSplit(split.column, split.parts[classes == label])
        if not len(rows.of(TRAIN)):
            raise UserError(
                f"Split {split.column!r} has no training rows of class {label!r}",
                expected="training rows of every class",
                got=rows.words,
                hint="spread them over the parts, or leave --split out",
            )


def check_groups(split: GivenSplit, groups: np.ndarray, names: np.ndarray, columns: str) -> None:
    """Raise UserError if rows of one group are in different parts.

    Args:
        split: The split.
        groups: The number of each row's group (n,).
        names: What the rows' groups are called (n,).
        columns: The columns that make the groups, in words.
    """
    first = np.full(int(groups.max()) + 1, np.iinfo(np.int64).min)
    torn = None
    for position, (group, part) in enumerate(zip(groups.tolist(), split.parts.tolist(), strict=True)):
        if first[group] == np.iinfo(np.int64).min:
            first[group] = part
        elif first[group] != part:
            torn = position
            break
    if torn is not None:
        from pipeline.data.cells import row_number

        raise UserError(
            f"Split {split.column!r} tears a group of {columns} apart",
            expected="all rows of a group in one part",
            got=f"group {names[torn]}, in {row_number(torn)} and in another part before",
            hint="correct the split, or leave --group out",
        )


def check_order(split: GivenSplit) -> None:
    """Raise UserError unless the rows of a series, in order of time, are for training, then validation, then test."""
    order = {TRAIN: 0, VALIDATION: 1, TEST: 2}
    places = np.array([order.get(int(part), 0) for part in split.parts])
    back = np.flatnonzero(np.diff(places) < 0)
    if split.folds or back.size:
        raise UserError(
            f"Split {split.column!r} is not in order of time",
            expected="training rows first, then validation rows, then test rows, and no folds",
            got=split.words,
            hint="move the parts, or leave --split out: a series is cut in order of time",
        )
