"""The plan of a benchmark: the tables, the contestants on each, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline.data import tables
from pipeline.data.rows import Part, Rows, prepare_rows, save_rows
from scripts.benchmark.contestants import Case
from scripts.benchmark.process import ROOT

CALIFORNIA: Final = ROOT.parent / "shared" / "data" / "california_housing.csv"
PLACES: Final = (2, 5, 20, 100)
WIDTHS: Final = (64, 128, 256)
UNEQUAL: Final = (48, 160, 208, 304, 224, 96)  # of a space of up to 512 units
LENGTHS: Final = (250, 1000, 4000)  # training rows, besides all 13,000
TUNED: Final = ("jit", "epoch", "epoch jit")


@dataclass(frozen=True, slots=True)
class Data:
    """A table, and its rows as trainings get them."""

    name: str
    note: str
    settings: Mapping[str, Any]
    file: Path
    rows: Rows


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    rounds: int  # of all contestants in turn
    seconds: float  # of a contestant in a round, if longer
    least: Mapping[str, int]  # epochs, so that the fixed cost of a call of `fit` is spread as in a real training
    pictures: bool  # also the peers at other numbers of rows and units, and this engine with every number of places
    epochs: Mapping[str, int]  # most epochs of a training of a whole search
    patience: int
    budget: float  # seconds after which a peer begins no other configuration of a whole search
    peer_repeats: int  # repeats, of 5, that a peer trains of a configuration
    searches: int  # runs of this pipeline's search
    trainings: int  # of the comparison of two workers with one
    worker_rounds: int


FULL: Final = Sizes(
    7, 1.0, {"diabetes": 20, "california": 3}, True, {"diabetes": 100, "california": 30}, 10, 300.0, 5, 3, 160, 5
)
QUICK: Final = Sizes(
    3, 0.25, {"diabetes": 10, "california": 1}, False, {"diabetes": 25, "california": 3}, 10, 0.0, 1, 1, 16, 3
)


def data(folder: Path) -> dict[str, Data]:
    """Diabetes and California, split and scaled, their rows in files of the folder."""
    shares = {"validation": 0.2, "test": 0.2}
    diabetes = {"data": "builtin:diabetes", "target": ("target",), **shares}
    source, note = str(CALIFORNIA), CALIFORNIA.name
    if not CALIFORNIA.exists():
        source, note = str(folder / "synthetic.csv"), f"{CALIFORNIA} is absent: a synthetic table of its size"
        _synthetic().to_csv(source, index=False)
    parts = {"validation": 3820, "test": 3820}  # which leaves 13,000 to train on
    california = {"data": source, "target": ("MedHouseVal",), **parts}
    return {
        "diabetes": _data(folder, "diabetes", "scikit-learn's diabetes data", diabetes),
        "california": _data(folder, "california", note, california),
    }


def _data(folder: Path, name: str, note: str, settings: dict[str, Any]) -> Data:
    table = tables.read(settings["data"], targets=settings["target"])
    rows, _ = prepare_rows(
        table,
        validation=settings["validation"],
        test=settings["test"],
        seed=0,
        input_scaler="standard",
        output_scaler="standard",
    )
    about = f"{note}: {len(rows.train.rows)} rows to train, {len(rows.validation.rows)} to validate"
    return Data(name, f"{about}, {len(rows.features)} inputs", settings, saved(rows, folder / f"{name}.npz"), rows)


def saved(rows: Rows, file: Path) -> Path:
    """The file, with the rows in it."""
    save_rows(rows, file)
    return file.resolve()


def shortened(rows: Rows, count: int) -> Rows:
    """The first `count` training rows, and validation rows in proportion."""
    held = max(1, round(count * len(rows.validation.rows) / len(rows.train.rows)))
    return replace(rows, train=_first(rows.train, count), validation=_first(rows.validation, held))


def _first(part: Part, count: int) -> Part:
    return Part(
        part.inputs[:count], part.outputs[:count], part.measured[:count], part.weights[:count], part.rows[:count]
    )


def _synthetic() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((20640, 8))
    measured = np.tanh(inputs[:, 0] * inputs[:, 1]) + 0.5 * inputs[:, 2] ** 2 + 0.3 * rng.standard_normal(20640)
    return pd.DataFrame({**{f"x{column}": inputs[:, column] for column in range(8)}, "MedHouseVal": measured})


def cases(given: Data, sizes: Sizes, folder: Path) -> Iterator[tuple[str, Case]]:
    """The contestants on a table, each under the first part of its figures' names."""
    name, file = given.name, str(given.file)
    places = PLACES if sizes.pictures else PLACES[2:3] if name == "diabetes" else ()
    yield f"{name}_engine", Case("engine", file)
    yield f"{name}_keras", Case("keras", file)
    for count in places:
        yield f"{name}_engine_{count}_places", Case("engine", file, places=count)
    yield f"{name}_sklearn", Case("sklearn", file)
    yield f"{name}_torch", Case("torch", file)
    if name == "diabetes" and not sizes.pictures:
        return
    for variant in TUNED if sizes.pictures else TUNED[1:2]:
        yield f"{name}_keras_tuned_{variant.replace(' ', '_')}", Case("keras", file, variant=variant)
    yield f"{name}_dropout_engine", Case("engine", file, dropout=0.2)
    yield f"{name}_dropout_keras", Case("keras", file, dropout=0.2)
    if name == "california":
        yield "product_numpy", Case("product", variant="numpy")
        yield "product_tensorflow", Case("product", variant="tensorflow")
        yield from _larger_and_smaller(given, sizes, folder)


def wide(given: Data) -> dict[str, Case]:
    """A deep network of unequal layers, unchanged and padded to the widest of its space."""
    return {
        f"wide_{variant}": Case("engine", str(given.file), UNEQUAL, variant=variant, places=1)
        for variant in ("own", "padded")
    }


def _larger_and_smaller(given: Data, sizes: Sizes, folder: Path) -> Iterator[tuple[str, Case]]:
    libraries = ("engine", "keras", "sklearn", "torch") if sizes.pictures else ("engine",)
    for width in WIDTHS[1:]:
        for library in libraries:
            yield f"california_{width}_units_{library}", Case(library, str(given.file), (width, width))
    for count in LENGTHS if sizes.pictures else ():
        file = saved(shortened(given.rows, count), folder / f"california_{count}.npz")
        for library in libraries:
            yield f"california_{count}_rows_{library}", Case(library, str(file))
