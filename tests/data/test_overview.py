"""What a table holds is told as values: kinds, missing cells, odd values, constants, identifiers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.data.overview import Column, Odd, Overview, overview
from pipeline.data.tables import read

ROWS = 60


def frame() -> pd.DataFrame:
    """A column of every kind, none of them odd."""
    rows = np.arange(ROWS)
    return pd.DataFrame(
        {
            "size": rows / 7.0,
            "grade": rows % 3,
            "fresh": rows % 2 == 0,
            "town": [f"T{each % 12}" for each in rows],
            "y": rows * 1.5,
        }
    )


def look(table: pd.DataFrame, folder: Path, training: int = 40, **options: Any) -> Overview:
    path = folder / "table.csv"
    table.to_csv(path, index=False)
    found = read(str(path), **{"targets": ["y"], **options})
    return overview(found, found.frame.index[:training].to_numpy())


def columns(found: Overview) -> dict[str, Column]:
    return {each.name: each for each in (*found.inputs, *found.targets)}


def test_each_column_has_its_kind_and_the_number_of_its_values(tmp_path: Path) -> None:
    found = look(frame(), tmp_path)
    told = {each.name: (each.kind, each.distinct, each.few) for each in found.inputs}
    assert told == {
        "size": ("number", 60, False),
        "grade": ("number", 3, True),
        "fresh": ("truth value", 2, True),
        "town": ("category", 12, False),
    }
    assert [each.name for each in found.targets] == ["y"]
    assert found.shape == ()
    for each in columns(found).values():
        assert (each.missing, each.odd, each.only, each.unrepeated) == (0, (), "", False), each.name


def test_missing_cells_are_counted_by_column_and_words_by_what_they_mean_there(tmp_path: Path) -> None:
    table = frame().astype(object)
    table.loc[[3, 4], "size"] = "NA"
    table.loc[[7, 9, 11], "size"] = None
    table.loc[[1, 2], "town"] = "NA"
    table.loc[[5], "town"] = ""
    table.loc[[6], "town"] = "#N/A"
    found = columns(look(table, tmp_path))
    assert (found["size"].missing, found["size"].words, found["size"].kept) == (5, {"NA": 2}, {})
    assert (found["town"].missing, found["town"].words, found["town"].kept) == (2, {"#N/A": 1}, {"NA": 2})


@pytest.mark.parametrize("value", [-9999, 1e9, -3.4e38])
def test_an_odd_value_is_named_with_its_row_in_inputs_and_targets(value: float, tmp_path: Path) -> None:
    for name in ("size", "y"):
        table = frame()
        table[name] = table[name].where(table.index != 7, value)
        found = columns(look(table, tmp_path))
        assert found[name].odd == (Odd(value, 1, 7),)
        assert not any(each.odd for each in found.values() if each.name != name)


def test_equal_odd_values_are_counted_and_the_others_have_their_range(tmp_path: Path) -> None:
    table = frame().assign(size=[-999.0 if each % 5 == 2 else each for each in range(ROWS)])
    found = columns(look(table, tmp_path))["size"]
    assert found.odd == (Odd(-999.0, 12, 2),)
    assert (found.low, found.high) == (0.0, 59.0)


def test_columns_with_one_value_are_named_and_those_with_one_on_the_training_rows(tmp_path: Path) -> None:
    table = frame().assign(year=2020, site="A", late=[0.5] * 40 + [*range(20)], gaps=[1.0, np.nan] * 30)
    found = columns(look(table, tmp_path))
    assert {name: (each.only, each.only_in_training) for name, each in found.items() if each.only} == {
        "year": ("2020", False),
        "site": ("A", False),
        "late": ("0.5", True),
    }


def test_what_never_repeats_may_be_an_identifier(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = frame().assign(
        row=range(1, ROWS + 1),
        customer=459000 + rng.permutation(80)[:ROWS],
        name=[f"N{each}" for each in range(ROWS)],
        price=rng.integers(1000, 10**6, ROWS),
        measured=rng.normal(size=ROWS),
    )
    found = columns(look(table, tmp_path))
    assert {name for name, each in found.items() if each.unrepeated} == {"row", "customer", "name"}
    alone = columns(look(table[["row", "y"]], tmp_path))
    assert not alone["row"].unrepeated


def test_a_column_of_a_series_is_looked_at_once(tmp_path: Path) -> None:
    steps = 80
    table = pd.DataFrame({"t": range(steps), "y": np.sin(np.arange(steps)), "x": np.arange(steps) % 7.0})
    table.loc[50, "y"], table.loc[1, "x"] = -9999.0, 1e9
    table.loc[[20, 79], "x"] = np.nan
    table["site"] = "north"
    found = look(table, tmp_path, 30, time="t", window=4, horizon=2)
    backwards = columns(look(table[::-1], tmp_path, 30, time="t", window=4, horizon=2))
    assert backwards["y"].odd == (Odd(-9999.0, 1, 29),)
    assert [each.name for each in found.inputs] == ["y", "x", "site"]
    assert found.targets == ()
    assert found.shape == (4, 3)
    told = columns(found)
    assert (told["y"].distinct, told["y"].odd) == (steps, (Odd(-9999.0, 1, 50),))
    assert told["x"].odd == (Odd(1e9, 1, None),)  # no window predicts the first steps
    assert told["x"].missing == 1  # the last step is no input of any window
    assert (told["site"].kind, told["site"].only) == ("category", "north")


def test_pixels_are_one_column(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 5, 4)).astype(np.uint8)
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    np.savez(tmp_path / "images.npz", images=images, labels=np.arange(30) % 3)
    table = read(str(tmp_path / "images.npz"), targets=["label"], task="classification")
    found = overview(table, table.frame.index[:20].to_numpy())
    assert found.inputs == (Column("pixels", "number", 0, 0, low=0.0, high=255.0),)
    assert (found.targets, found.shape) == ((), (5, 4, 1))
