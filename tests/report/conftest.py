"""A study as it could have been, in numbers that nothing trained: what the pictures and the page are tested on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.analysis.importance import importance_of
from pipeline.analysis.verdict import Tested, Verdict
from pipeline.ranking.group import Group
from pipeline.ranking.order import by_mean, recommend
from pipeline.ranking.summaries import summarise
from pipeline.report.contents import Contents
from pipeline.space import Narrowing, Space, assemble, narrow, parse, sample
from pipeline.tasks.regression import Quantities
from pipeline.trial import Configuration, Repeat, Stage, Summary, Training
from pipeline.tuning.elite import best_of_each_depth
from pipeline.tuning.stages import Search
from pipeline.tuning.study import Result

DEFAULT = Configuration.of({"hidden_layers": 2, "units": (64, 64), "learning_rate": 0.001, "activation": "relu"})
SPACE = {
    "hidden_layers": {"type": "integer", "low": 1, "high": 4},
    "units": {"type": "integer", "low": 8, "high": 64, "per": "hidden_layers"},
    "learning_rate": {"type": "real", "low": 1e-4, "high": 1e-1, "scale": "log"},
    "activation": {"type": "choice", "values": ["relu", "tanh", "swish"]},
}


def answered(configuration: Configuration, stage: Stage, values: Sequence[float | None]) -> Summary:
    """The summary of repeats with these objectives, None for failed ones."""
    repeats = [
        Repeat(Training(configuration, 100, index), stage, index, value, {}, 50, 40, 1.5, weights=4321)
        for index, value in enumerate(values)
    ]
    return summarise(configuration, 100, repeats)


def measure(configuration: Configuration, stage: Stage, repeats: int, rng: np.random.Generator) -> Summary:
    """A made-up but smooth error: a good learning rate, more neurons and two or three layers help."""
    values: dict[str, Any] = dict(configuration.items)
    rate = math.log10(values.get("learning_rate", 0.001)) + 2.6
    units = values.get("units", (20,))
    units = units if isinstance(units, tuple) else (units,)
    width = np.mean([abs(each - 42) for each in units]) / 60 if units else 2.0
    worse = {"relu": 0.0, "tanh": 0.02, "swish": 0.01}.get(values.get("activation", "relu"), 0.0)
    mean = 0.25 + 0.06 * rate**2 + 0.12 * width**2 + 0.02 * abs(values.get("hidden_layers", 2) - 3) + worse
    return answered(configuration, stage, [float(mean * rng.lognormal(0, 0.05)) for _ in range(repeats)])


def predicted(summary: Summary, truth: np.ndarray, scale: np.ndarray, repeats: int, rng: np.random.Generator) -> Tested:
    """A configuration that misses the truth by about its validation error."""
    error = summary.mean * 1.25 if math.isfinite(summary.mean) else 1.0
    guesses = truth + scale * error * rng.normal(0, 1, (repeats, 1, 1)) * 0.1
    guesses = guesses + scale * error * rng.normal(0, 1, (repeats, *truth.shape))
    gaps = np.abs(guesses - truth)
    scores = {
        f"output {position}": {
            "mae": float(gaps[..., position].mean()),
            "rmse": float(np.sqrt((gaps[..., position] ** 2).mean())),
            "r2": 0.91,
            "percent": 7.3,
            "largest": float(gaps[..., position].max()),
        }
        for position in range(truth.shape[1])
    }
    return Tested(summary, guesses, tuple(float(each.mean()) for each in (gaps / scale)), scores)


def made_up(
    entries: dict[str, object] | None = None,
    *,
    many: int = 40,
    repeats: int = 3,
    outputs: int = 2,
    rows: int = 200,
    calls: int = 8,
    seed: int = 7,
    change: Callable[[list[Summary]], list[Summary]] = lambda explored: explored,
) -> Contents:
    rng = np.random.default_rng(seed)
    space: Space = parse(SPACE if entries is None else entries)
    drawn = {each.key: each for each in (sample(space, rng) for _ in range(many))}
    explored = change([measure(each, "explore", repeats, rng) for each in drawn.values()])
    baseline = measure(DEFAULT, "baseline", repeats, rng)
    elite = best_of_each_depth(explored, 3)
    searches = []
    for each in elite if calls else ():
        box = narrow(space, each.configuration, Narrowing(fraction=0.2, units=10))
        near: Iterator[dict[str, Any]] = (dict(sample(box, rng).items) for _ in range(calls))
        found = {one.key: one for one in (assemble(values, space) for values in near)}
        found.pop(each.key, None)
        searches.append(
            Search(
                each, box, tuple(measure(one, "refine", repeats, rng) for one in found.values() if one.key not in drawn)
            )
        )
    refined = [each for search in searches for each in search.found]
    ranking = by_mean({each.key: each for each in (*explored, *refined, baseline)}.values())
    scale = np.array([10.0 ** (position % 4) for position in range(outputs)])
    truth = rng.normal(3, 1, (rows, outputs)) * scale
    best = [predicted(each, truth, scale, repeats, rng) for each in ranking[:3] if math.isfinite(each.mean)]
    constant = {f"output {position}": {"mae": float(scale[position])} for position in range(outputs)}
    verdict = Verdict(
        tuple(constant),
        np.arange(rows) * 3,
        truth,
        0.8,
        constant,
        predicted(baseline, truth, scale, repeats, rng),
        tuple(best),
        Quantities(tuple(constant), tuple(float(each) for each in scale), (0.0,) * outputs),
        np.ones(rows),
    )
    return Contents(
        name="housing",
        result=Result(
            baseline, tuple(explored), elite, tuple(searches), recommend(ranking), "all rounds of proposals are done"
        ),
        ranking=ranking,
        verdict=verdict,
        timeline=(*explored, *refined),
        trainings=repeats * len(ranking),
        failed=sum(each.failures for each in ranking),
        seconds=812.3,
        elapsed=431.0,
        repeats=repeats,
        group=Group(ranking[: max(1, many // 5)], len(ranking)),
        importance=importance_of(space, ranking),
        load_command='from pipeline import load_top_models\nmodels = load_top_models("results/housing", 3)',
        folder="results/housing",
    )


@pytest.fixture(scope="session")
def study() -> Callable[..., Contents]:
    """Makes the contents of a study; see `made_up` for what can be asked of it."""
    return made_up


@pytest.fixture(scope="session")
def failing() -> Callable[[Summary, Sequence[float | None]], Summary]:
    """The same configuration with other objectives, None for failed repeats."""

    def other(summary: Summary, values: Sequence[float | None]) -> Summary:
        return replace(answered(summary.configuration, summary.stage, values), stage=summary.stage)

    return other
