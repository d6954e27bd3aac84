"""Numbers that may be spelled as they are not read: points between thousands, headers of numbers, codes among times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from pipeline.data.column_kinds import Grouped, grouped
from pipeline.data.readers import read_frame
from pipeline.data.tables import read
from pipeline.errors import UserError


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["946", "17.711", "1.234", "12.500"], Grouped("17.711", 1, 3)),
        (["946", "17.000", "1.000", "12.000"], Grouped("17.000", 1, 3)),  # pandas sees whole numbers
        (["17.711", "1.234", "12.500", "9.001"], None),  # three decimals everywhere
        (["946", "17.71", "1.234", "12.500"], None),
        (["946", "17.711", "0.234", "12.500"], None),  # no number begins with an empty thousand
        (["1946", "17.711", "1.234", "12.500"], None),
        (["946", "17.711", "1.234"], None),  # too few
        (["946", "17.711", "1.234", "x"], None),
        (["946", "17.711", "1.234", "12.500", ""], Grouped("17.711", 1, 3)),
    ],
)
def test_points_that_may_separate_thousands_are_told(cells: list[str], told: Grouped | None, tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "a,y\n" + "".join(f"{cell},{row}\n" for row, cell in enumerate(cells)))
    assert grouped(pd.Series(cells, dtype=object)) == told
    assert grouped(read_frame(path)["a"]) == told


def test_such_numbers_are_read_as_before(tmp_path: Path) -> None:
    cells = ("946", "17.711", "1.234", "12.500")
    path = written(tmp_path / "t.csv", "a,y\n" + "".join(f"{cell},1{cell}\n" for cell in cells))
    found = read(path, targets=["y"])
    assert found.frame["a"].tolist() == [946.0, 17.711, 1.234, 12.5]
    assert found.grouped == {"a": Grouped("17.711", 1, 3)}  # and not y, which has 1946


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_header_of_whole_numbers_is_one_where_the_target_is_named(ending: str, tmp_path: Path) -> None:
    rows: list[list[str | int]] = [["2019", "2020", "2021"]]
    rows += [[row, row * row, row + 1] for row in range(9)]
    path = tmp_path / f"t.{ending}"
    if ending == "csv":
        written(path, "\n".join(",".join(map(str, row)) for row in rows))
    else:
        book = openpyxl.Workbook()
        for row in rows:
            book.worksheets[0].append(row)
        book.save(path)
    table = read(str(path), targets=["2021"])
    assert table.columns.inputs == ("2019", "2020")
    assert len(table.frame) == 9
    with pytest.raises(UserError, match="has no header") as error:
        read(str(path), targets=["y"])
    assert "2019, 2020, 2021" in str(error.value)
    assert "name one of them in --target" in str(error.value)


def test_a_named_decimal_is_a_name_as_in_spectra(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "400.5,410.5,y\n" + "".join(f"{row},{row % 7},{row}\n" for row in range(9)))
    columns = read(path, targets=["y"]).columns
    new = written(tmp_path / "new.csv", "400.5,410.5\n1,2\n")
    assert [*read_frame(new, named=columns.inputs).columns] == ["400.5", "410.5"]
    with pytest.raises(UserError, match="has no header"):
        read_frame(new)


def test_numbers_that_are_no_names_stay_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "0.5,2,1\n1,2,3\n4,5,6\n")
    with pytest.raises(UserError, match="has no header"):
        read(path, targets=["2"])


@pytest.mark.parametrize("cells", [["2018.10", "2018.11", "2018.12"], ["001", "002", "010"], ["1e1", "1e2", "1e3"]])
def test_times_keep_the_spelling_of_the_file(cells: list[str], tmp_path: Path) -> None:
    cells = [*cells, *(f"20{number}" for number in range(20, 40))]
    rows = "".join(f"{cell},{row}\n" for row, cell in enumerate(cells))
    table = read(written(tmp_path / "t.csv", f"t,v\n{rows}"), targets=["v"], time="t", time_format="number", window=2)
    assert set(table.times) <= set(cells)
    assert list(table.frame["v"]) == [cells.index(each) for each in table.times]


ADVICE = {
    "per cent": ({"y": ["5 %"] * 9}, "write numbers alone"),
    "a currency": ({"y": ["$5"] * 9}, "write numbers alone"),
    "words": ({"y": ["five", "six", "7"] * 3}, "leave it empty if the value is missing"),
    "a date among numbers": ({"a": [1.5, pd.Timestamp("2020-05-03"), *range(7)]}, "2020-05-03 00:00:00 in row 3"),
    "a date among targets": ({"y": [1.5, pd.Timestamp("2020-05-03"), *range(7)]}, "2020-05-03 00:00:00 in row 3"),
    "a list": ({"a": [[1, 2]] * 9}, "one value per cell"),
}


@pytest.mark.parametrize("what", ADVICE)
def test_the_advice_is_for_what_the_cell_is(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changes, words = ADVICE[what]
    frame = pd.DataFrame({"a": range(9), "y": range(9)}).assign(**changes)
    monkeypatch.setattr("pipeline.data.tables.read_frame", lambda *_, **__: frame)
    with pytest.raises(UserError, match=words.replace("$", r"\$")):
        read("made", targets=["y"], task="regression")


def test_parquet_with_one_name_twice_is_told_so(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table([pyarrow.array([1, 2])] * 2, names=["a", "a"]), tmp_path / "t.parquet")
    with pytest.raises(UserError, match="more than one column named 'a'"):
        read_frame(str(tmp_path / "t.parquet"))


@pytest.mark.parametrize(
    ("cells", "refused"),
    [
        (["991230", "991231", "000101", "000102"], True),
        (["000101", "000102", "000103", "000104"], False),  # as numbers in order of time
        (["991229", "991230", "991231", "980101"], False),  # of one century: the order is that of the numbers
    ],
)
def test_dates_of_two_centuries_are_not_sorted_as_numbers(cells: list[str], refused: bool, tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "t,v\n" + "".join(f"{cell},{row}\n" for row, cell in enumerate(cells)))
    if refused:
        with pytest.raises(UserError, match="--time-format %y%m%d"):
            read(path, targets=["v"], time="t", window=1)
        table = read(path, targets=["v"], time="t", window=1, time_format="%y%m%d")
    else:
        table = read(path, targets=["v"], time="t", window=1)
    assert list(table.times) == sorted(cells, key=lambda cell: (int(cell[:2]) < 69, cell))[1:]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_empty_rows_above_the_header_count_in_what_a_row_is_called(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{ending}"

    def write(third: Any) -> None:
        rows: list[list[Any]] = [[], [], [], ["a", "y"], *([row, row * row] for row in range(2)), [third, 4]]
        if ending == "csv":
            path.write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
        else:
            book = openpyxl.Workbook()
            for at, row in enumerate(rows, 1):
                for column, cell in enumerate(row, 1):
                    book.worksheets[0].cell(at, column).value = cell
            book.save(path)

    write(2)
    table = read(str(path), targets=["y"])
    assert table.frame["a"].tolist() == [0.0, 1.0, 2.0]
    assert [table.files.called(row) for row in table.frame.index] == ["row 5", "row 6", "row 7"]
    assert table.files.place(2) == (str(path), 5)  # 5 + 2 is row 7
    write(float("inf") if ending == "csv" else "1e999")
    with pytest.raises(UserError, match="in row 7"):
        read(str(path), targets=["y"])


def test_times_in_no_known_format_have_a_way_out(tmp_path: Path) -> None:
    days = pd.date_range("2020-01-01", periods=9)
    path = written(tmp_path / "t.csv", "t,v\n" + "".join(f"{day:%a %d.%m.%Y},{day.day}\n" for day in days))
    with pytest.raises(UserError, match=r"--time-format '%a %d\.%m\.%Y'"):
        read(path, targets=["v"], time="t", window=2)
    assert len(read(path, targets=["v"], time="t", window=2, time_format="%a %d.%m.%Y").times) == 7


def test_periods_of_parquet_are_the_texts_that_pandas_writes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": pd.period_range("2020-01", periods=12, freq="M"), "v": range(12)})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    read_back, other = (
        read(str(tmp_path / f"t.{end}"), targets=["v"], time="t", window=2) for end in ("parquet", "csv")
    )
    assert read_back.times == other.times
    assert read_back.times[0] == "2020-03"
    assert read_back.sha256 == other.sha256
