"""One loky process for each slot: jobs in, outcomes out as they finish, a dead worker costs only its own job.

`joblib.Parallel` fails as a whole when one worker dies, so each slot has an executor of its own, of joblib's own loky
processes. The driver alone writes results; workers get recipes and send back values.
"""

from __future__ import annotations

import math
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from pipeline.workers.guard import Answered, Raised, Watched, past_limit, read_stack
from pipeline.workers.slots import Slot
from pipeline.workers.worker import Worker, cause

JobType = TypeVar("JobType")
Answer = TypeVar("Answer")

ATTEMPTS: Final = 3  # a job that got no answer goes to a fresh worker so often before it is given up
POLL: Final = 0.2  # seconds between looks at whether the user asked to stop
MARGIN: Final = 60.0  # seconds after its limit in which a job's own process has to end it, or is ended by the driver


class StoppedError(Exception):
    """The user asked to stop: running jobs had their grace time, what finished was delivered."""


@dataclass(frozen=True, slots=True)
class Finished(Generic[JobType, Answer]):
    """A job and its answer, or why there is none: `lost` is empty exactly when there is an answer."""

    job: JobType
    slot: Slot
    answer: Answer | None
    lost: str = ""
    stack: str = ""  # where the job was when it was lost, as far as that is known


@dataclass(frozen=True, slots=True)
class _Failure:
    kind: str  # "killed its worker"
    detail: str  # "signal SIGKILL, exit code -9"
    stack: str


@dataclass(frozen=True, slots=True)
class _Task(Generic[JobType]):
    job: JobType
    failures: tuple[_Failure, ...] = ()

    def lost(self, slot: Slot) -> Finished[JobType, Any]:
        count = f"{len(self.failures)} times"
        if len({each.kind for each in self.failures}) == 1:
            reason = f"{self.failures[-1].kind} {count}: {self.failures[-1].detail}"
        else:
            reason = f"failed {count}: " + "; ".join(f"{each.kind}: {each.detail}" for each in self.failures)
        stack = next((each.stack for each in reversed(self.failures) if each.stack), "")
        return Finished(self.job, slot, None, reason, stack)


@dataclass(frozen=True, slots=True)
class _Running(Generic[JobType]):
    task: _Task[JobType]
    worker: Worker
    begun: float  # time.monotonic(), as `due`, at which the driver ends what did not end itself
    due: float


_Jobs = dict[Future[Any], _Running[JobType]]


class Workers:
    """The processes of a run; leaving the `with` block ends every one of them, busy or not."""

    def __init__(
        self,
        slots: Sequence[Slot],
        logs: Path,
        stop: Callable[[], bool],
        grace: float = 10.0,
        margin: float = MARGIN,
    ) -> None:
        self._workers = tuple(Worker(slot, logs) for slot in slots)
        self._stop = stop
        self._grace = grace  # seconds that running jobs get after the user asked to stop
        self._margin = margin
        self._kinds: dict[Slot, set[str]] = {slot: set() for slot in slots}

    def __enter__(self) -> Self:
        # A process that grew too large is replaced in passing; that is no news for a user.
        warnings.filterwarnings("ignore", message="A worker stopped", category=UserWarning)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.retire()

    @property
    def count(self) -> int:
        """How many jobs can run at once."""
        return len(self._workers)

    def run(
        self,
        work: Callable[[JobType], Answer],
        jobs: Sequence[JobType],
        *,
        kind: Callable[[JobType], str] = lambda _: "",
        parts: Callable[[JobType], Sequence[JobType]] = lambda job: (job,),
        limit: Callable[[JobType], float] = lambda _: math.inf,
        start: Callable[[], None] | None = None,
    ) -> Iterator[Finished[JobType, Answer]]:
        """Answer every job once, as they finish; one that kills its workers, hangs or raises is `lost`, and why.

        Jobs of one kind go to workers that had that kind before, where there is a choice: what they compiled is there.
        A job without an answer is tried again in its `parts`, each a job of its own, so that what kills a worker takes
        nothing else with it; what has no parts is given up after three attempts. `limit` is in seconds, and counts from
        the end of `start`, which is called before each job for what takes time only once in the life of a worker.
        Raises StoppedError when the user asked to stop, after what finished within the grace time was delivered.
        """

        def watched(job: JobType, worker: Worker) -> Watched[JobType, Answer]:
            return Watched(work, limit(job), start, worker.stack)

        waiting = deque(_Task(job) for job in jobs)
        running: _Jobs[JobType] = {}
        deadline: float | None = None
        while waiting or running:
            if deadline is None and self._stop():
                deadline = time.monotonic() + self._grace
            if deadline is None:
                self._hand_out(watched, waiting, running, kind)
            elif not running or time.monotonic() > deadline:
                break
            for future in self._ended(running):
                current = running.pop(future)
                failure = self._failure(future, current)
                if failure is None:
                    yield Finished(current.task.job, current.worker.slot, future.result().answer)
                    continue
                task = _Task(current.task.job, (*current.task.failures, failure))
                pieces = parts(task.job)
                if len(pieces) == 1 and len(task.failures) >= ATTEMPTS and deadline is None:
                    yield task.lost(current.worker.slot)
                else:
                    # Behind the others: what is under suspicion must not hold them up.
                    waiting.extend(_Task(piece, task.failures) for piece in pieces)
        if waiting or running:
            raise StoppedError

    def _hand_out(
        self,
        watched: Callable[[JobType, Worker], Watched[JobType, Answer]],
        waiting: deque[_Task[JobType]],
        running: _Jobs[JobType],
        kind: Callable[[JobType], str],
    ) -> None:
        busy = {current.worker for current in running.values()}
        for worker in self._workers:
            if waiting and worker not in busy:
                task = self._suited(worker.slot, waiting, kind)
                waiting.remove(task)
                self._kinds[worker.slot].add(kind(task.job))
                work = watched(task.job, worker)
                due = time.monotonic() + work.start_limit + work.limit + self._margin
                running[worker.submit(work, task.job)] = _Running(task, worker, time.monotonic(), due)

    def _suited(self, slot: Slot, waiting: Sequence[_Task[JobType]], kind: Callable[[JobType], str]) -> _Task[JobType]:
        """The first job of a kind that this worker had, else of one that no worker had, else the first."""
        elsewhere = set().union(*self._kinds.values()) - self._kinds[slot]
        mine = (task for task in waiting if kind(task.job) in self._kinds[slot])
        fresh = (task for task in waiting if kind(task.job) not in elsewhere)
        return next(mine, None) or next(fresh, None) or waiting[0]

    def _ended(self, running: _Jobs[JobType]) -> list[Future[Any]]:
        """The jobs that ended, after a short wait for one; one that is long overdue counts as ended, and is."""
        done = wait(list(running), timeout=POLL, return_when=FIRST_COMPLETED).done
        overdue = []
        for future, current in running.items():
            if future not in done:
                current.worker.look()
                if time.monotonic() > current.due:
                    overdue.append(future)
        return [*done, *overdue]

    def _failure(self, future: Future[Any], current: _Running[JobType]) -> _Failure | None:
        """None where there is an answer; else what became of the job, its worker retired."""
        error = future.exception() if future.done() else None
        outcome = future.result() if future.done() and error is None else None
        if isinstance(outcome, Answered):
            return None
        self._kinds[current.worker.slot].clear()
        current.worker.retire()
        failure = _told(outcome, error, read_stack(current.worker.stack), current)
        current.worker.note(f"A job {failure.kind}: {failure.detail}\n{failure.stack}")
        return failure


def _told(outcome: object, error: BaseException | None, stack: str, current: _Running[Any]) -> _Failure:
    if isinstance(outcome, Raised):
        return _Failure("raised", outcome.reason, outcome.stack)
    if error is None:
        return _Failure("hung", f"no sign of life {time.monotonic() - current.begun:.0f} s after its start", stack)
    kind, detail = cause(error)
    if limit := past_limit(stack):
        return _Failure("ran past its limit", f"{limit}, ended with {detail}", stack)
    return _Failure(kind, detail, stack)
