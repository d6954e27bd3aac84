"""When a search ends: whichever comes first of what was asked for, and the words for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.ranking.order import recommend
from pipeline.trial import Summary

Spent = Callable[[], float]
"""The part of the time that a run may take which is over, from 0; always 0 where it may take any."""


def unlimited() -> float:
    """No time is ever spent."""
    return 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends a search before its rounds are over; 0 and None for no such limit."""

    trainings: int | None = None  # of stage 2
    target: float | None = None  # mean objective of what would be recommended
    settled: int = 0  # rounds in a row whose expected improvement lies below the noise
    spent: Spent = unlimited

    @property
    def unwatched(self) -> bool:
        """True where neither the time nor a target can end anything early."""
        return self.target is None and self.spent is unlimited

    @property
    def reserved(self) -> str:
        """Why a search ends that spends its last part on its leader alone, as the end of a sentence."""
        if self.trainings is None:
            return "its time is over"
        return "who leads is settled with the last of the trainings that it was given"

    def reached(self, trainings: int, still: int, measured: Iterable[Summary]) -> str:
        """Why the search ends now, as the end of a sentence; empty where it goes on.

        `still` counts the last rounds whose expected improvement lay below the noise.
        """
        if self.trainings is not None and trainings >= self.trainings:
            return "the trainings that it was given are made"
        if self.spent() >= 1.0:
            return "its time is over"
        if self.settled and still >= self.settled:
            rounds = f"{still} round{'' if still == 1 else 's'}"
            return f"the expected improvement has been below the noise for {rounds}"
        return self.met(measured)

    def met(self, measured: Iterable[Summary]) -> str:
        """That the target is reached by a configuration trained at least twice; empty where it is not."""
        if self.target is None:
            return ""
        best = recommend(measured)
        reached = best is not None and best.mean <= self.target
        return f"the target of {self.target:g} is reached" if reached else ""

    def progress(self, trainings: int) -> float:
        """The part of the trainings or of the time that is over, whichever is more; 0 where neither is limited."""
        if self.trainings is None:
            return self.spent()
        return max(trainings / self.trainings if self.trainings else 1.0, self.spent())

    def affordable(self, trainings: int, wanted: int) -> int:
        """How many of the wanted trainings may be made after so many; time that is not over affords all of them."""
        if self.progress(trainings) >= 1.0:
            return 0
        return wanted if self.trainings is None else min(wanted, self.trainings - trainings)
