"""The first row of a table: the names of its columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import pandas as pd

from pipeline.errors import UserError

NAMELESS: Final = "Unnamed: "  # and its position: the name given to a column without a name


def header_of(cells: Sequence[object], source: str) -> list[str]:
    """The names of the columns, which are all different. Raise UserError for a row that is not a header."""
    names = ["" if pd.isna(cell) else str(cell).strip() for cell in cells]  # type: ignore[call-overload]
    if not any(names) or all(re.fullmatch(r"[+-]?[\d.,]+([eE][+-]?\d+)?", name) for name in names):
        raise UserError(
            f"{source} has no header", expected="the names of the columns in the first row", hint="add a header"
        )
    filled = [name or f"{NAMELESS}{position}" for position, name in enumerate(names)]
    check_distinct(filled, source)
    return filled


def check_distinct(names: Sequence[str], source: str) -> None:
    """Raise UserError if two columns have one name."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(
            f"{source} has more than one column named {', '.join(map(repr, twice))}",
            expected="names that are all different",
            hint="rename or remove one of them",
        )
