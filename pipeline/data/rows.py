"""The rows of a study: training, validation and test rows, both scaled for networks and in original units.

Workers import this module, so it needs only numpy; modules that read tables are imported where they are used. What the
outputs are and how predictions are scored is defined in `pipeline.tasks`.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline import tasks
from pipeline.data.given_split import check_classes
from pipeline.data.splits import fold, split
from pipeline.errors import DamagedFile, UserError
from pipeline.storage import atomic, untrusted
from pipeline.tasks import NOTHING_ASKED, Asked, Target, with_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.data.preprocessing import InputScaler, Preprocessing, Scaler
    from pipeline.data.tables import Table

FORMAT: Final = 2  # 1 had only regression; every run writes the file anew
_HINT: Final = "delete it and run the study again: it is written anew from the data"
_LARGEST: Final = 1 << 40  # bytes of a file of rows, which is mapped nowhere and read in part
_ABOUT: Final = 64 << 20  # bytes of the description in it: the names of all features
_BROKEN: Final = (
    untrusted.Damage,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
)
_PARTS: Final = ("train", "validation", "test")
_ARRAYS: Final = {"inputs": "<f4", "outputs": "<f4", "measured": "<f8", "weights": "<f4", "rows": "<i8"}


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some rows of the table, both as a network reads them and in original units; all arrays have the same order."""

    inputs: np.ndarray  # (n, features) float32
    outputs: np.ndarray  # (n, outputs) float32, scaled
    measured: np.ndarray  # (n, columns) float64, original units, or positions of classes
    weights: np.ndarray  # (n,) float32, 1 on average over the training rows; ones if the user gave none
    rows: np.ndarray  # (n,) int64, positions in the user's table, from 0; see `part_files.Files` for one in several


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The three disjoint parts of a table: training rows, validation rows to choose by, and test rows for the end."""

    train: Part
    validation: Part
    test: Part
    target: Target
    features: tuple[str, ...]


def prepare_rows(
    table: Table,
    *,
    validation: float,
    test: float,
    seed: int,
    input_scaler: InputScaler,
    output_scaler: Scaler,
    loss: str = "auto",
    class_weights: str = "none",
    folds: int = 0,
    index: int = 0,
    asked: Asked = NOTHING_ASKED,
) -> tuple[Rows, Preprocessing]:
    """Split the table and scale all parts with preprocessing that is fitted to the training rows alone.

    With `folds`, training and validation rows are those of the repeat `index`; see `splits.fold`. Without, all repeats
    have the same rows. `asked` are the user's options of the target. Class weights apply to the training rows only;
    validation and test scores do not use them.

    Raise UserError for a part that would be empty or has no weight, and for a target that is constant on the training
    rows, and for a number so large that it is not finite once it is scaled: of the cell that is to blame.
    """
    from pipeline.data import preprocessing, too_large

    task = with_options(tasks.load(table.task), asked)
    if task.check_rows is not None:
        task.check_rows(targets_of(table), [table.files.called(row) for row in table.frame.index])
    if folds:
        positions = fold(table, folds=folds, index=index, validation=validation, test=test, seed=seed)
    else:
        positions = split(table, validation=validation, test=test, seed=seed)
    if table.split is not None and task.targets == "texts":
        check_classes(table.split, table.frame[table.columns.targets[0]].to_numpy(), positions[0])
    weights = _weights(table, positions)
    too_large.check_targets(table)
    fitted = preprocessing.fit(
        table.frame.iloc[positions[0]],
        table.columns,
        input_scaler=input_scaler,
        target=task.fit(
            targets_of(table, positions[0]), weights[positions[0]], output_scaler, task.loss(loss, targets_of(table))
        ),
        called=table.files.called,
    )
    train, validated, tested = (_part(table, fitted, weights, rows) for rows in positions)
    weighed = replace(train, weights=task.weigh(train.measured, train.weights, class_weights))
    return Rows(weighed, validated, tested, fitted.target, fitted.features), fitted


def targets_of(table: Table, rows: np.ndarray | slice = slice(None)) -> dict[str, np.ndarray]:
    """The target columns of some rows."""
    return {name: table.frame[name].to_numpy()[rows] for name in table.columns.targets}


def _weights(table: Table, positions: Sequence[np.ndarray]) -> np.ndarray:
    """Weights of all rows, 1 on average over the training rows: their unit must not change the learning rate."""
    if not table.columns.weight:
        return np.ones(len(table.frame), dtype=np.float32)
    from pipeline.data import too_large

    given = table.frame[table.columns.weight].to_numpy(dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        weights: np.ndarray = (given / (given[positions[0]].mean() or 1.0)).astype(np.float32)
    too_large.check_weights(table, given, weights, positions)
    for name, rows in zip(_PARTS, positions, strict=True):
        if not weights[rows].sum() > 0:  # as float32, in which the smallest of them are 0
            raise UserError(
                f"All {len(rows)} {name} rows have weight 0",
                expected="weights above 0 in every part",
                hint="make that part larger, or remove the rows without weight"
                if table.split is None
                else f"correct the split of {table.split.source}, or the weights",
            )
    return weights


def _part(table: Table, fitted: Preprocessing, weights: np.ndarray, rows: np.ndarray) -> Part:
    from pipeline.data import too_large

    chosen = table.frame.iloc[rows]
    measured = fitted.target.measured(targets_of(table, rows))
    with np.errstate(over="ignore"):
        outputs = np.ascontiguousarray(fitted.target.to_scaled(measured), dtype=np.float32)
    too_large.check_outputs(outputs, measured, fitted.target, lambda place: table.files.called(chosen.index[place]))
    return Part(
        inputs=np.ascontiguousarray(fitted.inputs(chosen, chosen.index.to_numpy(), table.files.called)),
        outputs=outputs,
        measured=np.ascontiguousarray(measured),
        weights=weights[rows],
        rows=chosen.index.to_numpy(dtype=np.int64),
    )


def rows_file(path: Path, folds: int, index: int) -> Path:
    """The file with the rows of a repeat: one file for all repeats, or with folds one for each, beside it."""
    return path.with_name(f"{path.stem}-{index:03d}{path.suffix}") if folds else path


def save_rows(rows: Rows, path: Path) -> str:
    """Write the rows as .npz, completely or not at all, and return its SHA-256; equal rows give equal bytes."""
    about = {"format": FORMAT, "target": rows.target.describe(), "features": list(rows.features)}
    arrays = {"about": np.frombuffer(json.dumps(about, allow_nan=False).encode(), dtype=np.uint8)}
    for part in _PARTS:
        for name, kind in _ARRAYS.items():
            arrays[f"{part}_{name}"] = np.ascontiguousarray(getattr(getattr(rows, part), name), dtype=kind)
    return atomic.replace(path, _npz(arrays))


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getbuffer())  # dated 1980, so bytes are equal
    return buffer.getvalue()


def load_rows(path: Path) -> Rows:
    """Read back, bit by bit, what `save_rows` wrote. Raise DamagedFile for anything else. Nothing is executed."""
    with _damage(path):
        arrays = _arrays(path)
        target, features = _about(arrays["about"])
        train, validated, tested = (
            _loaded({name: arrays[f"{part}_{name}"] for name in _ARRAYS}, len(features), target) for part in _PARTS
        )
    return Rows(train, validated, tested, target, features)


def load_about(path: Path) -> tuple[Target, tuple[str, ...]]:
    """The target and the features of rows that `save_rows` wrote; the rows are not read, and the file may be anybody's.

    Raise DamagedFile for anything else.
    """
    with untrusted.opened(path, _LARGEST, _HINT) as file, _damage(path), zipfile.ZipFile(file) as archive:
        _check(archive.getinfo("about.npy").file_size <= _ABOUT, "its description is too large")
        return _about(untrusted.array(archive.read("about.npy"), "|u1"))


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Make a DamagedFile of whatever a library says of a file that is not rows."""
    try:
        yield
    except UserError:
        raise
    except _BROKEN as error:
        raise DamagedFile(
            f"{path} cannot be read",
            expected="the split and scaled rows of a study",
            got=str(error) or type(error).__name__,
            hint=_HINT,
        ) from error


def _about(content: np.ndarray) -> tuple[Target, tuple[str, ...]]:
    about = json.loads(content.tobytes())
    _check(about["format"] == FORMAT, f"format {about['format']} instead of {FORMAT}")
    return tasks.restore(about["target"]), tuple(map(str, about["features"]))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
            for name in archive.namelist()
        }


def _loaded(arrays: dict[str, np.ndarray], features: int, target: Target) -> Part:
    width = {"inputs": (features,), "outputs": (target.outputs,), "measured": (len(target.names),)}
    for name, kind in _ARRAYS.items():
        array, shape = arrays[name], (len(arrays["rows"]), *width.get(name, ()))
        _check(array.dtype == np.dtype(kind) and array.shape == shape, f"{name} is {array.dtype} {array.shape}")
    return Part(**arrays)


def _check(good: bool, otherwise: str) -> None:
    if not good:
        raise ValueError(otherwise)
