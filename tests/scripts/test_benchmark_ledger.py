"""The ledger's benchmark runs, and a study of a few hundred trials stays within what is promised of 20,000."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRIALS = 400

pytestmark = pytest.mark.slow


def test_a_small_study_keeps_the_promises_of_a_large_one(tmp_path):
    words = [sys.executable, str(ROOT / "scripts" / "benchmark_ledger.py"), "--trials", str(TRIALS)]
    answer = subprocess.run(
        [*words, "--folder", str(tmp_path), "--json", str(tmp_path / "found.json")],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert "driver peak MB" in answer.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["trials"] == TRIALS
    assert 50 < found["driver peak MB"] < 500
    # Of the processor's time: what a disk that others use takes to sync is not ours to bound.
    assert 0 < found["journal and workbook, processor ms per trial"] < 4  # a workbook's fixed costs are spread on few
    assert 0 < found["restart scan, processor seconds"] < 5
    assert found["restart"]["workbook drawn"] == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "found.json"]
