import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from pipeline.errors import UserError
from pipeline.ledger.journal import open_journal
from pipeline.models import Layers
from pipeline.ranking.order import by_mean, recommend
from pipeline.run.evaluator import Evaluator
from pipeline.space import Real, contains, grid, parse, size
from pipeline.trial import Configuration, Evaluate, Imported, Summary
from pipeline.tuning.stages import Open, Refined, Refining, Say
from pipeline.tuning.strategies.two_stage import TwoStage
from pipeline.tuning.study import Plan, Result, run
from pipeline.tuning.surrogate import gp_minimize, proposals
from tests.fakes import FEW, Begun, FakeLedger, Interrupted, TrainedBy, bowl, fails, few, in_process, networks
from tests.tuning.plans import changed, plan_of

BASELINE = Configuration.of({"hidden_layers": 2, "units": (64, 64), "activation": "relu"})
SMALL = plan_of(few(), BASELINE)
LARGE = changed(SMALL, space=networks(), configurations=12, repeats=2, elite=2, calls=2)


ASKED: dict[str, object] = {}  # what gp_minimize answered in this module, by its arguments


@pytest.fixture(autouse=True)
def remembered(request, monkeypatch):
    """gp_minimize answers equal questions from memory: a rerun is instant. Slow tests ask it every time."""
    if "slow" in request.keywords:
        return
    compute = gp_minimize.minimize

    def look_up(domains, points, targets, surrogate, *, surplus, seed):
        outside = surrogate.outside
        given = (surrogate.repeats, outside.columns, outside.targets, outside.repeats)
        known = [each.tobytes() for each in given]
        question = repr((domains, points, targets, surplus, seed, surrogate.parameters, surrogate.frame.centre, known))
        if question not in ASKED:
            ASKED[question] = compute(domains, points, targets, surrogate, surplus=surplus, seed=seed)
        return ASKED[question]

    monkeypatch.setattr(gp_minimize, "minimize", look_up)
    monkeypatch.setattr(proposals, "CANDIDATES", 100)


def say_nothing(text: str) -> None:
    """What the run says does not matter here."""


def run_on(ledger: FakeLedger, plan: Plan, said: list[str] | None = None) -> Result:
    return run(plan, ledger.evaluate, ledger.begin, said.append if said is not None else say_nothing)


def refined(result: Result) -> list[Summary]:
    return [summary for search in result.searches for summary in search.found]


def check(result: Result, ledger: FakeLedger, plan: Plan) -> None:
    """The laws of every result."""
    assert not ledger.trained or max(ledger.trained.values()) == 1
    assert result.baseline.configuration == plan.baseline
    drawn = [summary.key for summary in result.explored]
    found = [summary.key for summary in refined(result)]
    assert len(set(drawn) | set(found)) == len(drawn) + len(found)
    assert plan.baseline.key not in {*drawn, *found}
    assert all(contains(plan.space, summary.configuration) for summary in (*result.explored, *refined(result)))
    # Elite configurations are never tried again: not by their own search, nor by another one.
    assert not {summary.key for summary in result.elite} & set(found)
    asked = (result.baseline, *result.explored, *refined(result))
    assert all(each.repeats + each.failures == plan.budget.repeats for each in asked if each.stage != "imported")


def test_a_study_explores_picks_and_refines():
    ledger = FakeLedger()
    result = run_on(ledger, LARGE)
    check(result, ledger, LARGE)
    assert len(result.explored) == 12
    assert len(result.elite) == len(result.searches) == 2
    assert [len(search.found) for search in result.searches] == [2, 2]
    assert [search.elite for search in result.searches] == list(result.elite)
    assert {each.stage for each in result.explored} == {"explore"}
    assert {each.stage for each in refined(result)} == {"refine"}
    assert sum(ledger.trained.values()) == 2 * (1 + 12 + 4)
    # The searches advance in step, so that all workers are busy.
    assert [len(trials) for trials in ledger.asked] == [1, 12, 2, 2]


@dataclass(frozen=True)
class Counting(TwoStage):
    """Counts the threads that linear algebra has while it proposes."""

    threads: ClassVar[set[int]] = set()

    def refine(self, asked: Refining, begin: Open, evaluate: Evaluate, say: Say) -> Refined:
        self.threads.update(threads_of_linear_algebra())
        return super().refine(asked, begin, evaluate, say)


def threads_of_linear_algebra() -> set[int]:
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.mark.parametrize("one", [True, False])
def test_proposals_take_one_thread_and_those_of_studies_of_earlier_versions_as_many_as_ever(one, monkeypatch):
    monkeypatch.setattr(Counting, "threads", set())
    with threadpool_limits(2, user_api="blas"):
        run_on(FakeLedger(), replace(changed(SMALL, strategy=Counting()), one_thread=one))
        assert Counting.threads == ({1} if one else {2})
        assert threads_of_linear_algebra() == {2}


def test_stage_two_improves_what_stage_one_found():
    result = run_on(FakeLedger(), changed(LARGE, elite=1, calls=6))
    assert min(each.mean for each in refined(result)) < result.elite[0].mean


@pytest.mark.parametrize("plan", [SMALL, LARGE], ids=["finite", "infinite"])
def test_a_rerun_trains_nothing_and_finds_the_same(plan):
    first = FakeLedger()
    result = run_on(first, plan)
    again = first.resumed()
    assert run_on(again, plan) == result
    assert again.asked == first.asked
    assert again.records == first.records
    check(result, again, plan)


@pytest.mark.parametrize("shuffle", range(4))
def test_the_order_in_which_trainings_end_does_not_matter(shuffle):
    result = run_on(FakeLedger(), LARGE)
    assert run_on(FakeLedger(shuffle=shuffle), LARGE) == result
    half = FakeLedger(stop_after=20, shuffle=shuffle)
    with pytest.raises(Interrupted):
        run_on(half, LARGE)
    assert run_on(half.resumed(shuffle=shuffle + 10), LARGE) == result


def test_an_interruption_anywhere_changes_nothing():
    whole = FakeLedger()
    result = run_on(whole, SMALL)
    total = sum(whole.trained.values())
    for after in range(total):
        stopped = FakeLedger(stop_after=after, shuffle=after)
        with pytest.raises(Interrupted):
            run_on(stopped, SMALL)
        assert len(stopped.repeats) == after
        resumed = stopped.resumed()
        assert run_on(resumed, SMALL) == result
        check(result, resumed, SMALL)
        assert set(resumed.trained) == set(whole.trained)


def test_a_run_that_is_interrupted_again_and_again_arrives():
    result = run_on(FakeLedger(), SMALL)
    ledger = FakeLedger(stop_after=0)
    for attempt in range(100):
        try:
            found = run_on(ledger, SMALL)
            break
        except Interrupted:
            ledger = ledger.resumed(stop_after=1, shuffle=attempt)
    assert found == result
    check(result, ledger, SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.soak)])
def test_an_interruption_anywhere_changes_nothing_in_a_large_space(step):
    plan = changed(LARGE, seed=1, elite=3)
    whole = FakeLedger()
    result = run_on(whole, plan)
    for after in range(25, sum(whole.trained.values()), step):
        stopped = FakeLedger(stop_after=after, shuffle=after)
        with pytest.raises(Interrupted):
            run_on(stopped, plan)
        resumed = stopped.resumed(shuffle=after + 1)
        assert run_on(resumed, plan) == result
        check(result, resumed, plan)


def test_stopping_between_the_calls_changes_nothing():
    # Not in a training, but before an answer is given: the process died after everything was committed.
    result = run_on(FakeLedger(), SMALL)
    for call in range(5):
        ledger = FakeLedger()
        calls = 0

        def evaluate(trials, ledger=ledger, call=call):
            nonlocal calls
            answer = ledger.evaluate(trials)
            calls += 1
            if calls > call:
                raise Interrupted
            return answer

        with pytest.raises(Interrupted):
            run(SMALL, evaluate, ledger.begin, say_nothing)
        assert run_on(ledger.resumed(), SMALL) == result


# ----------------------------------------------------------------------------------------------------- asking for more


def test_more_configurations_keep_the_first_ones():
    ledger = FakeLedger()
    first = run_on(ledger, LARGE)
    more = ledger.resumed()
    plan = changed(LARGE, configurations=16)
    result = run_on(more, plan)
    assert result.explored[:12] == first.explored
    check(result, more, plan)
    assert run_on(more.resumed(), plan) == result
    assert run_on(more.resumed(), LARGE) == first


@pytest.mark.parametrize("seed", range(12))
def test_what_was_drawn_later_is_not_proposed_by_a_search_that_goes_on(seed):
    # The same elite means the same searches; stage 1 has configurations now that were unknown when they began.
    plan = changed(SMALL, seed=seed, configurations=8, elite=1, calls=2)
    ledger = FakeLedger()
    run_on(ledger, plan)
    later = ledger.resumed()
    wider = changed(plan, configurations=14, calls=8)
    result = run_on(later, wider)
    check(result, later, wider)
    again = later.resumed()
    assert run_on(again, wider) == result
    check(result, again, wider)


def test_more_calls_keep_the_first_ones():
    ledger = FakeLedger()
    first = run_on(ledger, LARGE)
    more = ledger.resumed()
    result = run_on(more, changed(LARGE, calls=3))
    assert [search.found[:2] for search in result.searches] == [search.found for search in first.searches]
    assert sum(more.trained.values()) - sum(ledger.trained.values()) == 2 * 2


def test_more_repeats_train_only_the_difference():
    ledger = FakeLedger()
    first = run_on(ledger, changed(LARGE, repeats=3, calls=0))
    more = ledger.resumed()
    result = run_on(more, changed(LARGE, repeats=5, calls=0))
    assert [each.configuration for each in result.explored] == [each.configuration for each in first.explored]
    assert sum(more.trained.values()) - sum(ledger.trained.values()) == 2 * 13
    assert {each.repeats for each in (result.baseline, *result.explored)} == {5}
    assert max(more.trained.values()) == 1


def test_fewer_repeats_are_answered_from_the_first_ones():
    ledger = FakeLedger()
    run_on(ledger, changed(SMALL, repeats=4))
    fewer = ledger.resumed()
    assert run_on(fewer, changed(SMALL, calls=0)) == run_on(FakeLedger(), changed(SMALL, calls=0))
    assert fewer.trained == ledger.trained


def test_another_space_learns_from_the_first_and_draws_nothing_known():
    narrower = {**FEW, "activation": {"type": "choice", "values": ["tanh"]}}
    ledger = FakeLedger()
    first = run_on(ledger, SMALL)
    second = ledger.resumed()
    plan = changed(SMALL, space=parse(narrower), configurations=4)
    result = run_on(second, plan)
    check(result, second, plan)
    known = {each.key for each in (*first.explored, *refined(first))}
    assert known.isdisjoint(each.key for each in (*result.explored, *refined(result)))
    assert all(each.configuration["activation"] == "tanh" for each in result.elite)
    assert run_on(second.resumed(), plan) == result


# ------------------------------------------------------------------------------------------------------------ the ends


def test_a_space_that_is_used_up_is_said():
    ledger, said = FakeLedger(), list[str]()
    plan = changed(SMALL, configurations=100)
    result = run_on(ledger, plan, said)
    check(result, ledger, plan)
    assert len(result.explored) == size(few()) == 24
    assert "24 of 100" in said[0]
    # Nothing is left for stage 2: each search says so, and none fails.
    assert len(said) == 1 + len(result.searches) == 3
    assert refined(result) == []
    assert run_on(ledger.resumed(), plan) == result


def test_a_space_that_an_earlier_run_used_up_has_an_elite_all_the_same():
    ledger = FakeLedger()
    first = run_on(ledger, changed(SMALL, configurations=100))
    other, said = ledger.resumed(), list[str]()
    plan = changed(SMALL, seed=1)
    result = run_on(other, plan, said)
    assert result.explored == ()
    assert "0 of 6" in said[0]
    assert [each.key for each in result.elite] == [each.key for each in first.elite]
    assert other.trained == ledger.trained


def test_boxes_that_are_used_up_end_their_searches():
    ledger, said = FakeLedger(), list[str]()
    plan = changed(SMALL, calls=30)
    result = run_on(ledger, plan, said)
    check(result, ledger, plan)
    assert len(said) == 2
    assert len(result.explored) + len(refined(result)) <= 24
    assert run_on(ledger.resumed(), plan) == result


@pytest.mark.parametrize(
    "entries",
    [
        {"rate": 0.1, "activation": "relu"},
        {"hidden_layers": 2, "units": {"type": "fixed", "value": 8, "per": "hidden_layers"}, "rate": 0.1},
        {"hidden_layers": 0, "units": {"type": "integer", "low": 1, "high": 9, "per": "hidden_layers"}},
    ],
    ids=["fixed", "fixed layers", "no layers"],
)
def test_a_space_of_one_configuration_is_a_study_too(entries):
    ledger, said = FakeLedger(), list[str]()
    plan = changed(SMALL, space=parse(entries))
    result = run_on(ledger, plan, said)
    check(result, ledger, plan)
    assert len(result.explored) == len(result.elite) == 1
    assert refined(result) == []
    assert len(said) == 2
    assert run_on(ledger.resumed(), plan) == result


def test_a_baseline_in_the_space_is_not_drawn_and_may_be_elite():
    only = Configuration.of({"a": 1})
    ledger = FakeLedger()
    plan = changed(SMALL, space=parse({"a": 1}), baseline=only)
    result = run_on(ledger, plan)
    assert result.explored == ()
    assert [each.configuration for each in result.elite] == [only]
    assert sum(ledger.trained.values()) == plan.budget.repeats
    inside = changed(SMALL, baseline=next(grid(few())), configurations=100)
    everything = run_on(FakeLedger(), inside)
    assert len(everything.explored) == 23


def test_no_hidden_layers_take_part():
    space = parse(
        {
            **FEW,
            "hidden_layers": {"type": "integer", "low": 0, "high": 1},
            "rate": {"type": "real", "low": 0.0, "high": 1.0},
        }
    )
    ledger = FakeLedger()
    plan = changed(SMALL, space=space, configurations=10, calls=4)
    result = run_on(ledger, plan)
    check(result, ledger, plan)
    assert sorted(each.configuration["hidden_layers"] for each in result.elite) == [0, 1]
    assert [len(search.found) for search in result.searches] == [4, 4]


def test_one_repeat_is_enough():
    ledger = FakeLedger()
    plan = changed(LARGE, repeats=1)
    result = run_on(ledger, plan)
    check(result, ledger, plan)
    assert all(each.std is None for each in (*result.explored, *refined(result)))


@pytest.mark.parametrize("repeats", [1, 2])
def test_the_default_network_is_trained_as_often_as_the_recommended_one(repeats):
    ledger = FakeLedger()
    plan = changed(LARGE, repeats=repeats, max_repeats=5)
    result = run_on(ledger, plan)
    assert result.recommended is not None
    assert result.recommended.repeats > repeats
    assert result.baseline.repeats == result.recommended.repeats
    own = [each for each in ledger.repeats if each.training.configuration == BASELINE]
    assert {each.stage for each in own} == {"baseline"}
    again = ledger.resumed()
    assert run_on(again, plan) == result
    assert again.trained == ledger.trained


def test_no_calls_have_no_searches():
    ledger = FakeLedger()
    result = run_on(ledger, changed(SMALL, calls=0))
    assert (len(result.elite), result.searches) == (2, ())
    assert not any(isinstance(each, Begun) and each.stage == "refine" for each in ledger.records)


def test_a_study_in_which_everything_fails_ends():
    ledger = FakeLedger(fails)
    result = run_on(ledger, SMALL)
    check(result, ledger, SMALL)
    assert (result.elite, result.searches) == ((), ())
    assert all(each.mean == float("inf") and each.failures == 2 for each in result.explored)
    assert run_on(ledger.resumed(), SMALL) == result
    assert sum(ledger.resumed().trained.values()) == 2 * 7  # failures are facts: they are not tried again


def test_failures_in_stage_two_do_not_stop_it():
    def objective(training):
        units = training.configuration.as_dict().get("units", ())
        return None if sum(units) % 3 == 0 else bowl(training)

    ledger = FakeLedger(objective)
    plan = changed(SMALL, configurations=10, calls=6)
    result = run_on(ledger, plan)
    check(result, ledger, plan)
    assert any(each.failures for each in refined(result))
    assert not any(each.failures for each in result.elite)
    assert run_on(ledger.resumed(), plan) == result


def test_one_lost_seed_makes_no_elite():
    ledger = FakeLedger(lambda training: None if training.index == 1 else bowl(training))
    result = run_on(ledger, SMALL)
    assert result.elite == ()
    assert all((each.repeats, each.failures) == (1, 1) for each in result.explored)


@pytest.mark.parametrize("repeats", [1, 2])
def test_an_elite_along_the_front_is_there_where_nobody_knows_weights(repeats):
    said: list[str] = []
    result = run_on(FakeLedger(), changed(SMALL, elite_from="front", repeats=repeats), said)
    assert result.elite == by_mean(result.explored)[:1]
    assert refined(result)
    assert said == []


@dataclass(frozen=True)
class Choosy(TwoStage):
    """Nobody is good enough for it."""

    def elite(self, summaries: Sequence[Summary], count: int, layers: Layers) -> tuple[Summary, ...]:
        return ()


def test_why_there_is_no_elite_is_said_as_it_is():
    for plan, ledger, reason in (
        (SMALL, FakeLedger(fails), "Every configuration has a failed repeat"),
        (changed(SMALL, strategy=Choosy()), FakeLedger(), "The strategy chose none of 6 configurations"),
    ):
        said: list[str] = []
        assert run_on(ledger, plan, said).elite == ()
        assert [text for text in said if "search around" in text] == [
            f"{reason}, so stage 2 has none to search around: see the ledger."
        ]


def test_rows_of_a_colleague_count_and_are_not_trained():
    rows = [each for each in grid(few()) if each["hidden_layers"] == 2][:3]
    imported = tuple(Imported(each, 10, 5, 0.01 * (1 + place), 0.001) for place, each in enumerate(rows))
    ledger = FakeLedger(imported=imported)
    plan = changed(SMALL, configurations=100)
    result = run_on(ledger, plan)
    assert len(result.explored) == 21
    assert result.elite[0].configuration == rows[0]
    assert result.elite[0].stage == "imported"
    assert result.recommended is not None  # the best with models, whoever is ahead of it
    assert result.recommended == recommend(result.explored + tuple(refined(result)))
    assert result.recommended.stage != "imported"
    assert not {each.key for each in rows} & {key for key, _, _ in ledger.trained}
    assert run_on(ledger.resumed(), plan) == result


def test_any_rule_can_pick_the_elite():
    @dataclass(frozen=True)
    class FromTheWorst(TwoStage):
        def elite(self, summaries: Sequence[Summary], count: int, layers: Layers) -> tuple[Summary, ...]:
            return tuple(sorted(summaries, key=lambda each: -each.mean)[:count])

    result = run_on(FakeLedger(), changed(SMALL, strategy=FromTheWorst()))
    assert result.elite[0].mean == max(each.mean for each in result.explored)
    assert len(result.searches) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        lambda trial: replace(trial, configuration=Configuration.of({"batch_size": 7})),
        lambda trial: replace(trial, epochs=11),
        lambda trial: replace(trial, epochs=0),
        lambda trial: replace(trial, repeats=0),
    ],
    ids=["of another space", "too long", "without epochs", "without repeats"],
)
@pytest.mark.parametrize("stage", ["explore", "refine"])
def test_a_strategy_that_asks_for_something_impossible_is_refused(wrong, stage):
    @dataclass(frozen=True)
    class Wrong(TwoStage):
        def explore(self, asked, evaluate, say):
            return TwoStage.explore(self, asked, spoiled(evaluate) if stage == "explore" else evaluate, say)

        def refine(self, asked, begin, evaluate, say):
            return TwoStage.refine(self, asked, begin, spoiled(evaluate), say)

    def spoiled(evaluate):
        return lambda trials: evaluate([*trials[:-1], wrong(trials[-1])])

    ledger = FakeLedger()
    with pytest.raises(UserError, match="strategy Wrong asked for a training"):
        run_on(ledger, changed(SMALL, strategy=Wrong()))
    made = {"explore": 2, "refine": 2 * 7}[stage]
    assert sum(ledger.trained.values()) == made  # nothing of the call with the impossible one


@pytest.mark.parametrize("elite_from", ["score", "front"])
def test_searches_of_one_depth_follow_the_best_of_it_unless_each_keeps_to_itself(elite_from):
    def rate_of(summary: Summary) -> float:
        return float(str(summary.configuration["learning_rate"]))

    @dataclass(frozen=True)
    class FarApart(TwoStage):
        def elite(self, summaries: Sequence[Summary], count: int, layers: Layers) -> tuple[Summary, ...]:
            depth = summaries[0].configuration["hidden_layers"]
            same = [each for each in summaries if each.configuration["hidden_layers"] == depth]
            return by_mean((min(same, key=rate_of), max(same, key=rate_of)))[:count]

    together = elite_from == "score"
    result = run_on(FakeLedger(), changed(LARGE, configurations=30, calls=1, strategy=FarApart(elite_from=elite_from)))
    first, second = (search.box["learning_rate"].domain for search in result.searches)
    assert isinstance(second, Real)
    assert (first == second) == together
    assert together or second.low <= rate_of(result.elite[1]) <= second.high


def test_the_facts_of_a_stage_are_json_and_tell_plans_apart():
    marks = []
    short = changed(SMALL, configurations=3, calls=1)
    plans = [
        short,
        changed(short, space=parse({**FEW, "activation": "tanh"})),
        changed(short, seed=1),
        changed(short, repeats=3),
        changed(short, units_radius=4),
    ]
    for plan in plans:
        ledger = FakeLedger()
        run_on(ledger, plan)
        marks.append(json.dumps([[each.stage, each.facts] for each in ledger.records if isinstance(each, Begun)]))
    assert len(set(marks)) == len(plans)


# ------------------------------------------------------------------------------------------------------ a real ledger


def test_the_real_evaluator_and_journal_answer_as_the_fake(tmp_path):
    ledger = FakeLedger()
    expected = run_on(ledger, SMALL)
    calls = 0

    def ignore(event):
        """Nobody watches."""

    def unsteady(training):
        nonlocal calls
        calls += 1
        if calls % 9 == 0:
            raise Interrupted
        return bowl(training)

    for attempt in range(20):
        with contextlib.closing(open_journal(tmp_path / "ledger.jsonl")) as journal, contextlib.suppress(Interrupted):
            workers = in_process(shuffle=attempt, count=3)
            evaluator = Evaluator(journal, workers, TrainedBy(unsteady), lambda trained: "", ignore)  # type: ignore[arg-type]
            result = run(SMALL, evaluator, evaluator.begin, say_nothing)
            identities = [repeat.training.identity for repeat in journal.contents.repeats]
            break
    assert attempt > 1
    assert simple(result) == simple(expected)
    assert sorted(identities) == sorted(ledger.trained)


def simple(result: Result) -> list[tuple[str, str, int, float, float | None]]:
    every = (result.baseline, *result.explored, *result.elite, *refined(result))
    return [(each.key, each.stage, each.repeats, each.mean, each.std) for each in every]


def test_the_fake_counts_what_is_trained_twice():
    ledger = FakeLedger()
    run_on(ledger, changed(SMALL, calls=0))
    ledger.records.clear()
    run_on(ledger, changed(SMALL, calls=0))
    assert max(ledger.trained.values()) == 2
