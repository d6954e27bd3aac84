"""Regret, optimism and coverage with bootstrap intervals over seeds: as a flat object, as tables, as a figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.table import Table

from scripts.replay.contestants import Run

RESAMPLES: Final = 2000
TO_REACH: Final = {
    "pipeline_vs_random_100": 0.5,
    **{f"pipeline_vs_tpe_{budget}": 0.85 for budget in (50, 100, 200)},
    **{f"pipeline_vs_{peer}_{budget}": 0.9 for peer in ("gp_sampler", "gp_minimize") for budget in (50, 100)},
}
OWN: Final = ("pipeline", "pipeline_single")  # that are compared with the others
COVERED: Final = 0.9  # of the runs have the true mean in the interval of the reported score
WORDS: Final = {
    "pipeline": "this pipeline", "pipeline_2": "repeats = 2", "pipeline_4": "repeats = 4",
    "pipeline_single": "one at a time", "pipeline_batches": "repeats = 2, three at once",
    "random": "random search", "tpe": "Optuna TPE", "gp_sampler": "Optuna GPSampler", "gp_minimize": "gp_minimize",
    "smac": "SMAC3",
}  # fmt: skip
COLOURS: Final = {
    "pipeline": "#0b6e4f", "pipeline_2": "#3f9d7a", "pipeline_4": "#a8d5c2",
    "pipeline_single": "#004d40", "pipeline_batches": "#6cc3a0",
    "random": "#8a8a8a", "tpe": "#c1440e", "gp_sampler": "#d99b2b", "gp_minimize": "#7a6c9d", "smac": "#3b6ea5",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """An estimate and its 95 % bootstrap interval over seeds."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """The estimate, followed by the interval."""
        return f"{self.value:.3g} ({self.low:.3g}-{self.high:.3g})"


def figures(runs: Sequence[Run]) -> dict[str, Figure]:
    """Every figure by name; paired ones only over the tables and seeds of both contestants."""
    found: dict[str, Figure] = {}
    methods = list(dict.fromkeys(run.method for run in runs))
    for budget in sorted({run.budget for run in runs}):
        here = {method: [run for run in runs if run.method == method and run.budget == budget] for method in methods}
        for method, each in here.items():
            if not each:
                continue
            end = f"{method}_{{}}_{budget}"
            found[end.format("regret")] = _mean(_grid(each, "regret"))
            found[end.format("optimism")] = _mean(_grid(each, "optimism"))
            found[end.format("seconds")] = _mean(_grid(each, "seconds"))
            if all(run.covered is not None for run in each):
                found[end.format("coverage")] = _mean(_grid(each, "covered"))
            for table in sorted({run.table for run in each}):
                only = [run for run in each if run.table == table]
                found[f"{method}_regret_{budget}_{table}"] = _mean(_grid(only, "regret"))
            if method.startswith("pipeline"):
                found |= _against(method, each, here, budget)
    return found


def _against(method: str, own: Sequence[Run], here: Mapping[str, Sequence[Run]], budget: int) -> dict[str, Figure]:
    found = {}
    for peer, theirs in here.items():
        if peer.startswith("pipeline") or not theirs:
            continue
        both = {(run.table, run.seed) for run in own} & {(run.table, run.seed) for run in theirs}
        if not both:
            continue
        mine, other = (
            _grid([run for run in each if (run.table, run.seed) in both], "regret") for each in (own, theirs)
        )
        found[f"{method}_vs_{peer}_{budget}"] = _ratio(mine, other)
        found[f"{method}_minus_{peer}_{budget}"] = _mean(mine - other)
    return found


def _grid(runs: Sequence[Run], field: str) -> np.ndarray:
    """(seeds, tables), NaN where a run is missing."""
    seeds, names = sorted({run.seed for run in runs}), sorted({run.table for run in runs})
    values = np.full((len(seeds), len(names)), np.nan)
    for run in runs:
        values[seeds.index(run.seed), names.index(run.table)] = float(getattr(run, field))
    return values


def _resampled(seeds: int) -> np.ndarray:
    return np.random.default_rng(0).integers(seeds, size=(RESAMPLES, seeds))


def _score(values: np.ndarray) -> np.ndarray:
    """Mean over seeds of each table, then over tables; the last two axes are seeds and tables."""
    return np.asarray(np.nanmean(np.nanmean(values, axis=-2), axis=-1))


def _mean(values: np.ndarray) -> Figure:
    return _figure(float(_score(values)), _score(values[_resampled(len(values))]))


def _ratio(mine: np.ndarray, other: np.ndarray) -> Figure:
    rows = _resampled(len(mine))
    return _figure(float(_score(mine) / _score(other)), _score(mine[rows]) / _score(other[rows]))


def _figure(value: float, resamples: np.ndarray) -> Figure:
    low, high = np.nanquantile(resamples, [0.025, 0.975])
    return Figure(value, float(low), float(high))


def flat(given: Mapping[str, Figure]) -> dict[str, float]:
    """Each figure under its name, its interval under NAME_low and NAME_high."""
    numbers: dict[str, float] = {}
    for name, each in given.items():
        numbers |= {name: each.value, f"{name}_low": each.low, f"{name}_high": each.high}
    return numbers


def tables(given: Mapping[str, Figure], methods: Sequence[str], budgets: Sequence[int]) -> Iterator[Table]:
    """Regret by budget, optimism of the reported score, and the goals."""
    for field, title in (
        ("regret", "Regret of the recommended configuration, 1 = the median one's"),
        ("optimism", "Optimism: reported score better than the true mean by"),
        ("coverage", "Share of runs whose interval contains the true mean"),
        ("seconds", "Seconds of a replay on one core"),
    ):
        table = Table("search", *(f"{budget} trainings" for budget in budgets), title=title)
        for method in methods:
            names = [f"{method}_{field}_{budget}" for budget in budgets]
            if any(name in given for name in names):
                table.add_row(WORDS[method], *(str(given[name]) if name in given else "" for name in names))
        yield table
    table = Table("figure", "value (95 % interval)", "to reach", title="Against the others")
    for name, each in given.items():
        method, versus, rest = name.partition("_vs_")
        if versus and method in OWN:
            aim = TO_REACH.get(f"pipeline_vs_{rest}")
            table.add_row(name, str(each), "" if aim is None else f"{aim:g}: {_met(each.value <= aim)}")
        elif name.startswith("pipeline_coverage_"):
            table.add_row(name, str(each), f"{COVERED:g}: {_met(each.value >= COVERED)}")
    yield table


def _met(reached: bool) -> str:
    return "reached" if reached else "missed"


def draw(given: Mapping[str, Figure], methods: Sequence[str], budgets: Sequence[int], file: Path) -> Path:
    """Regret against trainings, with bands."""
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(7.5, 5), layout="constrained")
    axes = canvas.subplots()
    for method in methods:
        points = [(each, given[f"{method}_regret_{each}"]) for each in budgets if f"{method}_regret_{each}" in given]
        if not points:
            continue
        trainings, line = [each for each, _ in points], [each for _, each in points]
        wide = 2.5 if method == "pipeline" else 1.3
        style = "--" if method.startswith("pipeline_") else "-"
        axes.plot(trainings, [each.value for each in line], style, marker="o", markersize=4, linewidth=wide,
                  color=COLOURS[method], label=WORDS[method])  # fmt: skip
        axes.fill_between(trainings, [each.low for each in line], [each.high for each in line],
                          color=COLOURS[method], alpha=0.12, linewidth=0)  # fmt: skip
    axes.set(xlabel="trainings", ylabel="regret of the recommended configuration (median configuration = 1)")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(list(budgets), [str(budget) for budget in budgets])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small", ncols=2)
    axes.set_title("Mean over tables; bands: 95 % bootstrap over seeds", fontsize="medium")
    canvas.savefig(file, dpi=150)
    return file
