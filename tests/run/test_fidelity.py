"""A whole run of successive halving: what few epochs have chosen is in the ledger, and never among the results."""

from pathlib import Path

import pandas as pd
import pytest

from pipeline import best_group, load_top_models
from pipeline.data import readers
from pipeline.ledger import journal
from pipeline.ledger.records import encode, frame
from pipeline.maintenance.audit import audit
from tests.run.test_launch import facts, run

pytestmark = pytest.mark.slow

EPOCHS = 9


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("halving")
    answer = run(folder, strategy="halving", epochs=str(EPOCHS), configurations="6", top="3")
    assert answer.returncode == 0, answer.stderr
    assert "successive halving" in answer.stdout
    return folder


def test_every_training_is_a_fact_and_full_ones_alone_are_results(finished):
    study = finished / "study"
    repeats = journal.read(study / "ledger.jsonl").repeats
    assert {each.training.epochs for each in repeats} == {1, 3, EPOCHS}
    assert all(bool(each.model) == (each.training.epochs == EPOCHS) for each in repeats)
    full = {each.training.configuration.key for each in repeats if each.training.epochs == EPOCHS}
    ranked = pd.read_excel(study / "ledger.xlsx", sheet_name="Configurations")
    assert set(ranked["key"]) == full
    assert set(ranked["epochs limit"]) == {EPOCHS}
    assert len(pd.read_excel(study / "ledger.xlsx", sheet_name="Repeats")) == len(repeats)
    assert {path.name for path in (study / "models").iterdir()} == full
    assert "began with fewer epochs (1, 3)" in (study / "summary.md").read_text()
    assert {each.key for each in best_group(study).members} <= full
    assert audit(study) == ()


def test_models_of_full_trainings_are_reloaded(finished):
    top = load_top_models(finished / "study", 3)
    predicted = top.predict(readers.read_frame("builtin:diabetes"))
    assert predicted["target"].notna().all()


def test_a_rerun_trains_nothing_and_another_strategy_goes_on_in_the_same_study(finished):
    study = finished / "study"
    before = facts(study)
    assert run(finished, strategy="halving", epochs=str(EPOCHS), configurations="6", top="3").returncode == 0
    assert facts(study) == before
    assert run(finished, strategy="random", epochs=str(EPOCHS), configurations="3").returncode == 0
    assert set(facts(study)) > set(before)
    assert audit(study) == ()


def test_a_model_of_a_training_with_few_epochs_is_found(finished):
    study = finished / "study"
    path = study / "ledger.jsonl"
    kept = path.read_bytes()
    first = next(each for each in journal.read(path).repeats if each.training.epochs == 1)
    raw = encode(first)
    try:
        path.write_bytes(kept.replace(frame(raw), frame({**raw, "model": "0" * 64})))
        assert any("was not trained in full" in str(each) for each in audit(study))
    finally:
        path.write_bytes(kept)
