import numpy as np
import pandas as pd
import pytest

from pipeline.data import series, tables
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


@pytest.mark.parametrize("horizon", [1, 4])
def test_a_row_has_what_was_known_and_what_came(path, horizon):
    table = read(path, horizon=horizon)
    assert shape_of(table.columns.inputs) == (3, 2)
    assert len(table.frame) == 60 - 3 - horizon + 1
    for moment, row in table.frame.iterrows():
        assert row["load"] == int(str(moment)) * 10
        for back in range(horizon, horizon + 3):
            assert row[f"load[t-{back}]"] == (int(str(moment)) - back) * 10
            assert row[f"heat[t-{back}]"] == int(str(moment)) - back + 0.5


def test_parts_follow_each_other_in_time_and_rows_are_those_of_the_series(path):
    rows, _ = prepare_rows(
        read(path), validation=0.2, test=0.2, seed=5, input_scaler="standard", output_scaler="standard"
    )
    train, validation, test = rows.train, rows.validation, rows.test
    assert train.rows.max() < validation.rows.min() <= validation.rows.max() < test.rows.min()
    assert test.rows.max() == 59
    assert np.array_equal(test.measured[:, 0], test.rows * 10.0)


def test_a_series_is_predicted_as_it_is_and_beyond_its_end(path):
    table = read(path)
    raw = pd.read_csv(path).sort_values("day")
    found = series.unrolled(raw, table.columns.inputs)
    assert list(found.index) == list(range(3, 61))  # 60 has not been seen
    assert list(found.loc[60]) == [570.0, 57.5, 580.0, 58.5, 590.0, 59.5]
    expected = table.frame[list(table.columns.inputs)]
    assert np.array_equal(found.loc[expected.index].to_numpy(), expected.to_numpy())
    assert series.unrolled(table.frame, table.columns.inputs) is table.frame
    assert series.unrolled(raw, ("a", "b")) is raw
    with pytest.raises(UserError, match="at least 3"):
        series.unrolled(raw.head(2), table.columns.inputs)


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
    with pytest.raises(UserError, match="more than once"):
        read(tmp_path / "twice.csv", ignore=())
    frame["day"] = "someday"
    frame.to_csv(tmp_path / "none.csv", index=False)
    with pytest.raises(UserError, match="not a moment in row 2"):
        read(tmp_path / "none.csv", ignore=())


def test_the_built_in_series_is_bounded_and_does_not_repeat():
    frame = tables.read_frame("builtin:mackey_glass")
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
