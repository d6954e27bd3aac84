"""The product on a table: its own search, with look-ups instead of trainings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pipeline.ranking.order import selection_interval
from pipeline.ranking.summaries import summarise
from pipeline.settings import Settings, strategy_of
from pipeline.trial import Configuration, Repeat, Stage, Summary, Training, Trial
from pipeline.tuning.study import Plan, run
from scripts.replay.tables import Draws, Table

BASELINE: Final = Configuration.of({"baseline": "a table has none"})
EPOCHS: Final = 1


@dataclass(slots=True)
class Ledger:
    """Answers trials like a study's ledger, and counts the trainings that would have been made."""

    table: Table
    seed: int
    draws: Draws
    known: dict[str, list[Repeat]] = field(default_factory=dict)
    stage: Stage = "baseline"

    @property
    def trainings(self) -> int:
        """Trainings looked up so far, without the baseline."""
        return sum(len(repeats) for key, repeats in self.known.items() if key != BASELINE.key)

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """Everything measured, without the baseline, which no table has."""
        found = [each for key, each in sorted(self.known.items()) if key != BASELINE.key]
        return tuple(summarise(each[0].training.configuration, EPOCHS, each) for each in found)

    def begin(self, stage: Stage, facts: Mapping[str, object]) -> tuple[Summary, ...]:  # noqa: ARG002 a fresh ledger
        """Open a stage, and return everything measured before it."""
        self.stage = stage
        return self.summaries

    def evaluate(self, trials: Sequence[Trial]) -> tuple[Summary, ...]:
        """Summaries in the order of the trials, each of exactly the repeats that it asks for."""
        answers = []
        for trial in trials:
            repeats = self.known.setdefault(trial.configuration.key, [])
            repeats += [self._train(training) for training in trial.trainings[len(repeats) :]]
            answers.append(summarise(trial.configuration, trial.epochs, repeats[: trial.repeats]))
        return tuple(answers)

    def _train(self, training: Training) -> Repeat:
        score = math.inf
        if training.configuration != BASELINE:
            score = self.table.score(self.table.row_of(training.configuration), training.index, self.seed, self.draws)
        good = math.isfinite(score)
        return Repeat(training, self.stage, training.index, score if good else None, error="" if good else "diverged")


def _hush(text: str) -> None:
    """Ignore the notices of a study."""


def plan_of(table: Table, seed: int, budget: int, settings: Mapping[str, Any]) -> Plan:
    """A study of this many trainings with the given settings, and otherwise the defaults of the command line."""
    asked = Settings(
        data="a table", target=("score",), space=Path("space"), study=Path("study"), trainings=budget, **settings
    )
    return Plan(table.space, BASELINE, replace(asked.budget, epochs=EPOCHS, seed=seed), strategy_of(asked))


def pipeline(
    table: Table, seed: int, budget: int, draws: Draws, settings: Mapping[str, Any]
) -> tuple[int, int, float, float | None, float | None, int]:
    """Budget, recommended row, its reported mean and interval, and the trainings used."""
    ledger = Ledger(table, seed, draws)
    result = run(plan_of(table, seed, budget, settings), ledger.evaluate, ledger.begin, _hush)
    found = result.recommended
    assert found is not None, "nothing was trained twice"
    row = table.row_of(found.configuration)
    return budget, row, found.mean, *selection_interval(found, ledger.summaries), ledger.trainings
