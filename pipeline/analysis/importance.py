"""The importance of hyperparameters: functional ANOVA of a random forest (Hutter et al. 2014, PMLR 32).

Each tree of a forest fitted to the measured scores predicts a score for every configuration of the space. The variance
of these predictions, with every value equally likely on its own scale, is divided into a part for each hyperparameter
alone, a part for each pair beyond both alone, and a rest. A tree is constant on its leaves, which are boxes, so the
parts are exact sums over leaves; their deviation between trees shows how reliable they are. A layer that a
configuration does not have counts as one of middle width.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from pipeline.space import Choice, Integer, Space, contains
from pipeline.space.unit_cube import Axis, axes_of, features, groups, row_of
from pipeline.trial import Configuration, Summary

TREES: Final = 64  # a fifth of a second for 400 configurations, and every configuration is outside some trees' sample
LEAF: Final = 3  # least configurations in a leaf
LEAST: Final = 10  # configurations; with fewer there is no result
SAMPLE: Final = 1000  # configurations that a tree is fitted to at most: it bounds the leaves, and with them the memory
EXPLAINED: Final = 0.05  # of the variance; a forest that explains less has found nothing but noise

Lacking = Literal["", "choices", "configurations", "differences"]


@dataclass(frozen=True, slots=True)
class Part:
    """The fraction of the variance due to one hyperparameter, or to a pair beyond both alone; a mean over trees."""

    names: tuple[str, ...]
    mean: float  # from 0 to 1
    deviation: float  # over the trees


@dataclass(frozen=True, slots=True)
class Importance:
    """The importance of all hyperparameters and pairs and how well the forest predicts, or what was lacking for one."""

    configurations: int  # to which it was fitted
    explained: float = math.nan  # out-of-bag R2: on configurations that a tree was not fitted to
    parts: tuple[Part, ...] = ()  # largest first
    lacking: Lacking = ""  # anything in the space to choose, enough configurations, or different scores

    @property
    def meaningful(self) -> bool:
        """True if the forest predicts configurations that it was not fitted to; otherwise its parts mean nothing."""
        return self.explained >= EXPLAINED

    def of(self, many: int) -> tuple[Part, ...]:
        """The parts of single hyperparameters (1) or of pairs (2), largest first."""
        return tuple(part for part in self.parts if len(part.names) == many)


def importance_of(space: Space, summaries: Iterable[Summary]) -> Importance:
    """The importance for the logarithm of the mean objective, which is positive and compares by ratios.

    The default network is left out: it was not drawn from the space.
    """
    drawn = (each for each in summaries if each.stage != "baseline" and math.isfinite(each.mean) and each.mean > 0)
    return importance(space, [(each.configuration, math.log(each.mean)) for each in drawn])


def importance(
    space: Space, scores: Sequence[tuple[Configuration, float]], *, trees: int = TREES, seed: int = 0
) -> Importance:
    """Decompose the variance of finite scores over the space.

    Args:
        space: The space. Every configuration in it is equally likely, each range on its own scale.
        scores: Configurations and their scores. Configurations of other spaces are ignored; one that occurs several
            times counts several times.
        trees: Number of trees in the forest.
        seed: Seed of the forest.

    Returns:
        The parts, or what was lacking: a hyperparameter that varies, ten configurations, or two different scores.
        Equal arguments give equal results.
    """
    axes = axes_of(space)
    rows = [(row_of(axes, each), score) for each, score in scores if contains(space, each)]
    usable = [(row, score) for row, score in rows if row is not None]
    values = np.array([score for _, score in usable])
    lacking = _lacking(axes, values)
    if lacking:
        return Importance(len(usable), lacking=lacking)
    forest = _forest(features(axes, np.array([row for row, _ in usable])), values, trees, seed)
    found: dict[tuple[str, ...], list[float]] = {}
    for tree in forest.estimators_:
        for names, part in _parts(axes, tree.tree_).items():
            found.setdefault(names, []).append(part)
    parts = [Part(names, float(np.mean(each)), float(np.std(each, ddof=1))) for names, each in found.items()]
    ordered = tuple(sorted(parts, key=lambda part: (-part.mean, part.names)))
    return Importance(len(usable), float(forest.oob_score_), ordered)


def _lacking(axes: Sequence[Axis], values: np.ndarray) -> Lacking:
    if not axes:
        return "choices"
    if len(values) < LEAST:
        return "configurations"
    return "" if np.ptp(values) > 0 else "differences"


def _forest(inputs: np.ndarray, values: np.ndarray, trees: int, seed: int) -> Any:
    import warnings

    from sklearn.ensemble import RandomForestRegressor  # deferred: it takes a second to import

    forest = RandomForestRegressor(
        trees,
        min_samples_leaf=LEAF,
        max_features=5 / 6,
        max_samples=min(len(values), SAMPLE),
        oob_score=True,
        random_state=seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # scikit-learn warns of rows to which every tree was fitted
        return forest.fit(inputs, values)


# ---------------------------------------------------------------------------------------------------------- one tree


def _parts(axes: Sequence[Axis], tree: Any) -> dict[tuple[str, ...], float]:
    """The fraction of the variance of each axis, and of each pair beyond both; all 0 for a tree of one leaf."""
    low, high, values = _leaves(tree)
    columns = groups(axes)
    weights, masks = zip(
        *(_cells(axis, low[:, columns == place], high[:, columns == place]) for place, axis in enumerate(axes)),
        strict=True,
    )
    sizes = np.array([mask @ weight for weight, mask in zip(weights, masks, strict=True)])  # (axes, leaves)
    whole = values * sizes.prod(axis=0)
    mean = float(whole.sum())
    total = float((values**2 * sizes.prod(axis=0)).sum() - mean**2)
    alone: dict[tuple[str, ...], float] = {}
    for one, axis in enumerate(axes):
        others = np.delete(sizes, one, axis=0).prod(axis=0)
        marginal = (values * others) @ masks[one]
        alone[(axis.name,)] = float(weights[one] @ marginal**2 - mean**2)
    pairs: dict[tuple[str, ...], float] = {}
    for one, two in itertools.combinations(range(len(axes)), 2):
        others = np.delete(sizes, [one, two], axis=0).prod(axis=0)
        marginal = (masks[one] * (values * others)[:, None]).T @ masks[two]
        both = float(weights[one] @ marginal**2 @ weights[two] - mean**2)
        names = (axes[one].name, axes[two].name)
        pairs[names] = both - alone[names[:1]] - alone[names[1:]]
    return _shares({**alone, **pairs}, total)


def _shares(parts: Mapping[tuple[str, ...], float], total: float) -> dict[tuple[str, ...], float]:
    if total <= 0:
        return dict.fromkeys(parts, 0.0)
    return {names: max(0.0, part) / total for names, part in parts.items()}


def _leaves(tree: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ends (leaves, features) of each leaf's box, low < x <= high, and its value (leaves,)."""
    low = np.full((tree.node_count, tree.n_features), -np.inf)
    high = np.full((tree.node_count, tree.n_features), np.inf)
    for node in range(tree.node_count):  # children come after their parents
        left, right, column = tree.children_left[node], tree.children_right[node], tree.feature[node]
        if left == right:
            continue
        low[[left, right]], high[[left, right]] = low[node], high[node]
        high[left, column] = low[right, column] = tree.threshold[node]
    leaf = tree.children_left == tree.children_right
    return low[leaf], high[leaf], tree.value[leaf, 0, 0]


def _cells(axis: Axis, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divide an axis into cells in which no leaf begins or ends: their probabilities (cells,), and the leaves that
    contain them (leaves, cells).

    `low` and `high` are the leaves' ends in the features of the axis: one for a range, one for each value of a choice.
    """
    if isinstance(axis.domain, Choice):
        points = np.eye(axis.domain.size) * np.sqrt(0.5)  # as `features` writes them
        inside = (low[:, None, :] < points) & (points <= high[:, None, :])
        return np.full(len(points), 1 / len(points)), inside.all(axis=2).astype(float)
    if isinstance(axis.domain, Integer):
        points = np.linspace(0.0, 1.0, axis.domain.size)
        return np.full(len(points), 1 / len(points)), ((low < points) & (points <= high)).astype(float)
    cuts = np.unique(np.clip(np.concatenate([low[:, 0], high[:, 0], [0.0, 1.0]]), 0.0, 1.0))
    middles = (cuts[1:] + cuts[:-1]) / 2
    return np.diff(cuts), ((low < middles) & (middles <= high)).astype(float)
