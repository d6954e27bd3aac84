"""The evaluator where trials have different limits of epochs, and where other studies lend what they have."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from pipeline.ledger.journal import open_journal
from pipeline.ranking.summaries import summaries
from pipeline.run.evaluator import Evaluator
from pipeline.run.events import Asked, Committed, Event
from pipeline.training.protocol import Trained
from pipeline.trial import Configuration, Imported, Job, Repeat, Training, Trial
from pipeline.workers.places import Died, Ended
from pipeline.workers.places import Event as Happened
from pipeline.workers.pool import Workers
from pipeline.workers.slots import Slot
from scripts.faults.drawing import Inline
from tests.fakes import TrainedBy, in_process, summary_of

ONE = Configuration.of({"units": (8,), "hidden_layers": 1, "batch_size": 8})
TWO = Configuration.of({"units": (9,), "hidden_layers": 1, "batch_size": 8})


def slowly(training: Training) -> float:
    """More epochs score worse, so that what mixes them up is seen."""
    return 0.1 * training.epochs + 0.01 * training.index


@pytest.fixture
def journal(tmp_path):
    with open_journal(tmp_path / "ledger.jsonl") as opened:
        yield opened


def evaluator(journal, events: list[Event] | None = None, objective=slowly, borrow=lambda _: None) -> Evaluator:
    watch = (events if events is not None else []).append
    made = Evaluator(journal, in_process(), TrainedBy(objective), lambda _: "", watch, borrow=borrow)  # type: ignore[arg-type]
    made.begin("explore", {})
    return made


def test_trials_of_one_configuration_with_different_epochs_are_different_questions(journal):
    few, many = evaluator(journal)([Trial(ONE, 1, 2), Trial(ONE, 5, 1)])
    assert [few.mean, many.mean] == pytest.approx([0.105, 0.5])
    assert [(each.epochs, each.repeats) for each in (few, many)] == [(1, 2), (5, 1)]
    assert [each.epochs for each in summaries(journal.repeats, ())] == [1, 5]


def test_the_best_so_far_is_among_those_with_the_most_epochs(journal):
    events: list[Event] = []
    ask = evaluator(journal, events)
    ask([Trial(ONE, 1, 1)])
    ask([Trial(ONE, 5, 1)])
    ask([Trial(TWO, 1, 1)])
    assert [each.best for each in events if isinstance(each, Committed)] == pytest.approx([0.1, 0.5, 0.5])
    assert [each.trials for each in events if isinstance(each, Asked)][1] == (Trial(ONE, 5, 1),)


def test_an_imported_row_answers_its_own_limit_of_epochs_alone(journal):
    journal.append_imported(Imported(ONE, 5, 3, 0.25, 0.01))
    ask = evaluator(journal)
    few, many = ask([Trial(ONE, 1, 1), Trial(ONE, 5, 1)])
    assert [each.stage for each in (few, many)] == ["explore", "imported"]
    assert [few.mean, many.mean] == pytest.approx([0.1, 0.25])
    assert [(each.epochs, each.stage) for each in summaries(journal.repeats, journal.imported)] == [
        (1, "explore"),
        (5, "imported"),
    ]


def test_what_is_lent_is_committed_and_not_trained(journal):
    trained: list[Training] = []

    def train(training: Training) -> float:
        trained.append(training)
        return slowly(training)

    def lend(training: Training) -> Repeat | None:
        if training.configuration != ONE:
            return None
        return Repeat(training, "refine", training.index, 0.75, slot="from elsewhere")

    one, two = evaluator(journal, objective=train, borrow=lend)([Trial(ONE, 5, 2), Trial(TWO, 5, 1)])
    assert (one.mean, one.repeats, one.stage) == (0.75, 2, "explore")
    assert math.isclose(two.mean, 0.5)
    assert [training.configuration for training in trained] == [TWO]
    assert len(journal.repeats) == 3


class Clocked(TrainedBy):
    """Says when it began, as engines do."""

    def __call__(self, job: Job) -> tuple[Trained, ...]:
        return tuple(
            replace(each, started=f"2026-11-27T05:12:0{each.training.index}.000Z")
            for each in TrainedBy.__call__(self, job)
        )


class Losing(Inline):
    """A place that loses the trainings of the second configuration."""

    def events(self, seconds: float) -> Sequence[Happened]:
        lost = [job.trainings[0].configuration == TWO for _, job in self._jobs.values()]
        found = super().events(seconds)
        died = Died("killed its worker", "signal SIGKILL", "")
        return [Ended(each.place, died) if isinstance(each, Ended) and any(lost) else each for each in found]


def test_the_journal_says_when_a_training_began_and_nothing_of_one_that_was_lost(journal):
    workers = Workers(Losing([Slot("fake", (0,))]), stop=lambda: False)
    made = Evaluator(journal, workers, Clocked(slowly), lambda _: "", lambda _: None)  # type: ignore[arg-type]
    made([Trial(ONE, 5, 2), Trial(TWO, 5, 1)])
    assert {(each.training.index, each.failed): each.started for each in journal.repeats} == {
        (0, False): "2026-11-27T05:12:00.000Z",
        (1, False): "2026-11-27T05:12:01.000Z",
        (0, True): "",
    }


def test_repeats_of_our_own_overrule_imported_rows_of_the_same_limit():
    ours = summary_of(ONE.as_dict(), 0.5, epochs=5)
    repeats = [Repeat(Training(ONE, 5, 0), "explore", 0, 0.5)]
    rows = [Imported(ONE, 5, 2, 0.1, None), Imported(ONE, 7, 2, 0.2, None)]
    found = summaries(repeats, rows)
    assert [(each.epochs, each.mean) for each in found] == [(5, ours.mean), (7, 0.2)]
