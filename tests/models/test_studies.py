"""Every kind of network in a whole study through the Keras engine, reloaded as any user would."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline import load_ensemble, load_top_models
from pipeline.data import tables
from pipeline.errors import UserError
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit

ROOT = Path(__file__).parents[2]
RATE = 'learning_rate = { type = "real", low = 1e-3, high = 1e-2, scale = "log" }\n'
STUDIES = {
    "convnet": ("builtin:digits", "target", 'stages = 1\nfilters = { type = "choice", values = [2, 4] }\n', []),
    "recurrent": (
        "builtin:mackey_glass",
        "value",
        'cell = { type = "choice", values = ["gru", "lstm"] }\n',
        ["--time", "step", "--window", "6"],
    ),
    "own_networks:build": ("builtin:diabetes", "target", 'width = { type = "integer", low = 2, high = 9 }\n', []),
}

pytestmark = pytest.mark.slow


def command(folder: Path, model: str, *further: str) -> subprocess.CompletedProcess[str]:
    data, target, entries, flags = STUDIES.get(model, STUDIES["own_networks:build"])
    (folder / "space.toml").write_text(RATE + entries)
    (folder / "own_networks.py").write_text((Path(__file__).parent / "own_networks.py").read_text())
    options = f"--data {data} --target {target} --space space.toml --study study --model {model} --configurations 2"
    options += " --repeats 1 --max-repeats 1 --calls 1 --elite 1 --epochs 1 --top 2 --slots cpu:1"
    words = [sys.executable, str(ROOT / "scripts" / "run_pipeline.py"), *options.split(), *flags, *further]
    return subprocess.run(words, capture_output=True, text=True, cwd=folder, check=False, timeout=500)


@pytest.mark.parametrize("model", STUDIES)
def test_a_study_of_every_model_runs_resumes_and_is_reloaded(model, tmp_path, monkeypatch):
    answer = command(tmp_path, model)
    assert answer.returncode == 0, answer.stderr + answer.stdout
    study = tmp_path / "study"
    repeats = journal.read(study / "ledger.jsonl").repeats
    assert len(repeats) == 4
    assert not any(each.error for each in repeats)
    assert {each.program for each in repeats} == {"keras fit"}
    assert audit(study) == ()
    assert re.search(r" has \*\*[^*]*learning_rate 0\.0\d", (study / "summary.md").read_text())  # never its key
    assert json.loads((study / "study.json").read_text())["fingerprint"]["engine"] == "keras"
    before = (study / "ledger.jsonl").read_bytes()
    assert command(tmp_path, model).returncode == 0
    assert (study / "ledger.jsonl").read_bytes() == before
    _reloaded(study, model, monkeypatch)


def _reloaded(study: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study.parent)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the working directory is added to it
    if ":" in model:
        with pytest.raises(UserError, match="--model"):
            load_top_models(study, 1)
    top = load_top_models(study, 1, model if ":" in model else "")
    together = load_ensemble(study, "mean", model if ":" in model else "")
    assert {each.configuration for each in together.members} >= set(top.configurations)
    assert len(together.members) == 2
    data, target, _, _ = STUDIES[model]
    frame = tables.read_frame(data)
    predicted = top.predict(frame)
    assert len(predicted) == (len(frame) if model != "recurrent" else len(frame) - 6 + 1)
    assert np.isfinite(predicted[target]).all()
    assert np.isfinite(together.predict(frame)[target]).all()
    # The scores of the journal are those of the networks that were reloaded.
    (best,) = [each for each in journal.read(study / "ledger.jsonl").repeats if each.model and _is(each, top)]
    shared = predicted.index.intersection(frame.index)
    error = np.abs(predicted[target].loc[shared] - frame[target].loc[shared]).mean()
    assert error == pytest.approx(best.scores[target]["mae"], rel=0.5)
    assert (study / "best.txt").exists()


def _is(repeat, top) -> bool:
    return repeat.training.configuration in top.configurations


@pytest.mark.parametrize(
    ("model", "further", "text"),
    [
        ("nowhere:build", (), "There is no module nowhere"),
        ("own_networks:wrong_outputs", (), "wrong_outputs returned a network of other"),
        ("own_networks:raises", (), "raised KeyError"),
        ("own_networks:build", ("--engine", "packed"), "trains perceptrons"),
        ("convnet", ("--data", "builtin:diabetes"), "needs images"),
    ],
)
def test_what_cannot_be_trained_is_told_before_anything_is_written(model, further, text, tmp_path):
    answer = command(tmp_path, model, *further)
    assert answer.returncode == 2
    assert text in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "study").exists()


def test_another_source_is_another_study(tmp_path):
    model = "changed_networks:build"
    path = tmp_path / "changed_networks.py"
    original = (Path(__file__).parent / "own_networks.py").read_text()
    path.write_text(original)
    assert command(tmp_path, model).returncode == 0
    path.write_text(original.replace('"tanh"', '"relu"'))
    answer = command(tmp_path, model)
    assert answer.returncode == 2
    assert "model_sha256" in answer.stderr
