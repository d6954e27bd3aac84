"""Values that lie far off from all others are found, and long tails are left in peace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from pipeline.data.far_off import far_off

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SENTINELS = [-9999.0, 1e9, -3.4e38, -999.0, 1e300, -99.0]


def found(values: np.ndarray) -> list[float]:
    known = values[~np.isnan(values)]
    return far_off(*np.unique(known, return_counts=True))[0].tolist()


def ordinary(rng: np.random.Generator, rows: int = 300) -> dict[str, np.ndarray]:
    """A column of each kind that is often met, long tails and counts included."""
    return {
        "normal": rng.normal(size=rows),
        "uniform": rng.uniform(0, 60, rows),
        "bell far from 0": rng.normal(1013, 12, rows),
        "exponential": rng.exponential(size=rows),
        "lognormal": rng.lognormal(0, 1, rows),
        "lognormal, long": rng.lognormal(0, 2, rows),
        "lognormal, longer": rng.lognormal(0, 3, rows),
        "counts": rng.poisson(2, rows).astype(float),
        "rare events": rng.poisson(0.1, rows).astype(float),
        "geometric": rng.geometric(0.3, rows).astype(float),
        "clustered counts": rng.negative_binomial(0.3, 0.02, rows).astype(float),
        "truth": rng.integers(0, 2, rows).astype(float),
        "codes": rng.choice([1.0, 2.0, 3.0, 40.0], rows),
        "two machines": np.where(rng.uniform(size=rows) < 0.5, rng.normal(1, 0.1, rows), rng.normal(900, 9, rows)),
        "constant": np.full(rows, 7.0),
    }


@pytest.mark.parametrize("value", SENTINELS)
@pytest.mark.parametrize("cells", [1, 40, 200])
def test_a_sentinel_is_found_in_any_number_of_cells(value: float, cells: int) -> None:
    rng = np.random.default_rng(1)
    for name, column in ordinary(rng).items():
        if name not in {"constant", "two machines", "lognormal, longer"} and (value != -99 or column.min() >= 0):
            assert found(np.where(np.arange(300) < cells, value, column)) == [value], name


def test_several_sentinels_at_both_ends_are_found_together() -> None:
    column = np.random.default_rng(2).normal(size=300)
    column[:6] = [-9999, -9998, -9999, 1e9, 1e9, 2e9]
    assert found(column) == [-9999, -9998, 1e9, 2e9]


def test_the_others_have_a_range() -> None:
    column = np.array([*range(1, 61), -9999.0])
    values, low, high = far_off(*np.unique(column, return_counts=True))
    assert (values.tolist(), low, high) == ([-9999.0], 1.0, 60.0)


def test_false_alarms_of_ordinary_columns_are_rare() -> None:
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(40):
        alarms += sum(bool(found(column)) for column in ordinary(rng).values())
    assert alarms == 0


@pytest.mark.parametrize(("degrees", "most"), [(3.0, 2), (1.0, 5)])
def test_false_alarms_of_heavy_tails_are_few(degrees: float, most: int) -> None:
    rng = np.random.default_rng(4)
    assert sum(bool(found(rng.standard_t(degrees, 300))) for _ in range(200)) <= most


def test_numbers_at_the_end_of_what_a_float_holds_are_no_obstacle() -> None:
    assert found(np.array([*range(30), 1.7e308, -1.7e308])) == [-1.7e308, 1.7e308]
    assert found(np.array([1.7e308, -1.7e308])) == []
    assert found(np.array([5.0])) == []


def test_no_column_of_a_built_in_data_set_is_suspicious() -> None:
    for name in ("diabetes", "linnerud", "breast_cancer", "wine", "iris"):
        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        assert {column: found(frame[column].to_numpy(float)) for column in frame} == {each: [] for each in frame}


@pytest.mark.skipif(not DATA.is_dir(), reason="the real tables are not there")
def test_no_column_of_a_real_table_is_suspicious() -> None:
    tables = sorted(DATA.glob("*.csv"))
    assert tables
    for path in tables:
        frame = pd.read_csv(path, sep=None, engine="python").select_dtypes("number")
        assert {name: found(frame[name].to_numpy(float)) for name in frame} == {name: [] for name in frame}, path.name
