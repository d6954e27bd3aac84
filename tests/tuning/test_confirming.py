"""Who leads after stage 1 is trained again, and nothing else is."""

import pytest

from pipeline.space import parse
from pipeline.trial import Training
from pipeline.tuning.confirming import ENDED, confirm
from pipeline.tuning.stages import Refining
from tests.fakes import FakeLedger, summary_of
from tests.tuning.plans import refining

SPACE = parse({"width": {"type": "integer", "low": 1, "high": 9}})


def noisy(training: Training) -> float:
    """Width 1 was lucky once; width 2 is the best."""
    width = float(str(training.configuration["width"]))
    return -1.0 if (width, training.index) == (1, 0) else abs(width - 2) + 0.01 * training.index


def asked(repeats: int = 1, **changes: object) -> Refining:
    found = tuple(
        summary_of({"width": width}, *(noisy(training) for training in trainings(width, repeats)), epochs=10)
        for width in range(1, 10)
    )
    return refining(SPACE, found[:2], found, **{"repeats": repeats, "max_repeats": 4, "elite": 3} | changes)  # type: ignore[arg-type]


def trainings(width: int, repeats: int) -> list[Training]:
    return [Training(summary_of({"width": width}, 0.0).configuration, 10, index) for index in range(repeats)]


def confirmed(ledger: FakeLedger, question: Refining):
    return confirm(question, lambda _: question.found, ledger.evaluate, print)


def test_a_lucky_training_does_not_stay_the_best():
    ledger = FakeLedger(noisy)
    refined = confirmed(ledger, asked())
    again = {trial.configuration["width"] for trials in ledger.asked for trial in trials}
    assert 1 in again
    best = min((each for each in refined.measured if each.repeats > 1), key=lambda each: each.mean)
    assert best.configuration["width"] == 2
    assert best.repeats == 4
    assert refined.ended == ENDED


@pytest.mark.parametrize("trainings_left", [0, 1, 3])
def test_no_more_is_trained_than_is_left(trainings_left):
    ledger = FakeLedger(noisy)
    question = asked(trainings_left=trainings_left)
    refined = confirmed(ledger, question)
    assert sum(each.repeats for each in refined.measured) - len(question.found) == trainings_left


def test_nothing_is_trained_where_contenders_have_no_more_trainings_than_all():
    ledger = FakeLedger(noisy)
    question = asked(2, max_repeats=2)
    assert confirmed(ledger, question).measured == question.found
    assert ledger.asked == []


def test_what_ended_the_search_is_said():
    ledger = FakeLedger(noisy)
    assert confirmed(ledger, asked(elapsed=lambda: 0.95)).ended == "its time is up"
    assert confirmed(ledger, asked(2, target_score=1.0)).ended == "the target of 1 is reached"
