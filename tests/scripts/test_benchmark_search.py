"""Replays of a table that is small enough to know by heart."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import UserError
from scripts.replay import report, tables
from scripts.replay.command import main
from scripts.replay.contestants import ANYTIME, METHODS, Run
from scripts.replay.product import pipeline

NAMES = ("rate", "kind")
VALUES = (np.arange(12) / 12, np.array(["relu", "tanh", "elu"]))


def table_file(folder: Path, name: str = "valley", scored: str = "val_loss", seed: int = 0) -> Path:
    """A valley with noise, trained four times everywhere."""
    rng = np.random.default_rng(seed)
    index = np.array(list(itertools.product(range(12), range(3))))
    truth = (index[:, 0] - 7.0) ** 2 / 20 + index[:, 1] * 0.3
    scores = truth[:, None] + rng.normal(0, 0.02, (len(index), 4)) + 0.5
    spaces = {
        f"search_space_{place:02d}_{name}": values
        for place, (name, values) in enumerate(zip(NAMES, VALUES, strict=True))
    }
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"index": index, scored: scores, **spaces}
    np.savez(folder / f"{name}.npz", **arrays)
    return folder / f"{name}.npz"


def run_of(method: str, seed: int, regret: float, *, covered: bool | None = None) -> Run:
    return Run(method, "valley", seed, 100, "with", regret, 0.1, covered, 100, 1.0)


def test_a_replay_compares_and_goes_on_where_it_stopped(tmp_path, capsys):
    table_file(tmp_path / "tables")
    words = ["--tables", str(tmp_path / "tables"), "--budgets", "16", "24", "--seeds", "2", "--workers", "1"]
    words += ["--methods", "pipeline", "random", "--out", str(tmp_path / "out"), "--runs", str(tmp_path / "runs.jsonl")]
    assert main([*words, "--json", str(tmp_path / "figures.json")]) == 0
    first = (tmp_path / "runs.jsonl").read_text()
    assert len(first.splitlines()) == 2 * 2 * 2
    numbers = json.loads((tmp_path / "figures.json").read_text())
    ratio = numbers["pipeline_regret_24"] / numbers["random_regret_24"]
    assert numbers["pipeline_vs_random_24"] == pytest.approx(ratio)
    assert numbers["pipeline_vs_random_24_low"] <= ratio <= numbers["pipeline_vs_random_24_high"]
    assert 0 <= numbers["pipeline_coverage_24"] <= 1
    assert (tmp_path / "out" / "search_regret.png").stat().st_size > 0
    capsys.readouterr()
    assert main([*words, "--json", str(tmp_path / "again.json")]) == 0
    assert "0 replays to do" in capsys.readouterr().out
    assert (tmp_path / "runs.jsonl").read_text() == first
    assert json.loads((tmp_path / "again.json").read_text()) == numbers


def test_the_product_keeps_its_budget_and_recommends_what_was_trained_twice(tmp_path):
    table_file(tmp_path)
    (table,) = tables.read(tmp_path)
    for repeats in (1, 2, 4):
        budget, row, reported, low, high, used = pipeline(table, 0, 24, "with", {"repeats": repeats})
        assert budget == 24
        assert 0.8 * 24 <= used <= 24
        assert low is not None
        assert high is not None
        assert low < reported < high
        assert table.regret(row) < 1.0


def test_a_table_answers_the_same_training_with_the_same_score(tmp_path):
    table_file(tmp_path)
    (table,) = tables.read(tmp_path)
    without = [table.score(5, repeat, 3, "without") for repeat in range(4)]
    assert sorted(without) == sorted(table.scores[5])
    assert [table.score(5, repeat, 3, "with") for repeat in range(9)] == [
        table.score(5, repeat, 3, "with") for repeat in range(9)
    ]
    assert table.regret(int(np.argmin(table.truth))) == 0.0
    assert np.median([table.regret(row) for row in range(36)]) == pytest.approx(1.0, abs=0.02)
    assert table.row_of(table.configuration([7, 2])) == table.row([7, 2]) == 7 * 3 + 2


def test_scores_that_are_better_when_higher_are_turned(tmp_path):
    table_file(tmp_path, scored="val_accuracy")
    (turned,) = tables.read(tmp_path)
    table_file(tmp_path / "loss")
    (plain,) = tables.read(tmp_path / "loss")
    assert turned.scores == pytest.approx(1 - plain.scores)


def test_a_folder_without_tables_and_a_file_of_another_format_are_refused(tmp_path):
    with pytest.raises(UserError, match="no table"):
        tables.read(tmp_path)
    np.savez(tmp_path / "other.npz", numbers=np.arange(3))
    with pytest.raises(UserError, match="not a table of trained networks"):
        tables.read(tmp_path)
    (tmp_path / "other.npz").write_bytes(b"PK no archive")
    with pytest.raises(UserError, match="cannot be read"):
        tables.read(tmp_path)
    assert main(["--tables", str(tmp_path / "nowhere"), "--methods", "random"]) == 2


def test_ratios_are_of_the_seeds_that_both_have():
    runs = [run_of("pipeline", seed, 0.1 + 0.01 * seed, covered=seed > 0) for seed in range(4)]
    runs += [run_of("random", seed, 0.2 + 0.02 * seed) for seed in range(8)]
    found = report.figures(runs)
    assert found["pipeline_vs_random_100"].value == pytest.approx(0.5)
    assert found["pipeline_vs_random_100"].low == pytest.approx(0.5)
    assert found["pipeline_minus_random_100"].value == pytest.approx(-0.115)
    assert found["pipeline_coverage_100"].value == pytest.approx(0.75)
    assert "random_coverage_100" not in found
    assert set(report.TO_REACH) <= {f"pipeline_vs_{method}_{budget}" for method in METHODS for budget in (50, 100, 200)}
    assert set(METHODS) == set(report.WORDS) == set(report.COLOURS)
    assert set(METHODS) >= ANYTIME
