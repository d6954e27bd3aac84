"""The rules by which cells are read, by number: a study goes on with those that it was made with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from pipeline.data import cells, column_kinds, first_rules
from pipeline.data.cells import Kind
from pipeline.data.column_kinds import Grouped, Local
from pipeline.errors import UserError

LATEST: Final = 2


class Rules(Protocol):
    """What the cells of a column are. Columns come as the readers give them, or as those of a user's data frame."""

    def kind(self, column: pd.Series[Any]) -> Kind:
        """What the column holds."""
        ...

    def numbers(self, column: pd.Series[Any], what: str, otherwise: str = "") -> np.ndarray:
        """The cells as float64 (n,); see `cells.numbers`."""
        ...

    def truths(self, column: pd.Series[Any], what: str) -> np.ndarray:
        """True and false as float64 (n,); see `cells.truths`."""
        ...

    def texts(self, column: pd.Series[Any], what: str, *, spelled: bool = False) -> np.ndarray:
        """The cells as texts of categories (n,); see `cells.texts`."""
        ...

    def tidy(self, name: str) -> str:
        """The name of a column, so that spellings that look alike are one name."""
        ...

    def spelled_apart(self, column: pd.Series[Any]) -> bool:
        """True if only the spelling tells some of its texts apart."""
        ...

    def stray_text(self, column: pd.Series[Any]) -> tuple[str, int] | None:
        """The first text among numbers, and its position."""
        ...

    def has_numbers(self, column: pd.Series[Any]) -> bool:
        """True if some of its texts are numbers."""
        ...

    def local_spelling(self, column: pd.Series[Any]) -> Local | None:
        """What its texts are if they are no categories."""
        ...

    def missing_words(self, column: pd.Series[Any]) -> dict[str, int]:
        """The words that can mean a missing cell, and how many cells have them."""
        ...

    def grouped(self, column: pd.Series[Any]) -> Grouped | None:
        """Which of its numbers may have points between their thousands."""
        ...


class _First:
    """What studies of before were read by: nothing was said of doubtful columns."""

    kind = staticmethod(first_rules.kind)
    numbers = staticmethod(first_rules.numbers)
    stray_text = staticmethod(first_rules.stray_text)
    has_numbers = staticmethod(first_rules.has_numbers)

    def truths(self, column: pd.Series[Any], what: str) -> np.ndarray:
        return first_rules.numbers(column, what)

    def texts(self, column: pd.Series[Any], what: str, *, spelled: bool = False) -> np.ndarray:  # noqa: ARG002
        return first_rules.texts(column, what)

    def tidy(self, name: str) -> str:
        return name.strip()

    def spelled_apart(self, column: pd.Series[Any]) -> bool:  # noqa: ARG002
        return False

    def local_spelling(self, column: pd.Series[Any]) -> Local | None:  # noqa: ARG002
        return None

    def missing_words(self, column: pd.Series[Any]) -> dict[str, int]:  # noqa: ARG002
        return {}

    def grouped(self, column: pd.Series[Any]) -> Grouped | None:  # noqa: ARG002
        return None


class _Second:
    kind = staticmethod(column_kinds.kind)
    numbers = staticmethod(cells.numbers)
    truths = staticmethod(cells.truths)
    texts = staticmethod(cells.texts)
    tidy = staticmethod(cells.tidy)
    spelled_apart = staticmethod(column_kinds.spelled_apart)
    stray_text = staticmethod(column_kinds.stray_text)
    has_numbers = staticmethod(column_kinds.has_numbers)
    local_spelling = staticmethod(column_kinds.local_spelling)
    missing_words = staticmethod(column_kinds.missing_words)
    grouped = staticmethod(column_kinds.grouped)


_RULES: Final[Mapping[int, Rules]] = {1: _First(), 2: _Second()}


def rules_of(reading: int) -> Rules:
    """The rules of a number. Raise UserError for one that this version does not have."""
    if reading not in _RULES:
        raise UserError(
            "The study was made by a newer version: it reads the cells of its table by rules that this one lacks",
            expected=f"rules of number {', '.join(map(str, _RULES))}",
            got=str(reading),
            hint="use the version that made it",
        )
    return _RULES[reading]
