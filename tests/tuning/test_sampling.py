from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.space import contains, grid, parse
from pipeline.tuning.sampling import explore
from tests.fakes import few, networks

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=50)
@given(SEEDS, st.integers(0, 40), st.integers(0, 40))
def test_asking_for_more_keeps_the_first(seed, count, more):
    first = explore(networks(), count, seed=seed, known=())
    assert explore(networks(), count + more, seed=seed, known=())[:count] == first
    assert len({each.key for each in first}) == len(first) == count
    assert all(contains(networks(), each) for each in first)


@settings(max_examples=50)
@given(SEEDS, st.data())
def test_a_small_space_ends_when_all_is_known(seed, data):
    every = [each.key for each in grid(few())]
    known = data.draw(st.sets(st.sampled_from(every)))
    drawn = [each.key for each in explore(few(), 100, seed=seed, known=known)]
    assert sorted(drawn) == sorted(set(every) - known)


def test_what_is_known_is_skipped_and_the_rest_stays_in_order():
    drawn = explore(networks(), 30, seed=3, known=())
    known = {each.key for each in drawn[::3]}
    assert explore(networks(), 20, seed=3, known=known) == tuple(each for each in drawn if each.key not in known)


def test_seeds_differ():
    assert explore(networks(), 5, seed=0, known=()) != explore(networks(), 5, seed=1, known=())


def test_the_first_draws_of_seed_zero_are_what_they_were():
    # A study is resumed by drawing again: the stream may never change.
    drawn = explore(few(), 3, seed=0, known=())
    assert [each.json for each in drawn] == [
        '{"activation":"tanh","hidden_layers":2,"units":[8,6]}',
        '{"activation":"tanh","hidden_layers":1,"units":[4]}',
        '{"activation":"tanh","hidden_layers":2,"units":[4,4]}',
    ]


def test_a_space_with_one_configuration():
    space = parse({"a": 1, "b": "x"})
    assert len(explore(space, 5, seed=0, known=())) == 1
    assert explore(space, 5, seed=0, known={next(grid(space)).key}) == ()
