"""Tables in workbooks of instruments: whatever their styles say, the cells are those of the same table elsewhere."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.data.readers import read_frame
from tests.storage.test_spreadsheet import STYLES, changed, parts_of, put


@pytest.mark.parametrize("reading", [1, 2])
def test_a_workbook_with_an_empty_fill_is_the_table_that_it_is_with_a_whole_one(tmp_path: Path, reading: int) -> None:
    path = tmp_path / "instrument.xlsx"
    day = pd.date_range("2020-01-13", periods=5).to_list()
    pd.DataFrame({"a": [1, 2.5, None, 4, 5], "t": day, "c": ["x", "y", "NA", "", "z"]}).to_excel(path, index=False)
    whole = read_frame(str(path), reading)
    put(path, changed(STYLES, "<fill>.*?</fill>", "<fill/>")(parts_of(path)))
    pd.testing.assert_frame_equal(read_frame(str(path), reading), whole)
