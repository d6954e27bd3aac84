"""The budget of a search: the numbers of the settings, with the same names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The settings that determine how much is tried and trained; `pipeline.settings` describes them to the user."""

    configurations: int  # of stage 1, without a budget of trainings
    repeats: int  # trainings of each configuration
    elite: int  # proposals of a round of stage 2, and most searches in it
    calls: int  # rounds of proposals in stage 2, without a budget of trainings
    epochs: int  # of a full training
    max_repeats: int = 0  # trainings of a contender; see `contender_repeats`
    trainings: int = 0  # budget of both stages together, instead of configurations and calls; 0: none
    seconds: float = 0.0  # of a run; 0: no limit
    target_score: float | None = None  # mean objective at which the search ends
    target_words: str = ""  # the same as people know it, where that is another number
    settled: int = 0  # it ends after this many rounds in a row without an expected gain above the noise; 0: never
    seed: int = 0

    @property
    def contender_repeats(self) -> int:
        """The most trainings of a contender: `max_repeats`, or `repeats` if that is more."""
        return max(self.repeats, self.max_repeats)

    @property
    def retrains(self) -> bool:
        """True if contenders may have more trainings than other configurations."""
        return self.contender_repeats > self.repeats

    @property
    def max_calls(self) -> int:
        """The most rounds of proposals: with a budget of trainings, each round has at least one."""
        return self.trainings or self.calls
