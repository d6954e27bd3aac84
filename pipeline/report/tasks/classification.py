"""Classification: the metrics, each class, and the rows whose true class got the lowest probability."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipeline.analysis.verdict import Tested, Verdict
from pipeline.report import decisions
from pipeline.report.contents import Contents
from pipeline.report.rows import as_csv, place_cells, place_header, worst_places
from pipeline.report.wording import number, range_of, table, with_bounds
from pipeline.tasks import Decision, Metric, probabilities, spread


def headline(contents: Contents) -> str:
    """The accuracy of the best configuration."""
    verdict = contents.verdict
    accuracy = next(metric for metric in verdict.metrics if metric.name == "accuracy")
    return f"; its accuracy is {_scored(verdict.best[0], verdict.outputs[0], accuracy)}"


def _scored(tested: Tested, name: str, metric: Metric) -> str:
    return with_bounds(*tested.score(name, metric.name), range_of(metric))


def sections(contents: Contents) -> list[str]:
    """The tables of metrics, of classes, and of the worst rows."""
    if not contents.verdict.best:
        return []
    return [
        *_metrics(contents),
        *decisions.sections(contents),
        *_classes(contents.verdict),
        *_worst(contents.verdict),
    ]


def confusion(verdict: Verdict, tested: Tested) -> np.ndarray:
    """Weights of test rows by true and most likely class, mean over the trainings: float64 (classes, classes)."""
    truth = verdict.measured[:, 0].astype(int)
    each = [probabilities.confusion(truth, chances, verdict.weights) for chances in tested.predictions]
    counts: np.ndarray = np.mean(each, axis=0)
    return counts


def _metrics(contents: Contents) -> list[str]:
    verdict = contents.verdict
    (name,) = verdict.outputs
    header = ["Metric", "Best configuration", "Default network", contents.task.constant.capitalize()]
    rows = [
        [
            metric.header,
            _scored(verdict.best[0], name, metric),
            _scored(verdict.default, name, metric) if verdict.default else "failed",
            number(verdict.constant_scores[name].get(metric.name)),
        ]
        for metric in verdict.metrics
    ]
    text = (
        "Test rows; means over the trainings with the 95 % interval over seeds, cut at what a metric can be. Balanced"
        " accuracy and macro F1 weigh all classes alike, ROC AUC is one class against the others, 0.5 for guessing. The"
        " calibration error is the difference between the probability of the likeliest class and how often it is right,"
        " in 15 bins (lower is better)."
    )
    return [f"## How well `{name}` is classified", table(header, rows), text]


def _classes(verdict: Verdict) -> list[str]:
    counts = confusion(verdict, verdict.best[0])
    right, true, said = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    share = "Share of test rows, by weight" if verdict.weighted else "Share of test rows"
    header = ["Class", share, "Predicted share", "Precision", "Recall", "F1"]
    rows = [
        [
            label,
            _percent(true[place] / counts.sum()),
            _percent(said[place] / counts.sum()),
            number(right[place] / said[place] if said[place] else None),
            number(right[place] / true[place] if true[place] else None),
            number(2 * right[place] / (true[place] + said[place]) if true[place] + said[place] else None),
        ]
        for place, label in enumerate(verdict.target.labels)
    ]
    text = "The best configuration, from the mean over its trainings of the counts in `figures/confusion_matrix.png`."
    return ["## Each class", table(header, rows), text]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _worst(verdict: Verdict) -> list[str]:
    where = [each.capitalize() for each in place_header(verdict)]
    header = [*where, "Class", "Its probability", "Predicted", "Probability"]
    rows = [[*cells, true, f"{own:.4f}", said, f"{best:.4f}"] for cells, true, own, said, best in _worst_rows(verdict)]
    text = (
        "Mean probabilities of the group of best configurations. Rows of the data count from 0, spreadsheet rows from"
    )
    text += " 1 with a header line."
    return ["## The test rows that the best models get most wrong", table(header, rows, left=len(where)), text]


def _worst_rows(verdict: Verdict) -> Iterable[tuple[list[str], str, float, str, float]]:
    labels, mean = verdict.target.labels, _mean(verdict) if verdict.best else np.empty(0)
    for place, _ in worst_places(verdict):
        true = int(verdict.measured[place, 0])
        said = int(mean[place].argmax())
        own, best = float(mean[place, true]), float(mean[place, said])
        yield place_cells(verdict, place), labels[true], own, labels[said], best


def _mean(verdict: Verdict) -> np.ndarray:
    """The mean probabilities (rows, classes) of the group; configurations have equal weight."""
    mean: np.ndarray = np.mean([each.predictions.mean(axis=0) for each in verdict.best], axis=0)
    return mean


def worst_rows_csv(verdict: Verdict) -> str:
    """The worst rows as CSV text: where they are, log loss, true and predicted class, their probabilities."""
    header = [*place_header(verdict), "log loss", "class", "its probability", "predicted", "probability"]
    lines = [
        [*cells, f"{error:.6g}", true, f"{own:.6g}", said, f"{best:.6g}"]
        for (cells, true, own, said, best), (_, error) in zip(_worst_rows(verdict), worst_places(verdict), strict=True)
    ]
    return as_csv(header, lines)


def test_predictions_csv(verdict: Verdict) -> str:
    """Every test row as CSV text: true and predicted class, the mean probability of each class, and the spread.

    They are those of the best configuration, calibrated and decided as `predict` does. The spread is that of the
    predicted class's probability over its trainings.
    """
    (name,), labels = verdict.outputs, verdict.target.labels
    header = [*place_header(verdict), f"measured {name}", f"predicted {name}"]
    header += [*(f"probability {label}" for label in labels), "spread"]
    if not verdict.best:
        return as_csv(header, [])
    units = verdict.best[0].predictions
    decision = verdict.deciding.predictors[0].decision if verdict.deciding else Decision(labels)
    chances, deviation = decision.chances(units.mean(axis=0)), spread(decision.chances(units))
    chosen, order = decision.chosen(chances), np.argsort(verdict.rows, kind="stable")
    lines = [_line(verdict, int(place), int(chosen[place]), chances, deviation) for place in order]
    return as_csv(header, lines)


def _line(verdict: Verdict, place: int, said: int, chances: np.ndarray, deviation: np.ndarray) -> list[str]:
    labels = verdict.target.labels
    doubt = deviation[place, said]
    return [
        *place_cells(verdict, place),
        labels[int(verdict.measured[place, 0])],
        labels[said],
        *(f"{each:.6g}" for each in chances[place]),
        "" if np.isnan(doubt) else f"{doubt:.6g}",
    ]
