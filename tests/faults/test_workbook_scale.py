"""What the workbook of a large study costs, measured in a process of its own, the driver's own memory included."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

STUDIES = Path(__file__).with_name("studies.py")
MEMORY = 500  # MB of the driver
COST = 2.0  # ms per training, of which the rule of refreshes lets the last one cost most
REFRESHES = 1 / 20  # of a run's time: the rule; beside them stands the one at the end


def measured(what: str, folder: Path, repeats: int, each: int) -> dict[str, float]:
    folder.mkdir(exist_ok=True)
    answer = subprocess.run(
        [sys.executable, STUDIES, what, folder, str(repeats), str(each)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=STUDIES.parents[2],
        env={"PYTHONPATH": str(STUDIES.parents[2]), "PATH": ""},
    )
    return dict(json.loads(answer.stdout or "{}"))


@pytest.mark.slow
@pytest.mark.parametrize("each", [1, 5])
def test_a_workbook_of_20000_trainings_costs_little(tmp_path, each):
    """Drawn, merged with what a user made of it, and searched for a user's rows."""
    small, large = tmp_path / "small", tmp_path / "large"
    for what in ("drawn", "touch", "merged", "unknown"):
        few, many = measured(what, small, 1_000, each), measured(what, large, 20_000, each)
        if what == "touch":
            continue
        assert many["peak"] < MEMORY, (what, many)
        per_training = 1000 * many["processor"] / 20_000
        assert per_training < COST * (1 - REFRESHES), (what, many)
        # A tenth of a second is what a first write costs at any size: imports, compiled patterns.
        assert per_training < 1.5 * 1000 * max(few["processor"], 0.1) / 1_000, (what, few, many)
