"""Ensembles of a whole study: one predictor each, made of what was saved, and refused where it is not that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import load_ensemble, load_top_models
from pipeline.data.rows import load_rows, prepare_rows
from pipeline.errors import DamagedFile, UserError
from pipeline.maintenance.audit import audit
from pipeline.run import test_phase
from pipeline.saved_models import ensembles
from pipeline.saved_models.member_files import manifest
from pipeline.study_folder.layout import ModelFolder, StudyFolder
from tests.faults import small_study as small

FLIPS = 100


@pytest.fixture(scope="module", params=["y,z", "c"], ids=["numbers", "classes"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study of numbers and of one of classes, with what was scored of its ensembles."""
    folder = tmp_path_factory.mktemp("ensembles")
    scored = {}
    keep = test_phase._save_ensembles

    def kept(study, found, digests):
        scored.update({each.name: each for each in found})
        keep(study, found, digests)

    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        patch.setattr(test_phase, "_save_ensembles", kept)
        answer = small.run(folder, target=str(request.param))
    assert answer.exit_code == 0, answer.output
    for name, each in scored.items():
        np.save(folder / f"{name}.npy", each.predictions)
    return folder


@pytest.fixture
def study(home: Path, tmp_path: Path) -> Path:
    return small.copied(home, tmp_path)


@pytest.mark.parametrize("name", ["mean", "greedy"])
def test_it_reloads_as_one_predictor_with_the_bits_that_were_scored(study, name):
    loaded, rows = load_ensemble(study, name), load_rows(study / "rows.npz")
    tested = pd.read_csv(study.parent / "table.csv").iloc[rows.test.rows]
    scored = np.load(study.parent / f"{name}.npy")
    predicted = loaded.predict(tested)
    names = [f"c probability {label}" for label in loaded.classes] or list(loaded.outputs)
    calibrated = loaded.decision.chances(scored) if loaded.decision else scored
    assert np.array_equal(predicted[names].to_numpy(), calibrated)
    each = loaded.predict_each(tested)
    assert len(each) == len(loaded.members) == len(loaded.times)
    assert np.average(each, axis=0, weights=loaded.times) == pytest.approx(scored)


def test_the_mean_is_that_of_the_top_models_and_the_command_predicts_with_it(study):
    frame = pd.read_csv(study.parent / "table.csv")
    assert load_ensemble(study, "mean").predict(frame).equals(load_top_models(study, 2).predict(frame))
    words = ["--study", str(study), "--input", str(study.parent / "table.csv"), "--ensemble", "greedy"]
    answer = small.command("predict", *words, "--output", str(study.parent / "together.csv"))
    assert answer.exit_code == 0, answer.output
    loaded = load_ensemble(study)
    assert f"by {len(loaded.members)} networks" in answer.output.replace("\n", " ")
    written, direct = pd.read_csv(study.parent / "together.csv"), loaded.predict(frame)
    assert list(written.columns) == list(direct.columns)
    assert np.array_equal(written[loaded.outputs[0]].to_numpy(), direct[loaded.outputs[0]].to_numpy())


def test_the_page_has_them_beside_the_winner_and_the_baselines(study):
    page = (study / "summary.md").read_text()
    table = page.split("## The best configurations")[1].split("\n\n")[1]
    first = [line.split("|")[1].strip() for line in table.splitlines()]
    assert first[2:] == ["1", "2", "ensemble, mean", "ensemble, greedy", "default", first[-1]]
    assert "## The ensembles" in page
    assert "load_ensemble(" in page


def test_test_rows_choose_nothing(study, monkeypatch):
    before = {name: StudyFolder(study).ensemble(name).read_bytes() for name in StudyFolder(study).ensembles()}
    assert before.keys() == {"mean", "greedy"}
    spoiled = prepare_rows

    def other(*words, **options):
        rows, fitted = spoiled(*words, **options)
        rng = np.random.default_rng(0)
        rows.test.measured[:] = rng.permutation(rows.test.measured)
        rows.test.inputs[:] = rng.normal(size=rows.test.inputs.shape)
        rows.test.outputs[:] = rows.target.to_scaled(rows.test.measured)
        return rows, fitted

    monkeypatch.setattr("pipeline.run.training_rows.prepare_rows", other)
    small.stand_in(monkeypatch)
    target = "c" if load_ensemble(study).classes else "y,z"
    assert small.run(study.parent, target=target, data=_data_of(study)).exit_code == 0
    assert {name: StudyFolder(study).ensemble(name).read_bytes() for name in StudyFolder(study).ensembles()} == before


def _data_of(study: Path) -> str:
    return str(study.parent / "table.csv")


def test_a_flipped_bit_or_a_cut_is_refused_and_found(study):
    path = StudyFolder(study).ensemble("greedy")
    whole, rng = path.read_bytes(), np.random.default_rng(3)
    for offset, bit in zip(rng.integers(len(whole), size=FLIPS), rng.integers(8, size=FLIPS), strict=True):
        flipped = bytearray(whole)
        flipped[offset] ^= 1 << int(bit)
        path.write_bytes(flipped)
        with pytest.raises(DamagedFile, match=r"ensemble-greedy\.json(?s:.*)Try:"):
            load_ensemble(study)
    path.write_bytes(whole[:-3])
    assert any(finding.file == path for finding in audit(study))
    path.write_bytes(whole)
    assert load_ensemble(study).members
    assert audit(study) == ()


def test_another_member_or_weight_is_refused_whoever_seals_it(study):
    entries = ensembles.entries_of(StudyFolder(study).ensemble("mean"))
    first, second = entries[:2]
    stranger = ensembles.Entry(first.key, first.index, "0" * 64, 1)
    swapped = ensembles.Entry(first.key, first.index, second.digest, 1)
    for other in (stranger, swapped):
        ensembles.save(study, "mean", [other, *entries[1:]])
        with pytest.raises(DamagedFile, match="ledger does not have"):
            load_ensemble(study, "mean")
    for wrong in ([], [first, first], [ensembles.Entry("../../x", 0, first.digest, 1)]):
        ensembles.save(study, "mean", wrong)
        with pytest.raises(DamagedFile, match="is not an ensemble"):
            load_ensemble(study, "mean")
    strange: tuple[Any, ...] = (0, -1, True, 1.5, 10**6)
    for times in strange:
        ensembles.save(study, "mean", [ensembles.Entry(first.key, first.index, first.digest, times)])
        with pytest.raises(DamagedFile, match="is not an ensemble"):
            load_ensemble(study, "mean")
    content = json.loads(StudyFolder(study).ensemble("greedy").read_text())
    content["members"][0]["times"] += 1
    StudyFolder(study).ensemble("greedy").write_text(json.dumps(content, indent=1))
    with pytest.raises(DamagedFile, match="not what was written"):
        load_ensemble(study)


def test_a_tampered_member_is_refused(study):
    entry = ensembles.entries_of(StudyFolder(study).ensemble("greedy"))[0]
    folder = study / "models" / entry.key
    path = folder / f"repeat-{entry.index:03d}.npz"
    assert manifest(ModelFolder(folder))[path.name] == entry.digest
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFile):
        load_ensemble(study)


def test_what_is_not_there_is_told(study, tmp_path):
    for name in ("../mean", "best", ""):
        with pytest.raises(UserError, match="greedy or mean"):
            load_ensemble(study, name)
    with pytest.raises(UserError, match="not a study folder"):
        load_ensemble(tmp_path / "nothing")


def test_a_single_network_leaves_no_ensemble(study, monkeypatch):
    if load_ensemble(study).classes:
        return
    small.stand_in(monkeypatch)
    options = {"top": "1", "repeats": "1", "max-repeats": "1", "calls": "0", "study": str(study.parent / "one")}
    answer = small.run(study.parent, **options)
    assert answer.exit_code == 0, answer.output
    assert StudyFolder(study.parent / "one").ensembles() == ()
    with pytest.raises(UserError, match="two saved models"):
        load_ensemble(study.parent / "one")
