"""What a run understood of its data stands in its first lines and in the summary, a line for each thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import settings
from pipeline.run.prepare import prepare
from pipeline.run.understood import understood
from tests.faults import small_study

ROWS = 60


def table() -> pd.DataFrame:
    rows = np.arange(ROWS)
    return pd.DataFrame({"a": rows / 7, "town": [f"T{each % 4}" for each in rows], "y": rows * 1.5})


def lines(frame: pd.DataFrame, folder: Path, **options: Any) -> dict[str, str]:
    source, space = folder / "table.csv", folder / "space.toml"
    frame.to_csv(source, index=False)
    space.write_text('hidden_layers = 1\nunits = { type = "integer", low = 4, high = 6, per = "hidden_layers" }')
    given = {"data": str(source), "space": space, "study": folder / "study", "slots": "cpu:1", "target": ["y"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.run.model_size.most_weights", lambda *_: 1)
        found = understood(prepare(settings.read(None, {**given, **options})))
    return dict(each.split(": ", 1) for each in found)


def test_of_a_plain_table_inputs_and_task_are_told(tmp_path):
    assert lines(table(), tmp_path) == {
        "Inputs": "1 number (a), 1 category (town of 4 values); 5 inputs of the networks"
        " (--categories takes numbers as categories, --ignore leaves columns out)",
        "Task": "regression; loss mse, objective MAE on scaled outputs",
    }


def test_a_column_has_its_kind_and_the_option_overrules_it(tmp_path):
    frame = table().assign(grade=np.arange(ROWS) % 3, fresh=np.arange(ROWS) % 2 == 0)
    assert lines(frame, tmp_path)["Inputs"].startswith(
        "2 numbers (a, grade of 3 values), 1 truth value (fresh), 1 category (town of 4 values)"
    )
    found = lines(frame, tmp_path, categories=["grade"], ignore=["fresh"])["Inputs"]
    assert found.startswith("1 number (a), 2 categories (town of 4 values, grade of 3 values)")


def test_rows_are_those_of_the_file_below_blank_ones(tmp_path):
    frame = pd.DataFrame({"a": [*range(1, 60), -9999], "y": range(60)})
    known = pd.DataFrame.to_csv

    def below_blank_rows(frame, path, **options):
        known(frame, path, **options)
        Path(path).write_text("\n\n\n" + Path(path).read_text())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_csv", below_blank_rows)
        assert "-9999 in row 64" in lines(frame, tmp_path)["Suspicious values"]


def test_points_between_thousands_are_told_of_used_columns(tmp_path):
    cells = [f"{each // 1000}.{each % 1000:03d}" if each > 999 else str(each) for each in range(41, 2441, 40)]
    frame = pd.DataFrame({"a": cells, "b": cells, "y": range(60)})
    told = lines(frame, tmp_path, ignore=["b"])["Points"]
    assert told.startswith("a 1.001 in row 26 (36 cells with three digits behind a point, others with none); read as")
    assert "Points" not in lines(frame, tmp_path, categories=["a"], ignore=["b"])


def test_missing_cells_and_their_words_are_counted(tmp_path):
    frame = table().astype(object)
    frame.loc[[1, 2, 3], "a"], frame.loc[[4], "a"], frame.loc[[5], "town"] = "NA", None, None
    frame.loc[[7, 8], "town"] = "NA"
    found = lines(frame, tmp_path)
    keep = "--categories takes such words as categories"
    assert found["Missing cells"] == f'a 4 ("NA" in 3 cells), town 1, of 60 rows; {keep}'
    assert found["Words"] == 'town "NA" in 2 cells are categories; leave the cells empty where they are missing'
    overruled = lines(frame, tmp_path, categories=["a"], ignore=["town"])
    assert overruled["Words"].startswith('a "NA" in 3 cells are categories')


def test_odd_values_are_named_with_column_row_and_the_range_of_all_others(tmp_path):
    frame = pd.DataFrame({"a": range(1, 61), "b": range(1, 61), "y": range(1, 61)})
    frame.loc[7, "a"], frame.loc[[3, 5], "b"], frame.loc[9, "y"] = -9999, -999, 10**9
    assert lines(frame, tmp_path)["Suspicious values"] == (
        "a: -9999 in row 9, far off from all others (1 to 60);"
        " b: -999 in 2 rows, first in row 5, far off from all others (1 to 60);"
        " y: 1e+09 in row 11, far off from all others (1 to 60);"
        " correct such cells, or leave those of inputs empty where the value is not known"
    )


def test_constant_columns_and_identifiers_are_named(tmp_path):
    frame = table().assign(year=2020, customer=range(500, 500 + ROWS))
    found = lines(frame, tmp_path)
    assert found["Constant"] == "year (2020) (--ignore leaves such columns out)"
    assert found["Never repeated"] == "customer (an identifier? --ignore leaves it out)"


@pytest.mark.parametrize("number", range(2, 7))
def test_a_target_of_few_whole_numbers_is_told_the_other_task(number, tmp_path):
    frame = table().assign(y=np.arange(ROWS) % number)
    found = lines(frame, tmp_path)["Task"]
    assert found.startswith(f"regression ({number} distinct values; --task classification takes them as classes); loss")
    assert lines(frame, tmp_path, task="regression")["Task"].startswith("regression; loss")
    assert lines(frame, tmp_path, task="classification")["Task"].startswith("classification; loss")


def test_a_target_of_texts_is_told_the_other_task_too(tmp_path):
    frame = table().assign(y=["low", "high"] * 30)
    assert lines(frame, tmp_path)["Task"].startswith("classification, for texts are classes (--task regression takes")


def test_a_series_is_told_by_its_columns_and_its_order(tmp_path):
    frame = pd.DataFrame({"day": range(90), "y": np.sin(np.arange(90)), "heat": np.cos(np.arange(90)), "site": 7.0})
    found = lines(frame, tmp_path, time="day", window=6)
    assert (
        found["Inputs"] == "3 numbers (y, heat, site) in windows of 6 steps in order of day"
        " (--categories takes numbers as categories, --ignore leaves columns out)"
    )
    assert found["Constant"].startswith("site (7)")


def test_hundreds_of_columns_take_a_line_or_two(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"column {each}": rng.normal(size=ROWS) for each in range(300)})
    for each in range(250):
        frame.loc[each % ROWS, f"column {each}"] = None
        frame.loc[(each + 1) % ROWS, f"column {each}"] = -9999
    found = lines(frame.assign(y=range(ROWS)), tmp_path)
    assert max(map(len, found.values())) < 700
    assert "and 281 more" in found["Inputs"]
    assert "and 231 more" in found["Missing cells"]
    assert "and 246 more" in found["Suspicious values"]


def test_images_are_told_in_a_line(tmp_path):
    images = np.arange(30 * 20).reshape(30, 5, 4) % 256
    np.savez(tmp_path / "images.npz", images=images.astype(np.uint8), labels=np.arange(30) % 3)
    found = lines(table(), tmp_path, data=str(tmp_path / "images.npz"), target=["label"], task="classification")
    assert found["Inputs"] == "images of 5 x 4 pixels, 0 to 255"


def test_the_summary_says_the_same_and_a_resumed_run_too(tmp_path, monkeypatch):
    small_study.stand_in(monkeypatch)
    first = small_study.run(tmp_path)
    assert first.exit_code == 0, first.output
    page = (tmp_path / "study" / "summary.md").read_text()
    section = page.split("## The data\n\n")[1].split("\n\n##")[0]
    inputs = "2 numbers (a, b of 9 values), 1 category (c of 3 values); 6 inputs of the networks"
    assert section.splitlines() == [
        f"- Inputs: {inputs} (--categories takes numbers as categories, --ignore leaves columns out)",
        "- Missing cells: a 3, of 80 rows",
        "- Task: regression; loss mse, objective MAE on scaled outputs",
    ]
    assert small_study.run(tmp_path).exit_code == 0
    assert section in (tmp_path / "study" / "summary.md").read_text()
    said = " ".join(first.stdout.split())
    assert all(line.removeprefix("- ") in said for line in section.splitlines())
