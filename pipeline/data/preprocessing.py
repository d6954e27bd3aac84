"""What turns a table's rows into a network's inputs: fitted on the training rows only, stored without code.

Numbers: the median fills missing cells, then a scaler. Columns with missing training cells get an indicator, 0 or 1.
Categories: one-hot, compared as text; a missing cell is a category of its own; what training never saw is all zeros.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from pipeline.data.cells import SHOWN_MISSING, numbers, row_number, texts
from pipeline.data.tables import Columns, unknown_column
from pipeline.data.task import Target
from pipeline.errors import DamagedFile, UserError

Scaler = Literal["standard", "minmax", "robust", "none"]

FORMAT: Final = 1
# Beyond what skops trusts by itself: the type of numbers that the imputer remembers, read from an empty array.
_TRUSTED: Final = ("numpy.dtype",)
_PARTS: Final = (Pipeline, MissingIndicator, OneHotEncoder)
_SCALERS: Final = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}


@dataclass(frozen=True, slots=True, eq=False)
class Preprocessing:
    """Gives the same row the same bits, alone or among others, before and after it was stored."""

    columns: Columns
    transformer: ColumnTransformer
    target: Target

    def inputs(self, frame: pd.DataFrame) -> np.ndarray:
        """The network's inputs, float32 `(n, features)`; other columns and the order of columns do not matter.

        UserError for a missing column, text in a numeric one, infinite values, and a frame without rows.
        """
        typed = _typed(frame, self.columns)
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.asarray(self.transformer.transform(typed), dtype=np.float32)
        finite = np.isfinite(values).all(axis=1)
        if not finite.all():
            raise UserError(
                f"The inputs in {row_number(int(np.argmin(finite)))} are too large",
                expected="numbers that stay finite when they are scaled",
                todo="correct the row",
            )
        return values

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the network's inputs, in their order."""
        names: list[str] = []
        for step, _, used in self.transformer.transformers_:
            if step == "numbers":
                names += used
            elif step == "missing":
                names += [f"{name} is missing" for name in used]
            elif step == "categories":
                for name, known in _known(self).items():
                    names += [f"{name} = {each or SHOWN_MISSING}" for each in known]
        return tuple(names)


def fit(train: pd.DataFrame, columns: Columns, *, input_scaler: Scaler, output_scaler: Scaler) -> Preprocessing:
    """Learn medians, scales and categories from these rows, and from no others.

    UserError for a target that is constant, or an input without a value, on these rows.
    """
    typed = _typed(train, columns)
    numeric = [name for name in columns.inputs if name not in columns.categories]
    empty = [name for name in numeric if bool(typed[name].isna().all())]
    if empty:
        raise UserError(
            f"Input {empty[0]!r} has no value on the training rows",
            expected="values in some of them",
            todo=f"name {empty[0]!r} in `ignore`, or fill in more rows",
        )
    gaps = [name for name in numeric if bool(typed[name].isna().any())]
    categories = [name for name in columns.inputs if name in columns.categories]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float64)
    steps = [
        ("numbers", _numeric(input_scaler), numeric),
        ("missing", MissingIndicator(features="all"), gaps),
        ("categories", one_hot, categories),
    ]
    transformer = ColumnTransformer([step for step in steps if step[2]])
    with np.errstate(over="ignore", invalid="ignore"):
        transformer.fit(typed)
        if numeric:
            filling = transformer.named_transformers_["numbers"]
            if input_scaler == "robust":
                _widen(filling["scale"], filling["fill"].transform(typed[numeric]))
    return Preprocessing(columns, transformer, _target(train, columns.targets, output_scaler))


def _numeric(scaler: Scaler) -> Pipeline:
    fill = ("fill", SimpleImputer(strategy="median"))
    return Pipeline([fill] if scaler == "none" else [fill, ("scale", _SCALERS[scaler]())])


def _widen(scaler: RobustScaler, values: np.ndarray) -> None:
    """Where the quartiles meet (mostly zeros, say), scale by the standard deviation: scikit-learn would not scale."""
    values = np.asarray(values)
    low, high = np.percentile(values, [25, 75], axis=0)
    deviation = values.std(axis=0)
    scaler.scale_ = np.where((low == high) & (deviation > 0), deviation, scaler.scale_)


def _target(train: pd.DataFrame, names: tuple[str, ...], kind: Scaler) -> Target:
    measured = train[list(names)].to_numpy(dtype=np.float64)
    for name, values in zip(names, measured.T, strict=True):
        if np.ptp(values) == 0.0:
            raise UserError(
                f"Target {name!r} is constant on the {len(values)} training rows",
                expected="values that differ",
                came=f"{values[0]:g} in each of them",
                todo="use more rows, or smaller validation and test parts",
            )
    offset, scale = _affine(measured, kind)
    if not (np.isfinite(offset).all() and np.isfinite(scale).all()):
        raise UserError(
            "The targets are too large to be scaled", expected="numbers below 1e150", todo="change the unit"
        )
    return Target(names, tuple(map(float, scale)), tuple(map(float, offset)))


def _affine(measured: np.ndarray, kind: Scaler) -> tuple[np.ndarray, np.ndarray]:
    """Offset and scale of each output: scaled = (measured - offset) / scale."""
    if kind == "none":
        return np.zeros(measured.shape[1]), np.ones(measured.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        scaler: Any = _SCALERS[kind]().fit(measured)
        if kind == "standard":
            return scaler.mean_, scaler.scale_
        if kind == "minmax":
            return scaler.data_min_, scaler.data_range_
        _widen(scaler, measured)
        return scaler.center_, scaler.scale_


def _typed(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    names = [str(name).strip() for name in frame.columns]
    missing = [name for name in columns.inputs if name not in names]
    if missing:
        listed = ", ".join(map(repr, missing))
        raise unknown_column(
            missing[0], names, f"The table lacks {len(missing)} column(s) that the model needs: {listed}"
        )
    counts = Counter(names)
    twice = [name for name in columns.inputs if counts[name] > 1]
    if twice:
        raise UserError(f"The table has more than one column {twice[0]!r}", expected="one", todo="rename the other")
    if frame.empty:
        raise UserError("The table has no rows", expected="at least one row")
    typed = {}
    for name in columns.inputs:
        column, what = frame.iloc[:, names.index(name)], f"Input {name!r}"
        typed[name] = texts(column, what) if name in columns.categories else numbers(column, what)
    return pd.DataFrame(
        {name: pd.Series(values, dtype=values.dtype) for name, values in typed.items()}  # text stays of type object
    )


def _known(preprocessing: Preprocessing) -> dict[str, tuple[str, ...]]:
    for step, encoder, used in preprocessing.transformer.transformers_:
        if step == "categories":
            return {name: tuple(map(str, known)) for name, known in zip(used, encoder.categories_, strict=True)}
    return {}


def unknown_categories(preprocessing: Preprocessing, frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """The values, by column, that training never saw; `Preprocessing.inputs` has all zeros for them."""
    typed = _typed(frame, preprocessing.columns)
    unseen = {name: sorted(set(typed[name]) - set(known)) for name, known in _known(preprocessing).items()}
    return {name: tuple(each or SHOWN_MISSING for each in values) for name, values in unseen.items() if values}


def dumps(preprocessing: Preprocessing) -> bytes:
    """The skops file of it; equal bytes for equal preprocessing, in every process."""
    import skops.io

    about = {
        "format": FORMAT,
        "columns": asdict(preprocessing.columns),
        "target": asdict(preprocessing.target),
    }
    stored = skops.io.dumps({"about": json.dumps(about, allow_nan=False), "transformer": preprocessing.transformer})
    return _canonical(stored)


def _canonical(stored: bytes) -> bytes:
    """Number what skops names after addresses in memory, and date it 1980: the bytes depend on the values only."""
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        schema = archive.read("schema.json").decode()
        files = re.findall(r'"file": "(\d+\.npy)"', schema)
        renamed = {old: f"{number}.npy" for number, old in enumerate(dict.fromkeys(files))}
        contents = {renamed[old]: archive.read(old) for old in renamed}
    schema = re.sub(r'"file": "(\d+\.npy)"', lambda found: f'"file": "{renamed[found[1]]}"', schema)
    # An identity of its own for each node is as good: skops writes every node out in full.
    identities = itertools.count(1)
    schema = re.sub(r'"__id__": \d+', lambda _: f'"__id__": {next(identities)}', schema)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {**contents, "schema.json": schema.encode()}.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def loads(data: bytes) -> Preprocessing:
    """Read back what `dumps` wrote; nothing in it is executed, and types are checked before anything is built.

    DamagedFile for everything else.
    """
    import skops.io

    try:
        stored = skops.io.loads(data, trusted=list(_TRUSTED))
        about = json.loads(stored["about"])
        found = about["format"]
        transformer = stored["transformer"]
        columns = Columns(**{name: _tuples(value) for name, value in about["columns"].items()})
        target = Target(**{name: tuple(value) for name, value in about["target"].items()})
    except Exception as error:  # a damaged schema leads skops into errors of every kind
        raise DamagedFile(
            "The stored preprocessing cannot be read",
            expected="a skops file of scalers and encoders as this program writes it",
            came=(str(error).splitlines() or [type(error).__name__])[0],
            todo="restore the file from a backup, or train the configuration again",
        ) from error
    if found != FORMAT or not _is_ours(transformer):
        raise DamagedFile(
            "The stored preprocessing is not of this program",
            expected=f"format {FORMAT} with scalers and encoders",
            came=f"format {found} with {type(transformer).__name__}",
            todo="use the version of the program that wrote it",
        )
    return Preprocessing(columns, transformer, target)


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _is_ours(transformer: object) -> bool:
    fitted = getattr(transformer, "transformers_", None)
    if not isinstance(transformer, ColumnTransformer) or not isinstance(fitted, list):
        return False
    return all(isinstance(step, _PARTS) for _, step, _ in fitted)
