"""The best objective over the course of the study."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.report.contents import Contents
from pipeline.report.figures.theme import (
    INK,
    MARKS,
    FigureKind,
    Limits,
    Picture,
    axis,
    drawable,
    failures_note,
    heading,
    limits,
    notes,
    points,
    stage_handles,
)
from pipeline.report.wording import score, usable
from pipeline.trial import Summary

WIDTH = 8.0  # inches


def best_so_far(contents: Contents) -> Iterator[Picture]:
    """One figure of the timeline; nothing if no configuration succeeded."""
    shown = drawable(contents.timeline)
    if not shown:
        return
    baseline = contents.result.baseline
    extra = [baseline.mean] if math.isfinite(baseline.mean) else []
    bounds = limits(shown, extra, contents.task)
    figure = Figure(figsize=(WIDTH, 4.6))
    axes = figure.add_subplot()
    numbered = [(place, each) for place, each in enumerate(contents.timeline, 1) if math.isfinite(each.mean)]
    points(axes, [place for place, _ in numbered], [each for _, each in numbered], bounds, bars=False, size=20)
    running = list(itertools.accumulate((each.mean if usable(each) else math.inf for each in contents.timeline), min))
    line = _running(axes, running, bounds)
    _border(axes, contents)
    level = _level(axes, baseline, bounds)
    axes.set_xlim(0.2, len(contents.timeline) + 0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("configurations, in the order of the study")
    axes.set_ylabel(axis(contents))
    bounds.apply(axes)
    heading(figure, _headline(contents, running), WIDTH, [*stage_handles(axes, shown), *line, *level])
    repeats = (
        "Each point is one training: the best so far may be a lucky one."
        if contents.repeats == 1
        else f"Each point is the mean of {contents.repeats} trainings."
    )
    where = "below" if contents.task.higher else "above"
    at = score(contents.task, baseline.mean)
    above = "" if level or not extra else f"The default network is {where} the figure, at {at}."
    lost = "" if extra else "Every training of the default network failed."
    notes(figure, [repeats, failures_note(contents.timeline), bounds.note, above, lost], WIDTH)
    yield "best_so_far.png", figure


def _running(axes: Axes, running: Sequence[float], bounds: Limits) -> list[object]:
    steps = [(float(place), bounds.shown(value)) for place, value in enumerate(running, 1) if math.isfinite(value)]
    if not steps:
        return []
    steps.append((len(running) + 0.8, steps[-1][1]))
    return list(
        axes.plot(
            [place for place, _ in steps],
            [value for _, value in steps],
            drawstyle="steps-post",
            color="#029e73",
            linewidth=2.0,
            zorder=3,
            label="best so far",
        )
    )


def _border(axes: Axes, contents: Contents) -> None:
    first = len(contents.result.explored)
    if not 0 < first < len(contents.timeline):
        return
    axes.axvline(first + 0.5, color=INK, linewidth=1.0, linestyle=(0, (2, 2)), zorder=2)
    for text, side, shift in (("stage 1", "right", -4), ("stage 2", "left", 4)):
        axes.annotate(
            text,
            xy=(first + 0.5, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(shift, 2),
            textcoords="offset points",
            ha=side,
            va="bottom",
            fontsize=8,
            fontweight="bold",
        )


def _level(axes: Axes, baseline: Summary, bounds: Limits) -> list[object]:
    if not math.isfinite(baseline.mean) or baseline.mean > bounds.high:
        return []
    label = f"{MARKS['baseline'].label}, {score(bounds.task, baseline.mean)}"
    return [axes.axhline(baseline.mean, color=INK, linewidth=1.2, linestyle="--", zorder=2, label=label)]


def _headline(contents: Contents, running: Sequence[float]) -> str:
    best, base = running[-1], contents.result.baseline.mean
    if not math.isfinite(best):
        return f"None of {len(running)} configurations finished all its trainings"
    at = running.index(best) + 1
    task = contents.task
    most = "highest" if task.higher else "lowest"
    text = f"Configuration {at} of {len(running)} has the {most} mean {task.objective}, {score(task, best)}"
    if not math.isfinite(base) or not base:
        return text
    change = 100 * (best / base - 1)
    if abs(change) < 0.05:
        return f"{text}, the same as the default network"
    if task.higher:
        return f"{text}, {'above' if change < 0 else 'below'} the default network"
    return f"{text}: {abs(change):.1f} % {'below' if change < 0 else 'above'} the default network"


FIGURE: Final = FigureKind("best_so_far", best_so_far)
