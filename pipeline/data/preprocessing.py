"""What turns a table's rows into a network's inputs: fitted on the training rows only, stored without code.

Numbers: the median fills missing cells, then a scaler. Columns with missing training cells get an indicator, 0 or 1.
Categories: one-hot, compared as text; a missing cell is a category of its own; what training never saw is all zeros.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from pipeline.data.cells import SHOWN_MISSING, numbers, row_number, texts
from pipeline.data.layout import shape_of
from pipeline.data.tables import Columns, unknown_column
from pipeline.data.task import Target
from pipeline.errors import UserError

Scaler = Literal["standard", "minmax", "robust", "none"]

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
    transformer = unfitted(input_scaler, numeric, gaps, categories)
    with np.errstate(over="ignore", invalid="ignore"):
        transformer.fit(typed)
        if numeric:
            filling = transformer.named_transformers_["numbers"]
            if input_scaler == "robust":
                _widen(filling["scale"], filling["fill"].transform(typed[numeric]))
            if input_scaler != "none" and len(shape_of(numeric)) == 3:
                _pool(filling["scale"])
    return Preprocessing(columns, transformer, _target(train, columns.targets, output_scaler))


def unfitted(scaler: Scaler, numeric: list[str], gaps: list[str], categories: list[str]) -> ColumnTransformer:
    """What is fitted: numbers, indicators of missing ones, categories, each where there are columns for it."""
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float64)
    steps = [
        ("numbers", _numeric(scaler), numeric),
        ("missing", MissingIndicator(features="all"), gaps),
        ("categories", one_hot, categories),
    ]
    return ColumnTransformer([step for step in steps if step[2]])


def _numeric(scaler: Scaler) -> Pipeline:
    fill = ("fill", SimpleImputer(strategy="median"))
    return Pipeline([fill] if scaler == "none" else [fill, ("scale", _SCALERS[scaler]())])


def _widen(scaler: RobustScaler, values: np.ndarray) -> None:
    """Where the quartiles meet (mostly zeros, say), scale by the standard deviation: scikit-learn would not scale."""
    values = np.asarray(values)
    low, high = np.percentile(values, [25, 75], axis=0)
    deviation = values.std(axis=0)
    scaler.scale_ = np.where((low == high) & (deviation > 0), deviation, scaler.scale_)


def _pool(scaler: Any) -> None:
    """One scale for all pixels: one of its own for each would blow up those at the edges, which are nearly constant."""
    if isinstance(scaler, StandardScaler):
        variance = float(np.mean(scaler.var_) + np.var(scaler.mean_))
        scaler.mean_ = np.full_like(scaler.mean_, np.mean(scaler.mean_))
        scaler.var_ = np.full_like(scaler.var_, variance)
        scaler.scale_ = np.full_like(scaler.scale_, np.sqrt(variance) or 1.0)
    elif isinstance(scaler, MinMaxScaler):
        ends = (scaler.data_min_.min(), scaler.data_max_.max())
        scaler.fit(np.repeat(np.reshape(ends, (2, 1)), len(scaler.data_min_), axis=1))
    else:
        scaler.center_ = np.full_like(scaler.center_, np.median(scaler.center_))
        scaler.scale_ = np.full_like(scaler.scale_, np.median(scaler.scale_))


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
