"""What calibration, costs and thresholds are worth on online_shoppers.csv, over several splits.

The plan, written before anything was measured:

* Ten seeds; each divides the rows anew (60 % training, 20 % validation, 20 % test), draws six configurations and trains
  each of them and the default network twice. Test rows choose nothing: they are scored once, at the end of a study.
* Three studies for each seed. `auc`: the objective is the ROC AUC, a missed purchase costs 5 and a false alarm 1.
  `balanced`: the same, with balanced class weights in training. `threshold`: the objective is the balanced accuracy,
  without costs.
* Of each study the best configuration, and the best three together. Reported are, on test rows, the log loss and the
  calibration error before and after calibration; the mean cost of the likeliest class, of the least expected cost by
  the probabilities as they are, and by calibrated ones, and of the best constant decision; and the balanced accuracy of
  the likeliest class and at the threshold. On validation rows, cross-fitted: the log loss as it is, by a temperature,
  and by Platt's two numbers, of which the product keeps the lowest.
* Each figure is a mean over the seeds with its 95 % interval (Student's t), differences paired by seed. The seeds share
  the rows of one table, so the intervals are narrower than those of new tables would be.

The same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `scripts` is a folder of the checkout, not installed

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.analysis.decisions import Decided
from pipeline.analysis.verdict import Verdict
from pipeline.cli.console import PLAIN_WIDTH, complain
from pipeline.cli.outputs import write_json
from pipeline.errors import UserError
from pipeline.ranking.statistics import DIFFERENCE, interval
from pipeline.report.wording import with_bounds
from pipeline.run.launch import launch
from pipeline.run.prepare import prepare
from pipeline.settings import read
from pipeline.storage import atomic
from pipeline.tasks import Decision
from pipeline.tasks.decisions import row_costs
from scripts.asked import json_path, parsed

COSTS: Final = "False:True=1,True:False=5"
STUDIES: Final[Mapping[str, Mapping[str, str]]] = {
    "auc": {"objective": "roc-auc", "cost": COSTS},
    "balanced": {"objective": "roc-auc", "cost": COSTS, "class_weights": "balanced"},
    "threshold": {"objective": "balanced-accuracy"},
}
SMALL: Final = {"configurations": 6, "repeats": 2, "max_repeats": 2, "calls": 0, "epochs": 20, "patience": 4, "top": 3}
PREDICTORS: Final = {"best configuration": "best", "best 3 together": "best three"}
DIFFERENCES: Final = (  # what is lower, or higher, than what
    ("log loss calibrated", "log loss"),
    ("calibration error calibrated", "calibration error"),
    ("cost by probabilities as they are", "cost of the likeliest class"),
    ("cost by calibrated probabilities", "cost of the likeliest class"),
    ("cost by calibrated probabilities", "cost by probabilities as they are"),
    ("cost by calibrated probabilities", "cost of the best constant"),
    ("balanced accuracy at the threshold", "balanced accuracy of the likeliest class"),
    ("validation log loss by temperature", "validation log loss"),
    ("validation log loss by temperature and shift", "validation log loss"),
    ("validation log loss by temperature and shift", "validation log loss by temperature"),
)

Figures = dict[str, float]
"""Name of a figure -> its value in one study."""


def main(words: Sequence[str]) -> int:
    """Run the studies and print their figures; return 2 and print the error if the user can fix it."""
    asked = parsed(parser(), words)
    console = Console(soft_wrap=True, highlight=False, emoji=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    numbers: dict[str, float] = {}
    try:
        for name in asked.studies:
            found = [one(name, asked.first + number, asked, console) for number in range(asked.splits)]
            console.print(table(name, found))
            numbers |= {f"decisions_{name}_{key}": value for key, value in summary(found).items()}
    except UserError as error:
        complain(error)
        return 2
    if asked.json:
        write_json(asked.json, numbers)
    return 0


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", default="../shared/data/online_shoppers.csv", help="the table")
    options.add_argument("--splits", type=int, default=10, help="number of splits, each with its own seed")
    options.add_argument("--first", type=int, default=0, help="seed of the first split; the others follow it")
    options.add_argument("--studies", nargs="+", choices=[*STUDIES], default=[*STUDIES], help="which studies to make")
    options.add_argument(
        "--settings",
        type=Path,
        default=Path("search_spaces/online_shoppers.settings.toml"),
        help="settings file of the studies, whose budget is made small",
    )
    options.add_argument("--folder", type=Path, default=Path("results/decisions"), help="folder for the studies")
    options.add_argument("--slots", default="cpu:1", help="workers")
    options.add_argument("--json", type=json_path, help="JSON file for all numbers: {name: value}")
    return options


def one(name: str, seed: int, asked: argparse.Namespace, console: Console) -> Figures:
    """The figures of a study: those that were written when it ended, or else of one that is run now."""
    written = asked.folder / f"{name}-{seed}.json"
    if written.exists():
        found: Figures = json.loads(written.read_text())
        return found
    options = {**SMALL, **STUDIES[name], "data": asked.data, "seed": seed, "slots": asked.slots}
    prepared = prepare(read(asked.settings, {**options, "study": asked.folder / f"{name}-{seed}"}))
    finished = launch(prepared, observe=lambda _: None, say=console.print, stop=lambda: False)
    found = figures(finished.contents.verdict)
    atomic.replace_text(written, json.dumps(found, indent=1))
    console.print(f"{name}, seed {seed}: done")
    return found


def figures(verdict: Verdict) -> Figures:
    """The figures of a finished study."""
    if verdict.deciding is None:
        raise UserError("The study decides nothing", hint="use a table of classes")
    found: Figures = {}
    predictors = {each.name: each for each in verdict.deciding.predictors}
    for name, short in PREDICTORS.items():
        if name in predictors:
            found |= {f"{short}: {key}": value for key, value in _of(predictors[name], verdict).items()}
    if verdict.deciding.constant:
        for short in PREDICTORS.values():
            found[f"{short}: cost of the best constant"] = verdict.deciding.constant[1][0]
    return found


def _of(predictor: Decided, verdict: Verdict) -> Figures:
    tested, fitted = predictor.tested, predictor.fitted
    found = {
        "log loss": tested.loss,
        "log loss calibrated": tested.calibrated_loss,
        "calibration error": tested.error,
        "calibration error calibrated": tested.calibrated_error,
        "temperature": predictor.decision.calibration.temperature if predictor.decision.calibration else 1.0,
        "calibrated at all": float(predictor.decision.calibration is not None),
    }
    if fitted is not None:
        found["validation log loss"] = fitted.loss
        found |= {f"validation log loss by {name}": loss for name, loss in fitted.fitted.items()}
    if tested.paid:
        found["cost of the likeliest class"] = tested.paid.likeliest[0]
        found["cost by calibrated probabilities"] = tested.paid.decided[0]
        found["cost by probabilities as they are"] = _paid_as_they_are(predictor, verdict)
    if tested.divided and predictor.decision.threshold is not None:
        found["threshold"] = predictor.decision.threshold
        found["balanced accuracy of the likeliest class"] = tested.divided.likeliest
        found["balanced accuracy at the threshold"] = tested.divided.fitted
    return found


def _paid_as_they_are(predictor: Decided, verdict: Verdict) -> float:
    """The mean cost of the least expected cost by the probabilities as the networks give them."""
    assert predictor.decision.costs is not None
    keys = {key for key, _, _ in predictor.networks}
    mean = np.concatenate([each.predictions for each in verdict.best if each.summary.key in keys]).mean(axis=0)
    chosen = Decision(predictor.decision.labels, costs=predictor.decision.costs).chosen(mean)
    paid = row_costs(predictor.decision.costs, verdict.measured[:, 0].astype(int), chosen)
    return float(np.average(paid, weights=verdict.weights))


def compared(found: Sequence[Figures]) -> dict[str, list[float]]:
    """The values of each figure, and of the differences, study by study; those that every study has."""
    names = [name for name in found[0] if all(name in each for each in found)]
    values = {name: [each[name] for each in found] for name in names}
    for short in PREDICTORS.values():
        for one_name, other in DIFFERENCES:
            pair = f"{short}: {one_name}", f"{short}: {other}"
            if all(name in values for name in pair):
                differences = [a - b for a, b in zip(values[pair[0]], values[pair[1]], strict=True)]
                values[f"{short}: {one_name}, minus {other}"] = differences
    return values


def table(name: str, found: Sequence[Figures]) -> Table:
    """A line for each figure: its mean over the splits with the 95 % interval."""
    shown = Table("figure", "mean and 95 % interval", title=f"{name}: {len(found)} splits of online_shoppers.csv")
    for each, values in compared(found).items():
        mean, _, low, high = interval(values)
        shown.add_row(each, with_bounds(mean, low, high, DIFFERENCE))
    return shown


def summary(found: Sequence[Figures]) -> dict[str, float]:
    """The means over the splits with their 95 % intervals, by name."""
    numbers: dict[str, float] = {}
    for each, values in compared(found).items():
        key = each.replace(": ", "_").replace(",", "").replace(" ", "_")
        mean, _, low, high = interval(values)
        numbers[key] = mean
        if low is not None and high is not None:
            numbers |= {f"{key}_low": low, f"{key}_high": high}
    return numbers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
