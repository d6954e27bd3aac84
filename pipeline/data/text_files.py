"""Tables in text files: the encoding, the separator, the header, and below it the cells."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline.data import first_rules
from pipeline.data.cells import ERRORS, MISSING, WORDS
from pipeline.data.header import ABOVE, header_of
from pipeline.errors import UserError

_SEPARATORS: Final = (",", ";", "\t", "|", ":")
_NONE: Final = "\x1f"  # a separator that no text file contains
_THOUSANDTH: Final = 1e-6  # of a thousandth: the accuracy of a float below 1000
_SNIFFED: Final = 200  # records that are looked at to find the separator
_AGREEING: Final = 0.8  # fraction of them that must have more than one cell
_BLANK_LINES: Final = re.compile(r"(?:[ \t,;|:]*(?:\r\n|\r|\n))*")
_NO_LINES: Final = re.compile(r"[\r\n]*")
_SAID: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # a first line for Excel, which does not show it


def read(path: Path, reading: int, texts: Sequence[str], named: Collection[str] = ()) -> pd.DataFrame:
    """The table of a text file.

    By the first rules, columns have the types that pandas guesses. By later ones a column is one of numbers, without a
    missing cell, or it has the texts of the file, so that `cells` decides what they are; `texts` names columns that
    have the texts of the file whatever they look like, and `named` those that the user names.
    """
    above, text = _below_blank(_decoded(path.read_bytes(), path).rstrip("\r\n "), reading)
    said = _SAID.match(text) if reading > 1 else None
    if said:
        further, text = _below_blank(text[said.end() :], reading)
        above += further
    separator = said[1] if said else _separator(text)
    records = _beginning(text, separator)
    if not records and text.strip():
        raise _unclosed(path, 1 + above)
    if not records:
        raise UserError(f"{path} is empty", expected="a header and rows", hint="check the file")
    names = header_of(records[0], str(path), named)
    _check_widths(records, separator, path, above)
    try:
        frame = first_rules.csv(text, separator, names) if reading == 1 else _cells(text, separator, names, texts)
    except pd.errors.ParserError as error:
        if "EOF inside string" not in str(error):
            raise
        raise _unclosed(path, _last_row(text, separator) + above) from error
    frame.attrs[ABOVE] = above
    return frame


def _below_blank(text: str, reading: int) -> tuple[int, str]:
    """How many blank lines a text begins with, and what follows; by later rules separators alone are blank, too."""
    end = (_BLANK_LINES if reading > 1 else _NO_LINES).match(text).end()  # type: ignore[union-attr]  # always matches
    return len(re.findall(r"\r\n|\r|\n", text[:end])), text[end:]


def _unclosed(path: Path, row: int) -> UserError:
    return UserError(
        f"{path} has a quotation mark that is not closed",
        expected="a second one at the end of the cell",
        got=f"the rest of the file as one cell, which begins in row {row}",
        hint="remove it, or write it twice within quotation marks",
    )


def _check_widths(records: Sequence[Sequence[str]], separator: str, path: Path, above: int) -> None:
    width = len(records[0])
    long = next((number for number, record in enumerate(records) if len(record) > width), None)
    if long is not None and any(cell.strip() for cell in records[long][width:]):
        # pandas would silently take the first column for an index, or leave the last one out.
        raise UserError(
            f"{path} has a row with more cells than the header",
            expected=f"{width} cells, separated by {separator!r}",
            got=f"{len(records[long])} cells in row {long + 1 + above}",
            hint="give every column a name, and quote cells that contain the separator",
        )


def _cells(text: str, separator: str, names: list[str], texts: Sequence[str]) -> pd.DataFrame:
    def parsed(**options: object) -> pd.DataFrame:
        return pd.read_csv(  # type: ignore[call-overload,no-any-return]
            io.StringIO(text),
            sep=separator,
            header=0,
            names=names,
            index_col=False,
            skip_blank_lines=False,  # positions stay those of the file
            skipinitialspace=True,
            keep_default_na=False,
            low_memory=False,
            **first_rules.PRECISION,
            **options,
        )

    # Numbers are read where they are quickest to read, and every cell that needs a second look as a text.
    frame = parsed(na_values=[MISSING, *WORDS, *ERRORS])
    doubted = [name for name in names if name in texts or _is_doubted(frame[name])]
    if doubted:
        raw = parsed(usecols=doubted, dtype=object, na_filter=False)
        frame = frame.assign(**{name: raw[name].fillna(MISSING) for name in doubted})
    return frame[names]


def _is_doubted(column: pd.Series[Any]) -> bool:
    """True where the texts of a column have to be looked at."""
    if column.dtype.kind not in "iuf" or bool(column.isna().any()):
        return True
    if column.dtype.kind != "f":
        return False
    # 946 beside 17.711 or 17.000: decimals, or a point between thousands, which only the texts can tell.
    sizes = np.abs(column.to_numpy())
    if not (sizes < 1000).all():
        return False
    return bool(
        (np.abs(sizes * 1000 - np.rint(sizes * 1000)) < _THOUSANDTH).all() and not ((sizes > 0) & (sizes < 1)).any()
    )


def _decoded(content: bytes, path: Path) -> str:
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):  # the former begins like UTF-16
        return content.decode("utf-32")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    if b"\0" in content:
        raise UserError(
            f"{path} is not a text file",
            expected="text",
            hint="give it the extension of its real format; or save it as UTF-8, if it is text",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _western(content, path)


def _western(content: bytes, path: Path) -> str:
    """What Excel writes as CSV in Western Europe."""
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path} has bytes that are no letters",
            expected="text in UTF-8, UTF-16 or Windows-1252",
            got=f"{content[error.start]:#04x} in line {line}",
            hint="save it as UTF-8",
        ) from error


def _records(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)


def _beginning(text: str, separator: str) -> list[list[str]]:
    """The first records; a quotation mark that is not closed may end them, with a cell that is too long."""
    found: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        found.extend(itertools.islice(_records(text, separator), _SNIFFED))
    return found


def _last_row(text: str, separator: str) -> int:
    """The number of the last record, which may have a cell that is too long."""
    number = 0
    try:
        for _ in _records(text, separator):
            number += 1
    except csv.Error:
        number += 1
    return number


def _separator(text: str) -> str:
    """The separator with which most records have as many cells as the header; `_NONE` if there is only one column."""
    best, best_rank = _NONE, (0.0, 0.0, 1)
    for separator in _SEPARATORS:
        widths = [len(record) for record in _beginning(text, separator) if record]
        if not widths or widths[0] < 2:
            continue
        rows = widths[1:] or widths
        equal, several = (sum(fits) / len(rows) for fits in zip(*((w == widths[0], w > 1) for w in rows), strict=True))
        rank = (equal, several, widths[0])
        if several >= _AGREEING and rank > best_rank:
            best, best_rank = separator, rank
    return best
