"""One Gaussian process of the whole space, on objectives in place of training."""

import math

import numpy as np
import pytest

from pipeline.space import Space, contains, parse, sample
from pipeline.trial import Configuration, Training
from pipeline.tuning.strategies.gaussian_process import ACQUISITIONS, GaussianProcess
from pipeline.tuning.study import Plan, run
from tests.fakes import FakeLedger, Interrupted, networks, summary_of
from tests.tuning.plans import plan_of, refining

RATE = {"learning_rate": {"type": "real", "low": 1e-4, "high": 1e-1, "scale": "log"}, "batch_size": 8}
BASELINE = Configuration.of({"learning_rate": 0.004, "batch_size": 32})  # of another space


def valley(training: Training) -> float:
    """Lowest at a learning rate of 0.005."""
    rate = training.configuration["learning_rate"]
    assert isinstance(rate, float)
    return 0.3 + 0.2 * (math.log10(rate) + 2.3) ** 2 + 0.002 * math.sin(training.index)


def plan(space: Space, acquisition: str = "ei", calls: int = 8, configurations: int = 1) -> Plan:
    return plan_of(
        space, BASELINE, "gp", configurations=configurations, repeats=1, elite=1, calls=calls, epochs=1, seed=3,
        acquisition=acquisition,
    )  # fmt: skip


def asked(ledger: FakeLedger) -> list[str]:
    return [trial.configuration.key for trials in ledger.asked for trial in trials]


def test_one_initial_point_and_then_one_proposal_after_the_other():
    ledger = FakeLedger(valley)
    result = run(plan(parse(RATE)), ledger.evaluate, ledger.begin, print)
    (search,) = result.searches
    assert [len(trials) for trials in ledger.asked] == [1] * 10  # the baseline, one initial point, eight proposals
    assert len(set(asked(ledger))) == 10
    assert all(contains(parse(RATE), each.configuration) for each in search.found)
    best = min(search.found, key=lambda each: each.mean)
    assert abs(math.log10(float(str(best.configuration["learning_rate"]))) + 2.3) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("acquisition", ACQUISITIONS)
def test_every_acquisition_function_finds_the_valley_and_is_named(acquisition):
    ledger = FakeLedger(valley)
    result = run(plan(parse(RATE), acquisition, calls=7, configurations=3), ledger.evaluate, ledger.begin, print)
    assert min(each.mean for each in result.searches[0].found) < 0.31
    assert len({curve.function for curve in result.curves}) in ({1} if acquisition != "gp_hedge" else {1, 2, 3})


@pytest.mark.slow
def test_acquisition_functions_differ():
    proposed = {}
    for acquisition in ("ei", "pi", "lcb"):
        ledger = FakeLedger(valley)
        run(plan(parse(RATE), acquisition, calls=4, configurations=3), ledger.evaluate, ledger.begin, print)
        proposed[acquisition] = asked(ledger)[-1]
    assert len(set(proposed.values())) == 3


def test_there_is_a_posterior_from_the_second_evaluation_on():
    ledger = FakeLedger(valley)
    result = run(plan(parse(RATE), calls=4), ledger.evaluate, ledger.begin, print)
    found = result.searches[0].found
    assert [len(each.seen) for each in result.curves] == [2, 3, 4, 5]
    values = [each.configuration["learning_rate"] for each in found]
    assert [each.proposed for each in result.curves] == [*values[1:], None]
    for curve in result.curves:
        assert curve.values[[0, -1]] == pytest.approx([1e-4, 1e-1])
        assert curve.mean.shape == curve.deviation.shape == curve.acquisition.shape == curve.values.shape
        assert [value for value, _ in curve.seen][1:] == values[: len(curve.seen) - 1]
        if curve.proposed is not None:
            # What is evaluated next is where the acquisition is highest.
            near = int(np.argmin(np.abs(np.log(curve.values / curve.proposed))))
            assert curve.acquisition[near] >= 0.9 * curve.acquisition.max()
        places = [int(np.argmin(np.abs(np.log(curve.values / value)))) for value, _ in curve.seen]
        reach = 2.5 * curve.deviation[places] + 0.05
        assert (np.abs(curve.mean[places] - [value for _, value in curve.seen]) < reach).all()


def test_there_is_no_curve_of_several_dimensions():
    ledger = FakeLedger()
    result = run(plan(networks(), configurations=4, calls=3), ledger.evaluate, ledger.begin, print)
    assert result.curves == ()
    assert len(result.searches[0].found) <= 3


@pytest.mark.slow
@pytest.mark.parametrize("stop", [2, 5])
def test_a_run_that_was_interrupted_goes_on_as_if_it_had_not_been(stop):
    whole = FakeLedger(valley)
    expected = run(plan(parse(RATE), calls=5), whole.evaluate, whole.begin, print)
    broken = FakeLedger(valley, stop_after=stop)
    with pytest.raises(Interrupted):
        run(plan(parse(RATE), calls=5), broken.evaluate, broken.begin, print)
    resumed = broken.resumed()
    result = run(plan(parse(RATE), calls=5), resumed.evaluate, resumed.begin, print)
    assert result.searches == expected.searches
    assert max(resumed.trained.values()) == 1


def test_a_space_that_ends_is_said_and_failures_are_no_obstacle():
    few = parse({"learning_rate": {"type": "choice", "values": [0.1, 0.2, 0.3]}})
    said: list[str] = []
    ledger = FakeLedger(lambda training: None if training.configuration["learning_rate"] == 0.2 else 0.5)
    run(plan(few, configurations=1), ledger.evaluate, ledger.begin, said.append)
    assert len(set(asked(ledger))) == 4  # with the baseline
    assert any("every configuration of the space is known" in each for each in said)


def test_where_everything_failed_nothing_is_learned_and_the_search_goes_on():
    space = parse(RATE)
    rng = np.random.default_rng(0)
    history = [summary_of(sample(space, rng).as_dict(), None) for _ in range(2)]
    ledger = FakeLedger(valley)
    asked = refining(space, (), (), proposals=3, epochs=1, repeats=1)
    refined = GaussianProcess().optimise(asked, history, ledger.evaluate, print)
    assert len(refined.searches[0].found) == 3


@pytest.mark.slow
def test_depths_are_searched_together():
    ledger = FakeLedger()
    run(plan(networks(), configurations=6, calls=6), ledger.evaluate, ledger.begin, print)
    proposals = [trial.configuration for trials in ledger.asked[-6:] for trial in trials]
    assert all(contains(networks(), each) for each in proposals)
