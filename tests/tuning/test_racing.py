import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ranking.order import by_mean, pooled_deviation, ranked, recommend, selection_interval
from pipeline.trial import Summary
from pipeline.tuning.racing import duel, leader_repeats, race, trained, trials_again
from tests.fakes import summary_of
from tests.tuning.plans import SMALL_BUDGET


def summary(number: int, *objectives: float | None) -> Summary:
    return summary_of({"number": number}, *objectives)


class Trainer:
    """Gives each configuration its next scores, and counts; nothing once the budget is spent."""

    def __init__(self, scores: dict[int, list[float]], budget: int = 1000) -> None:
        self.scores, self.budget = scores, budget
        self.asked: list[int] = []
        self.together: list[int] = []  # how many were asked for at once

    def __call__(self, wanted: Sequence[Summary]) -> list[Summary]:
        affordable = wanted[: self.budget - len(self.asked)]
        self.asked += [int(str(each.configuration["number"])) for each in affordable]
        self.together.append(len(wanted))
        return [
            summary(number, *self.scores[number][: trial.repeats])
            for trial in trials_again(affordable, 1)
            for number in [int(str(trial.configuration["number"]))]
        ]

    def start(self, repeats: int) -> dict[str, Summary]:
        every = [summary(number, *scores[:repeats]) for number, scores in self.scores.items()]
        return {each.key: each for each in every}


def first(summaries):
    return by_mean(summaries)[:1]


def test_the_leader_needs_two_then_three_then_four_trainings():
    def needed(repeats: int, most: int, *parts: float) -> list[int]:
        return [leader_repeats(replace(SMALL_BUDGET, repeats=repeats, max_repeats=most), part) for part in parts]

    assert needed(1, 4, 0.0, 0.49, 0.5, 0.79, 0.8, 1.0) == [2, 2, 3, 3, 4, 4]
    assert needed(3, 4, 0.0, 0.5, 0.8) == [3, 3, 4]
    assert needed(5, 5, 0.0, 0.5, 0.8) == [5, 5, 5]
    assert needed(2, 2, 0.0, 0.5, 0.8) == [2, 2, 2]
    assert needed(2, 1, 0.0, 0.8) == [2, 2]


def test_a_lucky_training_does_not_keep_the_lead():
    trainer = Trainer({1: [0.1, 0.9, 0.9], 2: [0.3, 0.3, 0.3], 3: [0.4, 0.4, 0.4]})
    measured = trainer.start(1)
    race(measured, 2, first, trainer)
    assert trainer.asked == [1, 2]
    assert by_mean(measured.values())[0].configuration["number"] == 2
    race(measured, 2, first, trainer)
    assert len(trainer.asked) == 2
    race(measured, 3, first, trainer)
    assert trainer.asked == [1, 2, 2]


def test_a_race_ends_with_the_budget_and_leaves_failed_ones_alone():
    trainer = Trainer({1: [0.1, 0.2, 0.3, 0.4], 2: [0.5, 0.5]}, budget=1)
    measured = trainer.start(1)
    race(measured, 4, first, trainer)
    assert trainer.asked == [1]
    failed = summary(3, None)
    race({failed.key: failed}, 4, first, trainer)
    race({}, 4, first, trainer)
    assert trainer.asked == [1]


def test_leaders_are_trained_side_by_side():
    trainer = Trainer({1: [0.1] * 4, 2: [0.3] * 4})
    measured = trainer.start(1)
    race(measured, 4, lambda each: sorted(each, key=lambda one: one.mean), trainer, together=4)
    assert trainer.asked == [1, 2, 1, 2, 1, 2]
    assert trainer.together == [4, 2]
    assert [trained(each) for each in measured.values()] == [4, 4]
    behind = Trainer({1: [0.1] * 4, 2: [0.3] * 4})
    started = behind.start(1)
    started[summary(1, 0.1).key] = summary(1, 0.1, 0.1, 0.1)
    race(started, 4, lambda each: sorted(each, key=lambda one: one.mean), behind, together=3)
    assert behind.asked == [2, 2, 1, 2]


def test_a_duel_has_as_many_trainings_at_once_as_it_may():
    scores = {number: [0.2 + 0.01 * number, 0.3 - 0.01 * number] * 3 for number in (1, 2)}
    alone, together = Trainer(scores), Trainer(scores)
    duel(alone.start(2), 6, alone)
    duel(together.start(2), 6, together, together=3)
    assert sorted(alone.asked) == sorted(together.asked) == [1] * 4 + [2] * 4
    assert set(alone.together) == {1}
    assert together.together == [3, 3, 2]


def test_nothing_trained_once_is_recommended():
    lucky, sound, lost = summary(1, 0.01), summary(2, 0.5, 0.6), summary(3, 0.1, None, 0.1)
    assert recommend([lucky, sound, lost]) == sound
    assert recommend([lucky, lost]) is None
    assert recommend([]) is None
    assert ranked([lost, lucky, sound]) == (sound, lucky, lost)


def test_more_trainings_count_for_a_configuration():
    # Equal means, equal spread: the one that is known better leads; a much better mean wins all the same.
    twice, often = summary(1, 0.4, 0.6), summary(2, 0.4, 0.6, 0.4, 0.6)
    assert ranked([twice, often])[0] == often
    better = summary(3, 0.2, 0.4)
    assert ranked([twice, often, better])[0] == better


def test_the_pooled_deviation_weighs_by_degrees_of_freedom():
    assert pooled_deviation([summary(1, 0.5), summary(2, None, 0.3)]) == 0.0
    both = [summary(1, 0.0, 2.0), summary(2, 0.0, 0.0, 3.0)]
    assert pooled_deviation(both) == pytest.approx(math.sqrt((2.0 + 6.0) / 3))


def test_a_duel_settles_who_is_better_and_then_stops():
    scores = {1: [0.10, 0.30, 0.30, 0.30, 0.30, 0.30], 2: [0.22, 0.21, 0.20, 0.21, 0.22, 0.20], 3: [0.9] * 6}
    trainer = Trainer(scores)
    measured = trainer.start(2)
    assert recommend(measured.values()) == measured[summary(1, 0.1).key]
    duel(measured, 6, trainer)
    found = recommend(measured.values())
    assert found is not None
    assert found.configuration["number"] == 2
    assert set(trainer.asked) == {1, 2}
    assert len(trainer.asked) < 8


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.5]), min_size=6, max_size=6), min_size=1, max_size=6),
    st.integers(2, 6),
    st.integers(0, 30),
    st.integers(1, 4),
)
def test_the_laws_of_a_duel(rows, most, budget, width):
    trainer = Trainer(dict(enumerate(rows)), budget)
    measured = trainer.start(2)
    duel(measured, most, trainer, width)
    assert len(trainer.asked) <= budget
    assert all(2 <= trained(each) <= max(2, most) for each in measured.values())
    again = Trainer(dict(enumerate(rows)), budget)
    repeated = again.start(2)
    duel(repeated, most, again, width)
    assert (again.asked, repeated) == (trainer.asked, measured)


def test_what_is_reported_of_the_best_of_many_allows_for_its_luck():
    rng = np.random.default_rng(0)
    within, alone = 0, 0
    for _ in range(300):
        every = [summary(number, *rng.normal(0.0, 1.0, 3).tolist()) for number in range(40)]
        best = ranked(every)[0]
        low, high = selection_interval(best, every)
        assert low is not None
        assert high is not None
        assert low < best.mean < high
        within += low <= 0.0 <= high
        alone += best.low is not None and best.high is not None and best.low <= 0.0 <= best.high
    assert within >= 0.9 * 300
    assert alone < within


def test_what_was_trained_once_has_no_interval():
    assert selection_interval(summary(1, 0.5), [summary(1, 0.5), summary(2, 0.4, 0.6)]) == (None, None)
    assert selection_interval(summary(1, 0.5), [summary(1, 0.5)]) == (None, None)
