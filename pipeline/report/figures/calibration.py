"""Calibration on the test rows: observed frequencies against predicted probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.report.contents import Contents
from pipeline.report.figures.theme import INK, FigureKind, Picture, heading, notes
from pipeline.report.wording import number
from pipeline.tasks import probabilities

PANELS: Final = 8  # classes that get a panel of their own, the most frequent ones
COLUMNS: Final = 3
BINS: Final = 10


def calibration(contents: Contents) -> Iterator[Picture]:
    """Reliability diagrams: of the most likely class, and of each class against the others."""
    verdict = contents.verdict
    if not verdict.best or not len(verdict.rows):
        return
    best, labels = verdict.best[0], verdict.target.labels
    truth = verdict.measured[:, 0].astype(int)
    pooled = best.predictions.reshape(-1, len(labels))
    repeated, weights = np.tile(truth, len(best.predictions)), np.tile(verdict.weights, len(best.predictions))
    error = best.scores[verdict.outputs[0]]["calibration_error"]
    panels = [("the predicted class", pooled.max(axis=1), pooled.argmax(axis=1) == repeated)]
    panels += [(labels[place], pooled[:, place], repeated == place) for place in _shown(labels, truth, verdict.weights)]
    columns = min(COLUMNS, len(panels)) if len(panels) != 4 else 2
    lines = math.ceil(len(panels) / columns)
    width = max(5.2, 3.0 * columns + 0.4)
    figure = Figure(figsize=(width, 3.1 * lines + 1.1))
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for (name, chances, happened), axes in zip(panels, grid.flat, strict=False):
        _panel(axes, name, probabilities.binned(chances, happened, weights, BINS))
    heading(figure, f"Calibration on test rows: the probabilities are off by {number(error)} on average", width)
    about = "Dashed: perfect calibration. Dots: ten bins of equal width, their size shows the"
    about += f" {'weight' if verdict.weighted else 'number'} of rows; all {len(best.predictions)} trainings together."
    left = len(labels) + 1 - len(panels)
    missing = f"{left} rarer classes are not shown." if left and len(labels) > 2 else ""
    notes(figure, [f"{about} {missing}".strip()], width)
    yield "calibration.png", figure


def _shown(labels: Sequence[str], truth: np.ndarray, weights: np.ndarray) -> list[int]:
    """The classes with the most weight; of two only the second one, because the other is its mirror image."""
    if len(labels) == 2:
        return [1]
    counts = np.bincount(truth, weights=np.asarray(weights, dtype=np.float64), minlength=len(labels))
    return sorted(np.argsort(-counts, kind="stable")[:PANELS].tolist())


def _panel(axes: Axes, name: str, bins: np.ndarray) -> None:
    said, happened, mass = bins.T
    share = mass / mass.sum()
    look: dict[str, Any] = {"color": "#0173b2", "zorder": 3}
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1.0, linestyle="--", zorder=2)
    axes.plot(said, happened, linewidth=1.2, **look)
    axes.scatter(said, happened, s=12 + 260 * share, alpha=0.85, linewidths=0, clip_on=False, **look)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_title(_short(name), fontsize=9)
    axes.set_xlabel("predicted probability")
    axes.set_ylabel("observed frequency")


def _short(name: str) -> str:
    return name if len(name) <= 20 else name[:19] + "…"


FIGURE: Final = FigureKind("calibration", calibration, tasks=("classification",))
