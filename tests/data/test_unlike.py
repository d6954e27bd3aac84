"""New rows that are unlike the training rows are told as values: categories, gaps, and numbers far outside."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.data.layout import pixels, steps
from pipeline.data.preprocessing import Preprocessing, fit, typed
from pipeline.data.roles import Columns
from pipeline.data.unlike import Unlike, unknown_categories, unlike

ROWS = 20
COLUMNS = Columns(("y",), ("a", "gaps", "year", "c"), ("c",), reading=2)
TRAIN = pd.DataFrame(
    {
        "a": np.arange(1.0, ROWS + 1),
        "gaps": [None, *range(1, ROWS)],
        "year": 2020,
        "c": ["x", "z"] * 10,
        "y": np.arange(ROWS) * 2.0,
    }
)


def fitted(train: pd.DataFrame = TRAIN, columns: Columns = COLUMNS) -> Preprocessing:
    return fit(train, columns, input_scaler="standard")


def told(new: pd.DataFrame, *own: Preprocessing) -> dict[str, Unlike]:
    return unlike(own or (fitted(),), typed(new, (own or (fitted(),))[0].columns))


def test_rows_of_the_training_have_nothing_to_be_told() -> None:
    assert told(TRAIN) == {}
    assert unknown_categories([fitted()], typed(TRAIN, COLUMNS)) == {}


def test_gaps_count_where_training_had_none() -> None:
    new = TRAIN.assign(a=TRAIN["a"].where(TRAIN.index > 2), gaps=None)
    assert told(new) == {"a": Unlike(missing=3, outside=0, values=(), low=1.0, high=20.0)}


def test_far_outside_is_beyond_the_range_by_more_than_its_width() -> None:
    new = pd.DataFrame({"a": [-18.0, 39.0, -18.5, 40.0, 1e6, 40.0], "gaps": 1, "year": 2020, "c": "x"})
    assert told(new) == {"a": Unlike(missing=0, outside=4, values=(1e6, 40.0, -18.5), low=1.0, high=20.0)}


def test_any_other_number_is_far_outside_of_a_single_one() -> None:
    new = TRAIN.assign(year=[2021, 2020] * 10)
    assert told(new) == {"year": Unlike(missing=0, outside=10, values=(2021.0,), low=2020.0, high=2020.0)}


def test_with_folds_a_row_counts_that_is_unlike_the_rows_of_one_network() -> None:
    narrow, full = fitted(TRAIN[8:12]), fitted()
    new = pd.DataFrame(
        {"a": [20.0, 10.0, None, 60.0], "gaps": [5, None, 5, 5], "year": 2020, "c": ["x", "z", "x", "q"]}
    )
    found = told(new, full, narrow)
    assert found["a"] == Unlike(missing=1, outside=2, values=(60.0, 20.0), low=9.0, high=12.0)
    assert found["gaps"].missing == 1  # of which the rows of one network have none
    assert unknown_categories([full, narrow], typed(new, COLUMNS)) == {"c": ("q",)}
    assert told(new, full)["a"].outside == 1


def test_studies_of_before_know_gaps_alone() -> None:
    before = fitted(columns=Columns(("y",), ("a", "gaps", "year", "c"), ("c",)))
    assert before.seen == {}
    found = told(pd.DataFrame({"a": [1e9, None], "gaps": 1, "year": 2021, "c": "x"}), before)
    assert [*found] == ["a"]
    assert (found["a"].missing, found["a"].outside, np.isnan(found["a"].low)) == (1, 0, True)


def test_all_steps_of_a_window_are_one_column() -> None:
    names = steps(["v", "c"], 3, 1)
    columns = Columns(("y",), tuple(names), tuple(each for each in names if each.startswith("c")), reading=2)
    train = pd.DataFrame({each: ["x", "z"] * 10 if each in columns.categories else np.arange(20.0) for each in names})
    own = fit(train.assign(y=np.arange(20.0)), columns, input_scaler="standard")
    assert own.seen == {"v": (0.0, 19.0)}
    new = train.head(4).copy()
    new["v[t-3]"], new["v[t-1]"], new["c[t-2]"] = [0, None, 90, 0], [90, None, 91, 0], ["x", "q", "x", "r"]
    assert told(new, own) == {"v": Unlike(missing=1, outside=2, values=(91.0, 90.0), low=0.0, high=19.0)}
    assert unknown_categories([own], typed(new, columns)) == {"c": ("q", "r")}


def test_of_images_gaps_alone_are_told() -> None:
    names = pixels(2, 3, 1)
    train = pd.DataFrame(np.random.default_rng(0).uniform(0, 1, (9, 6)), columns=names)
    own = fit(train.assign(y=range(9)), Columns(("y",), tuple(names), (), reading=2), input_scaler="standard")
    assert own.seen == {}
    new = train.copy()
    new[names[1]] = [None, *[99.0] * 8]
    assert [(name, each.missing, each.outside) for name, each in told(new, own).items()] == [("pixels", 1, 0)]
