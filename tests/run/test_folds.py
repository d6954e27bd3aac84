"""Cross-validation in a whole study: each repeat has rows and scalers of its own, and all else is as it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import load_ensemble, load_top_models, saved_models
from pipeline.data.rows import load_rows, rows_file
from pipeline.errors import DamagedFile
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from pipeline.run import test_phase
from pipeline.run.held_out import complete_rounds
from pipeline.settings import read
from pipeline.space import parse
from pipeline.study_folder.layout import StudyFolder
from pipeline.training.jobs import jobs_of
from pipeline.training.protocol import Protocol
from pipeline.trial import Configuration, Training
from tests.faults import small_study as small

FOLDS = 3
OPTIONS = {"folds": str(FOLDS), "repeats": "3", "max_repeats": "7", "calls": "1"}


@pytest.fixture(scope="module", params=["y,z", "c"], ids=["numbers", "classes"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study with folds, and the test predictions that were scored of its ensembles."""
    folder = tmp_path_factory.mktemp("folds")
    scored = {}
    keep = test_phase._save_ensembles

    def kept(study, found, digests):
        scored.update({each.name: each for each in found})
        keep(study, found, digests)

    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        patch.setattr(test_phase, "_save_ensembles", kept)
        answer = small.run(folder, target=str(request.param), **OPTIONS)
    assert answer.exit_code == 0, answer.output
    assert "Folds: 3" in answer.output
    for name, each in scored.items():
        np.save(folder / f"{name}.npy", each.predictions)
    (folder / "target.txt").write_text(str(request.param))
    return folder


@pytest.fixture
def study(home: Path, tmp_path: Path) -> Path:
    return small.copied(home, tmp_path)


def target_of(study: Path) -> str:
    return (study.parent / "target.txt").read_text()


def test_each_repeat_was_trained_and_judged_with_the_rows_of_its_fold(study):
    repeats = journal.read(study / "ledger.jsonl").repeats
    assert max(each.training.index for each in repeats) > FOLDS
    rows = {index: load_rows(rows_file(study / "rows.npz", FOLDS, index)) for index in range(7)}
    held = [set(rows[index].validation.rows) for index in range(FOLDS)]
    assert set.union(*held) == set(range(80)) - set(rows[0].test.rows)
    assert sum(map(len, held)) == len(set.union(*held))
    assert all(np.array_equal(each.test.rows, rows[0].test.rows) for each in rows.values())
    frame = pd.read_csv(study.parent / "table.csv")
    top = load_top_models(study, 1)
    scored = {
        (each.training.configuration.key, each.training.index): each.objective for each in repeats if each.objective
    }
    for member in top.members:
        own = rows[member.index].validation
        target = member.preprocessing.target
        units = target.to_units(member.network(member.preprocessing.inputs(frame.iloc[own.rows])))
        found = np.average(target.row_errors(own.measured, units), weights=own.weights)
        assert found == pytest.approx(scored[member.configuration.key, member.index], rel=1e-5)
    assert len({id(member.preprocessing) for member in top.members}) == len(top.members)


def test_the_study_is_sound_and_the_same_command_trains_nothing_again(study, monkeypatch):
    assert audit(study) == ()
    before = small.facts(study)
    small.stand_in(monkeypatch, workers=2, shuffle=3)
    assert small.run(study.parent, target=target_of(study), **OPTIONS).exit_code == 0
    assert small.facts(study) == before


def test_the_order_in_which_jobs_end_changes_nothing(study, tmp_path, monkeypatch):
    small.stand_in(monkeypatch, workers=3, shuffle=11)
    other = tmp_path / "other"
    other.mkdir()
    assert small.run(other, target=target_of(study), **OPTIONS).exit_code == 0
    assert small.facts(other / "study") == small.facts(study)
    assert small.weights(other / "study") == small.weights(study)


def test_other_folds_are_another_study_and_none_are_unsaid(study, tmp_path, monkeypatch):
    small.stand_in(monkeypatch)
    options = {**OPTIONS, "target": target_of(study)}
    for folds, named in (("4", "folds: 3 there, 4 now"), ("0", "folds: 3 there, 0 now")):
        refused = small.run(study.parent, **{**options, "folds": folds})
        assert refused.exit_code == 2
        assert named in refused.output
    plain = tmp_path / "plain"
    plain.mkdir()
    assert small.run(plain, configurations="1", calls="0").exit_code == 0
    assert "folds" not in json.loads((plain / "study" / "study.json").read_text())["fingerprint"]
    for ledger in ("ledger.xlsx", "ledger.jsonl"):
        one, other = plain / "study", study
        for ours, theirs in ((one, other), (other, one)):
            answer = small.command("ledger", "import", str(ours), str(theirs / ledger))
            assert answer.exit_code == 2, answer.output
            assert "folds" in answer.output
    assert "folds: 0 there, 3 now" in small.run(plain, folds="3", configurations="1", calls="0").output


def test_ensembles_take_whole_rounds_and_give_the_bits_that_were_scored(study):
    rows = load_rows(rows_file(study / "rows.npz", FOLDS, 0))
    tested = pd.read_csv(study.parent / "table.csv").iloc[rows.test.rows]
    assert StudyFolder(study).ensembles() == ("greedy", "mean")
    for name in StudyFolder(study).ensembles():
        loaded = load_ensemble(study, name)
        predicted = loaded.predict(tested)
        columns = [f"c probability {label}" for label in loaded.classes] or list(loaded.outputs)
        scored = np.load(study.parent / f"{name}.npy")
        calibrated = loaded.decision.chances(scored) if loaded.decision else scored
        assert np.array_equal(predicted[columns].to_numpy(), calibrated)
        rounds: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for member, times in zip(loaded.members, loaded.times, strict=True):
            one = rounds.setdefault((member.configuration.key, member.index // FOLDS), [])
            one.append((member.index % FOLDS, times))
        for members in rounds.values():
            assert [number for number, _ in members] == list(range(FOLDS))
            assert len({times for _, times in members}) == 1


def test_rounds_are_put_into_the_order_of_the_table(study):
    library = [("a", index) for index in (0, 1, 2, 3, 4, 5, 6)] + [("b", index) for index in (3, 4)]
    files = {index: load_rows(rows_file(study / "rows.npz", FOLDS, index)).validation for _, index in library}
    # What each network says is the number of the row.
    said = [files[index].rows[:, np.newaxis].astype(float) for _, index in library]
    examine = saved_models.Examine(study, study / "rows.npz", {}, folds=FOLDS)
    found = complete_rounds(library, said, examine)
    assert [each.members for each in found.candidates] == [(0, 1, 2), (3, 4, 5)]
    rows = np.sort(np.concatenate([files[index].rows for index in range(FOLDS)]))
    assert all(np.array_equal(each.predictions[:, 0], rows) for each in found.candidates)
    assert np.array_equal(found.rows, rows)
    known = {row: one for part in files.values() for row, one in zip(part.rows, part.measured, strict=True)}
    assert np.array_equal(found.measured, [known[row] for row in rows])
    assert len(found.weights) == len(rows)


def test_a_category_and_a_gap_that_some_folds_lack_are_no_obstacle(study):
    frame = pd.read_csv(study.parent / "table.csv")
    frame["c"] = frame["c"].astype(object)
    frame.loc[0, "c"] = "only here"
    if target_of(study) != "c":
        assert "only here" in load_top_models(study, 1).unknown_categories(frame)["c"]
    assert np.isfinite(load_top_models(study, 2).predict_each(frame)).all()


def test_the_scalers_of_another_fold_are_refused(study):
    top = load_top_models(study, 1)
    folder = study / "models" / top.configurations[0].key
    hashes = json.loads((folder / "manifest.json").read_text())
    first, second = folder / "preprocessing-000.skops", folder / "preprocessing-001.skops"
    first.write_bytes(second.read_bytes())
    with pytest.raises(DamagedFile):
        load_top_models(study, 1)
    hashes["files"][first.name] = hashes["files"][second.name]
    (folder / "manifest.json").write_text(json.dumps(hashes))
    with pytest.raises(DamagedFile):
        load_top_models(study, 1)


def test_a_job_has_trainings_of_one_fold():
    space = parse({"hidden_layers": 1, "units": {"type": "integer", "low": 4, "high": 9, "per": "hidden_layers"}})
    trainings = [
        Training(Configuration.of({"hidden_layers": 1, "units": (units,), "batch_size": 32}), 5, index)
        for units in range(4, 10)
        for index in range(4)
    ]
    for folds, engine in ((0, "packed"), (4, "packed"), (4, "keras")):
        protocol = Protocol("mlp", "mse", 3, 0.0, 0, space, engine, folds=folds)
        jobs = jobs_of(trainings, protocol, 1)
        assert sorted(each.identity for job in jobs for each in job.trainings) == sorted(
            each.identity for each in trainings
        )
        mixed = any(len({each.index for each in job.trainings}) > 1 for job in jobs)
        assert mixed == (folds == 0)


def test_one_fold_and_folds_of_a_series_are_refused_at_once():
    given = {"data": "x.csv", "target": "y", "space": "s.toml", "study": "r"}
    for options in ({"folds": 1}, {"folds": 3, "time": "t"}):
        with pytest.raises(Exception, match="fold"):
            read(None, {**given, **options})
