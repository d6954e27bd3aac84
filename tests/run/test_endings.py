"""Studies that end early, and studies that begin with what another one found."""

from __future__ import annotations

import itertools

import pytest

from pipeline.ranking.order import by_mean
from pipeline.space import contains, sample
from pipeline.trial import Configuration, Training
from pipeline.tuning.sampling import PORTION
from pipeline.tuning.study import INHERITED, Result, run
from tests.fakes import FakeLedger, bowl, networks
from tests.tuning.plans import changed, plan_of
from tests.tuning.test_study import BASELINE, LARGE, remembered, run_on, say_nothing

__all__ = ["remembered"]

FIRST = plan_of(networks(), BASELINE, configurations=9, repeats=2, elite=2, calls=2, epochs=10, seed=5)


def refined(result: Result) -> list[str]:
    return [each.key for search in result.searches for each in search.found]


def test_a_study_says_why_it_ended():
    assert run_on(FakeLedger(), changed(LARGE, calls=1)).ended == "all rounds of proposals are done"
    assert run_on(FakeLedger(), changed(LARGE, calls=0)).ended == "there was no stage 2"
    budget = run_on(FakeLedger(), changed(LARGE, trainings=30))
    assert "trainings" in budget.ended


def test_a_budget_of_trainings_is_used_and_never_exceeded():
    ledger = FakeLedger()
    plan = changed(LARGE, trainings=41, max_repeats=4)
    run_on(ledger, plan)
    used = sum(count for (key, *_), count in ledger.trained.items() if key != BASELINE.key)  # it is no part of it
    assert 0.9 * 41 <= used <= 41


def test_a_target_ends_stage_one_and_is_believed_only_when_trained_again():
    ledger = FakeLedger()
    many = changed(LARGE, configurations=3 * PORTION, calls=30, target_score=0.6, max_repeats=4)
    result = run_on(ledger, many)
    assert result.recommended is not None
    assert result.recommended.mean <= 0.6
    assert result.recommended.repeats >= 2
    assert "target of 0.6" in result.ended
    assert len(result.explored) < 3 * PORTION
    again = ledger.resumed()
    assert run_on(again, many) == result
    assert again.trained == ledger.trained


def test_a_lucky_mean_below_the_target_does_not_end_the_search():
    def luck(training: Training) -> float:
        return 0.1 if training.index < 2 else bowl(training) + 0.5

    result = run_on(FakeLedger(luck), changed(LARGE, calls=3, target_score=0.2, max_repeats=4))
    assert len(result.searches[0].found) > 0 or "target" not in result.ended
    assert result.recommended is not None


def test_time_ends_both_stages_and_another_run_goes_on():
    ticks = itertools.count()
    ledger = FakeLedger()
    plan = changed(LARGE, configurations=10 * PORTION, calls=1000)
    result = run(plan, ledger.evaluate, ledger.begin, say_nothing, elapsed=lambda: next(ticks) / 20)
    assert result.ended == "its time is up"
    assert PORTION <= len(result.explored) < 10 * PORTION
    assert refined(result)
    more = ledger.resumed()
    later = run(changed(plan, calls=2), more.evaluate, more.begin, say_nothing, elapsed=lambda: 0.0)
    assert [each.key for each in later.explored][: len(result.explored)] == [each.key for each in result.explored]
    assert max(more.trained.values()) == 1


def test_no_more_is_tried_when_nothing_is_expected_beyond_the_noise():
    plan = changed(LARGE, calls=40, settled=2)
    flat = run_on(FakeLedger(lambda training: 1.0 + 0.3 * ((training.index * 7919) % 5)), plan)
    assert "below the noise for 2 rounds" in flat.ended
    steep = run_on(FakeLedger(lambda training: bowl(training) if training.index < 9 else None), changed(plan, calls=2))
    assert len(refined(steep)) == 4


@pytest.fixture(scope="module")
def prior() -> tuple[Configuration, ...]:
    ledger = FakeLedger()
    result = run_on(ledger, FIRST)
    return tuple(each.configuration for each in by_mean(result.explored))


def test_a_prior_says_where_to_look_first_and_is_no_measurement(prior):
    ledger = FakeLedger()
    plan = changed(FIRST, seed=6, prior=prior)
    result = run_on(ledger, plan)
    part = -(-plan.budget.configurations // INHERITED)
    assert [each.configuration for each in result.explored[:part]] == list(prior[:part])
    assert all(ledger.trained[(each.key, 10, index)] == 1 for each in prior[:part] for index in range(2))
    without = run_on(FakeLedger(), changed(plan, prior=()))
    fresh = {each.key for each in without.explored}
    assert {each.key for each in result.explored[part:]} <= fresh
    assert len(result.explored) == plan.budget.configurations
    again = ledger.resumed()
    assert run_on(again, plan) == result
    assert again.trained == ledger.trained


def test_a_prior_of_another_space_or_of_known_configurations_is_passed_over(prior):
    foreign = Configuration.of({"batch_size": 7})
    plan = changed(FIRST, seed=6, prior=(foreign, *prior))
    ledger = FakeLedger()
    result = run_on(ledger, plan)
    assert result.explored[0].configuration == prior[0]
    assert all(contains(plan.space, each.configuration) for each in result.explored)
    known = run_on(ledger.resumed(), changed(plan, prior=prior))
    assert not {each.key for each in known.explored} & {each.key for each in result.explored}


def test_a_prior_as_large_as_the_study_leaves_room_for_chance():
    import numpy as np

    rng = np.random.default_rng(0)
    many = tuple(sample(networks(), rng) for _ in range(50))
    result = run_on(FakeLedger(), changed(FIRST, prior=many, calls=0))
    inherited = [each for each in result.explored if each.configuration in many]
    assert len(inherited) == 3
    assert len(result.explored) == 9
