"""A number that no float holds once it is scaled is named with its own row and column, not with the first to suffer."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.data.preprocessing import fit
from pipeline.data.roles import Columns
from pipeline.data.rows import prepare_rows
from pipeline.data.tables import read
from pipeline.errors import UserError

Put = Callable[..., str]
ROWS = 60
ROW = 9  # of a spreadsheet
SPLIT: dict[str, Any] = {"validation": 0.2, "test": 0.2}
SEEDS = {"training": 0, "validation": 2, "test": 10}  # where the row is then


@pytest.fixture
def put(tmp_path):
    """Writes a table of a, b, w and y with that value in row 9 of a column."""

    def write(name: str, value: float) -> str:
        numbers = np.arange(1.0, ROWS + 1)
        frame = pd.DataFrame({"a": numbers, "b": numbers[::-1], "w": 1.0, "y": numbers})
        frame.loc[ROW - 2, name] = value
        frame.to_csv(tmp_path / "table.csv", index=False)
        return str(tmp_path / "table.csv")

    return write


def refused(what: str, value: float) -> pytest.RaisesExc[UserError]:
    text = re.escape(f"{what} is too large in row {ROW}.") + r"[\s\S]*" + re.escape(f"Got: {value:g}.")
    return pytest.raises(UserError, match=text)


def prepared(source: str, seed: int = 0, **options: Any) -> None:
    scalers = {name: options.pop(name, "standard") for name in ("input_scaler", "output_scaler")}
    table = read(source, **{"targets": ["y"], **options})
    prepare_rows(table, **SPLIT, seed=seed, **scalers)


@pytest.mark.parametrize("part", SEEDS)
@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust", "none"])
def test_the_cell_of_an_input_is_named_whatever_part_it_is_in(scaler, part, put):
    source, held = put("b", 1e200), scaler == "minmax" and part == "training"  # the largest number is 1 then
    with nullcontext() if held else refused("Input 'b'", 1e200):
        prepared(source, SEEDS[part], input_scaler=scaler)


def test_quantiles_hold_any_number(put):
    prepared(put("b", 1e300), input_scaler="quantile")


@pytest.mark.parametrize(
    ("scaler", "value"),
    [("none", 1e39), ("standard", 1e155), ("robust", 1e155), ("standard", 1e308), ("minmax", 1e308)],
)
def test_a_scale_that_overflows_names_the_largest_number(scaler, value):
    frame = pd.DataFrame({"a": range(ROWS), "b": np.arange(1.0, ROWS + 1), "y": range(ROWS)})
    frame.loc[[7, 30], "b"] = [value, -0.9 * value]
    frame.index += 1000  # these rows begin further down in the file
    with pytest.raises(UserError, match="Input 'b' is too large in row 1009"):
        fit(frame, Columns(("y",), ("a", "b"), ()), input_scaler=scaler)


def test_tiny_and_close_numbers_are_not_taken_for_large_ones():
    rows = np.arange(ROWS)
    frame = pd.DataFrame({"tiny": rows * 1e-200, "close": 1e9 + rows, "vast": 1e18 + rows * 256.0, "y": rows * 1.0})
    columns = Columns(("y",), ("tiny", "close", "vast"), ())
    for scaler in ("standard", "minmax", "robust", "quantile", "none"):
        assert np.isfinite(fit(frame, columns, input_scaler=scaler).inputs(frame)).all()


@pytest.mark.parametrize("part", SEEDS)
@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust", "none"])
def test_the_cell_of_a_target_is_named_whatever_part_it_is_in(scaler, part, put):
    for value in (1e200, -1e160, 1e60):
        held = value == 1e60 and scaler in {"standard", "minmax"} and part == "training"
        with nullcontext() if held else refused("Target 'y'", value):
            prepared(put("y", value), SEEDS[part], output_scaler=scaler)


@pytest.mark.parametrize("part", SEEDS)
def test_the_cell_of_a_weight_is_named(part, put):
    with refused("Weight 'w'", 1.7e308):
        prepared(put("w", 1.7e308), SEEDS[part], weight="w")


@pytest.mark.parametrize("part", SEEDS)
def test_a_weight_beside_which_all_others_of_a_part_vanish_is_named(part, put):
    with refused("Weight 'w'", 1e60):
        prepared(put("w", 1e60), SEEDS[part], weight="w")


def test_a_cell_of_a_series_is_named_by_its_column(tmp_path):
    frame = pd.DataFrame({"t": range(ROWS), "x": np.arange(ROWS) % 7.0, "y": np.sin(np.arange(ROWS))})
    frame.loc[30, "x"] = 1e200
    frame.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(UserError, match="Input 'x' is too large 4 steps before row 36"):  # which is row 32
        prepared(str(tmp_path / "table.csv"), time="t", window=4)
    frame.assign(x=1.0, y=frame["y"].where(frame.index != 30)).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(UserError, match=r"Target 'y' has 1 empty cell.*first in row 32"):
        prepared(str(tmp_path / "table.csv"), time="t", window=4)


def test_new_rows_name_the_cell_too():
    frame = pd.DataFrame({"a": range(9), "c": ["x", "y", "z"] * 3, "b": range(9), "y": range(9)})
    fitted = fit(frame, Columns(("y",), ("a", "c", "b"), ("c",)), input_scaler="standard")
    new = frame.astype({"b": float})
    new.loc[[4, 6], "b"] = 1e300
    with pytest.raises(UserError, match="Input 'b' is too large in row 6"):
        fitted.inputs(new)
    with pytest.raises(UserError, match="Input 'b' is too large in row 104"):
        fitted.inputs(new, np.arange(9) + 98)
