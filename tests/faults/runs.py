"""Asks a launcher for runs of the fake study, and what must hold after each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.maintenance.audit import audit
from tests.faults.disk import Fault
from tests.faults.fake_study import command

ROOT = Path(__file__).parents[2]
PARTS = 2  # launchers at work


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended."""

    code: int  # minus the signal, where it was killed
    said: str
    operations: list[str] | None  # of the disk, where that had a fault and the run came to its end


@dataclass(frozen=True, slots=True)
class Launcher:
    """A process that forks runs."""

    process: subprocess.Popen[str]

    def run(self, folder: Path, fault: Fault | None = None, words: Sequence[str] | None = None, **more: Any) -> Ended:
        """Run the study of a folder to its end, or to what the fault makes of it."""
        request = {"words": list(words or command(folder)), "fault": asdict(fault) if fault else None, **more}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return Ended(**json.loads(self.process.stdout.readline()))


@contextmanager
def launched() -> Iterator[Launcher]:
    """A launcher for the length of the block."""
    command_line = [sys.executable, "-m", "tests.faults.launcher"]
    with subprocess.Popen(command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield Launcher(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)


def sound(study: Path) -> None:
    """Every invariant of a study folder holds."""
    assert audit(study) == ()
