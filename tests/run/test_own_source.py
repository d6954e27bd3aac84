"""A user's own module, edited and taken away while its study runs: every worker trains what was hashed first."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from pipeline.study_folder import identity

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SOURCE = """
import keras

HIDDEN = 4

def build(configuration, signature):
    layers = [keras.layers.Dense(HIDDEN, "tanh"), keras.layers.Dense(signature.outputs)]
    return keras.Sequential([keras.Input((signature.features,)), *layers])
"""
WEIGHTS = (10 + 1) * 4 + (4 + 1) * 1  # of such a network for the ten inputs of the table
SPACE = 'learning_rate = { type = "real", low = 1e-3, high = 1e-1, scale = "log" }\n'
OPTIONS = {
    "data": "builtin:diabetes",
    "target": "target",
    "space": "space.toml",
    "study": "study",
    "model": "my_network:build",
    "configurations": "3",
    "repeats": "2",
    "max_repeats": "2",
    "calls": "0",
    "epochs": "40",
    "patience": "40",
    "top": "1",
    "slots": "cpu:1",
}
TRAININGS = (1 + 3) * 2


def wait_for(condition: Callable[[], object], driver: subprocess.Popen[str]) -> None:
    """Return when the condition holds; an error when the run ended before."""
    end = time.monotonic() + 300
    while not condition():
        assert driver.poll() is None, driver.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def kill_worker(driver: subprocess.Popen[str]) -> int:
    """Kill the process that trains; its number."""
    (found,) = [
        each
        for each in psutil.Process(driver.pid).children(recursive=True)
        if any("popen_loky" in word for word in each.cmdline())
    ]
    found.kill()
    return int(found.pid)


def test_an_edit_and_a_rename_during_a_run_change_nothing_in_workers_that_start_later(tmp_path):
    module, study = tmp_path / "my_network.py", tmp_path / "study"
    module.write_text(SOURCE)
    (tmp_path / "space.toml").write_text(SPACE)

    def repeats() -> int:
        path = study / "ledger.jsonl"
        return path.read_bytes().count(b'"kind":"repeat"') if path.exists() else 0

    words = [word for name, value in OPTIONS.items() for word in (f"--{name.replace('_', '-')}", value)]
    driver = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "plain_driver.py"), *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        wait_for(lambda: repeats() >= 1, driver)
        module.write_text(SOURCE.replace("HIDDEN = 4", "HIDDEN = 5"))
        killed = {kill_worker(driver)}
        before = repeats()
        wait_for(lambda: repeats() > before + 1, driver)
        module.rename(tmp_path / "my_network_v2.py")
        killed.add(kill_worker(driver))
        assert repeats() < TRAININGS, "the second worker was killed too late to see anything"
        said, _ = driver.communicate(timeout=300)
    finally:
        driver.kill()
    assert driver.returncode == 0, said
    assert len(killed) == 2
    known = journal.read(study / "ledger.jsonl").repeats
    assert [each.error for each in known] == [""] * TRAININGS
    assert {each.weights for each in known} == {WEIGHTS}
    fingerprint = identity.read(study / "study.json").fingerprint
    assert fingerprint["model_sha256"] == hashlib.sha256(SOURCE.encode()).hexdigest()
    assert audit(study) == ()
