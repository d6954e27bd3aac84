"""What a run begins with is computed once: the files of a user may change while it goes on, and it goes on."""

from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline import models, plugins, settings
from pipeline.errors import UserError
from pipeline.maintenance.audit import audit
from pipeline.models import custom_keras, mlp
from pipeline.run import parcels
from pipeline.run.description import describe
from pipeline.run.prepare import prepare
from pipeline.run.prepared_run import PreparedRun
from pipeline.study_folder import identity
from pipeline.study_folder.layout import StudyFolder
from pipeline.training.jobs import TrainJobs
from pipeline.training.protocol import Trained
from pipeline.trial import Job
from pipeline.workbook import book, refresh
from pipeline.workbook.ooxml import text
from pipeline.workbook.view import View, shown
from scripts.faults.drawing import Inline
from tests.faults import small_study as small
from tests.golden.golden_studies import HERE as GOLDEN
from tests.golden.golden_studies import MODEL, STUDIES, study_json

SOURCE = b"raise SystemExit('nobody imports this here')\n"


def prepared(folder: Path, **options: str) -> PreparedRun:
    words = small.arguments(folder, **options)[1:]
    given = {name[2:].replace("-", "_"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    return prepare(settings.read(None, given))


def test_what_is_prepared_is_plain_fields_computed_once(tmp_path):
    run = prepared(tmp_path)
    assert all(getattr(run, each.name) is getattr(run, each.name) for each in fields(run))
    assert not [name for name, value in vars(PreparedRun).items() if isinstance(value, property)]
    with pytest.raises(FrozenInstanceError):
        run.plan = run.plan  # type: ignore[misc]
    assert run.code == ()
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("name", [each for each in STUDIES if each not in MODEL])
def test_the_fingerprint_is_that_of_studies_written_before_name_by_name(name, monkeypatch):
    monkeypatch.chdir(GOLDEN / name)
    found = prepare(settings.read(Path("settings.toml"), {})).identity.fingerprint
    stored = study_json(GOLDEN / name)["fingerprint"]
    assert identity.differences(stored, found) == []
    assert list(found) == list(stored)


def test_the_first_lines_say_what_is_about_to_happen(tmp_path):
    lines = describe(prepared(tmp_path, folds="4", repeats="2", seconds="60", settled="3", target_score="0.1"))
    assert [line.split(":")[0] for line in lines] == [
        *("Data", "Folds", "Inputs", "Missing cells", "Task", "Outputs", "Space"),
        *("Stage 1", "Stage 2", "Ends earlier", "Workers"),
    ]
    found = dict(line.split(": ", 1) for line in lines)
    assert "80 rows" in found["Data"]
    assert "2 repeats are 2 of the folds" in found["Folds"]
    assert found["Stage 1"] == "3 configurations x 2 repeats, up to 5 epochs"
    noise = "after 3 rounds without an expected gain above the noise"
    assert found["Ends earlier"] == f"after 60 seconds, at an objective of 0.1, {noise}"


def test_new_studies_propose_on_one_thread_and_those_of_earlier_versions_as_they_did(tmp_path):
    run = prepared(tmp_path)
    assert run.plan.one_thread
    assert run.identity.settings["proposals"] == "on one thread"
    (tmp_path / "study").mkdir()
    identity.write(tmp_path / "study", run.identity)
    assert prepared(tmp_path).plan.one_thread
    before = {name: value for name, value in run.identity.settings.items() if name != "proposals"}
    identity.write(tmp_path / "study", replace(run.identity, settings=before))
    again = prepared(tmp_path)
    assert not again.plan.one_thread
    assert "proposals" not in again.identity.settings


def test_a_study_is_not_its_own_prior(tmp_path):
    with pytest.raises(UserError, match="cannot be its own prior"):
        prepared(tmp_path, prior=str(tmp_path / "study"))


@dataclass(frozen=True, slots=True)
class Meddling(small.Initial):
    """An engine beside which a user works on their module, as soon as the first training is asked for."""

    def __call__(self, work: TrainJobs, job: Job) -> tuple[Trained, ...]:
        meddle()
        return small.Initial.__call__(self, work, job)


def meddle() -> None:
    """What the user does; each test says what."""


def edited(path: Path) -> None:
    path.write_bytes(SOURCE + b"# another thought\n")


def renamed(path: Path) -> None:
    if path.exists():
        path.rename(path.with_name("renamed_network.py"))


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module of a user's own model, whose networks are perceptrons here: no worker has to import Keras."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # before folders that other tests have left there
    path = tmp_path / "own_network_of_a_user.py"
    path.write_bytes(SOURCE)
    monkeypatch.setattr(models, "load", lambda name: mlp)
    monkeypatch.setattr("pipeline.run.model_size.LocalPlaces", lambda slots, _: Inline(slots))
    return path


def sheet(study: Path) -> dict[str, str]:
    found = pd.read_excel(study / "ledger.xlsx", sheet_name="Study", dtype=str, keep_default_na=False)
    return dict(zip(found["name"], found["value"], strict=True))


@pytest.mark.parametrize("change", [edited, renamed])
def test_a_module_that_changes_during_a_run_neither_ends_it_nor_changes_what_the_study_is(
    change, module, tmp_path, monkeypatch
):
    small.stand_in(monkeypatch, engine=Meddling())
    monkeypatch.setattr(f"{__name__}.meddle", lambda: change(module))
    reads, views = list[str](), list[View]()
    write = book.write

    def read(module: str) -> tuple[plugins.Source, ...]:
        reads.append(module)
        return plugins.sources_of(module)

    monkeypatch.setattr(parcels, "sources_of", read)

    def written(path: Path, view: View, *say: Any) -> Path:
        views.append(view)
        return write(path, view, *say)

    monkeypatch.setattr(book, "write", written)
    for name in ("REFRESH_SECONDS", "REFRESH_RATIO"):  # drawn at every training
        monkeypatch.setattr(refresh, name, 0.0)
    name, study = f"{module.stem}:build", tmp_path / "study"
    answer = small.run(tmp_path, model=name)
    assert answer.exit_code == 0, answer.output
    assert not module.exists() or module.read_bytes() != SOURCE
    assert reads == [module.stem]
    stored = identity.read(StudyFolder(study).identity)
    assert stored.fingerprint["model_sha256"] == hashlib.sha256(SOURCE).hexdigest()
    assert len(views) > small.TRAININGS
    assert {view.study for view in views} == {views[0].study}
    assert sheet(study) == {name: text(shown(value)) for name, value in stored.facts.items()}
    assert audit(study) == ()


def test_the_source_that_was_hashed_is_at_hand(module, tmp_path):
    run = prepared(tmp_path, model=f"{module.stem}:build")
    renamed(module)
    assert run.code[-1].content() == SOURCE
    assert run.identity.fingerprint["model_sha256"] == hashlib.sha256(SOURCE).hexdigest()


def test_a_module_that_cannot_be_read_is_a_mistake_of_the_user_s(module, monkeypatch):
    def refused(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(UserError, match=r"cannot be read(.|\n)*Permission denied(.|\n)*Try:"):
        custom_keras.source_of(f"{module.stem}:build")
