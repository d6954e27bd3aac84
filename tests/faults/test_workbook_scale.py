"""What the workbook of a large study costs, measured in a process of its own, the driver's own memory included."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

STUDIES = Path(__file__).with_name("studies.py")
MEMORY = 500  # MB of the driver
COST = 2.0  # ms per training, for the workbook and the journal
JOURNAL = 0.5  # of them: a line and its fsync
REFRESHES = 1 / 20  # of a run's time: the rule; beside them stands the one at the end


def measured(folder: Path, repeats: int) -> dict[str, float]:
    answer = subprocess.run(
        [sys.executable, STUDIES, folder / f"{repeats}.xlsx", str(repeats)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=STUDIES.parents[2],
        env={**os.environ, "PYTHONPATH": str(STUDIES.parents[2])},
    )
    return dict(json.loads(answer.stdout))


@pytest.mark.long
@pytest.mark.slow
def test_a_workbook_of_20000_trainings_costs_little(tmp_path):
    """Drawn, searched for a user's rows and merged with what a user made; one configuration each is the worst case."""
    few, many = measured(tmp_path, 1_000), measured(tmp_path, 20_000)
    assert many["memory"] < MEMORY, many
    for what in ("drawn", "searched", "merged"):
        per_training = 1000 * many[what] / 20_000
        assert per_training < COST * (1 - REFRESHES) - JOURNAL, (what, many)
        # 0.1 s is what a first write costs at any size, and too little to compare with.
        assert per_training < 1.5 * max(few[what], 0.1), (what, few, many)
