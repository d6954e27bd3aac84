"""Every kind of network in a whole study through the Keras engine, reloaded as any user would.

Convolutional and recurrent networks are those of the README's commands, which run once for test_readme.py and for here.
"""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import load_ensemble, load_top_models
from pipeline.data import readers
from pipeline.errors import UserError
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from tests import warm

RATE = 'learning_rate = { type = "real", low = 1e-3, high = 1e-2, scale = "log" }\n'
WIDTH = 'width = { type = "integer", low = 2, high = 9 }\n'
OWN = (Path(__file__).parent / "own_networks.py").read_text()
SMALL = (
    "--target target --space space.toml --study study --configurations 2 --repeats 1 --max-repeats 1 --calls 1"
    " --elite 1 --epochs 1 --top 2 --slots cpu:1"
)
MODEL = "own_networks:build"
WINDOW, HORIZON = 18, 6  # of search_spaces/recurrent.settings.toml

pytestmark = pytest.mark.slow


def words(folder: Path, model: str, data: str = "builtin:diabetes", *further: str, source: str = OWN) -> list[str]:
    (folder / "space.toml").write_text(RATE + (WIDTH if ":" in model else ""))
    (folder / "own_networks.py").write_text(source)
    return ["--model", model, "--data", data, *SMALL.split(), *further]


def run(folder: Path, model: str, *further: str, source: str = OWN) -> warm.Answer:
    return warm.script(folder, "run_pipeline.py", *words(folder, model, *further, source=source))


@pytest.mark.parametrize("settings", ["resnet_rate", "recurrent"])
def test_the_studies_of_the_readme_are_sound_and_their_networks_are_reloaded(readme, settings):
    study = readme.study(settings)
    repeats = journal.read(study / "ledger.jsonl").repeats
    assert len(repeats) >= 3
    _sound(study)
    top = load_top_models(study, 1)
    together = load_ensemble(study, "mean")
    stored = json.loads((study / "study.json").read_text())["settings"]
    _agrees(study, top, together, stored["data"], stored["target"][0])


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    """The folder of a finished study of a user's own network, and its module."""
    folder: Path = tmp_path_factory.mktemp("own")
    answer = run(folder, MODEL)
    assert answer.returncode == 0, answer.stderr + answer.stdout
    return folder


def test_a_study_of_a_network_of_ones_own_runs_resumes_and_is_reloaded(own, monkeypatch):
    """That workers find the module where the command is started is shown by tests/run/test_own_source.py."""
    study = own / "study"
    assert len(journal.read(study / "ledger.jsonl").repeats) == 4
    _sound(study)
    before = (study / "ledger.jsonl").read_bytes()
    assert run(own, MODEL).returncode == 0
    assert (study / "ledger.jsonl").read_bytes() == before
    monkeypatch.chdir(own)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the working directory is added to it
    with pytest.raises(UserError, match="--model"):
        load_top_models(study, 1)
    _agrees(study, load_top_models(study, 1, MODEL), load_ensemble(study, "mean", MODEL), "builtin:diabetes", "target")


def test_another_source_is_another_study(own, tmp_path):
    shutil.copytree(own, tmp_path, dirs_exist_ok=True)
    answer = run(tmp_path, MODEL, source=OWN.replace('"tanh"', '"relu"'))
    assert answer.returncode == 2
    assert "model_sha256" in answer.stderr


def _sound(study: Path) -> None:
    repeats = journal.read(study / "ledger.jsonl").repeats
    assert not any(each.error for each in repeats)
    assert {each.program for each in repeats} == {"keras fit"}
    assert audit(study) == ()
    named = r" has \*\*(?:\d hidden layers?|[^*]*learning_rate 0\.0\d)"  # what was searched, and never a key
    assert re.search(named, (study / "summary.md").read_text())
    assert json.loads((study / "study.json").read_text())["fingerprint"]["engine"] == "keras"
    assert (study / "best.txt").exists()


def _agrees(study: Path, top: Any, together: Any, data: str, target: str) -> None:
    """The networks predict the table, and the score of the journal is that of the network that was reloaded."""
    assert {each.configuration for each in together.members} >= set(top.configurations)
    assert len(together.members) == 2
    frame = readers.read_frame(data)
    predicted = top.predict(frame)
    early, beyond = (WINDOW + HORIZON - 1, HORIZON) if "mackey" in data else (0, 0)  # without a window, after the end
    assert len(predicted) == len(frame) + beyond
    assert np.isfinite(together.predict(frame)[target].astype(float))[early:].all()
    (best,) = [each for each in journal.read(study / "ledger.jsonl").repeats if each.model and _is(each, top)]
    shared = predicted.index.intersection(frame.index)
    if "accuracy" in best.scores[target]:
        right = (predicted[target].loc[shared] == frame[target].loc[shared].astype(str)).mean()
        assert right == pytest.approx(best.scores[target]["accuracy"], abs=0.15)
    else:
        error = np.abs(predicted[target].loc[shared] - frame[target].loc[shared]).mean()
        assert error == pytest.approx(best.scores[target]["mae"], rel=0.5)


def _is(repeat, top) -> bool:
    return repeat.training.configuration in top.configurations


@pytest.mark.parametrize(
    ("model", "further", "text"),
    [
        ("nowhere:build", (), "There is no module nowhere"),
        ("own_networks:wrong_outputs", (), "wrong_outputs returned a network whose inputs or outputs"),
        ("own_networks:raises", (), "raised KeyError"),
        ("own_networks:build", ("builtin:diabetes", "--engine", "packed"), "trains --model mlp alone"),
        ("convnet", (), "needs images"),
    ],
)
def test_what_cannot_be_trained_is_told_before_anything_is_written(model, further, text, tmp_path):
    answer = run(tmp_path, model, *further)
    assert answer.returncode == 2
    assert text in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "study").exists()
