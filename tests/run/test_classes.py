"""A whole study of classes, from the command line to the predictions, with networks that are drawn and not trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from pipeline import load_top_models
from pipeline.data.rows import load_rows
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from tests.faults import small_study

LABELS = ["=z", "x", "y"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study of the column `c`, whose labels are texts, one of them like a formula."""
    folder = tmp_path_factory.mktemp("classes")
    with pytest.MonkeyPatch.context() as patch:
        small_study.stand_in(patch)
        found = small_study.run(folder, target="c")
    assert found.exit_code == 0, found.output
    assert "Task: classification, for texts are classes" in found.output.replace("\n", " ")
    assert "loss categorical_crossentropy" in found.output
    return folder


@pytest.fixture
def study(home: Path, tmp_path: Path) -> Path:
    return small_study.copied(home, tmp_path)


def sheet(study: Path, name: str) -> list[dict[str, object]]:
    rows = list(openpyxl.load_workbook(study / "ledger.xlsx")[name].iter_rows(values_only=True))
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]


def test_the_workbook_speaks_of_log_loss(study: Path) -> None:
    rows = sheet(study, "Configurations")
    assert {"log loss mean", "log loss std", "test log loss", "c accuracy", "c ROC AUC"} <= set(rows[0])
    assert {"c balanced accuracy", "c macro F1", "c calibration error"} <= set(rows[0])
    everything = {header for name in ("Configurations", "Repeats") for header in sheet(study, name)[0]}
    assert not any("MAE" in header for header in everything)
    means = [row["log loss mean"] for row in rows]
    assert all(isinstance(mean, float) and 0.5 < mean < 5 for mean in means)
    assert sum(row["test log loss"] is not None for row in rows) == 3
    assert {str(row["name"]): row["value"] for row in sheet(study, "Study")}["task"] == "classification"
    trained = [row["c accuracy"] for row in sheet(study, "Repeats")]
    assert all(isinstance(each, float) and 0 <= each <= 1 for each in trained)


def test_the_page_and_the_lists_name_classes(study: Path) -> None:
    page = (study / "summary.md").read_text()
    assert "its log loss is" in page
    assert "its accuracy is" in page
    assert "class frequencies" in page
    assert "MAE" not in page
    predictions = pd.read_csv(study / "test_predictions.csv")
    assert set(predictions["measured c"]) | set(predictions["predicted c"]) <= set(LABELS)
    assert predictions[[f"probability {label}" for label in LABELS]].sum(axis=1).to_numpy() == pytest.approx(
        1, abs=1e-4
    )
    assert len(pd.read_csv(study / "worst_rows.csv")) == 10


def test_reloaded_models_give_labels_and_probabilities(study: Path) -> None:
    answer = small_study.predict(study.parent)
    assert answer.exit_code == 0, answer.output
    predicted = pd.read_csv(study.parent / "predicted.csv")
    columns = [f"c probability {label}" for label in LABELS]
    assert list(predicted.columns) == ["c", *columns, "c spread"]
    assert predicted[columns].sum(axis=1).to_numpy() == pytest.approx(1)
    likeliest = predicted[columns].to_numpy().argmax(axis=1)
    assert predicted["c"].tolist() == [LABELS[place] for place in likeliest]
    top = load_top_models(study, 1)
    assert list(top.classes) == LABELS
    frame = pd.read_csv(study.parent / "table.csv").drop(columns="c")
    assert top.predict_each(frame).shape == (len(top.members), len(frame), 3)
    frame.loc[0, ["a", "b"]] = None  # what is missing is filled in
    assert top.predict(frame)["c"].isin(LABELS).all()


def test_the_parts_have_the_shares_of_the_table(study: Path) -> None:
    rows = load_rows(study / "rows.npz")
    whole = pd.read_csv(study.parent / "table.csv")["c"].value_counts()
    for part in (rows.train, rows.validation, rows.test):
        counts = pd.Series(part.measured[:, 0].astype(int)).map(dict(enumerate(LABELS))).value_counts()
        assert all(abs(counts[label] - whole[label] * len(part.rows) / 80) <= 1 for label in LABELS)


def test_the_study_is_sound_and_its_workbook_comes_back(study: Path) -> None:
    assert audit(study) == ()
    before = sheet(study, "Configurations")
    (study / "ledger.xlsx").unlink()
    assert small_study.command("ledger", "rebuild", str(study)).exit_code == 0
    assert audit(study) == ()
    assert [{**row, "test log loss": None, "elite": None} for row in sheet(study, "Configurations")] == [
        {**row, "test log loss": None, "elite": None} for row in before
    ]
    book = openpyxl.load_workbook(study / "ledger.xlsx")
    cells = book["Configurations"]
    headers = [cell.value for cell in cells[1]]
    cells.cell(2, headers.index("log loss mean") + 1).value = 0.001
    book.save(study / "ledger.xlsx")
    assert any("another mean" in str(finding) for finding in audit(study))


def test_the_same_command_trains_nothing_again_and_others_are_refused(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_study.stand_in(monkeypatch)
    before = small_study.facts(study)
    answer = small_study.run(study.parent, target="c")
    assert answer.exit_code == 0, answer.output
    assert small_study.facts(study) == before
    for options, named in (
        ({"target": "c", "class-weights": "balanced"}, "class_weights"),
        ({"target": "y"}, "task: 'classification' there, 'regression' now"),
        ({"target": "c", "task": "regression"}, "has text where a number is needed"),
        ({"target": "c", "loss": "mse"}, "not one of 3 classes"),
        ({"target": "y", "class-weights": "balanced"}, "no class weights"),
        ({"target": "c,y"}, "cannot be classified together"),
    ):
        refused = small_study.run(study.parent, **options)
        assert refused.exit_code == 2, (options, refused.output)
        assert named in refused.output, (options, refused.output)


def test_a_colleagues_workbook_is_taken_in(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    shutil.copytree(study.parent, other, ignore=shutil.ignore_patterns("study", "other"))
    small_study.stand_in(monkeypatch)
    assert small_study.run(other, target="c", configurations="5").exit_code == 0
    answer = small_study.command("ledger", "import", str(study), str(other / "study" / "ledger.xlsx"))
    assert answer.exit_code == 0, answer.output
    rows = journal.read(study / "ledger.jsonl").imported
    assert rows
    assert all(0.5 < row.mean < 5 for row in rows)
    assert audit(study) == ()


def test_class_weights_act_on_training_rows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_study.stand_in(monkeypatch)
    options = {"target": "c", "class-weights": "balanced", "configurations": "1", "calls": "0"}
    answer = small_study.run(tmp_path, **options)
    assert answer.exit_code == 0, answer.output
    rows = load_rows(tmp_path / "study" / "rows.npz")
    sums = [rows.train.weights[rows.train.measured[:, 0] == place].sum() for place in range(3)]
    assert sums == pytest.approx([len(rows.train.rows) / 3] * 3)
    assert set(rows.validation.weights) == set(rows.test.weights) == {1.0}
