"""The figures of a comparison, in the style of those of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipeline.analysis.importance import Importance, Part
from pipeline.compare.figures import Outcomes
from pipeline.compare.request import BASELINE
from pipeline.compare.studies import Outcome
from pipeline.ranking.statistics import OBJECTIVE, quantile
from pipeline.report.figures.theme import GREY, INK, heading, notes, save, styled
from pipeline.study_folder.comparison import IMPORTANCE, PROGRESS, SCORES

WIDTH = 10.0  # inches
SHOWN = 10  # rows of the importance, of each kind
POINTS = 400  # at which curves are drawn
STYLES = ("-", "--", "-.", ":")


def draw(outcomes: Outcomes, importance: Importance, folder: Path) -> tuple[Path, ...]:
    """Write every figure; equal arguments give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [(PROGRESS, progress), (SCORES, scores)]
    with styled():
        written = [save(make(outcomes), folder / name) for name, make in pictures]
        if importance.meaningful:
            written.append(save(parts(importance), folder / IMPORTANCE))
        else:
            (folder / IMPORTANCE).unlink(missing_ok=True)
    return tuple(written)


def progress(outcomes: Outcomes) -> Figure:
    """Draw the score of the recommended configuration against trainings and seconds, with bands over the seeds."""
    figure = Figure(figsize=(WIDTH, 5.0))
    left, right = figure.subplots(1, 2, sharey=True)
    searched = {method: each for method, each in outcomes.items() if method != BASELINE}
    colours = sns.color_palette("colorblind", len(searched))
    handles = []
    for place, (method, seeds) in enumerate(searched.items()):
        look = {"color": colours[place], "linestyle": STYLES[place % len(STYLES)], "label": method}
        handles.append(_curve(left, seeds, "trainings", look))
        _curve(right, seeds, "seconds", look)
    _limit(left, [np.asarray(each.get_ydata(), float) for each in handles if each is not None])
    for axes in (left, right):
        axes.axhline(1.0, color=INK, linewidth=1.0, linestyle=(0, (1, 2)))
    left.set_xlabel("cost in full trainings")
    right.set_xlabel("seconds of training")
    left.set_ylabel("validation score / default network's")
    text = "The score of the configuration that each method would recommend, against its cost"
    heading(figure, text, WIDTH, [each for each in handles if each is not None])
    sentence = (
        "Means over the seeds, from where every seed has a configuration that was trained in full at least twice;"
        " bands: 95 % intervals of the mean. Dotted: the default network with the same seed. Values far above those"
        " of the second half of each search are cut off."
    )
    notes(figure, [sentence], WIDTH)
    return figure


def _curve(axes: Axes, seeds: Sequence[Outcome], by: str, look: Mapping[str, Any]) -> Line2D | None:
    drawn = [each for each in seeds if each.steps and np.isfinite(each.steps[-1].score)]
    if not drawn:
        return None
    ends = [getattr(each.steps[-1], by) for each in drawn]
    grid = np.linspace(0.0, max(ends), POINTS)
    curves = np.array([_on(grid, each, by) for each in drawn])
    there = np.isfinite(curves).all(axis=0)
    if not there.any():
        return None
    mean = curves[:, there].mean(axis=0)
    (line,) = axes.plot(grid[there], mean, linewidth=1.6, **look)
    if len(drawn) > 1:
        half = quantile(len(drawn) - 1) * curves[:, there].std(axis=0, ddof=1) / np.sqrt(len(drawn))
        low = OBJECTIVE.lower(mean, mean - half)
        axes.fill_between(grid[there], low, mean + half, color=look["color"], alpha=0.10, linewidth=0)
    return line


def _limit(axes: Axes, curves: Sequence[np.ndarray]) -> None:
    """Show the second halves of the curves in detail; with their beginnings they would be too flat."""
    if curves:
        low = min(1.0, *(float(each.min()) for each in curves))
        high = max(1.0, *(float(each[len(each) // 2 :].max()) for each in curves))
        margin = 0.5 * (high - low) or 0.05
        axes.set_ylim(low - margin, high + margin)


def _on(grid: np.ndarray, outcome: Outcome, by: str) -> np.ndarray:
    """The relative score at each place; NaN before the first, and the last one beyond the end."""
    places = np.array([getattr(step, by) for step in outcome.steps])
    values = np.array([np.nan, *(step.score / outcome.default_validation for step in outcome.steps)])
    return np.asarray(values[np.searchsorted(places, grid, side="right")])


def scores(outcomes: Outcomes) -> Figure:
    """Draw the test score of every method and seed, relative to the default network's."""
    figure = Figure(figsize=(WIDTH, 0.42 * len(outcomes) + 1.6))
    axes = figure.add_subplot()
    shown = [(method, seeds) for method, seeds in outcomes.items() if method != BASELINE]
    for place, (_, seeds) in enumerate(shown):
        values = np.array([each.test / each.default_test for each in seeds])
        finite = values[np.isfinite(values)]
        axes.scatter(finite, np.full(len(finite), place), s=18, color=GREY, alpha=0.8, zorder=3)
        if len(finite) > 1:
            half = quantile(len(finite) - 1) * finite.std(ddof=1) / np.sqrt(len(finite))
            mean = float(finite.mean())
            bar = np.transpose([OBJECTIVE.bar(mean, half)])
            axes.errorbar(mean, place, xerr=bar, fmt="D", color="#0173b2", markersize=5, capsize=3, zorder=4)
    axes.set_yticks(range(len(shown)), [method for method, _ in shown])
    axes.invert_yaxis()
    axes.axvline(1.0, color=INK, linewidth=1.0, linestyle=(0, (1, 2)))
    axes.set_xlabel("test score / default network's (lower is better)")
    heading(figure, "The test score of the configuration that each method recommends", WIDTH)
    notes(figure, ["Points: one seed each. Diamonds: their mean with its 95 % interval."], WIDTH)
    return figure


def parts(importance: Importance) -> Figure:
    """Draw the parts of the variance due to hyperparameters and pairs, with the deviation over trees."""
    figure = Figure(figsize=(WIDTH, 4.2))
    left, right = figure.subplots(1, 2)
    _bars(left, importance.of(1)[:SHOWN], "#0173b2")
    _bars(right, importance.of(2)[:SHOWN], "#de8f05")
    left.set_xlabel("part of the variance, alone (%)")
    right.set_xlabel("part of the variance, beyond both alone (%)")
    heading(figure, "Which hyperparameters decide the score over the whole space", WIDTH)
    text = (
        f"Functional ANOVA of a random forest fitted to {importance.configurations} configurations; whiskers: one"
        f" deviation over its trees. Out-of-bag R2: {importance.explained:.2f}."
    )
    notes(figure, [text], WIDTH)
    return figure


def _bars(axes: Axes, found: Sequence[Part], colour: str) -> None:
    places = range(len(found))
    means, deviations = (np.array([100 * getattr(each, name) for each in found]) for name in ("mean", "deviation"))
    below = np.minimum(means, deviations)  # a part is never negative
    axes.barh(places, means, xerr=np.stack([below, deviations]), color=colour, ecolor=INK, capsize=2, alpha=0.85)
    axes.set_yticks(places, [" x ".join(each.names) for each in found])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
