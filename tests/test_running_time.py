"""A clock that stands still while the process is stopped."""

from __future__ import annotations

import os
import time

import pytest

from pipeline import running_time
from pipeline.running_time import LONGEST, RunningClock
from pipeline.tuning.stopping import clock


class Wall:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_lies_between_two_looks_counts_unless_it_is_longer_than_any_wait() -> None:
    wall = Wall()
    ran = RunningClock(wall)
    assert ran() == 0.0
    for seconds, counted in ((0.5, 0.5), (LONGEST, LONGEST), (LONGEST + 0.1, 0.0), (3600.0, 0.0), (0.25, 0.25)):
        before = ran()
        wall.now += seconds
        assert ran() - before == pytest.approx(counted)


def test_the_clock_of_a_process_goes_on_while_nobody_asks_and_only_forwards() -> None:
    before, wall = running_time.seconds(), time.monotonic()
    time.sleep(LONGEST + 0.3)  # a thread looks at it meanwhile
    passed, truly = running_time.seconds() - before, time.monotonic() - wall
    assert passed == pytest.approx(truly, abs=0.1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_has_a_clock_of_its_own() -> None:
    running_time.seconds()
    child = os.fork()
    if not child:
        os._exit(0 if running_time.seconds() < 0.5 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_pause_uses_up_no_share_of_the_seconds_of_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = Wall()
    monkeypatch.setattr(running_time, "seconds", RunningClock(wall))
    elapsed = clock(100.0, running_time.seconds())
    wall.now += 1.0
    assert elapsed() == pytest.approx(0.01)
    wall.now += 3600.0
    assert elapsed() == pytest.approx(0.01)
