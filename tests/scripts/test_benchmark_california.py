"""The benchmark's figures, from a study that nobody trained."""

from __future__ import annotations

import math

import pytest

from pipeline.run.events import Asked, Committed
from pipeline.trial import Configuration, Repeat, Training
from scripts.benchmark_california import Split, Watch, figures, main, table

TRAINED = Committed(Repeat(Training(Configuration.of({"a": 1}), 1, 0), "refine", 0, 0.5), 0.5)


def test_time_between_an_answer_and_the_next_question_is_not_training(monkeypatch):
    clock = iter([0.0, 10.0, 11.0, 20.0, 22.0, 30.0])
    monkeypatch.setattr("scripts.benchmark_california.time.monotonic", lambda: next(clock))
    watch = Watch()
    watch(Asked("explore", 1, 0))
    watch(TRAINED)
    watch(Asked("refine", 1, 0))  # a second after the last answer of stage 1
    watch(TRAINED)
    watch(Asked("refine", 1, 0))  # and two seconds after this one
    watch(TRAINED)
    assert watch.trainings == 3
    assert watch.share == pytest.approx((1 + 2) / (30 - 10))
    assert math.isnan(Watch().share)


def test_every_figure_has_its_interval_over_the_splits():
    splits = [Split(seed, 0.50 + 0.01 * seed, 0.49, 0.48, 0.55, 40, 90, 25.0, 0.1) for seed in range(3)]
    numbers = figures(splits)
    assert numbers["california_rmse"] == pytest.approx(0.51)
    assert numbers["california_rmse_low"] < 0.51 < numbers["california_rmse_high"]
    assert numbers["california_rmse_of_split_2"] == 0.52
    assert set(figures(splits[:1])) == {
        f"california_{name}{split}"
        for name in ("rmse", "ensemble", "greedy", "default", "minutes", "outside")
        for split in ("", "_of_split_0")
    }
    assert table(splits).row_count == 4


def test_a_table_that_is_not_there_is_refused(tmp_path, capsys):
    words = ["--data", str(tmp_path / "none.csv"), "--study", str(tmp_path / "study"), "--splits", "1"]
    assert main(words) == 2
    assert "none.csv" in capsys.readouterr().err
