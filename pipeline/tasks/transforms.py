"""Transforms of a target: monotone functions that make errors on a wide or skewed scale comparable.

| name        | the transformed value of x                                                                             |
|-------------|--------------------------------------------------------------------------------------------------------|
| none        | x                                                                                                      |
| log         | log10(x); x above 0                                                                                    |
| log1p       | ln(1 + x); x above -1                                                                                  |
| asinh       | asinh(x / s) / ln(10), with s the 5 % quantile of |x| of the training rows that are not 0: decades far |
|             | from 0 with the sign of x, and linear around 0 (Burbidge et al. 1988, doi:10.2307/2288929)             |
| yeo-johnson | of (x - mean) / deviation, with the exponent of greatest likelihood (Yeo and Johnson 2000,             |
|             | doi:10.1093/biomet/87.4.954)                                                                           |
| quantile    | the normal score of its rank among the training rows, linear between and beyond them                   |
| auto        | none where the skewness of the training rows is below 1, else asinh or yeo-johnson, whichever leaves   |
|             | less of it                                                                                             |

What a network gives is limited to the range of the training rows, widened by a tenth at both ends on the transformed
scale: beyond, the way back would make a huge number of a small error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pipeline.errors import UserError

KINDS: Final = ("none", "log", "log1p", "asinh", "yeo-johnson", "quantile")
AUTO: Final = "auto"
SKEWED: Final = 1.0  # the skewness from which on `auto` transforms
MARGIN: Final = 0.1  # of the range of the training rows that predictions may lie beyond it, at either end
FARTHEST: Final = 2.0  # times the farthest training value from the mean, where the way back has an end
QUANTILES: Final = 1000  # at most
_SCORES: Final = {  # what errors on the transformed scale are errors of
    "log": "log10",
    "log1p": "ln(1+x)",
    "asinh": "signed log10",
    "yeo-johnson": "Yeo-Johnson scale",
    "quantile": "normal scores",
}
_LOWEST: Final = {"log": 0.0, "log1p": -1.0}  # below and at it there is no transformed value
_DECADES: Final = math.log(10.0)
_EXPONENTS: Final = 5.0  # largest size of that of Yeo and Johnson


@dataclass(frozen=True, slots=True)
class Transform:
    """A fitted transform of one target; a frozen value, stored as JSON by `describe`."""

    kind: str = "none"
    parameters: tuple[float, ...] = ()
    low: float = -math.inf  # of what a network may give, on the transformed scale
    high: float = math.inf

    @property
    def words(self) -> str:
        """What errors on the transformed scale are errors of."""
        return _SCORES.get(self.kind, "")

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Transformed values, float64; NaN or -inf where there is none (`check` refuses these rows)."""
        x = np.asarray(values, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(_FORWARD[self.kind](x, self.parameters))

    def back(self, transformed: np.ndarray) -> np.ndarray:
        """Values in original units, float64, of what a network gives; see the limits above."""
        t = np.asarray(transformed, dtype=np.float64)
        if self.kind == "none":
            return t
        return np.asarray(_BACK[self.kind](np.clip(t, self.low, self.high), self.parameters))

    def describe(self) -> dict[str, Any]:
        """Everything of it in JSON's types."""
        if self.kind == "none":
            return {"kind": self.kind}
        return {"kind": self.kind, "parameters": list(self.parameters), "low": self.low, "high": self.high}


def fit(kind: str, values: np.ndarray) -> Transform:
    """Fit a transform, or with `auto` choose one, by the training rows' values (n,), which it must be able to take."""
    if kind == AUTO:
        kind = _chosen(values)
    if kind == "none":
        return Transform()
    parameters = _FIT[kind](np.asarray(values, dtype=np.float64))
    ends = Transform(kind, parameters).forward(np.array([np.min(values), np.max(values)]))
    margin = MARGIN * float(ends[1] - ends[0])
    low, high = float(ends[0]) - margin, float(ends[1]) + margin
    if kind == "yeo-johnson":  # its way back has an end where the exponent is below 0 or above 2
        far = FARTHEST * np.max(np.abs((values - parameters[0]) / parameters[1]))
        low = max(low, float(_power(np.array(-far), parameters[2])))
        high = min(high, float(_power(np.array(far), parameters[2])))
    return Transform(kind, parameters, low, high)


def restore(about: Mapping[str, Any]) -> Transform:
    """The transform that was described; ValueError, KeyError or TypeError for anything else."""
    if about["kind"] == "none":
        return Transform()
    found = Transform(about["kind"], tuple(about["parameters"]), about["low"], about["high"])
    numbers = (*found.parameters, found.low, found.high)
    if found.kind not in KINDS or not all(type(each) is float and math.isfinite(each) for each in numbers):
        raise ValueError("a transform of its outputs is none of finite numbers")
    count = len(found.parameters)
    fitting = count >= 4 and count % 2 == 0 if found.kind == "quantile" else count == _COUNTS[found.kind]
    half = found.parameters[: count // 2]
    if not fitting or found.low > found.high or (found.kind == "quantile" and list(half) != sorted(half)):
        raise ValueError("a transform of its outputs has other parameters than it needs")
    if (found.kind == "asinh" and not found.parameters[0] > 0) or (
        found.kind == "yeo-johnson" and not found.parameters[1] > 0
    ):
        raise ValueError("a transform of its outputs has no scale")
    return found


def check(kind: str, name: str, values: np.ndarray, rows: Sequence[str]) -> None:
    """Raise UserError, naming the first rows, for values that the transform cannot take.

    `rows` say where each of the values stands.
    """
    lowest = _LOWEST.get(kind)
    wrong = np.flatnonzero(np.asarray(values) <= lowest) if lowest is not None else np.empty(0, int)
    if len(wrong):
        shown = ", ".join(f"{float(values[place]):g} in {rows[place]}" for place in wrong[:3])
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise UserError(
            f"Target {name!r} cannot be transformed by {kind}",
            expected=f"values above {lowest:g}",
            got=f"{shown}{more}",
            hint="use --target-transform asinh, which takes every number, or correct the cells",
        )


def known(kind: object, name: str) -> str:
    """The name of a transform as the user gave it; UserError for another one."""
    if kind not in (*KINDS, AUTO):
        raise UserError(f"There is no transform {kind!r:.60} for target {name!r}", expected=", ".join((*KINDS, AUTO)))
    return str(kind)


# ----------------------------------------------------------------------------------------------------------- arithmetic


def skewness(values: np.ndarray) -> float:
    """The third standardised moment; 0 where all values are equal."""
    centred = np.asarray(values, dtype=np.float64) - np.mean(values)
    deviation = centred.std()
    return float(np.mean((centred / deviation) ** 3)) if deviation > 0 else 0.0


def _chosen(values: np.ndarray) -> str:
    if abs(skewness(values)) < SKEWED:
        return "none"
    left = {kind: abs(skewness(fit(kind, values).forward(values))) for kind in ("asinh", "yeo-johnson")}
    return min(left, key=lambda kind: left[kind])


def _unit(values: np.ndarray) -> tuple[float, ...]:
    """The size around which asinh turns from linear to logarithmic."""
    sizes = np.abs(values[values != 0.0])
    return (float(np.quantile(sizes, 0.05)),) if len(sizes) else (1.0,)


def _likeliest(values: np.ndarray) -> tuple[float, ...]:
    from sklearn.preprocessing import PowerTransformer

    mean, deviation = float(np.mean(values)), float(np.std(values))
    scaled = ((values - mean) / deviation)[:, np.newaxis]
    exponent = float(PowerTransformer(method="yeo-johnson", standardize=False).fit(scaled).lambdas_[0])
    return mean, deviation, float(np.clip(exponent, -_EXPONENTS, _EXPONENTS))


def _ranks(values: np.ndarray) -> tuple[float, ...]:
    """Distinct values, or an even choice of them, and then the normal score of each; equal ones share a middle rank."""
    from scipy.special import ndtri

    taken = np.linspace(0, len(values) - 1, min(QUANTILES, len(values))).round().astype(int)
    distinct, inverse = np.unique(np.sort(values)[taken], return_inverse=True)
    middle = np.bincount(inverse, weights=(taken + 0.5) / len(values)) / np.bincount(inverse)
    return (*map(float, distinct), *map(float, ndtri(middle)))


def _power(z: np.ndarray, exponent: float) -> np.ndarray:
    """Yeo and Johnson's transform; expm1 and log1p keep the digits where the exponent is near 0 or 2."""
    size = np.log1p(np.abs(z))
    up = np.expm1(exponent * size) / exponent if exponent else size
    down = np.expm1((2.0 - exponent) * size) / (2.0 - exponent) if exponent != 2.0 else size
    return np.asarray(np.where(z >= 0, up, -down))


def _root(t: np.ndarray, exponent: float) -> np.ndarray:
    """The way back of `_power`."""
    up = np.log1p(np.maximum(exponent * np.abs(t), -1 + 1e-15)) / exponent if exponent else np.abs(t)
    other = 2.0 - exponent
    down = np.log1p(np.maximum(other * np.abs(t), -1 + 1e-15)) / other if other else np.abs(t)
    return np.asarray(np.where(t >= 0, np.expm1(up), -np.expm1(down)))


def _between(x: np.ndarray, here: Sequence[float], there: Sequence[float]) -> np.ndarray:
    """Linear between pairs of increasing numbers, and beyond them with the slope from one end to the other."""
    slope = (there[-1] - there[0]) / (here[-1] - here[0])
    beyond = slope * (np.minimum(x - here[0], 0.0) + np.maximum(x - here[-1], 0.0))
    return np.asarray(np.interp(x, here, there) + beyond)


def _halves(parameters: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    middle = len(parameters) // 2
    return parameters[:middle], parameters[middle:]


_COUNTS: Final = {"log": 0, "log1p": 0, "asinh": 1, "yeo-johnson": 3}
_FIT: Final[Mapping[str, Any]] = {
    "log": lambda _: (),
    "log1p": lambda _: (),
    "asinh": _unit,
    "yeo-johnson": _likeliest,
    "quantile": _ranks,
}
_FORWARD: Final[Mapping[str, Any]] = {
    "none": lambda x, _: x,
    "log": lambda x, _: np.log10(x),
    "log1p": lambda x, _: np.log1p(x),
    "asinh": lambda x, p: np.arcsinh(x / p[0]) / _DECADES,
    "yeo-johnson": lambda x, p: _power((x - p[0]) / p[1], p[2]),
    "quantile": lambda x, p: _between(x, *_halves(p)),
}
_BACK: Final[Mapping[str, Any]] = {
    "log": lambda t, _: np.power(10.0, t),
    "log1p": lambda t, _: np.expm1(t),
    "asinh": lambda t, p: p[0] * np.sinh(t * _DECADES),
    "yeo-johnson": lambda t, p: _root(t, p[2]) * p[1] + p[0],
    "quantile": lambda t, p: _between(t, *reversed(_halves(p))),
}
