"""How a command ends that something unexpected stops: a clear text where the user can mend it, else a traceback."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pipeline import plugins
from pipeline.cli import commands
from pipeline.cli.commands import app
from tests.faults import small_study

FIGURES = """
from matplotlib.figure import Figure
from pipeline.plugins import sources_of
from pipeline.report.figures import FigureKind


def boom(contents):
    return 1 / 0


def escape(contents):
    yield "../mine.png", Figure()


def twice(contents):
    yield "mine.png", Figure()
    yield "mine.png", Figure()


def onward(contents):
    return sources_of(3)


BOOM, ESCAPE, TWICE = FigureKind("boom", boom), FigureKind("escape", escape), FigureKind("twice", twice)
ONWARD = FigureKind("onward", onward)
"""


def ended(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    def action() -> int:
        raise error

    with pytest.raises(typer.Exit) as caught:
        commands._exit(action)
    return caught.value.exit_code, " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENAMETOOLONG, "File name too long", "x.csv"),
            "x.csv cannot be used: File name too long. Try: use a s",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "x.csv"),
            "x.csv cannot be used: Permission denied. Try: check",
        ),
        (OSError("no errno"), "A file cannot be used: no errno"),
        (
            MemoryError("Unable to allocate 7 TiB"),
            "The memory of this machine is used up. Got: Unable to allocate 7 TiB",
        ),
    ],
)
def test_what_the_machine_refuses_is_told_as_such(error, said, capsys):
    code, text = ended(error, capsys)
    assert code == 2
    assert said in text


def test_a_defect_shows_its_traceback():
    def action() -> int:
        raise KeyError("a defect")

    with pytest.raises(KeyError):
        commands._exit(action)


def test_a_name_that_the_system_refuses_is_a_mistake_of_the_user(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    long = "x" * 300
    for words in (["--data", f"{long}.csv", "--study", "study"], ["--data", "builtin:diabetes", "--study", long]):
        space = str(Path(__file__).parents[2] / "search_spaces" / "demo.toml")
        answer = CliRunner().invoke(app, ["run", "--target", "target", "--space", space, *words])
        assert answer.exit_code == 2, answer.output
        assert "cannot be used: File name too long. Try: use a shorter name." in " ".join(answer.stderr.split())


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's in the working directory."""
    name = f"mine_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(FIGURES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(plugins, "_named", dict(plugins._named))
    return name


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (
            "BOOM",
            "{mine}:BOOM raised ZeroDivisionError. Got: division by zero. Try: mend it, at line 8 of {folder}",
        ),
        ("ESCAPE", "The figure escape cannot be written as '../mine.png'"),
        ("TWICE", "The figure twice cannot be written as 'mine.png'"),
    ],
)
def test_what_the_users_own_code_does_wrong_is_told_by_its_name_and_its_line(mine, tmp_path, monkeypatch, figure, said):
    from pipeline.report import figures

    draw = figures.draw
    small_study.stand_in(monkeypatch)
    monkeypatch.setattr(figures, "known", lambda: ())
    monkeypatch.setattr(figures, "draw", draw)
    answer = small_study.run(tmp_path, figures=f"{mine}:{figure}")
    assert answer.exit_code == 2, answer.exception
    text = " ".join(answer.stderr.split())
    assert said.format(mine=mine, folder=os.path.realpath(tmp_path)) in text
    assert "all trainings so far are kept" in text
    assert small_study.command("ledger", "verify", str(tmp_path / "study")).exit_code == 0


def test_only_what_the_users_code_called_last_is_its_mistake(mine):
    figure = plugins.load_object(f"{mine}:BOOM", expected="a figure")
    with pytest.raises(ZeroDivisionError) as caught:
        figure.draw(None)
    found = plugins.blame(caught.value)
    assert found is not None
    assert str(found).startswith(f"{mine}:BOOM raised ZeroDivisionError")
    with pytest.raises(AttributeError) as defect:  # in the package, which was the last to be called
        plugins.load_object(f"{mine}:ONWARD", expected="a figure").draw(None)
    assert plugins.blame(defect.value) is None
