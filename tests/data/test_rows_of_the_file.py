"""Rows have the numbers that a spreadsheet shows, where blank rows stand above the header, too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from pipeline.data.cells import row_number, rows_above
from pipeline.data.header import above_header
from pipeline.data.new_rows import ROW, labelled
from pipeline.data.readers import read_frame
from pipeline.data.tables import read
from pipeline.errors import UserError

CELLS: list[list[str | int]] = [["a", "y"]]
CELLS += [[row, row * row] for row in range(9)]


def written(path: Path, above: int, cells: Sequence[Sequence[str | int]], blank: str = "\n") -> str:
    if path.suffix == ".csv":
        path.write_text(blank * above + "".join(",".join(map(str, row)) + "\n" for row in cells))
        return str(path)
    book = openpyxl.Workbook()
    for number, row in enumerate(cells, above + 1):
        for column, cell in enumerate(row, 1):
            book.worksheets[0].cell(number, column, cell)
    book.save(path)
    return str(path)


@pytest.mark.parametrize("above", [0, 1, 3])
@pytest.mark.parametrize(
    ("ending", "blank"),
    [("csv", "\n"), ("csv", "\r\n"), ("csv", ",,\n"), ("csv", " \n"), ("csv", "sep=,\n\n"), ("xlsx", "")],
)
def test_blank_rows_above_the_header_count(ending: str, blank: str, above: int, tmp_path: Path) -> None:
    if blank.startswith("sep") and above != 1:
        pytest.skip("sep= stands once")
    cells: list[list[str | int]] = [*CELLS[:6], ["x", 1], *CELLS[6:]]
    path = written(tmp_path / f"t.{ending}", above, CELLS, blank)
    table = read(path, targets=["y"])
    assert table.files.above == (above,)
    assert table.files.called(3) == f"row {5 + above}"
    assert table.frame.index.tolist() == [*range(9)]
    assert table.sha256 == read(written(tmp_path / "plain.csv", 0, CELLS), targets=["y"]).sha256
    path = written(tmp_path / f"odd.{ending}", above, cells, blank)
    with pytest.raises(UserError, match=f"in row {7 + above}"):
        read(path, targets=["a"], task="regression")
    assert row_number(0) == "row 2"


def test_a_row_with_too_many_cells_has_the_number_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="3 cells in row 5"):
        read_frame(written(tmp_path / "t.csv", 2, [["a", "y"], [1, 2], [1, 2, 3]]))


def test_the_numbers_of_another_table_end_with_it() -> None:
    with rows_above(4):
        assert row_number(0) == "row 6"
        with rows_above(1):
            assert row_number(0) == "row 3"
        assert row_number(0) == "row 6"
    assert row_number(0) == "row 2"


def test_predictions_of_a_series_have_the_rows_of_the_file(tmp_path: Path) -> None:
    cells: list[list[str | int]] = [["t", "v"]]
    cells += [[row, row] for row in range(9)]
    frame = read_frame(written(tmp_path / "t.csv", 3, cells))
    assert above_header(frame) == 3
    columns = read(str(tmp_path / "t.csv"), targets=["v"], time="t", window=2).columns
    told = labelled(pd.DataFrame({"v": range(9)}), frame, columns)
    assert told[ROW].tolist() == [*range(5, 14)]


def test_a_title_above_the_names_is_a_reason_for_an_unknown_column(tmp_path: Path) -> None:
    path = written(tmp_path / "t.xlsx", 0, [["Report"], *CELLS])
    with pytest.raises(UserError, match="remove what stands above the names"):
        read(path, targets=["y"])


def test_files_of_a_table_have_blank_rows_of_their_own(tmp_path: Path) -> None:
    train, test = (written(tmp_path / f"{name}.csv", above, CELLS) for name, above in (("train", 0), ("test", 2)))
    table = read(train, targets=["y"], test_data=test)
    assert [table.files.called(row) for row in (0, 9)] == [f"row 2 of {train}", f"row 4 of {test}"]
    cells: list[list[str | int]] = [*CELLS[:3], ["x", 1]]
    test = written(tmp_path / "test.csv", 2, cells)
    with pytest.raises(UserError, match="row 6"):
        read(train, targets=["y"], test_data=test)


@pytest.mark.parametrize(("rows", "row"), [(40, 22), (40_000, 22), (40_000, 39_900)])
def test_a_quotation_mark_that_is_not_closed_is_told_with_its_row(rows: int, row: int, tmp_path: Path) -> None:
    cells = ['5" pipe'] * (row - 2) + ['"pipe'] + ["pipe"] * (rows - row + 1)  # a mark within a text opens nothing
    lines = [f"{number},{cell},{number}" for number, cell in enumerate(cells)]
    path = tmp_path / "t.csv"
    path.write_text("\n\n" + "\n".join(["a,c,y", *lines]) + "\n")
    with pytest.raises(UserError, match="not closed") as caught:
        read_frame(str(path))
    assert f"begins in row {row + 2}" in str(caught.value)


def test_a_long_cell_is_no_quotation_mark_that_is_not_closed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f'a,c\n1,"{"x" * 200_000}"\n2,y\n')
    assert read_frame(str(path))["c"].str.len().tolist() == [200_000, 1]


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ("a,y\n1,2\n".encode("utf-32"), None),
        ("\ufeffa,y\n1,2\n".encode("utf-32-be"), None),
        (b"a,y\n1,2\n3,\x81\n", "0x81 in line 3"),
    ],
)
def test_texts_are_decoded_or_the_byte_is_told(content: bytes, got: str | None, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    if got is None:
        assert [*read_frame(str(path)).columns] == ["a", "y"]
    else:
        with pytest.raises(UserError, match=got):
            read_frame(str(path))
