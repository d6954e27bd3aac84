"""Commands on terminals that lack characters: nothing ends with a traceback, and what is missing is replaced."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from pipeline.cli import commands
from pipeline.cli.commands import app
from pipeline.cli.console import complain, standard
from pipeline.cli.progress import Progress
from pipeline.errors import UserError
from pipeline.run.events import Asked, Committed
from pipeline.tasks import FIRST
from pipeline.trial import Configuration, Repeat, Training
from tests.cli.test_progress import PLAN
from tests.faults import small_study

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("charset", ["latin-1", "ascii"])
def test_a_study_is_run_and_predicts_where_characters_are_lacking(tmp_path, monkeypatch, charset):
    small_study.stand_in(monkeypatch)
    folder = tmp_path / "größe_日本"
    folder.mkdir()
    words = small_study.arguments(folder)
    table = folder / "table.csv"
    table.write_text(table.read_text().replace("a,b,c", "höhe,b,日本").replace(",x,", ",ä,"), encoding="utf-8")
    runner = CliRunner(charset=charset)
    answer = runner.invoke(app, words)
    assert answer.exit_code == 0, (answer.output, answer.exception)
    assert "höhe, b" in answer.stdout if charset == "latin-1" else "h?he, b" in answer.stdout, answer.stdout
    assert " * 5 configurations" in answer.stdout
    table.write_text(table.read_text(encoding="utf-8").replace(",ä,", ",★,", 1), encoding="utf-8")
    asked = ["predict", "--study", str(folder / "study"), "--input", str(table), "--output", str(folder / "ö.csv")]
    answer = runner.invoke(app, asked)
    assert answer.exit_code == 0, (answer.output, answer.exception)
    assert "??: never seen in training, treated as none of the known categories: *" in answer.stdout
    assert (folder / "ö.csv").exists()


def test_a_folder_whose_name_is_no_text_has_a_study_like_any_other(tmp_path, monkeypatch):
    small_study.stand_in(monkeypatch)
    study = os.fsdecode(os.fsencode(tmp_path) + b"/\xfc")
    try:
        Path(study).mkdir()
    except OSError:
        pytest.skip("this file system has names of texts alone")
    answer = small_study.run(tmp_path, study=study)
    assert answer.exit_code == 0, (answer.output, answer.exception)
    assert "# \\udcfc" in Path(study, "summary.md").read_text()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_bars_and_errors_are_shown_on_every_terminal(monkeypatch, encoding):
    out, err = io.BytesIO(), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding=encoding))
    monkeypatch.setattr("pipeline.cli.progress.TITLES", {"baseline": "größe 日本", "explore": "★"})
    shown = standard()
    console = Console(file=shown.file, force_terminal=True, width=80)
    with Progress(console, PLAN, replace(FIRST, objective="größe")) as progress:
        progress.observe(Asked("baseline", 2, 0, ()))
        progress.observe(Committed(Repeat(Training(Configuration.of({"units": 1}), 5, 0), "baseline", 0, 0.5), 0.5))
        progress.observe(Asked("explore", 2, 0, ()))
    complain(UserError("größe 日本 \udcfc"))
    sys.stdout.flush()
    sys.stderr.flush()
    assert b"done: 1 training" in out.getvalue()
    assert err.getvalue().startswith(b"Error: gr")


def test_words_between_colons_are_no_pictures(monkeypatch, capsys):
    complain(UserError("There is no column ':smile:' in a:b:c"))
    standard().print("a:b:c", markup=False)
    said = capsys.readouterr()
    assert "':smile:' in a:b:c" in said.err
    assert said.out == "a:b:c\n"


@pytest.mark.parametrize("name", ["", "predict"])
def test_every_way_to_start_a_command_lets_all_characters_pass(monkeypatch, name):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    monkeypatch.setattr(sys, "argv", ["search", "--help"])
    with pytest.raises(SystemExit):
        commands.script(name) if name else commands.main()
    print("größe")
    sys.stdout.flush()


@pytest.mark.parametrize("words", [["--help"], ["--repeats", "zwölf"], ["--settings", "größe.toml"]])
def test_help_and_mistakes_are_shown_in_every_encoding(tmp_path, words):
    command = [sys.executable, str(ROOT / "scripts" / "run_pipeline.py"), *words]
    given = {**os.environ, "PYTHONIOENCODING": "ascii:strict", "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path, env=given)
    assert answer.returncode == (0 if words == ["--help"] else 2), answer.stderr
    assert b"Traceback" not in answer.stderr
    assert (answer.stdout + answer.stderr).isascii()
