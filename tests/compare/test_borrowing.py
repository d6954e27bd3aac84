"""Borrowing between study folders: copied with the model, refused from another protocol, altered models named."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline import saved_models
from pipeline.compare.borrowing import borrower, is_borrowed
from pipeline.errors import DamagedFile, StudyMismatch
from pipeline.ledger.journal import open_journal
from pipeline.models import Signature
from pipeline.study_folder import identity
from pipeline.study_folder.layout import StudyFolder
from pipeline.training.protocol import Trained
from pipeline.trial import Configuration, Repeat, Training

ONE = Configuration.of({"learning_rate": 0.1})
COMMON = saved_models.Common("mlp", Signature(2, 1), b"scalers", b"{}", {"keras": "3"})
STARTED = "2026-11-27T05:12:00.123Z"
FACTS = {"format": identity.FORMAT, "data": "abc", "epochs": 5}


def common_of(_: Training) -> saved_models.Common:
    return COMMON


@pytest.fixture
def lender(tmp_path):
    study = tmp_path / "random-0"
    (study / "models").mkdir(parents=True)
    identity.write(study, identity.Stored(FACTS, {}, identity.versions()))
    with open_journal(study / "ledger.jsonl") as journal:
        for index in range(3):
            training = Training(ONE, 5, index)
            made = Trained(training, index, 1.0, 1, objective=0.5, weights=(np.ones((2, 1)),), probe=np.zeros((1, 1)))
            journal.append_repeat(
                Repeat(
                    training,
                    "explore",
                    index,
                    0.5,
                    seconds=2.0,
                    started=STARTED,
                    slot="cpu:0",
                    model=saved_models.save(study, made, COMMON),
                )
            )
        journal.append_repeat(Repeat(Training(ONE, 1, 0), "explore", 0, 0.9))  # of few epochs, without a model
        journal.append_repeat(Repeat(Training(ONE, 5, 3), "explore", 3, None, error="its worker died"))
    return study


def test_a_repeat_comes_with_its_model_and_says_from_where(lender, tmp_path):
    study = tmp_path / "gp-0"
    borrow = borrower(study, [lender], FACTS, common_of)
    found = [borrow(Training(ONE, 5, index)) for index in (2, 0)]
    for repeat in found:
        assert repeat is not None
        assert (repeat.slot, repeat.seconds, repeat.started) == ("from random-0", 2.0, STARTED)
        assert repeat.objective == 0.5
        assert is_borrowed(repeat)
        name = f"repeat-{repeat.training.index:03d}.npz"
        assert saved_models.check(StudyFolder(study).model(ONE.key))[name] == repeat.model
    few = borrow(Training(ONE, 1, 0))
    assert few is not None
    assert few.objective == 0.9


def test_what_failed_or_is_not_there_is_not_borrowed(lender, tmp_path):
    borrow = borrower(tmp_path / "gp-0", [lender], FACTS, common_of)
    assert borrow(Training(ONE, 5, 3)) is None
    assert borrow(Training(ONE, 5, 4)) is None
    assert borrow(Training(ONE, 3, 0)) is None
    assert borrow(Training(Configuration.of({"learning_rate": 0.2}), 5, 0)) is None


def test_another_protocol_lends_nothing(lender, tmp_path):
    with pytest.raises(StudyMismatch, match="epochs"):
        borrower(tmp_path / "gp-0", [lender], {**FACTS, "epochs": 6}, common_of)


def test_an_altered_model_is_named(lender, tmp_path):
    path = StudyFolder(lender).model(ONE.key).path / "repeat-000.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(DamagedFile, match="repeat-000"):
        borrower(tmp_path / "gp-0", [lender], FACTS, common_of)(Training(ONE, 5, 0))


def test_a_model_that_is_not_the_journals_is_named(lender, tmp_path):
    borrow = borrower(tmp_path / "gp-0", [lender], FACTS, common_of)
    made = Trained(Training(ONE, 5, 0), 0, 1.0, 1, objective=0.5, weights=(np.zeros((2, 1)),), probe=np.zeros((1, 1)))
    saved_models.save(lender, replace(made, seconds=3.0), COMMON)
    with pytest.raises(DamagedFile, match="not the model"):
        borrow(Training(ONE, 5, 0))
