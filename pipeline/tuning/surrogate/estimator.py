"""The base estimator of `gp_minimize`: a process that knows everything measured, not only what lies in the box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from skopt.learning import GaussianProcessRegressor

from pipeline.space import Choice, Domain
from pipeline.space.unit_cube import Axis, features, groups
from pipeline.tuning.surrogate.gaussian import Parameters, Posterior, posterior


@dataclass(frozen=True, slots=True)
class Frame:
    """How the unit cube that gp_minimize sees, one dimension for each free axis of a box, lies in the whole space."""

    axes: tuple[Axis, ...]  # of the space
    centre: np.ndarray  # (axes,) the row that the axes which are not free stand at
    free: tuple[int, ...]  # numbers of the free axes
    low: np.ndarray  # (free,) coordinates of the lower corner
    span: np.ndarray  # (free,) edges; of a choice the number of its last value

    def rows(self, unit: np.ndarray) -> np.ndarray:
        """(points, axes) coordinates of points of the cube, (points, free)."""
        rows = np.repeat(self.centre[None, :], len(unit), axis=0)
        rows[:, self.free] = self.low + unit * self.span
        for position in self.free:
            if isinstance(self.axes[position].domain, Choice):
                rows[:, position] = np.round(rows[:, position])
        return rows

    def features(self, unit: np.ndarray) -> np.ndarray:
        """(points, features) of points of the cube."""
        return features(self.axes, self.rows(unit))

    def slope(self, by_feature: np.ndarray) -> np.ndarray:
        """(free,) a gradient by features as one by the cube; choices have none."""
        group = groups(self.axes)
        return np.array(
            [
                0.0
                if isinstance(self.axes[position].domain, Choice)
                else float(by_feature[group == position][0]) * span
                for position, span in zip(self.free, self.span, strict=True)
            ]
        )


def frame_of(axes: tuple[Axis, ...], centre: np.ndarray, box: dict[str, Domain]) -> Frame:
    """The frame of a box, given by the domains of its free axes."""
    free = tuple(position for position, axis in enumerate(axes) if axis.name in box)
    low, span = [], []
    for position in free:
        axis, domain = axes[position], box[axes[position].name]
        if isinstance(domain, Choice):
            low.append(0.0)
            span.append(float(domain.size - 1))
        else:
            low.append(axis.coordinate(domain.low))
            span.append(axis.coordinate(domain.high) - low[-1])
    return Frame(axes, centre, free, np.array(low), np.array(span))


class Surrogate(GaussianProcessRegressor):  # type: ignore[misc]
    """A process with given parameters; `fit` adds the rows outside of the box to the ones that it is given.

    gp_minimize clones it, so the constructor only stores what it is given, as scikit-learn asks.
    """

    def __init__(
        self,
        *,
        frame: Frame | None = None,
        parameters: Parameters | None = None,
        repeats: np.ndarray | None = None,  # (inside,) of the rows that gp_minimize gives
        outside: np.ndarray | None = None,  # (outside, features)
        outside_targets: np.ndarray | None = None,
        outside_repeats: np.ndarray | None = None,
    ) -> None:
        self.frame = frame
        self.parameters = parameters
        self.repeats = repeats
        self.outside = outside
        self.outside_targets = outside_targets
        self.outside_repeats = outside_repeats
        self.kernel = None  # read by skopt to see whether it has gradients
        self.posterior_: Posterior | None = None

    def fit(self, X: Any, y: Any) -> Surrogate:  # noqa: N803 the names of scikit-learn
        """Condition on the rows in the box, (n, free) of the unit cube, and on the ones outside."""
        assert self.frame is not None
        assert self.parameters is not None
        assert self.outside is not None
        inside = self.frame.features(np.asarray(X, float))
        self.posterior_ = posterior(
            np.vstack([inside, self.outside]),
            groups(self.frame.axes),
            np.concatenate([np.asarray(y, float), self.outside_targets]),
            np.concatenate([self.repeats, self.outside_repeats]),
            self.parameters,
        )
        return self

    def predict(
        self,
        X: Any,  # noqa: N803
        return_std: bool = False,
        return_cov: bool = False,  # noqa: ARG002 the signature of scikit-optimize
        return_mean_grad: bool = False,
        return_std_grad: bool = False,
    ) -> Any:
        """Means; deviations and gradients where asked for."""
        assert self.frame is not None
        assert self.posterior_ is not None
        columns = self.frame.features(np.asarray(X, float))
        if return_mean_grad:
            mean, deviation, by_mean, by_deviation = self.posterior_.slopes(columns)
            slopes = [self.frame.slope(by_mean), *([self.frame.slope(by_deviation)] if return_std_grad else [])]
            return (np.array([mean]), *([np.array([deviation])] if return_std else []), *slopes)
        means, deviations = self.posterior_.predict(columns)
        return (means, deviations) if return_std else means
