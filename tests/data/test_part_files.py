"""A table in several files: the same rows as in one, and a file that differs from the first is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.data.duplicates import equal_rows
from pipeline.data.new_categories import new_categories
from pipeline.data.overview import overview
from pipeline.data.part_files import Files
from pipeline.data.rows import prepare_rows
from pipeline.data.splits import fold, split
from pipeline.data.tables import Table, read
from pipeline.errors import UserError

CUT: dict[str, Any] = {"validation": 0.25, "test": 0.2, "seed": 3}
SCALED: dict[str, Any] = {**CUT, "input_scaler": "standard", "output_scaler": "standard"}
Frames = dict[str, pd.DataFrame]


def frames() -> Frames:
    """Rows of one table: 12 for training, 4 for validation, 5 for the test; no file has all that columns hold."""
    row = np.arange(21)
    whole = pd.DataFrame(
        {
            "x": row * 1.5,
            "kind": np.where(row % 3 == 0, "01", np.where(row % 3 == 1, "7", "A")),
            "old": row % 2 == 0,
            "note": "n",
            "y": row**2 % 17 * 1.0,
        }
    )
    return {"train": whole[:12], "validation": whole[12:16], "test": whole[16:]}


def written(folder: Path, given: Frames, endings: tuple[str, ...] = ("csv", "xlsx", "parquet")) -> list[str]:
    """Write the frames, each as another format, and return the names of the files."""
    paths = []
    for (name, frame), ending in zip(given.items(), endings, strict=False):
        path = folder / f"{name}.{ending}"
        if ending == "csv":
            frame.to_csv(path, index=False)
        elif ending == "xlsx":
            frame.to_excel(path, index=False)
        else:
            frame.to_parquet(path, index=False)
        paths.append(str(path))
    return paths


def three(folder: Path, given: Frames, endings: tuple[str, ...] = ("csv", "xlsx", "parquet"), **asked: Any) -> Table:
    train, validation, test = written(folder, given, endings)
    return read(train, targets=["y"], validation_data=validation, test_data=test, **{"ignore": ["note"], **asked})


def refused(folder: Path, given: Frames, endings: tuple[str, ...] = ("csv", "csv", "csv"), **asked: Any) -> str:
    with pytest.raises(UserError) as caught:
        three(folder, given, endings, **asked)
    return str(caught.value)


def in_one(given: Frames, folder: Path, **asked: Any) -> Table:
    path = folder / "one.csv"
    pd.concat([frame.assign(part=name) for name, frame in given.items()]).to_csv(path, index=False)
    return read(str(path), targets=["y"], split="part", **{"ignore": ["note"], **asked})


@pytest.mark.parametrize("endings", [("csv", "csv", "csv"), ("csv", "xlsx", "parquet"), ("parquet", "csv", "xlsx")])
def test_files_are_the_parts_of_one_table(tmp_path: Path, endings: tuple[str, ...]) -> None:
    given = frames()
    found, whole = three(tmp_path, given, endings), in_one(given, tmp_path)
    pd.testing.assert_frame_equal(found.frame, whole.frame)
    assert found.columns == whole.columns
    assert found.split is not None
    assert whole.split is not None
    assert found.split.words == "12 train, 4 validation, 5 test"
    for one, other in zip(split(found, **CUT), split(whole, **CUT), strict=True):
        assert np.array_equal(one, other)


def test_the_order_of_columns_does_not_matter(tmp_path: Path) -> None:
    given = frames()
    turned = {name: frame if name == "train" else frame[frame.columns[::-1]] for name, frame in given.items()}
    pd.testing.assert_frame_equal(three(tmp_path, turned).frame, three(tmp_path, given).frame)


def test_each_file_has_a_hash_of_its_own(tmp_path: Path) -> None:
    given = frames()
    first = three(tmp_path, given)
    alone = read(str(tmp_path / "train.csv"), targets=["y"], ignore=["note"])
    assert first.sha256 == alone.sha256
    assert alone.split is None
    given["test"] = given["test"].assign(x=given["test"]["x"] + 1)
    other = three(tmp_path, given)
    assert first.split is not None
    assert other.split is not None
    assert {*first.split.facts} == {"validation_data", "test_data"}
    assert other.sha256 == first.sha256
    assert other.split.facts["validation_data"] == first.split.facts["validation_data"]
    assert other.split.facts["test_data"] != first.split.facts["test_data"]


def test_without_a_validation_file_the_training_file_is_divided(tmp_path: Path) -> None:
    train, _, test = written(tmp_path, frames())
    found = read(train, targets=["y"], ignore=["note"], test_data=test)
    trained, validated, tested = split(found, **CUT)
    assert sorted(tested) == [*range(12, 17)]
    assert len(validated) == 3
    assert sorted([*trained, *validated]) == [*range(12)]
    held = [sorted(fold(found, folds=3, index=index, **CUT)[1]) for index in range(3)]
    assert sorted(sum(held, [])) == [*range(12)]  # noqa: RUF017 - a few short lists


def test_without_a_test_file_the_test_rows_are_cut_from_the_training_file(tmp_path: Path) -> None:
    train, validation, _ = written(tmp_path, frames())
    found = read(train, targets=["y"], ignore=["note"], validation_data=validation)
    trained, validated, tested = split(found, **{**CUT, "test": 0.25})
    assert sorted(validated) == [*range(12, 16)]
    assert len(tested) == 3
    assert sorted([*trained, *tested]) == [*range(12)]


@pytest.mark.parametrize(
    ("change", "asked", "said"),
    [
        ({"drop": "x"}, {}, "test.csv lacks 1 column(s) that "),
        ({"drop": "y"}, {}, "lacks 1 column(s) that "),
        ({"z": 1.0}, {}, "test.csv has 1 column(s) that "),
        ({"x": "red"}, {}, "test.csv: Input 'x' holds texts"),
        ({"x": True}, {}, "test.csv: Input 'x' holds truth values"),
        ({"x": "2020-01-31"}, {}, "test.csv: Input 'x' holds dates or times"),
        ({"x": ["1", "2", "red", "3", "4"]}, {}, "'red' in row 4"),
        ({"kind": [1.0, 7.0, 1.0, 8.0, 7.0]}, {}, "'8.0' in row 5"),
        ({"old": [0, 1, 1, 2, 0]}, {}, "test.csv: Input 'old' has another value than true and false"),
        ({"y": [1, 2, None, 3, 4]}, {}, "test.csv: Target 'y' has 1 empty cell(s), the first in row 4"),
        ({"y": "high"}, {}, "test.csv: Target 'y' has text"),
        ({"w": [1, 1, -1, 1, 1]}, {"weight": "w"}, "test.csv: Weight 'w' is negative in row 4"),
        ({"g": ["e", "f", "a", "e", "f"]}, {"groups": ["g"]}, "group a, in row 4 of "),
    ],
)
def test_a_file_that_differs_is_refused_by_name(
    tmp_path: Path, change: dict[str, Any], asked: dict[str, Any], said: str
) -> None:
    given = frames()
    if "weight" in asked:
        given = {name: frame.assign(w=1.0) for name, frame in given.items()}
    if "groups" in asked:
        given = {name: frame.assign(g=name[0] if name != "train" else "a") for name, frame in given.items()}
    dropped = change.pop("drop", None)
    given["test"] = given["test"].assign(**change).drop(columns=[dropped] if dropped else [])
    message = refused(tmp_path, given, **asked)
    assert said in message
    assert "test.csv" in message


def test_the_training_file_decides_what_a_column_holds(tmp_path: Path) -> None:
    given = frames()
    given["train"] = given["train"].assign(x=["red", "blue"] * 6)
    message = refused(tmp_path, given)
    assert "validation.csv: Input 'x' holds numbers" in message
    assert "train.csv" in message
    assert "x" in three(tmp_path, given, categories=["x"]).columns.categories


def test_a_file_with_nothing_but_figures_has_the_texts_of_the_training_file(tmp_path: Path) -> None:
    given = frames()
    given["test"] = given["test"].assign(kind=[1, 7, 7, 1, 7], old=[1, 0, 0, 1, 0])  # as spreadsheets write 01 and true
    found = three(tmp_path, given, ("csv", "csv", "xlsx"))
    assert found.frame["old"].tolist()[-5:] == [1.0, 0.0, 0.0, 1.0, 0.0]
    assert found.frame["kind"].tolist()[-5:] == ["01", "7", "7", "01", "7"]


def test_an_empty_column_is_of_every_kind(tmp_path: Path) -> None:
    given = frames()
    given["test"] = given["test"].assign(x=None, kind=None)
    found = three(tmp_path, given, ("csv", "csv", "csv"))
    assert found.frame["x"].isna().tolist()[-5:] == [True] * 5
    assert found.frame["kind"].tolist()[-5:] == [""] * 5


def test_columns_to_leave_out_may_be_in_any_file(tmp_path: Path) -> None:
    given = frames()
    given["test"] = given["test"].drop(columns="note").assign(answered="yes")
    assert "answered" not in three(tmp_path, given, ignore=["note", "answered"]).columns.inputs
    assert "has no column 'nothing'" in refused(tmp_path, given, ignore=["note", "answered", "nothing"])


def test_categories_that_the_training_file_lacks_are_known(tmp_path: Path) -> None:
    given = frames()
    given["test"] = given["test"].assign(kind=["A", "Z", "7", "", "Y"])
    assert new_categories(three(tmp_path, given)) == {"kind": ("(empty)", "Y", "Z")}
    assert new_categories(in_one(given, tmp_path)) == {}
    given = {"train": steps(0, 40), "validation": steps(40, 50), "test": steps(50, 60).assign(site="t")}
    assert new_categories(three(tmp_path, given, **{**SERIES, "ignore": []})) == {"site": ("t",)}


def test_a_class_that_the_training_file_lacks_is_refused(tmp_path: Path) -> None:
    given = {name: frame.assign(y=["no", "yes", *["no"] * (len(frame) - 2)]) for name, frame in frames().items()}
    assert three(tmp_path, given).task == "classification"
    given["validation"] = given["validation"].assign(y="no")  # one class is enough there
    assert three(tmp_path, given).task == "classification"
    given["test"] = given["test"].assign(y=["no", "no", "never", "no", "yes"])
    message = refused(tmp_path, given)
    assert "test.csv: Target 'y' has a class that" in message
    assert "'never' in row 4" in message


def test_one_file_is_not_two_parts(tmp_path: Path) -> None:
    train, validation, _ = written(tmp_path, frames())
    link = tmp_path / "again.csv"
    link.symlink_to(train)
    for validated, tested in ((None, str(link)), (validation, validation)):
        with pytest.raises(UserError, match="--test-data is the file of --"):
            read(train, targets=["y"], validation_data=validated, test_data=tested)


def test_a_number_that_is_too_large_is_told_by_its_file(tmp_path: Path) -> None:
    for column, what in (("x", "Input 'x'"), ("y", "Target 'y'")):
        given = frames()
        given["test"] = given["test"].assign(**{column: [1.0, 2.0, 1e300, 3.0, 4.0]})
        with pytest.raises(UserError, match=f"{what} is too large in row 4 of .*test.parquet"):
            prepare_rows(three(tmp_path, given), **SCALED)
        given = frames()
        given["train"] = given["train"].assign(**{column: [1e300, *range(11)]})
        with pytest.raises(UserError, match=f"{what} is too large in row 2 of .*train.csv"):
            prepare_rows(three(tmp_path, given), **SCALED)


def test_rows_are_told_by_their_file(tmp_path: Path) -> None:
    given = frames()
    given["validation"] = given["validation"].assign(x=[-1e6, 20.0, 21.0, 22.0])
    found = three(tmp_path, given)
    (odd,) = next(each for each in overview(found, [*range(12)]).inputs if each.name == "x").odd
    assert odd.row == 12
    assert found.files.called(odd.row) == f"row 2 of {tmp_path / 'validation.xlsx'}"
    files = Files(("a", "b", "c"), (), (2, 1, 3))
    assert [files.place(row) for row in range(6)] == [("a", 0), ("a", 1), ("b", 0), ("c", 0), ("c", 1), ("c", 2)]
    assert files.called(5) == "row 4 of c"
    assert Files(("a",), (), (9,)).called(5) == "row 7"


def test_equal_rows_of_different_files_are_counted(tmp_path: Path) -> None:
    given = frames()
    given["test"] = pd.concat([given["test"], given["train"][:2], given["validation"][:1]])
    given["validation"] = pd.concat([given["validation"], given["train"][2:3]])
    found = three(tmp_path, given)
    rows, _ = prepare_rows(found, **SCALED)
    assert equal_rows(found, rows.test, (rows.train, rows.validation)) == 3
    assert equal_rows(found, rows.validation, (rows.train,)) == 1


# ------------------------------------------------------------------------------------------------- series and images


def steps(first: int, last: int, form: str = "%d.%m.%Y") -> pd.DataFrame:
    days = pd.date_range("2021-03-01", periods=60)[first:last]
    row = np.arange(first, last)
    return pd.DataFrame({"day": [f"{day:{form}}" for day in days], "site": "s", "y": np.sin(row), "up": row % 3 == 0})


SERIES: dict[str, Any] = {"time": "day", "window": 4, "ignore": ["site"]}


def test_windows_of_a_series_reach_back_into_the_file_before(tmp_path: Path) -> None:
    given = {"train": steps(0, 40), "validation": steps(40, 50)[::-1], "test": steps(50, 60)}
    found, whole = three(tmp_path, given, **SERIES), in_one(given, tmp_path, **SERIES)
    pd.testing.assert_frame_equal(found.frame, whole.frame)
    assert (found.columns, found.times) == (whole.columns, whole.times)
    assert found.split is not None
    assert found.split.words == "36 train, 10 validation, 10 test"
    assert found.files.called(int(found.frame.index[36])) == f"row 11 of {tmp_path / 'validation.xlsx'}"
    moved = {**given, "test": given["test"].assign(y=9.0)}
    other = three(tmp_path, moved, **SERIES)
    assert other.sha256 == found.sha256
    assert other.split is not None
    assert other.split.facts["test_data"] != found.split.facts["test_data"]


def test_the_files_of_a_series_follow_one_another(tmp_path: Path) -> None:
    given = {"train": steps(1, 40), "validation": steps(40, 50), "test": steps(50, 60)}
    early = pd.concat([steps(0, 1), given["test"]])  # within the first window, of which no row comes
    message = refused(tmp_path, {**given, "test": early}, **SERIES)
    assert "is not in order of time" in message
    assert f"row 2 of {tmp_path / 'test.csv'} (test) comes before row 2 of {tmp_path / 'train.csv'} (train)" in message
    twice = pd.concat([steps(39, 40), given["validation"]])
    message = refused(tmp_path, {**given, "validation": twice}, **SERIES)
    assert f"in row 40 of {tmp_path / 'train.csv'} and row 2 of {tmp_path / 'validation.csv'}" in message
    assert "no step with a whole window before it" in refused(tmp_path, {**given, "train": steps(38, 40)}, **SERIES)
    with pytest.raises(UserError, match="A series ends with its test rows"):
        train, validation, _ = written(tmp_path, given)
        read(train, targets=["y"], validation_data=validation, **SERIES)


def test_times_have_the_format_of_the_training_file(tmp_path: Path) -> None:
    given = {"train": steps(0, 40), "validation": steps(40, 50), "test": steps(50, 60)}
    as_dates = {name: frame.assign(day=pd.to_datetime(frame["day"], dayfirst=True)) for name, frame in given.items()}
    mixed = three(tmp_path, {**given, "test": as_dates["test"]}, **SERIES)  # a Parquet file has dates of its own
    assert mixed.columns.time_format == "%d.%m.%Y"
    assert [*mixed.frame.index] == [*three(tmp_path, given, **SERIES).frame.index]
    message = refused(tmp_path, {**given, "test": steps(50, 60, "%Y-%m-%d")}, **SERIES)
    assert "test.csv: Time 'day' does not fit its format in row 2" in message
    zoned = as_dates["test"].assign(day=as_dates["test"]["day"].dt.tz_localize("UTC"))
    message = refused(tmp_path, {**as_dates, "test": zoned}, ("csv", "csv", "parquet"), **SERIES)
    assert "test.parquet: Time 'day' has moments with a zone" in message


def archive(path: Path, count: int, size: int) -> str:
    generator = np.random.default_rng(count)
    np.savez(path, images=generator.integers(0, 255, (count, size, size)), labels=np.arange(count) % 3)
    return str(path)


def test_images_may_be_in_several_files(tmp_path: Path) -> None:
    train, test = archive(tmp_path / "train.npz", 12, 5), archive(tmp_path / "test.npz", 4, 5)
    found = read(train, targets=["label"], task="classification", test_data=test)
    assert found.frame.shape == (16, 26)
    assert found.split is not None
    assert found.split.words == "12 train, 4 test"
    with pytest.raises(UserError, match=r"has images of 6 x 6 x 1 numbers\.\n  Expected: images of 5 x 5 x 1"):
        read(train, targets=["label"], task="classification", test_data=archive(tmp_path / "other.npz", 4, 6))
