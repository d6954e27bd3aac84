import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from pipeline.space import Narrowing, Real, Space, assemble, contains, flatten, grid, inside, narrow, parse, sample
from pipeline.trial import Configuration, Scalar, Summary, Training, Trial
from pipeline.tuning.strategies.two_stage import TwoStage
from pipeline.tuning.surrogate import gp_minimize
from pipeline.tuning.surrogate import proposals as surrogate
from pipeline.tuning.surrogate.proposals import known_of
from tests.fakes import bowl, networks, summary_of
from tests.tuning.plans import refining

RATE = {"type": "real", "low": 1e-5, "high": 1e-1, "scale": "log"}
SMOOTH = parse({"rate": RATE, "dropout": {"type": "real", "low": 0.0, "high": 0.6}})


def rng_of(*seed: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed))


def scored(configuration: Configuration, value: float | None = None) -> Summary:
    return summary_of(configuration.as_dict(), bowl(Training(configuration, 10, 0)) if value is None else value)


def failed(configuration: Configuration) -> Summary:
    return summary_of(configuration.as_dict(), None, None)


def neighbours(box: Space, space: Space, count: int, rng: np.random.Generator) -> list[Configuration]:
    """Configurations inside the box, all different."""
    found: dict[str, Configuration] = {}
    while len(found) < count:
        drawn = whole(sample(box, rng).as_dict(), space)
        found[drawn.key] = drawn
    return list(found.values())


def whole(flat: Mapping[str, object], space: Space) -> Configuration:
    return assemble(flat, space)  # type: ignore[arg-type]


def propose(
    box: Space, space: Space, measured: Sequence[Summary], taken: set[str], rng: np.random.Generator
) -> Configuration | None:
    """The proposal of a box around the best of what was measured in it."""
    inner = sorted((each for each in measured if inside(box, each.configuration)), key=lambda each: each.order)
    centre = inner[0].configuration if inner else whole(sample(box, np.random.default_rng(0)).as_dict(), space)
    return surrogate.propose(box, space, known_of(space, measured, None), taken, centre=centre, rng=rng)


def check(proposal: Configuration | None, box: Space, space: Space, taken: set[str]) -> Configuration:
    assert proposal is not None
    assert contains(space, proposal)
    assert contains(box, Configuration.of(flatten(proposal)))
    assert proposal.key not in taken
    return proposal


# ----------------------------------------------------------------------------------------------------------- knowing


def test_of_many_the_better_half_is_learned_and_a_spread_of_the_others(monkeypatch):
    monkeypatch.setattr(surrogate, "LEARNED", 20)
    measured = [scored(each) for each in neighbours(SMOOTH, SMOOTH, 200, rng_of(5))]
    measured.append(failed(neighbours(SMOOTH, SMOOTH, 1, rng_of(6))[0]))
    known = known_of(SMOOTH, measured, None)
    keys = {each.key for each in known.configurations}
    best = [each.key for each in sorted(measured, key=lambda each: each.order)]
    assert len(keys) == len(known.targets) == len(known.rows) == len(known.repeats) == 20
    assert set(best[:10]) <= keys
    assert sum(key in keys for key in best[100:]) >= 3
    again = known_of(SMOOTH, measured[::-1], None)
    assert again.configurations == known.configurations
    assert np.array_equal(again.targets, known.targets)


def test_a_study_larger_than_what_is_learned_is_refined(monkeypatch):
    monkeypatch.setattr(surrogate, "LEARNED", 12)

    def valley(configuration: Configuration) -> Summary:
        rate, dropout = float(str(configuration["rate"])), float(str(configuration["dropout"]))
        return scored(configuration, 1.0 + (math.log10(rate) + 3.3) ** 2 + 10.0 * (dropout - 0.21) ** 2)

    history = [valley(each) for each in neighbours(SMOOTH, SMOOTH, 60, rng_of(7))]
    elite = sorted(history, key=lambda each: each.order)[:1]

    def evaluate(trials: Sequence[Trial]) -> tuple[Summary, ...]:
        return tuple(valley(each.configuration) for each in trials)

    asked = refining(SMOOTH, tuple(elite), tuple(history), repeats=1, calls=8, elite=1)
    found = TwoStage().refine(asked, lambda _: history, evaluate, print)
    assert len(found.measured) == 68
    assert min(each.mean for each in found.measured) < elite[0].mean


# --------------------------------------------------------------------------------------------------------- proposing


@pytest.mark.parametrize("seed", range(8))
def test_a_proposal_is_new_and_lies_in_box_and_space(seed):
    space, rng = networks(), rng_of(seed)
    centre = sample(space, rng)
    while centre["hidden_layers"] != seed % 4:
        centre = sample(space, rng)
    box = narrow(space, centre, Narrowing())
    inner = neighbours(box, space, 8, rng)
    outer = [sample(space, rng) for _ in range(5)]
    measured = [scored(each) for each in (centre, *inner, *outer)]
    measured.append(failed(neighbours(box, space, 1, rng)[0]))
    taken = {each.key for each in measured}
    before = list(measured), set(taken)
    proposal = check(propose(box, space, measured, taken, rng_of(seed, 1)), box, space, taken)
    assert propose(box, space, measured, taken, rng_of(seed, 1)) == proposal
    assert (measured, taken) == before


@pytest.mark.parametrize("known", [0, 1, 2])
def test_with_little_known_the_box_is_sampled(known):
    space = networks()
    centre = sample(space, rng_of(0))
    box = narrow(space, centre, Narrowing())
    measured = [scored(each) for each in neighbours(box, space, known, rng_of(1))]
    proposals = {
        check(propose(box, space, measured, set(), rng_of(2, number)), box, space, set()).key for number in range(5)
    }
    assert len(proposals) == 5


def border(end: str) -> float:
    domain = SMOOTH["rate"].domain
    assert isinstance(domain, Real)
    return {"low": domain.low, "high": domain.high}[end]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("end", ["low", "high", "inside"])
def test_a_log_scale_survives_at_its_borders(seed, end):
    # gp_minimize refuses points outside the bounds, and exp(log(x)) is often just outside.
    rng = rng_of(seed)
    space = parse({"rate": RATE})
    rate = 10 ** rng.uniform(-5, -1) if end == "inside" else border(end)
    centre = Configuration.of({"rate": rate})
    box = narrow(space, centre, Narrowing(fraction=float(rng.choice([0.01, 0.2, 1.0]))))
    domain = box["rate"].domain
    assert isinstance(domain, Real)
    corners = [Configuration.of({"rate": each}) for each in (domain.low, domain.high)]
    measured = [scored(each, 0.1 * number) for number, each in enumerate((centre, *corners))]
    measured += [scored(each, 0.5) for each in neighbours(box, space, 2, rng)]
    taken = {each.key for each in measured}
    check(propose(box, space, measured, taken, rng), box, space, taken)


@pytest.mark.slow
def test_a_log_scale_survives_hundreds_of_ranges():
    rng = rng_of(7)
    for _ in range(200):
        low = 10 ** rng.uniform(-12, 3)
        entry = {"type": "real", "low": low, "high": low * 10 ** rng.uniform(1e-3, 8), "scale": "log"}
        space = parse({"rate": entry, "momentum": {"type": "real", "low": -1e6, "high": 1e-3}})
        centre = sample(space, rng)
        box = narrow(space, centre, Narrowing(fraction=float(rng.choice([1e-3, 0.2, 1.0]))))
        measured = [scored(each, float(rng.random())) for each in (centre, *neighbours(box, space, 4, rng))]
        taken = {each.key for each in measured}
        check(propose(box, space, measured, taken, rng), box, space, taken)


def test_the_narrowest_box_survives():
    space = parse({"rate": {"type": "real", "low": 0.1, "high": 0.1 + 1e-9, "scale": "log"}, "x": RATE})
    centre = Configuration.of({"rate": 0.1, "x": 1e-3})
    for fraction in (0.2, 1e-6, 1e-12):
        box = narrow(space, centre, Narrowing(fraction=fraction))
        measured = [scored(each, 0.1) for each in (centre, *neighbours(box, space, 3, rng_of(0)))]
        taken = {each.key for each in measured}
        check(propose(box, space, measured, taken, rng_of(1)), box, space, taken)


@pytest.mark.parametrize(
    "values",
    [
        [0.5, 0.5, 0.5, 0.5, 0.5],
        [0.1, 0.2, 1e9, 0.3, 0.2],
        [1e-12, 2e-12, 3e-12, 1e-12, 5e-12],
        [0.1, math.inf, 0.3, math.inf, 0.2],
        [math.inf, math.inf, math.inf, math.inf, math.inf],
    ],
    ids=["equal", "one huge", "tiny", "failures", "nothing but failures"],
)
def test_odd_scores_do_not_stop_a_search(values):
    space, rng = SMOOTH, rng_of(0)
    centre = sample(space, rng)
    box = narrow(space, centre, Narrowing())
    measured = [
        scored(each, value) if math.isfinite(value) else failed(each)
        for each, value in zip((centre, *neighbours(box, space, 4, rng)), values, strict=True)
    ]
    taken = {each.key for each in measured}
    check(propose(box, space, measured, taken, rng), box, space, taken)


def test_choices_alone_are_searched():
    space = parse({name: {"type": "choice", "values": ["a", "b", "c"]} for name in "xyz"})
    every = list(grid(space))
    box = narrow(space, every[0], Narrowing())
    taken = {each.key for each in every[:6]}
    proposal = check(propose(box, space, [scored(each) for each in every[:6]], taken, rng_of(0)), box, space, taken)
    assert proposal == propose(box, space, [scored(each) for each in every[:6]], taken, rng_of(0))


def test_an_unlike_pair_of_equal_numbers_does_not_mix():
    space = parse(
        {"a": {"type": "choice", "values": [0, 2, "x"]}, "b": {"type": "choice", "values": [False, True, 0.5]}}
    )
    every = list(grid(space))
    box = narrow(space, every[0], Narrowing())
    found = set()
    taken: set[str] = set()
    measured: list[Summary] = []
    while (proposal := propose(box, space, measured, taken, rng_of(len(taken)))) is not None:
        check(proposal, box, space, taken)
        taken.add(proposal.key)
        measured.append(scored(proposal))
        found.add(proposal.key)
    assert found == {each.key for each in every}


def test_a_box_is_used_up_exactly():
    # Whoever draws a thousand times from 720 does not see them all; the last one is found all the same.
    integer = {"type": "integer", "low": 1, "high": 900}
    space = parse({"a": integer, "rest": "fixed"})
    centre = Configuration.of({"a": 450, "rest": "fixed"})
    box = narrow(space, centre, Narrowing(fraction=0.4))
    every = list(grid(box))
    for number in range(0, len(every), 90):
        left = every[number]
        taken = {each.key for each in every if each != left}
        assert propose(box, space, [scored(each) for each in every[:5] if each != left], taken, rng_of(number)) == left
    assert propose(box, space, [], {each.key for each in every}, rng_of(0)) is None


def test_a_box_of_one_configuration_has_nothing_to_propose():
    space = parse({"a": 1, "b": "x"})
    centre = next(grid(space))
    assert propose(narrow(space, centre, Narrowing()), space, [], {centre.key}, rng_of(0)) is None


# ------------------------------------------------------------------------------------------------------ whole searches


def valley(values: Mapping[str, Scalar]) -> float:
    """Smooth, its lowest place inside the box around the centre that is used below."""
    return 0.2 + (math.log10(float(values["rate"])) + 2.6) ** 2 + 4 * (float(values["dropout"]) - 0.22) ** 2


def test_it_beats_drawing_in_the_box():
    # Over four seeds: eight proposals after three starting points, against eleven random ones.
    centre = Configuration.of({"rate": 1e-3, "dropout": 0.3})
    box = narrow(SMOOTH, centre, Narrowing())
    searched, drawn = [], []
    for seed in range(4):
        start = [centre, *neighbours(box, SMOOTH, 2, rng_of(seed))]
        measured = [scored(each, valley(flatten(each))) for each in start]
        for call in range(8):
            proposal = propose(box, SMOOTH, measured, {each.key for each in measured}, rng_of(seed, call))
            assert proposal is not None
            measured.append(scored(proposal, valley(flatten(proposal))))
        searched.append(min(each.mean for each in measured))
        random = neighbours(box, SMOOTH, 10, rng_of(seed, 99))
        drawn.append(min(valley(flatten(each)) for each in (centre, *random)))
    assert np.mean(searched) - 0.2 < 0.3 * (np.mean(drawn) - 0.2)


@pytest.mark.parametrize("repeats", [False, True])
def test_gp_minimize_proposes_unless_it_repeats_itself(monkeypatch, repeats):
    # Its proposal is taken as it is; the random point that it gives instead of a known one is not.
    centre = Configuration.of({"rate": 1e-3, "dropout": 0.3})
    box = narrow(SMOOTH, centre, Narrowing())
    measured = [scored(each, valley(flatten(each))) for each in (centre, *neighbours(box, SMOOTH, 4, rng_of(0)))]
    monkeypatch.setattr(gp_minimize, "minimize", lambda *arguments, **named: ([2e-3, 0.25], repeats))
    proposal = propose(box, SMOOTH, measured, set(), rng_of(1))
    own = Configuration.of({"rate": 2e-3, "dropout": 0.25})
    assert proposal is not None
    assert contains(box, proposal)
    assert (proposal == own) is not repeats


def test_a_known_proposal_becomes_the_best_unknown_candidate_and_never_a_random_one():
    # Everything but the two ends is known: the one near the valley is proposed, whatever the seed.
    space = parse({"n": {"type": "integer", "low": 0, "high": 40}})
    every = list(grid(space))
    known = [scored(each, 0.1 + (int(str(each["n"])) - 4) ** 2 / 100) for each in every if each["n"] not in (3, 38)]
    box = narrow(space, known[4].configuration, Narrowing(fraction=1.0))
    for seed in range(5):
        proposal = propose(box, space, known, {each.key for each in known}, rng_of(seed))
        assert proposal is not None
        assert proposal["n"] == 3


def test_the_surrogate_knows_what_lies_outside_of_the_box():
    # Inside the box nothing was learned but its middle; outside, that small rates are bad and large ones good.
    space = parse({"rate": {"type": "real", "low": 0.0, "high": 1.0}})
    outside = [scored(Configuration.of({"rate": rate}), 1.2 - rate) for rate in (0.0, 0.1, 0.2, 0.3, 0.7, 0.8, 0.9)]
    centre = Configuration.of({"rate": 0.5})
    box = narrow(space, centre, Narrowing(fraction=0.1))
    proposal = propose(box, space, [*outside, scored(centre, 0.7)], {centre.key}, rng_of(0))
    assert proposal is not None
    assert float(str(proposal["rate"])) > 0.58
