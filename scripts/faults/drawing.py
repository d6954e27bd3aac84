"""A backend with random networks instead of trained ones, without processes, to measure everything else.

Used like any user-defined backend: `--cluster scripts.faults.drawing:drawing`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.data.rows import Rows
from pipeline.models import mlp
from pipeline.study_folder.layout import StudyFolder
from pipeline.training.curve import Curve
from pipeline.training.jobs import TrainJobs
from pipeline.training.protocol import Protocol, Trained, outcome, seeds, signature_of, utc_now
from pipeline.trial import Training
from pipeline.workers.guard import Answered, Watched
from pipeline.workers.parcels import Delivery, hold
from pipeline.workers.places import Ended, Event, Joined, Parcel, Place
from pipeline.workers.slots import Slot

if TYPE_CHECKING:
    from pipeline.saved_models import Examine, Examined
    from pipeline.saved_models.member_files import Member

CURVE = Curve.of([1.0], [0.5], 1)  # of every random network


def do(work: Callable[[Any], Any], job: Any) -> Any:
    """The same as in a worker."""
    return work(job)


class Inline:
    """Places that do jobs in this process, one at each request for events; an exception in a job ends everything.

    With a seed, jobs end in an order that follows from it, otherwise in the order of the places.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        answer: Callable[[Callable[[Any], Any], Any], Any] = do,
        shuffle: int | None = None,
    ) -> None:
        self._news: list[Event] = [Joined(Place(serial, slot)) for serial, slot in enumerate(slots)]
        self._answer = answer
        self._rng = None if shuffle is None else np.random.default_rng(shuffle)
        self._jobs: dict[Place, tuple[Callable[[Any], Any], Any]] = {}

    def begin(self, place: Place, work: Watched[Any, Any], job: Any, needs: Sequence[Parcel] = ()) -> None:
        """Keep the job until the next request for events."""
        if place in self._jobs:
            raise ValueError(f"{place.name} has a job already")
        hold([Delivery.of(each) for each in needs])
        self._jobs[place] = work.work, job

    def end(self, place: Place) -> str:
        """Forget the job."""
        del self._jobs[place]
        return ""

    def events(self, seconds: float) -> Sequence[Event]:  # noqa: ARG002 - nothing takes time
        """Report the places first, then one job at a time."""
        news, self._news = self._news, []
        if news or not self._jobs:
            return news
        places = sorted(self._jobs, key=lambda each: each.serial)
        place = places[0 if self._rng is None else int(self._rng.integers(len(places)))]
        answered = Answered(self._answer(*self._jobs[place]))
        del self._jobs[place]
        return [Ended(place, answered)]

    def close(self) -> None:
        """Forget all jobs."""
        self._jobs.clear()


def drawn(training: Training, rows: Rows, protocol: Protocol) -> Trained:
    """A network with its initial weights, the same ones for the same training."""
    first, _ = seeds(protocol.seed, training.index)
    weights = mlp.initial_weights(training.configuration, signature_of(rows), first)
    found = outcome(training, rows, protocol, weights, epochs_run=1, best_epoch=1)
    return Trained(training=training, seed=first, seconds=0.001, threads=1, started=utc_now(), curve=CURVE, **found)


def _file(member: Member) -> bytes:  # noqa: ARG001 - one for all
    return b"a network"


def examined(examine: Examine, key: str, file: Callable[[Member], bytes] = _file) -> Examined:
    """The same as `Examine`, except for the Keras files, which need TensorFlow."""
    from pipeline.saved_models import Examined  # deferred, as below: it imports scikit-learn, and workers do without
    from pipeline.saved_models.member_files import load_members

    folder = StudyFolder(examine.study).model(key)
    _, members = load_members(folder, examine.digests[key], examine.model)
    files = {folder.keras(member.index).name: file(member) for member in members}
    return Examined.of(members, examine.rows, files, examine.folds)


def draw(work: Callable[[Any], Any], job: Any, seconds: float = 0.0, file: Callable[[Member], bytes] = _file) -> Any:
    """The job with random networks and without TensorFlow; each training takes `seconds` longer."""
    if isinstance(work, TrainJobs):
        found = []
        for training in job.trainings:
            time.sleep(seconds)
            found.append(drawn(training, work.rows_of(training), work.protocol))
        return tuple(found)
    from pipeline.saved_models import Examine

    return examined(work, job, file) if isinstance(work, Examine) else work(job)


def drawing(slots: Sequence[Slot], logs: Path) -> Inline:  # noqa: ARG001 - nothing is printed
    """A backend with random networks, one millisecond each."""
    return Inline(slots, partial(draw, seconds=0.001))
