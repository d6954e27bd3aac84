"""The interface between a run and a backend, which runs its jobs: the types of both, and the rules between them.

A backend (such as processes of this machine) knows where a job can run, starts it there, ends it reliably, and reports
what happened. It knows nothing about attempts, time limits of a run, or trainings: that is the policy in `pool`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from pipeline.workers.guard import Answered, Raised, Watched
from pipeline.workers.slots import Slot

JobType = TypeVar("JobType")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Place:
    """One slot of one machine, from joining to leaving; a machine that comes back brings new places."""

    serial: int  # never used twice in the life of a `Places`
    slot: Slot
    node: str = ""  # the machine; empty for the one on which the run was started

    @property
    def name(self) -> str:
        """The name in the ledger: "cpu1", or "gpu0@node17" for another machine."""
        return f"{self.slot.name}@{self.node}" if self.node else self.slot.name


@dataclass(frozen=True, slots=True)
class Module:
    """What Python needs to know about a module whose source is sent."""

    name: str  # "package.module"
    origin: str  # the file from which the source was read, for tracebacks; empty for a package without one
    folders: tuple[str, ...] | None = None  # of a package: where to look for modules that are not sent


@dataclass(frozen=True, slots=True)
class Parcel:
    """Bytes that a job needs where it runs, named by their SHA-256: rows, or the source of a module."""

    digest: str
    kind: Literal["rows", "code"]
    content: Callable[[], bytes]
    file: Path | None = None  # the file with these bytes on the machine of the run, where places need no copy
    module: Module | None = None  # of code


@dataclass(frozen=True, slots=True)
class Died:
    """What happened to the process of a job without an answer."""

    kind: str  # "killed its worker"
    detail: str  # "signal SIGKILL, exit code -9"
    stack: str = ""  # the stack of the job, as far as it is known


@dataclass(frozen=True, slots=True)
class Joined:
    """The place can take a job from now on."""

    place: Place


@dataclass(frozen=True, slots=True)
class Left:
    """The place is gone, and with it its job; that is never the job's fault."""

    place: Place
    why: str  # "its worker left"


@dataclass(frozen=True, slots=True)
class Ended(Generic[Answer]):
    """The job of the place has ended in its own process, and the place is free."""

    place: Place
    outcome: Answered[Answer] | Raised | Died


Event = Joined | Left | Ended[Any]


class Places(Protocol):
    """Where jobs run. Only `events` waits, and at most for the given time.

    1. `Joined` is the first event of a place and `Left` the last; a serial number is never used again.
    2. After `begin` there is one `Ended` or one `Left` of that place, or the caller's `end`; after `end` there are no
       more events of the job.
    3. No slot has two jobs at once: `begin` raises ValueError if the place has one, and a job that was ended is gone
       before the next begins. The job of a place that has left ends with its `Left`.
    4. A job runs in a process that had `process.environment(slot)` before its first import, and that ends with the
       driver. After a job without an answer, the place has a new process.
    5. `Ended` reports what the job's own process did, `Left` what happened to the place. A job that runs past its limit
       is ended where it runs; while it or its driver is stopped, it does not run.
    6. Answers are returned by value.
    7. A job begins only after all its parcels have arrived and their digests were checked; if one is not available,
       `events` raises UserError.
    8. After `close` no process is left.
    """

    def begin(self, place: Place, work: Watched[JobType, Answer], job: JobType, needs: Sequence[Parcel] = ()) -> None:
        """Start a job at a free place."""
        ...

    def end(self, place: Place) -> str:
        """End the job of a place at once. Return its stack, as far as there is one."""
        ...

    def events(self, seconds: float) -> Sequence[Event]:
        """The events since the last call, in order; waits for at most that many seconds if there are none."""
        ...

    def close(self) -> None:
        """End all jobs and processes; the places cannot be used afterwards."""
        ...


OpenPlaces = Callable[[Sequence[Slot], Path], Places]
"""A backend: it makes the places of a run from its slots and the folder for the workers' output."""
