"""The disk fails under a run at every operation that the run asks of it; what was committed stays, and it goes on."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.maintenance.audit import audit
from tests.faults.disk import Fault, Kind
from tests.faults.fake_study import REPEATS, facts
from tests.faults.runs import PARTS, Ended, Launcher, sound

NEVER = 10**9

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(launchers) -> tuple[list[str], list[tuple[object, ...]]]:
    """The operations of a run, and what its journal says."""
    with tempfile.TemporaryDirectory() as folder:
        ended = launchers[0].run(Path(folder), Fault("kill", NEVER, folder))
        assert ended.code == 0, ended.said
        sound(Path(folder) / "study")
        found = facts(Path(folder) / "study")
        assert len(found) == REPEATS
        assert ended.operations is not None
        assert {"write", "fsync", "replace", "mkdir"} <= set(ended.operations)
        return ended.operations, found


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


def goes_on(launcher: Launcher, folder: Path, expected: list[tuple[object, ...]]) -> None:
    """Nothing of what was committed is lost or changed, and the same command brings the study to its end."""
    study, before = folder / "study", lines(folder / "study")
    assert [
        each for each in audit(study) if (study / "models") in each.file.parents and ".tmp" not in each.file.name
    ] == []
    ended = launcher.run(folder)
    assert ended.code == 0, ended.said
    assert lines(study).startswith(before)
    assert facts(study) == expected
    sound(study)


def stopped(ended: Ended) -> None:
    """The run says in words why it ended, and how to go on."""
    assert ended.code == 2, ended.said
    assert "Traceback" not in ended.said
    assert "Error:" in ended.said


@pytest.mark.parametrize("kind", ["kill", "kill-half"])
def test_a_driver_killed_at_any_operation_loses_nothing(launchers, home, undisturbed, kind):
    operations, expected = undisturbed
    wanted = [at for at, name in enumerate(operations, 1) if kind == "kill" or name == "write"]

    def check(launcher: Launcher, folder: Path, fault: Fault) -> None:
        ended = launcher.run(folder, fault)
        assert ended.code == -9, (fault, ended)
        goes_on(launcher, folder, expected)

    everywhere(launchers, home, kind, wanted, check)


@pytest.mark.parametrize("kind", ["full", "error", "short-full"])
def test_a_disk_that_refuses_stops_the_run_with_a_message(launchers, home, undisturbed, kind):
    operations, expected = undisturbed
    failing = {"full": {"write", "fsync"}, "error": {"write", "fsync"}, "short-full": {"write"}}[kind]

    def check(launcher: Launcher, folder: Path, fault: Fault) -> None:
        ended = launcher.run(folder, fault)
        stopped(ended)
        if "full" in kind:
            assert "No space left on device" in ended.said, (fault, ended.said)
            assert "MB free" in ended.said
            assert "run again:" in " ".join(ended.said.split())
        goes_on(launcher, folder, expected)

    everywhere(launchers, home, kind, [at for at, name in enumerate(operations, 1) if name in failing], check)


def test_short_writes_change_nothing(launchers, home, undisturbed):
    operations, expected = undisturbed

    def check(launcher: Launcher, folder: Path, fault: Fault) -> None:
        ended = launcher.run(folder, fault)
        assert ended.code == 0, (fault, ended.said)
        assert facts(folder / "study") == expected
        sound(folder / "study")

    everywhere(launchers, home, "short", [at for at, name in enumerate(operations, 1) if name == "write"], check)


def second_line(operations: list[str]) -> int:
    """The write of the second repeat's line: a line alone is written and synced without a rename after it."""
    names = enumerate(zip(operations, operations[1:], operations[2:], strict=False), 1)
    # The journal's header comes first, then the stages; a model is a rename and a sync of its folder before the line.
    lines = [
        at
        for at, triple in names
        if triple == ("write", "fsync", "write") and operations[at - 3 : at - 1] == ["replace", "fsync"]
    ]
    return lines[1]


def killed(launcher: Launcher, folder: Path, fault: Fault) -> None:
    """The run ends by a SIGKILL."""
    ended = launcher.run(folder, fault)
    assert ended.code == -9, (fault, ended)


def test_a_rerun_of_a_finished_study_killed_at_any_operation_loses_nothing(launchers, home, undisturbed):
    start = home / "start"
    start.mkdir()
    assert launchers[0].run(start).code == 0
    shutil.copytree(start, home / "again")
    again = launchers[0].run(home / "again", Fault("kill", NEVER, str(home)))
    assert again.operations is not None

    def check(launcher: Launcher, folder: Path, fault: Fault) -> None:
        killed(launcher, folder, fault)
        goes_on(launcher, folder, undisturbed[1])

    everywhere(launchers, home, "kill", range(1, len(again.operations) + 1), check, start)


def test_a_driver_killed_while_it_saves_a_model_for_the_second_time_loses_nothing(launchers, home, undisturbed):
    operations, expected = undisturbed
    start = home / "start"
    start.mkdir()
    killed(launchers[0], start, Fault("kill", second_line(operations), str(start)))
    assert len(facts(start / "study")) == 1
    assert len(list(start.glob("study/models/*/repeat-001.npz"))) == 1

    def check(launcher: Launcher, folder: Path, fault: Fault) -> None:
        killed(launcher, folder, fault)
        goes_on(launcher, folder, expected)

    everywhere(launchers, home, "kill", range(1, 50), check, start)
