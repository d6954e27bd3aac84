"""The lines of a run that has no terminal, from events that nothing trained."""

from __future__ import annotations

import io

from rich.console import Console

from pipeline.cli.progress import Progress
from pipeline.run.events import Asked, Committed, Event
from pipeline.trial import Configuration, Repeat, Stage, Training
from tests.fakes import few
from tests.tuning.plans import plan_of

BASELINE = Configuration.of({"learning_rate": 0.001})
PLAN = plan_of(few(), BASELINE, configurations=3, repeats=2, elite=1, calls=2, epochs=10, seed=0)


def asked(stage: Stage, trainings: int, known: int = 0) -> Asked:
    return Asked(stage, trainings, known, ())


def committed(best: float, objective: float | None = 0.5) -> Committed:
    return Committed(Repeat(Training(Configuration.of({"units": 1}), 5, 0), "explore", 0, objective), best)


def lines_of(*events: Event) -> list[str]:
    written = io.StringIO()
    with Progress(Console(file=written, width=140), PLAN) as progress:
        for event in events:
            progress.observe(event)
    return written.getvalue().splitlines()


def test_a_stage_that_ends_says_what_it_came_to():
    told = lines_of(
        asked("baseline", 1), committed(0.25), asked("explore", 2), committed(0.125), committed(0.125, None),
        asked("refine", 1),
    )  # fmt: skip
    assert "default network done: 1 training, best MAE 0.2500" in told
    assert "stage 1 done: 2 trainings, best MAE 0.1250, 1 failed" in told


def test_plain_lines_come_now_and_then_and_count_what_was_known():
    told = lines_of(asked("baseline", 2, 2), asked("explore", 4, 2), committed(0.5), committed(0.5))
    assert told == ["default network done: 2 trainings", "stage 1: 3 of 4 trainings, best MAE 0.5000"]
