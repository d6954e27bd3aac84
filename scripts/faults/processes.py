"""The processes of one run, identified by a mark in their environment, which descendants inherit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

VARIABLE: Final = "TWO_STAGE_SEARCH_RUN"
PATIENCE: Final = 2.0  # seconds after the end of its driver in which all processes of a run have to end


@dataclass(frozen=True, slots=True)
class Run:
    """A driver that was started here, in its own process group, and the mark of its descendants."""

    driver: subprocess.Popen[str]
    mark: str

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the driver only."""
        self.driver.send_signal(number)

    def send_group(self, number: signal.Signals) -> None:
        """Send a signal to the driver and its descendants, as a terminal does."""
        os.killpg(self.driver.pid, number)

    def kill(self) -> None:
        """Kill the driver, like running out of memory or a machine failure would."""
        with contextlib.suppress(ProcessLookupError):
            self.driver.kill()
        self.driver.wait()

    def alive(self) -> dict[int, str]:
        """The processes of the run that are alive: their numbers and command lines."""
        return marked(self.mark)

    def workers(self) -> tuple[int, ...]:
        """The worker processes, from their start."""
        return tuple(pid for pid, words in self.alive().items() if "popen_loky" in words and pid != self.driver.pid)

    def orphans(self, patience: float = PATIENCE) -> dict[int, str]:
        """The processes still alive that many seconds after the driver ended; returns as soon as there are none."""
        end = time.monotonic() + patience
        while (left := self.alive()) and time.monotonic() < end:
            time.sleep(0.02)
        return left


def start(command: Sequence[str], cwd: Path, output: Path, **variables: str) -> Run:
    """Start a driver with its standard output and error appended to a file."""
    mark = uuid.uuid4().hex
    environment = {**os.environ, VARIABLE: mark, **variables}
    with output.open("a", encoding="utf-8") as file:
        driver = subprocess.Popen(  # noqa: S603 - the product's own scripts
            command, cwd=cwd, stdout=file, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
        )
    return Run(driver, mark)


@contextlib.contextmanager
def running(command: Sequence[str], cwd: Path, output: Path, **variables: str) -> Iterator[Run]:
    """Like `start`; after the block all processes of the run are gone, whatever happened."""
    run = start(command, cwd, output, **variables)
    try:
        yield run
    finally:
        run.kill()
        for pid in run.orphans():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def marked(mark: str) -> dict[int, str]:
    """The processes with that mark in their environment that are alive, and their command lines."""
    wanted = f"{VARIABLE}={mark}".encode()
    found = {}
    for each in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            # An ending process has no environment any more, and zombies do not count.
            if wanted in Path(f"/proc/{each}/environ").read_bytes().split(b"\0"):
                found[each] = " ".join(psutil.Process(each).cmdline())
    return found
