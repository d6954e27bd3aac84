"""The disk fails under a run at every operation that the run asks of it; what was committed stays, and it goes on.

On every commit, in a run of two trainings: a kill at every operation, a full disk or an error at every write and sync
(at one after the other in turn), and each other fault at every second or third place. `make soak` has every fault at
every place, in a run of four trainings.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.maintenance.audit import audit
from tests.faults.disk import Fault, Kind
from tests.faults.fake_study import command, facts
from tests.faults.runs import PARTS, Ended, Launcher, sound

NEVER = 10**9

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """A run on a disk that works: what it asked of the disk, and what its journal says in the end."""

    repeats: int  # of each of two configurations
    operations: Sequence[str]
    facts: list[tuple[object, ...]]

    def words(self, folder: Path) -> list[str]:
        """The command line of the same run in another folder."""
        return command(folder, repeats=str(self.repeats), max_repeats=str(self.repeats))

    def places(self, *names: str, every: int, first: int = 0) -> list[int]:
        """Where these operations stand, from 1: each of them in `make soak`, one of `every` on a commit."""
        found = [at for at, name in enumerate(self.operations, 1) if name in names or not names]
        return found[first::every] if self.repeats == 1 else found


def undisturbed_run(launcher: Launcher, repeats: int) -> Undisturbed:
    with tempfile.TemporaryDirectory() as folder:
        run = Undisturbed(repeats, (), [])
        ended = launcher.run(Path(folder), Fault("kill", NEVER, folder), run.words(Path(folder)))
        assert ended.code == 0, ended.said
        sound(Path(folder) / "study")
        found = facts(Path(folder) / "study")
        assert len(found) == 2 * repeats
        assert ended.operations is not None
        assert {"write", "fsync", "replace", "mkdir"} <= set(ended.operations)
        return Undisturbed(repeats, ended.operations, found)


@pytest.fixture(scope="module", params=[1, pytest.param(2, marks=pytest.mark.soak)], ids="{} repeats".format)
def undisturbed(launchers, request) -> Undisturbed:
    return undisturbed_run(launchers[0], request.param)


def everywhere(launchers, home, kind: Kind, places: Iterable[int], check, start: Path | None = None) -> None:
    """One run in a folder of its own, a copy of `start` if there is one, for each place where the fault strikes."""
    wanted = list(places)

    def part(number: int) -> None:
        for at in wanted[number::PARTS]:
            folder = home / str(at)
            folder.mkdir()
            if start:
                shutil.copytree(start, folder, dirs_exist_ok=True)
            check(launchers[number], folder, Fault(kind, at, str(folder)))
            shutil.rmtree(folder)

    with ThreadPoolExecutor(PARTS) as pool:
        for done in [pool.submit(part, number) for number in range(PARTS)]:
            done.result()


def lines(study: Path) -> bytes:
    path = study / "ledger.jsonl"
    return path.read_bytes() if path.exists() else b""


def goes_on(launcher: Launcher, folder: Path, undisturbed: Undisturbed) -> None:
    """Nothing of what was committed is lost or changed, and the same command brings the study to its end."""
    study, before = folder / "study", lines(folder / "study")
    assert [
        each for each in audit(study) if (study / "models") in each.file.parents and ".tmp" not in each.file.name
    ] == []
    ended = launcher.run(folder, words=undisturbed.words(folder))
    assert ended.code == 0, ended.said
    assert lines(study).startswith(before)
    assert facts(study) == undisturbed.facts
    sound(study)


def stopped(ended: Ended) -> None:
    """The run says in words why it ended, and how to go on."""
    assert ended.code == 2, ended.said
    assert "Traceback" not in ended.said
    assert "Error:" in ended.said


@pytest.mark.parametrize("kind", ["kill", "kill-half"])
def test_a_driver_killed_at_any_operation_loses_nothing(launchers, home, undisturbed, kind):
    places = undisturbed.places(every=1) if kind == "kill" else undisturbed.places("write", every=2)

    def check(launcher: Launcher, folder: Path, fault: Fault) -> None:
        killed(launcher, folder, fault, undisturbed)
        goes_on(launcher, folder, undisturbed)

    everywhere(launchers, home, kind, places, check)


@pytest.mark.parametrize("kind", ["full", "error", "short-full"])
def test_a_disk_that_refuses_stops_the_run_with_a_message(launchers, home, undisturbed, kind):
    places = {
        "full": undisturbed.places("write", "fsync", every=2),
        "error": undisturbed.places("write", "fsync", every=2, first=1),
        "short-full": undisturbed.places("write", every=3),
    }[kind]

    def check(launcher: Launcher, folder: Path, fault: Fault) -> None:
        ended = launcher.run(folder, fault, undisturbed.words(folder))
        stopped(ended)
        if "full" in kind:
            assert "No space left on device" in ended.said, (fault, ended.said)
            assert "MB free" in ended.said
            assert "run again:" in " ".join(ended.said.split())
        goes_on(launcher, folder, undisturbed)

    everywhere(launchers, home, kind, places, check)


def test_short_writes_change_nothing(launchers, home, undisturbed):
    def check(launcher: Launcher, folder: Path, fault: Fault) -> None:
        ended = launcher.run(folder, fault, undisturbed.words(folder))
        assert ended.code == 0, (fault, ended.said)
        assert facts(folder / "study") == undisturbed.facts
        sound(folder / "study")

    everywhere(launchers, home, "short", undisturbed.places("write", every=3), check)


def killed(launcher: Launcher, folder: Path, fault: Fault, undisturbed: Undisturbed) -> None:
    """The run ends by a SIGKILL."""
    ended = launcher.run(folder, fault, undisturbed.words(folder))
    assert ended.code == -9, (fault, ended)


def test_a_rerun_of_a_finished_study_killed_at_any_operation_loses_nothing(launchers, home, undisturbed):
    start = home / "start"
    start.mkdir()
    assert launchers[0].run(start, words=undisturbed.words(start)).code == 0
    shutil.copytree(start, home / "again")
    words = undisturbed.words(home / "again")
    again = launchers[0].run(home / "again", Fault("kill", NEVER, str(home)), words)
    assert again.operations is not None

    def check(launcher: Launcher, folder: Path, fault: Fault) -> None:
        killed(launcher, folder, fault, undisturbed)
        goes_on(launcher, folder, undisturbed)

    places = replace(undisturbed, operations=again.operations).places(every=3)
    everywhere(launchers, home, "kill", places, check, start)


def second_line(operations: Sequence[str]) -> int:
    """The write of the second repeat's line: a line alone is written and synced without a rename after it."""
    names = enumerate(zip(operations, operations[1:], operations[2:], strict=False), 1)
    # The journal's header comes first, then the stages; a model is a rename and a sync of its folder before the line.
    lines = [
        at
        for at, triple in names
        if triple == ("write", "fsync", "write") and list(operations[at - 3 : at - 1]) == ["replace", "fsync"]
    ]
    return lines[1]


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.soak)])
def test_a_driver_killed_while_it_saves_a_model_for_the_second_time_loses_nothing(launchers, home, every):
    twice = undisturbed_run(launchers[0], 2)
    start = home / "start"
    start.mkdir()
    killed(launchers[0], start, Fault("kill", second_line(twice.operations), str(start)), twice)
    assert len(facts(start / "study")) == 1
    assert len(list(start.glob("study/models/*/repeat-001.npz"))) == 1

    def check(launcher: Launcher, folder: Path, fault: Fault) -> None:
        killed(launcher, folder, fault, twice)
        goes_on(launcher, folder, twice)

    everywhere(launchers, home, "kill", range(1, 50, every), check, start)
