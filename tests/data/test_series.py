from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.data import readers, tables
from pipeline.data.layout import shape_of
from pipeline.data.rows import prepare_rows
from pipeline.errors import UserError


@pytest.fixture
def path(tmp_path):
    steps = 60
    frame = pd.DataFrame({"day": range(steps), "load": np.arange(steps) * 10.0, "heat": np.arange(steps) + 0.5})
    frame["site"] = 7.0
    frame.sample(frac=1.0, random_state=0).to_csv(tmp_path / "series.csv", index=False)
    return tmp_path / "series.csv"


def read(path, **options):
    return tables.read(str(path), **{"targets": ["load"], "time": "day", "ignore": ["site"], "window": 3, **options})


def day_of(path, position):
    """The day, from 0, of a row of the file."""
    return int(pd.read_csv(path)["day"].iloc[position])


@pytest.mark.parametrize("reading", [1, 2])
@pytest.mark.parametrize("horizon", [1, 4])
def test_a_row_has_what_was_known_and_what_came(path, horizon, reading):
    table = read(path, horizon=horizon, reading=reading)
    assert shape_of(table.columns.inputs) == (3, 2)
    assert len(table.frame) == 60 - 3 - horizon + 1
    for place, (row, cells) in enumerate(table.frame.iterrows()):
        day = place + horizon + 2
        assert row == day if reading == 1 else day_of(path, row) == day
        assert cells["load"] == day * 10
        for back in range(horizon, horizon + 3):
            assert cells[f"load[t-{back}]"] == (day - back) * 10
            assert cells[f"heat[t-{back}]"] == day - back + 0.5


@pytest.mark.parametrize("reading", [1, 2])
def test_parts_follow_each_other_in_time_and_rows_are_those_of_the_file(path, reading):
    """By the first rules they are those of the sorted series."""
    rows, _ = prepare_rows(
        read(path, reading=reading), validation=0.2, test=0.2, seed=5, input_scaler="standard", output_scaler="standard"
    )
    parts = (rows.train, rows.validation, rows.test)
    days = [[row if reading == 1 else day_of(path, row) for row in part.rows] for part in parts]
    assert max(days[0]) < min(days[1]) <= max(days[1]) < min(days[2])
    assert max(days[2]) == 59
    for part, those in zip(parts, days, strict=True):
        assert part.measured[:, 0].tolist() == [day * 10.0 for day in those]


@pytest.mark.parametrize("name", ["load", "heat"])
def test_a_cell_that_a_series_cannot_have_is_named_by_its_column_and_row_of_the_file(path, name):
    frame = pd.read_csv(path).astype(object)
    frame.loc[17, name] = "1,5"
    frame.to_csv(path, index=False)
    with pytest.raises(UserError) as refused:
        read(path)
    assert f"Input {name!r}" in str(refused.value)
    assert "row 19" in str(refused.value)


def test_a_gap_in_the_target_of_a_series_is_named_by_its_row_of_the_file(path):
    frame = pd.read_csv(path)
    frame.loc[41, "load"] = np.nan
    frame.to_csv(path, index=False)
    with pytest.raises(UserError, match=r"Target 'load' has 1 empty cell.*row 43"):
        read(path)


def test_a_column_is_one_thing_in_every_step_of_a_window(path):
    """The texts of `code` are in the first steps alone; a window has numbers in all others."""
    frame = pd.read_csv(path)
    frame["code"] = ["x" if day < 2 else day % 3 for day in frame["day"]]
    frame.to_csv(path, index=False)
    assert read(path).columns.categories == ("code[t-3]", "code[t-2]", "code[t-1]")
    assert len(read(path, reading=1).columns.categories) < 3


def test_the_user_can_say_that_a_column_of_a_series_holds_categories(path):
    frame = pd.read_csv(path)
    frame["code"], frame["heat"] = [f"{day % 3},5" for day in frame["day"]], [f"0{day % 3}" for day in frame["day"]]
    frame.to_csv(path, index=False)
    with pytest.raises(UserError, match="name 'code' in `categories`"):
        read(path)
    assert read(path, categories=["code"]).columns.categories == ("code[t-3]", "code[t-2]", "code[t-1]")
    table = read(path, categories=["heat", "code"])
    assert table.columns.categories[:2] == ("heat[t-3]", "code[t-3]")
    assert set(table.frame["heat[t-1]"]) == {"00", "01", "02"}


def test_a_target_with_the_name_of_a_step_is_refused(path):
    pd.read_csv(path).assign(**{"load[t-2]": range(60)}).to_csv(path, index=False)
    with pytest.raises(UserError, match="like a step of the window of 'load'"):
        read(path, targets=["load[t-2]"])


def test_a_column_without_a_name_is_said_of_a_series_too(path):
    pd.read_csv(path).to_csv(path)
    with pytest.raises(UserError, match="Column 1 has no name"):
        read(path)


def dotted(tmp_path, *, day_by_day):
    days = [f"{day:02d}.01.2020" for day in range(1, 29)] if day_by_day else []
    days = days or [f"{day:02d}.{month:02d}.2020" for month in range(1, 13) for day in (1, 5, 10)]
    pd.DataFrame({"t": days, "v": range(len(days))}).to_csv(tmp_path / "dots.csv", index=False, sep=";")
    return str(tmp_path / "dots.csv")


@pytest.mark.parametrize("day_by_day", [True, False])
def test_days_in_front_are_not_read_as_months(tmp_path, day_by_day):
    table = tables.read(dotted(tmp_path, day_by_day=day_by_day), targets=["v"], time="t", window=4)
    assert table.frame["v"].is_monotonic_increasing
    assert table.times[0] == ("05.01.2020" if day_by_day else "05.02.2020")
    assert (table.columns.time, table.columns.time_format) == ("t", "%d.%m.%Y")


def test_studies_of_before_read_times_as_they_did(tmp_path):
    """pandas takes the format from the first cell: the month is in front."""
    table = tables.read(dotted(tmp_path, day_by_day=False), targets=["v"], time="t", window=4, reading=1)
    assert not table.frame["v"].is_monotonic_increasing
    assert table.times == ()
    assert "time" not in table.columns.describe()


def test_the_user_says_what_times_do_not_say_themselves(tmp_path):
    days = [f"{day:02d}/{month:02d}/2020" for month in range(1, 13) for day in (1, 5, 10)]
    pd.DataFrame({"t": days, "v": range(36)}).to_csv(tmp_path / "s.csv", index=False)
    asked: dict[str, Any] = {"targets": ["v"], "time": "t", "window": 4}
    with pytest.raises(UserError, match="--time-format %d/%m/%Y, or --time-format %m/%d/%Y"):
        tables.read(str(tmp_path / "s.csv"), **asked)
    table = tables.read(str(tmp_path / "s.csv"), **asked, time_format="%d/%m/%Y")
    assert table.frame["v"].is_monotonic_increasing
    assert table.columns.time_format == "%d/%m/%Y"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"window": 60}, "60 steps"),
        ({"time": "date"}, "no column 'date'"),
        ({"targets": ["day"]}, "is the time"),
        ({"inputs": ["heat"]}, "inputs cannot be used with a series"),
        ({"weight": "heat"}, "weight cannot be used with a series"),
    ],
)
def test_mistakes_are_explained(path, options, text):
    with pytest.raises(UserError, match=text):
        read(path, **options)


def test_moments_that_are_none_or_come_twice_are_refused(tmp_path):
    frame = pd.DataFrame({"day": ["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03"] * 3, "load": range(12)})
    frame.to_csv(tmp_path / "twice.csv", index=False)
    with pytest.raises(UserError, match="2024-01-01 more than once: in row 2 and row 6"):
        read(tmp_path / "twice.csv", ignore=())
    with pytest.raises(UserError, match="more than once"):
        read(tmp_path / "twice.csv", ignore=(), reading=1)
    frame["day"] = "someday"
    frame.to_csv(tmp_path / "none.csv", index=False)
    for reading in (1, 2):
        with pytest.raises(UserError, match="not a moment in row 2"):
            read(tmp_path / "none.csv", ignore=(), reading=reading)


def test_the_built_in_series_is_bounded_and_does_not_repeat():
    frame = readers.read_frame("builtin:mackey_glass")
    values = frame["value"].to_numpy()
    assert frame.shape == (1500, 2)
    assert 0.2 < values.min() < 0.5
    assert 1.2 < values.max() < 1.4
    best = min(float(np.abs(values[lag : 1000 + lag] - values[:1000]).max()) for lag in range(1, 500))
    assert best > 0.01
    # Persistence is what a network has to beat.
    assert 0.05 < float(np.abs(np.diff(values)).mean()) / values.std() < 0.2


@pytest.mark.parametrize("options", [{"targets": ["load[t-1]"]}, {"ignore": ["load[t-1]", "site"]}, {}])
def test_a_column_called_like_a_step_of_a_window_is_refused(path, options):
    frame = pd.read_csv(path)
    frame["load[t-1]"] = frame["load"] + 1.0
    frame.to_csv(path, index=False)
    with pytest.raises(UserError, match=r"'load\[t-1\]' is called like a step of the window of 'load'"):
        read(path, **options)
    frame.rename(columns={"load[t-1]": "load[t-9]"}).to_csv(path, index=False)
    renamed = {name: [each.replace("1", "9") for each in names] for name, names in options.items()}
    assert len(read(path, **renamed).frame) == 57
