"""A job under watch in its worker: ended when it runs past its limit, its stack on record however it ends."""

from __future__ import annotations

import faulthandler
import math
import os
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

JobType = TypeVar("JobType")
Answer = TypeVar("Answer")

STACK_LENGTH: Final = 4000  # characters of a stack that are kept: some thirty frames
START_LIMIT: Final = 600.0  # seconds: importing TensorFlow takes four, from a cold disk or on a busy machine many more
_TIMEOUT: Final = re.compile(
    r"Timeout \((\d+):(\d+):([\d.]+)\)"
)  # how faulthandler begins the stack of a process that it ends


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

    A thread of the C library's ends the process when the limit has passed, so that neither a lock nor C code that holds
    the interpreter can outlive it, and writes the Python stack into a file first. So does a fatal signal.
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

        `stack` is the file for the stack of such an end; each job overwrites it.
        """
        file = _opened(stack)
        faulthandler.enable(file)
        try:
            if self.start is not None:
                faulthandler.dump_traceback_later(self.start_limit, exit=True, file=file)
                self.start()
                faulthandler.cancel_dump_traceback_later()
            if math.isfinite(self.limit):
                faulthandler.dump_traceback_later(self.limit, exit=True, file=file)
            return Answered(self.work(job))
        except BaseException as error:  # noqa: BLE001 - SystemExit must not end the worker without a word
            return _raised(error)
        finally:
            faulthandler.cancel_dump_traceback_later()
            faulthandler.enable(sys.stderr)
            os.close(file)


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


def read_stack(path: Path) -> str:
    """What the last job of a worker left when it ended the process, its innermost frames first; empty for nothing."""
    try:
        with path.open("rb") as file:
            return file.read(STACK_LENGTH).decode(errors="replace").strip()
    except OSError:
        return ""


def past_limit(stack: str) -> str:
    """The limit, in seconds, of a process that left this stack when it ran past it; else empty."""
    found = _TIMEOUT.match(stack)
    return f"{3600 * int(found[1]) + 60 * int(found[2]) + float(found[3]):g} s" if found else ""
