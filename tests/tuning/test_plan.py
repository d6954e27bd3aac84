"""What follows from a budget and a strategy, and how a user reads it before anything is trained."""

import pytest

from pipeline.trial import Configuration
from tests.fakes import few
from tests.tuning.plans import plan_of

BASELINE = Configuration.of({"default": "network"})


@pytest.mark.parametrize(
    ("strategy", "changes", "configurations", "proposals"),
    [
        ("two-stage", {}, 6, 6),
        ("two-stage", {"calls": 0}, 6, 0),
        ("two-stage", {"trainings": 41, "repeats": 2}, 6, 14),  # 30 % of 41 are 12 trainings; the odd one is left
        ("two-stage", {"trainings": 1, "repeats": 2}, 1, 0),
        ("gp", {"trainings": 41, "repeats": 1}, 12, 29),
        ("gp", {"calls": 5, "elite": 3}, 6, 15),
        ("random", {"trainings": 41, "repeats": 2, "max_repeats": 2}, 20, 0),
        ("random", {"trainings": 41, "repeats": 2, "max_repeats": 4}, 18, 0),  # a tenth is kept for contenders
        ("halving", {"calls": 7}, 6, 0),
    ],
)
def test_the_configurations_of_both_stages(strategy, changes, configurations, proposals):
    plan = plan_of(few(), BASELINE, strategy, **changes)
    repeats = plan.budget.repeats
    assert (plan.configurations, plan.proposals) == (configurations, proposals)
    assert plan.explore_trainings == configurations * repeats
    assert 0 <= plan.refine_trainings - proposals * repeats < repeats


@pytest.mark.parametrize(
    ("strategy", "changes", "lines"),
    [
        (
            "two-stage",
            {},
            [
                "Stage 1: 6 configurations x 2 repeats, up to 10 epochs",
                "Stage 2: 6 configurations, 2 at once, 2 repeats each, contenders up to 2",
            ],
        ),
        (
            "two-stage",
            {"elite_from": "front", "max_repeats": 5, "seconds": 60.0, "target_score": 0.25, "settled": 3},
            [
                "Stage 1: 6 configurations x 2 repeats, up to 10 epochs",
                (
                    "Stage 2: 6 configurations, 2 at once, from the front of score and weights, 2 repeats each,"
                    " contenders up to 5"
                ),
                (
                    "Ends earlier: after 60 seconds, at an objective of 0.25,"
                    " after 3 rounds without an expected gain above the noise"
                ),
            ],
        ),
        (
            "two-stage",
            {"trainings": 50, "repeats": 1},
            [
                "Stage 1: 15 configurations x 1 repeat, up to 10 epochs",
                "Stage 2: until 50 trainings are made, 1 repeat each, contenders up to 1",
            ],
        ),
        (
            "gp",
            {"acquisition": "lcb"},
            [
                "Stage 1: 6 configurations x 2 repeats, up to 10 epochs",
                "Stage 2: one Gaussian process (lcb), 6 configurations in turn, 2 repeats each, contenders up to 2",
            ],
        ),
        (
            "sobol",
            {},
            [
                "Stage 1: 6 configurations of a Sobol sequence x 2 repeats, up to 10 epochs",
                "Stage 2: nothing new, contenders up to 2",
            ],
        ),
        (
            "hyperband",
            {},
            [
                "Stage 1: Hyperband, 2 repeats, up to 10 epochs; as many epochs in all as 6 configurations take",
                "Stage 2: nothing new, contenders up to 2",
            ],
        ),
    ],
)
def test_a_user_reads_what_is_about_to_happen(strategy, changes, lines):
    assert list(plan_of(few(), BASELINE, strategy, **changes).description) == lines
