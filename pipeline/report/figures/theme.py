"""The style of all figures: colour-blind safe colours, marks of the stages, limits, notes, saving."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from pipeline.ranking.statistics import OBJECTIVE
from pipeline.report.contents import Contents
from pipeline.report.wording import count, usable
from pipeline.storage import atomic
from pipeline.tasks import FIRST, Task
from pipeline.trial import Stage, Summary

DPI: Final = 200
INK: Final = "#333333"
GREY: Final = "#8c8c8c"
STAR: Final = "#ece133"
FAR: Final = 3.0  # interquartile ranges above the upper quartile, beyond which Tukey calls a value far out
LOG: Final = 8.0  # limits further apart than this factor are drawn on a log axis


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of the configurations of a stage."""

    label: str
    colour: str
    marker: str


MARKS: Final[dict[Stage, Mark]] = {
    "explore": Mark("stage 1, explored", "#0173b2", "o"),
    "refine": Mark("stage 2, refined", "#de8f05", "s"),
    "imported": Mark("imported from a workbook", "#cc78bc", "v"),
    "baseline": Mark("default network", "#333333", "D"),
}

Picture = tuple[str, Figure]  # its file name and the figure
Family = Callable[[Contents], Iterator[Picture]]


@dataclass(frozen=True, slots=True)
class FigureKind:
    """A kind of figure. A module of this folder that has one as `FIGURE` is drawn in every report."""

    name: str
    draw: Family  # empty if the contents have nothing to show in it
    tasks: tuple[str, ...] = ()  # the only ones that it is for, besides those that list it among their figures
    numbered: tuple[str, ...] = ()  # patterns of file names: other matching files are of an earlier run, and removed

    def fits(self, contents: Contents) -> bool:
        """True if it is for the task of these contents."""
        return not self.tasks or contents.task.name in self.tasks or self.name in contents.task.pictures


@contextmanager
def styled() -> Iterator[None]:
    """A context in which figures have the theme; matplotlib's settings are restored afterwards."""
    own: dict[Any, Any] = {
        "axes.edgecolor": GREY,
        "axes.labelcolor": INK,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10.5,
        "axes.titleweight": "bold",
        "figure.constrained_layout.use": True,
        "font.family": ["DejaVu Sans"],  # comes with matplotlib: equal figures on all machines
        "grid.color": "#e6e6e6",
        "legend.frameon": False,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "text.parse_math": False,  # a column may be named $x$
        "axes.unicode_minus": True,
    }
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**sns.axes_style("whitegrid"), **sns.plotting_context("paper", font_scale=1.05), **own})
        yield


def save(figure: Figure, path: Path) -> Path:
    """Write the figure as PNG in one step, without the time, the program's name or other varying metadata."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    atomic.replace(path, buffer.getvalue())
    return path


def heading(figure: Figure, text: str, width: float, handles: Sequence[Any] = (), columns: int = 4) -> None:
    """Put the sentence that states the result at the top, broken to a figure `width` inches wide.

    It becomes the title of the legend, because matplotlib's layout has no other way to keep the two apart.
    """
    legend = figure.legend(
        handles=list(handles),
        loc="outside upper left",
        ncols=max(1, min(len(handles), columns)),
        title=textwrap.fill(text, int(width * 11)),
        title_fontproperties={"weight": "bold", "size": 10.5},
        alignment="left",
        borderaxespad=0.4,
        columnspacing=1.4,
        handletextpad=0.4,
    )
    legend.get_title().set_multialignment("left")


def notes(figure: Figure, texts: Sequence[str], width: float) -> None:
    """Put explanatory sentences at the bottom, if there are any."""
    lines = [textwrap.fill(text, int(width * 17)) for text in texts if text]
    if lines:
        figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7.5, color="#595959")


def drawable(summaries: Sequence[Summary]) -> list[Summary]:
    """The summaries that have a mean."""
    return [summary for summary in summaries if math.isfinite(summary.mean)]


def failures_note(summaries: Sequence[Summary]) -> str:
    """Say how many configurations are missing from the figure, and what a cross means if there is one."""
    missing = len(summaries) - len(drawable(summaries))
    partly = any(not usable(summary) for summary in drawable(summaries))
    texts = []
    if missing:
        texts.append(f"Not shown, because every training failed: {count(missing, 'configuration')}.")
    if partly:
        texts.append("Crosses: some trainings failed, so the configuration is never ranked as the best.")
    return " ".join(texts)


def axis(contents: Contents) -> str:
    """The title of the objective's axis."""
    return f"{contents.task.about} (validation)"


# ------------------------------------------------------------------------------------------------------------- limits


@dataclass(frozen=True, slots=True)
class Limits:
    """The part of the objective's axis that is shown; values above it are drawn at its upper edge, with a note."""

    low: float
    high: float
    log: bool
    clipped: int
    worst: float
    task: Task = FIRST  # whose objective it is; the best are at the bottom, or at the top where higher is better

    def shown(self, value: float) -> float:
        """The height at which a value is drawn."""
        return min(value, self.edge)

    @property
    def edge(self) -> float:
        """The height at which values above the limits are drawn: slightly below the upper end."""
        return self.at(0.985)

    def at(self, unit: float) -> float:
        """The value at a part of the axis' length, 0 at the bottom."""
        if self.log:
            return float(self.low * (self.high / self.low) ** unit)
        return self.low + unit * (self.high - self.low)

    def unit(self, value: float) -> float:
        """The position of a value as a fraction of the axis' length."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def apply(self, axes: Axes) -> None:
        """Set the axis of the objective to these limits."""
        if self.log:
            axes.set_yscale("log")
            plain_log_ticks(axes.yaxis, self.low, self.high)
        axes.set_ylim(self.low, self.high)
        as_people_know(axes, self.task)

    @property
    def note(self) -> str:
        """The note about clipped values; empty if there are none."""
        if not self.clipped:
            return ""
        which, high, worst = count(self.clipped, "value"), self.task.shown(self.high), self.task.shown(self.worst)
        if self.task.higher:
            return f"Triangles at the lower edge: {which} below {high:.3g} (the smallest is {worst:.3g})."
        return f"Triangles at the upper edge: {which} above {high:.3g} (the largest is {worst:.3g})."

    @property
    def outside(self) -> str:
        """The marker of a value that is drawn at the edge because it lies beyond."""
        return "v" if self.task.higher else "^"


def as_people_know(axes: Axes, task: Task) -> None:
    """Turn the axis of the objective round, with its tick labels, where it is kept the other way round."""
    if task.higher:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{task.shown(value):.6g}"))
        axes.invert_yaxis()


def limits(summaries: Sequence[Summary], extra: Sequence[float] = (), task: Task = FIRST) -> Limits:
    """Limits that show the best values in detail: far outliers are clipped, several orders of magnitude get a log axis.

    The means of the summaries, at least one, and the extra values are finite. Deviations are shown up to a quarter of
    the range.
    """
    ordered = np.sort(np.asarray([*(each.mean for each in summaries), *extra], dtype=float))
    first, third = np.quantile(ordered, [0.25, 0.75])
    fence = third + FAR * (third - first) if third > first else 2 * third
    top, bottom = float(ordered[-1]), float(ordered[0])
    if top > third + 2 * (fence - third):
        top = float(ordered[ordered <= fence][-1])
    clipped = int(np.sum(ordered > top))
    if bottom > 0 and top / bottom > LOG:
        reach = (top / bottom) ** 0.06
        return Limits(bottom / reach, top * reach**2, True, clipped, float(ordered[-1]), task)
    span = (top - bottom) or 0.5 * abs(top) or 1.0
    bars = [(each.mean, *OBJECTIVE.bar(each.mean, each.std)) for each in summaries if each.std and each.mean <= top]
    low = max(min([bottom, *(mean - down for mean, down, _ in bars)]), bottom - span / 4)
    high = min(max([top, *(mean + up for mean, _, up in bars)]), top + span / 4)
    return Limits(low - 0.05 * span, high + 0.1 * span, False, clipped, float(ordered[-1]), task)


def plain_log_ticks(axis: Axis, low: float, high: float) -> None:
    """Label a log axis with numbers such as 0.2 and 0.5, few enough not to overlap."""
    decades = math.log10(high / low)
    places: Sequence[float] = (1.0, 2.0, 5.0) if decades <= 2.5 else (1.0,)
    axis.set_major_locator(LogLocator(subs=places, numticks=9))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


# -------------------------------------------------------------------------------------------------------------- points


def points(
    axes: Axes, x: Sequence[float], summaries: Sequence[Summary], bounds: Limits, *, bars: bool, size: float = 26
) -> None:
    """Draw configurations by stage; crosses for those with failed repeats, triangles where they are clipped."""
    for stage, mark in MARKS.items():
        own = [(place, each) for place, each in zip(x, summaries, strict=True) if each.stage == stage]
        groups = {
            mark.marker: [pair for pair in own if usable(pair[1]) and pair[1].mean <= bounds.high],
            "x": [pair for pair in own if not usable(pair[1]) and pair[1].mean <= bounds.high],
            bounds.outside: [pair for pair in own if pair[1].mean > bounds.high],
        }
        if bars:
            _bars(axes, [pair for pair in own if pair[1].mean <= bounds.high], mark.colour)
        for marker, group in groups.items():
            look: dict[str, Any] = (
                {"color": mark.colour, "linewidths": 1.2}
                if marker == "x"
                else {"facecolor": mark.colour, "edgecolor": "white", "linewidths": 0.5}
            )
            if group:
                axes.scatter(
                    [place for place, _ in group],
                    [bounds.shown(each.mean) for _, each in group],
                    s=size,
                    marker=marker,
                    zorder=4,
                    alpha=0.9,
                    **look,
                )


def _bars(axes: Axes, group: Sequence[tuple[float, Summary]], colour: str) -> None:
    known = [(place, each.mean, each.std) for place, each in group if each.std is not None]
    if known:
        axes.errorbar(
            [place for place, _, _ in known],
            [mean for _, mean, _ in known],
            yerr=np.transpose([OBJECTIVE.bar(mean, std) for _, mean, std in known]),
            fmt="none",
            ecolor=colour,
            elinewidth=0.8,
            alpha=0.45,
            zorder=3,
        )


def stage_handles(axes: Axes, summaries: Sequence[Summary]) -> list[Any]:
    """One legend entry for each stage that occurs."""
    there = {summary.stage for summary in summaries}
    return [
        axes.scatter([], [], marker=mark.marker, facecolor=mark.colour, edgecolor="white", s=32, label=mark.label)
        for stage, mark in MARKS.items()
        if stage in there
    ]


def spread(many: int, width: float) -> list[float]:
    """Offsets evenly spread over [-width, width] in irregular order, the same at every call."""
    golden = 0.6180339887498949
    return [width * (2 * ((0.5 + position * golden) % 1.0) - 1) for position in range(many)]
