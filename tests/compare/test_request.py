"""What may be asked of a comparison."""

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
    with pytest.raises(UserError, match="No settings were given"):
        request(None, {})
