"""Who gets which job, and what becomes of a job without an answer: the policy of a run, over any `Places`.

What a job's own process did counts against the job, three times; what befell its place does not. All limits are in
running time: while the run is stopped, no job is late.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from pipeline import running_time
from pipeline.workers.guard import Answered, Raised, Watched
from pipeline.workers.places import Died, Ended, Event, Joined, Left, Parcel, Place, Places

JobType = TypeVar("JobType")
Answer = TypeVar("Answer")

ATTEMPTS: Final = 3  # processes in which a job may die, raise or hang before it is given up
MOVES: Final = 10  # places that may leave with a job before it is given up
POLL: Final = 0.2  # seconds between looks at whether the user asked to stop
MARGIN: Final = 60.0  # seconds after its limit in which its place has to end a job, before it is given up as hung
PATIENCE: Final = 600.0  # seconds without any place after which a run ends


class StoppedError(Exception):
    """The user asked to stop: running jobs had their grace time, what finished was delivered."""


class NoPlacesError(StoppedError):
    """There was no place for a job for a long time: the run ends as if the user had asked to stop."""


@dataclass(frozen=True, slots=True)
class Finished(Generic[JobType, Answer]):
    """A job and its answer, or why there is none: `lost` is empty exactly when there is an answer."""

    job: JobType
    place: Place  # the last one that it had
    answer: Answer | None
    lost: str = ""
    stack: str = ""  # where the job was when it was lost, as far as that is known


@dataclass(frozen=True, slots=True)
class _Task(Generic[JobType]):
    job: JobType
    failures: tuple[Died, ...] = ()
    moves: int = 0

    def lost(self, place: Place) -> Finished[JobType, Any]:
        count = f"{len(self.failures)} times"
        if len({each.kind for each in self.failures}) == 1:
            reason = f"{self.failures[-1].kind} {count}: {self.failures[-1].detail}"
        else:
            reason = f"failed {count}: " + "; ".join(f"{each.kind}: {each.detail}" for each in self.failures)
        stack = next((each.stack for each in reversed(self.failures) if each.stack), "")
        return Finished(self.job, place, None, reason, stack)


@dataclass(frozen=True, slots=True)
class _Running(Generic[JobType]):
    task: _Task[JobType]
    begun: float
    due: float  # when the driver ends what did not end itself


class Workers:
    """The places of a run and what is known of them; leaving the `with` block ends every job and process."""

    def __init__(
        self,
        places: Places,
        stop: Callable[[], bool],
        *,
        grace: float = 10.0,
        margin: float = MARGIN,
        clock: Callable[[], float] = running_time.seconds,  # a pause is no time that anybody had
    ) -> None:
        self._places = places
        self._stop = stop
        self._grace = grace  # seconds that running jobs get after the user asked to stop
        self._margin = margin
        self._clock = clock
        self._kinds: dict[Place, set[str]] = {}  # of jobs that its process had, for each place that is there

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._places.close()

    @property
    def count(self) -> int:
        """How many jobs can run at once as far as is known by now; at least 1."""
        for event in self._places.events(0) if not self._kinds else ():
            self._note(event)
        return max(1, len(self._kinds))

    def run(
        self,
        work: Callable[[JobType], Answer],
        jobs: Sequence[JobType],
        *,
        kind: Callable[[JobType], str] = lambda _: "",
        parts: Callable[[JobType], Sequence[JobType]] = lambda job: (job,),
        limit: Callable[[JobType], float] = lambda _: math.inf,
        start: Callable[[], None] | None = None,
        needs: Callable[[JobType], Sequence[Parcel]] = lambda _: (),
    ) -> Iterator[Finished[JobType, Answer]]:
        """Answer every job once, as they finish; one that kills its workers, hangs or raises is `lost`, and why.

        Jobs of one kind go to workers that had that kind before, where there is a choice: what they compiled is there.
        A job without an answer is tried again in its `parts`, each a job of its own, so that what kills a worker takes
        nothing else with it; what has no parts is given up after three attempts. A job whose place left goes to
        another place, and is given up after ten. `limit` is in seconds, and counts from the end of `start`, which is
        called before each job for what takes time only once in the life of a worker. `needs` are the parcels of a job.

        Raises StoppedError when the user asked to stop, after what finished within the grace time was delivered, and
        NoPlacesError after ten minutes without any place. What still runs when the caller asks for no more is ended.
        """

        def watched(job: JobType) -> Watched[JobType, Answer]:
            return Watched(work, limit(job), start)

        waiting = deque(_Task(job) for job in jobs)
        running: dict[Place, _Running[JobType]] = {}
        news: deque[Event] = deque()
        deadline: float | None = None
        seen = self._clock()  # when there was a place last
        try:
            while waiting or running:
                if deadline is None and self._stop():
                    deadline = self._clock() + self._grace
                if deadline is None:
                    self._hand_out(watched, waiting, running, kind, needs)
                elif not running or self._clock() > deadline:
                    break
                news.extend(self._events(running))
                while news:
                    event = news.popleft()
                    self._note(event)
                    current = running.pop(event.place, None)
                    if current is None or isinstance(event, Joined):
                        continue
                    if isinstance(event, Ended) and isinstance(event.outcome, Answered):
                        yield Finished(current.task.job, event.place, event.outcome.answer)
                    elif isinstance(event, Left):
                        yield from _moved(event, current.task, waiting, give_up=deadline is None)
                    else:
                        yield from _failed(event, current.task, waiting, parts, give_up=deadline is None)
                seen = self._clock() if self._kinds else seen
                if self._clock() > seen + PATIENCE:
                    raise NoPlacesError
        finally:
            self._drop(running, news)
        if waiting or running:
            raise StoppedError

    def _events(self, running: Mapping[Place, _Running[JobType]]) -> list[Event]:
        """What happened; a job without a sign of life long after its limit counts as ended, and is.

        Both are looked at together: who takes the answers may take long for it, and a job may end meanwhile.
        """
        found = list(self._places.events(POLL))
        heard = {each.place for each in found}
        for place, current in running.items():
            now = self._clock()
            if place not in heard and now > current.due:
                detail = f"no sign of life {now - current.begun:.0f} s after its start"
                found.append(Ended(place, Died("hung", detail, self._places.end(place))))
        return found

    def _drop(self, running: dict[Place, _Running[JobType]], news: Sequence[Event]) -> None:
        """End what still runs, so that its place is free for what is asked next."""
        for event in news:
            self._note(event)
        for place in running.keys() - {event.place for event in news}:
            self._places.end(place)
            self._kinds[place].clear()

    def _note(self, event: Event) -> None:
        """Keep in mind which places there are, and what their processes have compiled."""
        if isinstance(event, Joined):
            self._kinds[event.place] = set()
        elif isinstance(event, Left):
            self._kinds.pop(event.place, None)
        elif not isinstance(event.outcome, Answered):
            self._kinds[event.place].clear()

    def _hand_out(
        self,
        watched: Callable[[JobType], Watched[JobType, Answer]],
        waiting: deque[_Task[JobType]],
        running: dict[Place, _Running[JobType]],
        kind: Callable[[JobType], str],
        needs: Callable[[JobType], Sequence[Parcel]],
    ) -> None:
        for place in [each for each in self._kinds if each not in running]:
            if not waiting:
                return
            task = self._suited(place, waiting, kind)
            waiting.remove(task)
            self._kinds[place].add(kind(task.job))
            work, now = watched(task.job), self._clock()
            self._places.begin(place, work, task.job, needs(task.job))  # what it raises leaves the place without a job
            running[place] = _Running(task, now, now + work.start_limit + work.limit + self._margin)

    def _suited(
        self, place: Place, waiting: Sequence[_Task[JobType]], kind: Callable[[JobType], str]
    ) -> _Task[JobType]:
        """The first job of a kind that this worker had, else of one that no worker had, else the first."""
        elsewhere = set().union(*self._kinds.values()) - self._kinds[place]
        mine = (task for task in waiting if kind(task.job) in self._kinds[place])
        fresh = (task for task in waiting if kind(task.job) not in elsewhere)
        return next(mine, None) or next(fresh, None) or waiting[0]


def _moved(
    event: Left, task: _Task[JobType], waiting: deque[_Task[JobType]], *, give_up: bool
) -> Iterator[Finished[JobType, Any]]:
    """Let a job wait for another place, or give it up where it had too many."""
    moved = replace(task, moves=task.moves + 1)
    if moved.moves >= MOVES and give_up:
        yield Finished(task.job, event.place, None, f"lost its place {moved.moves} times: {event.why}")
    elif moved.moves == 1:
        waiting.appendleft(moved)
    else:
        waiting.append(moved)  # it may be what makes places leave


def _failed(
    event: Ended[Any],
    task: _Task[JobType],
    waiting: deque[_Task[JobType]],
    parts: Callable[[JobType], Sequence[JobType]],
    *,
    give_up: bool,
) -> Iterator[Finished[JobType, Any]]:
    """Let the parts of a job wait for another attempt, or give it up where it has none and had enough attempts."""
    outcome = event.outcome
    assert not isinstance(outcome, Answered)
    failure = Died("raised", outcome.reason, outcome.stack) if isinstance(outcome, Raised) else outcome
    failed = replace(task, failures=(*task.failures, failure))
    pieces = parts(task.job)
    if len(pieces) == 1 and len(failed.failures) >= ATTEMPTS and give_up:
        yield failed.lost(event.place)
    else:
        # Behind the others: what is under suspicion must not hold them up.
        waiting.extend(replace(failed, job=piece) for piece in pieces)
