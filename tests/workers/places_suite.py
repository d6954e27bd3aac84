"""What every `Places` has to do, whatever runs its jobs: a backend passes these tests, or is not one.

A test class of a backend inherits `PlacesSuite` and gives it the fixture `opened`.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import UserError
from pipeline.workers.guard import Answered, Raised, Watched
from pipeline.workers.places import Died, Ended, Event, Joined, Module, Parcel, Place, Places
from pipeline.workers.slots import Slot
from tests.workers import chores

PATIENCE = 60.0  # seconds in which a process has certainly started, on a busy machine too


def watched(limit: float = math.inf) -> Watched[Any, Any]:
    return Watched(chores.act, limit)


def heard(places: Places, count: int = 1) -> list[Event]:
    """The next events, at least so many."""
    found: list[Event] = []
    end = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < end:
        found += places.events(0.2)
    return found


def outcome(places: Places, place: Place, job: object, needs: Sequence[Parcel] = (), limit: float = math.inf) -> Any:
    """How a job ended in that place."""
    places.begin(place, watched(limit), job, needs)
    (event,) = heard(places)
    assert isinstance(event, Ended)
    assert event.place == place
    return event.outcome


def answer(places: Places, place: Place, job: object, needs: Sequence[Parcel] = ()) -> Any:
    found = outcome(places, place, job, needs)
    assert isinstance(found, Answered), found
    return found.answer


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def code(name: str, file: Path) -> Parcel:
    """A module as it is now."""
    content = file.read_bytes()
    return Parcel(digest(content), "code", lambda: content, module=Module(name, str(file)))


class PlacesSuite:
    """The laws of `Places`, by their numbers there."""

    SLOTS: tuple[Slot, ...] = (Slot("cpu0", (0,)), Slot("cpu1", (1,)))

    @pytest.fixture
    def opened(self) -> Iterator[Places]:
        """The places of `SLOTS`; closed, and nothing of them left, after the test."""
        raise NotImplementedError

    @pytest.fixture
    def two(self, opened: Places) -> tuple[Place, ...]:
        """Both places, after they were heard to join."""
        events = heard(opened, 2)
        assert all(isinstance(event, Joined) for event in events)
        return tuple(event.place for event in events)

    def test_1_places_join_before_all_else_each_with_its_slot_and_a_serial_of_its_own(self, opened, two):
        assert {each.slot.name for each in two} == {each.name for each in self.SLOTS}
        assert len({each.serial for each in two}) == 2
        began = time.monotonic()
        assert list(opened.events(0.05)) == []  # nothing happens without a job
        assert time.monotonic() - began < 5

    def test_2_and_6_each_job_ends_once_in_its_place_with_its_value(self, opened, two):
        large = np.random.default_rng(0).normal(size=2**19)  # 4 MB
        for place in two:
            opened.begin(place, watched(), (place.serial, large))
        events = heard(opened, 2)
        assert {event.place for event in events} == set(two)
        for event in events:
            assert isinstance(event, Ended)
            assert isinstance(event.outcome, Answered)
            assert event.outcome.answer[0] == event.place.serial
            assert event.outcome.answer[1].tobytes() == large.tobytes()
        assert list(opened.events(0.05)) == []

    def test_2_and_3_what_was_given_up_is_never_heard_of_and_its_place_is_free(self, opened, two):
        first, second = two
        opened.begin(first, watched(), "hang")
        with pytest.raises(ValueError, match="has a job"):
            opened.begin(first, watched(), 1)
        began = time.monotonic()
        opened.end(first)
        assert time.monotonic() - began < 2
        opened.begin(first, watched(), 2)
        opened.begin(second, watched(), 3)
        assert {repr(event) for event in heard(opened, 2)} == {
            repr(Ended(first, Answered(2))),
            repr(Ended(second, Answered(3))),
        }

    def test_5_a_job_that_raises_or_dies_says_so_and_the_next_one_is_answered(self, opened, two):
        place, _ = two
        raised = outcome(opened, place, "raise")
        assert isinstance(raised, Raised)
        assert raised.reason == "ValueError: refused"
        assert "in act" in raised.stack
        died = outcome(opened, place, "die")
        assert isinstance(died, Died)
        assert (died.kind, died.detail) == ("killed its worker", "exit code 7")
        assert answer(opened, place, 4) == 4

    def test_5_a_job_that_hangs_ends_at_its_limit(self, opened, two):
        died = outcome(opened, two[0], "hang", limit=0.3)
        assert isinstance(died, Died)
        assert died.kind == "ran past its limit"
        assert died.detail.startswith("0.3 s")

    def test_7_a_job_has_its_parcels_by_content(self, opened, two, tmp_path):
        file, module = tmp_path / "some.npz", tmp_path / "travelling_module.py"
        file.write_bytes(b"rows")
        module.write_text("VALUE = 1\n")
        rows = Parcel(digest(b"rows"), "rows", file.read_bytes, file=file)
        source = code("travelling_module", module)
        assert answer(opened, two[0], ("rows", rows.digest), [rows]) == b"rows"
        module.write_text("VALUE = 2\n")
        assert answer(opened, two[0], ("value", "travelling_module"), [source]) == 1
        module.unlink()
        assert isinstance(outcome(opened, two[0], "die"), Died)  # the next one is told anew
        assert answer(opened, two[0], ("value", "travelling_module"), [rows, source]) == 1

    def test_7_a_parcel_that_is_not_what_it_should_be_ends_the_run(self, opened, two, tmp_path):
        file = tmp_path / "other.npz"
        file.write_bytes(b"other rows")
        opened.begin(two[0], watched(), "process", [Parcel(digest(b"rows"), "rows", file.read_bytes, file=file)])
        with pytest.raises(UserError, match=r"other\.npz is not what was written\.\n  Try: [^\n]*$"):
            heard(opened)
