"""Outcomes of searches that nobody ran, for the tests of what follows from them."""

from __future__ import annotations

import math

from pipeline.analysis.importance import Importance
from pipeline.compare import figures
from pipeline.compare.studies import Outcome, Step

EPOCHS = 10
UNKNOWN = Importance(4, lacking="configurations")


def outcome(method: str, seed: int, *scores: float, test: float = 0.5) -> Outcome:
    """A search whose recommendation scores these, a training and two seconds each."""
    steps = tuple(Step(place, 2.0 * place, score) for place, score in enumerate(scores, 1))
    return Outcome(
        method=method, seed=seed, steps=steps, configurations=3, screened=0, borrowed=1, trained=4,
        validation=scores[-1], test=test, default_validation=0.8, default_test=1.0,
        measured=(('{"learning_rate":0.5}', 0.4), ('{"learning_rate":0.25}', 0.8)),
    )  # fmt: skip


OUTCOMES = {
    "random": [outcome("random", seed, math.nan, 0.9, 0.6, test=0.60 + 0.01 * seed) for seed in range(3)],
    "gp": [outcome("gp", seed, 0.7, 0.5, 0.5, test=0.50 + 0.01 * seed) for seed in range(3)],
    "grid": [outcome("grid", seed, 0.5, 0.7, 0.7, test=0.61 + 0.02 * seed) for seed in range(3)],
}


def comparison() -> figures.Comparison:
    lines, pairs = figures.lines_of(OUTCOMES, None), figures.pairs_of(OUTCOMES)
    return figures.Comparison(
        lines, pairs, UNKNOWN, (0, 1, 2), "error", EPOCHS, "20 trainings", "what random ends with"
    )
