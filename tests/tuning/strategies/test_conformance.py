"""What holds of every strategy, by name: on an objective in place of training, through the whole story of a study.

The last one is a strategy from outside, defined here and named as a user names it.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import pytest

from pipeline.space import Space, contains
from pipeline.trial import Configuration, Evaluate, Summary, Training, Trial
from pipeline.tuning.sampling import designed, explore, used_up
from pipeline.tuning.stages import Exploring, Say
from pipeline.tuning.strategies.options import option
from pipeline.tuning.strategies.registry import STRATEGIES, load_strategy
from pipeline.tuning.strategies.strategy import Strategy
from pipeline.tuning.study import Plan, Result, run
from tests.fakes import FakeLedger, Interrupted, Objective, bowl, fails, few, networks
from tests.tuning.plans import plan_of

EPOCHS = 9  # so that there are rungs of 1, 3 and 9
BUDGET = 20  # full trainings
BASELINE = Configuration.of({"default": "network"})


@dataclass(frozen=True)
class Thinned(Strategy):
    """Random configurations, of which only one in so many is kept: a strategy of a user's, with an option."""

    help: ClassVar[str] = "one in so many random configurations"
    design: ClassVar[str] = "a thinned random search"
    nested: ClassVar[bool] = False

    one_in: int = option(3, help="one in so many is kept", ge=1)

    def explore(self, asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
        """Train one in `one_in` configurations of the random stream."""

        def thinned(space: Space, count: int, seed: int, known: Collection[str]) -> tuple[Configuration, ...]:
            every = explore(space, self.one_in * count, seed=seed, known=known)
            return every[:: self.one_in] if len(every) == self.one_in * count else every[:count]

        return designed(thinned, asked, evaluate, say, used_up)


NAMES = (*STRATEGIES, f"{__name__}:Thinned")
every = pytest.mark.parametrize(  # a Gaussian process of all that is known takes seconds for a study
    "name", [pytest.param(each, marks=pytest.mark.slow) if each == "gp" else each for each in NAMES]
)


def converging(training: Training) -> float:
    """What few epochs reach lies higher, and is a hint at what many do."""
    return bowl(training) + 1.0 / training.epochs if training.configuration != BASELINE else 1.0


def often_diverging(training: Training) -> float | None:
    """A third of the configurations diverges, whatever the limit of epochs."""
    return None if int(training.configuration.key, 16) % 3 == 0 else converging(training)


def plan(name: str, space: Space | None = None, **changes: object) -> Plan:
    small = {"configurations": 8, "repeats": 2, "elite": 2, "calls": 3, "epochs": EPOCHS, "seed": 4, "max_repeats": 3}
    return plan_of(space or networks(), BASELINE, name, **small | changes)


def searched(ledger: FakeLedger, asked: Plan) -> Result:
    return run(asked, ledger.evaluate, ledger.begin, print)


def trials(ledger: FakeLedger) -> list[tuple[Trial, ...]]:
    return [each for each in ledger.asked if each[0].configuration != BASELINE]  # it is asked for first and last


def spent(ledger: FakeLedger) -> float:
    """Trainings in full ones, without the default network."""
    own = [each.training for each in ledger.repeats if each.training.configuration != BASELINE]
    return sum(training.epochs for training in own) / EPOCHS


@every
def test_equal_arguments_and_answers_give_equal_trials_whatever_order_answers_come_in(name):
    ledgers = [FakeLedger(converging, shuffle=order) for order in (None, 1, 2)]
    results = [searched(ledger, plan(name)) for ledger in ledgers]
    assert ledgers[0].asked == ledgers[1].asked == ledgers[2].asked
    assert results[0].recommended == results[1].recommended == results[2].recommended
    assert results[0].recommended is not None


@every
def test_another_seed_gives_other_trials(name):
    ledgers = [FakeLedger(converging), FakeLedger(converging)]
    for seed, ledger in enumerate(ledgers):
        searched(ledger, plan(name, seed=seed))
    assert trials(ledgers[0]) != trials(ledgers[1])


@every
def test_a_run_that_was_interrupted_anywhere_goes_on_as_if_it_had_not_been(name):
    whole = FakeLedger(converging)
    expected = searched(whole, plan(name))
    made = sum(whole.trained.values())
    places = {1, 5, made // 2, made - 3, made - 1} if name in ("gp", "two-stage") else range(1, made)
    for place in sorted(places):
        broken = FakeLedger(converging, stop_after=place)
        with pytest.raises(Interrupted):
            searched(broken, plan(name))
        resumed = broken.resumed()
        result = searched(resumed, plan(name))
        assert resumed.asked == whole.asked
        assert (result.recommended, result.screened) == (expected.recommended, expected.screened)
        assert set(resumed.trained.values()) == {1}, "trained twice"
        assert resumed.trained == whole.trained


@every
def test_what_is_tried_is_new_and_lies_within_the_space(name):
    ledger = FakeLedger(converging)
    searched(ledger, plan(name))
    asked = [trial for each in trials(ledger) for trial in each]
    assert all(contains(networks(), each.configuration) for each in asked)
    assert all(Configuration.from_json(each.configuration.json) == each.configuration for each in asked)
    seen: dict[tuple[str, int], int] = {}
    for trial in asked:  # again only to be trained more often
        place = (trial.configuration.key, trial.epochs)
        assert trial.repeats > seen.get(place, 0)
        seen[place] = trial.repeats
        assert trial.epochs == EPOCHS or load_strategy(name).screens
    assert max(seen.values()) <= 3


@every
@pytest.mark.parametrize("repeats", [1, 2])
def test_a_number_of_trainings_is_respected_and_used(name, repeats):
    ledger = FakeLedger(converging)
    result = searched(ledger, plan(name, trainings=BUDGET, repeats=repeats, max_repeats=3))
    assert BUDGET * 0.7 <= spent(ledger) <= BUDGET
    assert result.recommended is not None


@every
def test_a_number_of_configurations_is_what_their_full_trainings_take(name):
    ledger = FakeLedger(converging)
    searched(ledger, plan(name, max_repeats=2, calls=0))
    assert 8 * 2 * 0.6 <= spent(ledger) <= 8 * 2


@every
def test_recommended_is_what_was_trained_in_full_and_twice(name):
    def lying(training: Training) -> float:
        """Few epochs promise more than many hold, and less of the best."""
        return converging(training) if training.epochs == EPOCHS else 0.001 * bowl(training)

    ledger = FakeLedger(lying)
    result = searched(ledger, plan(name, trainings=BUDGET))
    assert result.recommended is not None
    assert (result.recommended.epochs, result.recommended.repeats >= 2) == (EPOCHS, True)
    assert {each.epochs for each in (*result.explored, *result.elite)} == {EPOCHS}
    assert bool(result.screened) == load_strategy(name).screens
    assert all(each.epochs < EPOCHS for each in result.screened)


@every
def test_a_space_that_is_used_up_is_said(name):
    said: list[str] = []
    ledger = FakeLedger(converging)
    asked = plan(name, few(), configurations=60, calls=3 if load_strategy(name).proposes else 0)
    result = run(asked, ledger.evaluate, ledger.begin, said.append)
    assert result.recommended is not None
    tried = {each.training.configuration.key for each in ledger.repeats} - {BASELINE.key}
    assert len(tried) <= 24
    assert any(words in each for each in said for words in ("used up", "The grid has"))
    assert max(ledger.trained.values()) == 1


@every
@pytest.mark.parametrize("objective", [often_diverging, fails], ids=["often", "always"])
def test_trainings_that_diverge_are_tolerated(name, objective: Objective):
    ledger = FakeLedger(objective)
    result = searched(ledger, plan(name))
    if objective is fails:
        assert result.recommended is None
    else:
        assert result.recommended is not None
        assert not result.recommended.failures
        assert math.isfinite(result.recommended.mean)


@every
def test_what_other_strategies_have_measured_is_not_measured_again(name):
    ledger = FakeLedger(converging)
    for other in ("random", "hyperband"):
        searched(ledger, plan(other))
        ledger = ledger.resumed()
    searched(ledger, plan(name))
    assert max(ledger.trained.values()) == 1
