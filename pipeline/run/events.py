"""The events of a run, for progress bars, notices and other observers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.trial import Repeat, Stage, Trial


@dataclass(frozen=True, slots=True)
class Asked:
    """A strategy asked for trials."""

    stage: Stage
    trainings: int  # needed to answer them
    known: int  # of these, already in the ledger
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True)
class Committed:
    """A repeat is in the journal and its model on the disk; `best` is the lowest mean of a complete trial,
    among those with the most epochs so far.
    """

    repeat: Repeat
    best: float


Event = Asked | Committed
Observe = Callable[[Event], None]
