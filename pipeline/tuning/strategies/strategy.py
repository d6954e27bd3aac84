"""The base of all strategies: how stage 1 explores, and how stage 2 goes on from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

from pipeline.models import Layers
from pipeline.trial import Evaluate, Summary
from pipeline.tuning.budget import Budget
from pipeline.tuning.confirming import RESERVED, confirm
from pipeline.tuning.elite import best_of_each_depth
from pipeline.tuning.sampling import at_random
from pipeline.tuning.stages import Exploring, Open, Refined, Refining, Say


@dataclass(frozen=True)
class Strategy:
    """A whole search; as it stands here, random search. Another strategy is a frozen dataclass that derives from it.

    Its fields are its options (see `options.option`), all with defaults. What it proposes follows from its options,
    from what a stage is given and from the answers alone, so that a rerun replays it. It runs in the driver.

    Example:
        @dataclass(frozen=True)
        class Mine(Strategy):
            help: ClassVar[str] = "the first two thirds of a random search"
            part: float = option(0.67, help="share of the configurations that are tried", gt=0, le=1)

            def explore(self, asked, evaluate, say):
                fewer = replace(asked, configurations=math.ceil(self.part * asked.configurations))
                return at_random(fewer, evaluate, say)
    """

    help: ClassVar[str] = ""  # one line for --help
    design: ClassVar[str] = "random search"  # as in "40 configurations of random search"
    share: ClassVar[float] = 1.0 - RESERVED  # of the trainings or seconds that stage 1 has
    nested: ClassVar[bool] = True  # what stage 1 tries first does not depend on how much it tries
    proposes: ClassVar[bool] = False  # stage 2 tries something new
    screens: ClassVar[bool] = False  # stage 1 trains with fewer epochs as well

    @property
    def facts(self) -> Mapping[str, object]:
        """Everything that stage 1 depends on beside space and seed, as JSON values: other facts are another stage 1."""
        kind = type(self)
        return {"strategy": f"{kind.__module__}:{kind.__qualname__}", "options": asdict(self)}

    def elite(self, summaries: Sequence[Summary], count: int, layers: Layers) -> tuple[Summary, ...]:
        """The configurations that stage 2 starts from: at most `count` of these full trainings, best first."""
        return best_of_each_depth(summaries, count, layers)

    def explore(self, asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
        """Stage 1: every answer in the order of the questions.

        Answers with fewer epochs are kept as facts, and never compared with others. No configuration is asked for twice
        with equal epochs. Where the space is used up, `say` says so, and the study goes on.
        """
        return at_random(asked, evaluate, say)

    def refine(self, asked: Refining, begin: Open, evaluate: Evaluate, say: Say) -> Refined:
        """Stage 2; it calls `begin` itself, once, before it asks for anything."""
        return confirm(asked, begin, evaluate, say)

    def describe_explore(self, budget: Budget, configurations: int) -> str:
        """Stage 1 of such a study in words, before it begins."""
        if self.screens:
            return (
                f"{self.design}, {repeats(budget)}, up to {budget.epochs} epochs; as many epochs in all as"
                f" {configurations} configurations take"
            )
        design = "" if self.proposes else f" of {self.design}"
        return f"{configurations} configurations{design} x {repeats(budget)}, up to {budget.epochs} epochs"

    def describe_refine(self, budget: Budget, proposals: int) -> str:
        """Stage 2 of such a study in words, before it begins."""
        if not self.proposes:
            return "nothing new"
        if budget.trainings:
            return f"until {budget.trainings} trainings are made, {repeats(budget)} each"
        return f"{proposals} configurations, {budget.elite} at once, {repeats(budget)} each"


def repeats(budget: Budget) -> str:
    """The repeats of each configuration in words."""
    return f"{budget.repeats} repeat{'' if budget.repeats == 1 else 's'}"
