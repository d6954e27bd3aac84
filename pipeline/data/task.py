"""A regression task: which rows train, pick and test, how outputs are scaled, and how predictions are scored.

Workers import this module, so it needs nothing but numpy; what reads tables is imported where it is used.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline import files
from pipeline.errors import DamagedFile, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.data.preprocessing import Preprocessing, Scaler
    from pipeline.data.tables import Table

FORMAT: Final = 1
_PARTS: Final = ("train", "validation", "test")
_ARRAYS: Final = {"inputs": "<f4", "outputs": "<f4", "measured": "<f8", "weights": "<f4", "rows": "<i8"}


@dataclass(frozen=True, slots=True)
class Target:
    """The outputs and their affine scaling, one scale and offset each: scaled = (measured - offset) / scale."""

    names: tuple[str, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]

    def to_units(self, scaled: np.ndarray) -> np.ndarray:
        """Original units, float64, of scaled values `(..., outputs)`."""
        units: np.ndarray = np.asarray(scaled, dtype=np.float64) * np.asarray(self.scale) + np.asarray(self.offset)
        return units

    def to_scaled(self, units: np.ndarray) -> np.ndarray:
        """Scaled values, float64, of original units `(..., outputs)`."""
        scaled: np.ndarray = (np.asarray(units, dtype=np.float64) - np.asarray(self.offset)) / np.asarray(self.scale)
        return scaled


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some rows of the table, as a network reads them and as the user measured them; all arrays in the same order."""

    inputs: np.ndarray  # (n, features) float32
    outputs: np.ndarray  # (n, outputs) float32, scaled
    measured: np.ndarray  # (n, outputs) float64, original units
    weights: np.ndarray  # (n,) float32, 1 on average over the training rows; ones where none were given
    rows: np.ndarray  # (n,) int64, positions in the user's table, from 0


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The three disjoint parts of a table: training fits, validation picks, test is looked at once, at the end."""

    train: Part
    validation: Part
    test: Part
    target: Target
    features: tuple[str, ...]


def split(table: Table, *, validation: float, test: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The positions of the training, validation and test rows: disjoint, covering, each in a seeded random order.

    A part is a fraction below 1, or a whole number of rows. With group columns every combination of their values stays
    whole: fractions are then of the groups, and a number of rows is met as nearly as whole groups in random order can.
    The test rows do not depend on `validation`. UserError where a part would be empty.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    total = len(table.frame)
    groups = _group_of_each_row(table)
    sizes = np.ones(total, dtype=np.int64) if groups is None else np.bincount(groups)
    unit = "rows" if groups is None else "groups"
    if len(sizes) < 3:
        raise UserError(
            f"The table has {len(sizes)} {unit}",
            expected=f"at least 3 {unit}: one each to train, to validate and to test",
            todo="use more data" if groups is None else "use more data, or other group columns",
        )
    drawn = generator.permutation(len(sizes))
    tested = _count("test", test, sizes[drawn], len(sizes), total)
    validated = _count("validation", validation, sizes[drawn[tested:]], len(sizes), total)
    if tested + validated >= len(sizes) or (max(validation, test) < 1 <= validation + test):
        raise UserError(
            f"No {unit} are left for training",
            expected=f"validation and test parts that are smaller than the table of {total} rows together",
            came=f"validation = {validation:g}, test = {test:g}",
            todo="ask for smaller parts",
        )
    part = np.zeros(len(sizes), dtype=np.int8)
    part[drawn[:tested]] = 2
    part[drawn[tested : tested + validated]] = 1
    if groups is None:
        return drawn[tested + validated :], drawn[tested : tested + validated], drawn[:tested]
    order = generator.permutation(total)
    of_row = part[groups[order]]
    return order[of_row == 0], order[of_row == 1], order[of_row == 2]


def _group_of_each_row(table: Table) -> np.ndarray | None:
    if not table.columns.groups:
        return None
    frame = table.frame[list(table.columns.groups)]
    numbers: np.ndarray = frame.groupby(list(table.columns.groups), sort=False).ngroup().to_numpy(dtype=np.int64)
    return numbers


def _count(name: str, asked: float, following: np.ndarray, units: int, total: int) -> int:
    """How many of the `following` units, which have these numbers of rows, a part takes; at least one, if any."""
    if not asked > 0 or (asked >= 1 and asked != int(min(asked, total))):
        raise UserError(
            f"The {name} part cannot be {asked:g} rows",
            expected=f"a fraction between 0 and 1, or a whole number of rows below the {total} that there are",
            todo="correct it",
        )
    if asked < 1:
        return max(1, round(asked * units))
    return 1 + int(np.argmin(np.abs(np.cumsum(following) - asked))) if following.size else 0


def prepare(
    table: Table, *, validation: float, test: float, seed: int, input_scaler: Scaler, output_scaler: Scaler
) -> tuple[Rows, Preprocessing]:
    """Split the table and scale all parts by what the training rows alone teach.

    UserError for a part that would be empty or weighs nothing, and for a target that is constant on the training rows.
    """
    from pipeline.data import preprocessing

    positions = split(table, validation=validation, test=test, seed=seed)
    fitted = preprocessing.fit(
        table.frame.iloc[positions[0]], table.columns, input_scaler=input_scaler, output_scaler=output_scaler
    )
    weights = _weights(table, positions)
    train, validated, tested = (_part(table, fitted, weights, rows) for rows in positions)
    return Rows(train, validated, tested, fitted.target, fitted.features), fitted


def _weights(table: Table, positions: Sequence[np.ndarray]) -> np.ndarray:
    """One weight per row of the table, 1 on average over the training rows: a unit must not act as a learning rate."""
    if not table.columns.weight:
        return np.ones(len(table.frame), dtype=np.float32)
    given = table.frame[table.columns.weight].to_numpy(dtype=np.float64)
    for name, rows in zip(_PARTS, positions, strict=True):
        if not given[rows].sum() > 0:
            raise UserError(
                f"All {len(rows)} {name} rows have weight 0",
                expected="weights above 0 in every part",
                todo="make that part larger, or remove the rows without weight",
            )
    weights: np.ndarray = (given / given[positions[0]].mean()).astype(np.float32)
    return weights


def _part(table: Table, fitted: Preprocessing, weights: np.ndarray, rows: np.ndarray) -> Part:
    chosen = table.frame.iloc[rows]
    measured = chosen[list(table.columns.targets)].to_numpy(dtype=np.float64)
    return Part(
        inputs=np.ascontiguousarray(fitted.inputs(chosen)),
        outputs=np.ascontiguousarray(fitted.target.to_scaled(measured), dtype=np.float32),
        measured=np.ascontiguousarray(measured),
        weights=weights[rows],
        rows=rows.astype(np.int64),
    )


def objective(outputs: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    """The weighted mean over the rows of the mean absolute error over the outputs, in float64; lower is better.

    `outputs` and `predicted` are `(n, outputs)`, scaled; not finite where `predicted` is not.
    """
    errors = np.abs(_errors(outputs, predicted)).mean(axis=1)
    return float(np.average(errors, weights=np.asarray(weights, dtype=np.float64)))


def scores(
    measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray, names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """For each output, in original units and weighted by row: "mae", "rmse", "r2", "percent", "largest".

    "percent" is 100 times the mean absolute error over the mean absolute measurement (weighted MAPE, or MAD/mean ratio:
    Kolassa and Schuetz 2007, Foresight 6), which is defined where single measurements are 0. "r2" is scikit-learn's
    `r2_score`. Where all measurements of an output are equal (or, for "percent", 0), both say what perfect predictions
    have, 1 and 0, or else what useless ones have, 0 and 100. "largest" leaves out rows of weight 0.
    """
    errors = _errors(measured, predicted)
    used = np.asarray(weights, dtype=np.float64)
    return {
        name: _scores(np.asarray(measured[:, place], dtype=np.float64), errors[:, place], used)
        for place, name in enumerate(names)
    }


def _scores(measured: np.ndarray, errors: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    mae = float(np.average(np.abs(errors), weights=weights))
    mse = float(np.average(errors**2, weights=weights))
    variance = float(np.average((measured - np.average(measured, weights=weights)) ** 2, weights=weights))
    size = float(np.average(np.abs(measured), weights=weights))
    return {
        "mae": mae,
        "rmse": float(np.sqrt(mse)),
        "r2": 1.0 - mse / variance if variance else float(mse == 0.0),
        "percent": 100.0 * mae / size if size else 100.0 * float(mae != 0.0),
        "largest": float(np.abs(errors[weights > 0]).max()),
    }


def _errors(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    if measured.shape != predicted.shape:
        # (n, 1) minus (n,) is (n, n) to numpy, and a score of nothing.
        raise ValueError(f"{measured.shape} outputs cannot be compared with {predicted.shape} predictions")
    return np.asarray(predicted, dtype=np.float64) - np.asarray(measured, dtype=np.float64)


def save(rows: Rows, path: Path) -> str:
    """Write the rows as .npz, whole or not at all, and return its SHA-256; equal rows give equal bytes."""
    about = {"format": FORMAT, "target": list(rows.target.names), "features": list(rows.features)}
    arrays = {
        "about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
        "scale": np.asarray(rows.target.scale, dtype="<f8"),
        "offset": np.asarray(rows.target.offset, dtype="<f8"),
    }
    for part in _PARTS:
        for name, kind in _ARRAYS.items():
            arrays[f"{part}_{name}"] = np.ascontiguousarray(getattr(getattr(rows, part), name), dtype=kind)
    return files.replace(path, _npz(arrays))


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getbuffer())  # dated 1980, so bytes are equal
    return buffer.getvalue()


def load(path: Path) -> Rows:
    """Read back, bit by bit, what `save` wrote; DamagedFile for everything else. Nothing in the file is executed."""
    try:
        arrays = _arrays(path)
        about = json.loads(arrays["about"].tobytes())
        features, names = tuple(map(str, about["features"])), tuple(map(str, about["target"]))
        target = Target(names, tuple(arrays["scale"].tolist()), tuple(arrays["offset"].tolist()))
        train, validated, tested = (
            _loaded({name: arrays[f"{part}_{name}"] for name in _ARRAYS}, len(features), len(names)) for part in _PARTS
        )
        _check(about["format"] == FORMAT, f"format {about['format']} instead of {FORMAT}")
        _check(arrays["scale"].shape == arrays["offset"].shape == (len(names),), "scales do not belong to the outputs")
    except (OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
        raise DamagedFile(
            f"{path} cannot be read",
            expected="the split and scaled rows of a study",
            came=str(error) or type(error).__name__,
            todo="remove it and run the study again: it is made anew from the data",
        ) from error
    return Rows(train, validated, tested, target, features)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
            for name in archive.namelist()
        }


def _loaded(arrays: dict[str, np.ndarray], features: int, outputs: int) -> Part:
    width = {"inputs": (features,), "outputs": (outputs,), "measured": (outputs,)}
    for name, kind in _ARRAYS.items():
        array, shape = arrays[name], (len(arrays["rows"]), *width.get(name, ()))
        _check(array.dtype == np.dtype(kind) and array.shape == shape, f"{name} is {array.dtype} {array.shape}")
    return Part(**arrays)


def _check(good: bool, otherwise: str) -> None:
    if not good:
        raise ValueError(otherwise)
