"""Decisions of classes: which class is named for a row, by its probabilities, costs of mistakes, or a threshold.

Without either it is the likeliest class. With costs it is the class of least expected cost, and a threshold is not
needed then: it is where the expected costs of two classes are equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from pipeline.errors import UserError
from pipeline.tasks.calibration import Calibration
from pipeline.tasks.task import Target, spread

Calibrating = Literal["auto", "fitted", "none"]
"""Whether probabilities are calibrated: as the study has it, by its validation rows, or not at all."""

FITTED: Final = "fitted"
UNCALIBRATED: Final = "none"

Costs = tuple[tuple[float, ...], ...]
"""What it costs to name a class (second place) for a row of a class (first place): from 0 on, classes in order."""

Given = Mapping[str, Mapping[str, float]]
"""Costs as a user gives them: true class -> class that is named -> cost."""

ANY: Final = "*"  # in the place of a class: all that are not named
HALF: Final = 0.5
_CLOSE: Final = 1e-12  # values that differ by less are equal: sums round
_LISTED: Final = 8  # classes, or pairs of them, in a line


@dataclass(frozen=True, slots=True)
class Decision:
    """How the class of a row is chosen from the mean probabilities of networks; without anything, the likeliest one."""

    labels: tuple[str, ...]
    calibration: Calibration | None = None
    costs: Costs | None = None  # then the threshold is not looked at
    threshold: float | None = None  # of two classes the second one is named where its probability is above this

    def chances(self, mean: np.ndarray) -> np.ndarray:
        """The calibrated probabilities (..., classes) of mean probabilities; these themselves without calibration."""
        return self.calibration(mean) if self.calibration else mean

    def chosen(self, chances: np.ndarray) -> np.ndarray:
        """The positions (n,) of the classes that are named, of calibrated probabilities (n, classes).

        Of classes of equal expected cost it is the likeliest, and of equally likely ones the first.
        """
        if self.costs is not None:
            expected = chances @ np.asarray(self.costs)
            least = expected.min(axis=1, keepdims=True)
            return np.asarray(np.where(expected <= least + _CLOSE * np.abs(least), chances, -1.0).argmax(axis=1))
        if self.threshold is not None:
            return np.asarray((chances[:, 1] > self.threshold).astype(np.int64))
        return np.asarray(chances.argmax(axis=1))

    @property
    def rule(self) -> str:
        """Which class is named, in a sentence without an end."""
        if self.costs is not None:
            return f"the class of least expected cost ({costs_in_words(self.costs, self.labels)})"
        if self.threshold is not None:
            first, second = self.labels
            return f"{second} where its probability is above {self.threshold:.4g}, and {first} elsewhere"
        return "the likeliest class"


def table(target: Target, units: np.ndarray, decision: Decision) -> dict[str, np.ndarray]:
    """The columns of a table of predictions, as `Target.table` names them, from probabilities of several networks.

    Args:
        target: The target, of classes.
        units: The probabilities (networks, n, classes) of each network.
        decision: How the class is chosen.

    Returns:
        The class that is named; the calibrated mean probability of each class; and the spread of the named one's over
        the networks, each of which is calibrated alike.
    """
    chances = decision.chances(units.mean(axis=0))
    chosen = decision.chosen(chances)
    (name,) = target.names
    columns = {name: np.asarray(decision.labels, dtype=object)[chosen]}
    columns |= {f"{name} probability {label}": chances[:, place] for place, label in enumerate(decision.labels)}
    apart = spread(decision.chances(units))
    columns[f"{name} spread"] = np.take_along_axis(apart, chosen[:, np.newaxis], axis=1)[:, 0]
    return columns


# --------------------------------------------------------------------------------------------------------------- costs


def costs_of(given: Given, labels: Sequence[str]) -> Costs:
    """The costs of all pairs of classes.

    Args:
        given: The costs by true class and class that is named. `*` stands for every class that is not named: the more
            exact one counts, and of `a:*` and `*:b` the first. A right decision costs 0 if nothing else is given for it
            by name.
        labels: The classes.

    Returns:
        A cost for each pair.

    Raises:
        UserError: A name is not a class; a cost is negative, not finite, or missing; or all of them are 0.
    """
    wild = () if ANY in labels else (ANY,)
    for truth, named in ((truth, said) for truth, row in given.items() for said in row):
        strange = [each for each in (truth, named) if each not in (*labels, *wild)]
        if strange:
            raise UserError(
                f"The costs name {strange[0]!r:.60}, which is not a class",
                expected=_listed(labels),
                hint="write --cost TRUTH:PREDICTION=COST with classes as the table spells them",
            )
        if not 0 <= given[truth][named] < float("inf"):
            raise UserError(
                f"The cost of {truth}:{named} is {given[truth][named]:g}", expected="a finite number from 0 on"
            )
    found = {(truth, said): _cost(given, truth, said, wild) for truth in labels for said in labels}
    missing = [f"{truth}:{said}" for (truth, said), cost in found.items() if cost is None]
    if missing:
        others = f", or {ANY}:{ANY}=1 for all that are not named" if wild else ""
        raise UserError(
            f"{len(missing)} wrong decisions have no cost" if len(missing) > 1 else "A wrong decision has no cost",
            expected=f"a cost for each pair of {len(labels)} classes, truth first",
            got=f"nothing for {_listed(missing)}",
            hint=f"add {missing[0]}=COST{others}",
        )
    costs = tuple(tuple(found[truth, said] or 0.0 for said in labels) for truth in labels)
    if not any(map(any, costs)):
        raise UserError("All costs are 0", expected="a cost above 0", hint="leave --cost out for the likeliest class")
    return costs


def _cost(given: Given, truth: str, said: str, wild: Sequence[str]) -> float | None:
    if truth == said:
        return given.get(truth, {}).get(said, 0.0)
    places = [(truth, said), *((truth, each) for each in wild), *((each, said) for each in wild)]
    places += [(each, each) for each in wild]
    return next((given[first][second] for first, second in places if second in given.get(first, {})), None)


def described(costs: Costs, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    """The costs as `costs_of` takes them: those of all wrong decisions, and of right ones where they cost anything."""
    return {
        truth: {said: cost for said, cost in zip(labels, row, strict=True) if cost or said != truth}
        for truth, row in zip(labels, costs, strict=True)
    }


def costs_in_words(costs: Costs, labels: Sequence[str]) -> str:
    """`no:yes=1, yes:no=5`, truth first; of many pairs the first ones."""
    rows = described(costs, labels)
    return _listed([f"{truth}:{said}={cost:g}" for truth, row in rows.items() for said, cost in row.items()])


def row_costs(costs: Costs, truth: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """What was paid for each row (n,): its true class and the one that was named."""
    return np.asarray(np.asarray(costs)[truth, chosen])


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return ", ".join(words[:_LISTED]) + more


# ----------------------------------------------------------------------------------------------------------- thresholds

THRESHOLDED: Final = ("balanced-accuracy", "macro-f1")
"""The measures for which one half is not the best threshold of two classes, even of perfect probabilities."""


def thresholded(objective: object, labels: Sequence[str]) -> bool:
    """True for the objective, as a fingerprint names it, of two classes that have a threshold."""
    return objective in THRESHOLDED and len(labels) == 2


def best_threshold(second: np.ndarray, truth: np.ndarray, weights: np.ndarray, measure: str) -> float:
    """The threshold of the second of two classes with which a measure is highest on these rows.

    One half if nothing is better. Else it is midway between the probabilities of two rows; of equally good ones it is
    the nearest to one half, and then the lower one.

    Args:
        second: The probabilities of the second class (n,).
        truth: The positions of the true classes (n,), 0 or 1.
        weights: The weights of the rows (n,), from 0 on, not all of them 0.
        measure: One of `THRESHOLDED`.

    Returns:
        The threshold, from 0 to 1: the second class is named where its probability is above it.
    """
    counted = np.asarray(weights) > 0
    used, truth = np.asarray(weights, dtype=np.float64)[counted], np.asarray(truth)[counted]
    values, places = np.unique(np.asarray(second, dtype=np.float64)[counted], return_inverse=True)
    middles = [low + (high - low) / 2 for low, high in pairwise(values.tolist())]
    # Between neighbouring floats there is nothing: the lower one of them divides them as well.
    middles = [low if middle >= high else middle for middle, (low, high) in zip(middles, pairwise(values), strict=True)]
    yes, no = (np.bincount(places, weights=used * (truth == each), minlength=len(values)) for each in (1, 0))
    thresholds = np.array([HALF, *middles])
    below = np.searchsorted(values, thresholds, side="right")  # rows at the threshold are not above it
    missed, left = (np.concatenate([[0.0], np.cumsum(each)])[below] for each in (yes, no))
    scores = _MEASURES[measure](yes.sum() - missed, missed, no.sum() - left, left)
    good = scores >= scores.max() - _CLOSE
    if good[0]:
        return HALF
    found = thresholds[good]
    return float(found[np.lexsort((found, np.round(np.abs(found - HALF), 12)))[0]])


def _balanced_accuracy(hit: np.ndarray, missed: np.ndarray, wrong: np.ndarray, left: np.ndarray) -> np.ndarray:
    """As `probabilities.balanced_accuracy`, of the weights of rows by truth and decision."""
    shares = [right / (right + other) for right, other in ((hit, missed), (left, wrong)) if (right + other)[0] > 0]
    return np.asarray(np.mean(shares, axis=0))


def _macro_f1(hit: np.ndarray, missed: np.ndarray, wrong: np.ndarray, left: np.ndarray) -> np.ndarray:
    """As `probabilities.macro_f1`: a class that is neither true nor named does not count."""
    either = np.stack([2 * hit + missed + wrong, 2 * left + missed + wrong])
    with np.errstate(invalid="ignore"):
        each = np.where(either > 0, np.stack([2 * hit, 2 * left]) / either, 0.0)
    return np.asarray(each.sum(axis=0) / (either > 0).sum(axis=0))


_MEASURES: Final = {"balanced-accuracy": _balanced_accuracy, "macro-f1": _macro_f1}
