"""One loky process for each slot: jobs in, outcomes out as they finish, a dead worker costs only its own job.

`joblib.Parallel` fails as a whole when one worker dies, so each slot has an executor of its own, of joblib's own loky
processes. The driver alone writes files; workers get recipes and send back values.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import platform
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from pipeline.workers.slots import Slot

JobType = TypeVar("JobType")
Answer = TypeVar("Answer")

ATTEMPTS: Final = 3  # a job whose worker died is given to a fresh worker so often before it is given up
POLL: Final = 0.2  # seconds between looks at whether the user asked to stop


class StoppedError(Exception):
    """The user asked to stop: running jobs had their grace time, what finished was delivered."""


@dataclass(frozen=True, slots=True)
class Finished(Generic[JobType, Answer]):
    """A job and its answer, or why there is none: `lost` is empty exactly when there is an answer."""

    job: JobType
    slot: Slot
    answer: Answer | None
    lost: str = ""


class Workers:
    """The processes of a run; leaving the `with` block ends every one of them, busy or not."""

    def __init__(self, slots: Sequence[Slot], logs: Path, stop: Callable[[], bool], grace: float = 10.0) -> None:
        self._slots = tuple(slots)
        self._logs = logs
        self._stop = stop
        self._grace = grace  # seconds that running jobs get after the user asked to stop
        self._executors: dict[Slot, ProcessPoolExecutor] = {}
        self._kinds: dict[Slot, set[str]] = {slot: set() for slot in self._slots}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for slot in list(self._executors):
            self._retire(slot)

    @property
    def count(self) -> int:
        """How many jobs can run at once."""
        return len(self._slots)

    def run(
        self, work: Callable[[JobType], Answer], jobs: Sequence[JobType], kind: Callable[[JobType], str] = lambda _: ""
    ) -> Iterator[Finished[JobType, Answer]]:
        """Answer every job once, as they finish; a job that raises or kills its workers is `lost` with the reason.

        Jobs of one kind go to workers that had that kind before, where there is a choice: what they compiled is there.
        Raises StoppedError when the user asked to stop, after what finished within the grace time was delivered.
        """
        waiting = deque(jobs)
        running: dict[Future[Answer], tuple[Slot, JobType]] = {}
        deaths: Counter[int] = Counter()
        deadline: float | None = None
        while waiting or running:
            if deadline is None and self._stop():
                deadline = time.monotonic() + self._grace
            if deadline is None:
                self._hand_out(work, waiting, running, kind)
            elif not running or time.monotonic() > deadline:
                break
            for future in wait(list(running), timeout=POLL, return_when=FIRST_COMPLETED).done:
                slot, job = running.pop(future)
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    self._retire(slot)
                    deaths[id(job)] += 1
                    if deaths[id(job)] < ATTEMPTS:
                        waiting.appendleft(job)
                        continue
                lost = _reason(error, deaths[id(job)]) if error else ""
                yield Finished(job, slot, None if error else future.result(), lost)
        if waiting or running:
            raise StoppedError

    def _hand_out(
        self,
        work: Callable[[JobType], Answer],
        waiting: deque[JobType],
        running: dict[Future[Answer], tuple[Slot, JobType]],
        kind: Callable[[JobType], str],
    ) -> None:
        busy = {slot for slot, _ in running.values()}
        for slot in self._slots:
            if waiting and slot not in busy:
                job = self._suited(slot, waiting, kind)
                waiting.remove(job)
                self._kinds[slot].add(kind(job))
                running[self._executor(slot).submit(work, job)] = (slot, job)

    def _suited(self, slot: Slot, waiting: Sequence[JobType], kind: Callable[[JobType], str]) -> JobType:
        """The first job of a kind that this worker had, else of one that no worker had, else the first."""
        elsewhere = set().union(*self._kinds.values()) - self._kinds[slot]
        mine = (job for job in waiting if kind(job) in self._kinds[slot])
        fresh = (job for job in waiting if kind(job) not in elsewhere)
        return next(mine, None) or next(fresh, None) or waiting[0]

    def _executor(self, slot: Slot) -> ProcessPoolExecutor:
        if slot not in self._executors:
            self._executors[slot] = ProcessPoolExecutor(
                1,
                initializer=enter,
                initargs=(os.getpid(), slot, self._logs / f"worker-{slot.name}.log"),
                env=environment(slot),
            )
        return self._executors[slot]

    def _retire(self, slot: Slot) -> None:
        self._kinds[slot].clear()
        executor = self._executors.pop(slot, None)
        if executor is not None:
            executor.shutdown(wait=True, kill_workers=True)


def _reason(error: BaseException, deaths: int) -> str:
    if isinstance(error, BrokenProcessPool):
        text = " ".join(str(error).split())
        return f"killed its worker {deaths} times: {text}"
    return f"{type(error).__name__}: {error}"


def environment(slot: Slot) -> Mapping[str, str]:
    """The variables that a worker starts with, before it imports anything: TensorFlow reads them only then."""
    threads = str(slot.threads)
    gpu = {"XLA_FLAGS": "--xla_gpu_deterministic_ops=true"} if slot.gpu else {}
    return {
        **gpu,
        "CUDA_VISIBLE_DEVICES": slot.gpu,
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "TF_DETERMINISTIC_OPS": "1",
        "KERAS_BACKEND": "tensorflow",
    }


def enter(driver: int, slot: Slot, log: Path) -> None:
    """Make this process the worker of a slot: pinned, mortal, deaf to Ctrl-C, its output in a log file."""
    die_with(driver)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's business
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, slot.cores)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    faulthandler.enable(sys.stderr)


def die_with(driver: int) -> None:
    """Let the kernel end this process when the driver dies; a thread watches where the kernel cannot."""
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG
        if os.getppid() != driver:
            os._exit(1)  # the driver died before the kernel was told
        return
    threading.Thread(target=_watch, args=(driver,), daemon=True).start()


def _watch(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(1)
    os._exit(1)
