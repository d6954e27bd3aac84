"""Rows that are unlike the training rows are named before they are predicted, numbers as well as categories."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest

from pipeline import load_top_models
from pipeline.data.unlike import Unlike
from pipeline.data.unlike_words import sentences
from pipeline.errors import UnlikeTrainingWarning
from tests.faults import small_study


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            Unlike(1, 0, (), 1.0, 60.0),
            ["missing in 1 row, never in training, treated as the median of the training rows"],
        ),
        (Unlike(0, 2, (1e6, -80.0), 1.0, 60.0), ["far outside of what training saw (1 to 60) in 2 rows: 1e+06, -80"]),
        (Unlike(0, 1, (2021.0,), 2020.0, 2020.0), ["far outside of what training saw (only 2020) in 1 row: 2021"]),
        (
            Unlike(0, 8, tuple(range(900, 892, -1)), 1.0, 60.0),
            ["far outside of what training saw (1 to 60) in 8 rows: 900, 899, 898, 897, 896 and 3 more values"],
        ),
    ],
)
def test_each_way_of_being_unlike_is_a_sentence(found, told):
    assert [*sentences({}, {"a": found})] == [f"a: {each}" for each in told]


def test_predict_names_gaps_and_numbers_that_training_never_saw(tmp_path, monkeypatch):
    small_study.stand_in(monkeypatch)
    assert small_study.run(tmp_path).exit_code == 0
    assert small_study.predict(tmp_path).stdout.startswith("80 rows predicted by")
    frame = pd.read_csv(tmp_path / "table.csv")
    frame.loc[[0, 1], "b"], frame.loc[2, "b"], frame.loc[3, "a"] = None, 1e6, None  # a has gaps in training, too
    frame.to_csv(tmp_path / "table.csv", index=False)
    answer = small_study.predict(tmp_path)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.splitlines()[:-1] == [
        "b: missing in 2 rows, never in training, treated as the median of the training rows",
        "b: far outside of what training saw (0 to 8) in 1 row: 1e+06",
    ]


def test_in_python_a_prediction_of_such_rows_warns_once(tmp_path, monkeypatch):
    small_study.stand_in(monkeypatch)
    assert small_study.run(tmp_path).exit_code == 0
    top, frame = load_top_models(tmp_path / "study", 2), pd.read_csv(tmp_path / "table.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        top.predict(frame)
    frame.loc[2, "b"], frame.loc[3, "c"] = 1e6, "never"
    for predict in (top.predict, top.predict_each):
        with pytest.warns(UnlikeTrainingWarning, match=r"c: never seen in training.*never; b: far outside") as told:
            predict(frame)
        assert len(told) == 1
        assert told[0].filename == __file__
