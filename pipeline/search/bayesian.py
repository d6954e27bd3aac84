"""Stage 2: one `gp_minimize` search (scikit-optimize) around each elite configuration, all of them side by side.

`gp_minimize` is used as a function without memory: everything measured goes in, one proposal comes out, and the
proposal is trained by the caller. So the searches advance in step, all workers are busy, and a rerun replays them.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.space import (
    ENUMERATED,
    Choice,
    Domain,
    Integer,
    Narrowing,
    Parameter,
    Real,
    Space,
    assemble,
    flatten,
    grid,
    inside,
    narrow,
    sample,
    size,
)
from pipeline.trial import Configuration, Scalar, Summary

ACQUISITION_CANDIDATES = 1000  # points of a box that are compared when gp_minimize proposes a known one
STARTING_POINTS = 3  # below so many measured points a box is sampled, for a surrogate would know nothing
BRANCH = 2  # the branch of the study's seed that proposals come from


@dataclass(frozen=True, slots=True)
class Search:
    """One search of stage 2: the box around an elite configuration, and what was tried in it, in order."""

    elite: Summary
    box: Space
    found: tuple[Summary, ...]


Answer = Callable[[Sequence[Configuration]], tuple[Summary, ...]]


def refine(
    space: Space,
    elite: Sequence[Summary],
    history: Sequence[Summary],
    answer: Answer,
    *,
    known: Collection[str] = (),
    calls: int,
    seed: int,
    narrowing: Narrowing,
    say: Callable[[str], None],
) -> tuple[Search, ...]:
    """Search around each elite configuration with `calls` new configurations each; never one that is known.

    Known are those of the history and the ones with the keys `known`, which came about after the searches were begun.
    The proposals are a function of the arguments and of the answers alone: equal history, equal proposals. A box that
    has no unknown configuration left ends its search, which is said.
    """
    group = [each.configuration for each in elite]
    boxes = [narrow(space, each.configuration, group, narrowing) for each in elite]
    measured = list(history)
    found: list[list[Summary]] = [[] for _ in boxes]
    open_boxes = list(range(len(boxes)))
    for call in range(calls):
        taken = {*known, *(summary.key for summary in measured)}
        asked: list[tuple[int, Configuration]] = []
        for number in list(open_boxes):
            rng = np.random.default_rng(np.random.SeedSequence([seed, BRANCH, number, call]))
            proposal = propose(boxes[number], space, measured, taken, rng)
            if proposal is None:
                open_boxes.remove(number)
                say(f"Search {number + 1} ends after {call} of {calls} calls: everything near its elite is known.")
                continue
            taken.add(proposal.key)
            asked.append((number, proposal))
        answers = answer([configuration for _, configuration in asked])
        for (number, _), summary in zip(asked, answers, strict=True):
            found[number].append(summary)
            measured.append(summary)
    return tuple(Search(each, box, tuple(tried)) for each, box, tried in zip(elite, boxes, found, strict=True))


def propose(
    box: Space, space: Space, measured: Sequence[Summary], taken: set[str], rng: np.random.Generator
) -> Configuration | None:
    """The next configuration of a narrowed space: gp_minimize's where new, else the best new one, or None.

    The surrogate learns from everything measured inside the box; failed configurations count as the worst seen there.
    """
    free = [parameter for parameter in box.parameters if parameter.domain.size != 1]
    candidates = _candidates(box, space, taken, rng)
    if not free or not candidates:
        return None
    known = [summary for summary in measured if inside(box, summary.configuration)]
    finite = [summary.mean for summary in known if math.isfinite(summary.mean)]
    if len(finite) < STARTING_POINTS:
        return candidates[0]
    worst = max(finite)
    points = [_point(free, summary.configuration) for summary in known]
    targets = [summary.mean if math.isfinite(summary.mean) else worst for summary in known]
    suggestion = _gp_minimize([parameter.domain for parameter in free], points, targets, int(rng.integers(2**31 - 1)))
    if not suggestion.repeats:
        values = {parameter.name: _value(parameter.domain, 0) for parameter in box.parameters}
        for parameter, coordinate in zip(free, suggestion.point, strict=True):
            values[parameter.name] = _value(parameter.domain, coordinate)
        proposal = assemble(values, space)
        if proposal.key not in taken:
            return proposal
    return candidates[suggestion.most_promising([_point(free, each) for each in candidates], min(targets))]


def _candidates(box: Space, space: Space, taken: set[str], rng: np.random.Generator) -> list[Configuration]:
    drawn = _unknown((sample(box, rng) for _ in range(ACQUISITION_CANDIDATES)), space, taken)
    if drawn or size(box) is None:
        return drawn
    return _unknown(itertools.islice(grid(box), ENUMERATED), space, taken)  # what luck left out


def _unknown(flat: Iterable[Configuration], space: Space, taken: set[str]) -> list[Configuration]:
    whole = (assemble(_scalars(each), space) for each in flat)
    return list({each.key: each for each in whole if each.key not in taken}.values())


def _scalars(configuration: Configuration) -> dict[str, Scalar]:
    return {name: value for name, value in configuration.items if not isinstance(value, tuple)}


def _point(free: Sequence[Parameter], configuration: Configuration) -> list[float]:
    flat = flatten(configuration)
    return [_coordinate(parameter.domain, flat[parameter.name]) for parameter in free]


def _coordinate(domain: Domain, value: Scalar) -> float | int:
    """A value as gp_minimize sees it: numbers as they are, choices by their position."""
    if isinstance(domain, Choice):
        return domain.values.index(value)
    assert not isinstance(value, str)
    return value


def _value(domain: Domain, coordinate: float) -> Scalar:
    """The nearest value of the domain; its lowest or only one for a coordinate below all."""
    if isinstance(domain, Choice):
        return domain.values[int(coordinate)]
    if isinstance(domain, Real):
        return min(max(float(coordinate), domain.low), domain.high)
    position = round((float(coordinate) - domain.low) / domain.step)
    return domain.low + domain.step * min(max(position, 0), domain.size - 1)


@dataclass(frozen=True, slots=True)
class _Suggestion:
    point: list[Any]
    repeats: bool  # the acquisition's maximum was known already, and `point` is a random one in its place
    surrogate: Any
    space: Any

    def most_promising(self, points: Sequence[list[float]], best: float) -> int:
        """The position of the point with the largest expected improvement over `best`."""
        from skopt.acquisition import gaussian_ei

        return int(np.argmax(gaussian_ei(self.space.transform(points), self.surrogate, y_opt=best)))


class _ProposedError(Exception):
    """Ends gp_minimize as soon as it has proposed: the training happens elsewhere, and the next call starts afresh."""


def _gp_minimize(domains: Sequence[Domain], points: list[list[float]], targets: list[float], seed: int) -> _Suggestion:
    from skopt import gp_minimize  # deferred: it takes a second to import

    fitted: list[Any] = []
    proposed: list[list[Any]] = []

    def propose_only(point: list[Any]) -> float:
        proposed.append(point)
        raise _ProposedError

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with contextlib.suppress(_ProposedError):
            gp_minimize(
                propose_only,
                [_dimension(domain) for domain in domains],
                x0=points,
                y0=targets,
                n_calls=1,
                n_initial_points=0,
                acq_func="EI",
                random_state=seed,
                callback=fitted.append,
            )
    repeats = any("evaluated at point" in str(warning.message) for warning in caught)
    return _Suggestion(proposed[0], repeats, fitted[0].models[-1], fitted[0].space)


def _dimension(domain: Domain) -> Any:
    from skopt import space as skopt_space

    if isinstance(domain, Real):
        return skopt_space.Real(domain.low, domain.high, prior="log-uniform" if domain.log else "uniform")
    if isinstance(domain, Integer):
        return skopt_space.Integer(domain.low, domain.high)
    return skopt_space.Categorical(list(range(domain.size)))
