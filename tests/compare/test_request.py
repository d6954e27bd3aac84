"""What may be asked of a comparison."""

import sys
from pathlib import Path

import pytest

from pipeline.compare.request import BASELINE, TRAININGS, all_methods, request
from pipeline.errors import UserError

SETTINGS = """
data = "table.csv"
target = "y"
space = "space.toml"
study = "compared"
seed = 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(SETTINGS)
    return path


def test_every_strategy_is_a_method():
    methods = all_methods()
    assert methods[0] == BASELINE
    assert set(methods) >= {"random", "sobol", "latin-hypercube", "grid", "halving", "hyperband", "gp", "two-stage"}


def test_methods_stand_in_one_order_and_seeds_begin_with_that_of_the_settings(file):
    asked = request(file, {}, methods=["two-stage", "random", "baseline"], seeds=3)
    assert asked.methods == (BASELINE, "random", "two-stage")
    assert asked.searches == ("random", "two-stage")
    assert asked.seeds == (7, 8, 9)
    assert request(file, {}).methods == all_methods()


def test_a_strategy_of_the_users_own_is_a_method(file, monkeypatch):
    (file.parent / "mine_to_compare.py").write_text(
        "from dataclasses import dataclass\nfrom pipeline.tuning.strategies.strategy import Strategy\n"
        "@dataclass(frozen=True)\nclass Mine(Strategy):\n    pass\n\nWRONG = 1\n"
    )
    monkeypatch.chdir(file.parent)
    monkeypatch.setattr("sys.path", [*sys.path])
    asked = request(file, {}, methods=["mine_to_compare:Mine", "random", "mine_to_compare:Mine"])
    assert asked.methods == asked.searches == ("random", "mine_to_compare:Mine")
    assert request(file, {}).methods == all_methods()
    for name, said in (
        ("mine_to_compare:WRONG", "is not a strategy"),
        ("mine_to:Mine", "no module"),
        ("a.b", "module:obj"),
    ):
        with pytest.raises(UserError, match=said):
            request(file, {}, methods=[name])


def test_options_win_over_settings_and_trainings_have_a_default(file):
    assert request(file, {}).base.trainings == TRAININGS
    asked = request(file, {"trainings": 60, "study": Path("other"), "epochs": None}, score=0.5)
    assert (asked.base.trainings, asked.base.study, asked.score) == (60, Path("other"), 0.5)
    file.write_text(SETTINGS + "trainings = 50")
    assert request(file, {}).base.trainings == 50


@pytest.mark.parametrize(
    ("options", "asked", "said"),
    [
        ({}, {"methods": ["halvin"]}, "did you mean halving"),
        ({}, {"methods": [BASELINE]}, "it needs a search to compare with"),
        ({}, {"seeds": 0}, "1 or more"),
        ({"trainings": 9, "repeats": 2}, {}, "at least 10"),
        ({"seconds": -1.0}, {}, "seconds"),
    ],
)
def test_mistakes_are_named(file, options, asked, said):
    with pytest.raises(UserError, match=said):
        request(file, options, **asked)


def test_without_settings_those_of_a_checkout_are_taken_or_missed(tmp_path, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    assert request(None, {}).base.data == "california_housing.csv"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="No settings were given, and --data, --target, --space and --folder are"):
        request(None, {})
    with pytest.raises(UserError, match="No settings were given, and --space is missing"):
        request(None, {"data": "t.csv", "target": "y", "study": Path("compared")})


def test_without_settings_and_checkout_the_options_are_enough(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"data": "t.csv", "target": "y", "space": Path("s.toml"), "study": Path("compared")}
    asked = request(None, options)
    assert (asked.base.data, asked.base.study, asked.base.trainings) == ("t.csv", Path("compared"), TRAININGS)
