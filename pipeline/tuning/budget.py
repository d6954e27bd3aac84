"""How much a search may do: the numbers of the settings, under the names that they have there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The settings that say how much is tried and trained; `pipeline.settings` describes each to the user."""

    configurations: int  # of stage 1, where trainings are not counted
    repeats: int  # trainings of each configuration
    elite: int  # proposals of a round of stage 2, and its searches at most
    calls: int  # rounds of proposals in stage 2, where trainings are not counted
    epochs: int  # of a full training
    max_repeats: int = 0  # trainings of a contender; see `contender_repeats`
    trainings: int = 0  # of both stages together, in place of configurations and calls; 0: not counted
    seconds: float = 0.0  # of a run; 0: no limit
    target_score: float | None = None  # mean objective at which the search ends
    settled: int = 0  # rounds in a row without an expected gain above the noise, after which it ends; 0: never
    seed: int = 0

    @property
    def contender_repeats(self) -> int:
        """Trainings of a contender at most: `max_repeats`, or `repeats` where that is more."""
        return max(self.repeats, self.max_repeats)

    @property
    def retrains(self) -> bool:
        """True where contenders may have more trainings than all other configurations."""
        return self.contender_repeats > self.repeats

    @property
    def max_calls(self) -> int:
        """Rounds of proposals at most: where trainings are counted, each round has one at least."""
        return self.trainings or self.calls
