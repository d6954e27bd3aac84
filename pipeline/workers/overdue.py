"""Whether a job has really run for its limit: its worker tells by the clock on the wall, to which pauses add."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from pipeline import running_time
from pipeline.workers.guard import passed_limit


class Overdue:
    """Watches one job from its beginning, in the process that began it.

    What the job did not run of its limit, because its own process or this one was stopped, it gets once more.
    """

    def __init__(
        self,
        stacks: Path,
        *,
        wall: Callable[[], float] = time.monotonic,
        running: Callable[[], float] = running_time.seconds,
    ) -> None:
        self._stacks = stacks  # what the worker writes when a limit has passed
        self._wall, self._running = wall, running
        self._begun, self._ran = wall(), running()
        self._stopped = 0.0  # running time of this process in which that of the job was stopped
        self._looked = self._ran
        self._due: float | None = None

    def look(self, *, stopped: bool) -> float:
        """The limit, in seconds, that the job has run past; 0 as long as it has not. To be asked now and then.

        `stopped` says that the process of the job is stopped now.
        """
        now = self._running()
        self._stopped += now - self._looked if stopped else 0.0
        self._looked = now
        limit, ran = passed_limit(self._stacks), now - self._stopped
        if not limit:  # not passed, or that of the start, after which the job had its own
            self._due = None
        elif self._due is None:
            paused = self._wall() - self._begun - (ran - self._ran)
            self._due = ran + min(limit, paused)  # at least until the next look: then the stack is written to its end
        elif ran > self._due:
            return limit
        return 0.0
