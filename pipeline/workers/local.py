"""The places of this machine: a loky process for each slot. A process that dies costs only its own job.

`joblib.Parallel` fails as a whole when one worker dies, so each slot has its own executor of joblib's loky processes.
Only the driver writes results; workers get recipes and return values.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import DamagedFile
from pipeline.workers.guard import Answered, Raised, Watched, fatal_stack, limit_stack
from pipeline.workers.parcels import Delivery, hold
from pipeline.workers.places import Died, Ended, Event, Joined, Parcel, Place
from pipeline.workers.slots import Slot
from pipeline.workers.worker import Worker, cause

JobType = TypeVar("JobType")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Damaged:
    """The error text for a parcel that a process could not hold."""

    text: str


@dataclass(frozen=True, slots=True)
class _Task:
    """What is sent to the process of a slot in addition to the job."""

    work: Watched[Any, Any]
    deliveries: tuple[Delivery, ...]
    stack: Path

    def __call__(self, job: object) -> Answered[Any] | Raised | _Damaged:
        """Hold the parcels, then do the job."""
        try:
            hold(self.deliveries)
        except DamagedFile as error:
            return _Damaged(str(error))
        return self.work(job, self.stack)


class LocalPlaces:
    """The slots of this machine as `Places`: all join at once, none leaves."""

    def __init__(self, slots: Sequence[Slot], logs: Path) -> None:
        # A process that grew too large is replaced silently; the user need not know.
        warnings.filterwarnings("ignore", message="A worker stopped", category=UserWarning)
        self._workers = {Place(serial, slot): Worker(slot, logs) for serial, slot in enumerate(slots)}
        self._news: list[Event] = [Joined(place) for place in self._workers]
        self._jobs: dict[Place, Future[Any]] = {}
        self._ended: set[Place] = set()  # whose process was killed with its job, and not cleaned up yet

    def begin(self, place: Place, work: Watched[JobType, Answer], job: JobType, needs: Sequence[Parcel] = ()) -> None:
        """Send a job to the process of a slot, which is started if there is none."""
        if place in self._jobs:
            raise ValueError(f"{place.name} has a job already")
        worker = self._workers[place]
        if place in self._ended:
            worker.retire()
            self._ended.remove(place)
        deliveries = tuple(Delivery.of(each) for each in needs)
        self._jobs[place] = worker.submit(_Task(work, deliveries, worker.stack), job)

    def end(self, place: Place) -> str:
        """Kill the process of a slot; its pool is cleaned up before the next job."""
        worker = self._workers[place]
        del self._jobs[place]
        self._ended.add(place)
        worker.kill()
        stack = limit_stack(worker.stack)
        worker.note(f"A job was given up\n{stack}")
        return stack

    def events(self, seconds: float) -> Sequence[Event]:
        """Report the slots first, then the jobs that ended, then those that ran past their limit and are ended."""
        news, self._news = self._news, []
        if news:
            return news
        if not self._jobs:
            time.sleep(seconds)
            return ()
        done = wait(list(self._jobs.values()), timeout=seconds, return_when=FIRST_COMPLETED).done
        for place, future in self._jobs.items():
            if future not in done:
                self._workers[place].look()
        ended = [self._heard(place) for place, future in list(self._jobs.items()) if future in done]
        return [*ended, *(event for place in list(self._jobs) if (event := self._past_limit(place)) is not None)]

    def _past_limit(self, place: Place) -> Ended[Any] | None:
        """End the job of a place if it has run past its limit."""
        limit = self._workers[place].passed_limit()
        return Ended(place, Died("ran past its limit", f"{limit:g} s", self.end(place))) if limit else None

    def _heard(self, place: Place) -> Ended[Any]:
        """How the job of a place ended; without an answer its process is ended as well."""
        future, worker = self._jobs.pop(place), self._workers[place]
        error = future.exception()
        outcome = future.result() if error is None else None
        if isinstance(outcome, Answered):
            return Ended(place, outcome)
        worker.retire()
        if isinstance(outcome, _Damaged):
            raise DamagedFile(outcome.text)
        if isinstance(outcome, Raised):
            worker.note(f"A job raised: {outcome.reason}\n{outcome.stack}")
            return Ended(place, outcome)
        assert error is not None
        died = Died(*cause(error), fatal_stack(worker.stack))
        worker.note(f"A job {died.kind}: {died.detail}\n{died.stack}")
        return Ended(place, died)

    def close(self) -> None:
        """End every process, busy or not."""
        for worker in self._workers.values():
            worker.kill()
        for worker in self._workers.values():
            worker.retire()
