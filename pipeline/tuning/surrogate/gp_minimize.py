"""The adapter of scikit-optimize, the only module that imports it.

It is used in two ways. `minimize` asks `gp_minimize` for one proposal in a box, with our own surrogate of everything
measured. `WholeSpace` is scikit-optimize's own optimizer of a whole space, which learns answer by answer.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import skopt
from skopt.acquisition import gaussian_ei, gaussian_lcb, gaussian_pi
from skopt.learning import GaussianProcessRegressor

from pipeline.space import Choice, Domain, Integer, Real, Space, flatten, value_at
from pipeline.space.unit_cube import Axis, assembled, axes_of, groups, position_of
from pipeline.trial import Configuration, Scalar, Summary
from pipeline.tuning.surrogate.frame import Frame, Outside
from pipeline.tuning.surrogate.gaussian import Parameters, Posterior, posterior
from pipeline.tuning.surrogate.posterior_curve import PosteriorCurve

POINTS: Final = 500  # points of a box that gp_minimize compares before it climbs
CLIMBS: Final = 2  # from the best of them
CURVE_POINTS: Final = 201  # of a posterior in one dimension
KAPPA: Final = 1.96  # deviations below the mean of the lower confidence bound
XI: Final = 0.01  # of the objective: smaller gains do not count as improvements

# -------------------------------------------------------------------------------------------------- a proposal in a box


class Surrogate(GaussianProcessRegressor):  # type: ignore[misc]
    """A process with given parameters; `fit` adds the known points outside of the box to the given rows.

    gp_minimize clones it, so the constructor only stores its arguments, as scikit-learn requires.
    """

    def __init__(
        self,
        *,
        frame: Frame | None = None,
        parameters: Parameters | None = None,
        repeats: np.ndarray | None = None,  # (inside,) of the rows from gp_minimize
        outside: Outside | None = None,
    ) -> None:
        self.frame = frame
        self.parameters = parameters
        self.repeats = repeats
        self.outside = outside
        self.kernel = None  # read by skopt to see whether it has gradients
        self.posterior_: Posterior | None = None

    def fit(self, X: Any, y: Any) -> Surrogate:  # noqa: N803 the names of scikit-learn
        """Condition on the rows in the box, (n, free) of the unit cube, and on those outside."""
        assert self.frame is not None
        assert self.parameters is not None
        assert self.outside is not None
        inside = self.frame.features(np.asarray(X, float))
        self.posterior_ = posterior(
            np.vstack([inside, self.outside.columns]),
            groups(self.frame.axes),
            np.concatenate([np.asarray(y, float), self.outside.targets]),
            np.concatenate([self.repeats, self.outside.repeats]),
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
        """Means; deviations and gradients if requested."""
        assert self.frame is not None
        assert self.posterior_ is not None
        columns = self.frame.features(np.asarray(X, float))
        if return_mean_grad:
            mean, deviation, by_mean, by_deviation = self.posterior_.slopes(columns)
            slopes = [self.frame.slope(by_mean), *([self.frame.slope(by_deviation)] if return_std_grad else [])]
            return (np.array([mean]), *([np.array([deviation])] if return_std else []), *slopes)
        means, deviations = self.posterior_.predict(columns)
        return (means, deviations) if return_std else means


class _ProposedError(Exception):
    """Ends gp_minimize after its proposal: the training happens elsewhere, and the next call is independent."""


def minimize(
    domains: Sequence[Domain],
    points: Sequence[Sequence[Scalar]],
    targets: Sequence[float],
    surrogate: Surrogate,
    *,
    surplus: float,
    seed: int,
) -> tuple[list[Scalar], bool]:
    """The proposal of `gp_minimize`, (dimensions,) values, and whether it is a random replacement for a known one.

    Args:
        domains: The dimensions of the box.
        points: (n, dimensions) The values of known points of the box.
        targets: (n,) Their scores.
        surrogate: The process to condition on them.
        surplus: How far the lowest target lies above the score from which improvement is measured.
        seed: Seed of the points that are compared.
    """
    proposed: list[list[Any]] = []

    def propose_only(point: list[Any]) -> float:
        proposed.append(point)
        raise _ProposedError

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with contextlib.suppress(_ProposedError):
            skopt.gp_minimize(
                propose_only,
                [_box_dimension(domain) for domain in domains],
                base_estimator=surrogate,
                x0=[[_box_coordinate(*pair) for pair in zip(domains, point, strict=True)] for point in points],
                y0=list(targets),
                n_calls=1,
                n_initial_points=0,
                acq_func="EI",
                xi=surplus,
                n_points=POINTS,
                n_restarts_optimizer=CLIMBS,
                random_state=seed,
            )
    repeated = any("evaluated at point" in str(warning.message) for warning in caught)
    return [_box_value(*pair) for pair in zip(domains, proposed[0], strict=True)], repeated


def _real(domain: Real) -> Any:
    return skopt.space.Real(domain.low, domain.high, prior="log-uniform" if domain.log else "uniform")


def _box_dimension(domain: Domain) -> Any:
    """Whole numbers unchanged; choices by position, because our surrogate knows that they have no order."""
    if isinstance(domain, Real):
        return _real(domain)
    if isinstance(domain, Integer):
        return skopt.space.Integer(domain.low, domain.high)
    return skopt.space.Integer(0, domain.size - 1)


def _box_coordinate(domain: Domain, value: Scalar) -> float | int:
    """A value as gp_minimize sees it: numbers unchanged, choices by position."""
    if isinstance(domain, Choice):
        return position_of(domain, value)
    assert not isinstance(value, str)
    return value


def _box_value(domain: Domain, coordinate: float) -> Scalar:
    """The nearest value of the domain."""
    if isinstance(domain, Choice):
        return domain.values[int(coordinate)]
    if isinstance(domain, Real):
        return min(max(float(coordinate), domain.low), domain.high)
    position = round((float(coordinate) - domain.low) / domain.step)
    return domain.low + domain.step * min(max(position, 0), domain.size - 1)


# ------------------------------------------------------------------------------------------------------ a whole space


class WholeSpace:
    """scikit-optimize's optimizer: it learns in a fixed order, and makes one proposal at a time.

    The surrogate is scikit-optimize's: a Matern-5/2 kernel, a length scale for each dimension, noise. The acquisition
    function is maximised continuously, by L-BFGS from the best of many points.
    """

    def __init__(self, space: Space, acquisition: str, seed: int) -> None:
        self._space = space
        self._axes = axes_of(space)
        self._acquisition = acquisition
        self._seen: list[Summary] = []
        self._optimizer: Any = None
        if self._axes:
            self._optimizer = skopt.Optimizer(
                [_axis_dimension(axis.domain) for axis in self._axes],
                base_estimator="GP",
                n_initial_points=1,
                acq_func=acquisition,
                acq_optimizer="auto",  # L-BFGS, except for spaces with only choices, which have no gradients
                acq_func_kwargs={"xi": XI, "kappa": KAPPA},
                random_state=seed,
            )

    def learn(self, summaries: Sequence[Summary]) -> None:
        """Add answers; failed ones count as the worst."""
        self._seen += summaries
        finite = [each.mean for each in self._seen if math.isfinite(each.mean)]
        if self._optimizer is None or not summaries or not finite:
            return
        new = summaries if self._optimizer.Xi else self._seen
        points = [self._point(each.configuration) for each in new]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about kernels at their bounds, and known points
            self._optimizer.tell(points, [each.mean if math.isfinite(each.mean) else max(finite) for each in new])

    def propose(self) -> Configuration | None:
        """The next configuration, which may be a known one; None before anything was learned."""
        if self._optimizer is None or not self._optimizer.models:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            point = self._optimizer.ask()
        values = {axis.name: _axis_value(axis.domain, each) for axis, each in zip(self._axes, point, strict=True)}
        return assembled(self._space, values)

    def curves(self) -> list[PosteriorCurve]:
        """The current posterior, if the space is one range of real numbers and two evaluations are known; else None."""
        if len(self._axes) != 1 or not isinstance(self._axes[0].domain, Real):
            return []
        (axis,) = self._axes
        domain = self._axes[0].domain
        seen = [(float(flatten(each.configuration)[axis.name]), each.mean) for each in self._seen]
        finite = tuple(pair for pair in seen if math.isfinite(pair[1]))
        if len(finite) < 2 or not self._optimizer.models:
            return []
        values = np.array([domain.at(unit) for unit in np.linspace(0.0, 1.0, CURVE_POINTS)])
        points = self._optimizer.space.transform([[float(value)] for value in values])
        model = self._optimizer.models[-1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mean, deviation = model.predict(points, return_std=True)
            function, gain = _acquired(self._chosen(), points, model, min(value for _, value in finite))
        return [PosteriorCurve(axis.name, domain.log, values, mean, deviation, gain, function, finite, None)]

    def _chosen(self) -> str:
        """The acquisition function of the next proposal; a hedge draws one by their gains."""
        if self._acquisition != "gp_hedge":
            return self._acquisition
        gains = np.asarray(self._optimizer.gains_)
        return str(self._optimizer.cand_acq_funcs_[int(np.argmax(gains))])

    def _point(self, configuration: Configuration) -> list[Any]:
        flat = flatten(configuration)
        return [_axis_coordinate(axis, flat.get(axis.name)) for axis in self._axes]


def _axis_dimension(domain: Domain) -> Any:
    """Whole numbers by position; choices one-hot: scikit-optimize's surrogate would take positions for an order."""
    if isinstance(domain, Real):
        return _real(domain)
    if isinstance(domain, Choice):
        return skopt.space.Categorical(list(range(domain.size)), transform="onehot")
    return skopt.space.Integer(0, domain.size - 1)


def _axis_coordinate(axis: Axis, value: Scalar | None) -> float | int:
    """A value as the optimizer takes it; the middle for a layer that a configuration does not have."""
    domain = axis.domain
    if isinstance(domain, Choice):
        return 0 if value is None else position_of(domain, value)
    assert not isinstance(value, str)
    if isinstance(domain, Real):
        return domain.at(0.5) if value is None else float(value)
    return domain.size // 2 if value is None else (int(value) - domain.low) // domain.step


def _axis_value(domain: Domain, coordinate: Any) -> Scalar:
    if isinstance(domain, Real):
        return min(max(float(coordinate), domain.low), domain.high)
    return value_at(domain, int(coordinate))


def _acquired(function: str, points: np.ndarray, model: Any, best: float) -> tuple[str, np.ndarray]:
    """The name and the values of an acquisition function; higher is better."""
    if function == "LCB":
        return "lower confidence bound, negative", -np.asarray(gaussian_lcb(points, model, kappa=KAPPA))
    if function == "PI":
        return "probability of improvement", np.asarray(gaussian_pi(points, model, y_opt=best, xi=XI))
    return "expected improvement", np.asarray(gaussian_ei(points, model, y_opt=best, xi=XI))
