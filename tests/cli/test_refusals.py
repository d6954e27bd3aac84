"""Mistakes on the command line: exit code 2, a text that says what to do, nothing written. None needs TensorFlow."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.cli.options import path_of

ROOT = Path(__file__).parents[2]
DIABETES = str(ROOT / "search_spaces" / "compare_diabetes.settings.toml")
SPACE = str(ROOT / "search_spaces" / "demo.toml")


def refused(*words: object) -> str:
    answer = CliRunner().invoke(app, [str(each) for each in words], env={"COLUMNS": "200"})
    assert answer.exit_code == 2, answer.output
    assert not answer.stdout
    return " ".join(answer.stderr.split())


RUN = ("run", "--data", "builtin:diabetes", "--target", "target", "--space", SPACE, "--study", "study")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "The setting data is missing"),
        (["run", "--settings", "nothing.toml"], "nothing.toml"),
        ([*RUN, "--repeats", "0"], "The setting repeats is wrong"),
        ([*RUN, "--repeats", "two"], "'--repeats'"),
        ([*RUN, "--target-score", "low"], "'--target-score'"),
        ([*RUN, "--repeat", "2"], "No such option: --repeat"),
        ([*RUN, "--strategy", "randm"], "did you mean random"),
        ([*RUN, "--data", "nothing.csv"], "nothing.csv"),
        (["predict", "--study", "nothing", "--input", "rows.csv", "--output", "o.csv"], "rows.csv"),
        (["predict", "--study", "nothing", "--output", "o.csv"], "Missing option '--input'"),
        ([*RUN[:-1], ""], "'--study': the path is empty"),
        (["predict", "--study", "nothing", "--input", "rows.csv", "--output", " "], "'--output': the path is empty"),
        (
            ["ledger", "verify", "nothing"],
            "nothing is not a study folder. Expected: a folder with study.json or ledger",
        ),
        (["ledger", "verify", "."], ". is not a study folder"),
        (["ledger", "rebuild", "nothing"], "nothing"),
        (["ledger", "import", "nothing", "other.xlsx"], "nothing"),
        (["search"], "No such command 'search'"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_written(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused(*words)
    assert not list(tmp_path.iterdir())


def test_foreign_text_in_an_error_cannot_command_the_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = refused("run", "--settings", "a[bold]b\x1b]0;title\x07.toml")
    assert "a[bold]b\\x1b]0;title\\x07.toml" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--methods", "halvin"], "did you mean halving"),
        (["--methods", "random", "halvin"], "There is no method 'halvin'"),
        (["--methods", "baseline"], "it needs a search to compare with"),
        (["--seeds", "0"], "The number of seeds is wrong. Expected: 1 or more. Got: 0"),
        (["--trainings", "5"], "at least 10"),
        (["--seconds", "-1"], "seconds"),
        (["--data", "nothing.csv"], "nothing.csv"),
        (["random"], "unexpected extra argument"),
    ],
)
def test_mistakes_in_a_comparison_are_named(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(ROOT)  # paths of the settings are relative to it
    folder = tmp_path / "compared"
    answer = CliRunner().invoke(app, ["compare", "--settings", DIABETES, "--folder", str(folder), *words])
    assert answer.exit_code == 2, answer.output
    assert said in " ".join(answer.stderr.split())
    assert not folder.exists()


def test_without_the_example_of_the_checkout_what_is_missing_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = refused("compare", "--data", "housing.csv")
    assert "No settings were given, and --target, --space and --folder are missing" in text
    assert "Expected: --data, --target, --space and --folder, or --settings with a file that has them" in text
    assert "compare_california" not in text  # a file that nobody named


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of("~/x.csv") == tmp_path / "x.csv"
    assert f"{tmp_path}/nothing.toml" in refused("run", "--settings", "~/nothing.toml")
