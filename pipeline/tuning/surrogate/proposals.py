"""Stage 2: `gp_minimize` (scikit-optimize) in a narrowed space that moves with the best configuration.

`gp_minimize` is used as a function without memory: everything measured goes in, one proposal comes out, and the
proposal is trained by the caller. So the searches advance in step, all workers are busy, and a rerun replays them.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.space import (
    ENUMERATED,
    Choice,
    Domain,
    Integer,
    Real,
    Space,
    assemble,
    flatten,
    grid,
    inside,
    sample,
    size,
    value_at,
)
from pipeline.space.unit_cube import Axis, axes_of, features, groups, position_of, row_of
from pipeline.trial import Configuration, Scalar, Summary
from pipeline.tuning.surrogate.gaussian import (
    Parameters,
    expected_improvement,
    most_probable,
    posterior,
    standardised,
)

CANDIDATES = 1000  # points of a box that are compared when gp_minimize proposes a known one
POINTS = 500  # points of a box that gp_minimize compares before it climbs from the best of them
CLIMBS = 2  # from the best of them
LEARNED = 600  # configurations at most that the surrogate learns from: its cost grows with their third power
STARTING_POINTS = 3  # below so many measured points a box is sampled, for a surrogate would know nothing


@dataclass(frozen=True, slots=True)
class Known:
    """What was measured, as the surrogate sees it, and the parameters that make it most probable."""

    axes: tuple[Axis, ...]
    configurations: tuple[Configuration, ...]
    rows: np.ndarray  # (n, axes)
    targets: np.ndarray  # (n,)
    repeats: np.ndarray  # (n,)
    parameters: Parameters | None  # None where too little is known

    @property
    def believed(self) -> dict[str, tuple[float, float]]:
        """What the surrogate takes each configuration to score, by key, on its own scale: without the noise."""
        if self.parameters is None:
            return {}
        columns = features(self.axes, self.rows)
        known = posterior(columns, groups(self.axes), self.targets, self.repeats, self.parameters)
        means, deviations = known.predict(columns)
        return {
            each.key: (mean, deviation)
            for each, mean, deviation in zip(self.configurations, means.tolist(), deviations.tolist(), strict=True)
        }

    def promise(self, configuration: Configuration, leader: Summary) -> tuple[float, float]:
        """The expected improvement of a configuration over the leader, and the noise of the leader's mean.

        Both on the surrogate's own scale; (infinite, 0) where it knows too little.
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

    def believing(self, configuration: Configuration) -> Known:
        """As if the configuration had been trained once and scored what the surrogate expects."""
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
    """What the surrogate learns from; failed configurations count as the worst seen, those of other spaces not at all.

    Of more than `LEARNED` it learns from the better ones, and from a sample of the others that tells it where they lie.
    `start` are parameters that explained less: the search for the most probable ones goes on from there.
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
    """At most `LEARNED` of them, in the same order: the best ones as one half, and a spread of the others."""
    if len(usable) <= LEARNED:
        return usable
    ranking = sorted(range(len(usable)), key=lambda place: usable[place][0].order)
    best, others = ranking[: LEARNED // 2], sorted(ranking[LEARNED // 2 :])
    spread = np.linspace(0, len(others) - 1, LEARNED - len(best)).round().astype(int)
    return [usable[place] for place in sorted([*best, *(others[each] for each in spread)])]


def propose(
    box: Space, space: Space, known: Known, taken: set[str], *, centre: Configuration, rng: np.random.Generator
) -> Configuration | None:
    """The next configuration of a narrowed space: gp_minimize's where it is new, else the best new one, or None."""
    free = {parameter.name: parameter.domain for parameter in box.parameters if parameter.domain.size != 1}
    if not free or known.parameters is None:
        return next(_new(box, space, taken, rng), None)
    asked = _Asked(box, space, known, centre, free)
    proposal = asked.proposal(int(rng.integers(2**31 - 1)))
    if proposal is not None and proposal.key not in taken:
        return proposal
    return asked.most_promising(taken, rng)


def _new(box: Space, space: Space, taken: set[str], rng: np.random.Generator) -> Iterator[Configuration]:
    """Configurations of the box that are not taken, each once: drawn, then, in a finite box, what luck left out."""
    seen = set(taken)
    drawn = (sample(box, rng) for _ in range(CANDIDATES))
    rest = itertools.islice(grid(box), ENUMERATED) if size(box) is not None else ()
    for flat in itertools.chain(drawn, rest):
        whole = assemble(_scalars(flat), space)
        if whole.key not in seen:
            seen.add(whole.key)
            yield whole


def _scalars(configuration: Configuration) -> dict[str, Scalar]:
    return {name: value for name, value in configuration.items if not isinstance(value, tuple)}


class _ProposedError(Exception):
    """Ends gp_minimize as soon as it has proposed: the training happens elsewhere, and the next call starts afresh."""


class _Asked:
    """One question to gp_minimize: a box, and what is known in it and around it."""

    def __init__(self, box: Space, space: Space, known: Known, centre: Configuration, free: dict[str, Domain]) -> None:
        from pipeline.tuning.surrogate.estimator import Surrogate, frame_of  # deferred: skopt takes a second to import

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
            [_coordinate(free[name], flatten(each)[name]) for name in ordered]
            for each, here in zip(known.configurations, within, strict=True)
            if here
        ]
        self._targets = known.targets[within]
        self._frame = frame_of(known.axes, middle, free)
        self._surrogate = Surrogate(
            frame=self._frame,
            parameters=known.parameters,
            repeats=known.repeats[within],
            outside=columns[~within],
            outside_targets=known.targets[~within],
            outside_repeats=known.repeats[~within],
        )

    def proposal(self, seed: int) -> Configuration | None:
        """What gp_minimize proposes; None where it would have to answer a known point with a random one."""
        if not self._points:
            return None
        point, repeats = _gp_minimize(
            [self._free[name] for name in self._names],
            self._points,
            self._targets.tolist(),
            self._surrogate,
            surplus=float(self._targets.min()) - self._best,
            seed=seed,
        )
        if repeats:
            return None
        return self._assembled(
            [_value(self._free[name], coordinate) for name, coordinate in zip(self._names, point, strict=True)]
        )

    def most_promising(self, taken: set[str], rng: np.random.Generator) -> Configuration | None:
        """The configuration of the box with the largest expected improvement among the ones that are not taken."""
        drawn = [_drawn(self._free[name], rng) for name in self._names]
        frame = self._frame
        rows = np.repeat(frame.centre[None, :], CANDIDATES, axis=0)
        for position, values in zip(frame.free, drawn, strict=True):
            rows[:, position] = [self._axes[position].coordinate(value) for value in values]
        gain = expected_improvement(*self._posterior.predict(features(self._axes, rows)), self._best)
        for place in np.argsort(-gain, kind="stable"):
            found = self._assembled([values[place] for values in drawn])
            if found.key not in taken:
                return found
        return next(_new(self._box, self._space, taken, rng), None)

    def _assembled(self, values: Sequence[Scalar]) -> Configuration:
        whole = {parameter.name: _value(parameter.domain, 0) for parameter in self._box.parameters}
        return assemble(whole | dict(zip(self._names, values, strict=True)), self._space)


def _drawn(domain: Domain, rng: np.random.Generator) -> list[Scalar]:
    if isinstance(domain, Real):
        return [domain.at(unit) for unit in rng.random(CANDIDATES).tolist()]
    return [value_at(domain, position) for position in rng.integers(domain.size, size=CANDIDATES).tolist()]


def _coordinate(domain: Domain, value: Scalar) -> float | int:
    """A value as gp_minimize sees it: numbers as they are, choices by their position."""
    if isinstance(domain, Choice):
        return position_of(domain, value)
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


def _gp_minimize(
    domains: Sequence[Domain],
    points: list[list[float]],
    targets: list[float],
    surrogate: Any,
    *,
    surplus: float,
    seed: int,
) -> tuple[list[Any], bool]:
    """The proposal, and whether it is a random one in place of a known one.

    The improvement counts from what the surrogate believes the best to be: `surplus` above the lowest target.
    """
    from skopt import gp_minimize

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
                base_estimator=surrogate,
                x0=points,
                y0=targets,
                n_calls=1,
                n_initial_points=0,
                acq_func="EI",
                xi=surplus,
                n_points=POINTS,
                n_restarts_optimizer=CLIMBS,
                random_state=seed,
            )
    return proposed[0], any("evaluated at point" in str(warning.message) for warning in caught)


def _dimension(domain: Domain) -> Any:
    from skopt import space as skopt_space

    if isinstance(domain, Real):
        return skopt_space.Real(domain.low, domain.high, prior="log-uniform" if domain.log else "uniform")
    if isinstance(domain, Integer):
        return skopt_space.Integer(domain.low, domain.high)
    return skopt_space.Integer(0, domain.size - 1)  # by position: the surrogate knows that they have no order
