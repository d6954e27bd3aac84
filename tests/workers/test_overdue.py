"""A job is ended for its limit when it ran for it, not when it was paused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.workers.guard import fatal_stack, limit_stack, passed_limit
from pipeline.workers.overdue import Overdue


def stack(limit: int, name: str = "f") -> str:
    """What a worker writes when that many seconds have passed."""
    head = f"Timeout (0:{limit // 60:02d}:{limit % 60:02d})!\n"
    return f'{head}Thread 0x1 (most recent call first):\n  File "a.py", line 1 in {name}\n'


@dataclass
class Time:
    """A clock on the wall, and the running time of the process that looks."""

    wall: float = 0.0
    ran: float = 0.0

    def run(self, seconds: float) -> None:
        self.wall += seconds
        self.ran += seconds

    def pause(self, seconds: float) -> None:
        self.wall += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    return tmp_path / "worker.stack"


@pytest.fixture
def job(time: Time, stacks: Path) -> Overdue:
    return Overdue(stacks, wall=lambda: time.wall, running=lambda: time.ran)


def looks(job: Overdue, time: Time, seconds: float, *, stopped: bool = False) -> float:
    """Let time pass and look five times a second; returns what was said first, or 0."""
    for _ in range(int(seconds * 5)):
        time.run(0.2)
        if limit := job.look(stopped=stopped):
            return limit
    return 0.0


def test_a_limit_that_passed_without_a_pause_ends_the_job_at_the_second_look(job, time, stacks):
    assert looks(job, time, 30) == 0.0
    stacks.write_text(stack(30))
    assert job.look(stopped=False) == 0.0  # the stack may be written in part
    time.run(0.2)
    assert job.look(stopped=False) == 30.0


def test_what_a_pause_took_of_the_limit_is_given_back(job, time, stacks):
    looks(job, time, 10)
    time.pause(15)  # the limit of 20 passes in it
    stacks.write_text(stack(20))
    assert looks(job, time, 14) == 0.0
    assert looks(job, time, 2) == 20.0


def test_a_long_pause_gives_no_more_than_the_limit_once_more(job, time, stacks):
    time.pause(1e6)
    stacks.write_text(stack(20))
    assert looks(job, time, 19) == 0.0
    assert looks(job, time, 2) == 20.0


def test_a_second_pause_while_the_rest_is_running_does_not_count_either(job, time, stacks):
    time.pause(100)
    stacks.write_text(stack(20))
    looks(job, time, 10)
    time.pause(100)
    assert looks(job, time, 9) == 0.0
    assert looks(job, time, 2) == 20.0


def test_a_process_that_alone_was_stopped_did_not_run(job, time, stacks):
    looks(job, time, 5)
    looks(job, time, 12, stopped=True)
    stacks.write_text(stack(15))
    assert looks(job, time, 11) == 0.0
    assert looks(job, time, 2) == 15.0


def test_the_limit_of_a_start_is_forgotten_when_the_start_has_ended(job, time, stacks):
    time.pause(1000)
    stacks.write_text(stack(600))
    assert looks(job, time, 100) == 0.0
    stacks.write_text("")  # the worker begins with the job itself
    assert looks(job, time, 700) == 0.0
    stacks.write_text(stack(900))
    assert looks(job, time, 1000) == 900.0


def test_half_a_line_is_no_limit_yet(job, time, stacks):
    stacks.write_text("Timeout (0:00:2")
    assert looks(job, time, 2) == 0.0


def test_the_last_stack_is_the_one_that_is_told(stacks):
    assert (passed_limit(stacks), limit_stack(stacks), fatal_stack(stacks)) == (0.0, "", "")
    stacks.write_text(stack(90, "one") + stack(90, "two"))
    assert passed_limit(stacks) == 90.0
    assert limit_stack(stacks).endswith("in two")
    assert "in one" not in limit_stack(stacks)
    assert fatal_stack(stacks) == ""  # a signal that left no time to write: where it was before a pause says nothing
    stacks.write_text(stack(90, "one") + "Fatal Python error: Segmentation fault\n\nin third\n")
    assert fatal_stack(stacks).endswith("in third")
    stacks.write_text("Timeout (1:01:01.500000)!\n")
    assert passed_limit(stacks) == 3661.5
