"""A strategy of the user's own that raises is named; what its questions raise, and what others raise, is not its."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pipeline.errors import UserError
from pipeline.storage.disk_space import DiskFailed
from pipeline.trial import Configuration
from pipeline.tuning.strategies.strategy import Strategy
from pipeline.tuning.study import run
from tests.fakes import FakeLedger, few
from tests.tuning.plans import changed, plan_of


@dataclass(frozen=True)
class Bad(Strategy):
    """Goes wrong where it is told to."""

    at: str = "explore"
    facts_of_mine: object = 1

    @property
    def facts(self) -> Any:
        return {"x": self.facts_of_mine}

    def explore(self, asked: Any, evaluate: Any, say: Any) -> Any:
        if self.at == "ask":
            evaluate([None])
        found = super().explore(asked, evaluate, say)
        if self.at == "explore":
            raise KeyError("gone")
        return {"none": None, "strange": (1, 2)}.get(self.at, found)

    def elite(self, summaries: Any, count: int, layers: Any) -> Any:
        if self.at == "elite":
            np.linalg.inv(np.zeros((2, 2)))
        return super().elite(summaries, count, layers)

    def refine(self, asked: Any, begin: Any, evaluate: Any, say: Any) -> Any:
        if self.at == "facts of refine":
            begin({"x": object()})
        return None if self.at == "refined" else super().refine(asked, begin, evaluate, say)


PLAN = plan_of(few(), Configuration.of({"learning_rate": 0.001}), configurations=3, repeats=2, calls=1)


def run_with(strategy: Strategy, ledger: FakeLedger, evaluate: Callable[..., Any] | None = None) -> None:
    run(changed(PLAN, strategy=strategy), evaluate or ledger.evaluate, ledger.begin, lambda _: None)


@pytest.mark.parametrize(
    ("at", "kind", "got"),
    [
        ("explore", "KeyError", "'gone'"),
        ("ask", "AttributeError", "'NoneType' object has no attribute 'configuration'"),
        ("none", "TypeError", "'NoneType' object is not iterable"),
        ("strange", "TypeError", "summaries were expected, and 1 is not one"),
        ("elite", "LinAlgError", "Singular matrix"),
        ("facts of refine", "TypeError", "not JSON serializable"),
        ("refined", "AttributeError", "no attribute 'measured'"),
    ],
)
def test_an_error_of_a_strategy_names_it_and_says_that_nothing_is_lost(at, kind, got):
    ledger = FakeLedger()
    with pytest.raises(UserError) as caught:
        run_with(Bad(at), ledger)
    text = str(caught.value)
    assert text.startswith(f"The strategy {__name__}:Bad raised {kind}.")
    assert got in text
    assert "all trainings so far are kept" in text
    assert ledger.repeats
    before = len(ledger.repeats)
    run_with(Bad("nowhere"), ledger)  # mended
    assert len(ledger.repeats) >= before


def test_the_line_to_mend_is_named():
    with pytest.raises(UserError, match=r"mend it, at line \d+ of .*test_guard\.py, and give the same command again"):
        run_with(Bad("explore"), FakeLedger())


def test_facts_that_cannot_be_stored_are_the_strategys_mistake():
    with pytest.raises(UserError, match="raised TypeError"):
        run_with(Bad("nowhere", object()), FakeLedger())


@pytest.mark.parametrize("error", [OSError("no disk"), DiskFailed("full"), UserError("yours"), KeyError("a defect")])
def test_what_its_questions_raise_comes_out_as_it_is(error):
    ledger = FakeLedger()

    def evaluate(trials: Any) -> Any:
        if ledger.repeats:
            raise error
        return ledger.evaluate(trials)

    with pytest.raises(type(error)) as caught:
        run_with(Bad("nowhere"), ledger, evaluate)
    assert caught.value is error


def test_what_a_strategy_of_the_program_raises_is_a_defect(monkeypatch):
    def explore(*_: object) -> None:
        raise KeyError("gone")

    monkeypatch.setattr("pipeline.tuning.strategies.strategy.at_random", explore)
    with pytest.raises(KeyError):
        run_with(Strategy(), FakeLedger())
