"""Whole runs with the fake trainer: stopped, killed, started twice, with configurations that kill their workers."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.study_folder import lock
from pipeline.workers.slots import available_cores
from scripts.faults.evidence import facts, gather
from scripts.faults.processes import PATIENCE, VARIABLE, marked, running
from scripts.faults.storm import Weather, storm
from tests.faults import small_study
from tests.faults.commands import FAKE, ROOT, command, lines, sound, wait_for

pytestmark = pytest.mark.skipif(len(available_cores()) < 2, reason="needs two cores")
BASELINE = 3  # trainings
TWO_JOBS = 2 * 80  # trainings at most, of those of 100 configurations in six jobs
BEGUN = 5  # lines of a journal whose run is well under way


@pytest.fixture(autouse=True)
def heard():
    """Runs that hear a SIGHUP, even where nohup keeps it from these tests: they would ignore it as well."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def said(path: Path) -> str:
    return " ".join((path / "output.txt").read_text().split())


@pytest.mark.parametrize(
    ("name", "group"),
    [
        pytest.param("SIGINT", True, id="SIGINT to the group"),
        pytest.param("SIGTERM", False, id="SIGTERM to the driver"),
        pytest.param("SIGHUP", True, id="SIGHUP to the group"),
        pytest.param("SIGINT", False, id="SIGINT to the driver", marks=pytest.mark.slow),
        pytest.param("SIGTERM", True, id="SIGTERM to the group", marks=pytest.mark.slow),
        pytest.param("SIGHUP", False, id="SIGHUP to the driver", marks=pytest.mark.slow),
    ],
)
def test_a_signal_lets_running_jobs_finish_and_keeps_them(tmp_path, name, group, slowness):
    number = signal.Signals[name]
    starts = tmp_path / "starts"
    given = {"FAKE_SECONDS": "0.03", "FAKE_STARTS": str(starts)}
    with running(command(tmp_path, configurations="100"), tmp_path, tmp_path / "output.txt", **given) as run:
        wait_for(lambda: starts.exists() and len(starts.read_text().splitlines()) > BASELINE)
        (run.send_group if group else run.send)(number)
        assert run.driver.wait(15 * slowness) == 128 + number
        evidence = sound(tmp_path, run)
    began = len(starts.read_text().splitlines())
    assert BASELINE < began <= BASELINE + TWO_JOBS  # of each worker one job at most; the others never began
    assert len(evidence.known) == began  # nothing done was lost
    assert "Traceback" not in said(tmp_path)
    assert f"To go on, run again: {Path(sys.executable).name} {ROOT / 'tests' / 'faults' / 'fake_driver.py'}" in said(
        tmp_path
    )
    assert "--configurations 100" in said(tmp_path)


def test_ctrl_c_twice_ends_at_once(tmp_path, slowness):
    with running(
        command(tmp_path, repeats="1"), tmp_path, tmp_path / "output.txt", FAKE_SECONDS="30"
    ) as run:  # the running job would take its grace time
        wait_for(lambda: len(run.workers()) > 0 and (tmp_path / "study" / "logs" / "worker-cpu0.stack").exists())
        run.send_group(signal.SIGINT)
        time.sleep(0.3)
        assert run.driver.poll() is None
        run.send_group(signal.SIGINT)
        began = time.monotonic()
        assert run.driver.wait(15) == 130
        assert time.monotonic() - began < 2.0 * slowness
        sound(tmp_path, run, finished=False)
    assert "To go on, run again" in said(tmp_path)
    assert "Traceback" not in said(tmp_path)


def test_an_echo_of_sigterm_does_not_hurry(tmp_path):
    """As `timeout` sends it: to the process, and to its group. What had begun is finished and kept."""
    starts = tmp_path / "starts"
    given = {"FAKE_SECONDS": "0.1", "FAKE_STARTS": str(starts)}
    with running(command(tmp_path, configurations="100"), tmp_path, tmp_path / "output.txt", **given) as run:
        wait_for(lambda: lines(tmp_path) > BEGUN)
        run.send(signal.SIGTERM)
        time.sleep(0.1)
        run.send_group(signal.SIGTERM)
        assert run.driver.wait(15) == 143
        evidence = sound(tmp_path, run)
    assert len(evidence.known) == len(starts.read_text().splitlines())


def test_a_late_echo_changes_nothing_and_another_signal_ends_at_once():
    code = """
import os, signal, sys, time
from pipeline.cli.interrupts import Interrupts
with Interrupts() as asked:
    os.kill(os.getpid(), signal.SIGTERM)
    assert asked.asked()
os.kill(os.getpid(), signal.SIGTERM)
print("goes on", flush=True)
os.kill(os.getpid(), signal.SIGINT)
print("never")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (run.returncode, run.stdout) == (143, "goes on\n")


def test_an_echo_that_comes_while_the_interpreter_shuts_down_changes_nothing():
    """By then its handlers are gone: only what is ignored stays ignored."""
    code = """
import os, signal, sys
from pipeline.cli.interrupts import Interrupts

class Last:
    def __del__(self, kill=os.kill, own=os.getpid()):
        kill(own, 15)

sys.modules["last"] = Last()
with Interrupts() as asked:
    os.kill(os.getpid(), signal.SIGTERM)
sys.exit(asked.exit_code)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (run.returncode, run.stderr) == (143, "")


def test_a_closed_terminal_stops_the_run_and_keeps_what_finished(tmp_path):
    mark = str(tmp_path)
    driver, terminal = pty.fork()
    if driver == 0:
        os.environ.update({"FAKE_SECONDS": "0.1", VARIABLE: mark})
        os.execv(sys.executable, command(tmp_path))
    os.set_blocking(terminal, False)
    try:
        wait_for(lambda: [read(terminal), lines(tmp_path) > BEGUN][1])
        os.close(terminal)
        wait_for(lambda: os.waitid(os.P_PID, driver, os.WEXITED | os.WNOHANG | os.WNOWAIT), 15)
    finally:
        os.kill(driver, signal.SIGKILL)
        _, status = os.waitpid(driver, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    wait_for(lambda: not marked(mark), PATIENCE)
    assert len(sound(tmp_path).known) >= BEGUN - 2


def read(terminal: int) -> bytes:
    """What the run has written since: a terminal that nobody reads stops its writers."""
    with contextlib.suppress(BlockingIOError):
        return os.read(terminal, 1 << 16)
    return b""


def test_a_signal_before_anything_is_written_leaves_nothing(tmp_path):
    with running(command(tmp_path), tmp_path, tmp_path / "output.txt") as run:
        # The driver imports what it needs: its handlers are there, its study is not.
        wait_for(lambda: caught(run.driver.pid, signal.SIGTERM))
        run.send(signal.SIGTERM)
        assert run.driver.wait(30) == 143
        assert run.orphans() == {}
    assert not (tmp_path / "study").exists()
    assert "Traceback" not in said(tmp_path)


def caught(pid: int, number: int) -> bool:
    """Whether the process has a handler for the signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1]
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.parametrize("kill", ["booting", "training"])
def test_nothing_outlives_a_killed_driver(tmp_path, kill):
    """Its workers are killed by the kernel; those that have not even started their interpreter notice by themselves."""
    with running(command(tmp_path), tmp_path, tmp_path / "output.txt", FAKE_SECONDS="0.5") as run:
        wait_for(lambda: len(run.workers()) > 0)
        if kill == "training":
            wait_for(lambda: lines(tmp_path) > BEGUN)
        run.kill()
        sound(tmp_path, run, finished=False)


def test_the_second_driver_says_who_holds_the_study_and_leaves(tmp_path):
    with running(command(tmp_path), tmp_path, tmp_path / "output.txt", FAKE_SECONDS="0.5") as first:
        wait_for(lambda: lines(tmp_path) > BEGUN)
        with running(command(tmp_path), tmp_path, tmp_path / "second.txt") as second:
            assert second.driver.wait(30) == 2
            assert second.orphans() == {}
        told = " ".join((tmp_path / "second.txt").read_text().split())
        assert f"is in use by process {first.driver.pid} on {os.uname().nodename}, since 20" in told
        assert "Traceback" not in told
        assert first.driver.poll() is None
        first.kill()
        with lock.held(tmp_path / "study"):  # at once
            assert f"process {os.getpid()} on" in (tmp_path / "study" / ".holder").read_text()
        sound(tmp_path, first, finished=False)


@pytest.mark.parametrize("word", ["SIGKILL", pytest.param("held", marks=pytest.mark.slow)])
def test_a_poison_configuration_fails_alone_and_says_why(tmp_path, word):
    given = {"FAKE_HARM": word, "FAKE_SECONDS": "0.001"}
    small = {"configurations": "3", "repeats": "2", "max_repeats": "2", "calls": "0", "job_limit": "2", "seed": "8"}
    with running(command(tmp_path, FAKE, **small), tmp_path, tmp_path / "output.txt", **given) as run:
        assert run.driver.wait(150) == 0
        known = sound(tmp_path, run).known
    poisoned = [each for each in known.values() if each.training.configuration["activation"] == "selu"]
    assert len(known) == (1 + 3) * 2
    assert len(poisoned) == 2
    assert {each.training.identity for each in poisoned} == {name for name, each in known.items() if each.failed}
    says = {
        "SIGKILL": ("killed its worker 3 times: signal SIGKILL", ""),
        "held": ("ran past its limit 3 times", "harm.py"),
    }
    for each in poisoned:
        assert each.error.startswith(says[word][0])
        assert says[word][1] in each.error
        assert each.seed == next(other.seed for other in known.values() if other.training.index == each.training.index)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.soak)])
def test_random_kills_lose_nothing_and_double_nothing(home, kills):
    weather = Weather(calm=(0.05, 1.5), kills=kills, drivers=kills, seed=20)
    story: list[str] = []
    tally = storm(command, home, weather, story.append)
    assert tally.sound, (tally, story)
    assert tally.driver_kills >= kills
    assert tally.worker_kills > 0


def test_the_evidence_sees_what_it_is_there_for(tmp_path, monkeypatch):
    small_study.stand_in(monkeypatch)
    assert small_study.run(tmp_path).exit_code == 0
    known = sound(tmp_path).known
    study = tmp_path / "study"
    path = study / "ledger.jsonl"
    whole = path.read_bytes()
    *kept, last = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(kept))
    assert len(gather(study, known, finished=True).lost) == 1
    path.write_bytes(whole + last)
    assert gather(study, known, finished=True).doubled
    path.write_bytes(whole)
    weights = next((study / "models").glob("*/repeat-000.npz"))
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert gather(study, known, finished=True).damaged
    assert len(facts(known)) == small_study.TRAININGS
