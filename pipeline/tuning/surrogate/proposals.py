"""The known points of a space, and the next proposal in a narrowed space.

A proposal is a function of everything measured; the caller trains it. So the searches advance in step, all workers
are busy, and a rerun replays them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.space import (
    ENUMERATED,
    Domain,
    Real,
    Space,
    assemble,
    ends,
    flatten,
    grid,
    inside,
    sample,
    size,
    value_at,
)
from pipeline.space.unit_cube import Axis, axes_of, features, groups, row_of
from pipeline.trial import Configuration, Scalar, Summary
from pipeline.tuning.surrogate.frame import Outside, frame_of
from pipeline.tuning.surrogate.gaussian import (
    Parameters,
    expected_improvement,
    most_probable,
    posterior,
    standardised,
)

CANDIDATES = 1000  # points of a box that are compared if gp_minimize proposes a known one
LEARNED = 600  # most configurations that the surrogate learns from: its cost grows with their third power
STARTING_POINTS = 3  # with fewer measured points a box is sampled at random


@dataclass(frozen=True, slots=True)
class Known:
    """Everything measured, as the surrogate sees it, and its most probable parameters."""

    axes: tuple[Axis, ...]
    configurations: tuple[Configuration, ...]
    rows: np.ndarray  # (n, axes)
    targets: np.ndarray  # (n,)
    repeats: np.ndarray  # (n,)
    parameters: Parameters | None  # None if too little is known

    def predictions(self) -> dict[str, tuple[float, float]]:
        """Posterior mean and deviation of each configuration by key, on the surrogate's scale, without the noise."""
        if self.parameters is None:
            return {}
        columns = features(self.axes, self.rows)
        known = posterior(columns, groups(self.axes), self.targets, self.repeats, self.parameters)
        means, deviations = known.predict(columns)
        return {
            each.key: (mean, deviation)
            for each, mean, deviation in zip(self.configurations, means.tolist(), deviations.tolist(), strict=True)
        }

    def improvement(self, configuration: Configuration, leader: Summary) -> tuple[float, float]:
        """The expected improvement of a configuration over the leader, and the noise of the leader's mean.

        Both are on the surrogate's scale; (infinite, 0) if too little is known.
        """
        rows = [row_of(self.axes, each) for each in (configuration, leader.configuration)]
        if self.parameters is None or rows[0] is None or rows[1] is None:
            return math.inf, 0.0
        known = posterior(
            features(self.axes, self.rows), groups(self.axes), self.targets, self.repeats, self.parameters
        )
        means, deviations = known.predict(features(self.axes, np.stack([rows[0], rows[1]])))
        gain = expected_improvement(means[:1], deviations[:1], float(means[1]))
        return float(gain[0]), math.exp(0.5 * self.parameters.noise) / math.sqrt(leader.repeats)

    def with_fantasy(self, configuration: Configuration) -> Known:
        """The same, as if the configuration had been trained once and scored its posterior mean (kriging believer)."""
        row = row_of(self.axes, configuration)
        if row is None or self.parameters is None:
            return self
        columns, group = features(self.axes, self.rows), groups(self.axes)
        mean, _ = posterior(columns, group, self.targets, self.repeats, self.parameters).predict(
            features(self.axes, row[None, :])
        )
        return Known(
            self.axes,
            (*self.configurations, configuration),
            np.vstack([self.rows, row]),
            np.concatenate([self.targets, mean]),
            np.append(self.repeats, 1.0),
            self.parameters,
        )


def known_of(space: Space, measured: Iterable[Summary], start: Parameters | None, *, fit: bool = True) -> Known:
    """The surrogate's data: failed configurations count as the worst seen, those of other spaces are left out.

    Of more than `LEARNED` it takes the better ones, and a spread sample of the others. `start` are parameters for less
    data, from which the fit starts.
    """
    axes = axes_of(space)
    placed = [(each, row_of(axes, each.configuration)) for each in sorted(measured, key=lambda each: each.key)]
    usable = _chosen([(each, row) for each, row in placed if row is not None])
    finite = [each.mean for each, _ in usable if math.isfinite(each.mean)]
    if not axes or len(finite) < STARTING_POINTS:
        return Known(axes, (), np.empty((0, len(axes))), np.empty(0), np.empty(0), None)
    worst = max(finite)
    targets = standardised([each.mean if math.isfinite(each.mean) else worst for each, _ in usable])
    rows = np.stack([row for _, row in usable])
    repeats = np.array([float(max(1, each.repeats)) for each, _ in usable])
    parameters = start
    if fit or start is None:
        parameters = most_probable(features(axes, rows), groups(axes), targets, repeats, start)
    return Known(axes, tuple(each.configuration for each, _ in usable), rows, targets, repeats, parameters)


def _chosen(usable: list[tuple[Summary, np.ndarray]]) -> list[tuple[Summary, np.ndarray]]:
    """At most `LEARNED` of them, in the same order: the best ones as one half, and a spread sample of the others."""
    if len(usable) <= LEARNED:
        return usable
    ranking = sorted(range(len(usable)), key=lambda place: usable[place][0].order)
    best, others = ranking[: LEARNED // 2], sorted(ranking[LEARNED // 2 :])
    spread = np.linspace(0, len(others) - 1, LEARNED - len(best)).round().astype(int)
    return [usable[place] for place in sorted([*best, *(others[each] for each in spread)])]


def propose(
    box: Space, space: Space, known: Known, taken: set[str], *, centre: Configuration, rng: np.random.Generator
) -> Configuration | None:
    """The next configuration of a narrowed space: gp_minimize's if it is new, else the best new one, or None."""
    free = {parameter.name: parameter.domain for parameter in box.parameters if parameter.domain.size != 1}
    if not free or known.parameters is None:
        return next(_new(box, space, taken, rng), None)
    asked = _Question(box, space, known, centre, free)
    proposal = asked.proposal(int(rng.integers(2**31 - 1)))
    if proposal is not None and proposal.key not in taken:
        return proposal
    return asked.most_promising(taken, rng)


def _new(box: Space, space: Space, taken: set[str], rng: np.random.Generator) -> Iterator[Configuration]:
    """Free configurations of the box, each once: random ones and then, in a finite box, all that are left."""
    seen = set(taken)
    samples = (sample(box, rng) for _ in range(CANDIDATES))
    rest = itertools.islice(grid(box), ENUMERATED) if size(box) is not None else ()
    for flat in itertools.chain(samples, rest):
        whole = assemble(_scalars(flat), space)
        if whole.key not in seen:
            seen.add(whole.key)
            yield whole


def _scalars(configuration: Configuration) -> dict[str, Scalar]:
    return {name: value for name, value in configuration.items if not isinstance(value, tuple)}


class _Question:
    """One question to gp_minimize: a box, and the known points in it and around it."""

    def __init__(self, box: Space, space: Space, known: Known, centre: Configuration, free: dict[str, Domain]) -> None:
        assert known.parameters is not None
        middle = row_of(known.axes, centre)
        assert middle is not None
        self._box, self._space, self._free = box, space, free
        self._axes = known.axes
        columns = features(known.axes, known.rows)
        within = np.array([inside(box, each) for each in known.configurations])
        everything = posterior(columns, groups(known.axes), known.targets, known.repeats, known.parameters)
        means, _ = everything.predict(columns)
        self._posterior = everything
        self._best = float(means[within].min() if within.any() else means.min())
        ordered = [name for name in (axis.name for axis in known.axes) if name in free]
        self._names = ordered
        self._points = [
            [flatten(each)[name] for name in ordered]
            for each, here in zip(known.configurations, within, strict=True)
            if here
        ]
        self._targets = known.targets[within]
        self._frame = frame_of(known.axes, middle, free)
        self._parameters = known.parameters
        self._repeats = known.repeats[within]
        self._outside = Outside(columns[~within], known.targets[~within], known.repeats[~within])

    def proposal(self, seed: int) -> Configuration | None:
        """The proposal of gp_minimize; None if it would replace a known point by a random one."""
        from pipeline.tuning.surrogate import gp_minimize  # deferred: skopt takes a second to import

        if not self._points:
            return None
        values, repeated = gp_minimize.minimize(
            [self._free[name] for name in self._names],
            self._points,
            self._targets.tolist(),
            gp_minimize.Surrogate(
                frame=self._frame, parameters=self._parameters, repeats=self._repeats, outside=self._outside
            ),
            # Improvement is measured from the best posterior mean: the lowest target lies this far above it.
            surplus=float(self._targets.min()) - self._best,
            seed=seed,
        )
        return None if repeated else self._assembled(values)

    def most_promising(self, taken: set[str], rng: np.random.Generator) -> Configuration | None:
        """The free configuration of the box with the largest expected improvement."""
        samples = [_samples(self._free[name], rng) for name in self._names]
        frame = self._frame
        rows = np.repeat(frame.centre[None, :], CANDIDATES, axis=0)
        for position, values in zip(frame.free, samples, strict=True):
            rows[:, position] = [self._axes[position].coordinate(value) for value in values]
        gain = expected_improvement(*self._posterior.predict(features(self._axes, rows)), self._best)
        for place in np.argsort(-gain, kind="stable"):
            found = self._assembled([values[place] for values in samples])
            if found.key not in taken:
                return found
        return next(_new(self._box, self._space, taken, rng), None)

    def _assembled(self, values: Sequence[Scalar]) -> Configuration:
        whole = {parameter.name: ends(parameter.domain)[0] for parameter in self._box.parameters}
        return assemble(whole | dict(zip(self._names, values, strict=True)), self._space)


def _samples(domain: Domain, rng: np.random.Generator) -> list[Scalar]:
    if isinstance(domain, Real):
        return [domain.at(unit) for unit in rng.random(CANDIDATES).tolist()]
    return [value_at(domain, position) for position in rng.integers(domain.size, size=CANDIDATES).tolist()]
