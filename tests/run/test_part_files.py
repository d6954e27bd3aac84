"""A study whose parts have files of their own: run, resumed, verified, redrawn, and its rows told by their files."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from pipeline.maintenance.audit import audit
from pipeline.study_folder import identity
from pipeline.study_folder.layout import StudyFolder
from tests.faults import small_study as small

ROWS = {"train": slice(50), "validation": slice(50, 62), "test": slice(62, 80)}


def parted(folder: Path) -> dict[str, str]:
    """The options of a study of three files, which are the table of `small_study`, made before it."""
    whole = pd.read_csv(small.table(folder))
    for name, rows in ROWS.items():
        whole[rows].to_csv(folder / f"{name}.csv", index=False)
    files = {f"{name}_data": str(folder / f"{name}.csv") for name in ("validation", "test")}
    return {"data": str(folder / "train.csv"), **files}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("parts")
    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        answer = small.run(home, **parted(home))
    assert answer.exit_code == 0, answer.output
    text = " ".join(answer.stdout.split())
    assert "80 rows (50 train, 12 validation, 18 test)" in text
    assert "Split: by file (50 train, 12 validation, 18 test)" in text
    return home


def test_rows_are_told_by_their_files(finished: Path) -> None:
    study = StudyFolder(finished / "study")
    lines = [*csv.DictReader(study.test_predictions.read_text().splitlines())]
    assert [line["file"] for line in lines] == [str(finished / "test.csv")] * 18
    assert [line["row"] for line in lines] == [str(row) for row in range(18)]
    assert [line["spreadsheet row"] for line in lines] == [str(row + 2) for row in range(18)]
    theirs = pd.read_csv(finished / "test.csv")
    assert [float(line["measured y"]) for line in lines] == pytest.approx(theirs["y"].tolist())
    worst = [*csv.DictReader(study.worst_rows.read_text().splitlines())]
    assert Counter(line["file"] for line in worst) == {str(finished / "test.csv"): 10}
    assert "| File |" in study.summary.read_text()


def test_the_study_resumes_and_everything_else_works(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small.stand_in(monkeypatch)
    before = small.facts(finished / "study")
    assert small.run(finished, **parted(finished)).exit_code == 0
    assert small.facts(finished / "study") == before
    assert audit(finished / "study") == ()
    StudyFolder(finished / "study").workbook.unlink()
    assert small.command("ledger", "rebuild", str(finished / "study")).exit_code == 0
    assert audit(finished / "study") == ()
    assert small.predict(finished).exit_code == 0
    words = ("--study", str(finished / "study"), "--input", str(finished / "table.csv"))
    refused = small.command("predict", *words, "--output", str(finished / "test.csv"))
    assert refused.exit_code == 2
    assert "is an input" in refused.stderr


@pytest.mark.parametrize("changed", ["data", "validation_data", "test_data"])
def test_a_changed_file_is_refused_by_name(finished: Path, tmp_path: Path, changed: str) -> None:
    given = parted(finished)
    pd.read_csv(given[changed]).assign(y=lambda frame: frame["y"] + 1).to_csv(tmp_path / "changed.csv", index=False)
    answer = small.run(finished, **{**given, changed: str(tmp_path / "changed.csv")})
    assert answer.exit_code == 2
    assert f"Expected: the same {changed}." in answer.stderr


def test_a_file_that_is_not_named_any_more_is_refused(finished: Path) -> None:
    given = parted(finished)
    answer = small.run(finished, **{name: each for name, each in given.items() if name != "test_data"})
    assert "Expected: the same test_data." in answer.stderr
    assert "None now" in answer.stderr


def test_folds_divide_the_training_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small.stand_in(monkeypatch)
    given = {name: each for name, each in parted(tmp_path).items() if name != "validation_data"}
    answer = small.run(tmp_path, **given, folds="2", calls="0")
    assert answer.exit_code == 0, answer.output
    assert "; --folds 2 divides those that are for training" in " ".join(answer.stdout.split())
    stored = identity.read(StudyFolder(tmp_path / "study").identity).fingerprint
    assert stored["folds"] == 2
    assert "validation_data" not in stored
    assert len(pd.read_csv(StudyFolder(tmp_path / "study").test_predictions)) == 18
    assert audit(tmp_path / "study") == ()


def test_a_settings_file_names_the_files(tmp_path: Path) -> None:
    given = {"target": "y", "ignore": "z", **parted(tmp_path), "space": "none.toml", "study": str(tmp_path / "study")}
    (tmp_path / "s.toml").write_text("".join(f"{name} = '{each}'\n" for name, each in given.items()))
    (tmp_path / "validation.csv").unlink()
    answer = small.command("run", "--settings", str(tmp_path / "s.toml"), "--space", str(small.arguments(tmp_path)[4]))
    assert answer.exit_code == 2
    assert "There is no file" in answer.stderr
    assert "validation.csv" in answer.stderr
