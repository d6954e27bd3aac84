"""Regression: errors of each output in original units, and the rows with the largest errors."""

from __future__ import annotations

from pipeline.analysis.verdict import Verdict
from pipeline.report.contents import Contents
from pipeline.report.rows import WorstRow, place_header, test_predictions_csv, worst_rows, worst_rows_csv
from pipeline.report.wording import MAE, WITHIN, capital, escaped, number, table

__all__ = ["headline", "sections", "test_predictions_csv", "worst_rows_csv"]


def headline(contents: Contents) -> str:
    """The error of the best configuration in original units, if there is a single output."""
    verdict = contents.verdict
    if len(verdict.outputs) != 1:
        return ""
    name = verdict.outputs[0]
    what = "it" if contents.task.measure is None else "its MAE"
    return f"; in the units of {escaped(name)} {what} is {number(verdict.best[0].scores[name][MAE])}"


def sections(contents: Contents) -> list[str]:
    """The tables of the outputs and of the worst rows."""
    return [*_scores(contents), *_worst(contents)]


def _scores(contents: Contents) -> list[str]:
    verdict = contents.verdict
    if not verdict.best:
        return []
    best, median = verdict.best[0].scores, verdict.constant_scores
    default = {} if verdict.default is None else verdict.default.scores
    metrics = verdict.metrics
    header = [
        "Output",
        *(capital(metric.header) for metric in metrics),
        "MAE of default",
        f"MAE of {contents.task.constant}",
    ]
    rows = [
        [name]
        + [number(best[name].get(metric.name)) for metric in metrics]
        + [number(each.get(name, {}).get(MAE)) for each in (default, median)]
        for name in verdict.outputs
    ]
    text = "The first configuration on the test rows, in original units: means over the scores of its trainings."
    return ["## Each output", table(header, rows), " ".join([text, *_asked(verdict)])]


def _asked(verdict: Verdict) -> list[str]:
    """What is to be said of transforms and tolerances."""
    target, best, found = verdict.target, verdict.best[0].scores, list[str]()
    if getattr(target, "transforms", ()):
        found.append(
            "Predictions of transformed outputs are transformed back, so they lie near the median of what is possible"
            " rather than near its mean; of several networks they are averaged in original units."
        )
    if getattr(target, "tolerances", ()):
        name = [*best][-1]  # all outputs together stand last
        share, default = best[name].get(WITHIN), verdict.default.scores[name].get(WITHIN) if verdict.default else None
        of = "every output is" if len(verdict.outputs) > 1 else "the prediction is"
        theirs = f", for the default network {_percent(default)}" if default is not None else ""
        found.append(f"In {_percent(share)} of the test rows {of} within tolerance{theirs}.")
    return found


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _worst(contents: Contents) -> list[str]:
    found = worst_rows(contents.verdict)
    if not found:
        return []
    names, where = contents.verdict.outputs, [each.capitalize() for each in place_header(contents.verdict)]
    if len(names) == 1:
        header = [*where, f"Measured {names[0]}", "Predicted", "Error"]
        rows = [[*each.where, *_cells(each, 0)] for each in found]
    else:
        header = [*where, "Scaled error", *names]
        rows = [[*each.where, number(each.error), *_changes(each)] for each in found]
    text = "Mean prediction of the group of best configurations. Rows of the data count from 0, spreadsheet rows from"
    text += " 1 with a header line."
    if len(names) > 1:
        text += " Each output: measured, predicted, and the error in brackets; the largest mean scaled error first."
    return ["## The test rows that the best models get most wrong", table(header, rows, left=len(where)), text]


def _cells(each: WorstRow, output: int) -> tuple[str, str, str]:
    error = each.errors[output]
    return number(each.measured[output]), number(each.predicted[output]), ("+" if error > 0 else "") + number(error)


def _changes(each: WorstRow) -> list[str]:
    cells = [_cells(each, output) for output in range(len(each.measured))]
    return [f"{measured}, {predicted} ({error})" for measured, predicted, error in cells]
