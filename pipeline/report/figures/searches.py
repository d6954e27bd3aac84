"""The searches of stage 2: the objective along each free dimension of the box around an elite configuration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.ranking.order import by_mean
from pipeline.ranking.statistics import OBJECTIVE
from pipeline.report.contents import Contents
from pipeline.report.figures.theme import (
    INK,
    STAR,
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
    spread,
)
from pipeline.report.wording import score, usable, written
from pipeline.space import Choice, Domain, Parameter, Real, flatten, inside
from pipeline.trial import Summary
from pipeline.tuning.stages import Search

COLUMNS: Final = 3
PANEL: Final = (2.7, 2.4)  # inches


@dataclass(frozen=True, slots=True)
class _View:
    """The points of one search: only configurations that have a mean."""

    search: Search
    free: tuple[Parameter, ...]
    found: tuple[tuple[int, Summary], ...]  # with the number of the evaluation, from 1
    warm: tuple[Summary, ...]  # known in the box otherwise
    optimum: Summary | None
    bounds: Limits


def searched_points(contents: Contents) -> Iterator[Picture]:
    """One figure for each search whose box has a free dimension."""
    for position, search in enumerate(contents.result.searches, 1):
        view = _view(contents, search)
        if view is not None:
            yield f"search_{position}.png", _picture(contents, position, view)


def _view(contents: Contents, search: Search) -> _View | None:
    free = tuple(parameter for parameter in search.box.parameters if parameter.domain.size != 1)
    own = {each.key for each in (*search.found, search.elite)}
    near = [each for each in contents.ranking if each.key not in own and inside(search.box, each.configuration)]
    warm = tuple(drawable(near))
    found = tuple((order, each) for order, each in enumerate(search.found, 1) if math.isfinite(each.mean))
    known = [search.elite, *(each for _, each in found), *warm]
    heights = drawable(known)
    if not free or not heights:
        return None
    optimum = next((each for each in by_mean(known) if usable(each)), None)
    return _View(search, free, found, warm, optimum, limits(heights, task=contents.task))


def _picture(contents: Contents, position: int, view: _View) -> Figure:
    columns = min(COLUMNS, len(view.free)) if len(view.free) != 4 else 2
    rows = math.ceil(len(view.free) / columns)
    width = max(6.5, PANEL[0] * columns + 1.2)
    figure = Figure(figsize=(width, PANEL[1] * rows + 1.7))
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    colours = _colours(len(view.search.found))
    for parameter, axes in zip(view.free, grid.flat, strict=False):
        _panel(axes, parameter, view, colours)
    for axes in grid.flat[len(view.free) :]:
        axes.set_visible(False)
    for column in range(columns):  # a column's last panel may stand above an empty place
        low = max(row for row in range(rows) if row * columns + column < len(view.free))
        grid[low, column].tick_params(labelbottom=True)
    view.bounds.apply(grid[0, 0])
    figure.supylabel(axis(contents), fontsize=9)
    heading(figure, _headline(contents, position, view), width, _handles(grid[0, 0], view, colours))
    if len(view.search.found) > 1:
        _colourbar(figure, grid, colours, len(view.search.found))
    shown = (*view.search.found, *view.warm)
    bars = "" if contents.repeats == 1 else "Bars: one standard deviation over seeds."
    notes(figure, [bars, failures_note(shown), view.bounds.note], width)
    return figure


def _colours(many: int) -> ListedColormap:
    # viridis without its light end, which is hard to see on white
    return ListedColormap(mpl.colormaps["viridis"](np.linspace(0, 0.88, max(many, 1))))


def _colourbar(figure: Figure, grid: Any, colours: ListedColormap, many: int) -> None:
    scale = mpl.colors.BoundaryNorm(np.arange(0.5, many + 1), many)
    bar = figure.colorbar(mpl.cm.ScalarMappable(scale, colours), ax=grid, aspect=30, pad=0.02)
    bar.set_ticks(list(range(1, many + 1, math.ceil(many / 12))))
    bar.ax.minorticks_off()
    bar.set_label("evaluation of the search")


def _panel(axes: Axes, parameter: Parameter, view: _View, colours: ListedColormap) -> None:
    elite, bounds = view.search.elite, view.bounds
    warm, start = _places(parameter, view.warm), _places(parameter, [elite])
    found = _places(parameter, [each for _, each in view.found])
    for each in view.warm:
        _point(axes, warm[each.key], each, bounds, {"color": "#a6a6a6", "s": 18})
    for order, each in view.found:
        colour = colours(order - 1)
        if each.std is not None and each.mean <= bounds.high:
            bar = np.transpose([OBJECTIVE.bar(each.mean, each.std)])
            axes.errorbar(found[each.key], each.mean, yerr=bar, fmt="none", ecolor=colour, elinewidth=0.8, alpha=0.5)
        _point(axes, found[each.key], each, bounds, {"color": colour, "s": 30})
    ring: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidths": 1.3}
    axes.scatter(start[elite.key], bounds.shown(elite.mean), s=60, marker="D", zorder=6, **ring)
    if view.optimum is not None:
        where = (warm | found | start)[view.optimum.key]
        star: dict[str, Any] = {"facecolor": STAR, "edgecolor": INK, "linewidths": 0.8}
        axes.scatter(where, bounds.shown(view.optimum.mean), s=130, marker="*", zorder=7, **star)
    _axis(axes, parameter)


def _point(axes: Axes, where: float, each: Summary, bounds: Limits, look: dict[str, Any]) -> None:
    marker = bounds.outside if each.mean > bounds.high else "o" if usable(each) else "x"
    edge: dict[str, Any] = {"linewidths": 1.2} if marker == "x" else {"edgecolor": "white", "linewidths": 0.5}
    axes.scatter([where], [bounds.shown(each.mean)], marker=marker, zorder=4, **edge, **look)


def _places(parameter: Parameter, summaries: Sequence[Summary]) -> dict[str, float]:
    """Key -> position of the configuration on the parameter's axis; choices by number, slightly spread."""
    values = {each.key: flatten(each.configuration)[parameter.name] for each in summaries}
    if isinstance(parameter.domain, Choice):
        options = parameter.domain.values
        return {
            key: options.index(value) + offset
            for (key, value), offset in zip(values.items(), spread(len(values), 0.12), strict=True)
        }
    return {key: float(value) for key, value in values.items()}


def _axis(axes: Axes, parameter: Parameter) -> None:
    domain: Domain = parameter.domain
    axes.set_xlabel(_dimension(parameter.name))
    if isinstance(domain, Choice):
        crowded = sum(len(written(each)) for each in domain.values) > 26
        axes.set_xticks(
            range(domain.size),
            [written(each) for each in domain.values],
            rotation=30 if crowded else 0,
            ha="right" if crowded else "center",
        )
        axes.set_xlim(-0.5, domain.size - 0.5)
        return
    if isinstance(domain, Real) and domain.log:
        axes.set_xscale("log")
        reach = (domain.high / domain.low) ** 0.06
        axes.set_xlim(domain.low / reach, domain.high * reach)
        _log_ticks(axes, domain)
        return
    margin = 0.06 * (domain.high - domain.low)
    axes.set_xlim(domain.low - margin, domain.high + margin)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=not isinstance(domain, Real)))


def _log_ticks(axes: Axes, domain: Real) -> None:
    """Label a log axis of less than two decades, on which matplotlib's own labels overlap."""
    if domain.high / domain.low > 100:
        plain_log_ticks(axes.xaxis, domain.low, domain.high)
        return
    ends = np.geomspace(domain.low, domain.high, 4)
    axes.set_xticks(ends, [f"{each:.1e}" if each < 1e-3 else f"{each:.2g}" for each in ends])
    axes.minorticks_off()


def _dimension(name: str) -> str:
    """`units[1]` as `units of hidden layer 2`: people count from 1."""
    base, bracket, rest = name.partition("[")
    return f"{base} of hidden layer {int(rest[:-1]) + 1}" if bracket and rest[:-1].isdigit() else name


def _handles(axes: Axes, view: _View, colours: ListedColormap) -> list[Any]:
    middle = colours(len(view.search.found) // 2)
    entries: list[dict[str, Any]] = []
    if view.found:
        entries.append({"marker": "o", "color": [middle], "label": "searched", "s": 30})
    if view.warm:
        entries.append({"marker": "o", "color": ["#a6a6a6"], "label": "known otherwise", "s": 20})
    entries.append({"marker": "D", "facecolor": "none", "edgecolor": INK, "label": "elite, the start", "s": 45})
    if view.optimum is not None:
        entries.append({"marker": "*", "facecolor": STAR, "edgecolor": INK, "label": "optimum", "s": 110})
    return [axes.scatter([], [], **entry) for entry in entries]


def _headline(contents: Contents, position: int, view: _View) -> str:
    name, title = contents.task.objective, contents.naming.title
    elite = view.search.elite
    tried = len(view.search.found)
    start = f"Search {position} around {title(elite.configuration)} ({name} {score(contents.task, elite.mean)})"
    if view.optimum is None:
        return f"{start}: every configuration has failed trainings"
    if view.optimum.key == elite.key:
        return f"{start}: none of {tried} searched configurations is better"
    where = "" if any(each.key == view.optimum.key for _, each in view.found) else ", known otherwise"
    optimum = f"{title(view.optimum.configuration)} ({name} {score(contents.task, view.optimum.mean)}{where})"
    return f"{start}: {tried} searched, the optimum is {optimum}"


FIGURE: Final = FigureKind("searches", searched_points, numbered=("search_*.png",))
