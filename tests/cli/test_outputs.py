"""Commands write what they are asked for, as its ending says, and never over what is not theirs."""

from __future__ import annotations

import hashlib
import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from typer.testing import Result

from pipeline import load_top_models
from tests.faults import small_study


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished study of classes whose names a spreadsheet would compute."""
    home = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        small_study.stand_in(patch)
        assert small_study.run(home, target="c", categories="b", ignore="y,z").exit_code == 0
    return home


@pytest.fixture
def home(finished: Path, tmp_path: Path) -> Path:
    return small_study.copied(finished, tmp_path).parent


def state(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def predict(home: Path, output: str, source: str = "table.csv") -> Result:
    words = ("--study", str(home / "study"), "--input", str(home / source), "--output", str(home / output))
    return small_study.command("predict", *words)


@pytest.mark.parametrize(
    "output", ["o.csv", "o.tsv", "o.txt", "o.parquet", "o.xlsx", "O.XLSX", "study/predictions.csv"]
)
def test_an_output_is_what_its_ending_says_and_replaces_another_one(home, output):
    (home / output).write_text("an older output")
    answer = predict(home, output)
    assert answer.exit_code == 0, answer.output
    readers: dict[str, Any] = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".xlsx": pd.read_excel}
    reader = readers.get(Path(output).suffix.lower(), partial(pd.read_csv, sep="\t"))
    expected = load_top_models(home / "study").predict(pd.read_csv(home / "table.csv"))
    found: pd.DataFrame = reader(home / output)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_column_type=False, rtol=1e-15)
    assert not [path for path in home.iterdir() if path.name.startswith(".")]


def test_a_workbook_of_predictions_has_texts_and_no_formulas(home):
    assert predict(home, "o.xlsx").exit_code == 0
    (sheet,) = openpyxl.load_workbook(home / "o.xlsx").worksheets
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s", "n"}
    assert "c probability =z" in [cell.value for cell in sheet[1]]


@pytest.mark.parametrize(
    "output",
    [
        "rows.csv", "study/../rows.csv", "link.csv", "hard.csv", "space.toml", "study/study.json", "o",
        "study/ledger.xlsx",        "study/test_predictions.csv", "study/models/o.csv", "study/figures/o.csv", "o.json",
        "nowhere/o.csv", "study", "study/best.txt",
    ],
)  # fmt: skip
def test_nothing_else_is_ever_written(home, output):
    shutil.copy(home / "table.csv", home / "rows.csv")
    (home / "link.csv").symlink_to("rows.csv")
    (home / "hard.csv").hardlink_to(home / "rows.csv")
    before = state(home)
    answer = predict(home, output, "rows.csv")
    assert answer.exit_code == 2
    assert not answer.stdout
    assert Path(output).name in answer.stderr
    assert state(home) == before


def test_the_table_that_a_study_was_made_of_is_an_input_as_well(finished, tmp_path):
    shutil.copy(finished / "table.csv", tmp_path / "rows.csv")
    words = ("--study", str(finished / "study"), "--input", str(tmp_path / "rows.csv"), "--output")
    before = state(finished)
    answer = small_study.command("predict", *words, str(finished / "table.csv"))
    assert (answer.exit_code, state(finished)) == (2, before)
    assert "is an input" in answer.stderr


def test_a_new_study_keeps_what_stands_in_its_folder(tmp_path, monkeypatch):
    small_study.stand_in(monkeypatch)
    monkeypatch.chdir(tmp_path)
    words = small_study.arguments(tmp_path, study=".")
    (tmp_path / "summary.md").write_text("my notes")
    before = state(tmp_path)
    refused = small_study.command(*words)
    assert (refused.exit_code, state(tmp_path)) == (2, before)
    assert "has files that a new study would overwrite" in refused.stderr
    assert "Got: summary.md." in refused.stderr
    (tmp_path / "summary.md").rename(tmp_path / "notes.md")
    answer = small_study.command(*words)
    assert answer.exit_code == 0, answer.output
    assert state(tmp_path).items() >= {"notes.md": before["summary.md"], "table.csv": before["table.csv"]}.items()
    assert (tmp_path / "summary.md").read_text().startswith(f"# {tmp_path.name}\n")
    assert f"configurations of {tmp_path.name}," in (tmp_path / "best.txt").read_text()
    assert small_study.command(*words).exit_code == 0  # it has a study.json now


@pytest.fixture
def comparing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    small_study.stand_in(monkeypatch)
    monkeypatch.setattr("pipeline.compare.pictures.draw", lambda *_: ())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.toml").write_text(small_study.SPACE)
    settings = {"data": str(small_study.table(tmp_path)), "target": "y,z", "space": "space.toml", "study": "compared"}
    settings |= {"engine": "keras", "cluster": "tests.faults.small_study:here", "slots": "cpu:1"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (tmp_path / "study.toml").write_text("\n".join([*lines, "repeats = 2", "trainings = 10", "epochs = 5", "top = 1"]))
    return ["compare", "--settings", "study.toml", "--methods", "random", "--seeds", "1"]


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("compared/comparison.csv", []),
        ("compared/random-0/best.txt", []),
        ("o.txt", ["--json", "o.txt"]),
        ("table.json", ["--data", "table.json", "--json", "./table.json"]),
    ],
)
def test_a_comparison_overwrites_nothing_of_the_user(comparing, tmp_path, file, options):
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("mine")
    before = state(tmp_path)
    answer = small_study.command(*comparing, *options)
    assert answer.exit_code == 2, answer.output
    assert Path(file).name in answer.stderr
    assert state(tmp_path) == before


def test_figures_of_a_comparison_are_not_written_over_a_study_that_it_has_made(comparing, tmp_path):
    answer = small_study.command(*comparing, "--json", "compared/random-0/outcome.json")
    assert answer.exit_code == 2
    assert "belongs to the study" in answer.stderr
    outcome = json.loads((tmp_path / "compared/random-0/outcome.json").read_text())
    assert outcome["outcome"]["method"] == "random"
    assert small_study.command(*comparing, "--json", "new/figures.json").exit_code == 0  # nothing is trained again
    assert "random_test" in json.loads((tmp_path / "new/figures.json").read_text())
