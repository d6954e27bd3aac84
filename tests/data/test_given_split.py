"""A split that the user gives: rows are where the column says, and a column that says something else is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.data.duplicates import equal_rows
from pipeline.data.rows import prepare_rows
from pipeline.data.splits import fold, split
from pipeline.data.tables import Table, read
from pipeline.errors import UserError

CUT: dict[str, Any] = {"validation": 0.25, "test": 0.2, "seed": 3}


def table(tmp_path: Path, parts: list[str], **asked: Any) -> Table:
    lines = [f"{place},{place % 3},{place % 5},{place**2},{part}" for place, part in enumerate(parts)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["x,g,c,y,part", *lines]) + "\n")
    return read(str(path), targets=["y"], split="part", **asked)


def refused(tmp_path: Path, parts: list[str], **asked: Any) -> str:
    with pytest.raises(UserError) as caught:
        table(tmp_path, parts, **asked)
    return str(caught.value)


WORDS = ["train"] * 6 + ["test", "val", "Train", "VALIDATION", "valid", "test"]


def test_rows_are_in_the_parts_that_the_column_says(tmp_path: Path) -> None:
    given = table(tmp_path, WORDS)
    assert "part" not in given.columns.inputs
    trained, validated, tested = split(given, **CUT)
    assert sorted(trained) == [0, 1, 2, 3, 4, 5, 8]
    assert sorted(validated) == [7, 9, 10]
    assert sorted(tested) == [6, 11]
    other = split(given, **{**CUT, "validation": 0.5, "test": 0.5})
    assert [sorted(each) for each in other] == [sorted(each) for each in (trained, validated, tested)]
    assert given.split is not None
    assert given.split.words == "7 train, 3 validation, 2 test"


def test_without_validation_rows_the_training_rows_are_divided(tmp_path: Path) -> None:
    given = table(tmp_path, ["train"] * 16 + ["test"] * 4)
    trained, validated, tested = split(given, **CUT)
    assert sorted(tested) == [16, 17, 18, 19]
    assert len(validated) == 4
    assert sorted([*trained, *validated]) == [*range(16)]
    held = [sorted(fold(given, folds=4, index=index, **CUT)[1]) for index in range(4)]
    assert sorted(sum(held, [])) == [*range(16)]  # noqa: RUF017 - a few short lists


def test_numbers_are_folds_and_the_same_ones_in_every_round(tmp_path: Path) -> None:
    given = table(tmp_path, ["1", "2", "5"] * 4 + ["test"] * 3)
    assert given.split is not None
    assert given.split.folds == 3
    for index in (0, 3):
        trained, validated, tested = fold(given, folds=3, index=index, **CUT)
        assert sorted(validated) == [0, 3, 6, 9]
        assert sorted(tested) == [12, 13, 14]
        assert sorted(trained) == sorted({*range(12)} - {0, 3, 6, 9})


def test_groups_stay_whole_where_the_training_rows_are_divided(tmp_path: Path) -> None:
    parts = ["test" if place % 3 == 0 else "train" for place in range(30)]
    given = table(tmp_path, parts, groups=["g"])
    trained, validated, _ = split(given, **{**CUT, "validation": 0.5})
    groups = given.frame["g"].to_numpy()
    assert not set(groups[trained]) & set(groups[validated])


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (["train", "test", "holdout"] * 4, "'holdout' in row 4"),
        (["train", "test", ""] * 4, "'an empty cell' in row 4"),
        (["train", "test", "1.5"] * 4, "'1.5' in row 4"),
        (["train", "val"] * 6, "has no test rows"),
        (["val", "test"] * 6, "has no training rows"),
        (["1", "2", "train", "test"] * 3, "folds beside rows named train"),
        (["1", "1", "test"] * 4, "has 1 fold"),
    ],
)
def test_another_column_is_refused_by_name(tmp_path: Path, parts: list[str], said: str) -> None:
    message = refused(tmp_path, parts)
    assert "Split 'part'" in message
    assert said in message


def test_a_torn_group_is_refused_by_name(tmp_path: Path) -> None:
    message = refused(tmp_path, ["train"] * 9 + ["test"] * 3, groups=["g"])
    assert "tears a group of 'g' apart" in message
    assert "group 0, in row 11" in message


def test_a_column_has_one_role(tmp_path: Path) -> None:
    assert "named as input and as split" in refused(tmp_path, WORDS, inputs=["x", "part"])
    assert "named as group and as split" in refused(tmp_path, WORDS, groups=["part"])


def test_the_parts_of_a_series_follow_each_other(tmp_path: Path) -> None:
    parts = ["train"] * 20 + ["val"] * 5 + ["test"] * 5
    given = table(tmp_path, parts, time="x", window=3, ignore=["g", "c"])
    trained, validated, tested = split(given, **CUT)
    assert max(trained) < min(validated) < max(validated) < min(tested)
    assert (len(validated), len(tested)) == (5, 5)
    assert not any("part" in name for name in given.columns.inputs)
    message = refused(tmp_path, parts[::-1], time="x", window=3, ignore=["g", "c"])
    assert "not in order of time" in message


def test_equal_rows_in_different_parts_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = ["1,2,train", "1,2,test", "3,4,train", "5,6,test", "3,4,val", "3,5,test", "3,4,test"]
    path.write_text("\n".join(["x,y,part", *lines]) + "\n")
    given = read(str(path), targets=["y"], split="part")
    rows, _ = prepare_rows(given, **CUT, input_scaler="standard", output_scaler="standard")
    assert equal_rows(given, rows.test, (rows.train, rows.validation)) == 2
    assert equal_rows(given, rows.validation, (rows.train,)) == 1
    assert np.array_equal(np.sort(rows.test.rows), [1, 3, 5, 6])


def test_a_window_that_takes_the_training_rows_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    parts = ["train"] * 3 + ["val"] * 4 + ["test"] * 4
    path.write_text("t,v,part\n" + "".join(f"{place},{place},{part}\n" for place, part in enumerate(parts)))
    with pytest.raises(UserError, match="no training rows") as caught:
        read(str(path), targets=["v"], time="t", window=3, split="part")
    assert "lower --window" in str(caught.value)
    assert "the first 3 rows" in str(caught.value)
    found = read(str(path), targets=["v"], time="t", window=2, split="part").split
    assert found is not None
    assert found.words == "1 train, 4 validation, 4 test"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (["train"] * 6 + ["test"] * 3, "column 'part' has no training rows of class 'b'"),
        (["1", "2"] * 3 + ["3"] * 3, "column 'part' has no training rows of class 'b'"),
    ],
)
def test_a_class_that_the_split_leaves_out_is_its_fault(parts: list[str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{place},{'ac'[place // 2 % 2] if place < 6 else 'b'},{part}" for place, part in enumerate(parts)]
    rows += [f"{place},a,test" for place in range(9, 12)]
    path.write_text("\n".join(["x,y,part", *rows]) + "\n")
    given = read(str(path), targets=["y"], split="part")
    folds = given.split.folds if given.split is not None else 0
    with pytest.raises(UserError, match=said) as caught:
        for index in range(max(1, folds)):
            prepare_rows(given, **CUT, input_scaler="standard", output_scaler="standard", folds=folds, index=index)
    assert "spread them over the parts" in str(caught.value)


def test_weights_that_a_split_leaves_at_0_are_its_fault(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    parts = ["train"] * 6 + ["val"] * 3 + ["test"] * 3
    path.write_text(
        "x,y,w,part\n" + "".join(f"{at},{at},{int(part != 'val')},{part}\n" for at, part in enumerate(parts))
    )
    given = read(str(path), targets=["y"], weight="w", split="part")
    with pytest.raises(UserError, match="All 3 validation rows have weight 0") as caught:
        prepare_rows(given, **CUT, input_scaler="standard", output_scaler="standard")
    assert "correct the split of column 'part'" in str(caught.value)
