from __future__ import annotations

from dataclasses import replace

from pipeline import running_time
from pipeline.tuning.stopping import Elapsed, Limits, clock, unlimited
from tests.fakes import summary_of
from tests.tuning.plans import SMALL_BUDGET


def limits_of(trainings: int | None = None, elapsed: Elapsed = unlimited, **budget: float) -> Limits:
    return Limits(replace(SMALL_BUDGET, **budget), elapsed, trainings)  # type: ignore[arg-type]


def test_whichever_comes_first_ends_the_search_and_is_named():
    good = [summary_of({"number": 1}, 0.2, 0.3)]
    assert limits_of().reached(10**6, 10**6, good) == ""
    assert limits_of(trainings=10).reached(9, 0, good) == ""
    assert "trainings" in limits_of(trainings=10).reached(10, 0, good)
    assert "time" in limits_of(trainings=10, elapsed=lambda: 1.0).reached(9, 0, good)
    assert limits_of(settled=3).reached(0, 2, good) == ""
    assert "below the noise for 3 rounds" in limits_of(settled=3).reached(0, 3, good)
    assert "for 1 round" in limits_of(settled=1).reached(0, 1, good)
    assert "target of 0.25" in limits_of(target_score=0.25).reached(0, 0, good)
    assert limits_of(target_score=0.2).reached(0, 0, good) == ""


def test_a_single_lucky_training_reaches_no_target():
    limits = limits_of(target_score=0.5)
    assert limits.met([summary_of({"number": 1}, 0.1)]) == ""
    assert limits.met([summary_of({"number": 1}, 0.1, None)]) == ""
    assert limits.met([]) == ""
    assert limits.met([summary_of({"number": 1}, 0.1, 0.2)])


def test_progress_is_of_what_runs_out_first():
    assert limits_of().progress(50) == 0.0
    assert limits_of(trainings=100).progress(50) == 0.5
    assert limits_of(trainings=100, elapsed=lambda: 0.7).progress(50) == 0.7
    assert limits_of(trainings=0).progress(1) == 1.0
    assert unlimited() == 0.0


def test_a_clock_counts_shares_of_its_seconds():
    assert clock(0.0, 0.0) is unlimited
    assert 0.5 <= clock(100.0, running_time.seconds() - 50)() < 0.6
