"""Where a file that the user asks for may be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.study_folder.comparison import NAMES, ComparisonFolder
from pipeline.study_folder.outputs import check_output

TABLES = (".csv", ".xlsx")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study, a comparison and a table, in which the command is given."""
    monkeypatch.chdir(tmp_path)
    for folder in ("r/k/models", "r/k/figures", "r/c/random-0", "elsewhere"):
        Path(folder).mkdir(parents=True)
    for file in ("r/k/study.json", "r/k/test_predictions.csv", "r/c/random-0/outcome.json", "r/c/random-0/study.json"):
        Path(file).write_text("{}")
    Path("mine.csv").write_text("a\n1\n")
    return tmp_path


def refused(path: str, *inputs: str) -> str:
    with pytest.raises(UserError) as caught:
        check_output(Path(path), TABLES, inputs)
    return str(caught.value)


@pytest.mark.parametrize(
    "spelling", ["mine.csv", "./mine.csv", "r/../mine.csv", "r/k/../../mine.csv", "{home}/mine.csv"]
)
def test_an_input_is_never_overwritten_however_it_is_spelled(home, spelling):
    assert "is an input" in refused(spelling.format(home=home), "other.csv", "mine.csv")


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_an_input_is_never_overwritten_through_a_link(home, link):
    link("mine.csv", "other.csv")
    assert "the same file as mine.csv" in refused("other.csv", "mine.csv")
    assert "the same file as other.csv" in refused("mine.csv", "other.csv")


@pytest.mark.parametrize(
    "path",
    [
        "r/k/test_predictions.csv", "r/k/worst_rows.csv", "r/k/ledger.xlsx", "r/k/LEDGER.xlsx", "r/k/ledger.fresh.xlsx",
        "r/k/models/o.csv", "r/k/figures/deep/o.csv", "r/k/study.json", "r/k/summary.md", "r/k/../k/ledger.xlsx",
        "elsewhere/link/ledger.xlsx", "to_it.csv", "r/c/comparison.csv", "r/c/seeds.csv", "r/c/random-0/ledger.xlsx",
    ],
)  # fmt: skip
def test_a_file_of_a_study_or_a_comparison_is_never_overwritten(home, path):
    Path("elsewhere/link").symlink_to("../r/k")
    Path("to_it.csv").symlink_to("r/k/test_predictions.csv")
    assert "would overwrite what belongs to the " in refused(path)


@pytest.mark.parametrize(
    "path",
    ["o.csv", "r/o.xlsx", "r/ledger.xlsx", "r/k/predictions.csv", "r/k/mine/ledger.xlsx", "r/comparison.csv", "O.CSV"],
)
def test_other_files_are_written_whether_they_are_there_or_not(home, path):
    check_output(Path(path), TABLES, ["mine.csv", "nothing.csv", "builtin:diabetes", "\0", "x" * 300])
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).touch()
    check_output(Path(path), TABLES, ["mine.csv", "nothing.csv", "builtin:diabetes", "\0", "x" * 300])


@pytest.mark.parametrize("path", ["o", "o.xls", "o.json", "csv", ".csv", "o.csv.gz"])
def test_an_ending_that_says_nothing_is_refused(home, path):
    assert "expected: a file that ends in .csv, .xlsx" in refused(path).lower()


def test_what_is_not_a_plain_file_or_must_not_be_written_is_refused(home):
    Path("o.csv").mkdir()
    assert "o.csv is a folder" in refused("o.csv")
    os.mkfifo("pipe.csv")
    assert "pipe.csv is not a plain file" in refused("pipe.csv")
    Path("old.csv").touch(0o444)
    assert "old.csv is read-only" in refused("old.csv")


@pytest.mark.parametrize("name", NAMES)
def test_a_new_comparison_is_not_made_over_files_of_the_user(home, name):
    Path("elsewhere", name).write_text("mine")
    with pytest.raises(UserError, match=f"(?s)would overwrite.*Got: {name}"):
        ComparisonFolder(Path("elsewhere")).check_free()


def test_the_folder_of_a_comparison_is_gone_on_with(home):
    Path("r/c/comparison.md").touch()
    ComparisonFolder(Path("r/c")).check_free()
    ComparisonFolder(Path("elsewhere")).check_free()
    ComparisonFolder(Path("nowhere")).check_free()
    assert ComparisonFolder(Path("r/c")).study("my.search:Mine", 3) == Path("r/c/my.search.Mine-3")
