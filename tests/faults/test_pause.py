"""SIGSTOP and SIGCONT for real: what Ctrl-Z, a frozen container and a suspended machine do to a run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.workers.slots import available_cores

ROOT = Path(__file__).parents[2]
LIMIT, PAUSE = 3.0, 4.5  # seconds


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def attempts(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.skipif(len(available_cores()) < 2, reason="needs two cores")
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_a_pause_longer_than_the_limit_costs_a_job_nothing_and_one_that_hangs_is_ended_all_the_same(tmp_path):
    words = [sys.executable, "-m", "tests.faults.paused_driver", str(tmp_path), str(LIMIT)]
    driver = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert driver.stdout is not None
    steps, held = tmp_path / "steps", tmp_path / "held"
    try:
        wait_for(lambda: attempts(steps) and attempts(held))
        os.killpg(driver.pid, signal.SIGSTOP)
        time.sleep(PAUSE)
        os.killpg(driver.pid, signal.SIGCONT)
        continued = time.monotonic()
        assert driver.stdout.readline().split() == ["steps", "done"]
        wait_for(lambda: attempts(held) == 2, LIMIT + 20)  # C code that holds the interpreter was ended, tried again
        assert time.monotonic() - continued > LIMIT / 3  # it was not ended for the pause
        assert attempts(steps) == 1
    finally:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.communicate()
