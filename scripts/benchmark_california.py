"""What studies of a given number of minutes reach on california_housing.csv, over several splits."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `scripts` is a folder of the checkout, not installed

from rich.console import Console
from rich.table import Table

from pipeline.analysis.ensemble import GREEDY, MEAN
from pipeline.cli.console import PLAIN_WIDTH, complain
from pipeline.cli.outputs import write_json
from pipeline.errors import UserError
from pipeline.ranking.statistics import OBJECTIVE, interval
from pipeline.run.events import Asked, Event
from pipeline.run.launch import Finished, launch
from pipeline.run.prepare import prepare
from pipeline.settings import read
from scripts.asked import json_path, parsed

PUBLISHED = 0.4985  # test RMSE of a tuned perceptron, 100 trials: Gorishniy et al. 2021, arXiv:2106.11959, +- 0.003
AIM = 0.50
SEARCHING = 0.9  # part of the minutes in which something new is tried; the rest trains out, tests and draws
OUTSIDE = 0.2  # fraction of stage 2 that may pass outside of training


@dataclass(slots=True)
class Watch:
    """Measures the idle time of stage 2: from the end of each answer to the next question nothing trains."""

    outside: float = 0.0
    began: float | None = None
    last: float = 0.0
    trainings: int = 0

    def __call__(self, event: Event) -> None:
        """Record an event."""
        now = time.monotonic()
        if isinstance(event, Asked):
            if event.stage == "refine":
                if self.began is None:
                    self.began = self.last or now
                self.outside += now - (self.last or now)
        else:
            self.trainings += 1
        self.last = now

    @property
    def share(self) -> float:
        """The fraction of stage 2 outside of training; NaN without a stage 2."""
        return self.outside / (self.last - self.began) if self.began is not None else float("nan")


@dataclass(frozen=True, slots=True)
class Split:
    """The result of one split, in original units of the target."""

    seed: int
    rmse: float  # of the recommended configuration, mean over its repeats
    ensemble: float  # RMSE of the mean of all networks of the top configurations
    greedy: float  # RMSE of the greedy selection among them
    default: float  # RMSE of the default network, mean over its repeats
    configurations: int
    trainings: int
    minutes: float
    outside: float  # fraction of stage 2


def main(words: Sequence[str]) -> int:
    """Run the splits and print them; return 2 and print the error if the user can fix it."""
    asked = parsed(parser(), words)
    console = Console(soft_wrap=True, highlight=False, emoji=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    try:
        splits = [one(asked.first + number, asked, console) for number in range(asked.splits)]
    except UserError as error:
        complain(error)
        return 2
    console.print(table(splits))
    if asked.json:
        write_json(asked.json, figures(splits))
    return 0


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", default="../shared/data/california_housing.csv", help="the table")
    options.add_argument("--splits", type=int, default=3, help="number of splits, each with its own seed")
    options.add_argument("--first", type=int, default=0, help="seed of the first split; the others follow it")
    options.add_argument("--minutes", type=float, default=25.0, help="minutes for each study")
    options.add_argument(
        "--settings",
        type=Path,
        default=Path("search_spaces/california.settings.toml"),
        help="settings file of the studies",
    )
    options.add_argument(
        "--study", type=Path, default=Path("results/california"), help="folder for the studies, one for each split"
    )
    options.add_argument("--slots", default="auto", help="workers")
    options.add_argument("--json", type=json_path, help="JSON file for all numbers: {name: value}")
    return options


def one(seed: int, asked: argparse.Namespace, console: Console) -> Split:
    """One study on one split."""
    options = {
        "data": asked.data,
        "study": asked.study / f"split-{seed}",
        "seed": seed,
        "seconds": SEARCHING * 60 * asked.minutes,
        "slots": asked.slots,
    }
    watch, began = Watch(), time.monotonic()
    prepared = prepare(read(asked.settings, options))
    finished = launch(prepared, observe=watch, say=console.print, stop=lambda: False)
    found = judged(seed, finished, watch, (time.monotonic() - began) / 60)
    console.print(
        f"split {seed}: RMSE {found.rmse:.4f}, ensemble {found.ensemble:.4f}, greedy {found.greedy:.4f},"
        f" {found.trainings} trainings"
    )
    return found


def judged(seed: int, finished: Finished, watch: Watch, minutes: float) -> Split:
    """The figures of a finished study."""
    verdict = finished.contents.verdict
    if not verdict.best or verdict.default is None:
        raise UserError("No configuration was trained without a failure", hint="give it more --minutes")
    (name,) = verdict.outputs
    alone = verdict.best[0].scores[name]["rmse"]
    together = {each.name: each.scores[name]["rmse"] for each in verdict.ensembles}
    return Split(
        seed=seed,
        rmse=alone,
        ensemble=together.get(MEAN, alone),  # a single network is no ensemble
        greedy=together.get(GREEDY, alone),
        default=verdict.default.scores[name]["rmse"],
        configurations=len(finished.contents.ranking),
        trainings=watch.trainings,
        minutes=minutes,
        outside=watch.share,
    )


def table(splits: Sequence[Split]) -> Table:
    """A line for each split, and their mean with the published value."""
    shown = Table(
        "split", "RMSE", "ensemble", "greedy", "default network", "configurations", "trainings", "minutes",
        "not training",
        title=f"california_housing.csv, test rows; published {PUBLISHED} +- 0.003, to reach {AIM:.2f}",
    )  # fmt: skip
    for each in splits:
        shown.add_row(
            str(each.seed), f"{each.rmse:.4f}", f"{each.ensemble:.4f}", f"{each.greedy:.4f}", f"{each.default:.4f}",
            str(each.configurations), str(each.trainings), f"{each.minutes:.1f}", f"{each.outside:.1%}",
        )  # fmt: skip
    values = [[getattr(each, name) for each in splits] for name in ("rmse", "ensemble", "greedy", "default")]
    shown.add_row("mean", *(f"{statistics.fmean(each):.4f}" for each in values))
    return shown


def figures(splits: Sequence[Split]) -> dict[str, float]:
    """The figures of each split, and means over the splits with their 95 % intervals."""
    numbers: dict[str, float] = {}
    for name in ("rmse", "ensemble", "greedy", "default", "minutes", "outside"):
        numbers |= {f"california_{name}_of_split_{each.seed}": getattr(each, name) for each in splits}
        mean, _, *ends = interval([getattr(each, name) for each in splits])
        _, low, high = OBJECTIVE.cut(mean, *ends)  # all of these are from 0 on
        numbers[f"california_{name}"] = mean
        if low is not None and high is not None:
            numbers |= {f"california_{name}_low": low, f"california_{name}_high": high}
    return numbers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
