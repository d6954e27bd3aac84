"""Splits that never leak, and rows that come back bit by bit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.data.preprocessing import Preprocessing
from pipeline.data.preprocessing_file import dumps
from pipeline.data.roles import Columns
from pipeline.data.rows import Rows, load_rows, prepare_rows, save_rows
from pipeline.data.splits import split
from pipeline.data.tables import Table, read
from pipeline.errors import DamagedFile, UserError

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def table(count: int, groups: list[list[int]] | None = None, weights: Sequence[float] | None = None) -> Table:
    generator = np.random.default_rng(count)
    frame = pd.DataFrame({"y": generator.normal(5, 2, count), "z": generator.normal(size=count)})
    frame["x"] = generator.normal(size=count)
    names = tuple(f"g{number}" for number in range(len(groups or [])))
    for name, values in zip(names, groups or [], strict=True):
        frame[name] = pd.Series([str(value) for value in values], dtype=object)
    if weights:
        frame["w"] = np.asarray(weights, dtype=np.float64)
    return Table(frame, Columns(("y", "z"), ("x",), (), "w" if weights else "", names), "made", "0")


def prepared(source: Table, **other: Any) -> tuple[Rows, Preprocessing]:
    asked: dict[str, Any] = {
        "validation": 0.2,
        "test": 0.2,
        "seed": 1,
        "input_scaler": "standard",
        "output_scaler": "standard",
    }
    return prepare_rows(source, **{**asked, **other})


@given(
    count=st.integers(4, 200),
    validation=st.one_of(st.floats(0.01, 0.45), st.integers(1, 60)),
    test=st.one_of(st.floats(0.01, 0.45), st.integers(1, 60)),
    seed=st.integers(0, 2**32),
)
@settings(deadline=None)
def test_parts_are_disjoint_cover_all_and_have_the_size_asked_for(
    count: int, validation: float, test: float, seed: int
) -> None:
    sizes = [max(1, round(asked * count)) if asked < 1 else int(asked) for asked in (validation, test)]
    if sum(sizes) >= count:
        with pytest.raises(UserError):
            split(table(count), validation=validation, test=test, seed=seed)
        return
    parts = split(table(count), validation=validation, test=test, seed=seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    assert [len(part) for part in parts] == [count - sum(sizes), *sizes]
    again = split(table(count), validation=validation, test=test, seed=seed)
    assert all(np.array_equal(one, other) for one, other in zip(parts, again, strict=True))


@given(
    groups=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=6, max_size=120).filter(
        lambda rows: len(set(rows)) >= 3
    ),
    asked=st.one_of(st.floats(0.05, 0.3), st.integers(1, 5)),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_groups_stay_whole(groups: list[tuple[int, int]], asked: float, seed: int) -> None:
    source = table(len(groups), [list(column) for column in zip(*groups, strict=True)])
    try:
        parts = split(source, validation=asked, test=asked, seed=seed)
    except UserError:
        assert asked >= 1  # a fraction below a third always leaves something
        return
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(groups)))
    seen = [{groups[row] for row in part} for part in parts]
    assert all(seen)
    assert seen[0].isdisjoint(seen[1] | seen[2])
    assert seen[1].isdisjoint(seen[2])


def test_the_split_is_that_of_earlier_versions() -> None:
    train, validation, test = split(table(10), validation=2, test=0.3, seed=7)
    assert (train.tolist(), validation.tolist(), test.tolist()) == GOLDEN


GOLDEN = ([6, 2, 4, 5, 9], [1, 3], [8, 0, 7])


def test_seeds_differ_and_the_test_rows_do_not_depend_on_validation() -> None:
    first = split(table(100), validation=0.2, test=0.2, seed=1)
    assert not np.array_equal(first[2], split(table(100), validation=0.2, test=0.2, seed=2)[2])
    assert np.array_equal(first[2], split(table(100), validation=0.4, test=0.2, seed=1)[2])


@pytest.mark.parametrize(
    ("source", "asked", "fragment"),
    [
        (table(2), {}, "has 2 rows"),
        (table(9, [[1, 2] * 4 + [1]]), {}, "has 2 groups.*at least 3 groups"),
        (table(9), {"test": 9}, "No rows are left"),
        (table(9), {"test": 90}, "cannot be 90 rows.*below 9"),
        (table(9), {"validation": 0.5, "test": 0.5}, "No rows are left for training"),
        (table(9), {"validation": 0}, "validation part cannot be 0"),
        (table(9), {"test": -0.1}, "test part cannot be -0.1"),
        (table(9), {"test": 1.5}, "cannot be 1.5"),
        (table(9), {"test": float("nan")}, "cannot be nan"),
        (table(9), {"test": float("inf")}, "cannot be inf"),
    ],
)
def test_impossible_parts_are_refused(source: Table, asked: dict[str, Any], fragment: str) -> None:
    with pytest.raises(UserError, match=f"(?s){fragment}"):
        split(source, **{"validation": 0.2, "test": 0.2, "seed": 0, **asked})


def test_prepare_scales_by_the_training_rows_and_keeps_the_measured_values() -> None:
    source = table(50)
    rows, preprocessing = prepared(source)
    assert rows.features == ("x",)
    assert rows.train.inputs.mean() == pytest.approx(0, abs=1e-6)
    assert rows.train.outputs.std(axis=0) == pytest.approx([1, 1], abs=1e-5)
    for part in (rows.train, rows.validation, rows.test):
        assert np.array_equal(part.measured, source.frame[["y", "z"]].to_numpy()[part.rows])
        assert np.allclose(rows.target.to_units(part.outputs), part.measured, atol=1e-5)
        assert [array.dtype.str for array in (part.inputs, part.outputs, part.weights)] == ["<f4"] * 3
        assert part.weights.tolist() == [1.0] * len(part.rows)
    assert preprocessing.target == rows.target


def test_nothing_but_training_rows_is_learned_from() -> None:
    source = table(60)
    rows, preprocessing = prepared(source)
    changed = source.frame.copy()
    held = np.concatenate([rows.validation.rows, rows.test.rows])
    changed.loc[held] = 1e6 + changed.loc[held] * 1e3
    _, other = prepared(Table(changed, source.columns, "made", "1"))
    assert dumps(other) == dumps(preprocessing)
    changed.loc[rows.train.rows[0], "x"] += 1
    _, third = prepared(Table(changed, source.columns, "made", "1"))
    assert dumps(third) != dumps(preprocessing)


def test_weights_are_one_on_average_and_their_unit_does_not_matter() -> None:
    weights = list(range(1, 41))
    one, _ = prepared(table(40, weights=weights))
    other, _ = prepared(table(40, weights=[each * 1000 for each in weights]))
    assert one.train.weights.mean() == pytest.approx(1)
    assert np.allclose(one.test.weights, other.test.weights)
    assert one.test.weights[0] / one.train.weights[0] == pytest.approx((one.test.rows[0] + 1) / (one.train.rows[0] + 1))


def test_a_part_without_weight_or_variation_is_refused() -> None:
    positions = split(table(40), validation=0.2, test=0.2, seed=1)
    weights = np.ones(40)
    weights[positions[1]] = 0
    with pytest.raises(UserError, match="All 8 validation rows have weight 0"):
        prepared(table(40, weights=weights.tolist()))
    weights[positions[1]] = 1e-60  # 0 beside the others, in the numbers that training has
    with pytest.raises(UserError, match="All 8 validation rows have weight 0"):
        prepared(table(40, weights=weights.tolist()))
    weights[positions[1]] = 1e60
    with pytest.raises(UserError, match="Weight 'w' is too large in row"):
        prepared(table(40, weights=weights.tolist()))
    source = table(40)
    source.frame.loc[positions[0], "z"] = 2.0
    with pytest.raises(UserError, match="Target 'z' is constant on the 24 training rows"):
        prepared(source)


def test_rows_come_back_bit_by_bit_with_equal_bytes(tmp_path: Path) -> None:
    rows, _ = prepared(table(30, weights=list(range(1, 31))))
    first, second = save_rows(rows, tmp_path / "a.npz"), save_rows(rows, tmp_path / "b.npz")
    assert first == second
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.npz", "b.npz"]
    again = load_rows(tmp_path / "a.npz")
    assert (again.target, again.features) == (rows.target, rows.features)
    for name in ("train", "validation", "test"):
        for array in ("inputs", "outputs", "measured", "weights", "rows"):
            one, other = getattr(getattr(rows, name), array), getattr(getattr(again, name), array)
            assert one.dtype == other.dtype
            assert np.array_equal(one, other)


def test_damaged_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    save_rows(prepared(table(30))[0], path)
    content = path.read_bytes()
    middle = content.index(b"train_inputs.npy") + 250  # within the numbers
    for damaged in (b"", b"x", content[:-50], content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]):
        path.write_bytes(damaged)
        with pytest.raises(DamagedFile):
            load_rows(path)
    np.savez(path, about=np.array([object()], dtype=object))
    with pytest.raises(DamagedFile, match="pickle"):
        load_rows(path)
    with pytest.raises(DamagedFile):
        load_rows(tmp_path / "none.npz")


def test_workers_need_nothing_but_numpy() -> None:
    code = "import sys, pipeline.data.rows; print({'pandas', 'sklearn', 'scipy', 'skops'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.stdout.strip() == "set()"


def test_built_in_data_end_to_end() -> None:
    rows, preprocessing = prepared(read("builtin:diabetes", targets=["target"]))
    assert [len(part.rows) for part in (rows.train, rows.validation, rows.test)] == [266, 88, 88]
    assert preprocessing.features == rows.features


@pytest.mark.skipif(not DATA.exists(), reason="the sets of ../shared/data are not there")
def test_no_transistor_is_torn() -> None:
    groups = ("tch", "mch", "tox", "ub")
    source = read(str(DATA / "semiconductor_eigen.csv"), targets=["e0", "e1", "e2"], groups=groups)
    rows, _ = prepared(source)
    seen = [
        set(source.frame.loc[part.rows, list(groups)].itertuples(index=False))
        for part in (rows.train, rows.validation, rows.test)
    ]
    assert [len(each) for each in seen] == [108, 36, 36]
    assert seen[0].isdisjoint(seen[1] | seen[2])
    assert seen[1].isdisjoint(seen[2])
    assert rows.train.inputs.shape == (4428, 5)


@given(
    labels=st.lists(st.sampled_from("aaaaabbbc"), min_size=12, max_size=150).filter(lambda each: len(set(each)) > 1),
    asked=st.floats(0.05, 0.4),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_each_part_has_the_classes_in_their_shares(labels: list[str], asked: float, seed: int) -> None:
    count = len(labels)
    frame = pd.DataFrame({"kind": pd.Series(labels, dtype=object), "x": np.arange(count, dtype=float)})
    source = Table(frame, Columns(("kind",), ("x",), ()), "made", "0", "classification")
    parts = split(source, validation=asked, test=0.2, seed=seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    assert [len(part) for part in parts[1:]] == [max(1, round(share * count)) for share in (asked, 0.2)]
    for part in parts:
        for label in set(labels):
            found = sum(labels[row] == label for row in part)
            assert abs(found - labels.count(label) * len(part) / count) < 2
    other = split(source, validation=0.1, test=0.2, seed=seed)
    assert np.array_equal(parts[2], other[2])
    assert not np.array_equal(parts[2], np.sort(parts[2])) or len(parts[2]) < 6 or seed % 7 == 0


def test_groups_stay_whole_in_a_study_of_classes_too() -> None:
    frame = pd.DataFrame(
        {"kind": pd.Series(list("ab") * 30, dtype=object), "g": pd.Series(list("uvwxyz") * 10, dtype=object)}
    )
    source = Table(frame, Columns(("kind",), ("g",), ("g",), "", ("g",)), "made", "0", "classification")
    parts = split(source, validation=0.2, test=0.2, seed=0)
    seen = [set(frame["g"].iloc[part]) for part in parts]
    assert [len(each) for each in seen] == [4, 1, 1]
    assert seen[0].isdisjoint(seen[1] | seen[2])
