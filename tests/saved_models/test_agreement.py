"""Networks whose outputs or inputs mean something else than those of the study are refused, wherever the two meet."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline import load_ensemble, load_top_models
from pipeline.data import preprocessing_file
from pipeline.data.preprocessing import Preprocessing
from pipeline.data.rows import load_rows
from pipeline.errors import DamagedFile, StudyMismatch
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from pipeline.saved_models import Common, Examined, adopt, load_members, save
from pipeline.saved_models.agreement import Agreement, check_tested
from pipeline.study_folder.layout import ModelFolder, StudyFolder
from pipeline.training.protocol import Trained
from tests.faults import forger
from tests.faults import small_study as small


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished study of classes, and one of numbers."""
    folder = tmp_path_factory.mktemp("agreement")
    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        for target in ("c", "y,z"):
            (folder / target).mkdir()
            assert small.run(folder / target, target=target).exit_code == 0
    return {"classes": folder / "c", "numbers": folder / "y,z"}


@pytest.fixture
def study(homes: dict[str, Path], tmp_path: Path) -> Path:
    return small.copied(homes["classes"], tmp_path)


@pytest.fixture
def numbers(homes: dict[str, Path], tmp_path: Path) -> Path:
    return small.copied(homes["numbers"], tmp_path)


Change = Callable[[Preprocessing], Preprocessing]


def remade(folder: Path, change: Change) -> None:
    """Store other preprocessing with a configuration; probe, manifest and journal agree with it."""
    path = folder / "preprocessing.skops"
    path.write_bytes(preprocessing_file.dumps(change(preprocessing_file.loads(path.read_bytes()))))
    forger.rehash(folder)


def folders(study: Path) -> list[Path]:
    return sorted(each.path for each in StudyFolder(study).model_folders())


def of_target(**fields: Any) -> Change:
    """Another target: a change for each field."""
    return lambda made: replace(made, target=_changed(made.target, fields))


def _changed(target: Any, fields: dict[str, Any]) -> Any:
    return replace(target, **{name: of(getattr(target, name)) for name, of in fields.items()})


def reverse(values: Any) -> Any:
    return values[::-1]


def renamed(made: Preprocessing) -> Preprocessing:
    return replace(of_target(names=lambda _: ("d",))(made), columns=replace(made.columns, targets=("d",)))


def regrouped(made: Preprocessing) -> Preprocessing:
    return replace(made, columns=replace(made.columns, groups=("b",)))


CHANGES: dict[str, Change] = {
    "classes": of_target(labels=reverse),
    "target": renamed,
    "group": regrouped,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_study_whose_networks_were_made_otherwise_does_not_go_on(study, name, monkeypatch):
    for each in folders(study):
        remade(each, CHANGES[name])
    before = (study / "ledger.jsonl").read_bytes()
    small.stand_in(monkeypatch)
    answer = small.run(study.parent, target="c", configurations="4")
    said = " ".join(answer.output.split())
    assert answer.exit_code == 2
    assert f"have other {name} than this study" in said
    assert "use another --study" in said
    assert (study / "ledger.jsonl").read_bytes() == before


def test_labels_that_came_in_the_order_of_a_set_are_no_reason_to_score_networks_wrongly(study, monkeypatch):
    monkeypatch.setattr("pipeline.tasks.classification._sorted", lambda labels: tuple(sorted(labels, reverse=True)))
    small.stand_in(monkeypatch)
    answer = small.run(study.parent, target="c")
    assert answer.exit_code == 2
    assert "other classes" in " ".join(answer.output.split())


@pytest.mark.parametrize("name", CHANGES)
def test_one_that_was_made_otherwise_is_found_and_does_not_predict_with_the_others(study, name):
    best = forger.best(study)
    remade(best, CHANGES[name])
    for load in (lambda: load_top_models(study, 2), lambda: load_ensemble(study, "mean")):
        with pytest.raises(StudyMismatch, match=f"other {name}(?s:.*)Expected:(?s:.*)Got:(?s:.*)Try:"):
            load()
    (found,) = audit(study)
    assert found.file == best
    assert f"other {name}" in found.what


def test_the_rows_of_the_last_run_tell_networks_that_agree_with_each_other_alone(study):
    for each in folders(study):
        remade(each, CHANGES["classes"])
    with pytest.raises(DamagedFile, match=r"decisions\.json is for other classes"):
        load_top_models(study, 2)
    (study / "decisions.json").unlink()
    load_top_models(study, 2)  # nothing beside the data says which order is right
    assert sorted(finding.file for finding in audit(study)) == folders(study)
    (study / "rows.npz").write_bytes(b"half")  # the next run writes it anew: it is no finding
    assert audit(study) == ()


def test_a_network_of_another_kind_is_found(study):
    best = forger.best(study)
    about = json.loads((best / "configuration.json").read_text())
    (best / "configuration.json").write_text(json.dumps({**about, "model": "recurrent"}))
    forger.rehash(best)
    (found,) = audit(study)
    assert "other model" in found.what


def test_rows_of_other_classes_or_features_are_not_given_to_a_network(study):
    rows = load_rows(study / "rows.npz")
    _, members = load_members(ModelFolder(forger.best(study)))
    check_tested(members[0].preprocessing, rows, "these")
    other = replace(rows, target=_changed(rows.target, {"labels": reverse}))
    with pytest.raises(StudyMismatch, match="other classes than the rows that they are tested on"):
        check_tested(members[0].preprocessing, other, "these")
    with pytest.raises(StudyMismatch, match="other features"):
        check_tested(members[0].preprocessing, replace(rows, features=rows.features[::-1]), "these")


def test_the_test_phase_refuses_a_network_that_belongs_to_other_rows(study):
    best = forger.best(study)
    remade(best, CHANGES["classes"])
    _, members = load_members(ModelFolder(best))
    with pytest.raises(StudyMismatch, match="other classes"):
        Examined.of(members, study / "rows.npz", {})


def test_units_of_another_scale_are_not_those_of_the_study(numbers):
    rows = load_rows(numbers / "rows.npz")
    remade(forger.best(numbers), of_target(scale=lambda values: tuple(1.001 * each for each in values)))
    _, members = load_members(ModelFolder(forger.best(numbers)))
    with pytest.raises(StudyMismatch, match="other scales"):
        check_tested(members[0].preprocessing, rows, "these")


def test_a_scale_whose_last_bits_differ_is_the_same(numbers):
    rows = load_rows(numbers / "rows.npz")
    remade(forger.best(numbers), of_target(scale=lambda values: tuple(np.nextafter(each, 9) for each in values)))
    _, members = load_members(ModelFolder(forger.best(numbers)))
    check_tested(members[0].preprocessing, rows, "these")


def common_of(study: Path, key: str) -> Common:
    """What the network of a configuration was saved with."""
    folder = StudyFolder(study).model(key)
    preprocessing, members = load_members(folder)
    return Common(
        model=members[0].model,
        signature=members[0].signature,
        preprocessing=preprocessing_file.dumps(preprocessing),
        probe=folder.probe().read_bytes(),
        versions={},
    )


def test_a_network_is_not_saved_or_copied_beside_others_that_were_made_otherwise(study, tmp_path):
    repeat = next(each for each in journal.read(study / "ledger.jsonl").repeats if each.model)
    key = repeat.training.configuration.key
    right = common_of(study, key)
    wrong = replace(
        right, preprocessing=preprocessing_file.dumps(CHANGES["classes"](preprocessing_file.loads(right.preprocessing)))
    )
    kept = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    trained = Trained(repeat.training, seed=1, seconds=0.0, threads=1, probe=np.zeros((1, 1), np.float32))
    with pytest.raises(StudyMismatch, match="other classes"):
        save(study, trained, wrong)
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == kept
    with pytest.raises(StudyMismatch, match="other classes"):
        adopt(tmp_path / "other", study, repeat, wrong)
    assert not (tmp_path / "other").exists()
    adopt(tmp_path / "other", study, repeat, right)


def test_features_may_differ_between_folds_and_columns_may_not(study):
    _, members = load_members(ModelFolder(forger.best(study)))
    made = members[0].preprocessing
    fewer = replace(made, transformer=_without_a_category(made))
    assert fewer.features != made.features
    fingerprint = json.loads((study / "study.json").read_text())["fingerprint"]
    folded = Agreement({**fingerprint, "folds": 3})
    folded.add("repeat 0", "mlp", made)
    folded.add("repeat 1", "mlp", fewer)
    with pytest.raises(StudyMismatch, match="other classes"):
        folded.add("repeat 2", "mlp", CHANGES["classes"](made))
    whole = Agreement(fingerprint)
    whole.add("repeat 0", "mlp", made)
    with pytest.raises(StudyMismatch, match="other number of features, features"):
        whole.add("repeat 1", "mlp", fewer)


def _without_a_category(made: Preprocessing) -> Any:
    """Preprocessing without indicators of missing numbers: other features of the same columns."""

    fewer: Any = SimpleNamespace()
    fewer.transformers_ = [step for step in made.transformer.transformers_ if step[0] != "missing"]
    return fewer
