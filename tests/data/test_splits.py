"""Folds: what a repeat trains and validates with follows from its number, and the test rows stay what they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.data import preprocessing
from pipeline.data.roles import Columns
from pipeline.data.rows import prepare_rows
from pipeline.data.splits import fold, parts_of, split
from pipeline.data.tables import Table
from pipeline.errors import UserError

SHARES: Any = {"validation": 0.2, "test": 0.25, "seed": 3}


def table(count: int, *, name: str = "regression", groups: int = 0, seed: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=count), "y": rng.normal(size=count)})
    frame["c"] = rng.choice(["a", "b", "c"], count, p=[0.7, 0.2, 0.1])
    frame["g"] = rng.integers(0, groups or 1, count)
    target = "c" if name == "classification" else "y"
    columns = Columns((target,), ("x",), (), groups=("g",) if groups else ())
    return Table(frame, columns, "made", "0", name)


@given(count=st.integers(20, 90), folds=st.integers(2, 7), turn=st.integers(0, 3), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_the_folds_of_a_round_are_disjoint_and_cover_all_but_the_test_rows(count, folds, turn, seed):
    made, options = table(count), {**SHARES, "seed": seed}
    tested = split(made, **options)[2]
    held = []
    for number in range(folds):
        train, validated, test = fold(made, folds=folds, index=turn * folds + number, **options)
        assert np.array_equal(test, tested)
        assert sorted([*train, *validated, *test]) == list(range(count))
        held.append(validated)
        again = fold(made, folds=folds, index=turn * folds + number, **{**options, "validation": 0.4})
        assert all(np.array_equal(one, other) for one, other in zip((train, validated), again, strict=False))
    assert sorted(np.concatenate(held)) == sorted(set(range(count)) - set(tested))
    assert max(map(len, held)) - min(map(len, held)) <= 1


def test_every_round_is_shuffled_anew_and_so_is_every_seed():
    made = table(60)
    first = [set(fold(made, folds=5, index=index, **SHARES)[1]) for index in (0, 5, 10)]
    assert first[0] != first[1] != first[2] != first[0]
    assert first[0] != set(fold(made, folds=5, index=0, **{**SHARES, "seed": 4})[1])


@pytest.mark.parametrize("folds", [2, 5])
def test_each_fold_has_the_shares_of_the_classes(folds):
    made = table(150, name="classification")
    classes = made.frame["c"].to_numpy()
    for index in range(2 * folds):
        train, validated, _ = fold(made, folds=folds, index=index, **SHARES)
        both = np.concatenate([train, validated])
        for label in "abc":
            fair = np.sum(classes[both] == label) / folds
            assert abs(np.sum(classes[validated] == label) - fair) < 2


@given(seed=st.integers(0, 50), folds=st.integers(2, 5))
@settings(deadline=None, max_examples=25)
def test_groups_stay_whole_and_no_fold_is_empty(seed, folds):
    made = table(80, groups=12, seed=seed)
    groups = made.frame["g"].to_numpy()
    held = []
    for index in range(folds):
        parts = fold(made, folds=folds, index=index, **SHARES)
        assert all(len(part) for part in parts)
        seen = [set(groups[part]) for part in parts]
        assert sum(map(len, seen)) == len(set.union(*seen))
        held += list(parts[1])
    assert len(held) == len(set(held)) == 80 - len(parts[2])


def test_a_series_and_too_many_folds_are_refused():
    with pytest.raises(UserError, match="series cannot have folds"):
        fold(replace(table(50), in_time=True), folds=3, index=0, **SHARES)
    with pytest.raises(UserError, match="15 rows cannot be divided into 16 folds"):
        fold(table(20), folds=16, index=0, **SHARES)
    with pytest.raises(UserError, match="groups"):
        fold(table(50, groups=4), folds=5, index=0, **SHARES)


def test_scalers_are_those_of_the_training_rows_of_the_fold():
    made = table(70)
    for index in (0, 3, 7):
        positions = fold(made, folds=4, index=index, **SHARES)
        rows, fitted = prepare_rows(
            made, **SHARES, input_scaler="standard", output_scaler="standard", folds=4, index=index
        )
        parts = (rows.train, rows.validation, rows.test)
        assert all(np.array_equal(part.rows, each) for part, each in zip(parts, positions, strict=True))
        assert rows.train.inputs.mean(axis=0) == pytest.approx(0, abs=1e-6)
        assert rows.train.outputs.std(axis=0) == pytest.approx(1, abs=1e-5)
        own = preprocessing.fit(
            made.frame.iloc[positions[0]], made.columns, input_scaler="standard", target=fitted.target
        )
        assert np.array_equal(own.inputs(made.frame), fitted.inputs(made.frame))


@given(
    count=st.integers(1, 60),
    groups=st.integers(0, 8),
    parts=st.integers(2, 5),
    seed=st.integers(0, 99),
    taken=st.data(),
)
@settings(deadline=None, max_examples=60)
def test_parts_of_some_rows_hold_whole_groups_and_follow_from_the_rows_alone(count, groups, parts, seed, taken):
    made = table(count, groups=groups, seed=seed)
    made = replace(made, frame=made.frame.set_axis(range(100, 100 + count)))  # rows are named, not numbered
    rows = np.array(taken.draw(st.lists(st.sampled_from(range(100, 100 + count)), min_size=1, unique=True)))
    found, units = parts_of(made, rows, parts, seed), made.frame.loc[rows, "g"].nunique() if groups else len(rows)
    if units < 2:
        assert found is None
        return
    assert found is not None
    assert sorted(set(found)) == list(range(min(parts, units)))
    if groups:
        assert len({*zip(made.frame.loc[rows, "g"], found, strict=True)}) == units
    order = np.random.default_rng(1).permutation(len(rows))
    other = parts_of(made, rows[order], parts, seed)
    assert other is not None
    assert np.array_equal(other, found[order])


def test_parts_have_the_shares_of_the_classes_and_those_of_a_series_follow_each_other():
    made, rows = table(150, name="classification"), np.arange(100)
    ordered = replace(made, in_time=True)
    found, others, late = parts_of(made, rows, 5, 0), parts_of(made, rows, 5, 1), parts_of(ordered, rows[::-1], 5, 0)
    assert found is not None
    assert others is not None
    assert late is not None
    counts = pd.crosstab(made.frame["c"].to_numpy()[rows], found)
    assert (counts.max(axis=1) - counts.min(axis=1) <= 2).all()
    assert found.tolist() != others.tolist()
    assert late.tolist() == sorted(late, reverse=True)
