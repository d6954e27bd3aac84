"""A result that somebody types into the workbook of a finished study: one best everywhere, and who is ahead is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline import best_group, load_top_models, pareto_front
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from tests.faults import small_study

TYPED = {"neurons": "[9]", "activation": "relu", "batch_size": 32, "dropout": 0.0, "l2": 0.0, "learning_rate": 0.01,
         "optimizer": "adam", "weight_decay": 0.0, "repeats": 2}  # fmt: skip


def rows(study: Path) -> list[dict[str, object]]:
    header, *others = openpyxl.load_workbook(study / "ledger.xlsx")["Configurations"].iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in others]


def type_in(study: Path, **cells: object) -> int:
    book = openpyxl.load_workbook(study / "ledger.xlsx")
    sheet: Any = book["Configurations"]
    headers, row = [cell.value for cell in sheet[1]], sheet.max_row + 1
    for name, value in {**TYPED, **{name.replace("_", " "): value for name, value in cells.items()}}.items():
        sheet.cell(row, headers.index(name) + 1, value)
    book.save(study / "ledger.xlsx")
    return row


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typed")
    with pytest.MonkeyPatch.context() as patch:
        small_study.stand_in(patch)
        assert small_study.run(folder, target="c").exit_code == 0
    return folder


@pytest.fixture
def study(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small_study.stand_in(monkeypatch)
    return small_study.copied(home, tmp_path)


def test_there_is_one_best_and_who_is_ahead_of_it_is_said(study: Path) -> None:
    type_in(study, log_loss_mean=0.0003)
    answer = small_study.run(study.parent, target="c")
    assert answer.exit_code == 0, answer.output
    said = " ".join(answer.output.split())
    assert "1 configuration of the workbook was not in the journal" in said
    assert "Outside of the search space" in said  # which has 4 to 6 neurons
    assert "ledger.xlsx, row" in said
    ranked = {row["rank"]: row for row in rows(study) if row["stage"] in ("explore", "refine")}
    best = ranked[1]["key"]
    assert set(ranked) == set(range(1, 1 + len(ranked)))
    assert best_group(study).members[0].key == best == pareto_front(study)[0].key
    assert load_top_models(study, 1).configurations[0].key == best
    assert {row["key"]: row["group"] for row in rows(study) if row["group"]} == best_group(study).marks
    text = (study / "best.txt").read_text()
    assert f"# The best of {len(ranked)} configurations of study, of key {best}" in text
    (theirs,) = [row for row in rows(study) if row["stage"] == "imported"]
    assert theirs["rank"] is None
    assert f"1 imported result, the best of key {theirs['key']} with log loss 3.000e-04" in text
    page = (study / "summary.md").read_text()
    assert f"The best of {len(ranked)} configurations on the validation rows" in page
    assert "**1 imported result is ahead of it** on the validation rows (1 hidden layer with 9 neurons" in page
    assert "\n| 1 | " in page
    assert "as good as the best" in page
    assert audit(study) == ()


@pytest.mark.parametrize(("score", "said"), [(-5, "no score is below 0"), ("0,30", "the text '0,30'")])
def test_a_wrong_result_stops_the_run_before_anything_is_done(study: Path, score: object, said: str) -> None:
    row = type_in(study, log_loss_mean=score)
    before = {path: path.read_bytes() for path in study.glob("ledger*")}
    answer = small_study.run(study.parent, target="c")
    assert answer.exit_code == 2
    assert f"row {row} of {study / 'ledger.xlsx'}" in " ".join(answer.output.split())
    assert said in " ".join(answer.output.split())
    assert {path: path.read_bytes() for path in study.glob("ledger*")} == before


def test_a_row_without_a_score_is_named_and_stays(study: Path) -> None:
    row = type_in(study, notes="to be run")
    answer = small_study.run(study.parent, target="c")
    assert answer.exit_code == 0, answer.output
    told = f"Row {row} of {study / 'ledger.xlsx'} was not imported: its log loss mean is empty."
    assert told in " ".join(answer.output.split())
    assert [each["neurons"] for each in rows(study) if each["notes"] == "to be run"] == ["[9]"]
    assert journal.read(study / "ledger.jsonl").imported == ()


def test_a_colleagues_sheet_names_what_is_skipped(study: Path, tmp_path: Path, home: Path) -> None:
    other = small_study.copied(home, tmp_path / "other")
    type_in(other, log_loss_mean=0.4)
    row = type_in(other, log_loss_mean=0.5, neurons="[4]", failures=1)
    answer = small_study.command("ledger", "import", str(study), str(other / "ledger.xlsx"))
    assert answer.exit_code == 0, answer.output
    said = " ".join(answer.output.split())
    assert f"Row {row} of {other / 'ledger.xlsx'} was not imported: some of its trainings failed" in said
    assert "1 configurations imported, 5 already known, 1 skipped." in said
    type_in(other, log_loss_mean=-0.5, neurons="[6]")
    assert small_study.command("ledger", "import", str(study), str(other / "ledger.xlsx")).exit_code == 2
