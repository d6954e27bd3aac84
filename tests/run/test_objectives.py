"""Whole studies by other measures than the usual ones, with networks that are drawn and not trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from pipeline import load_top_models
from pipeline.data.rows import load_rows
from pipeline.ledger import journal
from pipeline.ledger.known import open_study
from pipeline.maintenance.audit import audit
from pipeline.maintenance.rebuild import rebuild
from tests.faults import small_study

AREA = {"target": "c", "objective": "roc-auc"}
ASKED = {
    "target": "y,z",
    "objective": "within-tolerance",
    "tolerance": "y=40%|1,z=2",
    "target_transform": "y=asinh,z=auto",
    "target_weights": "y=3,z=1",
    "folds": "3",
    "repeats": "3",
    "max_repeats": "3",
}


def study_of(folder: Path, options: dict[str, str]) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        small_study.stand_in(patch)
        found = small_study.run(folder, **options)
    assert found.exit_code == 0, found.output
    (folder / "output.txt").write_text(" ".join(found.output.split()))
    return folder


@pytest.fixture(scope="module")
def area(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study of classes, ranked by the area under the curve."""
    return study_of(tmp_path_factory.mktemp("area"), AREA)


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study with folds of two transformed targets, ranked by what is within tolerance."""
    return study_of(tmp_path_factory.mktemp("accepted"), ASKED)


def sheet(study: Path, name: str) -> list[dict[str, object]]:
    rows = list(openpyxl.load_workbook(study / "ledger.xlsx")[name].iter_rows(values_only=True))
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]


def refused(folder: Path, options: dict[str, str]) -> str:
    with pytest.MonkeyPatch.context() as patch:
        small_study.stand_in(patch)
        found = small_study.run(folder, **options)
    assert found.exit_code == 2
    return " ".join(found.output.split())


def test_an_area_is_shown_as_people_know_it_and_kept_from_zero_on(area: Path) -> None:
    kept = {each.key: each.mean for each in open_study(area / "study").ranking}
    rows = {str(row["key"]): row for row in sheet(area / "study", "Configurations")}
    for key, mean in kept.items():
        row = rows[key]
        numbers = [row[name] for name in ("ROC AUC min", "ROC AUC mean", "ROC AUC max")]
        assert numbers == sorted(numbers)  # type: ignore[type-var]
        assert numbers[1] == pytest.approx(1 - mean)
        assert row["c ROC AUC"] == pytest.approx(1 - mean)
    best = min(kept, key=lambda key: kept[key])
    assert rows[best]["rank"] == 1
    output = (area / "output.txt").read_text()
    assert "objective ROC AUC" in output
    assert "trainings, best ROC AUC 0." in output
    page = (area / "study" / "summary.md").read_text()
    assert "higher is better" in page
    assert "MAE" not in page
    assert "# ROC AUC on validation rows" in (area / "study" / "best.txt").read_text()


def test_a_target_score_is_read_as_people_know_it(area: Path, tmp_path: Path) -> None:
    options = {**AREA, "target_score": "0.01"}
    output = (study_of(tmp_path, options) / "output.txt").read_text()
    assert "Ends earlier: at ROC AUC 0.01" in output
    assert "the target of ROC AUC 0.01 is reached" in output
    assert len(journal.read(tmp_path / "study" / "ledger.jsonl").repeats) < small_study.TRAININGS


def test_a_typed_area_is_imported_as_one(area: Path, tmp_path: Path) -> None:
    study = small_study.copied(area, tmp_path)
    path = study / "ledger.xlsx"
    book = openpyxl.load_workbook(path)
    table = book["Configurations"]
    headers = [str(cell.value) for cell in table[1]]
    row = [cell.value for cell in table[2]]
    typed = dict(zip(headers, row, strict=True))
    typed |= {"key": None, "configuration": None, "learning_rate": 0.0123, "ROC AUC mean": 0.97, "repeats": 2}
    typed |= {"ROC AUC min": None, "ROC AUC max": None, "ROC AUC std": None}
    table.append([typed[header] for header in headers])
    book.save(path)
    with pytest.MonkeyPatch.context() as patch:
        small_study.stand_in(patch)
        found = small_study.run(tmp_path, **AREA)
    assert found.exit_code == 0, found.output
    (imported,) = journal.read(study / "ledger.jsonl").imported
    assert imported.mean == pytest.approx(0.03)
    assert "ROC AUC 0.9700" in " ".join(found.output.split())


@pytest.mark.parametrize("folder", ["area", "accepted"])
def test_such_a_study_is_sound_and_its_workbook_is_drawn_again(
    folder: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    study = small_study.copied(request.getfixturevalue(folder), tmp_path)
    assert audit(study) == ()
    before = sheet(study, "Configurations")
    (study / "ledger.xlsx").rename(tmp_path / "old.xlsx")
    rebuild(study, print)
    after = sheet(study, "Configurations")
    assert [name for name in before[0] if not name.startswith("test ")] == [
        name for name in after[0] if not name.startswith("test ")
    ]
    assert audit(study) == ()


def test_what_is_within_tolerance_is_counted_everywhere_alike(accepted: Path) -> None:
    study = accepted / "study"
    rows = sheet(study, "Configurations")
    frame = pd.read_csv(accepted / "table.csv")
    top = load_top_models(study, 1)
    for name in ("y within tolerance", "z within tolerance", "all outputs within tolerance", "y MAE signed log10"):
        assert all(isinstance(row[name], float) for row in rows)
    for row in rows:
        assert row["all outputs within tolerance"] == pytest.approx(row["share within tolerance mean"])
    scored = {
        (each.training.configuration.key, each.training.index): each
        for each in journal.read(study / "ledger.jsonl").repeats
    }
    for member in top.members:
        own = load_rows(study / f"rows-{member.index:03d}.npz").validation
        units = member.preprocessing.target.to_units(member.network(member.preprocessing.inputs(frame.iloc[own.rows])))
        errors = np.abs(units - own.measured)
        within = (errors[:, 0] <= np.maximum(0.4 * np.abs(own.measured[:, 0]), 1)) & (errors[:, 1] <= 2)
        repeat = scored[member.configuration.key, member.index]
        assert repeat.objective == pytest.approx(1 - within.mean())
        assert repeat.scores["all outputs"]["within"] == pytest.approx(within.mean())
    written = pd.read_csv(study / "test_predictions.csv")
    said = (written["predicted y"] - written["measured y"]).abs() <= np.maximum(0.4 * written["measured y"].abs(), 1)
    said &= (written["predicted z"] - written["measured z"]).abs() <= 2
    assert written["within tolerance"].tolist() == np.where(said, "yes", "no").tolist()
    assert "within tolerance" not in top.predict(frame).columns
    page = (study / "summary.md").read_text()
    assert "of the test rows every output is within tolerance" in page
    assert "near the median" in page


def test_what_was_asked_is_in_the_identity_and_a_changed_one_is_refused_by_name(accepted: Path, tmp_path: Path) -> None:
    study = small_study.copied(accepted, tmp_path)
    fingerprint = json.loads((study / "study.json").read_text())["fingerprint"]
    assert fingerprint["tolerance"] == {"y": "40%|1", "z": "2"}
    assert fingerprint["target_transform"] == {"y": "asinh"}  # auto leaves z as it is
    assert fingerprint["target_weights"] == {"y": 3, "z": 1}
    assert fingerprint["objective"] == "within-tolerance"
    for name, value in {
        "tolerance": "y=40%|1,z=3",
        "objective": "r2",
        "target_weights": "y=2",
        "target_transform": "none",
        "judge_on": "original",
    }.items():
        assert f"the same {name}" in refused(tmp_path, {**ASKED, name: value})


def test_the_usual_objective_leaves_the_identity_as_it_was(tmp_path: Path) -> None:
    study_of(tmp_path, {"objective": "mae", "target_transform": "none", "target_weights": "y=2,z=2"})
    fingerprint = json.loads((tmp_path / "study" / "study.json").read_text())["fingerprint"]
    assert not fingerprint.keys() & {"objective", "target_transform", "judge_on", "target_weights", "tolerance"}
