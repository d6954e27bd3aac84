"""A disk that fills up: noticed before it hurts, said with numbers, gone on with when there is room."""

import os
import shutil
import subprocess
import sys

import pytest

from pipeline.storage.disk_space import FLOOR
from tests.faults.fake_study import REPEATS, command, facts
from tests.faults.runs import ROOT, Ended, sound

MUCH = 1 << 40
pytestmark = pytest.mark.slow


def told(ended: Ended) -> None:
    """The message has what is free, what is needed and the command that goes on."""
    words = " ".join(ended.said.split())
    assert ended.code == 2, ended.said
    assert "Traceback" not in ended.said
    assert "MB free" in words.partition("Expected:")[2]
    assert "MB free" in words.partition("Got:")[2]


def test_a_run_without_room_does_not_begin(launchers, home):
    ended = launchers[0].run(home, free=[FLOOR])
    told(ended)
    assert "nearly full" in ended.said
    assert not (home / "study").exists()


@pytest.mark.parametrize("looks", range(2, REPEATS + 2))
def test_a_disk_that_fills_stops_the_run_in_order(launchers, home, looks):
    ended = launchers[0].run(home, free=[MUCH] * looks + [FLOOR])
    told(ended)
    assert "run again:" in ended.said
    study = home / "study"
    assert len(facts(study)) == looks - 1  # one look before everything, one before each training
    sound(study)  # the workbook too: there was room kept for it
    assert launchers[0].run(home).code == 0
    assert len(facts(study)) == REPEATS
    sound(study)


@pytest.mark.parametrize("largest", [100, 1_000, 5_000, 20_000])
def test_files_that_may_not_grow_stop_the_run_with_a_message(launchers, home, largest):
    ended = launchers[0].run(home, largest=largest)
    words = " ".join(ended.said.split())
    assert ended.code == 2, ended.said
    assert "Traceback" not in words
    assert "larger than files may be here: File too large" in words
    assert "ulimit -f" in words
    assert "MB free" not in words  # there is room: the limit is another one
    assert launchers[0].run(home).code == 0
    assert len(facts(home / "study")) == REPEATS
    sound(home / "study")


SCRIPT = """
import sys
from tests.faults import fake_study
fake_study.stage()
from pipeline.storage.disk_space import Room
Room.short = lambda _: False
fake_study.run(sys.argv[1:])
"""


def test_a_file_system_that_is_really_full(home):
    """In a name space of its own: a file system of 300 kB, and no reserve that would notice before."""
    if not shutil.which("unshare"):
        pytest.skip("needs unshare (Linux)")
    small, kept = home / "small", home / "kept"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=300k tmpfs {small}"
    if subprocess.run(["unshare", "-Urm", "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system in a name space")
    (home / "run.py").write_text(SCRIPT)
    words = " ".join(f"'{word}'" for word in command(home, study=str(small / "study"), configurations="20"))
    play = f"{sys.executable} {home}/run.py {words}; code=$?; cp -a {small}/. {kept}; exit $code"
    answer = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", f"{mount} && mkdir {kept} && {{ {play}; }}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    told(Ended(answer.returncode, answer.stdout + answer.stderr, None))
    assert "No space left on device" in answer.stderr
    before = facts(kept / "study")
    assert 0 < len(before) < 2 * 21
    # There is room again: the same study on another disk.
    again = [sys.executable, str(home / "run.py"), *command(home, study=str(kept / "study"), configurations="20")]
    answer = subprocess.run(
        again,
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert answer.returncode == 0, answer.stderr
    assert set(before) <= set(facts(kept / "study"))
    assert len(facts(kept / "study")) == 2 * 21
    sound(kept / "study")
