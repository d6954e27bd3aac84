"""A series in a whole study: what it was trained with is repeated by a prediction, and outputs find rows again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import load_ensemble, load_top_models
from pipeline.data.rows import load_rows
from pipeline.maintenance.audit import audit
from tests.faults import small_study as small

SERIES = {"target": "v", "time": "t", "window": "4", "horizon": "2"}
STEPS = 60
EARLY = 5  # steps without a whole window before them


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of a series that stands in its file the other way round, with days in front."""
    folder = tmp_path_factory.mktemp("series")
    days = pd.date_range("2020-01-20", periods=STEPS)[::-1]
    table = pd.DataFrame({"t": days.strftime("%d.%m.%Y"), "v": np.arange(STEPS)[::-1] + 0.5, "w": np.arange(STEPS) % 7})
    table.to_csv(folder / "down.csv", index=False)
    table[::-1].to_csv(folder / "up.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        answer = small.command(*small.arguments(folder, data=str(folder / "down.csv"), **SERIES))
    assert answer.exit_code == 0, answer.output
    assert "Time: t, day.month.year (%d.%m.%Y); predicted are 25.01.2020 to 19.03.2020" in answer.output
    return folder


def predict(home: Path, tmp_path: Path, name: str) -> tuple[str, pd.DataFrame]:
    target = tmp_path / f"{name}.out.csv"
    words = ("--study", str(home / "study"), "--input", str(home / f"{name}.csv"), "--output", str(target))
    answer = small.command("predict", *words)
    assert answer.exit_code == 0, answer.output
    return " ".join(answer.output.split()), pd.read_csv(target, dtype={"t": str})


def test_the_order_of_a_file_does_not_change_its_predictions(home, tmp_path):
    said, up = predict(home, tmp_path, "up")
    _, down = predict(home, tmp_path, "down")
    assert list(up.columns) == ["t", "spreadsheet row", "v", "v spread"]
    assert len(up) == len(down) == STEPS + 2
    assert np.array_equal(up["v"][:STEPS], down["v"][:STEPS][::-1], equal_nan=True)
    assert np.array_equal(up["v"][STEPS:], down["v"][STEPS:])
    assert up["v"].isna().tolist() == [True] * EARLY + [False] * (STEPS - EARLY + 2)
    assert f"No prediction for the first {EARLY} rows in order of t" in said
    assert f"{STEPS - EARLY + 2} rows predicted" in said


def test_lines_of_predictions_find_the_row_of_the_file(home, tmp_path):
    _, down = predict(home, tmp_path, "down")
    table = pd.read_csv(home / "down.csv")
    assert down["t"][:STEPS].tolist() == table["t"].tolist()
    assert down["spreadsheet row"][:STEPS].tolist() == list(range(2, STEPS + 2))
    assert down[["t", "spreadsheet row"]][STEPS:].isna().all(axis=None)


@pytest.mark.parametrize("name", ["worst_rows.csv", "test_predictions.csv"])
def test_test_rows_are_those_of_the_file_with_their_time(home, name):
    lines = (home / "down.csv").read_text().splitlines()
    found = pd.read_csv(home / "study" / name, dtype=str)
    assert len(found) == (10 if name.startswith("worst") else 11)
    for _, each in found.iterrows():
        time, value, _ = lines[int(each["spreadsheet row"]) - 1].split(",")
        assert (each["time"], each["measured v"]) == (time, value)
        assert int(each["row"]) == int(each["spreadsheet row"]) - 2
    assert "| Row | Spreadsheet row | Time |" in (home / "study" / "summary.md").read_text()


def test_the_latest_rows_are_the_test(home):
    rows = load_rows(home / "study" / "rows.npz")
    assert sorted(rows.test.rows) == list(range(11))  # the file begins with the latest
    assert min(rows.train.rows) > max(rows.validation.rows) > max(rows.test.rows)


def test_the_reloaded_networks_predict_the_test_rows_as_they_were_scored(home):
    frame, lines = pd.read_csv(home / "down.csv"), pd.read_csv(home / "study" / "test_predictions.csv")
    best = load_top_models(home / "study", 1).predict(frame)
    assert best["v"].iloc[lines["row"]].to_numpy() == pytest.approx(lines["predicted v"].to_numpy(), rel=1e-6)
    together = load_ensemble(home / "study", "mean").predict(frame)
    assert together["v"].isna().sum() == EARLY
    assert load_top_models(home / "study", 1).predict_each(frame).shape[1:] == (STEPS + 2, 1)
    assert audit(home / "study") == ()


def test_a_series_without_its_time_is_refused(home, tmp_path):
    pd.read_csv(home / "up.csv").drop(columns="t").to_csv(tmp_path / "no.csv", index=False)
    words = ("--study", str(home / "study"), "--input", str(tmp_path / "no.csv"), "--output", str(tmp_path / "o.csv"))
    answer = small.command("predict", *words)
    assert answer.exit_code == 2
    assert "lacks the column 't', by which the series is sorted" in " ".join(answer.output.split())
    assert not (tmp_path / "o.csv").exists()


def test_another_format_is_another_study(home, tmp_path):
    folder = small.copied(home, tmp_path).parent
    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        again = small.command(*small.arguments(folder, data=str(folder / "down.csv"), **SERIES))
        named = small.command(*small.arguments(folder, data=str(folder / "down.csv"), **SERIES, time_format="%d.%m.%Y"))
        alone = small.command(*small.arguments(folder, target="y", time_format="%d.%m.%Y"))
    assert again.exit_code == 0, again.output
    assert (named.exit_code, alone.exit_code) == (2, 2)
    assert "the same time_format" in " ".join(named.output.split())
    assert "name that column" in " ".join(alone.output.split())
