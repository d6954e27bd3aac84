"""The same promises with real TensorFlow and real processes: equal bits, what computed them, hostile Keras files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from pipeline.training import provenance
from pipeline.workers.slots import available_cores
from tests.faults import forger
from tests.faults import small_study as small
from tests.faults.commands import REAL

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SMALL = {
    "engine": "packed",
    "configurations": "2",
    "repeats": "2",
    "max_repeats": "2",
    "elite": "1",
    "calls": "1",
    "top": "1",
}
# Each process compiles its programs for itself, see tests/conftest.py.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "TF_XLA_FLAGS": ""}


def start(folder: Path, **options: str) -> subprocess.Popen[str]:
    words = small.arguments(folder, **{**SMALL, **options})[1:]
    return subprocess.Popen(
        [sys.executable, str(REAL), *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
    )


def run(folder: Path, **options: str) -> str:
    driver = start(folder, **options)
    said, _ = driver.communicate(timeout=300)
    assert driver.returncode == 0, said
    return " ".join(said.split())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    assert "From here on" not in run(folder)
    return folder


@pytest.mark.skipif(len(available_cores()) < 2, reason="needs two cores")
def test_two_workers_and_a_killed_driver_give_the_same_bits(finished, tmp_path):
    path = tmp_path / "study" / "ledger.jsonl"
    driver = start(tmp_path, slots="cpu:2")
    end = time.monotonic() + 200
    while time.monotonic() < end and not (path.exists() and path.read_bytes().count(b"\n") >= 4):
        time.sleep(0.02)
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=60)
    assert len(journal.read(path).repeats) > 0
    said = run(tmp_path)  # with one worker
    assert "From here on" not in said
    assert small.facts(tmp_path / "study") == small.facts(finished / "study")
    assert small.weights(tmp_path / "study") == small.weights(finished / "study")
    assert audit(tmp_path / "study") == ()


def test_every_repeat_records_what_computed_it(finished):
    repeats = journal.read(finished / "study" / "ledger.jsonl").repeats
    assert {each.threads for each in repeats} == {1}
    assert {each.device for each in repeats} == {provenance.device()}
    assert {each.versions for each in repeats} == {provenance.versions()}
    assert all(each.program for each in repeats)
    kept = forger.best(finished / "study")
    about = json.loads((kept / "repeat-000.json").read_text())
    assert about["device"] == provenance.device()
    assert about["versions"]["tensorflow"] in provenance.versions()


@pytest.mark.skipif(len(available_cores()) < 2, reason="needs two cores")
def test_more_threads_are_said_and_recorded(finished, tmp_path):
    study = small.copied(finished, tmp_path)
    before = set(small.facts(study))
    said = run(tmp_path, slots="cpu:1x2", repeats="3", calls="0")
    assert "another number of threads: '2'" in said
    repeats = journal.read(study / "ledger.jsonl").repeats
    assert {(each.training.index, each.threads) for each in repeats} == {(0, 1), (1, 1), (2, 2)}
    assert before < set(small.facts(study))


def test_hostile_keras_files_are_refused_by_keras_and_never_loaded_by_the_product(finished, tmp_path):
    study = small.copied(finished, tmp_path)
    path = forger.best(study) / "repeat-000.keras"
    (tmp_path / "files").mkdir()
    program = Path(__file__).with_name("keras_files.py")
    answer = subprocess.run(
        [sys.executable, str(program), str(path), str(tmp_path / "files")],
        capture_output=True,
        text=True,
        env={**ENVIRONMENT, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=False,
        timeout=120,
    )
    said = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [each["ended"] == "loaded" for each in said] == [True, False, False, False, False], answer.stderr
    assert not any(each["executed"] for each in said)
    whole = small.predict(tmp_path)
    for hostile in sorted((tmp_path / "files").glob("*.keras")):
        path.write_bytes(hostile.read_bytes())
        assert small.predict(tmp_path).exit_code == 2  # the manifest
        forger.rehash(path.parent)
        assert small.predict(tmp_path).output == whole.output
    assert not list(tmp_path.rglob("sentinel"))
