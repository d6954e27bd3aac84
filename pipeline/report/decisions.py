"""The decisions of a study of classes on the page: how probabilities are calibrated, what decisions are worth."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.analysis.decisions import Decided, Deciding
from pipeline.ranking.statistics import DIFFERENCE, OBJECTIVE
from pipeline.report.contents import Contents
from pipeline.report.wording import capital, escaped, number, table, with_bounds
from pipeline.tasks.decisions import costs_in_words

HEADING = "## Probabilities and decisions"


def sections(contents: Contents) -> list[str]:
    """The heading, and a table with its text for calibration, costs and threshold; nothing where none is asked for."""
    found = contents.verdict.deciding
    if found is None:
        return []
    return [HEADING, _first(found), *_calibrated(found), *_paid(found, contents), *_divided(found, contents)]


def _first(found: Deciding) -> str:
    rule = escaped(found.predictors[0].decision.rule)
    return (
        "What is loaded to predict is the mean of several networks, and this section is about their mean probabilities."
        f" Predicted, in `test_predictions.csv` as well, is {rule}. All other scores and figures of this page, and the"
        " objective by which configurations are ranked, are of the networks as they were trained, and where they need a"
        " class, of the likeliest one."
    )


def _shown(found: Deciding) -> list[Decided]:
    """The best configuration, as many of the best together as are tested, the ensembles, and the default network."""
    groups = [each for each in found.predictors if each.group]
    return [each for each in found.predictors if not each.group or each in (groups[0], groups[-1])]


def _calibrated(found: Deciding) -> Iterator[str]:
    if not found.calibrates:
        return
    header = [
        "Predictor",
        "Calibration",
        "Log loss",
        "Log loss calibrated",
        "Calibration error",
        "Calibration error calibrated",
    ]
    yield table(header, [_calibration_line(each) for each in _shown(found)], left=2)
    best = found.predictors[0]
    fitted = best.fitted
    if fitted is None:
        yield "With folds a calibration needs a complete round of them, and there is none, so nothing was calibrated."
        return
    if not fitted.fitted:
        yield f"With {fitted.rows} held-out rows nothing could be fitted, so nothing was calibrated."
        return
    losses = ", ".join(f"{loss:.5g} by {name}" for name, loss in fitted.fitted.items())
    kept = "so it is calibrated" if fitted.calibration else "so its probabilities stay as they are"
    change = ""
    if fitted.calibration:
        mean, low, high = best.tested.gain
        ends = (None, None) if low is None or high is None else (-high, -low)
        size = with_bounds(-mean, ends[0], ends[1], DIFFERENCE)
        change = f" On the test rows this changes its log loss by {size}, with the interval over the rows."
    yield (
        f"Scores of test rows, which choose nothing. Each calibration was fitted on {fitted.rows} held-out rows, and is"
        f" kept if it lowers their log loss when {fitted.parts} parts of them are judged by what the others say"
        f" (cross-fitting).{_weighed(found)} For the best configuration that is {fitted.loss:.5g} as it is and"
        f" {losses}, {kept}.{change}"
    )


def _weighed(found: Deciding) -> str:
    if found.shifts:
        return ""
    return (
        " It is a temperature, which changes no likeliest class: the class weights of the training are for that class,"
        " and a shift would undo them."
    )


def _calibration_line(each: Decided) -> list[str]:
    tested, calibration = each.tested, each.decision.calibration
    cells = [capital(each.name), calibration.words if calibration else "none", number(tested.loss)]
    if calibration is None:
        return [*cells, "-", number(tested.error), "-"]
    return [*cells, number(tested.calibrated_loss), number(tested.error), number(tested.calibrated_error)]


def _paid(found: Deciding, contents: Contents) -> Iterator[str]:
    if found.costs is None or found.constant is None:
        return
    header = ["Predictor", "Mean cost", "Mean cost of the likeliest class as it is"]
    rows = [
        [capital(each.name), *(with_bounds(*ends, OBJECTIVE) for ends in (paid.decided, paid.likeliest))]
        for each in _shown(found)
        if (paid := each.tested.paid)
    ]
    label, cost = found.constant
    yield table(header, [*rows, [f"Always {label}", with_bounds(*cost, OBJECTIVE), "-"]])
    words, always = escaped(costs_in_words(found.costs, contents.verdict.target.labels)), escaped(label)
    weighed = ", which count by their weights," if contents.verdict.weighted else ""
    text = f"What decisions cost on the test rows{weighed} with 95 % intervals over them: {words}, truth first."
    text += " The likeliest class is that of the probabilities as they are."
    text += f" Always {always} is the cheapest constant decision by the frequencies of the training rows."
    yield text + (" Costs decide, so no threshold is looked for." if contents.task.measure else "")


def _divided(found: Deciding, contents: Contents) -> Iterator[str]:
    shown = [(each, divided) for each in _shown(found) if (divided := each.tested.divided)]
    if not found.threshold:
        return
    if not shown:
        yield "With folds a threshold needs a complete round of them, and there is none: it is one half."
        return
    name, second = found.threshold, contents.verdict.target.labels[1]
    header = ["Predictor", f"Threshold of {second}", capital(name), f"{capital(name)} of the likeliest class"]
    rows = [
        [capital(each.name), f"{each.decision.threshold:.4g}", number(divided.fitted), number(divided.likeliest)]
        for each, divided in shown
    ]
    yield table(header, rows)
    yield (
        f"Scores of test rows. Each threshold has the best {name} on the held-out rows; {escaped(second)} is predicted"
        " where its calibrated probability is above it. It is one half where nothing is better. The last column is of"
        " the likeliest class by the probabilities as they are."
    )
