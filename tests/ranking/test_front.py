"""What no better configuration undercuts: the laws of the front, and the elite that is taken from it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.ranking.front import COSTS, competing, front_of, marks, non_dominated
from pipeline.ranking.order import by_mean
from pipeline.trial import Summary
from pipeline.tuning.elite import AMONG, elite_of_front
from tests.fakes import summary_of


def made(number: int, weights: int, *objectives: float | None, seconds: float = 1.0) -> Summary:
    return replace(summary_of({"number": number}, *objectives), weights=weights, seconds=seconds)


pairs = st.lists(st.tuples(st.floats(0.1, 9), st.integers(0, 20)), max_size=30)


@given(pairs)
def test_a_front_is_what_no_better_one_undercuts_and_nothing_else(drawn):
    ranking = by_mean(made(number, weights, mean) for number, (mean, weights) in enumerate(drawn))
    front = non_dominated(ranking, lambda each: each.weights)
    assert list(front) == [each for each in ranking if each in front]
    for place, each in enumerate(ranking):
        undercut = any(0 < other.weights <= each.weights for other in ranking[:place])
        assert (each in front) == (each.weights > 0 and not undercut)
    assert non_dominated(front, lambda each: each.weights) == front


@given(pairs, st.integers(1, 6), st.randoms())
def test_the_elite_lies_on_the_front_with_the_best_and_the_smallest(drawn, count, shuffler):
    summaries = [made(number, 1 + weights, mean) for number, (mean, weights) in enumerate(drawn)]
    elite = elite_of_front(summaries, count)
    front = non_dominated(by_mean(summaries)[:AMONG], lambda each: each.weights)
    assert len(elite) == min(count, len(front)) == len({each.key for each in elite})
    assert list(elite) == [each for each in front if each in elite]
    if elite:
        assert elite[0] == by_mean(summaries)[0]
    if len(elite) > 1:
        assert elite[-1] == front[-1]
    shuffler.shuffle(summaries)
    assert elite_of_front(summaries, count) == elite


def test_seconds_and_failures_choose_no_elite():
    lucky, sound, small = made(0, 5, 0.1, None), made(1, 50, 0.2, 0.2), made(2, 9, 0.3, 0.3)
    assert elite_of_front([small, lucky, sound], 3) == (sound, small)
    assert elite_of_front([replace(small, seconds=99.0), lucky, replace(sound, seconds=0.1)], 3) == (
        replace(sound, seconds=0.1),
        replace(small, seconds=99.0),
    )
    assert elite_of_front([lucky], 3) == ()


def test_where_no_number_of_weights_is_known_the_best_is_the_elite():
    one, other, lucky = made(0, 0, 0.2), made(1, 0, 0.1), made(2, 0, 0.0, None)
    assert elite_of_front([one, other, lucky], 3) == (other,)
    assert elite_of_front([replace(other, stage="imported"), made(0, 7, 0.2)], 3) == (made(0, 7, 0.2),)


def test_each_cost_has_its_front_and_the_ledger_names_them():
    best, small, quick, bad = (
        made(0, 90, 0.1, 0.1, seconds=9.0),
        made(1, 10, 0.2, 0.2, seconds=8.0),
        made(2, 80, 0.3, 0.3, seconds=1.0),
        made(3, 99, 0.4, 0.4, seconds=9.5),
    )
    ranking = by_mean((bad, quick, small, best))
    assert front_of(ranking, "weights") == (best, small)
    assert front_of(ranking, "seconds") == (best, small, quick)
    assert marks(ranking) == {best.key: "weights, seconds", small.key: "weights, seconds", quick.key: "seconds"}
    assert set(COSTS) == {"weights", "seconds"}


def test_what_was_trained_once_competes_only_with_its_like():
    lucky, sound = made(0, 5, 0.1), made(1, 50, 0.2, 0.2)
    assert competing(by_mean((lucky, sound))) == (sound,)
    assert competing((lucky,)) == (lucky,)
    assert front_of((lucky,)) == (lucky,)
    assert marks(()) == {}
