"""The configurations that are not significantly worse than the best one, which a user may choose as well.

All configurations are trained with the same seeds, so they are compared in pairs. A few seeds say little about the
deviation of one pair, so it is moderated by the deviations of the others (Smyth 2004, doi:10.2202/1544-6115.1027). The
p-values are corrected for the number of comparisons (Holm 1979, https://www.jstor.org/stable/4615733).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.ranking.order import POOLED, TRUSTED, with_models
from pipeline.ranking.statistics import holm, moderated
from pipeline.trial import Repeat, Summary

LEVEL: Final = 0.05  # probability that any configuration as good as the best is left out
BEST, AS_GOOD, SMALLEST, FASTEST = "best", "as good", "smallest", "fastest"

Objectives = Mapping[str, Mapping[int, float]]
"""Key of a configuration -> number of a seed -> objective."""


@dataclass(frozen=True, slots=True)
class Group:
    """The best configuration and those that are not significantly worse."""

    members: tuple[Summary, ...] = ()  # best first
    compared: int = 0  # configurations, including the best: those without failures and with two seeds in common

    @property
    def smallest(self) -> Summary | None:
        """The member with the fewest weights; None if no weights are known."""
        sized = [each for each in self.members if each.weights]
        return min(sized, key=lambda each: each.weights, default=None)

    @property
    def fastest(self) -> Summary | None:
        """The member with the shortest mean training time; None if no times are known."""
        timed = [each for each in self.members if each.seconds]
        return min(timed, key=lambda each: each.seconds, default=None)

    @property
    def marks(self) -> dict[str, str]:
        """The labels in the ledger, by key: `best` or `as good`, and `smallest` or `fastest`."""
        words = {each.key: [BEST if place == 0 else AS_GOOD] for place, each in enumerate(self.members)}
        for word, chosen in ((SMALLEST, self.smallest), (FASTEST, self.fastest)):
            if chosen is not None and len(self.members) > 1:
                words[chosen.key].append(word)
        return {key: ", ".join(each) for key, each in words.items()}


def objectives_of(repeats: Iterable[Repeat], epochs: int) -> Objectives:
    """The objectives of the trainings with that limit of epochs."""
    found: dict[str, dict[int, float]] = {}
    for repeat in repeats:
        if repeat.training.epochs == epochs and repeat.objective is not None:
            found.setdefault(repeat.training.configuration.key, {})[repeat.training.index] = repeat.objective
    return found


def group_of(ranking: Sequence[Summary], objectives: Objectives) -> Group:
    """The group of the best with models; empty if that was trained only once, or if every configuration failed.

    Imported results are left out, because they have no seeds to compare. The default network takes part if it is in the
    ranking.
    """
    sound = with_models(ranking)
    usable = [each for each in sound if len(objectives.get(each.key, ())) >= TRUSTED]
    if not usable or usable[0].key != sound[0].key:
        return Group()
    winner, *others = usable
    pairs = [(each, _differences(objectives[winner.key], objectives[each.key])) for each in others]
    pairs = [(each, values) for each, values in pairs if len(values) >= TRUSTED]
    rejected = holm(moderated([values for _, values in pairs], POOLED)) <= LEVEL
    members = [each for (each, _), apart in zip(pairs, rejected, strict=True) if not apart]
    return Group((winner, *members), 1 + len(pairs))


def _differences(ours: Mapping[int, float], theirs: Mapping[int, float]) -> np.ndarray:
    return np.array([theirs[index] - ours[index] for index in sorted(ours.keys() & theirs.keys())])
