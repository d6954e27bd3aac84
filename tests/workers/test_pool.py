"""The policy, over places in memory: whatever befalls them, each job is answered once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.workers.guard import Answered, Raised
from pipeline.workers.places import Died, Place
from pipeline.workers.pool import ATTEMPTS, MARGIN, MOVES, PATIENCE, NoPlacesError, StoppedError, Workers
from tests.workers import chores
from tests.workers.fake_places import FakePlaces


def workers(places: FakePlaces, stop: Any = lambda: False, **options: Any) -> Workers:
    return Workers(places, stop, clock=places.clock, **options)


def atoms(job: object) -> list[object]:
    return [atom for each in job for atom in atoms(each)] if isinstance(job, tuple) else [job]


def falling(job: object) -> tuple[object, ...]:
    """A tuple of jobs falls into its parts."""
    return job if isinstance(job, tuple) and job else (job,)


# ----------------------------------------------------------------------------------------------- any order of events

JOBS = st.recursive(st.just(None), lambda inner: st.lists(inner, min_size=1, max_size=3).map(tuple), max_leaves=6)
EVENTS = st.lists(st.integers(0, 2**16), max_size=150)


def numbered(jobs: list[Any]) -> list[Any]:
    """The jobs with a number for each atom."""
    numbers = itertools.count()

    def number(job: Any) -> Any:
        return tuple(map(number, job)) if isinstance(job, tuple) else next(numbers)

    return [number(job) for job in jobs]


@given(st.lists(JOBS, max_size=8).map(numbered), EVENTS, st.integers(0, 3))
def test_any_order_of_events_answers_each_job_exactly_once(jobs, events, slots):
    places = FakePlaces(slots, iter(events))
    pool = workers(places, margin=1.0)
    done = list(pool.run(chores.act, jobs, parts=falling, limit=lambda _: 2.0, kind=lambda job: str(type(job))))
    assert Counter(atom for each in done for atom in atoms(each.job)) == Counter(
        atom for job in jobs for atom in atoms(job)
    )
    for each in done:
        if each.lost:
            assert each.answer is None
            # Its own attempts, and those of the jobs that it was a part of.
            mine = set(atoms(each.job))
            failed = [job for job in places.failed if mine <= set(atoms(job))]
            left = [job for job in places.left if mine <= set(atoms(job))]
            assert len(failed) >= ATTEMPTS or len(left) >= MOVES
        else:
            assert each.answer == each.job
    again = list(pool.run(chores.act, [1, 2], limit=lambda _: 2.0))  # every place is free again
    assert sorted(each.job for each in again) == [1, 2]


@given(st.lists(JOBS, max_size=8).map(numbered), EVENTS, st.integers(1, 3), st.integers(0, 30))
def test_a_stop_at_any_time_delivers_what_ends_and_begins_nothing_more(jobs, events, slots, looks):
    places = FakePlaces(slots, iter(events))
    looked = itertools.count()
    begun_at_stop: list[int] = []

    def stop() -> bool:
        if next(looked) < looks:
            return False
        begun_at_stop.append(len(places.begun))
        return True

    done, whole = [], True
    try:
        for each in workers(places, stop, margin=1.0, grace=3.0).run(
            chores.act, jobs, parts=falling, limit=lambda _: 2.0
        ):
            done.append(each)
    except StoppedError:
        whole = False
    answered = Counter(atom for each in done for atom in atoms(each.job))
    wanted = Counter(atom for job in jobs for atom in atoms(job))
    assert answered == wanted if whole else answered < wanted
    if begun_at_stop:
        assert len(places.begun) == begun_at_stop[0]


@given(st.lists(JOBS, min_size=2, max_size=8).map(numbered), EVENTS, st.integers(1, 3), st.integers(1, 5))
def test_who_asks_for_no_more_leaves_every_place_free(jobs, events, slots, taken):
    places = FakePlaces(slots, iter(events))
    pool = workers(places, margin=1.0)
    running = pool.run(chores.act, jobs, parts=falling, limit=lambda _: 2.0)
    for _ in itertools.islice(running, taken):
        pass
    assert isinstance(running, Generator)
    running.close()
    more = list(pool.run(chores.act, [100, 101, 102], limit=lambda _: 2.0))
    assert sorted(each.job for each in more) == [100, 101, 102]


# ------------------------------------------------------------------------------------------------------- what is worth


def test_a_place_that_leaves_costs_its_job_nothing_nine_times_and_the_first_time_no_turn():
    def move(places: FakePlaces) -> None:
        for place in [place for place, job in places.busy.items() if job == "moving" and len(places.left) < MOVES - 1]:
            places.leave(place)
            places.join("again")

    places = FakePlaces(1, direct=move)
    done = list(workers(places).run(chores.act, ["moving", 1, 2]))
    assert {each.job: each.lost for each in done} == {"moving": "", 1: "", 2: ""}
    assert [job for _, job in places.begun][:4] == ["moving", "moving", 1, 2]  # from the second time on behind others
    assert places.left == ["moving"] * (MOVES - 1)


def test_a_job_whose_places_keep_leaving_is_given_up_after_ten():
    def move(places: FakePlaces) -> None:
        for place in places.busy:
            places.leave(place)
            places.join("again")

    places = FakePlaces(1, direct=move)
    (done,) = workers(places).run(chores.act, ["moving"])
    assert done.lost == f"lost its place {MOVES} times: the cable was pulled"
    assert places.left == ["moving"] * MOVES


@pytest.mark.parametrize(("job", "most"), [("moving", MOVES), ("dying", ATTEMPTS)])
def test_after_a_stop_no_job_is_given_up(job, most):
    """It may have its answer in the next run."""

    def end(places: FakePlaces) -> None:
        places.freeze()
        for place in places.busy if len(places.begun) < most or looked else ():
            befall(places, place)

    def stop() -> bool:
        if len(places.begun) == most:
            looked.append(True)
        return bool(looked)

    def befall(places: FakePlaces, place: Place) -> None:
        if job == "dying":
            places.finish(place, Died("killed its worker", "exit code 9"))
        else:
            places.leave(place)
            places.join("again")

    looked: list[bool] = []
    places = FakePlaces(1, direct=end)
    with pytest.raises(StoppedError):
        list(workers(places, stop).run(chores.act, [job]))
    assert len(places.left) + len(places.failed) == most


def test_what_ends_differently_each_time_is_given_up_with_all_reasons_and_the_last_stack():
    ends: list[Raised | Died] = [Raised("ValueError: a", "in a"), Died("killed its worker", "exit code 9", "in b")]

    def harm(places: FakePlaces) -> None:
        for place in places.busy:
            if ends:
                places.finish(place, ends.pop(0))
            else:
                places.freeze()
                places.now += 1000.0

    (done,) = workers(FakePlaces(1, direct=harm)).run(chores.act, ["bad"], limit=lambda _: 100.0)
    assert done.answer is None
    assert done.lost == (
        "failed 3 times: raised: ValueError: a; killed its worker: exit code 9;"
        " hung: no sign of life 1000 s after its start"
    )
    assert done.stack == "in b"


def test_a_job_counts_as_hung_after_its_limit_and_a_margin_and_not_before():
    places = FakePlaces(1, direct=FakePlaces.freeze)
    (done,) = workers(places).run(chores.act, ["stiff"], limit=lambda _: 5.0)
    assert done.lost == f"hung 3 times: no sign of life {5 + MARGIN:.0f} s after its start"
    assert 3 * (5 + MARGIN) < places.now < 3 * (5 + MARGIN) + 2


def test_an_answer_that_came_while_the_caller_was_busy_is_no_hang():
    """The caller saves what it got, on a slow disk for an hour; the other job has ended long before."""
    places = FakePlaces(2)
    got = []
    for each in workers(places).run(chores.act, [1, 2], limit=lambda _: 5.0):
        got.append((each.job, each.lost))
        places.now += 3600.0
        for place, job in places.busy.items():
            places.finish(place, Answered(job))
    assert got == [(1, ""), (2, "")]
    assert len(places.begun) == 2


def test_jobs_of_one_kind_go_where_that_kind_was():
    places = FakePlaces(2)
    done = list(workers(places).run(chores.act, ["a1", "a2", "b1", "b2", "a3", "b3"], kind=lambda job: job[0]))
    assert len(done) == 6
    assert {(name, job[0]) for name, job in places.begun} == {("fake0", "a"), ("fake1", "b")}


def test_a_run_without_any_place_ends_after_a_while_as_if_stopped():
    places = FakePlaces(0)
    with pytest.raises(NoPlacesError):
        list(workers(places).run(chores.act, [1]))
    assert PATIENCE < places.now < PATIENCE + 1
    assert issubclass(NoPlacesError, StoppedError)


def test_places_that_come_late_take_part():
    def join(places: FakePlaces) -> None:
        if not places.present and places.now > PATIENCE - 1:
            places.join("late")

    places = FakePlaces(0, direct=join)
    assert [each.answer for each in workers(places).run(chores.act, [1, 2])] == [1, 2]


def test_the_number_of_workers_is_that_of_the_places_by_now_and_at_least_one():
    assert workers(FakePlaces(3)).count == 3
    assert workers(FakePlaces(0)).count == 1


def test_an_error_before_a_job_has_begun_comes_out_as_it_is():
    """Nothing is given up in a place that has no job."""

    def needs(job: object) -> Any:
        raise LookupError(job)

    with workers(FakePlaces(1)) as pool, pytest.raises(LookupError, match="1"):
        list(pool.run(chores.act, [1], needs=needs))


def test_leaving_the_block_closes_the_places_whatever_ended_it():
    places = FakePlaces(1)
    with pytest.raises(RuntimeError), workers(places):
        raise RuntimeError
    assert places.closed
