"""Scripts check where their figures go before anything is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UserError
from scripts import benchmark_california, benchmark_decisions, benchmark_ledger, benchmark_workbook
from scripts.benchmark import command as training
from scripts.benchmark import profile
from scripts.faults import command as chaos
from scripts.replay import command as replay

SCRIPTS = {
    "california": benchmark_california.main,
    "decisions": benchmark_decisions.main,
    "ledger": lambda _: benchmark_ledger.main(),
    "search": replay.main,
    "training": training.main,
    "workbook": benchmark_workbook.main,
    "chaos": chaos.main,
    "profile": profile.main,
}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.json").write_text("{}")
    return tmp_path / "study"


@pytest.mark.parametrize("main", SCRIPTS.values(), ids=list(SCRIPTS))
def test_no_script_writes_figures_over_a_study(main, study, monkeypatch, capsys):
    words = ["--json", str(study / "study.json")]
    monkeypatch.setattr("sys.argv", ["script", *words])
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "belongs to the study" in capsys.readouterr().err
    assert (study / "study.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("option", "path", "said"),
    [
        ("--json", "o.txt", "a file that ends in .json"),
        ("--runs", "study/ledger.jsonl", "belongs to the study"),
        ("--out", "study/figures", "belongs to the study"),
    ],
)
def test_figures_runs_and_pictures_are_not_written_over_others(study, capsys, option, path, said):
    with pytest.raises(SystemExit) as caught:
        replay.main([option, str(study.parent / path)])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_a_file_of_something_else_is_not_gone_on_with(tmp_path):
    file = tmp_path / "mine.jsonl"
    for content in ("my notes\n", '{"method": "random"}\n', "[1]\n"):
        file.write_text(content)
        with pytest.raises(UserError, match=r"mine\.jsonl is not a file of finished replays"):
            replay._known(file)
        assert file.read_text() == content
