"""The published splits of California Housing and diamonds: a table with the column `part`, for --split.

Nearly all published results on these tables are on one split (Gorishniy et al. 2022, arXiv:2203.05556; the code is in
yandex-research/rtdl-num-embeddings, bin/datasets.py): row numbers divided by scikit-learn's `train_test_split`, a fifth
for the test (seed 0), and a fifth of the rest for validation (seed 1). It depends on the order of the rows, so it is
checked: reports of published runs have the RMSE and R² of each part, from which the variance of the target in it
follows. The table is written if sizes and variances agree; else the exit code is 1.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `scripts` is a folder of the checkout, not installed

from pipeline.cli.console import complain
from pipeline.cli.outputs import check_file
from pipeline.errors import UserError
from pipeline.storage import atomic
from scripts.asked import parsed

DATA: Final = Path("../shared/data")
COLUMN: Final = "part"
PARTS: Final = ("train", "validation", "test")
CLOSE: Final = 1e-6  # relative: published targets are float32, and one row in another part changes more


@dataclass(frozen=True, slots=True)
class Published:
    """What is published of a split."""

    file: str  # what the table is called
    target: str
    sizes: tuple[int, int, int]  # rows of each of the parts
    scores: tuple[tuple[float, float], ...]  # RMSE and R² of one run, of each of the parts
    standardised: bool  # the target is divided by its standard deviation over all rows
    source: str

    @property
    def variances(self) -> tuple[float, ...]:
        """The variance of the target in each of the parts: R² is 1 - RMSE² / variance."""
        return tuple(rmse**2 / (1 - explained) for rmse, explained in self.scores)


_REPORT: Final = "yandex-research/tabular-dl-tabr@ee299eb, exp/mlp/{}/0-evaluation/0/report.json"
SPLITS: Final[Mapping[str, Published]] = {
    "california": Published(
        "california_housing.csv",
        "MedHouseVal",
        (13_209, 3_303, 4_128),
        (
            (0.4158455233015889, 0.8716174081199529),
            (0.48920862940556253, 0.8164501483076873),
            (0.4999578930532786, 0.8083078843109198),
        ),
        standardised=False,
        source=_REPORT.format("california"),
    ),
    "diamonds": Published(
        "diamonds.csv",
        "price",
        (34_521, 8_631, 10_788),
        (
            (0.11809446749031671, 0.9859878506904863),
            (0.13835633893357516, 0.981301129106108),
            (0.14056410383079512, 0.9801623914015029),
        ),
        standardised=True,
        source=_REPORT.format("diamond"),
    ),
}


def main(words: Sequence[str]) -> int:
    """Check and write the table; return 1 if the split is not the published one, 2 for what the user can fix."""
    asked = parsed(parser(), words)
    published = SPLITS[asked.table]
    source = asked.data or DATA / published.file
    try:
        check_file(asked.output, (".csv",), (source,))
        header, rows, target = read(source, published)
        parts = parts_of(len(rows))
        same = compare(published, target, parts)
        if same:
            divided = [[*row, part] for row, part in zip(rows, parts, strict=True)]
            atomic.replace_text(asked.output, text([*header, COLUMN], divided))
    except UserError as error:
        complain(error)
        return 2
    if not same:
        print(f"Not the published split: other rows, or the same in another order. {asked.output} is not written.")
        return 1
    print(f"Written: {asked.output}. Take it with --data {asked.output} --target {published.target} --split {COLUMN}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("table", choices=SPLITS, help="whose split")
    options.add_argument("--data", type=Path, help=f"the table, its rows in their first order (default: in {DATA})")
    options.add_argument("--output", type=Path, required=True, help="CSV file for the table with its parts")
    return options


def read(source: Path, published: Published) -> tuple[list[str], list[list[str]], np.ndarray]:
    """The header and the rows of a CSV file, every cell as it is written, and the target (rows,) as numbers."""
    try:
        with source.open(newline="", encoding="utf-8-sig") as file:
            header, *rows = csv.reader(file)
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(
            f"{source} cannot be read",
            expected=f"the table {published.file}",
            got=str(error),
            hint="name it with --data",
        ) from error
    if published.target not in header or COLUMN in header:
        raise UserError(
            f"{source} is not the table {published.file}",
            expected=f"a column {published.target}, and none called {COLUMN}",
            got=", ".join(header),
            hint="name it with --data",
        )
    place = header.index(published.target)
    try:
        return header, rows, np.array([float(row[place]) for row in rows])
    except (ValueError, IndexError) as error:
        raise UserError(
            f"{source} has a row without {published.target}", got=str(error), hint="take the table as it was published"
        ) from error


def parts_of(count: int) -> list[str]:
    """The part of each of so many rows, as the published code divides them."""
    parts = np.full(count, PARTS[0], dtype=object)
    rest = np.arange(count)
    for seed, part in ((0, "test"), (1, "validation")):
        shuffled = np.random.RandomState(seed).permutation(len(rest))
        held = -(-len(rest) // 5)
        parts[rest[shuffled[:held]]] = part
        rest = rest[shuffled[held:]]
    return [str(part) for part in parts]


def compare(published: Published, values: np.ndarray, parts: Sequence[str]) -> bool:
    """Print sizes and variances beside the published ones, and say whether all of them agree."""
    of_row = np.array(parts)
    unit = float(values.std()) if published.standardised else 1.0
    what = f"{published.target} / {unit:.7g}" if published.standardised else published.target
    print(f"{published.file}, variance of {what}; published: {published.source}")
    print(f"{'part':<12}{'rows':>8}{'published':>11}{'variance':>14}{'published':>14}{'difference':>12}")
    same = True
    for part, size, variance in zip(PARTS, published.sizes, published.variances, strict=True):
        own = values[of_row == part] / unit
        apart = abs(float(own.var()) / variance - 1)
        print(f"{part:<12}{len(own):>8}{size:>11}{own.var():>14.9f}{variance:>14.9f}{apart:>12.1e}")
        same = same and len(own) == size and apart < CLOSE
    return same


def text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table as CSV."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return written.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
