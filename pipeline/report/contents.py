"""Everything that the pictures and the page show, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.analysis.importance import Importance
from pipeline.analysis.verdict import Verdict
from pipeline.ranking.group import Group
from pipeline.report.wording import Naming
from pipeline.tasks import Task
from pipeline.trial import Summary
from pipeline.tuning.study import Result


@dataclass(frozen=True, slots=True)
class Contents:
    """Equal contents give equal pages and byte for byte equal pictures."""

    name: str  # the study's
    result: Result
    ranking: tuple[Summary, ...]  # every configuration known, best first
    verdict: Verdict
    timeline: tuple[Summary, ...]  # stage 1, then stage 2 round by round
    trainings: int  # in the ledger, failed ones included
    failed: int
    seconds: float  # sum of the wall times of the trainings
    elapsed: float  # running time of this run, seconds: pauses do not count
    repeats: int  # trainings that each configuration was asked for
    group: Group  # what cannot be told apart from the best
    importance: Importance  # of the hyperparameters, for the score of full trainings
    load_command: str  # the Python that reloads the models
    folder: str  # of the study
    folds: int = 0  # of a cross-validation: a repeat has rows of its own then
    naming: Naming = field(default_factory=Naming)  # what configurations are called

    @property
    def task(self) -> Task:
        """What the study predicts, and in which words it is told how well."""
        return self.verdict.target.task
