"""A series to predict is prepared as in training: sorted by its times, and each cell told by its row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.data import tables
from pipeline.data.new_rows import NewRows, about, labelled, new_rows, texts_of
from pipeline.data.roles import Columns
from pipeline.errors import UserError

STEPS = 20


@pytest.fixture
def series() -> pd.DataFrame:
    """Not in order of time: each row has the number of its day."""
    days = np.random.default_rng(0).permutation(STEPS)
    names = [f"{day + 1:02d}.03.2020" for day in days]
    return pd.DataFrame({"t": names, "v": days * 10.0, "site": np.where(days % 2, "odd", "even")})


def columns_of(series: pd.DataFrame, folder: Any, **options: Any) -> Columns:
    series.to_csv(folder / "series.csv", index=False)
    asked: dict[str, Any] = {"targets": ["v"], "time": "t", "window": 3, **options}
    return tables.read(str(folder / "series.csv"), **asked).columns


def predicted(rows: NewRows) -> pd.DataFrame:
    """The last value before the step, as if that were a prediction."""
    last = min(name for name in rows.frame.columns if name.startswith("v["))
    return rows.answer({"v": rows.frame[last].to_numpy()})


@pytest.mark.parametrize("horizon", [1, 3])
def test_the_order_of_the_rows_does_not_matter(series, tmp_path, horizon):
    columns = columns_of(series, tmp_path, horizon=horizon)
    ordered = series.sort_values("v")
    found = [predicted(new_rows(each, columns)) for each in (series, ordered, ordered[::-1])]
    for answer, given in zip(found, (series, ordered, ordered[::-1]), strict=True):
        assert len(answer) == STEPS + horizon
        by_day = dict(zip(given["v"] / 10, answer["v"], strict=False))
        assert all(by_day[day] == (day - horizon) * 10 for day in range(2 + horizon, STEPS))
        assert all(np.isnan(by_day[day]) for day in range(2 + horizon))
        assert answer["v"].tolist()[STEPS:] == [(STEPS - 1 - back) * 10.0 for back in range(horizon)][::-1]


def test_windows_are_those_that_training_made(series, tmp_path):
    columns = columns_of(series, tmp_path)
    table = tables.read(str(tmp_path / "series.csv"), targets=["v"], time="t", window=3)
    rows = new_rows(series, columns).frame
    same = rows.loc[table.frame.index, list(columns.inputs)]
    assert same.to_numpy().tolist() == table.frame[list(columns.inputs)].to_numpy().tolist()


def test_the_index_is_that_of_the_table_and_goes_on(series, tmp_path):
    columns = columns_of(series, tmp_path, horizon=2)
    assert list(new_rows(series, columns).index) == list(range(STEPS + 2))
    named = series.set_axis([f"r{place}" for place in range(STEPS)])
    assert list(new_rows(named, columns).index[-3:]) == [f"r{STEPS - 1}", "+1", "+2"]
    assert not predicted(new_rows(named, columns))["v"].loc[named.index[named["v"] >= 40]].isna().any()


def test_lines_have_the_time_and_the_row_of_the_file(series, tmp_path):
    columns = columns_of(series, tmp_path)
    answer = predicted(new_rows(series, columns))
    lines = labelled(answer, series, columns)
    assert [*lines.columns] == ["t", "spreadsheet row", "v"]
    assert lines["t"].tolist() == [*series["t"], ""]
    assert lines["spreadsheet row"].tolist() == [*range(2, STEPS + 2), ""]
    said = about(answer, series, columns)
    assert [each.split(":")[0] for each in said] == [
        "No prediction for the first 3 rows in order of t",
        "The last lines are 1 step(s) after the end of the series",
    ]
    other = labelled(answer.rename(columns={"v": "spreadsheet row"}), series, columns)
    assert [*other.columns] == ["t", "spreadsheet row (table)", "spreadsheet row"]
    called = replace(columns, time="spreadsheet row")
    both = labelled(answer, series.rename(columns={"t": "spreadsheet row"}), called)
    assert [*both.columns] == ["spreadsheet row", "spreadsheet row (table)", "v"]
    assert both["spreadsheet row"].tolist() == lines["t"].tolist()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.drop(columns="t"), "lacks the column 't', by which the series is sorted"),
        (lambda frame: frame.drop(columns="v"), "lacks 1 column(s) that the model needs: 'v'"),
        (lambda frame: frame.assign(t="02.03.2020"), "more than once: in row 2 and row 3"),
        (lambda frame: frame.assign(t=frame["t"].where(frame.index != 4, "2020-03-05")), "row 6"),
        (lambda frame: frame.assign(t=frame["t"].where(frame.index != 4)), "empty cell(s), the first in row 6"),
        (lambda frame: frame.assign(v=frame["v"].astype(object).where(frame.index != 7, "x")), "Input 'v' has text"),
        (lambda frame: frame.assign(v=frame["v"].astype(object).where(frame.index != 7, "x")), "'x' in row 9"),
        (lambda frame: frame.head(2), "at least 3: one whole window"),
        (lambda frame: frame.head(0), "no rows"),
        (lambda frame: pd.concat([frame, frame[["t"]]], axis=1), "more than one column 't'"),
        (lambda frame: frame.assign(t=range(STEPS)), "day.month.year"),
    ],
)
def test_a_series_that_is_not_as_in_training_is_refused_by_its_row(series, tmp_path, change, words):
    columns = columns_of(series, tmp_path)
    with pytest.raises(UserError) as refused:
        new_rows(change(series), columns)
    assert words in str(refused.value)


def test_three_rows_are_read_by_the_format_of_training(tmp_path):
    """By themselves they would fit two."""
    days = [f"{day:02d}/{month:02d}/2020" for month in (3, 4, 5, 6) for day in (1, 5, 10, 20)]
    columns = columns_of(pd.DataFrame({"t": days, "v": range(16)}), tmp_path)
    new = pd.DataFrame({"t": ["10/07/2020", "05/07/2020", "01/08/2020"], "v": [2.0, 1.0, 3.0]})
    assert new_rows(new, columns).frame.to_numpy().tolist() == [[1.0, 2.0, 3.0]]


def test_windows_that_are_columns_already_are_taken_as_they_are(series, tmp_path):
    columns = columns_of(series, tmp_path)
    windows = new_rows(series, columns).frame.set_axis([*"abcdefghijklmnopqr"])
    rows = new_rows(windows, columns)
    assert [*rows.index] == [*"abcdefghijklmnopqr"]
    assert rows.frame.to_numpy().tolist() == windows.to_numpy().tolist()
    assert [*labelled(predicted(rows), windows, columns).columns] == ["spreadsheet row", "v"]


def test_a_table_of_windows_is_not_taken_for_a_series():
    """Its model was never told of an order."""
    columns = Columns(("v",), ("v[t-2]", "v[t-1]"), (), reading=2)
    frame = pd.DataFrame({"v": [1.0, 2.0, 3.0]})
    assert new_rows(frame, columns).frame.equals(frame)


def test_models_of_before_take_the_rows_in_their_order():
    columns = Columns(("v",), ("v[t-2]", "v[t-1]"), ())
    frame = pd.DataFrame({"v": [3.0, 1.0, 2.0], "t": [3, 1, 2]}, index=[7, 8, 9])
    rows = new_rows(frame, columns)
    assert rows.frame.to_numpy().tolist() == [[3.0, 1.0], [1.0, 2.0]]
    assert [*rows.index] == [2, 3]
    assert labelled(predicted(rows), frame, columns).equals(predicted(rows))
    assert about(predicted(rows), frame, columns) == ()


def test_columns_whose_spelling_counts_are_read_as_texts():
    columns = Columns(("v",), ("site[t-1]", "v[t-1]"), ("site[t-1]",), time="t", time_format="%m.%Y", reading=2)
    assert texts_of(columns) == ("site[t-1]", "site", "t")
    assert texts_of(Columns(("v",), ("site", "x"), ("site",), reading=2)) == ("site",)
