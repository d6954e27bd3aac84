"""Predicted against measured on the test rows, one panel for each output."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.verdict import Verdict
from pipeline.report.contents import Contents
from pipeline.report.figures.theme import INK, FigureKind, Picture, heading, notes
from pipeline.report.wording import MAE, R2, number
from pipeline.tasks.transforms import Transform

SHOWN: Final = 5000  # rows; more make the figure slower, not clearer
COLUMNS: Final = 3
PANEL: Final = 3.1  # inches


def predicted_against_measured(contents: Contents) -> Iterator[Picture]:
    """One figure for the best configuration; nothing if none succeeded or there are no test rows."""
    verdict = contents.verdict
    if not verdict.best or not len(verdict.rows):
        return
    best = verdict.best[0]
    mean = best.predictions.mean(axis=0)
    rows = _sample(np.flatnonzero(verdict.counted))
    outputs = len(verdict.outputs)
    columns = min(COLUMNS, outputs) if outputs != 4 else 2
    lines = math.ceil(outputs / columns)
    width = max(5.2, PANEL * columns + 0.4)
    figure = Figure(figsize=(width, (PANEL + 0.3) * lines + 1.1))
    grid = figure.subplots(lines, columns, squeeze=False)
    outside = 0
    for position, axes in enumerate(grid.flat):
        if position >= outputs:
            axes.set_visible(False)
            continue
        name, (there, scale) = verdict.outputs[position], _scale(verdict, position)
        outside += _panel(axes, there(verdict.measured[rows, position]), there(mean[rows, position]))
        scores = best.scores[name]
        axes.set_title(_short(name) + "\n" + _scores(scores), fontsize=9)
        axes.set_xlabel(f"measured {_short(name)}{scale}")
        axes.set_ylabel(f"predicted {_short(name)}{scale}")
    heading(
        figure,
        f"The best configuration, {contents.naming.title(best.summary.configuration)}, on rows that it never saw",
        width,
    )
    notes(figure, _remarks(contents, len(rows), outside), width)
    yield "predicted_against_measured.png", figure


def _scale(verdict: Verdict, position: int) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """The scale on which an output is shown, the transformed one where it has one, and the words for it."""
    transforms: Sequence[Transform] = getattr(verdict.target, "transforms", ())
    if not transforms or not transforms[position].words:
        return np.asarray, ""
    return transforms[position].forward, f", {transforms[position].words}"


def _scores(scores: Mapping[str, float]) -> str:
    return f"MAE {number(scores[MAE])}, R2 {number(scores[R2])}"


def _short(name: str) -> str:
    return name if len(name) <= 28 else name[:27] + "…"


def _sample(rows: np.ndarray) -> np.ndarray:
    if len(rows) <= SHOWN:
        return rows
    return rows[np.sort(np.random.default_rng(0).choice(len(rows), SHOWN, replace=False))]


def _panel(axes: Axes, measured: np.ndarray, predicted: np.ndarray) -> int:
    """Draw one output. Return the number of predictions outside the limits, which are drawn at the edge."""
    low, high = _range(measured, predicted)
    out = ~((predicted >= low) & (predicted <= high))  # including those that are not finite
    inset = 0.012 * (high - low)
    axes.plot([low, high], [low, high], color=INK, linewidth=1.0, linestyle="--", zorder=2)
    alpha = float(np.clip(12 / math.sqrt(max(len(measured), 1)), 0.12, 0.8))
    size = 22 if len(measured) <= 300 else 10
    axes.scatter(measured[~out], predicted[~out], s=size, color="#0173b2", alpha=alpha, linewidths=0, zorder=3)
    edge = np.clip(np.nan_to_num(predicted[out], nan=high), low + inset, high - inset)
    axes.scatter(measured[out], edge, s=26, marker="d", color="#d55e00", linewidths=0, zorder=4)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    axes.locator_params(nbins=6)
    return int(out.sum())


def _range(measured: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Limits of both axes: all measured values, and predictions within one width of their range."""
    low, high = float(measured.min()), float(measured.max())
    reach = (high - low) or abs(high) or 1.0
    near = predicted[(predicted >= low - reach) & (predicted <= high + reach)]
    if len(near):
        low, high = min(low, float(near.min())), max(high, float(near.max()))
    margin = 0.04 * ((high - low) or reach)
    return low - margin, high + margin


def _remarks(contents: Contents, shown: int, outside: int) -> list[str]:
    repeats = len(contents.verdict.best[0].objectives)
    texts = ["Dashed: predicted = measured."]
    if repeats > 1:
        texts.append(
            f"Points: mean prediction of {repeats} trainings; MAE and R2: mean of the single trainings' scores."
        )
    else:
        texts.append("One training: the spread over seeds is unknown.")
    verdict = contents.verdict
    counted = int(np.count_nonzero(verdict.counted))
    if counted < len(verdict.rows):
        texts.append(f"Rows of weight 0 are in no score and not shown: {len(verdict.rows) - counted}.")
    if shown < counted:
        texts.append(f"{shown} of {counted} test rows are shown, drawn at random.")
    if outside:
        texts.append(f"Diamonds at the edge: {outside} predictions further out or not finite.")
    return [" ".join(texts)]


FIGURE: Final = FigureKind("predicted_against_measured", predicted_against_measured, tasks=("regression",))
