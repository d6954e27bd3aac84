"""The confusion matrix on the test rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.report.contents import Contents
from pipeline.report.figures.theme import INK, FigureKind, Picture, heading, notes
from pipeline.report.tasks.classification import confusion
from pipeline.report.wording import number

NUMBERED: Final = 20  # classes up to which the cells contain numbers


def confusion_matrix(contents: Contents) -> Iterator[Picture]:
    """One figure for the best configuration; nothing if none succeeded or there are no test rows."""
    verdict = contents.verdict
    if not verdict.best or not len(verdict.rows):
        return
    labels = verdict.target.labels
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
        figure,
        f"{contents.naming.title(verdict.best[0].summary.configuration)}: accuracy {number(accuracy)} on test rows",
        size + 0.8,
    )
    many = len(verdict.best[0].objectives)
    about = f"Counts are means over {many} trainings." if many > 1 else "One training."
    rows = "weight of the rows" if verdict.weighted else "rows"
    notes(
        figure,
        [f"{about} Each row of the matrix sums to the {rows} of its class; correct predictions are on the diagonal."],
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


def _short(name: str) -> str:
    return name if len(name) <= 20 else name[:19] + "…"


FIGURE: Final = FigureKind("confusion_matrix", confusion_matrix, tasks=("classification",))
