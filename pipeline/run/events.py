"""What happens in a run, as values: for progress bars, notices and whoever else observes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.trial import Repeat, Stage, Trial


@dataclass(frozen=True, slots=True)
class Asked:
    """A strategy asked for trials."""

    stage: Stage
    trainings: int  # that answer them
    known: int  # of these, in the ledger already
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True)
class Committed:
    """A repeat is in the journal, its model on the disk; `best` is the lowest mean of a complete trial,
    among those with the most epochs so far.
    """

    repeat: Repeat
    best: float


Event = Asked | Committed
Observe = Callable[[Event], None]
