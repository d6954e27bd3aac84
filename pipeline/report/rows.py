"""The test rows: those with the largest errors of the best models, and the predictions for each."""

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
    """A test row, and the error of the mean prediction of the group of best configurations."""

    row: int  # in the user's table, or in its own file, from 0
    where: tuple[str, ...]  # its cells below `place_header`
    error: float  # mean over outputs of the absolute error on scaled outputs
    measured: tuple[float, ...]  # one per output, original units
    predicted: tuple[float, ...]

    @property
    def errors(self) -> tuple[float, ...]:
        """Predicted minus measured, one per output, original units."""
        return tuple(guess - truth for guess, truth in zip(self.predicted, self.measured, strict=True))


def place_header(verdict: Verdict) -> list[str]:
    """The columns by which a test row is found again in the user's table.

    They are its file, if there are several, its two numbers, and the time of a series.
    """
    return [*(["file"] if verdict.places else []), "row", "spreadsheet row", *(["time"] if verdict.times else [])]


def place_cells(verdict: Verdict, place: int) -> list[str]:
    """The cells of a test row below `place_header`."""
    row, time = _row(verdict, place), [verdict.times[place]] if verdict.times else []
    return [*([verdict.places[place][0]] if verdict.places else []), str(row), str(row + HEADER_LINES), *time]


def _row(verdict: Verdict, place: int) -> int:
    return verdict.places[place][1] if verdict.places else int(verdict.rows[place])


def worst_places(verdict: Verdict, count: int = 10) -> tuple[tuple[int, float], ...]:
    """Positions and errors of at most `count` test rows, largest error first, ties by row number.

    All trainings of the best configurations predict, and configurations have equal weight. Empty without any.
    Rows of weight 0 are in no score, so they are not among the worst either.
    """
    if not verdict.best:
        return ()
    errors = verdict.target.row_errors(verdict.measured, _predicted(verdict))
    order = np.lexsort((verdict.rows, -errors))
    return tuple((int(place), float(errors[place])) for place in order[verdict.counted[order]][:count])


def _predicted(verdict: Verdict) -> np.ndarray:
    mean: np.ndarray = np.mean([each.predictions.mean(axis=0) for each in verdict.best], axis=0)
    return mean


def worst_rows(verdict: Verdict, count: int = 10) -> tuple[WorstRow, ...]:
    """At most `count` test rows of a regression with their predictions, in the order of `worst_places`."""
    predicted = _predicted(verdict) if verdict.best else verdict.measured
    return tuple(
        WorstRow(
            row=_row(verdict, place),
            error=error,
            measured=tuple(float(each) for each in verdict.measured[place]),
            predicted=tuple(float(each) for each in predicted[place]),
            where=tuple(place_cells(verdict, place)),
        )
        for place, error in worst_places(verdict, count)
    )


def worst_rows_csv(verdict: Verdict, count: int = 10) -> str:
    """The worst rows as CSV text: where they are, scaled error; for each output measured, predicted and error."""
    header = [*place_header(verdict), "mean scaled error"]
    for name in verdict.outputs:
        header += [f"measured {name}", f"predicted {name}", f"error {name}"]
    lines: list[list[str]] = []
    for each in worst_rows(verdict, count):
        line = [*each.where, f"{each.error:.6g}"]
        for truth, guess, error in zip(each.measured, each.predicted, each.errors, strict=True):
            line += [f"{truth:.15g}", f"{guess:.9g}", f"{error:.6g}"]
        lines.append(line)
    return as_csv(header, lines)


def test_predictions_csv(verdict: Verdict) -> str:
    """Every test row as CSV text: where it is; for each output measured, mean prediction, spread.

    The spread is the sample standard deviation over the trainings, empty for a single one. With a tolerance, the last
    column says `yes` where the mean prediction of every output is within. Without a tested configuration there is only
    a header.
    """
    header = place_header(verdict)
    for name in verdict.outputs:
        header += [f"measured {name}", f"predicted {name}", f"spread {name}"]
    within = getattr(verdict.target, "within", lambda *_: None)
    judged = bool(getattr(verdict.target, "tolerances", ()))
    header += ["within tolerance"] if judged else []
    if not verdict.best:
        return as_csv(header, [])
    predictions = verdict.best[0].predictions
    mean = predictions.mean(axis=0)
    spread = predictions.std(axis=0, ddof=1) if len(predictions) > 1 else None
    accepted = within(verdict.measured, mean)
    lines: list[list[str]] = []
    for place in np.argsort(verdict.rows, kind="stable"):
        line = place_cells(verdict, int(place))
        for output in range(len(verdict.outputs)):
            line += [
                f"{verdict.measured[place, output]:.15g}",
                f"{mean[place, output]:.9g}",
                "" if spread is None else f"{spread[place, output]:.6g}",
            ]
        line += [] if accepted is None else ["yes" if accepted[place] else "no"]
        lines.append(line)
    return as_csv(header, lines)


def as_csv(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """The table as CSV text, lines ending as on Unix; no two headers are alike."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(all_distinct(header, "2"))
    writer.writerows(lines)
    return text.getvalue()
