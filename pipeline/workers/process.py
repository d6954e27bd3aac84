"""Worker processes: their environment before any import, their pinning, their death with the driver."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.storage.streams import take_every_character
from pipeline.workers.slots import Slot


def environment(slot: Slot) -> Mapping[str, str]:
    """The environment variables of a worker, which TensorFlow reads when it is imported."""
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


def _for_the_driver() -> set[signal.Signals]:
    """The signals with which a user or the system stops a run; a terminal sends them to workers as well."""
    return {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}


@contextlib.contextmanager
def deaf_children() -> Iterator[None]:
    """Processes and threads that are started in this block have the driver's signals blocked.

    A worker ignores them as soon as it runs our code (`enter`); before that, a Ctrl-C to the whole process group would
    end it and the resource trackers of its pool.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _for_the_driver())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def enter(driver: int, slot: Slot, log: Path) -> None:
    """Make this process the worker of a slot: pinned, ending with the driver, ignoring Ctrl-C, output in a log file."""
    die_with(driver)
    for each in _for_the_driver():
        signal.signal(each, signal.SIG_IGN)  # handled by the driver, which ends its workers with SIGKILL
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _for_the_driver())
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, slot.cores)
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError:  # a full disk or a missing folder must not cost a training
        output = os.open(os.devnull, os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    take_every_character()  # what a model of the user's prints must not cost a training
    faulthandler.enable(sys.stderr)


def die_with(driver: int) -> None:
    """Let the kernel end this process when the driver dies, or a thread on systems without that."""
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG
        if os.getppid() != driver:
            os._exit(1)  # the driver died before that call
        return
    threading.Thread(target=_watch, args=(driver,), daemon=True).start()


def _watch(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(1)
    os._exit(1)
