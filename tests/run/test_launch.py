"""Whole runs of the product with real TensorFlow and small data.

The run that most tests read, and the one that is interrupted, are started as a user starts them, with worker processes.
The others are runs in this process: what they promise does not depend on where a job is done. That it does not, two
workers and a killed driver, is shown in tests/faults (test_real_engine.py, test_real_kills.py).
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import best_group, load_top_models
from pipeline.data import readers
from pipeline.ledger import journal
from pipeline.saved_models import check
from pipeline.study_folder.layout import ModelFolder, StudyFolder
from tests import warm
from tests.faults import small_study
from tests.faults.commands import FAKE

ROOT = Path(__file__).parents[2]
SPACE = """
hidden_layers = { type = "integer", low = 1, high = 2 }
units = { type = "integer", low = 4, high = 20, per = "hidden_layers" }
learning_rate = { type = "real", low = 1e-3, high = 5e-2, scale = "log" }
activation = { type = "choice", values = ["relu", "tanh"] }
"""
SMALL = {
    "data": "builtin:diabetes",
    "target": "target",
    "configurations": "4",
    "repeats": "2",
    "max_repeats": "2",
    "elite": "2",
    "calls": "2",
    "epochs": "5",
    "patience": "3",
    "top": "2",
}
TRAININGS = (1 + 4 + 2 * 2) * 2

WHOLE = ROOT / "scripts" / "run_pipeline.py"

pytestmark = pytest.mark.slow


def words(folder: Path, **options: str) -> list[str]:
    (folder / "space.toml").write_text(SPACE)
    given = {**SMALL, "space": str(folder / "space.toml"), "study": str(folder / "study"), "slots": "cpu:1", **options}
    return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]


def command(folder: Path, *, script: Path = WHOLE, **options: str) -> list[str]:
    return [sys.executable, str(script), *words(folder, **options)]


def run(folder: Path, *, order: Mapping[str, int] | None = None, **options: str) -> warm.Answer:
    """In this process; `order` says in which order jobs end, or after how many the driver dies."""
    return warm.script(folder, "run_pipeline.py", *words(folder, **options), **(order or {}))


def facts(study: Path) -> list[tuple[object, ...]]:
    """What a journal says, up to order and timings; the digest of the weights included."""
    return sorted(
        (*each.training.identity, each.stage, each.objective, each.model, each.best_epoch, each.error)
        for each in journal.read(study / "ledger.jsonl").repeats
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    program = "\n".join([  # the driver never loads TensorFlow: a run takes less memory and starts at once
        "import runpy, sys",
        f"sys.argv = {command(folder)[1:]!r}",
        "try:",
        "    runpy.run_path(sys.argv[0], run_name='__main__')",
        "except SystemExit as end:",
        "    assert end.code in (0, None), end.code",
        "assert not {'tensorflow', 'keras'} & set(sys.modules)",
    ])  # fmt: skip
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=folder, check=False)
    assert answer.returncode == 0, answer.stderr
    said = " ".join(answer.stdout.split())
    assert "The best of 8 configurations" in said
    assert "as good as the best" in said[-600:]  # the last lines, which are still on the screen
    return folder


def test_everything_promised_is_there(finished):
    study = finished / "study"
    for name in ("ledger.xlsx", "ledger.jsonl", "study.json", "summary.md", "worst_rows.csv", "test_predictions.csv"):
        assert (study / name).stat().st_size > 0
    assert len(list((study / "figures").glob("*.png"))) == 7
    repeats = journal.read(study / "ledger.jsonl").repeats
    assert len(repeats) == len({each.training.identity for each in repeats}) == TRAININGS
    assert {each.stage for each in repeats} == {"baseline", "explore", "refine"}
    for each in repeats:
        assert (
            check(StudyFolder(study).model(each.training.configuration.key))[f"repeat-{each.training.index:03d}.npz"]
            == each.model
        )
    sheet = pd.read_excel(study / "ledger.xlsx", sheet_name="Configurations")
    assert len(sheet) == 9
    assert len(pd.read_excel(study / "ledger.xlsx", sheet_name="Repeats")) == TRAININGS


def test_a_rerun_trains_nothing_and_ends_equal(finished):
    study = finished / "study"
    before, summary = (study / "ledger.jsonl").read_bytes(), (study / "summary.md").read_text()
    answer = run(finished)
    assert answer.returncode == 0, answer.stderr
    assert (study / "ledger.jsonl").read_bytes() == before
    timeless = re.compile(r"this run took.*")
    assert timeless.sub("", (study / "summary.md").read_text()) == timeless.sub("", summary)


def test_reloaded_models_predict_in_original_units_in_another_process(finished):
    frame = readers.read_frame("builtin:diabetes")
    top = load_top_models(finished / "study", 2)
    predicted = top.predict(frame)
    assert list(predicted.columns) == ["target", "target spread"]
    assert len(top.members) == 4
    assert 100 < predicted["target"].mean() < 200
    frame.to_csv(finished / "new.csv", index=False)
    arguments = ["--study", "study", "--input", "new.csv", "--output", "predicted.csv", "--top", "2"]
    script = str(ROOT / "scripts" / "predict.py")
    subprocess.run([sys.executable, script, *arguments], check=True, cwd=finished, capture_output=True)
    again = pd.read_csv(finished / "predicted.csv")
    assert np.array_equal(again.to_numpy(), predicted.to_numpy())


def test_the_stored_probe_predictions_come_back_bit_by_bit(finished):
    from pipeline.saved_models import load_members

    for folder in sorted((finished / "study" / "models").iterdir()):
        prepared, members = load_members(ModelFolder(folder))
        probe = prepared.inputs(pd.DataFrame(json.loads((folder / "probe.json").read_text())))
        for member in members:
            with np.load(folder / f"repeat-{member.index:03d}.npz") as stored:
                assert np.array_equal(member.network(probe), stored["probe"])


def test_keras_files_of_the_top_hold_the_same_networks(finished):
    import keras

    study = finished / "study"
    top = load_top_models(study, 2)
    frame = readers.read_frame("builtin:diabetes")
    inputs = top.preprocessing.inputs(frame)
    for member in top.members:
        path = StudyFolder(study).model(member.configuration.key).keras(member.index)
        loaded = keras.models.load_model(path, compile=False, safe_mode=True)
        assert np.allclose(np.asarray(loaded(inputs)), member.network(inputs), atol=1e-5)


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_the_driver_gone_and_started_again_nothing_is_trained_twice(finished, tmp_path, jobs):
    """Gone in stage 1 (after the first job of it) and in stage 2, while several jobs may be at work."""
    path = tmp_path / "study" / "ledger.jsonl"
    with pytest.raises(small_study.Killed):
        run(tmp_path, order={"dies_after": jobs, "workers": 2, "shuffle": jobs})
    kept = {each.training.identity: each.seconds for each in journal.read(path).repeats}
    assert 0 < len(kept) < TRAININGS
    assert run(tmp_path, order={"workers": 2, "shuffle": 7}).returncode == 0
    after = {each.training.identity: each.seconds for each in journal.read(path).repeats}
    assert {identity: after[identity] for identity in kept} == kept
    assert facts(tmp_path / "study") == facts(finished / "study")


def test_ctrl_c_keeps_everything_and_names_the_command(finished, tmp_path):
    path = tmp_path / "study" / "ledger.jsonl"
    driver = subprocess.Popen(
        command(tmp_path), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    _wait_for(lambda: path.exists() and path.read_bytes().count(b"\n") >= 5)
    driver.send_signal(signal.SIGINT)
    said, _ = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert "run again" in said
    assert "run_pipeline.py" in said
    assert "Traceback" not in said
    assert (tmp_path / "study" / "ledger.xlsx").exists()
    assert run(tmp_path).returncode == 0
    assert facts(tmp_path / "study") == facts(finished / "study")


def test_stopped_while_more_is_tried_the_workbook_still_marks_the_elite(finished, tmp_path):
    subprocess.run(["cp", "-r", str(finished / "study"), str(tmp_path)], check=True)
    path = tmp_path / "study" / "ledger.jsonl"
    before = path.read_bytes().count(b"\n")
    more = command(tmp_path, script=FAKE, configurations="60")  # its engine takes milliseconds
    given = {**os.environ, "FAKE_SECONDS": "0.05", "PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen(more, cwd=tmp_path, stdout=subprocess.DEVNULL, env=given)
    _wait_for(lambda: path.read_bytes().count(b"\n") > before)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(timeout=60) == 130
    marks = [pd.read_excel(each / "study" / "ledger.xlsx") for each in (finished, tmp_path)]
    stars = [set(each.loc[each["elite"] == "★", "key"]) for each in marks]
    assert stars[0] == stars[1] != set()
    assert len(marks[1]) >= len(marks[0])


def test_more_of_everything_later_keeps_what_was_trained(finished, tmp_path):
    subprocess.run(["cp", "-r", str(finished / "study"), str(tmp_path)], check=True)
    before = set(facts(tmp_path / "study"))
    assert run(tmp_path, configurations="5", repeats="3", calls="0").returncode == 0
    after = facts(tmp_path / "study")
    assert before < set(after)
    explored = [each for each in after if each[3] == "explore"]
    assert len(explored) == 5 * 3


def test_rows_of_the_workbook_that_the_journal_lost_are_not_trained_again(finished, tmp_path):
    subprocess.run(["cp", "-r", str(finished / "study"), str(tmp_path)], check=True)
    study = tmp_path / "study"
    lost = {
        each.training.configuration.key
        for each in journal.read(study / "ledger.jsonl").repeats
        if each.stage != "baseline"
    }
    (study / "ledger.jsonl").unlink()
    answer = run(tmp_path, calls="0")
    assert answer.returncode == 0, answer.stderr
    assert "8 configurations of the workbook" in answer.stdout.replace("\n", " ")
    contents = journal.read(study / "ledger.jsonl")
    assert {row.configuration.key for row in contents.imported} == lost
    trained = {each.training.configuration.key for each in contents.repeats if each.stage == "explore"}
    assert len(trained) == 4
    assert not trained & lost


def test_the_group_of_the_best_stands_in_ledger_summary_and_program(finished):
    study = finished / "study"
    group = best_group(study)
    sheet = pd.read_excel(study / "ledger.xlsx", sheet_name="Configurations").set_index("key")
    assert sheet["group"].dropna().to_dict() == group.marks
    assert group.compared == 8
    text = (study / "summary.md").read_text()
    assert f"of {group.compared} configurations" in text or "None of the other 7" in text
    assert "the search ended because all rounds of proposals are done" in text


def test_contenders_race_and_another_study_says_where_to_begin(finished, tmp_path):
    answer = run(tmp_path, max_repeats="4", prior=str(finished / "study"), calls="1", seed="3")
    assert answer.returncode == 0, answer.stderr
    repeats = journal.read(tmp_path / "study" / "ledger.jsonl").repeats
    counts: dict[str, int] = {}
    for each in repeats:
        key = each.training.configuration.key
        counts[key] = counts.get(key, 0) + 1
    assert max(counts.values()) == 4
    assert min(counts.values()) == 2
    inherited = load_top_models(finished / "study", 8).configurations
    explored = {each.training.configuration.key for each in repeats if each.stage == "explore"}
    assert {each.key for each in inherited[:2]} <= explored
    # Two workers, and a rerun: the races are run as before.
    (tmp_path / "two").mkdir()
    two = run(
        tmp_path / "two",
        max_repeats="4",
        prior=str(finished / "study"),
        calls="1",
        seed="3",
        slots="cpu:2x1",
        order={"workers": 2, "shuffle": 1},
    )
    assert two.returncode == 0, two.stderr
    assert facts(tmp_path / "two" / "study") == facts(tmp_path / "study")
    again = run(tmp_path, max_repeats="4", prior=str(finished / "study"), calls="1", seed="3")
    assert again.returncode == 0, again.stderr
    assert len(journal.read(tmp_path / "study" / "ledger.jsonl").repeats) == len(repeats)


def test_time_and_target_end_a_study(finished, tmp_path):
    subprocess.run(["cp", "-r", str(finished / "study"), str(tmp_path)], check=True)
    answer = run(tmp_path, configurations="1000", calls="1000", seconds="2")
    assert answer.returncode == 0, answer.stderr
    assert "the search ended because its time is up" in (tmp_path / "study" / "summary.md").read_text()
    answer = run(tmp_path, configurations="1000", calls="1000", target_score="1e9")
    assert answer.returncode == 0, answer.stderr
    assert "the target of 1e+09 is reached" in (tmp_path / "study" / "summary.md").read_text()


def test_a_prior_that_is_none_is_refused(finished, tmp_path):
    answer = run(tmp_path, prior=str(tmp_path / "nowhere"))
    assert answer.returncode == 2
    assert "is not a study folder" in answer.stderr
    itself = run(finished, prior=str(finished / "study"))
    assert itself.returncode == 2
    assert "cannot be its own prior" in itself.stderr.replace("\n", " ")


def test_a_study_of_another_protocol_is_refused_with_the_differing_fields(finished):
    before = (finished / "study" / "ledger.jsonl").read_bytes()
    answer = run(finished, epochs="6", seed="1")
    assert answer.returncode == 2
    said = answer.stderr.replace("\n", " ")
    assert "epochs: 5 there, 6 now" in said
    assert "seed: 0 there, 1 now" in said
    assert "Traceback" not in answer.stderr
    assert (finished / "study" / "ledger.jsonl").read_bytes() == before


def test_diverging_configurations_are_failed_repeats_and_the_run_goes_on(tmp_path):
    (tmp_path / "wild.toml").write_text(
        'optimizer = "sgd"\nhidden_layers = 1\nunits = { type = "fixed", value = 8, per = "hidden_layers" }\n'
        'learning_rate = { type = "choice", values = [0.01, 1e12] }\n'
    )
    answer = run(tmp_path, space=str(tmp_path / "wild.toml"), configurations="5", elite="1")
    assert answer.returncode == 0, answer.stderr
    assert "2 of 5 configurations are left" in answer.stdout.replace("\n", " ")
    repeats = journal.read(tmp_path / "study" / "ledger.jsonl").repeats
    failed = [each for each in repeats if each.failed]
    assert len(failed) == 2
    assert all("diverged" in each.error for each in failed)
    errors = pd.read_excel(tmp_path / "study" / "ledger.xlsx", sheet_name="Repeats").filter(like="rror")
    assert errors.astype(str).apply(lambda column: column.str.contains("diverged")).to_numpy().any()


def _wait_for(condition, seconds: float = 120.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise TimeoutError


TAPERED = """
neuron_percentage = { type = "real", low = 0.1, high = 1.0 }
shrinkage = { type = "real", low = 0.1, high = 1.0 }
base_units = 32
learning_rate = { type = "real", low = 3e-3, high = 5e-2, scale = "log" }
"""


FEW = {"configurations": "2", "repeats": "1", "max_repeats": "1", "calls": "1", "elite": "1"}  # Keras takes its time


@pytest.mark.parametrize(
    ("engine", "labels"),
    [("packed", ["no", "yes"]), ("packed", ["low", "mid", "high"]), ("keras", ["low", "mid", "high"])],
    ids=["packed two", "packed three", "keras three"],
)
def test_classes_are_learned_and_reloaded_models_tell_them(tmp_path, engine, labels):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=400), "b": rng.choice(["x", "y"], 400)})
    frame["kind"] = pd.cut(frame["a"] + (frame["b"] == "x"), len(labels), labels=labels).astype(str)
    frame.loc[::19, "a"] = np.nan
    frame.to_csv(tmp_path / "kinds.csv", index=False)
    options: dict[str, Any] = {
        "data": "kinds.csv",
        "target": "kind",
        "epochs": "25",
        **(FEW if engine == "keras" else {}),
    }
    (tmp_path / "tapered.toml").write_text(TAPERED)
    answer = run(tmp_path, space="tapered.toml", engine=engine, **options)
    assert answer.returncode == 0, answer.stderr
    assert ("binary" if len(labels) == 2 else "categorical") + "_crossentropy" in answer.stdout
    top = load_top_models(tmp_path / "study", 2)
    predicted = top.predict(frame)
    known = frame["a"].notna()
    assert (predicted["kind"] == frame["kind"])[known].mean() > 0.9
    best = pd.read_excel(tmp_path / "study" / "ledger.xlsx", sheet_name="Configurations").iloc[0]
    assert best["log loss mean"] < 0.6
    repeats = journal.read(tmp_path / "study" / "ledger.jsonl").repeats
    assert not any(each.failed for each in repeats)
    assert (engine == "keras") == ({each.program for each in repeats} == {"keras fit"})
    other = {"packed": "keras", "keras": "packed"}[engine]
    refused = run(tmp_path, space="tapered.toml", engine=other, **options)
    assert refused.returncode == 2
    assert f"engine: '{engine}' there, '{other}' now" in refused.stderr.replace("\n", " ")
