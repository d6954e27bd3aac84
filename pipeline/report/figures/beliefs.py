"""A search in one dimension, evaluation by evaluation: the data, the posterior, and the next point.

Drawn from the second evaluation on, one figure each, and all of them on one sheet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.ranking.statistics import OBJECTIVE
from pipeline.report.contents import Contents
from pipeline.report.figures.theme import (
    INK,
    FigureKind,
    Picture,
    as_people_know,
    axis,
    heading,
    notes,
    plain_log_ticks,
)
from pipeline.report.wording import score
from pipeline.tasks import Task
from pipeline.tuning.surrogate.posterior_curve import PosteriorCurve

WIDTH: Final = 7.0  # inches
COLUMNS: Final = 4  # of the sheet
PANEL: Final = (3.0, 2.3)  # inches
NORMAL: Final = 1.959964  # deviations of the 95 % band

MEAN, BAND, SEEN, NEXT, PROMISE = "#0173b2", "#cfe2f0", INK, "#d55e00", "#029e73"


def beliefs(contents: Contents) -> Iterator[Picture]:
    """One figure for each evaluation from the second on, and the sheet; nothing for searches in several dimensions."""
    found = contents.result.curves
    if not found:
        return
    limits = _limits(found)
    for each in found:
        yield f"belief_{len(each.seen):02d}.png", _picture(each, limits, contents)
    yield "beliefs.png", _sheet(found, limits, contents)


def _limits(found: Sequence[PosteriorCurve]) -> tuple[float, float]:
    """Limits that show all data and half of its range below; bands may extend further, where they say little."""
    seen = [value for _, value in found[-1].seen]
    reach = (max(seen) - min(seen)) or abs(max(seen)) or 1.0
    return min(seen) - 0.5 * reach, max(seen) + 0.25 * reach


def _picture(belief: PosteriorCurve, limits: tuple[float, float], contents: Contents) -> Figure:
    figure = Figure(figsize=(WIDTH, 5.2))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.3))
    handles = _surrogate(upper, belief, limits)
    handles += _promise(lower, belief)
    upper.set_ylabel(axis(contents))
    as_people_know(upper, contents.task)
    lower.set_ylabel(belief.function.replace(", ", ",\n").replace(" of ", " of\n").replace(" imp", "\nimp"))
    lower.set_xlabel(belief.name)
    heading(figure, _headline(belief, contents.task), WIDTH, handles, columns=3)
    drawn = (
        "The most promising point was evaluated before, so the next one was drawn at random." if _off(belief) else ""
    )
    notes(figure, ["The band is that of the mean, without the noise of a single training.", drawn], WIDTH)
    return figure


def _surrogate(axes: Axes, belief: PosteriorCurve, limits: tuple[float, float]) -> list[Any]:
    reach = NORMAL * belief.deviation
    low = OBJECTIVE.lower(belief.mean, belief.mean - reach)
    band = axes.fill_between(belief.values, low, belief.mean + reach, color=BAND, linewidth=0, label="95 % band")
    (mean,) = axes.plot(belief.values, belief.mean, color=MEAN, linewidth=1.8, label="posterior mean")
    rates, values = zip(*belief.seen, strict=True)
    seen = axes.scatter(rates, values, s=26, color=SEEN, zorder=4, clip_on=False, label="evaluated")
    axes.scatter(rates[-1:], values[-1:], s=80, facecolor="none", edgecolor=SEEN, zorder=4, clip_on=False)
    axes.set_ylim(*limits)
    _axis(axes, belief)
    return [seen, mean, band, *_next(axes, belief)]


def _promise(axes: Axes, belief: PosteriorCurve) -> list[Any]:
    (line,) = axes.plot(belief.values, belief.acquisition, color=PROMISE, linewidth=1.6, label=belief.function)
    low = float(np.min(belief.acquisition))
    axes.fill_between(belief.values, low, belief.acquisition, color=PROMISE, alpha=0.15, linewidth=0)
    axes.tick_params(axis="y", labelsize=7)
    _axis(axes, belief)
    _next(axes, belief)
    return [line]


def _next(axes: Axes, belief: PosteriorCurve) -> list[Any]:
    if belief.proposed is None:
        return []
    style: dict[str, Any] = {"color": NEXT, "linewidth": 1.2, "linestyle": "--"}
    return [axes.axvline(belief.proposed, label="evaluated next", **style)]


def _axis(axes: Axes, belief: PosteriorCurve) -> None:
    low, high = float(belief.values[0]), float(belief.values[-1])
    if belief.log:
        axes.set_xscale("log")
        plain_log_ticks(axes.xaxis, low, high)
    axes.set_xlim(low, high)


def _best(belief: PosteriorCurve) -> tuple[float, float]:
    return min(belief.seen, key=lambda pair: pair[1])


def _off(belief: PosteriorCurve) -> bool:
    """True if the next evaluation is not at the maximum of the acquisition function."""
    if belief.proposed is None:
        return False
    promise = belief.acquisition
    near = int(
        np.argmin(np.abs(np.log(belief.values / belief.proposed) if belief.log else belief.values - belief.proposed))
    )
    return bool(promise[near] - promise.min() < 0.5 * (promise.max() - promise.min()))


def _headline(belief: PosteriorCurve, task: Task) -> str:
    place, value = _best(belief)
    most = "highest" if task.higher else "lowest"
    text = f"After {len(belief.seen)} evaluations the {most} is {score(task, value)}, at {belief.name} {place:.3g}"
    return text if belief.proposed is None else f"{text}; next is {belief.proposed:.3g}"


def _sheet(found: Sequence[PosteriorCurve], limits: tuple[float, float], contents: Contents) -> Figure:
    columns = min(COLUMNS, len(found))
    rows = math.ceil(len(found) / columns)
    width = max(WIDTH, PANEL[0] * columns)
    figure = Figure(figsize=(width, PANEL[1] * rows + 1.0))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    handles: list[Any] = []
    for axes, belief in zip(grid, found, strict=False):
        drawn = _surrogate(axes, belief, limits)
        handles = max(handles, [*drawn, *_scaled_promise(axes, belief, limits)], key=len)
        axes.set_title(f"{len(belief.seen)} evaluations", fontsize=8.5)
        axes.tick_params(labelsize=7)
    for axes in grid[len(found) :]:
        axes.set_axis_off()
    figure.supxlabel(found[0].name, fontsize=9)
    as_people_know(grid[0], contents.task)  # the axes share theirs
    figure.supylabel(axis(contents), fontsize=9)
    heading(figure, _headline(found[-1], contents.task), width, handles, columns=5)
    return figure


def _scaled_promise(axes: Axes, belief: PosteriorCurve, limits: tuple[float, float]) -> list[Any]:
    """Draw the acquisition function in the lowest fifth of a panel, on its own scale."""
    low, high = float(np.min(belief.acquisition)), float(np.max(belief.acquisition))
    height = 0.2 * (limits[1] - limits[0])
    shape = (belief.acquisition - low) / ((high - low) or 1.0) * height + limits[0]
    label = f"{belief.function} (own scale)"
    return [axes.fill_between(belief.values, limits[0], shape, color=PROMISE, alpha=0.45, linewidth=0, label=label)]


FIGURE: Final = FigureKind("beliefs", beliefs, numbered=("belief*.png",))
