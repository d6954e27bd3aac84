"""The two-stage search: random configurations, then searches in boxes around the best ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pipeline.models import Layers
from pipeline.space import Narrowing
from pipeline.trial import Evaluate, Summary
from pipeline.tuning.budget import Budget
from pipeline.tuning.elite import best_of_each_depth, elite_of_front
from pipeline.tuning.stages import Open, Refined, Refining, Say
from pipeline.tuning.strategies.options import option
from pipeline.tuning.strategies.strategy import Strategy, repeats


@dataclass(frozen=True)
class TwoStage(Strategy):
    """Random configurations, then searches in boxes around the best ones; the boxes move with the best found."""

    help: ClassVar[str] = "random configurations, then Gaussian processes in boxes around the best of each depth"
    share: ClassVar[float] = 0.3
    proposes: ClassVar[bool] = True

    elite_from: Literal["score", "front"] = option(
        "score",
        help="start stage 2 from the best configuration of each depth (score), or from configurations along the front"
        " of score and number of weights (front)",
    )
    box_fraction: float = option(
        0.4, help="initial half-width of the boxes of stage 2, as a fraction of each range", gt=0, le=1
    )
    units_radius: int | None = option(
        None, help="initial half-width of the boxes in neurons (default: --box-fraction of the range)", ge=1
    )
    units_step: int = option(2, help="step between the numbers of neurons that stage 2 tries", ge=1)

    @property
    def facts(self) -> Mapping[str, object]:
        """No facts: all strategies that draw at random have the same stage 1."""
        return {}

    @property
    def narrowing(self) -> Narrowing:
        """The initial extent of a box."""
        return Narrowing(self.box_fraction, self.units_radius or 0, self.units_step)

    @property
    def shares_best(self) -> bool:
        """True if a search moves to the best of its depth, whichever search found it; otherwise to its own best."""
        return self.elite_from == "score"

    def elite(self, summaries: Sequence[Summary], count: int, layers: Layers) -> tuple[Summary, ...]:
        """The best of each depth, or configurations along the front."""
        if self.elite_from == "front":
            return elite_of_front(summaries, count)
        return best_of_each_depth(summaries, count, layers)

    def refine(self, asked: Refining, begin: Open, evaluate: Evaluate, say: Say) -> Refined:
        """Search around the elite, see `boxes.search`; nothing without rounds and contenders to train."""
        budget = asked.budget
        if not asked.elite or not (budget.max_calls or budget.retrains):
            return Refined((), asked.found, asked.limits.met(asked.found) or "there was no stage 2")
        from pipeline.tuning.strategies.boxes import search  # deferred: it imports much of scipy, and --help reads this

        history = begin(self._facts(asked))
        return search(asked, history, evaluate, say, narrowing=self.narrowing, shares_best=self.shares_best)

    def _facts(self, asked: Refining) -> Mapping[str, object]:
        """Everything that the searches depend on; with other facts they are new ones, which learn from the earlier."""
        facts: dict[str, object] = {
            "elite": [each.key for each in asked.elite],
            "space": str(asked.space),
            "repeats": asked.budget.repeats,
            "max_repeats": asked.budget.contender_repeats,
            "narrowing": str(self.narrowing),
        }
        if not self.shares_best:
            facts["joint"] = False  # only then, because older studies do not have this fact
        return facts

    def describe_refine(self, budget: Budget, proposals: int) -> str:
        """Describe the rounds and their start."""
        if budget.trainings:
            return f"until {budget.trainings} trainings are made, {repeats(budget)} each"
        start = "" if self.shares_best else ", from the front of score and weights"
        return f"{proposals} configurations, {budget.elite} at once{start}, {repeats(budget)} each"
