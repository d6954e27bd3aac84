"""Who is best: one rule for everybody who names a best, counts from it or reloads it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.ranking.front import front_of, marks
from pipeline.ranking.group import group_of
from pipeline.ranking.order import ahead, ranked, ranks, recommend, selection_interval, with_models
from pipeline.trial import Summary
from tests.fakes import summary_of


def trained(number: int, *objectives: float | None) -> Summary:
    return replace(summary_of({"number": number}, *objectives), weights=10 * (1 + number), seconds=1.0)


def imported(number: int, *objectives: float) -> Summary:
    return replace(summary_of({"number": number}, *objectives), stage="imported")


drawn = st.lists(
    st.tuples(st.booleans(), st.lists(st.none() | st.floats(0, 9), min_size=1, max_size=4)), max_size=12
).map(
    lambda rows: ranked(
        imported(number, *(value or 0.0 for value in values)) if foreign else trained(number, *values)
        for number, (foreign, values) in enumerate(rows)
    )
)


@given(drawn)
def test_the_best_is_the_same_wherever_it_is_named(ranking: tuple[Summary, ...]) -> None:
    found = with_models(ranking)
    objectives = {each.key: dict.fromkeys(range(each.repeats), each.mean) for each in found}
    group, recommended = group_of(ranking, objectives), recommend(ranking)
    if not found:
        assert recommended is None
        assert not group.members
        assert front_of(ranking) == ()
        return
    best = found[0]
    assert ranks(ranking)[best.key] == 1
    assert recommended in (best, None)
    assert (recommended is None) == (best.repeats < 2) == (group.members == ())
    assert group.members[:1] in ((best,), ())
    assert front_of(ranking)[0] == best
    assert all(each.stage == "imported" for each in ahead(ranking))
    assert len(ahead(ranking)) == ranking.index(best)  # nothing else is before it


def test_what_was_imported_is_ahead_and_never_the_best() -> None:
    best, other, theirs, worse = trained(0, 0.5, 0.6), trained(1, 0.7, 0.8), imported(2, 0.3), imported(3, 0.9, 0.9)
    ranking = (theirs, best, other, worse)
    assert with_models(ranking) == (best, other)
    assert ahead(ranking) == (theirs,)
    assert ranks(ranking) == {best.key: 1, other.key: 2}
    assert recommend((best, imported(2, 0.3, 0.3))) == best
    assert marks(ranking) == {best.key: "weights, seconds"}


def test_what_was_imported_does_not_keep_others_from_the_front() -> None:
    """Where nothing here was trained twice, all that was trained here competes, whatever was imported."""
    once, small = replace(trained(5, 0.3), weights=90), replace(trained(1, 0.5), weights=20)
    assert front_of((imported(2, 0.2, 0.2), once, small)) == (once, small)


def test_a_strangers_deviations_do_not_widen_the_interval_of_the_best() -> None:
    best, other = trained(0, 0.5, 0.6), trained(1, 0.7, 0.8)
    wild = replace(imported(2, 0.4, 9.0, 5.0), std=1e6)
    assert selection_interval(best, (best, other, wild)) == selection_interval(best, (best, other))
