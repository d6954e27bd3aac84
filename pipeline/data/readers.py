"""Read a file or a built-in data set as a data frame with text names. Nothing in a file is executed.

Rows keep their positions: a blank line within a file is a row of missing cells, as in a spreadsheet.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

import pandas as pd

from pipeline.data import images, series
from pipeline.errors import UserError

READING: Final = 2  # number of the rules by which the tables of new studies are read; studies of before have 1
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
NAMELESS: Final = "Unnamed: "  # and its position: the name given to a column without a name

_SEPARATORS: Final = (",", ";", "\t", "|", ":")
_NONE: Final = "\x1f"  # a separator that no text file contains
_SNIFFED: Final = 200  # records that are looked at to find the separator
_AGREEING: Final = 0.8  # fraction of them that must have more than one cell
# Before 3.1 pandas by default read some numbers with a wrong last bit, so that CSV and Parquet differed.
_PRECISION: Final[dict[str, Any]] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
)
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


def read_frame(source: str, reading: int = READING, texts: Sequence[str] = ()) -> pd.DataFrame:  # noqa: ARG001
    """Read a file or `builtin:NAME` as a table with stripped, distinct column names and a default RangeIndex.

    `reading` is the number of the rules by which cells are read, and `texts` names the columns whose cells are texts,
    whatever they look like.

    Formats are .csv, .tsv and .txt (UTF-8, UTF-16 with a byte order mark, else Windows-1252; separated by , ; tab | or
    :), .xlsx and .xlsm (first sheet), .parquet, and those of `images`. Raise UserError for a source that is missing,
    unreadable, empty or without a header.
    """
    if source.startswith(BUILTIN):
        return _named(_builtin(source.removeprefix(BUILTIN)), source)
    if images.is_image_source(source):
        return _named(images.read(source), source)
    path = Path(source).expanduser()
    _check_file(path, source)
    readers = {".csv": _text, ".tsv": _text, ".txt": _text, ".xlsx": _excel, ".xlsm": _excel, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f"{source} has an unknown format",
            expected=f"a file that ends in {', '.join(readers)}",
            hint="save it as .xlsx or .csv"
            if path.suffix.lower() in {".xls", ".ods"}
            else "convert it to one of these formats",
        )
    try:
        frame = reader(path)
    except UserError:
        raise
    except _UNREADABLE as error:
        raise UserError(
            f"{source} cannot be read", expected=f"a {path.suffix} file", got=_first_line(error), hint="check the file"
        ) from error
    return _named(frame, source)


def _check_file(path: Path, source: str) -> None:
    if not path.exists():
        hint = f"write {BUILTIN}{source}" if source in BUILTIN_NAMES else "check the name and the folder"
        raise UserError(f"There is no file {source}", expected=f"a file, or {BUILTIN}NAME", hint=hint)
    if path.stat().st_size == 0:
        raise UserError(f"{source} is empty", expected="a header and rows", hint="check the file")


def _named(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    names = [str(name).strip() for name in frame.columns]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(
            f"{source} has more than one column named {', '.join(map(repr, twice))}",
            expected="names that are all different",
            hint="rename or remove one of them",
        )
    if not frame.shape[0]:
        raise UserError(f"{source} has no rows", expected="a header and rows", hint="check the file")
    frame = frame.reset_index(drop=True)
    frame.columns = pd.Index(names, dtype=object)
    return frame


def _text(path: Path) -> pd.DataFrame:
    text = _decoded(path.read_bytes(), path).lstrip("\r\n").rstrip("\r\n ")
    separator = _separator(text)
    records = list(itertools.islice(_records(text, separator), _SNIFFED))
    if not records:
        raise UserError(f"{path} is empty", expected="a header and rows", hint="check the file")
    header = records[0]
    long = next((number for number, record in enumerate(records) if len(record) > len(header)), None)
    if long is not None and any(cell.strip() for cell in records[long][len(header) :]):
        # pandas would silently take the first column for an index, or leave the last one out.
        raise UserError(
            f"{path} has a row with more cells than the header",
            expected=f"{len(header)} cells, separated by {separator!r}",
            got=f"{len(records[long])} cells in row {long + 1}",
            hint="give every column a name, and quote cells that contain the separator",
        )
    names = _header(header, str(path))
    frame = pd.read_csv(
        io.StringIO(text),
        sep=separator,
        header=0,
        names=names,
        index_col=False,
        skip_blank_lines=False,  # positions stay those of the file
        skipinitialspace=True,
        low_memory=False,
        **_PRECISION,
    )
    return _trimmed(frame)


def _decoded(content: bytes, path: Path) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    if b"\0" in content:
        raise UserError(f"{path} is not a text file", expected="text", hint="give it the extension of its real format")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")  # what Excel writes as CSV in Western Europe


def _records(text: str, separator: str) -> Iterable[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)


def _separator(text: str) -> str:
    """The separator with which most records have as many cells as the header; `_NONE` if there is only one column."""
    best, best_rank = _NONE, (0.0, 0.0, 1)
    for separator in _SEPARATORS:
        widths = [len(record) for record in itertools.islice(_records(text, separator), _SNIFFED) if record]
        if not widths or widths[0] < 2:
            continue
        rows = widths[1:] or widths
        equal, several = (sum(fits) / len(rows) for fits in zip(*((w == widths[0], w > 1) for w in rows), strict=True))
        rank = (equal, several, widths[0])
        if several >= _AGREEING and rank > best_rank:
            best, best_rank = separator, rank
    return best


def _header(cells: Sequence[object], source: str) -> list[str]:
    names = ["" if pd.isna(cell) else str(cell).strip() for cell in cells]  # type: ignore[call-overload]
    if not any(names) or all(re.fullmatch(r"[+-]?[\d.,]+([eE][+-]?\d+)?", name) for name in names):
        raise UserError(
            f"{source} has no header", expected="the names of the columns in the first row", hint="add a header"
        )
    filled = [name or f"{NAMELESS}{position}" for position, name in enumerate(names)]
    twice = [name for name, count in Counter(filled).items() if count > 1]
    if twice:
        raise UserError(
            f"{source} has more than one column named {', '.join(map(repr, twice))}",
            expected="names that are all different",
            hint="rename or remove one of them",
        )
    return filled


def _trimmed(frame: pd.DataFrame) -> pd.DataFrame:
    """Remove empty rows at the end and nameless empty columns, which editors leave behind."""
    nameless = [name for name in frame.columns if str(name).startswith(NAMELESS) and bool(frame[name].isna().all())]
    frame = frame.drop(columns=nameless)
    filled = frame.notna().any(axis=1).to_numpy().nonzero()[0]
    return frame.iloc[: int(filled[-1]) + 1 if filled.size else 0]


def _excel(path: Path) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl warns of styles and drop-down lists
        with pd.ExcelFile(path, engine="openpyxl") as book:
            first = pd.read_excel(book, sheet_name=0, header=None, nrows=1, dtype=object, keep_default_na=False)
            frame = pd.read_excel(book, sheet_name=0, header=0)
    if first.empty:
        raise UserError(f"The first sheet of {path} is empty", expected="a header and rows", hint="check the file")
    cells = first.iloc[0].tolist()
    frame.columns = pd.Index(_header([*cells, *[""] * (frame.shape[1] - len(cells))], str(path)), dtype=object)
    return _trimmed(frame)


def _parquet(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path, engine="pyarrow")
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


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
