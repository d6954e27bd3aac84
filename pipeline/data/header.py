"""The first row of a table: the names of its columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

import pandas as pd

from pipeline.errors import UserError

_SHOWN: Final = 5  # cells in an error
ABOVE: Final = "above"  # attribute of a data frame: the empty rows above the header of its file
NAMELESS: Final = "Unnamed: "  # and its position: the name given to a column without a name


def header_of(cells: Sequence[object], source: str, named: Collection[str] = ()) -> list[str]:
    """The names of the columns, which are all different. Raise UserError for a row that is not a header.

    A row of nothing but numbers is a header where the user names one of them as a column, and either this is no whole
    number or all of them are: 2 may be the second column of a table without a header.
    """
    names = ["" if pd.isna(cell) else str(cell).strip() for cell in cells]  # type: ignore[call-overload]
    numbers = all(re.fullmatch(r"[+-]?[\d.,]+([eE][+-]?\d+)?", name) for name in names)
    asked = {*named} & {*names}
    asked = asked if all(map(str.isdigit, names)) else {name for name in asked if not name.isdigit()}
    if not any(names) or (numbers and not asked):
        raise UserError(
            f"{source} has no header",
            expected="the names of the columns in the first row",
            got=", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "") if numbers else "empty cells",
            hint="add a header, or name one of them in --target if these are names"
            if numbers
            else "name the columns in the first row that is not blank",
        )
    filled = [name or f"{NAMELESS}{position}" for position, name in enumerate(names)]
    check_distinct(filled, source)
    return filled


def above_header(frame: pd.DataFrame) -> int:
    """How many blank rows the file of a frame has above its header; 0 for a frame that is not of a file."""
    return int(frame.attrs.get(ABOVE, 0))


def check_distinct(names: Sequence[str], source: str) -> None:
    """Raise UserError if two columns have one name."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(
            f"{source} has more than one column named {', '.join(map(repr, twice))}",
            expected="names that are all different",
            hint="rename or remove one of them",
        )
