"""The `compare` command from its words to its files, in this process: everything but the training is the product's."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.commands import app
from pipeline.compare.studies import Outcome
from pipeline.ledger import journal
from pipeline.study_folder.comparison import PAGE, SEEDS
from tests.faults import small_study


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A comparison of two methods with two seeds, below `tmp_path`."""
    small_study.stand_in(monkeypatch)
    monkeypatch.setattr("pipeline.compare.pictures.draw", lambda *_: ())
    (tmp_path / "space.toml").write_text(small_study.SPACE)
    settings = {
        "data": str(small_study.table(tmp_path)),
        "target": "y,z",
        "space": str(tmp_path / "space.toml"),
        "study": str(tmp_path / "compared"),
        "engine": "keras",
        "cluster": "tests.faults.small_study:here",
        "slots": "cpu:1",
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (tmp_path / "study.toml").write_text("\n".join([*lines, "repeats = 2", "trainings = 10", "epochs = 5", "top = 1"]))
    return ["compare", "--settings", str(tmp_path / "study.toml"), "--methods", "random", "grid", "--seeds", "2"]


def said(answer: Result) -> str:
    return " ".join(answer.stdout.split())


def begun(folder: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in sorted(folder.glob("*/ledger.jsonl"))}


def test_searches_are_compared_written_and_not_trained_again(words, tmp_path):
    folder, figures = tmp_path / "compared", tmp_path / "new" / "figures.json"
    answer = CliRunner().invoke(app, [*words, "--json", str(figures)])
    assert answer.exit_code == 0, answer.output
    text = said(answer)
    assert text.startswith(f"Comparing random, grid on {tmp_path / 'table.csv'}, 2 seeds: 4 searches of 10 trainings")
    for place, name in enumerate(("random, seed 0", "grid, seed 0", "random, seed 1", "grid, seed 1"), 1):
        assert f"[{place} of 4] {name}: validation" in text
    assert str(folder) in text
    page = (folder / PAGE).read_text()
    assert "| random |" in page
    assert "## Which differences are significant" in page
    assert "## What mattered" in page
    assert "random_test" in json.loads(figures.read_text())
    assert len((folder / SEEDS).read_text().splitlines()) == 5
    before = begun(folder)
    assert list(before) == ["grid-0", "grid-1", "random-0", "random-1"]
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 0
    assert begun(folder) == before
    assert (folder / PAGE).read_text() == page


def test_ctrl_c_keeps_what_finished_and_says_how_to_go_on(words, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["/usr/bin/compare.py", *words[1:]])
    finished: list[Outcome] = []
    add = "pipeline.cli.compare.Tally.add"

    def interrupted(_: object, outcome: Outcome) -> None:
        finished.append(outcome)
        os.kill(os.getpid(), signal.SIGINT)

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with monkeypatch.context() as patch:
        patch.setattr(add, interrupted)
        answer = CliRunner().invoke(app, words)
    for each, handler in before.items():
        signal.signal(each, handler)
    assert answer.exit_code == 130, answer.output
    assert [(each.method, each.seed) for each in finished] == [("random", 0)]
    folder = tmp_path / "compared"
    assert f"Stopped. Everything finished is in {folder}. To go on, run again:" in said(answer)
    assert "/usr/bin/compare.py --settings" in said(answer)
    known = begun(folder)["random-0"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert begun(folder)["random-0"] == known
    assert journal.read(folder / "grid-1" / "ledger.jsonl").repeats


def test_what_cannot_be_written_is_an_error_and_nothing_is_lost(words, tmp_path):
    (tmp_path / "file").write_text("in the way")
    answer = CliRunner().invoke(app, [*words, "--seeds", "1", "--json", str(tmp_path / "file" / "figures.json")])
    assert answer.exit_code == 2
    text = " ".join(answer.stderr.split())
    assert "The comparison cannot be written" in text
    assert "nothing is trained twice" in text
    assert (tmp_path / "compared" / PAGE).exists()


MINE = """
from dataclasses import dataclass
from pipeline.tuning.strategies.strategy import Strategy


@dataclass(frozen=True)
class Mine(Strategy):
    pass


@dataclass(frozen=True)
class Bad(Strategy):
    def explore(self, asked, evaluate, say):
        super().explore(asked, evaluate, say)
        raise KeyError("out of ideas")
"""


def test_a_strategy_of_the_users_own_is_compared_and_named_where_it_raises(words, tmp_path, monkeypatch):
    name = f"mine_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    asked = [*words[:3], "--seeds", "1", "--methods", "random"]
    answer = CliRunner().invoke(app, [*asked, f"{name}:Bad"])
    assert answer.exit_code == 2, answer.exception
    assert f"Error: The strategy {name}:Bad raised KeyError." in " ".join(answer.stderr.split())
    assert "all trainings so far are kept" in " ".join(answer.stderr.split())
    before = begun(tmp_path / "compared")
    assert list(before) == [f"{name}.Bad-0", "random-0"]
    answer = CliRunner().invoke(app, [*asked, f"{name}:Mine"])
    assert answer.exit_code == 0, answer.output
    assert f"| {name}:Mine |" in (tmp_path / "compared" / PAGE).read_text()
    after = begun(tmp_path / "compared")
    assert after.items() > before.items()
    assert f"{name}.Mine-0" in after
