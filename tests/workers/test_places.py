"""The conformance suite over the processes of this machine, and over the fake that other tests trust."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import psutil
import pytest

from pipeline.workers.local import LocalPlaces
from pipeline.workers.places import Place, Places
from pipeline.workers.slots import Slot, available_cores
from tests.workers.fake_places import FakePlaces
from tests.workers.places_suite import PlacesSuite, answer, outcome


class TestFake(PlacesSuite):
    """In memory."""

    @pytest.fixture
    def opened(self, monkeypatch) -> Iterator[Places]:
        monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
        places = FakePlaces(slots=0)
        for slot in self.SLOTS:
            places.join(slot.name)
        yield places
        places.close()
        sys.modules.pop("travelling_module", None)


CORES = available_cores()


@pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")
class TestLocal(PlacesSuite):
    """Processes of this machine."""

    SLOTS = tuple(Slot(f"cpu{number}", (core,)) for number, core in enumerate(CORES[:2]))

    @pytest.fixture
    def opened(self, tmp_path) -> Iterator[Places]:
        (tmp_path / "logs").mkdir()
        before = set(psutil.Process().children(recursive=True))
        places = LocalPlaces(self.SLOTS, tmp_path / "logs")
        yield places
        places.close()
        assert not [each for each in psutil.Process().children(recursive=True) if each not in before and worker(each)]

    def test_4_a_process_is_pinned_before_its_first_import_and_a_fresh_one_follows_a_failure(self, opened, two):
        for place in two:
            about = answer(opened, place, "process")
            assert about["cores"] == sorted(place.slot.cores)
            assert (about["threads"], about["gpu"], about["tensorflow"]) == ("1", "", False)
            assert answer(opened, place, "process")["pid"] == about["pid"]
            outcome(opened, place, "raise")
            assert answer(opened, place, "process")["pid"] != about["pid"]


def worker(process: psutil.Process) -> bool:
    """Whether a process that is alive is one that does jobs: loky has others, which end by themselves."""
    with contextlib.suppress(psutil.Error):
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and any("popen_loky" in word for word in process.cmdline())
    return False


def test_a_place_of_another_machine_has_that_in_its_name():
    assert Place(3, Slot("gpu0", (1,), "0")).name == "gpu0"
    assert Place(3, Slot("gpu0", (1,), "0"), "node17").name == "gpu0@node17"
