import random

from hypothesis import given
from hypothesis import strategies as st

from pipeline.ranking.order import by_mean
from pipeline.trial import Summary
from pipeline.tuning.elite import AMONG, best_of_each_depth
from tests.fakes import summary_of


def summary(depth: int, number: int, *objectives: float | None) -> Summary:
    return summary_of({"hidden_layers": depth, "number": number}, *objectives)


def test_one_of_each_depth_best_first():
    one, two, three = summary(1, 0, 0.3), summary(2, 0, 0.1), summary(3, 0, 0.2)
    worse = [summary(depth, 1, 0.4) for depth in (1, 2, 3)]
    assert best_of_each_depth([one, *worse, two, three], 5) == (two, three, one)
    assert best_of_each_depth([one, *worse, two, three], 2) == (two, three)


def test_only_the_twenty_best_compete():
    shallow = [summary(1, number, 0.1 + number / 1000) for number in range(AMONG)]
    deep = summary(2, 0, 0.2)
    assert best_of_each_depth([*shallow, deep], 3) == (shallow[0],)
    assert best_of_each_depth([*shallow[1:], deep], 3) == (shallow[1], deep)


def test_a_failed_repeat_is_never_elite():
    lucky, lost, sound = summary(1, 0, 0.01, None), summary(2, 0, None, None), summary(1, 1, 0.5, 0.5)
    assert best_of_each_depth([lucky, lost, sound], 3) == (sound,)
    assert best_of_each_depth([lucky, lost], 3) == ()
    assert best_of_each_depth([], 3) == ()


def test_a_space_without_depth_has_one():
    summaries = [summary_of({"rate": number}, 0.1 * number) for number in range(1, 4)]
    assert best_of_each_depth(summaries, 3) == (summaries[0],)


def test_no_hidden_layer_is_a_depth_too():
    none, one = summary(0, 0, 0.2), summary(1, 0, 0.1)
    assert best_of_each_depth([none, one], 3) == (one, none)


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.lists(st.none() | st.sampled_from([0.1, 0.2, 0.3]), min_size=1, max_size=3))
    ),
    st.integers(1, 6),
    st.integers(),
)
def test_the_laws_of_an_elite(rows, count, seed):
    summaries = [summary(depth, number, *objectives) for number, (depth, objectives) in enumerate(rows)]
    elite = best_of_each_depth(summaries, count)
    assert len(elite) <= count
    assert elite == by_mean(elite)
    depths = [each.configuration["hidden_layers"] for each in elite]
    assert len(depths) == len(set(depths))
    assert all(each in summaries and each.failures == 0 for each in elite)
    sound = [each for each in by_mean(summaries) if each.failures == 0]
    assert elite[:1] == tuple(sound[:1])
    shuffled = random.Random(seed).sample(summaries, len(summaries))
    assert best_of_each_depth(shuffled, count) == elite
