"""Studies for whole runs: the command lines, and what is looked at after each."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.faults.evidence import Evidence, gather
from scripts.faults.processes import Run

ROOT = Path(__file__).parents[2]
SPACE = """
hidden_layers = { type = "integer", low = 1, high = 2 }
units = { type = "integer", low = 4, high = 20, per = "hidden_layers" }
learning_rate = { type = "real", low = 1e-3, high = 5e-2, scale = "log" }
activation = { type = "choice", values = ["relu", "tanh", "selu"] }
"""
SMALL: Mapping[str, str] = {
    "data": "builtin:diabetes",
    "target": "target",
    "configurations": "10",
    "repeats": "3",
    "elite": "2",
    "calls": "2",
    "epochs": "5",
    "patience": "3",
    "top": "2",
    "slots": "cpu:2",
}
FAKE = ROOT / "tests" / "faults" / "fake_driver.py"
REAL = ROOT / "tests" / "plain_driver.py"  # everything but pictures


def command(folder: Path, script: Path = FAKE, **options: str) -> list[str]:
    """The command that runs the study `folder/study`."""
    (folder / "space.toml").write_text(SPACE)
    cluster = {"cluster": "tests.faults.fake_training:FakePlaces"} if script == FAKE else {}
    given = {**SMALL, "space": str(folder / "space.toml"), "study": str(folder / "study"), **cluster, **options}
    flags = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
    return [sys.executable, str(script), *flags]


def lines(folder: Path) -> int:
    """Whole lines of the journal, none where there is none."""
    path = folder / "study" / "ledger.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Return when the condition holds; TimeoutError when it does not for so long."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.02)


def sound(folder: Path, run: Run | None = None, *, finished: bool = True) -> Evidence:
    """Assert every invariant of the study folder, and that nothing of the run is left after two seconds."""
    if run is not None:
        assert run.driver.poll() is not None
        assert run.orphans() == {}
    evidence = gather(folder / "study", {}, finished=finished)
    assert evidence.sound, evidence
    return evidence
