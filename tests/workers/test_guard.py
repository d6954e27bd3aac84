"""What a worker writes of its job: nothing as long as no limit has passed, and that of the start is its own."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.workers import guard
from pipeline.workers.guard import Answered, Watched

ROOT = Path(__file__).parents[2]
PROGRAM = """
import math, sys
from pathlib import Path
from tests.workers import test_guard
test_guard.report(Path(sys.argv[1]), float(sys.argv[2]))
"""


def report(stack: Path, limit: float) -> None:
    """In a process of its own, for a worker changes what happens to fatal signals."""
    guard.START_LIMIT = 0.1  # type: ignore[misc]
    seen = []

    def start() -> None:
        time.sleep(0.4)
        seen.append(stack.read_text())

    def work(seconds: float) -> str:
        seen.append(stack.read_text())
        time.sleep(seconds)
        return stack.read_text()

    answered = Watched(work, limit, start)(0.5, stack)
    assert isinstance(answered, Answered)
    print("|".join("passed" if each.startswith("Timeout (0:00:00") else each for each in (*seen, answered.answer)))


@pytest.mark.parametrize(("limit", "wrote"), [("0.2", "passed||passed"), ("inf", "passed||"), ("60", "passed||")])
def test_each_limit_is_reported_by_itself_and_ends_nothing(tmp_path, limit, wrote):
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "stack"), limit]
    answer = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == wrote
