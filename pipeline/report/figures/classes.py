"""Classes on the test rows: which is taken for which, and whether probabilities mean what they say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.report.contents import Contents
from pipeline.report.figures.theme import INK, Picture, heading, notes
from pipeline.report.tasks.classification import confusion, labels_of
from pipeline.report.wording import number, title
from pipeline.tasks import probabilities

NUMBERED: Final = 20  # classes, up to which each cell says its numbers
PANELS: Final = 8  # classes that get a panel of their own, the most frequent ones
COLUMNS: Final = 3
BINS: Final = 10


def confusion_matrix(contents: Contents) -> Iterator[Picture]:
    """One picture of the best configuration; nothing when none succeeded or there is no test row."""
    verdict = contents.verdict
    if not verdict.best or not len(verdict.rows):
        return
    labels = labels_of(verdict)
    counts = confusion(verdict, verdict.best[0])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    size = min(max(4.6, 0.85 * len(labels) + 2.2), 12.0)
    figure = Figure(figsize=(size + 0.8, size))
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    places, names = range(len(labels)), [_short(label) for label in labels]
    crowded = sum(map(len, names)) > 8 * size
    axes.set_xticks(places, names, rotation=45 if crowded else 0, ha="right" if crowded else "center")
    axes.set_yticks(places, names)
    axes.grid(visible=False)
    axes.set_xlabel(f"predicted {_short(verdict.outputs[0])}")
    axes.set_ylabel(f"measured {_short(verdict.outputs[0])}")
    if len(labels) <= NUMBERED:
        _numbers(axes, counts, shares)
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("share of the measured class")
    accuracy = verdict.best[0].scores[verdict.outputs[0]]["accuracy"]
    heading(
        figure, f"{title(verdict.best[0].summary.configuration)}: accuracy {number(accuracy)} on test rows", size + 0.8
    )
    many = len(verdict.best[0].objectives)
    about = f"Counts are means over {many} trainings." if many > 1 else "One training."
    notes(
        figure,
        [f"{about} Each line of the matrix sums to the rows of its class; right ones on the diagonal."],
        size + 0.8,
    )
    yield "confusion_matrix.png", figure


def _numbers(axes: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    for line, column in np.ndindex(counts.shape):
        share = shares[line, column]
        axes.text(
            column,
            line,
            f"{100 * share:.0f} %\n({counts[line, column]:.4g})",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if share > 0.55 else INK,
        )


def calibration(contents: Contents) -> Iterator[Picture]:
    """How often what was said with a probability happened: the likeliest class, and each class against the others."""
    verdict = contents.verdict
    if not verdict.best or not len(verdict.rows):
        return
    best, labels = verdict.best[0], labels_of(verdict)
    truth = verdict.measured[:, 0].astype(int)
    pooled = best.predictions.reshape(-1, len(labels))
    repeated, weights = np.tile(truth, len(best.predictions)), np.tile(verdict.weights, len(best.predictions))
    error = best.scores[verdict.outputs[0]]["calibration_error"]
    panels = [("the predicted class", pooled.max(axis=1), pooled.argmax(axis=1) == repeated)]
    panels += [(labels[place], pooled[:, place], repeated == place) for place in _shown(labels, truth)]
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
    about = (
        "Dashed: what is said with a probability happens as often. Dots: rows in ten bins of equal width, as large as"
    )
    about += f" they have rows, of all {len(best.predictions)} trainings together."
    left = len(labels) + 1 - len(panels)
    missing = f"{left} rarer classes are not shown." if left and len(labels) > 2 else ""
    notes(figure, [f"{about} {missing}".strip()], width)
    yield "calibration.png", figure


def _shown(labels: Sequence[str], truth: np.ndarray) -> list[int]:
    """The classes that get a panel: of two the second one, for the other is its mirror image."""
    if len(labels) == 2:
        return [1]
    counts = np.bincount(truth, minlength=len(labels))
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
    axes.set_ylabel("how often it happened")


def _short(name: str) -> str:
    return name if len(name) <= 20 else name[:19] + "…"
