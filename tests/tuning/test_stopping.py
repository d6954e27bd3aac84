from __future__ import annotations

from pipeline.tuning.stopping import Limits, unlimited
from tests.fakes import summary_of


def test_whichever_comes_first_ends_the_search_and_is_named():
    good = [summary_of({"number": 1}, 0.2, 0.3)]
    assert Limits().reached(10**6, 10**6, good) == ""
    assert Limits(trainings=10).reached(9, 0, good) == ""
    assert "trainings" in Limits(trainings=10).reached(10, 0, good)
    assert "time" in Limits(trainings=10, spent=lambda: 1.0).reached(9, 0, good)
    assert Limits(settled=3).reached(0, 2, good) == ""
    assert "below the noise for 3 rounds" in Limits(settled=3).reached(0, 3, good)
    assert "for 1 round" in Limits(settled=1).reached(0, 1, good)
    assert "target of 0.25" in Limits(target=0.25).reached(0, 0, good)
    assert Limits(target=0.2).reached(0, 0, good) == ""


def test_a_single_lucky_training_reaches_no_target():
    limits = Limits(target=0.5)
    assert limits.met([summary_of({"number": 1}, 0.1)]) == ""
    assert limits.met([summary_of({"number": 1}, 0.1, None)]) == ""
    assert limits.met([]) == ""
    assert limits.met([summary_of({"number": 1}, 0.1, 0.2)])


def test_progress_is_of_what_runs_out_first():
    assert Limits().progress(50) == 0.0
    assert Limits(trainings=100).progress(50) == 0.5
    assert Limits(trainings=100, spent=lambda: 0.7).progress(50) == 0.7
    assert Limits(trainings=0).progress(1) == 1.0
    assert unlimited() == 0.0
