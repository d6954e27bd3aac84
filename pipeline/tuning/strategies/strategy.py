"""The base class of strategies, which define how stage 1 explores and how stage 2 continues."""

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
    """A search strategy; the base class is random search. Other strategies are frozen dataclasses that derive from it.

    Its fields are its options (see `options.option`), all with defaults. Its proposals depend only on its options, on
    the inputs of a stage and on the answers, so that a rerun replays it. It runs in the driver.

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
    share: ClassVar[float] = 1.0 - RESERVED  # fraction of the trainings or seconds for stage 1
    nested: ClassVar[bool] = True  # the first configurations of stage 1 do not depend on their number
    proposes: ClassVar[bool] = False  # stage 2 tries something new
    screens: ClassVar[bool] = False  # stage 1 trains with fewer epochs as well

    @property
    def facts(self) -> Mapping[str, object]:
        """What stage 1 depends on besides space and seed, as JSON values; other facts mean another stage 1."""
        kind = type(self)
        return {"strategy": f"{kind.__module__}:{kind.__qualname__}", "options": asdict(self)}

    def elite(self, summaries: Sequence[Summary], count: int, layers: Layers) -> tuple[Summary, ...]:
        """The configurations that stage 2 starts from: at most `count` of these full trainings, best first."""
        return best_of_each_depth(summaries, count, layers)

    def explore(self, asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
        """Run stage 1 and return every answer in the order of the questions.

        Answers with fewer epochs are recorded, but never compared with others. No configuration is asked for twice with
        equal epochs. If the space is exhausted, `say` reports it and the study continues.
        """
        return at_random(asked, evaluate, say)

    def refine(self, asked: Refining, begin: Open, evaluate: Evaluate, say: Say) -> Refined:
        """Run stage 2. It calls `begin` itself, once, before it asks for anything."""
        return confirm(asked, begin, evaluate, say)

    def describe_explore(self, budget: Budget, configurations: int) -> str:
        """Describe stage 1 before it begins."""
        if self.screens:
            return (
                f"{self.design}, {repeats(budget)}, up to {budget.epochs} epochs; as many epochs in all as"
                f" {configurations} configurations take"
            )
        design = "" if self.proposes else f" of {self.design}"
        return f"{configurations} configurations{design} x {repeats(budget)}, up to {budget.epochs} epochs"

    def describe_refine(self, budget: Budget, proposals: int) -> str:
        """Describe stage 2 before it begins."""
        if not self.proposes:
            return "nothing new"
        if budget.trainings:
            return f"until {budget.trainings} trainings are made, {repeats(budget)} each"
        return f"{proposals} configurations, {budget.elite} at once, {repeats(budget)} each"


def repeats(budget: Budget) -> str:
    """The repeats of each configuration, in words."""
    return f"{budget.repeats} repeat{'' if budget.repeats == 1 else 's'}"
