"""--help of every command: it works, fits its readers and loads nothing that takes time."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.settings import COMMON, HEADINGS, Settings, described

ROOT = Path(__file__).parents[2]
COMMANDS = [[], ["run"], ["predict"], ["compare"], ["ledger"], ["ledger", "verify"], ["ledger", "rebuild"]]
COMMANDS += [["ledger", "import"]]
HEAVY = {"tensorflow", "keras", "skopt", "matplotlib", "seaborn", "sklearn", "pandas", "joblib"}


def told(*words: str, width: int = 80) -> str:
    answer = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": str(width)})
    assert answer.exit_code == 0, answer.output
    return answer.output


def panels(text: str) -> dict[str, list[str]]:
    """The names of the options below each heading."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        heading = re.match(r"╭─ (.+?) ─*╮", line)
        option = re.match(r"│ --([\w-]+)", line)
        if heading:
            found[heading[1]] = []
        elif option:
            found[list(found)[-1]].append(option[1])
    return found


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("width", [80, 140])
def test_every_command_has_a_help_that_fits_the_screen(words, width):
    text = told(*words, width=width)
    assert "Usage:" in text
    assert max(map(len, text.splitlines())) == width


def test_no_help_loads_anything_heavy():
    code = f"""
import sys
from typer.testing import CliRunner
from pipeline.cli.commands import app
for words in {COMMANDS}:
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0, words
print(*sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {name.split(".")[0] for name in answer.stdout.split()} & HEAVY


def test_ten_settings_come_first_and_the_others_under_headings_of_their_own():
    found = panels(told("run"))
    assert list(found) == ["Options", *HEADINGS]
    assert found["Options"] == ["settings", "help"]
    assert found[COMMON] == [
        "data", "target", "space", "study", "configurations", "repeats", "trainings", "epochs", "seed", "slots",
    ]  # fmt: skip
    shown = [name for heading in HEADINGS for name in found[heading]]
    assert sorted(shown) == sorted(each.name.replace("_", "-") for each in described() if not each.hidden)
    assert {each.name for each in described()} == set(Settings.model_fields)


def test_every_setting_is_described_with_the_default_that_it_has():
    text = " ".join(told("run", width=1200).split())
    for each in (one for one in described() if not one.hidden):
        assert each.about in text, each.name
        if each.default:
            assert f"{each.about} (default: {each.default})" in text
    shown = {each.name: each.default for each in described()}
    assert shown["configurations"] == "40"
    assert shown["repeats"] == "2, or 1 with --trainings"
    assert shown["validation"] == "0.2"
    assert shown["seed"] == "0"
    assert shown["strategy"] == "two-stage"
    assert shown["data"] == shown["prior"] == shown["tf32"] == shown["ignore"] == ""


@pytest.mark.parametrize("script", ["run_pipeline", "predict", "compare", "ledger"])
def test_a_script_is_a_command_under_its_own_name(script):
    command = [sys.executable, f"scripts/{script}.py", "--help"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert answer.returncode == 0
    assert f"Usage: {script}.py" in answer.stdout
