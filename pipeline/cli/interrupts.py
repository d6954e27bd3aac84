"""Ctrl-C and similar signals as a flag that a run checks from time to time, so that no file is left half written."""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

import typer
from rich.console import Console

from pipeline.cli.console import line
from pipeline.storage.disk_space import DiskFailed
from pipeline.workers.pool import StoppedError

# SIGHUP says that the terminal was closed. Windows has none.
_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
TOGETHER: Final = 1.0  # seconds in which a second SIGTERM or SIGHUP is an echo of the first


class Interrupts:
    """Within the `with` block the first signal is remembered, and a second one raises KeyboardInterrupt at once.

    A second Ctrl-C always does, and so does a SIGTERM more than a second later: closing a terminal or
    `timeout` send the same signal twice, to the process and to its group. A third one ends the process at once:
    the journal survives that, and workers die with their driver. A SIGHUP that nohup ignores stays ignored.
    """

    def __init__(self) -> None:
        self._received: int | None = None
        self._since = 0.0
        self._hurried = False
        self._before: dict[int, object] = {}

    def asked(self) -> bool:
        """True after the first signal."""
        return self._received is not None

    @property
    def exit_code(self) -> int:
        """128 + the number of the first signal, as in shells."""
        return 128 + (self._received or signal.SIGINT)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            heard = (each for each in _SIGNALS if each == signal.SIGINT or signal.getsignal(each) != signal.SIG_IGN)
            self._before = {each: signal.signal(each, self._receive) for each in heard}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._received is not None:
            self._hurried = True  # the process is about to end with `exit_code`, also if an echo comes late
            atexit.register(_deafen)
            return
        for each, handler in self._before.items():
            signal.signal(each, handler)  # type: ignore[arg-type]

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self._received is None:
            self._received, self._since = number, time.monotonic()
            return
        if number != signal.SIGINT and time.monotonic() - self._since < TOGETHER:
            return
        if self._hurried:
            os._exit(self.exit_code)
        self._hurried = True
        raise KeyboardInterrupt


def _deafen() -> None:
    """Ignore echoes: an interpreter that shuts down drops its handlers and would end with another exit code."""
    for each in set(_SIGNALS) - {signal.SIGINT}:
        signal.signal(each, signal.SIG_IGN)


@contextmanager
def resumable(console: Console, folder: Path) -> Iterator[Callable[[], bool]]:
    """Give the block a function that is true after the first signal; a stopped run prints how to resume it.

    Raise `typer.Exit` with 128 + the number of the signal, and let DiskFailed through.
    """
    with Interrupts() as interrupts:
        try:
            yield interrupts.asked
        except (StoppedError, KeyboardInterrupt, DiskFailed) as reason:
            line(console, f"Stopped. Everything finished is in {folder}. To go on, run again:")
            line(console, f"  {command_line(sys.argv)}")
            if isinstance(reason, DiskFailed):
                raise
            raise typer.Exit(interrupts.exit_code) from None


def command_line(words: Sequence[str]) -> str:
    """The command that started a process with these arguments, for a shell."""
    program = Path(words[0])
    if program.suffix == ".py":
        return shlex.join([Path(sys.executable).name, *words])
    found = shutil.which(program.name)
    installed = found is not None and Path(found).resolve() == program.resolve()
    return shlex.join([program.name if installed else words[0], *words[1:]])
