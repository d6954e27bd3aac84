"""A table as a file comes back as the same table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.data import writers
from pipeline.data.cells import numbers
from pipeline.data.readers import read_frame

NAME = "town, or =city"
FRAME = pd.DataFrame({"price": [0.1, 1 / 3, np.nan], NAME: ["=York", 'a "quoted", text', "Aß\tb"]})


@pytest.mark.parametrize("ending", writers.SEPARATORS)
def test_text_files_have_the_separator_of_their_ending(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"table{ending}"
    path.write_text(writers.text(FRAME, ending), encoding="utf-8")
    assert ("\t" in path.read_text().splitlines()[0]) == (ending != ".csv")
    read = read_frame(str(path))
    assert numbers(read["price"], "price") == pytest.approx(FRAME["price"].to_numpy(), nan_ok=True, rel=0)
    assert read[NAME].tolist() == FRAME[NAME].tolist()


def test_parquet_keeps_every_bit_and_takes_columns_of_several_kinds(tmp_path: Path) -> None:
    mixed: list[Any] = ["a", 1, None]
    frame = FRAME.assign(mixed=mixed)
    path = tmp_path / "table.parquet"
    path.write_bytes(writers.parquet(frame))
    found = read_frame(str(path))
    pd.testing.assert_frame_equal(found[list(FRAME.columns)], FRAME, check_column_type=False)
    assert found["mixed"].tolist()[:2] == ["a", "1"]
    assert found["mixed"].isna().tolist() == [False, False, True]


def test_an_empty_text_is_a_missing_value_and_numbers_beside_it_stay_numbers(tmp_path: Path) -> None:
    rows: list[Any] = [2, 3, ""]
    frame = pd.DataFrame({"row": pd.Series(rows, dtype=object), "v": [0.5, 1.5, 2.5]})
    assert writers.columns(frame)["row"] == [2, 3, None]
    (tmp_path / "t.parquet").write_bytes(writers.parquet(frame))
    assert pd.read_parquet(tmp_path / "t.parquet")["row"].tolist()[:2] == [2, 3]
    assert writers.text(frame, ".csv") == "row,v\n2,0.5\n3,1.5\n,2.5\n"


def test_columns_are_plain_values() -> None:
    found = writers.columns(FRAME.assign(count=[1, 2, 3], when=pd.to_datetime(["2020-01-01", "", "2020-01-03"])))
    assert found["price"] == [0.1, 1 / 3, None]
    assert [type(each) for each in found["count"]] == [int] * 3
    assert found["when"] == [pd.Timestamp("2020-01-01"), None, pd.Timestamp("2020-01-03")]
