"""The benchmark's figures, from studies that nobody trained."""

from __future__ import annotations

import json

import pytest

from scripts.benchmark_decisions import STUDIES, compared, main, summary, table

FOUND = [
    {
        "best: log loss": 0.30 + 0.01 * seed,
        "best: log loss calibrated": 0.29 + 0.01 * seed,
        "best: cost of the likeliest class": 0.5,
        "best: cost by calibrated probabilities": 0.3 + 0.1 * seed,
        **({"best: threshold": 0.4} if seed else {}),
    }
    for seed in range(3)
]


def test_differences_are_paired_by_split_and_have_intervals():
    values = compared(FOUND)
    assert values["best: log loss calibrated, minus log loss"] == pytest.approx([-0.01] * 3)
    assert "best: threshold" not in values  # not every study has one
    numbers = summary(FOUND)
    name = "best_cost_by_calibrated_probabilities_minus_cost_of_the_likeliest_class"
    assert numbers[name] == pytest.approx(-0.1)
    assert numbers[f"{name}_low"] < -0.1 < numbers[f"{name}_high"]
    assert table("auc", FOUND).row_count == 6


def test_what_a_study_came_to_is_read_and_not_run_again(tmp_path, capsys):
    for name in STUDIES:
        for seed, found in enumerate(FOUND):
            (tmp_path / f"{name}-{seed}.json").write_text(json.dumps(found))
    words = ["--folder", str(tmp_path), "--splits", "3", "--data", "none.csv", "--json", str(tmp_path / "all.json")]
    assert main(words) == 0
    assert "minus log loss" in capsys.readouterr().out
    assert json.loads((tmp_path / "all.json").read_text())["decisions_auc_best_log_loss"] == pytest.approx(0.31)


def test_a_table_that_is_not_there_is_refused(tmp_path, capsys):
    assert main(["--data", str(tmp_path / "none.csv"), "--folder", str(tmp_path), "--splits", "1"]) == 2
    assert "none.csv" in capsys.readouterr().err
