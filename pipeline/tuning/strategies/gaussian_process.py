"""Bayesian optimisation of the whole space: one Gaussian process, one proposal after the other.

The proposals follow from the seed and the answers, so that a rerun replays them from the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

import numpy as np

from pipeline.ranking.order import by_mean
from pipeline.space import Narrowing, Space, contains, flatten, narrow, stream
from pipeline.trial import Configuration, Evaluate, Summary, Trial
from pipeline.tuning.budget import Budget
from pipeline.tuning.confirming import settle, sparing
from pipeline.tuning.stages import Open, Refined, Refining, Say, Search
from pipeline.tuning.strategies.options import option
from pipeline.tuning.strategies.strategy import Strategy, repeats
from pipeline.tuning.surrogate.posterior_curve import PosteriorCurve

ACQUISITIONS: Final = {"ei": "EI", "pi": "PI", "lcb": "LCB", "gp_hedge": "gp_hedge"}  # as scikit-optimize names them
BRANCH: Final = 4  # the branch of the study's seed for proposals


@dataclass(frozen=True)
class GaussianProcess(Strategy):
    """A few random configurations, then one proposal after the other for the whole space."""

    help: ClassVar[str] = "one Gaussian process of the whole space in place of stage 2, one proposal at a time"
    share: ClassVar[float] = 0.3
    proposes: ClassVar[bool] = True

    acquisition: Literal["ei", "pi", "lcb", "gp_hedge"] = option(
        "ei",
        help="acquisition function of strategy gp: expected improvement (ei), probability of improvement (pi), lower"
        " confidence bound (lcb), or a hedge between them (gp_hedge)",
    )

    @property
    def facts(self) -> Mapping[str, object]:
        """No facts: all strategies that draw at random have the same stage 1."""
        return {}

    def refine(self, asked: Refining, begin: Open, evaluate: Evaluate, say: Say) -> Refined:
        """One search of the whole space, with the configurations of stage 1 as initial points.

        If contenders may have more trainings than others, a part of the budget is reserved for them.
        """
        budget = asked.budget
        facts = {
            "initial": sorted(each.key for each in asked.found),
            "space": str(asked.space),
            "repeats": budget.repeats,
            "acquisition": self.acquisition,
        }
        history = begin(facts)
        proposals = asked.proposals if asked.elite else 0
        sparingly = replace(asked, proposals=proposals, limits=sparing(asked))
        found = self.optimise(sparingly, history, evaluate, say)
        if not proposals or not budget.retrains:
            return found
        tried = len(found.measured) - len(history)
        measured = settle(asked, found.measured, evaluate, tried * budget.repeats)
        latest = {each.key: each for each in measured}
        searches = tuple(replace(each, found=tuple(latest[one.key] for one in each.found)) for each in found.searches)
        return replace(found, searches=searches, measured=measured)

    def optimise(self, asked: Refining, history: Sequence[Summary], evaluate: Evaluate, say: Say) -> Refined:
        """Propose and train `proposals` new configurations one after the other; fewer if the space is exhausted.

        `history` is everything measured before, including the initial points, in the order of learning.
        """
        from pipeline.tuning.surrogate.gp_minimize import WholeSpace  # deferred: skopt takes a second to import

        space, budget = asked.space, asked.budget
        known = [each for each in history if contains(space, each.configuration)]
        state = int(np.random.SeedSequence([budget.seed, BRANCH]).generate_state(1)[0] % (2**31 - 1))
        optimizer = WholeSpace(space, ACQUISITIONS[self.acquisition], state)
        optimizer.learn(known)
        found: list[Summary] = []
        curves = optimizer.curves()
        ended = ""
        for number in range(asked.proposals):
            ended = asked.limits.reached(len(found) * budget.repeats, 0, (*known, *found))
            if ended:
                break
            proposal = optimizer.propose()
            taken = {each.key for each in (*history, *found)}
            if proposal is None or proposal.key in taken:
                proposal = _random(space, taken, budget.seed, number)
            if proposal is None:
                say(f"The search ends after {number} proposals: every configuration of the space is known.")
                ended = "every configuration of the space is known"
                break
            curves[-1:] = [_with_proposal(each, proposal) for each in curves[-1:]]
            (answer,) = evaluate([Trial(proposal, budget.epochs, budget.repeats)])
            found.append(answer)
            optimizer.learn([answer])
            curves += optimizer.curves()
        ended = ended or "all its proposals have been tried"
        return Refined(_searches(space, known, found), (*history, *found), ended, tuple(curves))

    def describe_refine(self, budget: Budget, proposals: int) -> str:
        """The number of proposals, and how they are chosen."""
        return f"one Gaussian process ({self.acquisition}), {proposals} configurations in turn, {repeats(budget)} each"


def _random(space: Space, taken: set[str], seed: int, number: int) -> Configuration | None:
    """A new configuration instead of proposal number `number`; None if the space has none left."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, BRANCH, number]))
    return next(iter(stream(space, rng, taken)), None)


def _with_proposal(curve: PosteriorCurve, proposal: Configuration) -> PosteriorCurve:
    proposed = flatten(proposal)[curve.name]
    assert not isinstance(proposed, str)
    return replace(curve, proposed=float(proposed))


def _searches(space: Space, known: Sequence[Summary], found: Sequence[Summary]) -> tuple[Search, ...]:
    """The search as one in a single box: the whole space, at the depth of its start."""
    if not known or not found:
        return ()
    start = by_mean(known)[0]
    whole = narrow(space, start.configuration, Narrowing(fraction=1.0))
    depth = set(flatten(start.configuration))
    return (Search(start, whole, tuple(each for each in found if set(flatten(each.configuration)) == depth)),)
