"""Running time: the seconds in which this process ran, to which its pauses add nothing.

A pause is whatever stops a process from outside: Ctrl-Z and SIGSTOP, a container that is frozen, a machine that is
suspended. The clock on the wall goes on meanwhile, and measures no work. So limits, budgets and what a training took
are in running time. No signal tells of all these pauses; they are found by their length. A thread looks at the clock
every half second, and where much more lies between two looks, nothing ran.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Final

TICK: Final = 0.5  # seconds between two looks
LONGEST: Final = 2.0  # seconds between two looks that are no pause: a busy machine lets a thread wait, too


class RunningClock:
    """Seconds since it was made, without the pauses; every call is a look."""

    def __init__(self, wall: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._seen = wall()
        self._ran = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """The running time until now."""
        with self._lock:
            now = self._wall()
            passed, self._seen = now - self._seen, now
            if passed <= LONGEST:
                self._ran += passed
            return self._ran


def seconds() -> float:
    """The running time of this process since it was first asked for."""
    return _ticking()()


@cache
def _ticking() -> RunningClock:
    """The clock of this process, with the thread that looks at it."""
    clock = RunningClock()

    def tick() -> None:
        while True:
            time.sleep(TICK)
            clock()

    threading.Thread(target=tick, name="running time", daemon=True).start()
    return clock


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ticking.cache_clear)  # no thread comes along
