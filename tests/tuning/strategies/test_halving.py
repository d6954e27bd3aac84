"""Successive halving and Hyperband: who climbs, how far, and what it costs."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pipeline.space import parse
from pipeline.trial import Configuration, Training
from pipeline.tuning.stages import Exploring
from pipeline.tuning.stopping import Limits
from pipeline.tuning.strategies.halving import ETA, Bracket, Halving, Hyperband, fitted, limits_of
from tests.fakes import FakeLedger, few, networks
from tests.tuning.plans import exploring

halve, hyperband = Halving().explore, Hyperband().explore

RATE = parse({"learning_rate": {"type": "real", "low": 0.0, "high": 1.0}})


def rate(training: Training) -> float:
    value = training.configuration["learning_rate"]
    assert isinstance(value, float)
    return value


def asked(**changes: object) -> Exploring:
    return exploring(**{"space": RATE, "configurations": 10, "repeats": 1, "epochs": 27} | changes)  # type: ignore[arg-type]


def test_the_limits_are_thirds_of_a_full_training_down_to_one_epoch():
    assert limits_of(27) == (1, 3, 9, 27)
    assert limits_of(100) == (1, 3, 11, 33, 100)
    assert limits_of(2) == (2,)


@given(st.integers(1, 500), st.integers(0, 20_000))
def test_the_largest_bracket_is_the_largest_that_fits(epochs, given_epochs):
    bracket = fitted(limits_of(epochs), given_epochs)
    assert bracket.epochs <= given_epochs
    assert bracket.limits[-1] == epochs
    assert Bracket(bracket.count + 1, bracket.limits).epochs > given_epochs
    if given_epochs >= epochs:
        assert bracket.sizes[-1] >= 1, "nothing would be trained in full"


def test_the_best_third_of_each_rung_goes_on_and_begins_anew():
    ledger = FakeLedger(rate)
    found = halve(asked(), ledger.evaluate, print)
    rungs = [[trial.configuration for trial in trials] for trials in ledger.asked]
    assert [trials[0].epochs for trials in ledger.asked] == [1, 3, 9, 27]
    assert [len(each) for each in rungs] == list(fitted(limits_of(27), 270).sizes)
    for lower, upper in itertools.pairwise(rungs):
        best = sorted(lower, key=lambda each: float(str(each["learning_rate"])))[: len(lower) // ETA]
        assert upper == best
    assert [each.configuration for each in found] == [each for rung in rungs for each in rung]


def test_what_diverged_never_climbs():
    ledger = FakeLedger(lambda training: None if rate(training) < 0.3 else rate(training))
    halve(asked(), ledger.evaluate, print)
    low = [
        trial for trials in ledger.asked for trial in trials if float(str(trial.configuration["learning_rate"])) < 0.3
    ]
    assert low
    assert {trial.epochs for trial in low} == {1}


def test_hyperband_has_a_bracket_from_each_rung_with_equal_epochs():
    ledger = FakeLedger(rate)
    hyperband(asked(configurations=40), ledger.evaluate, print)
    assert [trials[0].epochs for trials in ledger.asked] == [1, 3, 9, 27, 3, 9, 27, 9, 27, 27]
    starts = [0, 4, 7, 9, 10]
    shares = [
        sum(trial.epochs for trials in ledger.asked[first:last] for trial in trials)
        for first, last in itertools.pairwise(starts)
    ]
    assert sum(shares) <= 40 * 27
    assert max(shares) - min(shares) < 2 * 27
    assert max(Counter(ledger.trained).values()) == 1


def test_when_the_time_is_over_the_leader_goes_up_at_once():
    ledger = FakeLedger(rate)
    over = asked(limits=Limits(asked().budget, lambda: float(len(ledger.asked) >= 1)))
    found = halve(over, ledger.evaluate, print)
    assert [trials[0].epochs for trials in ledger.asked] == [1, 27]
    assert len(ledger.asked[1]) == 1
    assert found[-1].mean == min(each.mean for each in found)


def test_hyperband_ends_between_brackets_when_the_target_is_reached():
    ledger = FakeLedger(rate)
    hyperband(asked(configurations=40, repeats=2, target_score=0.9), ledger.evaluate, print)
    assert [trials[0].epochs for trials in ledger.asked] == [1, 3, 9, 27]


def test_the_configurations_of_a_prior_begin():
    first = Configuration.of({"learning_rate": 0.125})
    ledger = FakeLedger(rate)
    halve(asked(first=(first,)), ledger.evaluate, print)
    assert ledger.asked[0][0].configuration == first


def test_what_was_trained_before_at_any_limit_is_not_drawn_again():
    ledger = FakeLedger(rate)
    before = halve(asked(), ledger.evaluate, print)
    touched = frozenset(each.key for each in before)
    later = halve(asked(touched=touched), ledger.evaluate, print)
    assert not touched & {each.key for each in later}


def test_few_configurations_are_said_and_climb_all_the_same():
    said: list[str] = []
    ledger = FakeLedger(lambda training: 0.5)
    found = halve(asked(space=few(), configurations=100), ledger.evaluate, said.append)
    assert "24 of" in said[0]
    assert max(each.epochs for each in found) == 27


def test_networks_of_every_depth_take_part():
    ledger = FakeLedger()
    found = halve(asked(space=networks()), ledger.evaluate, print)
    assert {each.configuration["hidden_layers"] for each in found} == {0, 1, 2, 3}
