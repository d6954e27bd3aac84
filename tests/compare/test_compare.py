"""Figures, tables and errors of the comparison, from outcomes that nobody trained; and one small comparison that is."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.cli.compare import METHODS, main
from pipeline.compare import figures, pictures, tables
from pipeline.compare.borrowing import is_borrowed
from pipeline.compare.studies import BASELINE, Outcome, Step, baseline_of, relative, steps_of, with_one_default
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from pipeline.trial import Configuration, Repeat, Training, Trial

EPOCHS = 10


def configuration(value: float) -> Configuration:
    return Configuration.of({"learning_rate": value})


def outcome(method: str, seed: int, *scores: float, test: float = 0.5) -> Outcome:
    """A search whose recommendation scores these, a training and two seconds each."""
    steps = tuple(Step(place, 2.0 * place, score) for place, score in enumerate(scores, 1))
    return Outcome(
        method=method, seed=seed, steps=steps, configurations=3, screened=0, borrowed=1, trained=4,
        validation=scores[-1], test=test, default_validation=0.8, default_test=1.0,
        measured=(('{"learning_rate":0.5}', 0.4), ('{"learning_rate":0.25}', 0.8)),
    )  # fmt: skip


OUTCOMES = {
    "random": [outcome("random", seed, math.nan, 0.9, 0.6, test=0.60 + 0.01 * seed) for seed in range(3)],
    "gp": [outcome("gp", seed, 0.7, 0.5, 0.5, test=0.50 + 0.01 * seed) for seed in range(3)],
    "grid": [outcome("grid", seed, 0.5, 0.7, 0.7, test=0.61 + 0.02 * seed) for seed in range(3)],
}


def test_all_searches_of_a_seed_are_held_against_the_same_trainings_of_the_default_network():
    few, many = (
        replace(outcome(name, 0, 0.5), default_test=score, default_trainings=count, default_seconds=3.0)
        for name, score, count in (("gp", 0.9, 1), ("random", 1.1, 4))
    )
    held = with_one_default([few, many])
    assert [each.default_test for each in held] == [1.1, 1.1]
    assert [each.test for each in held] == [0.5, 0.5]
    base = baseline_of(held[0])
    assert (base.method, base.test, base.trained, base.trainings, base.measured) == (BASELINE, 1.1, 4, 4.0, ())


def comparison() -> figures.Comparison:
    lines, pairs = figures.lines_of(OUTCOMES, None), figures.pairs_of(OUTCOMES)
    return figures.Comparison(lines, pairs, None, (0, 1, 2), "error", EPOCHS, "20 trainings", "what random ends with")


def repeat(value: float, epochs: int, index: int, objective: float | None) -> Repeat:
    return Repeat(Training(configuration(value), epochs, index), "explore", index, objective, seconds=3.0)


def test_a_training_of_fewer_epochs_costs_its_part_and_is_never_recommended():
    trials = [
        Trial(configuration(0.1), 1, 1),
        Trial(configuration(0.1), EPOCHS, 1),
        Trial(configuration(0.2), EPOCHS, 2),
        Trial(configuration(0.1), EPOCHS, 2),
    ]
    repeats = [
        repeat(0.1, 1, 0, 0.01),
        repeat(0.1, EPOCHS, 0, 0.3),
        repeat(0.1, EPOCHS, 1, 0.5),
        repeat(0.2, EPOCHS, 0, 0.6),
        repeat(0.2, EPOCHS, 1, 0.6),
    ]
    steps = list(steps_of(trials, repeats, EPOCHS))
    assert [step.trainings for step in steps] == pytest.approx([0.1, 1.1, 3.1, 4.1])
    assert [step.seconds for step in steps] == [3.0, 6.0, 12.0, 15.0]
    assert np.isnan([step.score for step in steps[:2]]).all(), "trained once"
    assert [step.score for step in steps[2:]] == pytest.approx([0.6, 0.4])


def test_a_score_is_reached_where_it_is_kept_to_the_end():
    reached = outcome("gp", 0, math.nan, 0.5, 0.7, 0.6, 0.55).reached(0.6)
    assert reached is not None
    assert reached.trainings == 4
    assert outcome("gp", 0, 0.5, 0.7).reached(0.6) is None


def test_the_lines_have_means_with_intervals_and_who_reached_what_random_ends_with():
    lines = {line.method: line for line in figures.lines_of(OUTCOMES, None)}
    gp = lines["gp"]
    assert gp.test.value == pytest.approx(0.51)
    assert gp.test.low is not None
    assert gp.test.low < 0.51
    assert gp.ratio.value == pytest.approx(0.51)
    assert (gp.reached, gp.reached_trainings, gp.reached_seconds) == (3, 2, 4.0)
    assert lines["grid"].reached == 0
    assert figures.lines_of(OUTCOMES, 0.7)[2].reached == 3


def test_what_can_be_told_apart_is_said():
    text = tables.page(comparison())
    assert "gp is better than random, grid" in text
    assert "random is better" not in text
    assert "| grid - gp |" in text
    assert "Too few configurations" in text


def test_the_csv_has_every_method_and_figures_are_numbers():
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(comparison().lines))))
    assert [row["method"] for row in rows] == list(OUTCOMES)
    assert float(rows[1]["test"]) == pytest.approx(0.51)
    numbers = figures.flat(comparison())
    assert numbers["gp_test_low"] < numbers["gp_test"] < numbers["gp_test_high"]
    assert "grid_reached_trainings" not in numbers  # nobody reached it
    json.dumps(numbers, allow_nan=False)


def test_scores_are_relative_to_the_default_network():
    assert [round(score, 6) for _, score in relative(OUTCOMES["gp"][0])] == [round(math.log(0.5), 6), 0.0]


@pytest.mark.parametrize("seeds", [1, 3])
def test_pictures_are_drawn_and_equal_outcomes_give_equal_bytes(tmp_path, seeds):
    some = {method: each[:seeds] for method, each in OUTCOMES.items()}
    some[BASELINE] = [replace(each, method=BASELINE) for each in some["random"]]
    first, second = pictures.draw(some, None, tmp_path / "a"), pictures.draw(some, None, tmp_path / "b")
    assert [path.name for path in first] == ["progress.png", "scores.png"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--methods", "halvin"], "did you mean halving"),
        (["--methods", "baseline"], "it needs a search beside it"),
        (["--seeds", "0"], "At least one seed"),
        (["--trainings", "5"], "at least 10"),
        (["--seconds", "-1"], "seconds"),
        (["--data", "nothing.csv"], "nothing.csv"),
    ],
)
def test_mistakes_are_told(tmp_path, capsys, words, said):
    settings = ["--settings", "search_spaces/compare_diabetes.settings.toml"]
    assert main([*settings, "--folder", str(tmp_path / "compared"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "compared").exists()


def test_every_strategy_is_a_method():
    assert METHODS[0] == BASELINE
    assert set(METHODS) >= {"random", "sobol", "latin-hypercube", "grid", "halving", "hyperband", "gp", "two-stage"}


SMALL = [
    "--settings", "search_spaces/compare_diabetes.settings.toml", "--epochs", "3", "--trainings", "10",
    "--seeds", "2", "--methods", "baseline", "random", "halving", "--slots", "cpu:1",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_a_small_comparison_shares_what_is_equal_and_trains_nothing_twice(tmp_path, capsys):
    folder = tmp_path / "compared"
    words = [*SMALL, "--folder", str(folder), "--json", str(tmp_path / "figures.json")]
    assert main(words) == 0
    assert "halving, seed 1" in capsys.readouterr().out
    for name in ("comparison.md", "comparison.csv", "seeds.csv", "progress.png", "scores.png"):
        assert (folder / name).stat().st_size > 0
    numbers = json.loads((tmp_path / "figures.json").read_text())
    assert numbers["random_trainings"] <= 10
    assert numbers["halving_trainings"] <= 10
    assert numbers["halving_screened"] > numbers["halving_configurations"]
    studies = [folder / f"{method}-{seed}" for method in ("random", "halving") for seed in (0, 1)]
    assert [audit(study) for study in studies] == [()] * 4
    lent, own = (journal.read(folder / f"{each}-0" / "ledger.jsonl").repeats for each in ("random", "halving"))
    known = {each.training.identity: each for each in lent}
    shared = [each for each in own if is_borrowed(each)]
    assert {each.training.identity for each in shared} == known.keys() & {each.training.identity for each in own}
    assert all(known[each.training.identity].model == each.model for each in shared)
    again(words, studies, folder, capsys)


def again(words: list[str], studies: list[Path], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same command reads what is there; without one study it makes that anew, with the same figures."""
    page = (folder / "comparison.md").read_bytes()
    before = [(study / "ledger.jsonl").read_bytes() for study in studies]
    assert main(words) == 0
    assert (folder / "comparison.md").read_bytes() == page
    assert [(study / "ledger.jsonl").read_bytes() for study in studies] == before
    tests = [line for line in (folder / "seeds.csv").read_text().splitlines() if line.startswith("halving")]
    shutil.rmtree(folder / "halving-1")
    assert main(words) == 0
    capsys.readouterr()
    made = [line for line in (folder / "seeds.csv").read_text().splitlines() if line.startswith("halving")]
    assert [line.split(",")[:5] for line in made] == [line.split(",")[:5] for line in tests]


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_equal_time_shares_nothing_and_ends_each_search(tmp_path, capsys):
    folder = tmp_path / "compared"
    settings = ["--settings", "search_spaces/compare_diabetes.settings.toml", "--epochs", "3"]
    methods = ["--methods", "random", "latin-hypercube", "--seeds", "1", "--slots", "cpu:1"]
    assert main([*settings, *methods, "--seconds", "3", "--trainings", "4000", "--folder", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "3 seconds, and at most 4000 trainings" in (folder / "comparison.md").read_text()
    assert text.count(", 0 of them shared") == 2
    for method in ("random", "latin-hypercube"):
        repeats = journal.read(folder / f"{method}-0" / "ledger.jsonl").repeats
        assert 0 < sum(each.stage != BASELINE for each in repeats) < 4000
        assert not any(is_borrowed(each) for each in repeats)
