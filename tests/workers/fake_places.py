"""Places in memory, with a clock of their own: they keep the laws, hold the caller to them, and do what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.workers.guard import Answered, Raised, Watched
from pipeline.workers.parcels import Delivery, hold
from pipeline.workers.places import Died, Ended, Event, Joined, Left, Parcel, Place
from pipeline.workers.slots import Slot


@dataclass(slots=True)
class Doing:
    """A job under way."""

    work: Watched[Any, Any]
    job: Any
    needs: tuple[Parcel, ...]
    begun: float
    order: int  # of its beginning
    frozen: bool = False  # shows no sign of life any more


@dataclass(slots=True)
class FakePlaces:
    """As many places as slots; without `choose` every job ends in its turn, in the order in which they began."""

    slots: int = 1
    choose: Iterator[int] | None = None  # numbers: modulo what can happen they say what does
    direct: Callable[[FakePlaces], None] | None = None  # does something to the places whenever somebody looks at them
    now: float = 0.0
    begun: list[tuple[str, Any]] = field(default_factory=list)  # the slot and the job of each beginning
    left: list[Any] = field(default_factory=list)  # the jobs whose places left with them
    failed: list[Any] = field(default_factory=list)  # the jobs that raised, died or were given up
    closed: bool = False
    _present: dict[Place, Doing | None] = field(default_factory=dict)
    _gone: dict[Place, bool] = field(default_factory=dict)  # left, and nobody has heard of it: with a job?
    _news: list[Event] = field(default_factory=list)
    _serial: int = 0

    def __post_init__(self) -> None:
        for number in range(self.slots):
            self.join(f"fake{number}")

    def clock(self) -> float:
        """Seconds, which pass while somebody waits for events."""
        return self.now

    # ------------------------------------------------------------------------------------------ what befalls the places

    def join(self, name: str) -> None:
        """A place more."""
        place = Place(self._serial, Slot(name, (0,)))
        self._serial += 1
        self._present[place] = None
        self._news.append(Joined(place))

    def leave(self, place: Place) -> None:
        """A place less, and its job with it."""
        doing = self._present.pop(place)
        self._gone[place] = doing is not None
        if doing:
            self.left.append(doing.job)
        self._news.append(Left(place, "the cable was pulled"))

    def freeze(self) -> None:
        """No job that is under way shows a sign of life any more."""
        for doing in self._present.values():
            if doing:
                doing.frozen = True

    @property
    def busy(self) -> dict[Place, Any]:
        """The jobs that are under way."""
        return {place: doing.job for place, doing in self._present.items() if doing}

    @property
    def present(self) -> tuple[Place, ...]:
        """The places that are there."""
        return tuple(self._present)

    def finish(self, place: Place, outcome: Answered[Any] | Raised | Died) -> None:
        """The job of a place ends."""
        doing = self._present[place]
        assert doing is not None
        self._present[place] = None
        if not isinstance(outcome, Answered):
            self.failed.append(doing.job)
        self._news.append(Ended(place, outcome))

    def _befall(self, number: int) -> None:
        """One of all things that can happen now."""
        busy = [place for place, doing in self._present.items() if doing and not doing.frozen]
        can: list[Callable[[], None]] = [lambda: None, lambda: self.join("late")]
        for place in busy:
            can += [
                lambda place=place: self._end_in_turn(place),  # type: ignore[misc]
                lambda place=place: self.finish(place, Raised("ValueError: chosen", "in chosen")),  # type: ignore[misc]
                lambda place=place: self.finish(place, Died("killed its worker", "exit code 9")),  # type: ignore[misc]
                lambda place=place: setattr(self._present[place], "frozen", True),  # type: ignore[misc]
            ]
        can += [lambda place=place: self.leave(place) for place in self._present]  # type: ignore[misc]
        can[number % len(can)]()

    def _end_in_turn(self, place: Place) -> None:
        """The job of a place ends as it says itself."""
        doing = self._present[place]
        assert doing is not None
        if doing.job == "hang":
            if self.now >= doing.begun + doing.work.limit:
                self.finish(place, Died("ran past its limit", f"{doing.work.limit:g} s", "in sleep"))
            return
        if doing.job == "die":
            self.finish(place, Died("killed its worker", "exit code 7"))
            return
        hold([Delivery.of(each) for each in doing.needs])
        try:
            self.finish(place, Answered(doing.work.work(doing.job)))
        except Exception as error:  # noqa: BLE001 - whatever a job raises
            self.finish(place, Raised(f"{type(error).__name__}: {error}", "in act"))

    # ----------------------------------------------------------------------------------------------------------- Places

    def begin(self, place: Place, work: Watched[Any, Any], job: Any, needs: Sequence[Parcel] = ()) -> None:
        """Take a job; a place that has left and was not heard of takes it along."""
        assert not self.closed
        self.begun.append((place.name, job))
        if place in self._gone:
            assert not self._gone[place], f"{place} has left and had a job"
            self._gone[place] = True
            self.left.append(job)
            return
        if self._present[place] is not None:
            raise ValueError(f"{place.name} has a job already")
        self._present[place] = Doing(work, job, tuple(needs), self.now, len(self.begun))
        if self.choose is not None and next(self.choose, 0) % 16 == 15:
            self.leave(place)

    def end(self, place: Place) -> str:
        """Forget the job of a place."""
        if place not in self._present:  # it has left with its job, and nothing is heard of that any more
            assert self._gone[place]
            self._gone[place] = False
            return ""
        doing = self._present[place]
        assert doing is not None, f"{place} has no job"
        self.failed.append(doing.job)
        self._present[place] = None
        return ""

    def events(self, seconds: float) -> Sequence[Event]:
        """What was chosen to happen, or the jobs in their turn when nothing is chosen any more."""
        if self.direct is not None:
            self.direct(self)
        if not self._news:
            self.now += seconds
            chosen = None if self.choose is None else next(self.choose, None)
            if chosen is not None:
                for _ in range(1 + chosen % 3):
                    self._befall(next(self.choose, 0))  # type: ignore[arg-type]
            else:
                self._calm()
        news, self._news = self._news, []
        for event in news:
            self._gone.pop(event.place, None)
        return news

    def _calm(self) -> None:
        if not self._present and self.choose is not None:
            self.join("last")
        busy = [(doing.order, place) for place, doing in self._present.items() if doing and not doing.frozen]
        for _, place in sorted(busy, key=lambda each: each[0]):
            self._end_in_turn(place)
            if self._news:
                return

    def close(self) -> None:
        """Nothing is left."""
        self.closed = True
        self._present.clear()
