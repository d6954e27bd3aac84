"""The words of the command line as they reach the commands."""

import pytest

from pipeline.cli.commands import one_by_one
from pipeline.cli.interrupts import command_line


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("--methods random gp --seeds 2", "--methods random --methods gp --seeds 2"),
        ("--seeds 2 --methods random gp grid", "--seeds 2 --methods random --methods gp --methods grid"),
        ("--methods random --methods gp", "--methods random --methods gp"),
        ("--methods=random", "--methods=random"),
        ("--methods random,gp", "--methods random,gp"),
        ("--methods --seeds 2", "--methods --seeds 2"),
        ("--seeds 2 gp", "--seeds 2 gp"),
        ("", ""),
    ],
)
def test_an_option_may_take_several_words(words, wanted):
    assert list(one_by_one(words.split(), "--methods")) == wanted.split()


def test_the_command_that_goes_on_is_one_that_a_shell_understands(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", "/opt/python3")
    assert command_line(["scripts/run.py", "--data", "my table.csv"]) == "python3 scripts/run.py --data 'my table.csv'"
    program = tmp_path / "two-stage-search"
    program.touch(mode=0o755)
    assert command_line([str(program), "run"]) == f"{program} run"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command_line([str(program), "run"]) == "two-stage-search run"
