"""Read a file or a built-in data set as a data frame with text names. Nothing in a file is executed.

Rows keep their positions: a blank line within a file is a row of missing cells, as in a spreadsheet.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

import pandas as pd

from pipeline.data import images, series, text_files, workbook_files
from pipeline.data.cells import MISSING
from pipeline.data.header import NAMELESS, check_distinct
from pipeline.data.rules import LATEST, rules_of
from pipeline.errors import UserError

BUILTIN: Final = "builtin:"
BUILTIN_NAMES: Final = (
    "diabetes",
    "california_housing",
    "linnerud",
    "breast_cancer",
    "wine",
    "iris",
    "digits",
)

_TEXT_FILES: Final = (".csv", ".tsv", ".txt")
_WORKBOOKS: Final = (".xlsx", ".xlsm")
_PARQUET: Final = ".parquet"
_ADVICE: Final = "check that the file is whole, and that its ending is the one of its format"
_UNREADABLE: Final = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    ImportError,
    BadZipFile,
    ParseError,
    csv.Error,
)


def read_frame(
    source: str, reading: int = LATEST, texts: Sequence[str] = (), named: Collection[str] = ()
) -> pd.DataFrame:
    """Read a file or `builtin:NAME` as a table with tidy, distinct column names and a default RangeIndex.

    `reading` is the number of the rules by which cells are read, and `texts` names the columns whose cells are texts,
    whatever they look like. `named` are columns that the table has: a row of numbers that has one of them is a header.

    Formats are .csv, .tsv and .txt (UTF-8, UTF-16 with a byte order mark, else Windows-1252; separated by , ; tab | or
    :), .xlsx and .xlsm (first sheet), .parquet, and those of `images`. Raise UserError for a source that is missing,
    unreadable, empty or without a header.
    """
    tidy = rules_of(reading).tidy
    if source.startswith(BUILTIN):
        return _named(_builtin(source.removeprefix(BUILTIN)), source, tidy)
    if images.is_image_source(source):
        return _named(images.read(source), source, tidy)
    check_exists(source)
    path = Path(source).expanduser()
    if path.suffix.lower() not in (*_TEXT_FILES, *_WORKBOOKS, _PARQUET):
        raise UserError(
            f"{source} has an unknown format",
            expected=f"a file that ends in {', '.join((*_TEXT_FILES, *_WORKBOOKS, _PARQUET))}",
            hint="save it as .xlsx or .csv"
            if path.suffix.lower() in {".xls", ".ods"}
            else "convert it to one of these formats",
        )
    try:
        frame = _of_file(path, reading, texts, named)
    except UserError:
        raise
    except _UNREADABLE as error:
        raise UserError(
            f"{source} cannot be read", expected=f"a {path.suffix} file", got=_first_line(error), hint=_ADVICE
        ) from error
    return _named(frame, source, tidy)


def _of_file(path: Path, reading: int, texts: Sequence[str], named: Collection[str]) -> pd.DataFrame:
    if path.suffix.lower() == _PARQUET:
        return _parquet(path)
    if path.suffix.lower() in _TEXT_FILES:
        return _trimmed(text_files.read(path, reading, texts, named))
    return _trimmed(workbook_files.read(path, reading, named))


def check_exists(source: str) -> None:
    """Raise UserError for a file that is missing or empty; built-in sets and images are not looked at."""
    if source.startswith(BUILTIN) or images.is_image_source(source):
        return
    path = Path(source).expanduser()
    if not path.exists():
        hint = f"write {BUILTIN}{source}" if source in BUILTIN_NAMES else "check the name and the folder"
        raise UserError(f"There is no file {source}", expected=f"a file, or {BUILTIN}NAME", hint=hint)
    if path.stat().st_size == 0:
        raise UserError(f"{source} is empty", expected="a header and rows", hint="check the file")


def _named(frame: pd.DataFrame, source: str, tidy: Callable[[str], str]) -> pd.DataFrame:
    names = [tidy(str(name)) for name in frame.columns]
    check_distinct(names, source)
    if not frame.shape[0]:
        raise UserError(f"{source} has no rows", expected="a header and rows", hint="check the file")
    frame = frame.reset_index(drop=True)
    frame.columns = pd.Index(names, dtype=object)
    return frame


def _trimmed(frame: pd.DataFrame) -> pd.DataFrame:
    """Remove empty rows at the end and nameless empty columns, which editors leave behind."""
    filled = frame.notna() & (frame != MISSING)
    nameless = [name for name in frame.columns if str(name).startswith(NAMELESS) and not bool(filled[name].any())]
    rows = filled.drop(columns=nameless).any(axis=1).to_numpy().nonzero()[0]
    return frame.drop(columns=nameless).iloc[: int(rows[-1]) + 1 if rows.size else 0]


def _parquet(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except UserError:
        raise
    except ValueError:
        from pyarrow import parquet  # type: ignore[import-untyped]  # without stubs

        check_distinct(parquet.read_schema(path).names, str(path))
        raise
    whole = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    periods = [name for name, kind in whole.dtypes.items() if isinstance(kind, pd.PeriodDtype)]
    for name in periods:  # the text files that pandas writes have them as texts, too
        whole[name] = whole[name].astype(str).where(whole[name].notna(), MISSING)
    return whole


def _builtin(name: str) -> pd.DataFrame:
    from sklearn import datasets

    if name in series.NAMES:
        return series.builtin(name)
    if name not in BUILTIN_NAMES:
        raise UserError(
            f"There is no built-in data set {name!r}", expected=f"one of {', '.join((*BUILTIN_NAMES, *series.NAMES))}"
        )
    if name != "california_housing":
        bunch: Any = getattr(datasets, f"load_{name}")(as_frame=True)
        return _frame(bunch)
    try:
        # A temporary folder: scikit-learn's cache is a pickle, and reading it could execute code.
        with tempfile.TemporaryDirectory() as folder:
            return _frame(datasets.fetch_california_housing(data_home=folder, as_frame=True, n_retries=1))
    except OSError as error:
        raise UserError(
            "The data set california_housing cannot be fetched",
            expected="a network connection: it is not shipped with scikit-learn",
            got=_first_line(error),
            hint="connect to the network, or download the set as a CSV file and name that file",
        ) from error


def _frame(bunch: Any) -> pd.DataFrame:
    frame: pd.DataFrame = bunch.frame
    return frame


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
