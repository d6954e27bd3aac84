"""What the page says of the user's own task, and a figure: here, for they need what workers do not load."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from pipeline.report.contents import Contents
from pipeline.report.figures import FigureKind
from pipeline.report.rows import test_predictions_csv, worst_rows_csv
from pipeline.report.tasks.regression import sections

__all__ = ["headline", "sections", "test_predictions_csv", "worst_rows_csv"]


def headline(contents: Contents) -> str:
    return f"; counted are {contents.verdict.target.words}"


def sizes(contents: Contents) -> Iterator[tuple[str, Figure]]:
    figure = Figure()
    figure.add_subplot().hist([each.weights for each in contents.ranking])
    yield "sizes.png", figure


SIZES = FigureKind("sizes", sizes)
