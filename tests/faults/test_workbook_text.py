"""Texts from data and errors in the workbook: never a formula, never broken XML, never too long; no NaN."""

import csv
import math
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.ranking.summaries import summarise
from pipeline.trial import Configuration, Repeat, Training
from pipeline.workbook.book import View, write
from pipeline.workbook.ooxml import LIMIT, text
from tests.faults.studies import rows

OFFICE = shutil.which("soffice") or ""
STARTS = ("=", "+", "-", "@", "\t", "\r")
NASTY = (
    *(f"{start}1+1" for start in STARTS),
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0",
    "{=1+1}",
    "'=1",
    "a\x00b\x07c\x0bd\x1fe\x7f\x80\x9f",
    "lone \ud800 and \udfff",
    "\ufffe\uffff",
    "_x0041_ _x000D_ _xD800_ _x005F_x0041_",
    "]]> &amp; <v>1</v> <!-- \" '",
    " both sides ",
    "lines\nand\r\nreturns\r",
    "\u2028\u0085\u200f\u202e",
    "😀" * 20_000,
    "_x0041_" * 10_000,
    "x" * 40_000,
)
# What a spreadsheet can hold: everything else is left out or replaced.
HOSTILE = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    HOSTILE,
    st.builds(lambda start, rest: start + rest, st.sampled_from(STARTS), HOSTILE),
    st.builds(lambda a, b: f"{a}_x{b:04X}_", HOSTILE, st.integers(0, 0xFFFF)),
)
NUMBERS = st.one_of(
    st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, 1e308, 5e-324, -0.0]), st.integers(), st.just(10**400)
)


def view(error: str, name: str, value: str, slot: str, number: float) -> View:
    """A study with these as error, output, hyperparameter, slot and measured number."""
    known = value.encode("utf-8", "replace").decode()  # a key needs whole characters
    values = {"activation": known, "hidden_layers": 1, f"h {name}".encode("utf-8", "replace").decode(): known}
    if isinstance(number, int):
        values["size"] = number
    configuration = Configuration.of({**values, "units": [3]})
    score = 1.0 if isinstance(number, int) else number
    wild = {name: {"mae": score, "r2": score}}
    good = Repeat(Training(configuration, 200, 0), "explore", 7, 0.25, slot=slot, seconds=1.5)
    bad = replace(good, training=Training(configuration, 200, 1), objective=None, error=error or "x")
    summary = replace(summarise(configuration, 200, [good]), scores=wild)
    repeats = (replace(good, scores=wild), bad)
    return View((summary,), repeats=repeats, outputs=(name,), study=(("data", value), ("note", error)))


def plain(path: Path) -> list[list[list[Any]]]:
    """All cells of all sheets, read with openpyxl; asserts what holds of each of them."""
    book = openpyxl.load_workbook(path)
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in "sn", (cell.coordinate, cell.value)
                if cell.data_type == "s":
                    content = str(cell.value)
                    assert len(content.encode("utf-16-le")) <= 2 * LIMIT
                    assert cell.quotePrefix or not content.startswith(STARTS)
                elif cell.value is not None:
                    assert math.isfinite(float(str(cell.value)))
    return [[list(row) for row in sheet.values] for sheet in book]


def parts(path: Path) -> None:
    """Every part is XML, and no number of it is one that spreadsheets do not have."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            ET.fromstring(content)
            assert not re.search(rb"<v>[^<]*(nan|inf)[^<]*</v>", content, re.IGNORECASE)
            assert b"<f>" not in content or "worksheets" not in name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("texts")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS, TEXTS, TEXTS, TEXTS, NUMBERS)
@example("=1+1", " Y ", "=2", "@x", math.nan)
@example("_x000D_", "=Y", "_x0041_", "\r", math.inf)
@example("=1+1", " Y ", "=2", "@x", sys.float_info.max)  # openpyxl writes 16 digits of it, which no float is
@example("a\r\nb", "Y\n", "\ud800", "\t", 10**400)
@example("=1+1", "😀" * 20_000, "=1+1", "=1+1", 1.0507009873554805)  # two measures of an output, cut to one header
def test_whatever_is_said_stays_text(folder, error, name, value, slot, number):
    stays_text(folder, error, name, value, slot, number)


@pytest.mark.soak
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS, TEXTS, TEXTS, TEXTS, NUMBERS)
def test_whatever_else_is_said_stays_text(folder, error, name, value, slot, number):
    stays_text(folder, error, name, value, slot, number)


def stays_text(folder, error, name, value, slot, number):
    shown = view(error, name, value, slot, number)
    path = folder / "ledger.xlsx"
    path.unlink(missing_ok=True)
    write(path, shown)
    parts(path)
    drawn = plain(path)
    assert drawn[2][1][1] == (text(value) or None)
    book = openpyxl.load_workbook(path)
    book.create_sheet("Mine")["A1"] = "mine"
    book.save(path)
    for _ in range(2):  # merged, twice: no column or row is added again
        write(path, shown)
        parts(path)
        assert plain(path)[:3] == drawn


@given(st.one_of(TEXTS, st.text(max_size=10).map(lambda part: part * 9000)))
@settings(max_examples=200, deadline=None)
def test_a_text_is_cut_cleaned_and_otherwise_itself(value):
    clean = text(value)
    assert len(clean.encode("utf-16-le")) <= 2 * LIMIT  # also raises for a lone surrogate
    assert not re.search("[\x00-\x08\x0b-\x1f\ufffe\uffff]", clean)
    back = clean.replace("_x005F_", "_")  # as a spreadsheet reads it
    value = re.sub("\r\n?", "\n", value)
    kept = re.sub("[\ud800-\udfff\ufffe\uffff]", "\ufffd", re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", value))
    if "_x005F_" not in kept and len(kept) * 7 < LIMIT:
        assert back == kept
    else:
        assert len(clean) > 30_000 or "_x005F_" in clean or clean == kept[: len(clean)]


@pytest.mark.slow
@pytest.mark.skipif(not OFFICE, reason="LibreOffice (soffice) is not installed")
def test_libreoffice_reads_texts_too(tmp_path):
    """Formulas would be computed on the way to CSV; escapes and returns come back as what was said."""
    configuration = Configuration.of({"activation": "tanh", "hidden_layers": 1, "units": [3]})
    repeats = tuple(
        Repeat(Training(configuration, 200, index), "explore", 7, None, error="", slot=content)
        for index, content in enumerate(NASTY)
    )
    path = tmp_path / "ledger.xlsx"
    write(path, View((summarise(configuration, 200, repeats),), repeats=repeats))
    subprocess.run(
        [
            OFFICE,
            f"-env:UserInstallation=file://{tmp_path}/profile",
            "--headless",
            "--convert-to",
            "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,2",
            "--outdir",
            tmp_path,
            path,
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (found,) = tmp_path.glob("*.csv")
    with found.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(NASTY)
    for row, said, cell in zip(table, NASTY, rows(path, "Repeats"), strict=True):
        expected = text(said).replace("_x005F_", "_")
        assert cell["slot"] == text(said)
        assert re.sub("\r\n?", "\n", row["slot"]) == expected, said[:30]
