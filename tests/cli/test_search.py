"""A study from its first run to its predictions on the command line; everything but the training is the product's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults import small_study


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small_study.stand_in(monkeypatch)
    return tmp_path


def test_every_command_says_what_it_did_and_where_the_results_are(folder):
    study, table = folder / "study", folder / "table.csv"
    answer = small_study.run(folder)
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("Data: ")
    assert next(line for line in lines if " done: " in line).startswith("default network done: 2 trainings, best MAE")
    assert lines[-2:] == [f"Summary: {study / 'summary.md'}", f"Ledger: {study / 'ledger.xlsx'}"]
    page = (study / "summary.md").read_text()
    assert "## What mattered\n\n5 configurations trained in full: too few to say" in page

    verified = small_study.command("ledger", "verify", str(study))
    assert (verified.exit_code, verified.stdout) == (0, f"{study} is sound.\n")
    shutil.rmtree(study / "models" / next((study / "models").iterdir()).name)
    broken = small_study.command("ledger", "verify", str(study))
    assert broken.exit_code == 1
    assert "models" in broken.stdout
    rebuilt = small_study.command("ledger", "rebuild", str(study))
    assert rebuilt.stdout == f"Ledger: {study / 'ledger.xlsx'}\n"
    imported = small_study.command("ledger", "import", str(study), str(study / "ledger.xlsx"))
    assert imported.stdout.startswith("0 configurations imported, 5 already known, 0 skipped")
    assert table.exists()


def test_predictions_name_what_training_never_saw(folder):
    assert small_study.run(folder).exit_code == 0
    text = (folder / "table.csv").read_text()
    (folder / "table.csv").write_text(text.replace(",x,", ",[red]new,", 1))
    answer = small_study.predict(folder)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == (
        "c: never seen in training, treated as none of the known categories: [red]new\n"
        f"80 rows predicted by 4 networks: {folder / 'predicted.csv'}\n"
    )
    command = ("predict", "--study", str(folder / "study"), "--input", str(folder / "table.csv"), "--output")
    refused = small_study.command(*command, str(folder / "nowhere" / "predicted.csv"))
    assert refused.exit_code == 2
    assert "cannot be written" in refused.stderr
