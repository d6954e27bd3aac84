"""Everything that the figures and the page show, as one value."""

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
    """The contents of a report. Equal contents give equal pages, and figures that are equal byte by byte."""

    name: str  # the study's
    result: Result
    ranking: tuple[Summary, ...]  # every configuration known, best first
    verdict: Verdict
    timeline: tuple[Summary, ...]  # stage 1, then stage 2 round by round
    trainings: int  # in the ledger, failed ones included
    failed: int
    seconds: float  # sum of the wall times of the trainings
    elapsed: float  # running time of this run, seconds: pauses do not count
    repeats: int  # requested trainings of each configuration
    group: Group  # the best configuration and those not significantly worse
    importance: Importance  # of the hyperparameters, for the scores of full trainings
    load_command: str  # Python code that reloads the models
    folder: str  # of the study
    data: tuple[str, ...] = ()  # what was understood of it, a sentence each
    folds: int = 0  # with folds, each repeat has its own rows
    naming: Naming = field(default_factory=Naming)  # how configurations are named

    @property
    def task(self) -> Task:
        """The task of the study, with its words for the report."""
        return self.verdict.target.task
