"""The limits of a search: it ends when the first of them is reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline import running_time
from pipeline.ranking.order import recommend
from pipeline.trial import Summary
from pipeline.tuning.budget import Budget

Elapsed = Callable[[], float]
"""The fraction of the allowed time that has passed: 0 at the start, 1 at the end; always 0 without a limit."""

OUT_OF_TIME = "its time is up"


def unlimited() -> float:
    """The clock of a search without a time limit."""
    return 0.0


def clock(seconds: float, started: float) -> Elapsed:
    """The fraction of `seconds` that has passed since `started` (of `running_time.seconds`); 0 seconds: no limit."""
    return (lambda: (running_time.seconds() - started) / seconds) if seconds else unlimited


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that may end a stage before everything is tried."""

    budget: Budget
    elapsed: Elapsed = unlimited
    trainings: int | None = None  # budget of this stage; None: no budget

    @property
    def unwatched(self) -> bool:
        """True if neither the time nor a target can end anything early."""
        return self.budget.target_score is None and self.elapsed is unlimited

    @property
    def reserved(self) -> str:
        """Why a search ends that reserves the last part of its budget for contenders, as the end of a sentence."""
        if self.trainings is None:
            return OUT_OF_TIME
        return "the rest of its trainings was reserved for retraining the contenders"

    def reached(self, trainings: int, still: int, measured: Iterable[Summary]) -> str:
        """The reason why the search ends now, as the end of a sentence; empty if it continues.

        Args:
            trainings: Number of trainings that this stage has made.
            still: Number of rounds in a row, up to now, whose expected improvement was below the noise.
            measured: The configurations that may be recommended.
        """
        if self.trainings is not None and trainings >= self.trainings:
            return "its budget of trainings is used up"
        if self.elapsed() >= 1.0:
            return OUT_OF_TIME
        if self.budget.settled and still >= self.budget.settled:
            rounds = f"{still} round{'' if still == 1 else 's'}"
            return f"the expected improvement has been below the noise for {rounds}"
        return self.met(measured)

    def met(self, measured: Iterable[Summary]) -> str:
        """The reason if a configuration trained at least twice has reached the target; otherwise empty."""
        target = self.budget.target_score
        if target is None:
            return ""
        best = recommend(measured)
        reached = best is not None and best.mean <= target
        return f"the target of {self.budget.target_words or f'{target:g}'} is reached" if reached else ""

    def progress(self, trainings: int) -> float:
        """The fraction of the trainings or of the time that is used, whichever is more; 0 if neither is limited."""
        if self.trainings is None:
            return self.elapsed()
        return max(trainings / self.trainings if self.trainings else 1.0, self.elapsed())

    def affordable(self, trainings: int, wanted: int) -> int:
        """How many of the wanted trainings may follow those made; all of them if only the time is limited."""
        if self.progress(trainings) >= 1.0:
            return 0
        return wanted if self.trainings is None else min(wanted, self.trainings - trainings)
