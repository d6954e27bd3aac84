"""What a cell means does not depend on the reader: CSV, Excel, Parquet and a data frame give the same table."""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.data.new_rows import new_rows, texts_of
from pipeline.data.preprocessing import fit, typed
from pipeline.data.readers import read_frame
from pipeline.data.tables import Table, read
from pipeline.errors import UserError

Cells = Sequence[Any]
Columns = Mapping[str, Any]
TEXTS = ("red", "blue", "NA", "nan", "None", "01", "1", "1.0", "1.10", "1.1", "1e5", "+1", "true", "x y", "Größe", "-")


def as_csv(columns: Columns, folder: Path) -> str:
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(
            [["" if cell is None else repr(cell) if isinstance(cell, float) else cell for cell in row]
             for row in zip(*columns.values(), strict=True)]
        )  # fmt: skip
    return str(folder / "t.csv")


def as_excel(columns: Columns, folder: Path) -> str:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([*columns])
    for row in zip(*columns.values(), strict=True):
        sheet.append([*row])
    for cells in sheet.iter_rows(min_row=2):
        for cell in cells:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    book.save(folder / "t.xlsx")
    return str(folder / "t.xlsx")


def as_parquet(columns: Columns, folder: Path) -> str:
    pd.DataFrame({name: pd.Series([*cells]) for name, cells in columns.items()}).to_parquet(folder / "t.parquet")
    return str(folder / "t.parquet")


WRITERS: tuple[Callable[[Columns, Path], str], ...] = (as_csv, as_excel, as_parquet)


def outcome(source: str, **asked: Any) -> tuple[str, Table | None]:
    """The hash of what was read, or the error without the name of the file."""
    try:
        table = read(source, **asked)
    except UserError as error:
        return str(error), None
    return f"{table.sha256} {table.columns} {table.task} {table.words}", table


def same_everywhere(columns: Columns, folder: Path, **asked: Any) -> str:
    found = {outcome(write(columns, folder), **asked)[0] for write in WRITERS}
    assert len(found) == 1, found
    return found.pop()


def fifteen_digits(value: float) -> float:
    return float(f"{value:.15g}")


numbers = st.lists(
    st.one_of(
        st.none(),
        st.integers(-(10**9), 10**9),
        st.floats(-1e12, 1e12, allow_nan=False).map(fifteen_digits),
    ),
    min_size=8,
    max_size=8,
)
truths = st.lists(st.one_of(st.none(), st.booleans()), min_size=8, max_size=8)
texts = st.lists(st.one_of(st.none(), st.sampled_from(TEXTS)), min_size=8, max_size=8)
singles = st.lists(st.floats(-1e6, 1e6, width=32, allow_nan=False), min_size=8, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(a=numbers, b=truths, c=texts, e=singles, chosen=st.booleans(), classes=st.booleans())
def test_the_same_table_through_every_reader_is_the_same_study(
    tmp_path: Path, a: Cells, b: Cells, c: Cells, e: Cells, chosen: bool, classes: bool
) -> None:
    """A float32 of Parquet is the shortest decimal that names it, which is what a text file has."""
    shortest = [float(str(np.float32(each))) for each in e]
    columns = {"a": a, "b": b, "c": c, "e": shortest, "y": [0.5, 1.25, 3.0, 1e-5, 7.0, 1e22, 123456.789, -2.0]}
    asked: dict[str, Any] = {"targets": ["y"], "categories": ["c"] if chosen else []}
    if classes and None not in c:
        asked = {"targets": ["c"], "task": "classification"}
    same = same_everywhere(columns, tmp_path, **asked)
    frame = pd.read_parquet(tmp_path / "t.parquet").astype({"e": np.float32})
    frame.to_parquet(tmp_path / "single.parquet")
    assert outcome(str(tmp_path / "single.parquet"), **asked)[0] == same


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(c=texts, new=texts)
def test_new_rows_are_prepared_alike_from_every_reader(tmp_path: Path, c: Cells, new: Cells) -> None:
    columns = {"c": [*c, "red", "blue"], "y": [*map(float, range(10))]}
    table = read(as_parquet(columns, tmp_path), targets=["y"], categories=["c"])
    prepared = fit(table.frame, table.columns, input_scaler="standard")
    rows = {"c": new, "x": [*range(8)]}
    given_ = [
        read_frame(write(rows, tmp_path), table.columns.reading, texts=table.columns.categories) for write in WRITERS
    ]
    given_.append(pd.DataFrame({"c": pd.Series([*new], dtype=object)}))
    first, *others = (prepared.inputs(frame) for frame in given_)
    assert all(np.array_equal(first, each) for each in others)


def test_among_texts_only_an_empty_cell_is_missing_and_among_numbers_the_usual_words_are(tmp_path: Path) -> None:
    columns = {"c": ["NA", "EU", None], "n": ["1.5", "NA", "-2"], "y": [1.0, 2.0, 3.0]}
    for write in WRITERS:
        table = read(write(columns, tmp_path), targets=["y"])
        assert table.frame["c"].tolist() == ["NA", "EU", ""]
        assert table.frame["n"].tolist()[::2] == [1.5, -2.0]
        assert math.isnan(table.frame["n"][1])
        assert table.words == {"c": {"NA": 1}, "n": {"NA": 1}}


def test_labels_are_kept_as_they_are_spelled(tmp_path: Path) -> None:
    columns = {"a": [1, 2, 3, 4], "y": ["00", "01", "1", "+1"]}
    for write in WRITERS:
        table = read(write(columns, tmp_path), targets=["y"], task="classification")
        assert table.frame["y"].tolist() == ["00", "01", "1", "+1"]
        assert table.columns.spelled == ()


def test_texts_that_would_be_one_number_are_kept_apart(tmp_path: Path) -> None:
    columns = {"version": ["1.1", "1.10", "2.0", "x"], "y": [1.0, 2.0, 3.0, 4.0]}
    for write in WRITERS:
        table = read(write(columns, tmp_path), targets=["y"])
        assert table.columns.spelled == ("version",)
        assert table.frame["version"].tolist() == ["1.1", "1.10", "2.0", "x"]
    prepared = fit(table.frame, table.columns, input_scaler="none")
    one, other = prepared.inputs(pd.DataFrame({"version": ["1.1", "1.10"]}))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "cells",
    [
        ["1,5", "2,25", "3"],
        ["1.234,5", "12", "7,1"],
        ["12 %", "7 %", "30 %"],
        ["1 234", "5 678", "9"],
        ["\u22121,5", "2", "3,0"],
        ["€ 5", "€ 7,10", "3 €"],
    ],
)
def test_numbers_in_a_local_spelling_are_not_categories(tmp_path: Path, cells: Cells) -> None:
    columns = {"a": [*cells] * 4, "y": [*map(float, range(12))]}
    message = same_everywhere(columns, tmp_path, targets=["y"])
    assert "Input 'a' holds numbers in a local spelling" in message
    assert repr(next(each for each in cells if not each.isdigit())) in message
    assert "12 of 12 cells" in message
    assert "'a' in `categories`" in message
    assert read(as_csv(columns, tmp_path), targets=["y"], categories=["a"]).columns.categories == ("a",)


def test_a_target_in_a_local_spelling_is_refused_too(tmp_path: Path) -> None:
    columns = {"a": [1, 2, 3], "y": ["1,5", "2,5", "3,5"]}
    assert "decimal points instead of decimal commas" in same_everywhere(columns, tmp_path, targets=["y"])


def test_errors_and_formulas_without_a_value_are_missing_and_counted(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["a", "c", "y"], [1, "x", 1], ["=A2*2", "z", 2], ["#DIV/0!", "#N/A", 3], [4, "x", 4]):
        sheet.append(row)
    sheet["A4"].data_type = sheet["B4"].data_type = "e"
    book.save(tmp_path / "t.xlsx")
    table = read(str(tmp_path / "t.xlsx"), targets=["y"])
    assert np.isnan(table.frame["a"]).tolist() == [False, True, True, False]
    assert table.frame["c"].tolist() == ["x", "z", "", "x"]
    assert table.words == {"a": {"(formula without a value)": 1, "#DIV/0!": 1}, "c": {"#N/A": 1}}


def test_a_column_of_truth_values_asks_for_them_at_prediction(tmp_path: Path) -> None:
    columns = {"old": [True, False, None, True], "y": [1.0, 2.0, 3.0, 4.0]}
    for write in WRITERS:
        table = read(write(columns, tmp_path), targets=["y"])
        assert table.columns.truths == ("old",)
    prepared = fit(table.frame, table.columns, input_scaler="none")
    alike = [prepared.inputs(pd.DataFrame({"old": cells})) for cells in ([True, False], ["true", "FALSE"], [1, 0])]
    assert all(np.array_equal(each, alike[0]) for each in alike)
    for cells in (["yes", "no"], [2, 0]):
        with pytest.raises(UserError, match=r"(?s)another value than true and false.*true or false, or 1 and 0.*row 2"):
            prepared.inputs(pd.DataFrame({"old": cells}))


def test_a_first_line_that_names_the_separator_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("sep=;\na;y\n1,5;1\nx;2\n")
    table = read(str(path), targets=["y"])
    assert table.frame["a"].tolist() == ["1,5", "x"]


def test_names_are_the_same_in_every_form_of_unicode(tmp_path: Path) -> None:
    composed, decomposed = "Gr\u00f6\u00dfe", "Gro\u0308\u00dfe"
    for written, asked in ((composed, decomposed), (decomposed, composed)):
        table = read(as_csv({"a": [1, 2, 3], written: [1.0, 2.0, 3.0]}, tmp_path), targets=[asked])
        assert table.columns.targets == (composed,)
    prepared = fit(read(as_csv({composed: [1, 2, 3], "y": [1.0, 2.0, 4.0]}, tmp_path), targets=["y"]).frame,
                   table.columns.__class__(("y",), (composed,), (), reading=2), input_scaler="none")  # fmt: skip
    assert prepared.inputs(pd.DataFrame({decomposed: [5.0]})).tolist() == [[5.0]]
    with pytest.raises(UserError, match="copy the name from the file"):
        read(as_csv({"a": [1, 2, 3], decomposed: [1.0, 2.0, 3.0]}, tmp_path), targets=[composed], reading=1)


def test_a_word_in_the_place_of_a_target_is_quoted(tmp_path: Path) -> None:
    columns = {"a": [1, 2, 3, 4], "y": ["1.5", "NA", None, "NA"]}
    message = same_everywhere(columns, tmp_path, targets=["y"])
    assert "Target 'y' has 3 empty cell(s), the first in row 3" in message
    assert "'NA' in 2 of them" in message


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        ([True, False, True, False, True, True], "auto"),
        (["a", "b", "a", "b", "a", "a"], "auto"),
        (["01", "1", "01", "2", "1", "2"], "classification"),
    ],
)
def test_classes_of_a_series_are_the_same_from_every_reader(tmp_path: Path, labels: Cells, task: str) -> None:
    columns = {"t": [9, 1, 5, 3, 2, 8], "c": labels, "a": [*map(float, range(6))]}
    assert "classification" in same_everywhere(columns, tmp_path, targets=["c"], time="t", window=2, task=task)
    found = read(as_csv(columns, tmp_path), targets=["c"], time="t", window=2, task=task).frame["c"]
    assert [*found] == [str(labels[row]) for row in found.index]


@pytest.mark.parametrize(
    ("cells", "time_format"),
    [
        ([dt.date(2020, 1, day) for day in (9, 1, 5, 3, 2, 8)], "%Y-%m-%d"),
        ([pd.Timestamp(2020, 1, day, 10, 30).to_pydatetime() for day in (9, 1, 5, 3, 2, 8)], "%Y-%m-%d"),
        ([f"{day}.01.2020" for day in (19, 1, 5, 3, 2, 8)], "%d.%m.%Y"),
        ([9, 1, 5, 3, 2, 8], "number"),
        ([0.5, 0.25, 1.0, 2.0, 1.5, 3.0], "number"),
    ],
)
def test_a_series_is_the_same_from_every_reader(tmp_path: Path, cells: Cells, time_format: str) -> None:
    columns = {"t": cells, "v": [*map(float, range(6))], "ok": [True, False, True, None, True, False]}
    said = same_everywhere(columns, tmp_path, targets=["v"], time="t", window=2)
    assert f"time_format={time_format!r}" in said
    table = read(as_excel(columns, tmp_path), targets=["v"], time="t", window=2)
    assert table.columns.truths == ("ok[t-2]", "ok[t-1]")
    prepared = fit(table.frame, table.columns, input_scaler="none")
    new = [read_frame(write(columns, tmp_path), texts=texts_of(table.columns)) for write in WRITERS]
    rows = [prepared.inputs(new_rows(each, table.columns).frame) for each in (*new, pd.DataFrame(columns))]
    assert all(np.array_equal(rows[0], each) for each in rows)
    assert np.array_equal(rows[0][:-1], prepared.inputs(table.frame))


def test_a_number_in_new_rows_stands_for_the_one_code_of_its_value(tmp_path: Path) -> None:
    """Pandas and Excel make numbers of 01 and 02; with 1 and 01 apart, a number is neither."""

    def read_as(known: Sequence[str], cells: Any) -> list[str]:
        return [*typed(pd.DataFrame({"c": cells}), table.columns, {"c": known})["c"]]

    table = read(as_csv({"c": ["01", "02", "x"] * 4, "y": [*map(float, range(12))]}, tmp_path), targets=["y"])
    for cells in ([1, 2], [1.0, 2.0], np.array([1, 2], np.int8), ["1", "2.0"], ["01", "02"]):
        assert read_as(["01", "02", "x"], cells) == ["01", "02"]
    assert read_as(["01", "02", "x"], [3]) == ["3"]
    assert read_as(["01", "1", "x"], ["1", "01"]) == ["1", "01"]
    with pytest.raises(UserError, match=r"(?s)several categories of its value.*01, 1.*1 in row 3"):
        read_as(["01", "1", "x"], ["x", 1])


def test_a_category_that_only_held_out_rows_have_is_none_of_the_others(tmp_path: Path) -> None:
    """It is known as a category of its own, so its text stands for itself, whatever the value of another one is."""
    table = read(as_csv({"c": ["01", "x"] * 5 + ["1"] * 2, "y": [*map(float, range(12))]}, tmp_path), targets=["y"])
    prepared = fit(table.frame.iloc[:10], table.columns, input_scaler="none")
    assert not prepared.inputs(table.frame.iloc[10:]).any()


def test_a_float32_is_its_shortest_decimal_as_a_category_too(tmp_path: Path) -> None:
    for kind in (np.float32, np.float16):
        frame = pd.DataFrame({"f": np.array([0.1, 0.2, 0.3] * 4, kind), "y": np.arange(12.0)})
        frame.to_parquet(tmp_path / "f.parquet")
        frame.to_csv(tmp_path / "f.csv", index=False)
        tables = [read(str(tmp_path / name), targets=["y"], categories=["f"]) for name in ("f.csv", "f.parquet")]
        assert tables[0].sha256 == tables[1].sha256
        assert set(tables[1].frame["f"]) == {"0.1", "0.2", "0.3"}


def test_ways_to_write_true_and_whole_numbers_are_no_classes_of_their_own(tmp_path: Path) -> None:
    columns = {"a": [*range(6)], "y": ["True", "TRUE", "false"] * 2}
    assert set(read(as_csv(columns, tmp_path), targets=["y"]).frame["y"]) == {"True", "False"}
    columns = {"a": [*range(6)], "y": ["1", "1.0", "2"] * 2}
    assert set(read(as_csv(columns, tmp_path), targets=["y"], task="classification").frame["y"]) == {"1", "2"}


def test_a_hidden_sheet_is_not_the_table(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.append(["a", "y"])
    first.append([0, 0])
    first.sheet_state = "hidden"
    shown = book.create_sheet("shown")
    for row in (["a", "y"], [1, 2], [3, 4]):
        shown.append(row)
    book.save(tmp_path / "t.xlsx")
    assert read(str(tmp_path / "t.xlsx"), targets=["y"]).frame["y"].tolist() == [2.0, 4.0]
