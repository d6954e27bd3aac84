"""A drain current over many decades, with zeros: what transforms of the target do to errors in decades and in amperes.

The currents are those of a compact model of a transistor (Enz, Krummenacher and Vittoz 1995,
doi:10.1007/BF01239381): forward and reverse inversion, the length, and the resolution of the meter, below which it says
0. Plan: the same rows, space and trainings for each transform, over several splits; scores of test rows of the
recommended configuration, means over its trainings; nothing is chosen by them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `scripts` is a folder of the checkout, not installed

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from pipeline.cli.console import PLAIN_WIDTH, complain
from pipeline.cli.outputs import write_json
from pipeline.errors import UserError
from pipeline.ranking.statistics import Range, interval
from pipeline.report.wording import with_bounds
from pipeline.run.launch import launch
from pipeline.run.prepare import prepare
from pipeline.settings import read
from scripts.asked import json_path, parsed

METER = 1e-13  # amperes below which the meter says 0
THERMAL, SLOPE, THRESHOLD, CURRENT = 0.02585, 1.3, 0.35, 2e-6  # volts, 1, volts, amperes for a square
TRANSFORMS = ("none", "log", "log1p", "asinh", "yeo-johnson", "quantile", "auto")
SPACE = """
hidden_layers = 2
units = { type = "integer", low = 16, high = 64, per = "hidden_layers" }
learning_rate = { type = "real", low = 1e-3, high = 2e-2, scale = "log" }
activation = { type = "choice", values = ["tanh", "swish"] }
schedule = "cosine"
"""
DECADES = "decades"  # mean absolute error of the logarithm, of rows in which the meter says something
AMPERES = "amperes"  # root of the mean squared error
WITHIN = "within 10 %"  # share of these rows


def main(words: Sequence[str]) -> int:
    """Run the studies and print the errors; return 2 and print the error if the user can fix it."""
    asked = parsed(parser(), words)
    console = Console(soft_wrap=True, highlight=False, emoji=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    found: dict[str, list[dict[str, float]]] = {}
    try:
        asked.study.mkdir(parents=True, exist_ok=True)
        data, space = asked.study / "currents.csv", asked.study / "space.toml"
        measured(asked.rows).to_csv(data, index=False)
        space.write_text(SPACE)
        for kind in TRANSFORMS:
            for seed in range(asked.splits):
                try:
                    found.setdefault(kind, []).append(one(asked, data, space, kind, seed))
                except UserError as error:
                    if "cannot be transformed" not in str(error):
                        raise
                    console.print(f"{kind}: refused: {' '.join(str(error).split())}")
                    found.pop(kind)
                    break
    except UserError as error:
        complain(error)
        return 2
    console.print(table(found))
    if asked.json:
        write_json(asked.json, figures(found))
    return 0


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=2000, help="rows of the table")
    options.add_argument("--splits", type=int, default=5, help="number of splits, each with its own seed")
    options.add_argument("--epochs", type=int, default=150, help="epochs of a training")
    options.add_argument("--study", type=Path, default=Path("results/decades"), help="folder for table and studies")
    options.add_argument("--slots", default="auto", help="workers")
    options.add_argument("--json", type=json_path, help="JSON file for all numbers: {name: value}")
    return options


def measured(rows: int) -> pd.DataFrame:
    """Drain currents Id in amperes at voltages vg and vd and a length in micrometres; always the same for `rows`."""
    rng = np.random.default_rng(0)
    vg, vd, length = rng.uniform(-0.4, 1.2, rows), rng.uniform(0, 1.2, rows), rng.uniform(0.1, 1.0, rows)
    pinch = (vg - THRESHOLD) / SLOPE

    def inversion(voltage: np.ndarray) -> np.ndarray:
        return np.asarray(np.log1p(np.exp((pinch - voltage) / (2 * THERMAL))) ** 2)

    current = CURRENT / length * (inversion(np.zeros(rows)) - inversion(vd)) * (1 + 0.1 * vd / length)
    current *= np.exp(rng.normal(0, 0.01, rows))  # one per cent of noise
    return pd.DataFrame({"vg": vg, "vd": vd, "length": length, "Id": np.where(current < METER, 0.0, current)})


def one(asked: argparse.Namespace, data: Path, space: Path, kind: str, seed: int) -> dict[str, float]:
    """One study: the errors on its test rows."""
    settings = {
        "data": str(data),
        "target": "Id",
        "space": space,
        "study": asked.study / f"{kind}-{seed}",
        "target_transform": kind,
        "seed": seed,
        "epochs": asked.epochs,
        "configurations": 6,
        "calls": 2,
        "elite": 2,
        "top": 1,
        "slots": asked.slots,
    }
    prepared = prepare(read(None, settings))
    finished = launch(prepared, observe=lambda _: None, say=print, stop=lambda: False)
    best, verdict = finished.contents.verdict.best[0], finished.contents.verdict
    return errors(verdict.measured[:, 0], best.predictions[:, :, 0])


def errors(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Means over the networks (networks, rows) of three errors of currents (rows,)."""
    there = truth > 0
    said = predicted[:, there]
    decades = np.abs(np.log10(np.maximum(said, METER)) - np.log10(truth[there]))
    return {
        DECADES: float(decades.mean()),
        AMPERES: float(np.sqrt(((predicted - truth) ** 2).mean(axis=1)).mean()),
        WITHIN: float((np.abs(said - truth[there]) <= 0.1 * truth[there]).mean()),
    }


def table(found: Mapping[str, Sequence[Mapping[str, float]]]) -> Table:
    """The errors of each transform: means over the splits with their 95 % intervals."""
    shown = Table("transform", "error in decades", "RMSE in amperes", "share within 10 %")
    for kind, splits in found.items():
        cells = []
        for name in (DECADES, AMPERES, WITHIN):
            mean, _, low, high = interval([split[name] for split in splits])
            cells.append(with_bounds(mean, low, high, Range(low=0.0)))
        shown.add_row(kind, *cells)
    return shown


def figures(found: Mapping[str, Sequence[Mapping[str, float]]]) -> dict[str, float]:
    """Every number by name."""
    return {
        f"{kind}.{seed}.{name}": value
        for kind, splits in found.items()
        for seed, split in enumerate(splits)
        for name, value in split.items()
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
