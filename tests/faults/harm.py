"""Jobs that do every harm to the process that they run in; quick to import, for workers import it again and again."""

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np


class Unsendable:
    """Cannot be pickled."""

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("an Unsendable cannot be pickled")


class Unreadable:
    """Can be pickled; unpickling it raises."""

    def __reduce__(self) -> tuple[object, ...]:
        return int, ("no number",)


class SpitefulError(Exception):
    """Can be neither pickled nor printed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __str__(self) -> str:
        raise ValueError("no text either")


def _segfault() -> None:
    ctypes.string_at(0)


def _fill_memory() -> None:
    """What a process meets that may not have more memory."""
    resource.setrlimit(resource.RLIMIT_AS, (2**31, resource.RLIM_INFINITY))
    bytearray(2**32)


def _python_loop() -> None:
    while True:
        pass


def _wait_for_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def _hold_the_interpreter() -> None:
    ctypes.PyDLL(None).sleep(600)  # PyDLL keeps the interpreter's lock, as careless C code does


def _die_in_the_middle_of_the_answer() -> None:
    """Send half of what is to be sent next, and die: the reader is left with half a message."""

    def half(self, buffer, write=os.write):
        write(self._handle, bytes(buffer)[: len(buffer) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    Connection._send = half  # type: ignore[attr-defined]


def _spite() -> None:
    raise SpitefulError


HARMS = {
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGBUS": lambda: os.kill(os.getpid(), signal.SIGBUS),
    "segfault": _segfault,
    "abort": os.abort,
    "os._exit": lambda: os._exit(7),
    "sys.exit": lambda: sys.exit(3),
    "MemoryError": _fill_memory,
    "spite": _spite,
    "loop": _python_loop,
    "lock": _wait_for_a_lock,
    "held": _hold_the_interpreter,
    "stopped": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "ready": lambda: time.sleep(0.2),
    "half": _die_in_the_middle_of_the_answer,
}


def do(harm: str) -> None:
    """Do that harm to this process."""
    HARMS[harm]()


# --------------------------------------------------------------------------------------------------- jobs of the pool


def work(job: object) -> object:
    """A number is doubled; a word is a harm that is done; a tuple is many of them."""
    time.sleep(0.01)
    if isinstance(job, int):
        return 2 * job
    if job == "unsendable":
        return Unsendable()
    if job == "unreadable":
        return Unreadable()
    if isinstance(job, tuple):
        return tuple(work(each) for each in job)
    do(str(job))
    return job


def halves(job: object) -> tuple[object, ...]:
    """A tuple of jobs falls into its parts."""
    return job if isinstance(job, tuple) and job else (job,)


def once_at(job: tuple[str, Path]) -> tuple[str, int]:
    """Die once on each slot, at the stage that is named; the core on which it was answered in the end."""
    stage, folder = job
    core = min(os.sched_getaffinity(0))
    flag = folder / f"core-{core}"
    if stage == "importing":
        os.environ["DEADLY_IMPORT"] = str(folder)
        from tests.faults import deadly_import

        assert flag == deadly_import.FLAG
        return stage, core
    first = not flag.exists()
    flag.touch()
    if stage == "training":
        time.sleep(0.05)
        if first:
            do("SIGKILL")
    if stage == "answering" and first:
        do("half")
    return stage, core


def describe(megabytes: int) -> dict[str, Any]:
    """What this process is, after it has leaked so much."""
    leak = np.ones(megabytes * 2**17)
    _LEAKED.append(leak)
    began = time.time()
    time.sleep(1.1)  # loky looks at the memory of its workers once a second
    return {
        "pid": os.getpid(),
        "cores": sorted(os.sched_getaffinity(0)),
        "began": began,
        "ended": time.time(),
        "ignores": all(
            signal.getsignal(each) == signal.SIG_IGN for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        ),
        **{
            name: os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")
        },
    }


_LEAKED: list[np.ndarray] = []
