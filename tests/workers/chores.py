"""Jobs for the pool's tests: functions that a worker process can import."""

import ctypes
import importlib
import os
import signal
import time
from pathlib import Path

from pipeline.workers.parcels import path_of


def double(number: int) -> int:
    return 2 * number


def describe(_: object) -> dict[str, object]:
    return {
        "pid": os.getpid(),
        "cores": sorted(os.sched_getaffinity(0)),
        "gpu": os.environ["CUDA_VISIBLE_DEVICES"],
        "threads": os.environ["TF_NUM_INTRAOP_THREADS"],
        "tensorflow": "tensorflow" in __import__("sys").modules,
    }


def say(text: str) -> str:
    print(text, flush=True)
    return text


def die_on_three(number: int) -> int:
    time.sleep(0.02)
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once(flag: Path) -> str:
    if not flag.exists():
        flag.touch()
        os._exit(7)
    return "survived"


def refuse(number: int) -> int:
    raise ValueError(f"{number} is refused")


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def write_pid_and_sleep(path: Path) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(60)


def act(job: object) -> object:
    """What the job says: "die", "raise", "hang", "process", ("value", module) of its VALUE; all else comes back."""
    if job == "die":
        os._exit(7)
    if job == "raise":
        raise ValueError("refused")
    if job == "hang":
        time.sleep(60)
    if job == "process":
        return describe(None)
    if isinstance(job, tuple) and job[0] == "value":
        return importlib.import_module(job[1]).VALUE
    if isinstance(job, tuple) and job[0] == "rows":
        return path_of(job[1]).read_bytes()
    return job


def begun(job: tuple[str, Path]) -> str:
    """Say when it begins, and then take a second of running time, or hold the interpreter for ever."""
    what, path = job
    with path.open("a") as file:
        file.write("begun\n")
    if what == "held":
        ctypes.PyDLL(None).sleep(600)
    for _ in range(20):
        time.sleep(0.05)
    return "done"
