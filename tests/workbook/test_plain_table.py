"""A table alone as a workbook: what is a text stays one, what is missing is empty."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from pipeline.errors import UserError
from pipeline.workbook import plain_table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "o.xlsx"


def test_texts_stay_texts_and_numbers_numbers(path):
    texts = ["=1+1", "+1", "-x", "@sum", "01", "", "größe 日本", "a\x01b", "_x0041_"]
    numbers = [0.1, math.nan, math.inf, -math.inf, 1 / 3, 1e-300, 1e300, -0.0, 2.0]
    whole = [True, False, None, 3, 2**60, 0, -1, 7, 8]
    plain_table.write(path, "Predictions", {"=name": texts, "number": numbers, "whole": whole})
    sheet = openpyxl.load_workbook(path)["Predictions"]
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]] == ["=name", "number", "whole"]
    assert {cell.data_type for row in rows for cell in row} <= {"s", "n", "b"}  # no formula, no error
    assert [row[0].value for row in rows[1:]] == [*texts[:5], None, texts[6], "ab", "_x005F_x0041_"]
    assert all(row[0].quotePrefix for row in rows[1:5])
    assert [row[1].value for row in rows[1:]] == [0.1, None, None, None, 1 / 3, 1e-300, 1e300, 0, 2]
    assert [row[2].value for row in rows[1:]] == whole
    assert pd.read_excel(path)["number"].tolist()[4] == 1 / 3


def test_moments_are_dates_of_the_spreadsheet(path):
    noon, early = pd.Timestamp("2020-03-01 12:30"), pd.Timestamp("2020-03-01 06:00").to_pydatetime()
    moments = [noon, pd.NaT, early, dt.date(2021, 2, 3)]
    plain_table.write(path, "Predictions", {"t": moments, "old": [dt.date(1812, 6, 24), None, None, None]})
    sheet = openpyxl.load_workbook(path)["Predictions"]
    found = [cell.value for cell in sheet["A"][1:]]
    assert found == [noon.to_pydatetime(), None, early, pd.Timestamp("2021-02-03").to_pydatetime()]
    assert sheet["A2"].is_date
    assert sheet["B2"].value == "1812-06-24 00:00:00"


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(path):
    path.write_text("something else")
    plain_table.write(path, "Predictions", {"a": np.arange(3).tolist()})
    assert pd.read_excel(path).equals(pd.DataFrame({"a": [0, 1, 2]}))
    assert [each.name for each in path.parent.iterdir()] == ["o.xlsx"]


def test_what_a_sheet_cannot_hold_is_refused_and_an_open_file_left_alone(path, monkeypatch):
    monkeypatch.setattr(plain_table, "ROWS", 2)
    with pytest.raises(UserError, match=r"(?s)3 rows.*\.parquet or \.csv"):
        plain_table.write(path, "Predictions", {"a": [1, 2, 3]})
    (path.parent / ".~lock.o.xlsx#").touch()
    with pytest.raises(UserError, match="open elsewhere"):
        plain_table.write(path, "Predictions", {"a": [1]})
    assert not path.exists()
