"""One slot's process on top of loky: started when needed, replaced if it died, ended reliably.

This works around two properties of loky: its pool waits for the rest of an answer even if the writer died in the middle
of it, and a pool that broke while it was idle raises only at the next submission.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.connection import wait
from pathlib import Path
from typing import Final, TypeVar

import psutil
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool, ShutdownExecutorError, TerminatedWorkerError

from pipeline.workers.overdue import Overdue
from pipeline.workers.process import deaf_children, enter, environment
from pipeline.workers.slots import Slot

JobType = TypeVar("JobType")
Answer = TypeVar("Answer")

_STOPPED: Final = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
SILENCE: Final = 1.0  # seconds for a pool to notice the death of its process, before it is forced to


class Worker:
    """The process of one slot: one job at a time, in a process that is pinned before it imports anything."""

    def __init__(self, slot: Slot, logs: Path) -> None:
        self.slot = slot
        self.log = logs / f"worker-{slot.name}.log"
        self.stack = logs / f"worker-{slot.name}.stack"
        self._executor: ProcessPoolExecutor | None = None
        self._dead_since: float | None = None
        self._overdue = Overdue(self.stack)

    def submit(self, work: Callable[[JobType], Answer], job: JobType) -> Future[Answer]:
        """Submit a job; a process that died since the last one is replaced first."""
        self._dead_since = None
        with contextlib.suppress(OSError):
            self.stack.unlink(missing_ok=True)  # the stack of an earlier job must not be taken for this one's
        self._overdue = Overdue(self.stack)
        with deaf_children():
            try:
                return self._submitted(work, job)
            except (BrokenProcessPool, ShutdownExecutorError):  # it died while it was idle: no job's fault
                self.retire()
                return self._submitted(work, job)

    def _submitted(self, work: Callable[[JobType], Answer], job: JobType) -> Future[Answer]:
        future: Future[Answer] = self._started().submit(work, job)
        return future

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                1, initializer=enter, initargs=(os.getpid(), self.slot, self.log), env=environment(self.slot)
            )
        return self._executor

    def _processes(self) -> list[object]:
        return list(self._executor._processes.values()) if self._executor is not None else []  # noqa: SLF001

    def look(self) -> None:
        """Make a pool notice that its process is dead; to be called from time to time while a job is running.

        The answer's pipe has a second writing end in this process, so a reader of half an answer waits forever.
        """
        processes = self._processes()
        with contextlib.suppress(OSError, ValueError):  # the pool may close it at the same time
            if not processes or len(wait([each.sentinel for each in processes], 0)) < len(processes):  # type: ignore[attr-defined]
                self._dead_since = None
                return
        self._dead_since = self._dead_since or time.monotonic()
        if time.monotonic() - self._dead_since > SILENCE:
            self._end_answers()

    def passed_limit(self) -> float:
        """The limit, in seconds, that its job has run past, pauses aside; 0 as long as it has not."""
        return self._overdue.look(stopped=self._is_stopped())

    def _is_stopped(self) -> bool:
        """Whether somebody stopped the process; one that waits for something is not stopped."""
        with contextlib.suppress(psutil.Error):
            return any(psutil.Process(each.pid).status() in _STOPPED for each in self._processes())  # type: ignore[attr-defined]
        return False

    def _end_answers(self) -> None:
        """Replace this process's writing end of the pipe, so that reading ends with the dead process's end."""
        if self._executor is None:
            return
        flags, queue = self._executor._flags, self._executor._result_queue  # noqa: SLF001
        # The pool's thread flags itself as broken, under this lock, before it closes the pipe: until then its number
        # is not reused. The number stays occupied, so that closing it later does not close another file.
        with flags.shutdown_lock:
            if not (flags.broken or flags.shutdown):
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, queue._writer.fileno(), inheritable=False)  # noqa: SLF001
                os.close(nothing)

    def kill(self) -> None:
        """End the process at once; `retire` cleans up the pool."""
        for each in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGKILL)  # type: ignore[attr-defined]

    def retire(self) -> None:
        """End the process and its pool, busy or not; both are gone when this returns."""
        if self._executor is not None:
            self.kill()
            self._end_answers()
            self._executor.shutdown(wait=True, kill_workers=True)
            self._executor = None

    def note(self, text: str) -> None:
        """Add a text to the log of the slot, if it can be written."""
        with contextlib.suppress(OSError), self.log.open("a", encoding="utf-8") as file:
            file.write(text.rstrip("\n") + "\n")


def cause(error: BaseException) -> tuple[str, str]:
    """What happened to a job whose future failed, with details: a signal, an exit code, or an error of sending."""
    if isinstance(error, TerminatedWorkerError):
        found = re.search(r"\{(\w+)\((-?\d+)\)", str(error))
        if found is None:
            return "killed its worker", "no exit code is known"
        name = f"signal {found[1]}, " if int(found[2]) < 0 else ""
        return "killed its worker", f"{name}exit code {found[2]}"
    if isinstance(error, BrokenProcessPool):
        return "killed its worker", " ".join(str(error).split())
    return "gave an answer that cannot be sent", f"{type(error).__name__}: {error}"
