"""The test rows themselves: those that the best models get most wrong, and what was predicted for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.analysis.verdict import Verdict
from pipeline.tasks.naming import all_distinct

HEADER_LINES = 2  # row 0 of the data is row 2 of a spreadsheet: rows count from 1, and the first is the header


@dataclass(frozen=True, slots=True)
class WorstRow:
    """One test row, and how far off the mean prediction of the group of best configurations is."""

    row: int  # in the user's table, from 0
    error: float  # mean over outputs of the absolute error on scaled outputs
    measured: tuple[float, ...]  # one per output, original units
    predicted: tuple[float, ...]

    @property
    def spreadsheet_row(self) -> int:
        """The row as a spreadsheet numbers it, a header line above the data assumed."""
        return self.row + HEADER_LINES

    @property
    def errors(self) -> tuple[float, ...]:
        """Predicted minus measured, one per output, original units."""
        return tuple(guess - truth for guess, truth in zip(self.predicted, self.measured, strict=True))


def worst_places(verdict: Verdict, count: int = 10) -> tuple[tuple[int, float], ...]:
    """Places and errors of at most `count` test rows, the largest error first, ties by row number.

    Every training of every best configuration predicts, configurations weigh equally; none without one.
    """
    if not verdict.best:
        return ()
    errors = verdict.target.row_errors(verdict.measured, _predicted(verdict))
    return tuple((int(place), float(errors[place])) for place in np.lexsort((verdict.rows, -errors))[:count])


def _predicted(verdict: Verdict) -> np.ndarray:
    mean: np.ndarray = np.mean([each.predictions.mean(axis=0) for each in verdict.best], axis=0)
    return mean


def worst_rows(verdict: Verdict, count: int = 10) -> tuple[WorstRow, ...]:
    """At most `count` test rows of numbers with what was predicted for them, as `worst_places` has them."""
    predicted = _predicted(verdict) if verdict.best else verdict.measured
    return tuple(
        WorstRow(
            row=int(verdict.rows[place]),
            error=error,
            measured=tuple(float(each) for each in verdict.measured[place]),
            predicted=tuple(float(each) for each in predicted[place]),
        )
        for place, error in worst_places(verdict, count)
    )


def worst_rows_csv(verdict: Verdict, count: int = 10) -> str:
    """The worst rows as CSV text: row, spreadsheet row, scaled error; per output measured, predicted and error."""
    header = ["row", "spreadsheet row", "mean scaled error"]
    for name in verdict.outputs:
        header += [f"measured {name}", f"predicted {name}", f"error {name}"]
    lines: list[list[str]] = []
    for each in worst_rows(verdict, count):
        line = [str(each.row), str(each.spreadsheet_row), f"{each.error:.6g}"]
        for truth, guess, error in zip(each.measured, each.predicted, each.errors, strict=True):
            line += [f"{truth:.15g}", f"{guess:.9g}", f"{error:.6g}"]
        lines.append(line)
    return as_csv(header, lines)


def test_predictions_csv(verdict: Verdict) -> str:
    """Every test row as CSV text: row; per output measured, mean prediction of the best configuration, its spread.

    The spread is the sample standard deviation over the trainings, empty for one. Only a header without a tested
    configuration.
    """
    header = ["row", "spreadsheet row"]
    for name in verdict.outputs:
        header += [f"measured {name}", f"predicted {name}", f"spread {name}"]
    if not verdict.best:
        return as_csv(header, [])
    predictions = verdict.best[0].predictions
    mean = predictions.mean(axis=0)
    spread = predictions.std(axis=0, ddof=1) if len(predictions) > 1 else None
    lines: list[list[str]] = []
    for place in np.argsort(verdict.rows, kind="stable"):
        row = int(verdict.rows[place])
        line = [str(row), str(row + HEADER_LINES)]
        for output in range(len(verdict.outputs)):
            line += [
                f"{verdict.measured[place, output]:.15g}",
                f"{mean[place, output]:.9g}",
                "" if spread is None else f"{spread[place, output]:.6g}",
            ]
        lines.append(line)
    return as_csv(header, lines)


def as_csv(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """The table as CSV text, lines ending as on Unix; no two headers are alike."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(all_distinct(header, "2"))
    writer.writerows(lines)
    return text.getvalue()
