"""Who leads after stage 1 is trained again, and nothing else is."""

from dataclasses import replace

import pytest

from pipeline.space import Narrowing, parse
from pipeline.trial import Training
from pipeline.tuning.confirming import ENDED, confirm
from pipeline.tuning.racing import Race
from pipeline.tuning.stopping import Limits
from pipeline.tuning.strategies.strategy import Refining
from tests.fakes import FakeLedger, summary_of

SPACE = parse({"width": {"type": "integer", "low": 1, "high": 9}})


def noisy(training: Training) -> float:
    """Width 1 was lucky once; width 2 is the best."""
    width = float(str(training.configuration["width"]))
    return -1.0 if (width, training.index) == (1, 0) else abs(width - 2) + 0.01 * training.index


def asked(ledger: FakeLedger, repeats: int = 1, **limits: object) -> Refining:
    found = tuple(
        summary_of({"width": width}, *(noisy(training) for training in trainings(width, repeats)), epochs=10)
        for width in range(1, 10)
    )
    given = Limits(**limits)  # type: ignore[arg-type]
    return Refining(SPACE, found[:2], found, Race(repeats, 4), 10, 0, 0, 3, 0, Narrowing(), True, "", given)


def trainings(width: int, repeats: int) -> list[Training]:
    return [Training(summary_of({"width": width}, 0.0).configuration, 10, index) for index in range(repeats)]


def confirmed(ledger: FakeLedger, question: Refining):
    return confirm(question, lambda _: question.found, ledger.evaluate, print)


def test_a_lucky_training_does_not_stay_the_best():
    ledger = FakeLedger(noisy)
    refined = confirmed(ledger, asked(ledger))
    again = {trial.configuration["width"] for trials in ledger.asked for trial in trials}
    assert 1 in again
    best = min((each for each in refined.measured if each.repeats > 1), key=lambda each: each.mean)
    assert best.configuration["width"] == 2
    assert best.repeats == 4
    assert refined.ended == ENDED


@pytest.mark.parametrize("trainings_left", [0, 1, 3])
def test_no_more_is_trained_than_is_left(trainings_left):
    ledger = FakeLedger(noisy)
    question = asked(ledger, trainings=trainings_left)
    refined = confirmed(ledger, question)
    assert sum(each.repeats for each in refined.measured) - len(question.found) == trainings_left


def test_nothing_is_trained_where_contenders_have_no_more_trainings_than_all():
    ledger = FakeLedger(noisy)
    question = replace(asked(ledger, 2), race=Race(2, 2))
    assert confirmed(ledger, question).measured == question.found
    assert ledger.asked == []


def test_what_ended_the_search_is_said():
    ledger = FakeLedger(noisy)
    assert confirmed(ledger, asked(ledger, spent=lambda: 0.95)).ended == "its time is over"
    assert confirmed(ledger, asked(ledger, 2, target=1.0)).ended == "the target of 1 is reached"
