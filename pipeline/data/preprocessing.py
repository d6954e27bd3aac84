"""Preprocessing: from the rows of a table to the inputs of a network, fitted on the training rows only.

Numbers: missing cells get the median, then the column is scaled. The scaler *quantile* maps ranks among the training
values to a normal distribution, which suits columns with long tails (Gorishniy et al. 2021, arXiv:2106.11959). Columns
with missing cells in the training rows get an indicator, 0 or 1.
Dates and times: numbers made of them, see `time_inputs`; these are filled and scaled like others.
Categories: one-hot, compared as text. A missing cell is a category of its own; unknown categories are all zeros.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

from pipeline.data import time_inputs
from pipeline.data.cells import SHOWN_MISSING, as_codes, row_number
from pipeline.data.layout import layout_of, quantities
from pipeline.data.roles import Columns, unknown_column
from pipeline.data.rules import Rules, rules_of
from pipeline.data.too_large import check_scales, input_too_large
from pipeline.errors import UserError
from pipeline.tasks import FIRST, InputScaler, Scaler, Target
from pipeline.tasks.naming import all_distinct
from pipeline.tasks.scaling import SCALERS, pool, widen

__all__ = ["InputScaler", "Preprocessing", "Scaler", "fit", "known_categories", "typed", "unfitted", "with_gaps"]

QUANTILES: Final = 1000  # stored for each column


@dataclass(frozen=True, slots=True, eq=False)
class Preprocessing:
    """Fitted preprocessing. A row gets the same bits alone and among others, before storing and after."""

    columns: Columns
    transformer: ColumnTransformer
    target: Target
    seen: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """The lowest and highest number of the training rows, by quantity (see `quantities`), of times as days since 1970;
    studies of before have none, and neither have images."""
    cycles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The cycles of each column of times; see `time_inputs`."""

    def inputs(
        self,
        frame: pd.DataFrame,
        rows: Sequence[int] | np.ndarray | None = None,
        called: Callable[[int], str] = row_number,
    ) -> np.ndarray:
        """The network's inputs, float32 `(n, features)`. Further columns and the order of columns do not matter.

        `rows` are the positions of the rows in the user's table, where those are not 0, 1, ..., and `called` says what
        the row at a position is called, as in "row 3". Raise UserError for a missing column, text in a numeric column,
        infinite values, and a frame without rows.
        """
        return self.scaled(typed(frame, self.columns), rows, called)

    def scaled(
        self,
        cells: pd.DataFrame,
        rows: Sequence[int] | np.ndarray | None = None,
        called: Callable[[int], str] = row_number,
    ) -> np.ndarray:
        """The same of cells that `typed` made."""
        cells = time_inputs.as_numbers(cells, {name: self.seen[name][0] for name in self.cycles}, self.cycles)
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.asarray(self.transformer.transform(cells), dtype=np.float32)
        finite = np.isfinite(values)
        if not finite.all():
            # Scales are finite, so what is not is so by its own cell; numbers come first among the features.
            place, feature = (int(each[0]) for each in np.nonzero(~finite))
            name = _used(self, "numbers")[feature]
            row = called(place if rows is None else int(rows[place]))
            raise input_too_large(name, float(cells[name].iloc[place]), row)
        return values

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the network's inputs, in their order; no two are alike."""
        names = [time_inputs.elapsed(name) if name in self.cycles else name for name in _used(self, "numbers")]
        names += [f"{name} is missing" for name in with_gaps(self)]
        for name, known in known_categories(self).items():
            names += [f"{name} = {each or SHOWN_MISSING}" for each in known]
        return tuple(all_distinct(names, "derived"))


def fit(
    train: pd.DataFrame,
    columns: Columns,
    *,
    input_scaler: InputScaler,
    output_scaler: Scaler = "standard",
    target: Target | None = None,
    called: Callable[[int], str] = row_number,
) -> Preprocessing:
    """Fit medians, scales and categories to these rows alone.

    `target` is the target fitted to the same rows; without one, the targets are numbers. `called` says what the row at
    a position of the user's table is called. Raise UserError if, on these rows, a target is constant or an input has no
    value.
    """
    cells = typed(train, columns)
    numeric = [name for name in columns.inputs if name not in columns.categories]
    _check_values(cells, numeric)
    gaps = [name for name in numeric if bool(cells[name].isna().any())]
    categories = [name for name in columns.inputs if name in columns.categories]
    layout = layout_of(numeric)
    alike = layout is not None and layout.alike
    seen = {} if alike or (columns.reading < 2 and not columns.times) else _ranges(cells[numeric])
    cycles = {name: time_inputs.cycles_of(cells[name].to_numpy()) for name in columns.times}
    cells = time_inputs.as_numbers(cells, {name: seen[name][0] for name in cycles}, cycles)
    numeric = time_inputs.with_positions(numeric, cycles)
    if alike and input_scaler == "quantile":
        raise UserError("Pixels cannot be scaled by quantiles", hint="use another --input-scaler for images")
    of_numbers = cells[numeric]
    ends = pd.DataFrame([of_numbers.min(), of_numbers.max()])
    transformer = unfitted(input_scaler, numeric, gaps, categories)
    with np.errstate(over="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "n_quantiles")  # with few rows, fewer are stored
        transformer.fit(cells)
        if numeric:
            filling = transformer.named_transformers_["numbers"]
            if input_scaler == "robust":
                widen(filling["scale"], filling["fill"].transform(of_numbers))
            if alike and input_scaler != "none":
                pool(filling["scale"])
            check_scales(of_numbers, train.index, ends, np.asarray(filling.transform(ends)), called)
    if target is None:
        measured = {name: train[name].to_numpy(dtype=np.float64) for name in columns.targets}
        target = FIRST.fit(measured, np.ones(len(train)), output_scaler, "auto")
    return Preprocessing(columns, transformer, target, seen, cycles)


def _check_values(cells: pd.DataFrame, numeric: Sequence[str]) -> None:
    empty = [name for name in numeric if bool(cells[name].isna().all())]
    if empty:
        raise UserError(
            f"Input {empty[0]!r} has no value on the training rows",
            expected="a value in some of them",
            hint=f"name {empty[0]!r} in `ignore`, or fill in more rows",
        )


def _ranges(numbers: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """The lowest and the highest number of each quantity."""
    ends = pd.DataFrame([numbers.min(), numbers.max()])
    found = {name: ends[[*names]].to_numpy() for name, names in quantities(ends.columns.tolist()).items()}
    return {name: (float(each.min()), float(each.max())) for name, each in found.items()}


def unfitted(scaler: InputScaler, numeric: list[str], gaps: list[str], categories: list[str]) -> ColumnTransformer:
    """The unfitted steps: numbers, indicators of missing numbers, categories; each only if it has columns."""
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float64)
    steps = [
        ("numbers", _numeric(scaler), numeric),
        ("missing", MissingIndicator(features="all"), gaps),
        ("categories", one_hot, categories),
    ]
    return ColumnTransformer([step for step in steps if step[2]])


def _numeric(scaler: InputScaler) -> Pipeline:
    fill = ("fill", SimpleImputer(strategy="median"))
    if scaler == "none":
        return Pipeline([fill])
    if scaler == "quantile":
        ranks = QuantileTransformer(n_quantiles=QUANTILES, output_distribution="normal", subsample=None)
        # Many equal values at one end, such as zeros, would all lie five deviations from the middle.
        return Pipeline([fill, ("ranks", ranks), ("scale", StandardScaler())])
    return Pipeline([fill, ("scale", SCALERS[scaler]())])


def typed(
    frame: pd.DataFrame, columns: Columns, known: Mapping[str, Collection[str]] = MappingProxyType({})
) -> pd.DataFrame:
    """The inputs alone, in their order: numbers as float64, categories as texts, times as days since 1970; rows from 0.

    `known` are the categories of the training rows, by column, for numbers that stand for them; see `cells.as_codes`.
    Raise UserError for a missing column, text in a numeric column, infinite values, and a frame without rows.
    """
    rules = rules_of(columns.reading)
    names = [rules.tidy(str(name)) for name in frame.columns]
    missing = [name for name in columns.inputs if name not in names]
    if missing:
        listed = ", ".join(map(repr, missing))
        raise unknown_column(
            missing[0], names, f"The table lacks {len(missing)} column(s) that the model needs: {listed}"
        )
    counts = Counter(names)
    twice = [name for name in columns.inputs if counts[name] > 1]
    if twice:
        raise UserError(f"The table has more than one column {twice[0]!r}", expected="one", hint="rename the other")
    if frame.empty:
        raise UserError("The table has no rows", expected="at least one row")
    given = {name: frame.iloc[:, names.index(name)] for name in columns.inputs}
    cells = {name: _values(column, name, columns, rules) for name, column in given.items()}
    if columns.reading > 1:
        cells |= {
            name: as_codes(given[name], cells[name], known[name], f"Input {name!r}") for name in known if name in cells
        }
    return pd.DataFrame(
        {name: pd.Series(values, dtype=values.dtype) for name, values in cells.items()}  # text stays of type object
    )


def _values(column: pd.Series[Any], name: str, columns: Columns, rules: Rules) -> np.ndarray:
    what = f"Input {name!r}"
    if name in columns.categories:
        return rules.texts(column, what, spelled=name in columns.spelled)
    if name in columns.times:
        return time_inputs.days(time_inputs.read(column, name, columns.times[name]).moments)
    trained = "; in training this one had numbers"
    return rules.truths(column, what) if name in columns.truths else rules.numbers(column, what, trained)


def known_categories(preprocessing: Preprocessing) -> dict[str, tuple[str, ...]]:
    """The categories of the training rows, by column."""
    for step, encoder, used in preprocessing.transformer.transformers_:
        if step == "categories":
            return {name: tuple(map(str, known)) for name, known in zip(used, encoder.categories_, strict=True)}
    return {}


def with_gaps(preprocessing: Preprocessing) -> tuple[str, ...]:
    """The columns of numbers that have missing cells in the training rows."""
    return _used(preprocessing, "missing")


def _used(preprocessing: Preprocessing, step: str) -> tuple[str, ...]:
    """The columns that a step takes."""
    return next((tuple(used) for name, _, used in preprocessing.transformer.transformers_ if name == step), ())
