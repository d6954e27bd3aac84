"""Names made of the user's names: no two columns of a table are ever called alike."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.data.preprocessing import fit
from pipeline.data.roles import Columns
from pipeline.report import rows as report_rows
from pipeline.report.wording import table
from pipeline.tasks.classification import Classes
from pipeline.tasks.naming import all_distinct, distinct
from pipeline.tasks.regression import Quantities

# Names that derived ones are made of, so that they meet.
PARTS = ["y", " spread", " probability ", "a", " is missing", " = ", "(empty)", " (networks)", " (derived)", "row"]
NAME = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("".join).map(str.strip).filter(bool)
NAMES = st.lists(NAME, min_size=1, max_size=5, unique=True).map(tuple)


def quantities(names: tuple[str, ...]) -> Quantities:
    return Quantities(names, (1.0,) * len(names), (0.0,) * len(names))


def test_a_free_name_stays_and_a_taken_one_gets_a_mark():
    assert distinct("y spread", ["y"], "networks") == "y spread"
    assert distinct("y spread", ["y spread"], "networks") == "y spread (networks)"
    assert distinct("y spread", ["y spread", "y spread (networks)"], "networks") == "y spread (networks) (networks)"
    assert list(all_distinct(["a", "b", "a", "a"], "2")) == ["a", "b", "a (2)", "a (2) (2)"]


def test_the_spread_of_a_target_stays_beside_a_target_of_that_name():
    units = np.arange(12.0).reshape(2, 3, 2)
    found = quantities(("y", "y spread")).table(units)
    assert list(found) == ["y", "y spread (networks)", "y spread", "y spread spread"]
    plain = quantities(("y", "z")).table(units)
    assert list(plain) == ["y", "y spread", "z", "z spread"]
    assert [each.tolist() for each in found.values()] == [each.tolist() for each in plain.values()]


@given(NAMES)
def test_predicted_numbers_are_under_the_users_names_and_nothing_is_lost(names):
    units = np.random.default_rng(0).normal(size=(2, 3, len(names)))
    found = quantities(names).table(units)
    assert len(found) == 2 * len(names)
    for place, name in enumerate(names):
        np.testing.assert_array_equal(found[name], units[:, :, place].mean(axis=0))


@given(NAME, st.lists(NAME, min_size=2, max_size=5, unique=True).map(tuple))
def test_predicted_classes_have_a_column_for_each(name, labels):
    share = (1 / len(labels),) * len(labels)
    found = Classes((name,), labels, share, len(labels)).table(np.full((2, 3, len(labels)), 1 / len(labels)))
    assert len(found) == len(labels) + 2


@given(NAMES)
def test_features_have_distinct_names_and_columns_keep_theirs(names):
    cells = {name: [["1", "", "(empty)", "2"], [1.0, np.nan, 3.0, 4.0]][place % 2] for place, name in enumerate(names)}
    frame = pd.DataFrame({**cells, "target": [1.0, 2.0, 3.0, 4.0]})
    categories = tuple(names[::2])
    found = fit(frame, Columns(("target",), names, categories), input_scaler="standard").features
    assert len(set(found)) == len(found)
    assert set(names) - set(categories) <= set(found)


def test_features_that_do_not_meet_are_called_as_ever():
    frame = pd.DataFrame({"a": [1.0, np.nan, 2.0], "b": ["x", "", "x"], "target": [1.0, 2.0, 3.0]})
    found = fit(frame, Columns(("target",), ("a", "b"), ("b",)), input_scaler="none").features
    assert found == ("a", "a is missing", "b = (empty)", "b = x")


@given(NAMES)
def test_headers_of_written_tables_are_distinct(names):
    header = [*report_rows.as_csv(["row", "y spread", *names], []).strip().splitlines()]
    (found,) = csv.reader(io.StringIO("\n".join(header)))
    assert len(set(found)) == len(names) + 2
    assert found[:2] == ["row", "y spread"]
    shown = table(["row", *names], []).splitlines()[0].strip("| ").split(" | ")
    assert len(set(shown)) == len(names) + 1
