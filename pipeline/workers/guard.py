"""A job under watch in its worker: its stack on record when it runs past its limit, and however it ends.

A worker does not end itself: after a pause its timer goes off at once, whatever the job had left of its limit. It says
that the limit has passed, by the stack that it writes, and who began the job decides (`overdue`) and ends it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import math
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

JobType = TypeVar("JobType")
Answer = TypeVar("Answer")

STACK_LENGTH: Final = 4000  # characters of a stack that are kept: some thirty frames
START_LIMIT: Final = 600.0  # seconds: importing TensorFlow takes four, from a cold disk or on a busy machine many more
_KEPT: Final = 1 << 20  # bytes of a file of stacks that are looked through, from its end
_FATAL: Final = "Fatal Python error"  # how faulthandler begins the stack of a process that a signal ends
_TIMEOUT: Final = re.compile(r"Timeout \((\d+):(\d+):([\d.]+)\)!\n")  # and that of one that has passed a limit


@dataclass(frozen=True, slots=True)
class Answered(Generic[Answer]):
    """What a job gave back."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Raised:
    """What a job raised, as text: unpickling the exception itself could import TensorFlow into the driver."""

    reason: str
    stack: str


@dataclass(frozen=True, slots=True)
class Watched(Generic[JobType, Answer]):
    """Does a job; whatever it raises, SystemExit and MemoryError included, comes back as a value.

    A thread that needs no interpreter writes the Python stack into a file when the limit has passed, and again each
    time that it has passed once more: whether the job waits for a lock, or is in C code that holds the interpreter. So
    does a fatal signal.
    """

    work: Callable[[JobType], Answer]
    limit: float  # seconds; infinite for none
    start: Callable[[], None] | None = None  # what the job needs, imports say, under a limit of its own

    @property
    def start_limit(self) -> float:
        """Seconds that `start` may take; 0 without one."""
        return START_LIMIT if self.start is not None else 0.0

    def __call__(self, job: JobType, stack: Path) -> Answered[Answer] | Raised:
        """The answer or what was raised; does not return from what ends the process.

        `stack` is the file for stacks, which each job overwrites: it is empty as long as no limit has passed.
        """
        file = _opened(stack)
        faulthandler.enable(file)
        try:
            if self.start is not None:
                with _reporting(self.start_limit, file):
                    self.start()
            with _reporting(self.limit, file):
                return Answered(self.work(job))
        except BaseException as error:  # noqa: BLE001 - SystemExit must not end the worker without a word
            return _raised(error)
        finally:
            faulthandler.enable(sys.stderr)
            os.close(file)


@contextlib.contextmanager
def _reporting(limit: float, file: int) -> Iterator[None]:
    """Write the stack into the file, which is empty until then, when the block has taken that many seconds."""
    with contextlib.suppress(OSError):  # no file, but the null device
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
    if not math.isfinite(limit):
        yield
        return
    faulthandler.dump_traceback_later(limit, repeat=True, file=file)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    except OSError:  # a full disk must not cost a training
        return os.open(os.devnull, os.O_WRONLY)


def _raised(error: BaseException) -> Raised:
    try:
        return Raised(f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error))[-STACK_LENGTH:])
    except Exception:  # noqa: BLE001 - no memory is left to say it with, or the exception cannot be printed
        return Raised(type(error).__name__, "")


def passed_limit(stacks: Path) -> float:
    """The limit, in seconds, that a worker says its job has passed; 0 as long as it says nothing."""
    found = _TIMEOUT.match(_read(stacks, 0, 100))
    return 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3]) if found else 0.0


def limit_stack(stacks: Path) -> str:
    """Where a job was when it passed its limit last, its innermost frames first; empty where it has not."""
    found = _recent(stacks)
    begins = [each.start() for each in _TIMEOUT.finditer(found)]
    return found[begins[-1] :][:STACK_LENGTH].strip() if begins else ""


def fatal_stack(stacks: Path) -> str:
    """Where a job was when a signal ended its process, as far as there was time to write it; else empty."""
    found = _recent(stacks)
    begin = found.rfind(_FATAL)
    return found[begin:][:STACK_LENGTH].strip() if begin >= 0 else ""


def _recent(path: Path) -> str:
    try:
        size = path.stat().st_size
    except OSError:
        return ""
    return _read(path, max(0, size - _KEPT), _KEPT)


def _read(path: Path, begin: int, count: int) -> str:
    try:
        with path.open("rb") as file:
            file.seek(begin)
            return file.read(count).decode(errors="replace")
    except OSError:
        return ""
