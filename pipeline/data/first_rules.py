"""The first rules by which cells were read: a study that was made with them goes on with them.

They start from the types that pandas guesses, which differ between formats: a text NA is missing in CSV and a word in
Parquet, and "01" is the same category as "1". New studies are read by the rules of `cells`.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline.data.cells import MISSING, Kind, row_number
from pipeline.data.series import Ordered
from pipeline.errors import UserError

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d{1,300}", re.ASCII)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?[\d.]*,\d+", re.ASCII)
_FIGURE: Final = re.compile(f"{_NUMBER.pattern}|{_DECIMAL_COMMA.pattern}", re.ASCII)
_DATE: Final = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})([ T]\d.*)?", re.ASCII)
_TRUTH: Final = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False"}
_EXACT: Final = 2.0**53  # the integers below it are floats without loss
_NUMBERS_TO_DOUBT: Final = 20  # with more distinct numbers than this, a text is a typing error, not a category
# Before 3.1 pandas by default read some numbers with a wrong last bit, so that CSV and Parquet differed.
PRECISION: Final[dict[str, Any]] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
)


def csv(text: str, separator: str, names: list[str]) -> pd.DataFrame:
    """The rows below the header of a text file, with the types that pandas guesses."""
    frame: pd.DataFrame = pd.read_csv(
        io.StringIO(text),
        sep=separator,
        header=0,
        names=names,
        index_col=False,
        skip_blank_lines=False,  # positions stay those of the file
        skipinitialspace=True,
        low_memory=False,
        **PRECISION,
    )
    return frame


def excel(path: Path | io.BytesIO) -> tuple[list[object], pd.DataFrame]:
    """The cells of the first row of a workbook, and the rows below it, with the types that pandas guesses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl warns of styles and drop-down lists
        with pd.ExcelFile(path, engine="openpyxl") as book:
            first = pd.read_excel(book, sheet_name=0, header=None, nrows=1, dtype=object, keep_default_na=False)
            frame = pd.read_excel(book, sheet_name=0, header=0)
    return ([] if first.empty else first.iloc[0].tolist()), frame


def kind(column: pd.Series[Any]) -> Kind:
    """The kind of a column, missing cells aside. A text column with nothing but numbers counts as numbers."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        inner = kind(pd.Series(dtype.categories.astype(object)))
        return inner if inner in {"date", "empty"} else "text"
    found = pd.api.types.infer_dtype(column, skipna=True)
    if bool(column.isna().all()):
        return "empty"
    if found in {"integer", "floating", "mixed-integer-float", "decimal"}:
        return "number"
    if found == "boolean":
        return "truth"
    if found in {"string", "mixed", "mixed-integer"}:
        return _kind_of_objects(column)
    return (
        "date" if found in {"datetime", "datetime64", "date", "timedelta", "timedelta64", "time", "period"} else "other"
    )


def _kind_of_objects(column: pd.Series[Any]) -> Kind:
    values = column.dropna().tolist()
    if not all(isinstance(value, str | int | float | Decimal | np.number | np.bool_) for value in values):
        return "other"
    texts = {value.strip() for value in values if isinstance(value, str)} - {""}
    plain = [value for value in values if not isinstance(value, str)]
    if not texts and not plain:
        return "empty"
    if all(_NUMBER.fullmatch(text) for text in texts):
        return "number"
    return "date" if not plain and all(_DATE.fullmatch(text) for text in texts) else "text"


def numbers(column: pd.Series[Any], what: str, otherwise: str = "") -> np.ndarray:
    """Convert the cells to float64 `(n,)`, with NaN for missing ones and 0 and 1 for truth values.

    Raise UserError for text and infinity. Its text begins with `what`, as in "Target 'price'"; for text it ends with
    `otherwise`.
    """
    dtype = column.dtype
    if (pd.api.types.is_numeric_dtype(dtype) and dtype.kind != "c") or pd.api.types.is_bool_dtype(dtype):
        values = np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    else:
        cells = column.astype(object).tolist()
        parsed = [_number(cell) for cell in cells]
        for position, value in enumerate(parsed):
            if value is None:
                raise _not_a_number(
                    what,
                    cells[position],
                    position,
                    some=any(each is not None and not math.isnan(each) for each in parsed),
                    otherwise=otherwise,
                )
        values = np.array(parsed, dtype=np.float64)
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise UserError(
            f"{what} has an infinite value in {row_number(infinite[0])}",
            expected="finite numbers",
            got=f"{infinite.size} infinite or overflowing value(s)",
            hint="correct them, or leave cells of inputs empty if the value is not known",
        )
    return values + 0.0  # -0.0 becomes 0.0: one value, one hash


def _number(cell: object) -> float | None:
    if isinstance(cell, str):
        text = cell.strip()
        return float(text) if _NUMBER.fullmatch(text) else None if text else math.nan
    if isinstance(cell, bool | int | float | Decimal | np.number | np.bool_):
        try:
            return float(cell)  # complex numbers are np.number too, and fail
        except OverflowError:
            return math.inf
        except TypeError:
            return None
    return math.nan if _is_missing(cell) else None


def _not_a_number(what: str, cell: object, position: int, *, some: bool, otherwise: str) -> UserError:
    hint = "correct the cell, or leave it empty if the value is missing" if some else "name a column of numbers"
    if isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell.strip()):
        hint = "write decimal points instead of decimal commas, and no separators between thousands"
    return UserError(
        f"{what} has text where a number is needed",
        expected="numbers with a decimal point",
        got=f"{str(cell)!r} in {row_number(position)}",
        hint=hint + otherwise,
    )


def texts(column: pd.Series[Any], what: str) -> np.ndarray:
    """Convert the cells to texts of categories `(n,)`.

    1, 1.0 and "1" become "1", True and "true" become "True", and a missing cell becomes `MISSING`. Raise UserError for
    cells that are neither numbers nor text.
    """
    try:
        codes, distinct = pd.factorize(column.astype(object), use_na_sentinel=True)
    except TypeError:
        raise UserError(
            f"{what} holds neither numbers nor text", expected="one value per cell", hint="name it in `ignore`"
        ) from None
    known = np.array([*(text(value) for value in distinct), MISSING], dtype=object)
    return np.asarray(known[codes])  # the code of a missing cell is -1, the last one


def text(cell: object) -> str:
    """Convert one cell to the text of a category."""
    if _is_missing(cell):
        return MISSING
    if isinstance(cell, bool | np.bool_):
        return str(bool(cell))
    if isinstance(cell, int | np.integer):
        return str(int(cell))
    if isinstance(cell, float | np.floating):
        value = float(str(cell))  # a float32 0.1 is "0.1", not "0.10000000149011612"
        return str(int(value)) if abs(value) < _EXACT and value.is_integer() else repr(value)
    stripped = str(cell).strip()
    if _INTEGER.fullmatch(stripped):
        return str(int(stripped))
    return text(float(stripped)) if _NUMBER.fullmatch(stripped) else _TRUTH.get(stripped, stripped)


def stray_text(column: pd.Series[Any]) -> tuple[str, int] | None:
    """The first text, and its position, in a column of numbers; None for a column of categories."""
    cells = column.astype(object).tolist()
    words = [isinstance(cell, str) and cell.strip() != "" and _number(cell) is None for cell in cells]
    found = {_number(cell) for cell, word in zip(cells, words, strict=True) if not word}
    figures = {value for value in found if value is not None and not math.isnan(value)}
    others = {str(cell).strip() for cell, word in zip(cells, words, strict=True) if word}
    if len(figures) <= max(_NUMBERS_TO_DOUBT, len(others)):
        return None
    position = words.index(True)
    return str(cells[position]), position


def has_numbers(column: pd.Series[Any]) -> bool:
    """True if any cell of a text column is a number, including those with a decimal comma."""
    cells = [cell for cell in column.astype(object).tolist() if not _is_missing(cell)]
    return any(not isinstance(cell, str) or bool(_FIGURE.fullmatch(cell.strip())) for cell in cells)


def _is_missing(cell: object) -> bool:
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell))


def in_order(frame: pd.DataFrame, time: str) -> Ordered:
    """Sort the rows of a series by its times, whose format pandas guesses from the first cell.

    Rows are counted in order of time. Raise UserError if a time is missing, neither a number nor a date, or occurs
    twice.
    """
    column = frame[time]
    moments: pd.Series[Any] = _guessed(column)
    if moments.isna().any():
        raise UserError(
            f"Time {time!r} is not a moment in {row_number(int(np.argmax(moments.isna())))}",
            expected="numbers or dates, one in every row",
            got=repr(column[moments.isna()].iloc[0]),
            hint="correct the cell",
        )
    if moments.duplicated().any():
        raise UserError(
            f"Time {time!r} has {column[moments.duplicated()].iloc[0]} more than once",
            expected="one row for each moment",
            hint="use a table of one series, with one row for each moment",
        )
    return Ordered(frame.loc[moments.sort_values(kind="stable").index].reset_index(drop=True))


def _guessed(column: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_numeric_dtype(column):
        return column
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns that unusual dates are parsed one by one
        return pd.to_datetime(column, errors="coerce")
