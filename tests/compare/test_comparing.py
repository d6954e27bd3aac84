"""Two small comparisons with real trainings: what is shared, and equal time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.commands import app
from pipeline.compare.borrowing import is_borrowed
from pipeline.compare.request import BASELINE
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit


def main(words: list[str]) -> Result:
    """What the command line says and exits with."""
    answer = CliRunner().invoke(app, ["compare", *words])
    assert answer.exit_code == 0, answer.output
    return answer


SMALL = [
    "--settings", "search_spaces/compare_diabetes.settings.toml", "--epochs", "3", "--trainings", "10",
    "--seeds", "2", "--methods", "baseline", "random", "halving", "--slots", "cpu:1",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_a_small_comparison_shares_what_is_equal_and_trains_nothing_twice(tmp_path):
    folder = tmp_path / "compared"
    words = [*SMALL, "--folder", str(folder), "--json", str(tmp_path / "figures.json")]
    assert "[4 of 4] halving, seed 1" in main(words).stdout
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
    again(words, studies, folder)


def again(words: list[str], studies: list[Path], folder: Path) -> None:
    """The same command reads what is there; without one study it makes that anew, with the same figures."""
    page = (folder / "comparison.md").read_bytes()
    before = [(study / "ledger.jsonl").read_bytes() for study in studies]
    main(words)
    assert (folder / "comparison.md").read_bytes() == page
    assert [(study / "ledger.jsonl").read_bytes() for study in studies] == before
    tests = [line for line in (folder / "seeds.csv").read_text().splitlines() if line.startswith("halving")]
    shutil.rmtree(folder / "halving-1")
    main(words)
    made = [line for line in (folder / "seeds.csv").read_text().splitlines() if line.startswith("halving")]
    assert [line.split(",")[:5] for line in made] == [line.split(",")[:5] for line in tests]


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_equal_time_shares_nothing_and_ends_each_search(tmp_path):
    folder = tmp_path / "compared"
    settings = ["--settings", "search_spaces/compare_diabetes.settings.toml", "--epochs", "3"]
    methods = ["--methods", "random", "latin-hypercube", "--seeds", "1", "--slots", "cpu:1"]
    text = main([*settings, *methods, "--seconds", "3", "--trainings", "4000", "--folder", str(folder)]).stdout
    assert "3 seconds, and at most 4000 trainings" in (folder / "comparison.md").read_text()
    assert " ".join(text.split()).count(", 0 of them shared") == 2
    for method in ("random", "latin-hypercube"):
        repeats = journal.read(folder / f"{method}-0" / "ledger.jsonl").repeats
        assert 0 < sum(each.stage != BASELINE for each in repeats) < 4000
        assert not any(is_borrowed(each) for each in repeats)
