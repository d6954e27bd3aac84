"""The seam between a run and whatever runs its jobs: the words of both sides, and the laws that hold between them.

A backend (processes of this machine today) knows where a job can run, begins it there, ends it for certain, and tells
what happened. It knows nothing of attempts, time limits of a run, or trainings: that is the policy in `pool`.
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
    """One slot of one machine, from its joining to its leaving: a machine that comes back brings other places."""

    serial: int  # never used twice in the life of a `Places`
    slot: Slot
    node: str = ""  # the machine; empty for the one that the run was started on

    @property
    def name(self) -> str:
        """As the ledger has it: "cpu1", or "gpu0@node17" for another machine."""
        return f"{self.slot.name}@{self.node}" if self.node else self.slot.name


@dataclass(frozen=True, slots=True)
class Module:
    """What Python has to know of a module whose source travels."""

    name: str  # "package.module"
    origin: str  # the file that the source was read from, for tracebacks; empty where a package has none
    folders: tuple[str, ...] | None = None  # of a package: where modules that do not travel are looked for


@dataclass(frozen=True, slots=True)
class Parcel:
    """Bytes that a job needs where it runs, named by their SHA-256: rows, or the source of a module."""

    digest: str
    kind: Literal["rows", "code"]
    content: Callable[[], bytes]
    file: Path | None = None  # where the machine of the run has these bytes: places there need no copy
    module: Module | None = None  # of code


@dataclass(frozen=True, slots=True)
class Died:
    """What became of the process of a job that gave no answer."""

    kind: str  # "killed its worker"
    detail: str  # "signal SIGKILL, exit code -9"
    stack: str = ""  # where the job was, as far as that is known


@dataclass(frozen=True, slots=True)
class Joined:
    """The place can take a job from now on."""

    place: Place


@dataclass(frozen=True, slots=True)
class Left:
    """The place is gone, and with it the job that it had: never that job's fault."""

    place: Place
    why: str  # "its worker left"


@dataclass(frozen=True, slots=True)
class Ended(Generic[Answer]):
    """The job of the place has ended in its own process, and the place is free."""

    place: Place
    outcome: Answered[Answer] | Raised | Died


Event = Joined | Left | Ended[Any]


class Places(Protocol):
    """Where jobs run. Only `events` waits, and no longer than it may.

    1. `Joined` comes before all else of a place, and nothing after its `Left`; a serial never comes again.
    2. After `begin` there is one `Ended` or one `Left` of that place, or the caller's `end`; after `end` nothing is
       heard of the job, whatever arrives later.
    3. No slot has two jobs at once: `begin` raises ValueError where the place has one, and a job that was ended is
       gone before the next begins. A job of a place that has left and was not yet heard of ends with its `Left`.
    4. A job runs in a process that had `process.environment(slot)` before its first import, and that ends with the
       driver. After a job that gave no answer, the next one of the place has a fresh process.
    5. `Ended` says what the job's own process did, `Left` what befell the place. A job that runs past its limit is
       ended where it runs; while it or who began it is stopped, it does not run.
    6. An answer comes by value.
    7. A job begins only where all its parcels are, after their digests were checked there; where one cannot be had,
       `events` raises UserError.
    8. After `close` no process is left.
    """

    def begin(self, place: Place, work: Watched[JobType, Answer], job: JobType, needs: Sequence[Parcel] = ()) -> None:
        """Let a free place do a job."""
        ...

    def end(self, place: Place) -> str:
        """Give up the job of a place, at once; returns the stack that it left, as far as there is one already."""
        ...

    def events(self, seconds: float) -> Sequence[Event]:
        """What happened since the last call, in order; waits for something for at most so long."""
        ...

    def close(self) -> None:
        """End all jobs and processes; nothing may be asked of the places after that."""
        ...


OpenPlaces = Callable[[Sequence[Slot], Path], Places]
"""What a backend is: it makes the places of a run from its slots and from the folder for what workers print."""
