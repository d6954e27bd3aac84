"""The objective against the number of hidden layers: every configuration with its neurons, and box plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from pipeline.ranking.order import ranks, with_models
from pipeline.report.contents import Contents
from pipeline.report.figures.theme import (
    GREY,
    INK,
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
    spread,
    stage_handles,
)
from pipeline.report.wording import count, layers, score, usable
from pipeline.tasks import Task
from pipeline.trial import Summary

LABELLED: Final = 12  # of the best ones, in addition to the elite
FONT: Final = 7.0  # points, of the labels
POINTS_WIDTH: Final = 0.75  # inches of a depth's column that its points take
JITTER: Final = 0.18  # inches
WIDEST: Final = 12.0  # inches, of the box plots
LETTERS: Final = 32  # of a label

Depth = int | None


def mae_by_depth(contents: Contents) -> Iterator[Picture]:
    """The scatter plot and the box plots; nothing if no configuration succeeded."""
    shown = drawable(contents.ranking)
    if shown:
        bounds = limits(shown, task=contents.task)
        name = contents.task.objective.lower().replace(" ", "_")
        yield f"{name}_by_depth_scatter.png", _scatter(contents, shown, bounds)
        yield f"{name}_by_depth_box.png", _boxes(contents, shown, bounds)


def _depths(contents: Contents, summaries: Sequence[Summary]) -> list[Depth]:
    found = {contents.naming.depth(each.configuration) for each in summaries}
    return [*sorted(each for each in found if each is not None), *([None] if None in found else [])]


def _groups(contents: Contents, shown: Sequence[Summary], depths: Sequence[Depth]) -> list[list[Summary]]:
    depth = contents.naming.depth
    return [[each for each in shown if depth(each.configuration) == one] for one in depths]


def _headline(contents: Contents, shown: Sequence[Summary]) -> str:
    best = next(iter(with_models(shown)), None)
    if best is None:
        return f"{len(shown)} configurations, none of them trained here without a failure"
    many = count(len(shown), "configuration")
    trainings = "one training each" if contents.repeats == 1 else f"means of {contents.repeats} trainings"
    who = (
        "is the default network," if best.stage == "baseline" else f"({contents.naming.title(best.configuration)}) has"
    )
    return f"{many}, {trainings}: the best {who} {contents.task.objective} {score(contents.task, best.mean)}"


# ------------------------------------------------------------------------------------------------------------- scatter


@dataclass(frozen=True, slots=True)
class _Columns:
    """The layout of the scatter plot, in inches: one column for each depth, points left, labels right of them."""

    depths: tuple[Depth, ...]
    centres: tuple[float, ...]  # of the points of each depth
    end: float  # of the last column
    places: Mapping[str, float]  # key -> position of its point


def _columns(contents: Contents, shown: Sequence[Summary], named: Mapping[str, str]) -> _Columns:
    depths = _depths(contents, shown)
    groups = _groups(contents, shown, depths)
    longest = [max((len(named[each.key]) for each in group if each.key in named), default=0) for group in groups]
    widths = [POINTS_WIDTH + (0.15 + letters * FONT * 0.66 / 72 if letters else 0) for letters in longest]
    spare = max(0.0, 5.6 - sum(widths)) / len(depths)
    ends = np.cumsum([width + spare for width in widths])
    centres = tuple(float(end - width - spare + POINTS_WIDTH / 2) for end, width in zip(ends, widths, strict=True))
    return _Columns(tuple(depths), centres, float(ends[-1]), _places(groups, centres, JITTER))


def _scatter(contents: Contents, shown: Sequence[Summary], bounds: Limits) -> Figure:
    elite = {each.key for each in contents.result.elite}
    named = _named(contents, shown, elite, bounds)
    columns = _columns(contents, shown, named)
    width = columns.end + 0.9
    figure = Figure(figsize=(width, 5.2))
    axes = figure.add_subplot()
    points(axes, [columns.places[each.key] for each in shown], shown, bounds, bars=True)
    handles = stage_handles(axes, shown)
    ringed = [each for each in shown if each.key in elite]
    if ringed:
        ring: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidths": 1.1}
        places = [columns.places[each.key] for each in ringed]
        axes.scatter(places, [bounds.shown(each.mean) for each in ringed], s=85, zorder=5, **ring)
        handles.append(axes.scatter([], [], s=60, label="elite, searched around in stage 2", **ring))
    _ticks(axes, columns.depths, columns.centres, _groups(contents, shown, columns.depths))
    axes.set_ylabel(axis(contents))
    axes.set_xlim(0, columns.end)
    bounds.apply(axes)
    heading(figure, _headline(contents, shown), width, handles, columns=max(2, int(width / 1.9)))
    notes(figure, [_about(contents, named), failures_note(contents.ranking), bounds.note], width)
    groups = [
        [(each, named[each.key]) for each in one if each.key in named]
        for one in _groups(contents, shown, columns.depths)
    ]
    _label(figure, axes, groups, bounds, columns)
    return figure


def _about(contents: Contents, named: Mapping[str, str]) -> str:
    spread_words = "Bars: one standard deviation over seeds."
    if contents.repeats == 1:
        spread_words = "One training each: the spread over seeds is unknown."
    best = f"of the best {min(LABELLED, len(named))} and of the elite" if len(named) > 1 else "of the best"
    return f"{spread_words} Labels: neurons per layer {best}." if named else spread_words


def _named(contents: Contents, shown: Sequence[Summary], elite: set[str], bounds: Limits) -> dict[str, str]:
    """Key -> label of the configurations that get one; the rank if the number of neurons is unknown."""
    visible = [each for each in shown if usable(each) and each.mean <= bounds.high]
    known = ranks(contents.ranking)
    return {
        each.key: _shortened(contents.naming.neurons(each.configuration))
        or (f"rank {known[each.key]}" if each.key in known else each.stage)
        for position, each in enumerate(visible)
        if position < LABELLED or each.key in elite
    }


def _shortened(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


def _places(groups: Sequence[Sequence[Summary]], centres: Sequence[float], jitter: float) -> dict[str, float]:
    return {
        each.key: centre + offset
        for group, centre in zip(groups, centres, strict=True)
        for each, offset in zip(group, spread(len(group), jitter), strict=True)
    }


def _ticks(axes: Axes, depths: Sequence[Depth], centres: Sequence[float], groups: Sequence[Sequence[Summary]]) -> None:
    counts = [len(group) for group in groups]
    names = ["all" if one is None and len(depths) == 1 else "not set" if one is None else str(one) for one in depths]
    axes.set_xticks(list(centres), [f"{name}\n(n = {many})" for name, many in zip(names, counts, strict=True)])
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("hidden layers")


def _label(
    figure: Figure, axes: Axes, groups: Sequence[list[tuple[Summary, str]]], bounds: Limits, columns: _Columns
) -> None:
    """Write the labels of each depth in one column beside its points, as close to their heights as possible."""
    figure.draw_without_rendering()  # the layout determines the height of the axes, and so how many labels fit
    figure.set_layout_engine("none")
    height = axes.get_window_extent().height / figure.dpi * 72
    gap = FONT * 1.35 / height
    arrow = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2.5, "relpos": (0, 0.5)}
    for centre, group in zip(columns.centres, groups, strict=True):
        group.sort(key=lambda pair: pair[0].mean)
        heights = _apart([bounds.unit(each.mean) for each, _ in group], gap)
        for (each, text), unit in zip(group, heights, strict=True):
            axes.annotate(
                text,
                xy=(columns.places[each.key], each.mean),
                xytext=(centre + JITTER + 0.22, bounds.at(unit)),
                fontsize=FONT,
                va="center",
                ha="left",
                zorder=6,
                arrowprops=arrow,
            )


def _apart(wanted: Sequence[float], gap: float) -> list[float]:
    """The heights in [0, 1] nearest to the sorted `wanted` ones that are at least `gap` apart."""
    if not wanted:
        return []
    steps = gap * np.arange(len(wanted))
    fitted = isotonic_regression(np.asarray(wanted) - steps).x
    return [float(each) for each in np.clip(fitted, gap / 2, max(gap / 2, 1 - gap / 2 - steps[-1])) + steps]


# ---------------------------------------------------------------------------------------------------------- box plots


def _boxes(contents: Contents, shown: Sequence[Summary], bounds: Limits) -> Figure:
    depths = _depths(contents, shown)
    width = min(max(6.5, 1.1 * len(depths) + 1.5), WIDEST)
    figure = Figure(figsize=(width, 4.6))
    axes = figure.add_subplot()
    groups = _groups(contents, shown, depths)
    look: dict[str, Any] = {"color": "#595959", "linewidth": 1.0}
    axes.boxplot(
        [[each.mean for each in group] for group in groups],
        positions=range(len(depths)),
        widths=0.55,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": "#dbe7f0", "edgecolor": "#595959", "linewidth": 1.0},
        medianprops={"color": INK, "linewidth": 1.8},
        whiskerprops=look,
        capprops=look,
        zorder=2,
        manage_ticks=False,
    )
    places = _places(groups, range(len(depths)), 0.17)
    points(axes, [places[each.key] for each in shown], shown, bounds, bars=False, size=18)
    _ticks(axes, depths, range(len(depths)), groups)
    axes.set_ylabel(axis(contents))
    axes.set_xlim(-0.6, len(depths) - 0.4)
    bounds.apply(axes)
    handles = stage_handles(axes, shown)
    name = contents.task.objective
    heading(figure, _medians(depths, groups, contents.task), width, handles)
    about = f"Boxes: quartiles and median of the configurations' mean {name}, whiskers at most 1.5 box heights."
    notes(figure, [about, failures_note(contents.ranking), bounds.note], width)
    return figure


def _medians(depths: Sequence[Depth], groups: Sequence[Sequence[Summary]], task: Task) -> str:
    name = task.objective
    middles = [float(np.median([each.mean for each in group])) for group in groups]
    if len(depths) == 1:
        return f"The median {name} of {layers(depths[0])} is {score(task, middles[0])}"
    best, most = int(np.argmin(middles)), "highest" if task.higher else "lowest"
    what = layers(depths[best]) if depths[best] is not None else "the configurations without the number set"
    first = f"{name[:1].upper()}{name[1:]} by number of hidden layers"
    return f"{first}: the median is {most} with {what}, {score(task, middles[best])}"


FIGURE: Final = FigureKind("by_depth", mae_by_depth)
