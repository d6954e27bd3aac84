"""The scores of the configurations against their costs, and the Pareto fronts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipeline.ranking.front import COSTS, WEIGHTS, front_of
from pipeline.report.contents import Contents
from pipeline.report.figures.theme import (
    FigureKind,
    Limits,
    Picture,
    axis,
    drawable,
    failures_note,
    heading,
    limits,
    notes,
    plain_log_ticks,
    points,
    stage_handles,
)
from pipeline.report.wording import count, score, usable
from pipeline.trial import Summary

WIDTH: Final = 10.0  # inches
ROOM: Final = 1.25  # between the outermost points and the edges, as a factor
COLOUR: Final = "#029e73"
_AXES: Final = {"weights": "weights of the network", "seconds": "seconds of a training, mean"}


def front(contents: Contents) -> Iterator[Picture]:
    """One figure with a panel for each cost; nothing unless two configurations have a known cost."""
    shown = {
        cost: [each for each in drawable(contents.ranking) if value(each) and each.stage != "imported"]
        for cost, value in COSTS.items()
    }
    shown = {cost: each for cost, each in shown.items() if len(each) > 1}
    if not shown:
        return
    bounds = limits(next(iter(shown.values())), task=contents.task)
    figure = Figure(figsize=(WIDTH, 4.4))
    panels = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    for axes, (cost, summaries) in zip(panels, shown.items(), strict=True):
        _panel(axes, contents, cost, summaries, bounds)
    panels[0].set_ylabel(axis(contents))
    line = Line2D([], [], color=COLOUR, linewidth=1.4, label="front: no better one is cheaper")
    heading(figure, _headline(contents), WIDTH, [*stage_handles(panels[0], next(iter(shown.values()))), line])
    once = "Configurations that were trained once are not on a front if others were trained more often."
    trained = {each.repeats for each in contents.ranking if usable(each)}
    notes(figure, [once if {1} < trained else "", failures_note(contents.ranking), bounds.note], WIDTH)
    yield "front.png", figure


def _panel(axes: Axes, contents: Contents, cost: str, summaries: list[Summary], bounds: Limits) -> None:
    value = COSTS[cost]
    points(axes, [value(each) for each in summaries], summaries, bounds, bars=True)
    best = front_of(contents.ranking, cost)
    # Between two members of a front nothing is known: the steps show the best known score at that cost.
    steps = [(value(each), bounds.shown(each.mean)) for each in reversed(best)]
    steps.append((max(value(each) for each in summaries), steps[-1][1]))
    costs, heights = [place for place, _ in steps], [height for _, height in steps]
    axes.plot(costs, heights, drawstyle="steps-post", color=COLOUR, linewidth=1.4, zorder=2)
    axes.scatter(costs[:-1], heights[:-1], s=90, facecolor="none", edgecolor=COLOUR, linewidths=1.4, zorder=5)
    low, high = min(value(each) for each in summaries) / ROOM, max(value(each) for each in summaries) * ROOM
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    plain_log_ticks(axes.xaxis, low, high)
    axes.set_xlabel(_AXES[cost])
    bounds.apply(axes)


def _headline(contents: Contents) -> str:
    best = front_of(contents.ranking, WEIGHTS)
    if len(best) < 2:
        return "No configuration is smaller than the best one"
    first, last, task = best[0], best[-1], contents.task
    return (
        f"{count(len(best), 'configuration')} on the front of {contents.task.objective} and weights: from"
        f" {score(task, first.mean)} with {first.weights:,} weights to {score(task, last.mean)} with {last.weights:,}"
    )


FIGURE: Final = FigureKind("front", front)
