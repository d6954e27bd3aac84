"""The strategies by name, their options, and strategies of a user's by module:object."""

import ast
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.settings import Settings, read, strategy_of
from pipeline.tuning.strategies.gaussian_process import ACQUISITIONS, GaussianProcess
from pipeline.tuning.strategies.options import options_of
from pipeline.tuning.strategies.registry import OPTIONS, STRATEGIES, load_strategy
from pipeline.tuning.strategies.two_stage import TwoStage

ROOT = Path(__file__).parents[3]
GIVEN = {"data": "housing.csv", "target": "price", "space": "search_spaces/x.toml", "study": "results/housing"}
MINE = """
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pipeline.tuning.strategies.options import option
from pipeline.tuning.strategies.strategy import Strategy


@dataclass(frozen=True)
class Mine(Strategy):
    help: ClassVar[str] = "mine"

    width: float = option(0.5, help="how wide", gt=0, le=1)
    count: int = 3
    careful: bool = False
    kind: Literal["a", "b"] = "a"

    def __post_init__(self) -> None:
        if self.count == 13:
            raise ValueError("13 brings bad luck")


WIDE = Mine(width=1.0)
NUMBER = 7


@dataclass(frozen=True)
class Demanding(Strategy):
    needed: int


@dataclass(frozen=True)
class Strange(Strategy):
    values: object = None
    other: "Unknown" = None
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The name of a module with strategies, in the working directory; it is forgotten afterwards."""
    name = f"mine_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield name
    sys.modules.pop(name, None)


def asked(**options: object) -> Settings:
    return read(None, {**GIVEN, **options})


def given_to(settings: Settings) -> dict[str, object]:
    """The options of the strategy that the settings name."""
    return asdict(strategy_of(settings))


def refused(**options: object) -> str:
    with pytest.raises(UserError) as caught:
        strategy_of(asked(**options))
    return str(caught.value)


def test_every_strategy_has_one_line_of_help_and_every_option_too():
    assert all(each.help and "\n" not in each.help for each in STRATEGIES.values())
    assert all(each.help and each.name in Settings.model_fields for each in OPTIONS.values())
    about = Settings.model_fields["strategy"].description
    assert about is not None
    assert all(f"{name}: {each.help}" in about for name, each in STRATEGIES.items())


def test_options_of_one_name_are_the_same_option():
    for strategy in STRATEGIES.values():
        assert all(OPTIONS[each.name] == each for each in options_of(strategy))


def test_the_settings_have_the_options_of_the_strategies_and_their_defaults():
    settings = asked()
    assert {name: getattr(settings, name) for name in OPTIONS} == {
        "elite_from": "score", "box_fraction": 0.4, "units_radius": None, "units_step": 2, "acquisition": "ei",
    }  # fmt: skip
    assert set(ACQUISITIONS) == {"ei", "pi", "lcb", "gp_hedge"}
    assert strategy_of(settings) == TwoStage()


def test_a_strategy_has_its_own_options_and_those_of_others_are_accepted():
    options = {"box_fraction": 0.3, "units_radius": 5, "units_step": 4, "elite_from": "front", "acquisition": "lcb"}
    chosen = strategy_of(asked(**options))
    assert chosen == TwoStage(elite_from="front", box_fraction=0.3, units_radius=5, units_step=4)
    assert str(chosen.narrowing) == "Narrowing(fraction=0.3, units=5, units_step=4)"
    assert strategy_of(asked(**options, strategy="gp")) == GaussianProcess("lcb")
    assert strategy_of(asked(**options, strategy="sobol")) == STRATEGIES["sobol"]


def test_the_budget_has_the_names_of_the_settings():
    numbers = {
        "configurations": 7, "repeats": 3, "max_repeats": 2, "elite": 2, "calls": 5, "trainings": 60, "epochs": 9,
        "seconds": 4.0, "target_score": 0.5, "settled": 3, "seed": 8,
    }  # fmt: skip
    budget = asked(**numbers).budget
    assert {name: getattr(budget, name) for name in numbers} == numbers
    assert (budget.contender_repeats, budget.retrains, budget.max_calls) == (3, False, 60)


def test_a_strategy_of_a_user_is_found_in_the_working_directory(mine):
    assert strategy_of(asked(strategy=f"{mine}:Mine")).help == "mine"
    given = {"width": 0.25, "count": 4, "careful": True, "kind": "b"}
    for options in (given, "width=0.25, count=4,careful=true , kind=b"):
        assert given_to(asked(strategy=f"{mine}:Mine", strategy_options=options)) == given
    assert given_to(asked(strategy=f"{mine}:WIDE", strategy_options="count=4"))["width"] == 1.0
    assert load_strategy(f"{mine}:Mine").facts == {
        "strategy": f"{mine}:Mine", "options": {"width": 0.5, "count": 3, "careful": False, "kind": "a"},
    }  # fmt: skip


def test_options_come_from_a_settings_file(mine, tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(f'strategy = "{mine}:Mine"\n[strategy_options]\nwidth = 0.75\n')
    settings = read(file, GIVEN)
    assert given_to(settings)["width"] == 0.75
    assert read(None, settings.model_dump(mode="json")) == settings


def test_a_strategy_of_a_user_is_not_imported_before_it_is_asked_for(mine):
    settings = asked(strategy=f"{mine}:Mine", strategy_options="width=7")
    assert mine not in sys.modules
    assert read(None, settings.model_dump()) == settings
    assert mine not in sys.modules


@pytest.mark.parametrize(
    ("name", "options", "texts"),
    [
        ("Mine", "widht=0.3", ["no strategy option 'widht'", "width, count, careful, kind", "did you mean width"]),
        ("Mine", "width=2", ["strategy option width is wrong", "less than or equal to 1"]),
        ("Mine", "width=x", ["strategy option width is wrong", "number"]),
        ("Mine", "count=true", ["strategy option count is wrong"]),
        ("Mine", "kind=c", ["strategy option kind is wrong", "'a' or 'b'"]),
        ("Mine", "count=13", ["options of", "bad luck"]),
        ("Missing", "", ["has no strategy Missing", "Strategy"]),
        ("NUMBER", "", ["is not a strategy", "derives from", "7"]),
        ("Demanding", "", ["cannot be made", "defaults", "needed"]),
        ("Strange", "", ["options of", "cannot be read", "bool, int, float or str"]),
    ],
)
def test_mistakes_are_explained(mine, name, options, texts):
    text = refused(strategy=f"{mine}:{name}", strategy_options=options)
    assert all(each in text for each in texts), text


def test_options_of_a_user_go_to_a_strategy_of_a_user():
    assert "module:object" in refused(strategy_options="width=1")
    assert "name=value" in refused(strategy="a:b", strategy_options="width")
    assert strategy_of(asked(strategy_options="")) == TwoStage()


def test_a_module_that_nobody_has_is_named():
    assert "There is no module nowhere_at_all" in refused(strategy="nowhere_at_all:Mine")


def test_neither_the_options_nor_the_settings_load_what_is_heavy():
    code = (
        "import sys, pipeline.settings; print([each for each in ('scipy', 'skopt', 'sklearn') if each in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"


def test_a_strategy_is_named_in_the_registry_and_in_its_own_module_alone():
    """So that another one touches two files; `compare` names the method that all others are measured against."""
    common = {"grid", "Grid"}  # words of `space` and of the workbook, too
    names = (STRATEGIES.keys() | {type(each).__name__ for each in STRATEGIES.values()}) - common
    naming = {}
    for path in (ROOT / "pipeline").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        words = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
        words |= {node.id for node in nodes if isinstance(node, ast.Name)}
        naming[str(path.relative_to(ROOT / "pipeline"))] = words & names
    own = {f"tuning/strategies/{name}.py" for name in ("designs", "halving")}  # in the facts of their stages
    found = {name for name, words in naming.items() if words}
    assert found == {"tuning/strategies/registry.py", "compare/figures.py"} | own
    assert naming["compare/figures.py"] == {"random"}
