"""Bayesian optimisation of the whole space, and nothing else: one Gaussian process, one proposal after the other.

The surrogate is scikit-optimize's: a Matern-5/2 kernel, a length scale for each dimension, noise. The acquisition
function is maximised continuously, by L-BFGS from the best of many points. What it proposes follows from the seed and
from the answers, so a rerun replays it from the ledger.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from pipeline.ranking.order import by_mean
from pipeline.space import Choice, Narrowing, Real, Space, contains, flatten, narrow, stream, value_at
from pipeline.space.unit_cube import Axis, assembled, axes_of, position_of
from pipeline.trial import Configuration, Evaluate, Scalar, Summary, Trial
from pipeline.tuning.confirming import settle, sparing
from pipeline.tuning.stopping import Limits
from pipeline.tuning.strategies.designs import at_random
from pipeline.tuning.strategies.strategy import Open, Refined, Refining, Say, Search, Strategy
from pipeline.tuning.surrogate.belief import Belief

ACQUISITIONS: Final = {"ei": "EI", "pi": "PI", "lcb": "LCB", "gp_hedge": "gp_hedge"}
BRANCH: Final = 4  # the branch of the study's seed that proposals come from
POINTS: Final = 201  # at which a belief about one dimension is told
KAPPA: Final = 1.96  # deviations below the mean that the lower confidence bound looks at
XI: Final = 0.01  # of the objective: what is less counts as no improvement


@dataclass(frozen=True, slots=True)
class Calls:
    """How much is tried, and how it is chosen."""

    calls: int
    epochs: int
    repeats: int
    acquisition: str  # one of `ACQUISITIONS`
    limits: Limits = field(default_factory=Limits)  # that may end it before its calls are made


def optimise(
    space: Space,
    history: Sequence[Summary],
    evaluate: Evaluate,
    asked: Calls,
    *,
    seed: int,
    say: Callable[[str], None],
) -> Refined:
    """Propose and evaluate `calls` configurations one after the other, each new; fewer where the space ends.

    `history` is what was measured before, the initial points among it, in the order in which it is learned.
    """
    known = [each for each in history if contains(space, each.configuration)]
    surrogate = _Surrogate(space, asked.acquisition, seed)
    surrogate.learn(known)
    found: list[Summary] = []
    beliefs = list(surrogate.told())
    ended = ""
    for number in range(asked.calls):
        ended = asked.limits.reached(len(found) * asked.repeats, 0, (*known, *found))
        if ended:
            break
        taken = {each.key for each in (*history, *found)}
        proposal = surrogate.proposal(taken, number)
        if proposal is None:
            say(f"The search ends after {number} proposals: every configuration of the space is known.")
            ended = "every configuration of the space is known"
            break
        beliefs[-1:] = [_aimed(each, proposal) for each in beliefs[-1:]]
        (answer,) = evaluate([Trial(proposal, asked.epochs, asked.repeats)])
        found.append(answer)
        surrogate.learn([answer])
        beliefs += surrogate.told()
    ended = ended or "all its proposals are made"
    return Refined(_searches(space, known, found), (*history, *found), ended, tuple(beliefs))


def proposed(asked: Refining, begin: Open, evaluate: Evaluate, say: Say) -> Refined:
    """One search of the whole space as stage 2: its initial points are those of stage 1.

    Where contenders may have more trainings than all others, a part of what is given is kept for them, to the end.
    """
    facts = {
        "initial": sorted(each.key for each in asked.found),
        "space": str(asked.space),
        "repeats": asked.race.repeats,
        "acquisition": asked.acquisition,
    }
    history = begin(facts)
    proposals, race = asked.proposals if asked.elite else 0, asked.race
    calls = Calls(proposals, asked.epochs, race.repeats, asked.acquisition, sparing(asked))
    found = optimise(asked.space, history, evaluate, calls, seed=asked.seed, say=say)
    if not proposals or race.most <= race.repeats:
        return found
    tried = len(found.measured) - len(history)
    measured = settle(asked, found.measured, evaluate, tried * race.repeats)
    latest = {each.key: each for each in measured}
    searches = tuple(replace(each, found=tuple(latest[one.key] for one in each.found)) for each in found.searches)
    return replace(found, searches=searches, measured=measured)


GP: Final = Strategy("drawn at random", at_random, proposed, explored=0.3, proposes=True)


def _aimed(belief: Belief, proposal: Configuration) -> Belief:
    proposed = flatten(proposal)[belief.name]
    assert not isinstance(proposed, str)
    return replace(belief, proposed=float(proposed))


def _searches(space: Space, known: Sequence[Summary], found: Sequence[Summary]) -> tuple[Search, ...]:
    """As a search of one box, the whole space at the depth that it set out from."""
    if not known or not found:
        return ()
    start = by_mean(known)[0]
    whole = narrow(space, start.configuration, Narrowing(fraction=1.0))
    depth = set(flatten(start.configuration))
    return (Search(start, whole, tuple(each for each in found if set(flatten(each.configuration)) == depth)),)


class _Surrogate:
    """scikit-optimize's optimizer, which is told everything in one order and asked for one proposal at a time."""

    def __init__(self, space: Space, acquisition: str, seed: int) -> None:
        from skopt import Optimizer  # deferred: it takes a second to import

        self._space, self._seed = space, seed
        self._axes = axes_of(space)
        state = int(np.random.SeedSequence([seed, BRANCH]).generate_state(1)[0] % (2**31 - 1))
        self._function = ACQUISITIONS[acquisition]
        self._seen: list[Summary] = []
        self._optimizer: Any = None
        if self._axes:
            self._optimizer = Optimizer(
                [_dimension(axis) for axis in self._axes],
                base_estimator="GP",
                n_initial_points=1,
                acq_func=self._function,
                acq_optimizer="auto",  # L-BFGS, but for spaces of choices alone, which have no gradients
                acq_func_kwargs={"xi": XI, "kappa": KAPPA},
                random_state=state,
            )

    def learn(self, summaries: Sequence[Summary]) -> None:
        """Take in answers at once; one that failed counts as the worst of all, which is what is known of it."""
        self._seen += summaries
        finite = [each.mean for each in self._seen if math.isfinite(each.mean)]
        if self._optimizer is None or not summaries or not finite:
            return
        new = summaries if self._optimizer.Xi else self._seen
        points = [self._point(each.configuration) for each in new]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # kernels at their bounds, and points that are known
            self._optimizer.tell(points, [each.mean if math.isfinite(each.mean) else max(finite) for each in new])

    def proposal(self, taken: set[str], number: int) -> Configuration | None:
        """The next configuration; a random one where nothing was learned or the best proposal is known, or None."""
        if self._optimizer is not None and self._optimizer.models:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                proposal = self._assembled(self._optimizer.ask())
            if proposal.key not in taken:
                return proposal
        rng = np.random.default_rng(np.random.SeedSequence([self._seed, BRANCH, number]))
        return next(iter(stream(self._space, rng, taken)), None)

    def told(self) -> list[Belief]:
        """What it believes now, where its space is one range of real numbers and two evaluations are known; or none."""
        if len(self._axes) != 1 or not isinstance(self._axes[0].domain, Real):
            return []
        (axis,) = self._axes
        domain = self._axes[0].domain
        seen = [(float(flatten(each.configuration)[axis.name]), each.mean) for each in self._seen]
        finite = tuple(pair for pair in seen if math.isfinite(pair[1]))
        if len(finite) < 2 or not self._optimizer.models:
            return []
        values = np.array([domain.at(unit) for unit in np.linspace(0.0, 1.0, POINTS)])
        points = self._optimizer.space.transform([[float(value)] for value in values])
        model = self._optimizer.models[-1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mean, deviation = model.predict(points, return_std=True)
            function, promise = _promise(self._chosen(), points, model, min(value for _, value in finite))
        return [Belief(axis.name, domain.log, values, mean, deviation, promise, function, finite, None)]

    def _chosen(self) -> str:
        """The acquisition function that the next proposal comes from; a hedge draws one of them by their gains."""
        if self._function != "gp_hedge":
            return self._function
        gains = np.asarray(self._optimizer.gains_)
        return str(self._optimizer.cand_acq_funcs_[int(np.argmax(gains))])

    def _point(self, configuration: Configuration) -> list[Any]:
        flat = flatten(configuration)
        return [_coordinate(axis, flat.get(axis.name)) for axis in self._axes]

    def _assembled(self, point: Sequence[Any]) -> Configuration:
        values = {axis.name: _value(axis, each) for axis, each in zip(self._axes, point, strict=True)}
        return assembled(self._space, values)


def _dimension(axis: Axis) -> Any:
    from skopt import space as skopt_space

    domain = axis.domain
    if isinstance(domain, Real):
        return skopt_space.Real(domain.low, domain.high, prior="log-uniform" if domain.log else "uniform")
    if isinstance(domain, Choice):
        return skopt_space.Categorical(list(range(domain.size)), transform="onehot")
    return skopt_space.Integer(0, domain.size - 1)


def _coordinate(axis: Axis, value: Scalar | None) -> float | int:
    """A value as the optimizer takes it; the middle for a layer that a configuration does not have."""
    domain = axis.domain
    if isinstance(domain, Choice):
        return 0 if value is None else position_of(domain, value)
    assert not isinstance(value, str)
    if isinstance(domain, Real):
        return domain.at(0.5) if value is None else float(value)
    return domain.size // 2 if value is None else (int(value) - domain.low) // domain.step


def _value(axis: Axis, coordinate: Any) -> Scalar:
    domain = axis.domain
    if isinstance(domain, Real):
        return min(max(float(coordinate), domain.low), domain.high)
    return value_at(domain, int(coordinate))


def _promise(function: str, points: np.ndarray, model: Any, best: float) -> tuple[str, np.ndarray]:
    """The acquisition function by name and its values, higher where more is promised."""
    from skopt.acquisition import gaussian_ei, gaussian_lcb, gaussian_pi

    if function == "LCB":
        return "lower confidence bound, negative", -np.asarray(gaussian_lcb(points, model, kappa=KAPPA))
    if function == "PI":
        return "probability of improvement", np.asarray(gaussian_pi(points, model, y_opt=best, xi=XI))
    return "expected improvement", np.asarray(gaussian_ei(points, model, y_opt=best, xi=XI))
