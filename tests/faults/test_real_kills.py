"""The same promises with TensorFlow and the packed engine: a poison configuration, a hang, kills, signals."""

import json
import signal
import subprocess
import sys

import pytest

from pipeline.workers.slots import available_cores
from scripts.faults.evidence import facts
from scripts.faults.processes import running
from tests.faults.commands import REAL, ROOT, command, lines, sound, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.skipif(len(available_cores()) < 2, reason="needs two cores")]
TINY = {"configurations": "3", "repeats": "2", "max_repeats": "2", "calls": "0", "top": "1"}


POISONED = {**TINY, "seed": "8", "job_limit": "20"}
SAYS = {
    "segfault": "killed its worker 3 times: signal SIGSEGV, exit code -11",
    "held": "ran past its limit 3 times",
}


def known_of(folder, script, **given):
    with running(command(folder, script, **POISONED), folder, folder / "output.txt", **given) as run:
        assert run.driver.wait(400) == 0, (folder / "output.txt").read_text()
        return sound(folder, run).known


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """What the study knows at its end where nothing is poisoned."""
    return known_of(tmp_path_factory.mktemp("calm"), REAL)


@pytest.mark.long
@pytest.mark.parametrize("word", ["segfault", pytest.param("held", marks=pytest.mark.soak)])
def test_a_poison_configuration_in_a_packed_job_takes_nothing_with_it(tmp_path, calm, word):
    """Its job-mates were trained in the same program, and have the weights that they have without it.

    One that hangs takes a minute and a half and is for `make soak`: test_drivers.py hangs another engine.
    """
    poisoned = known_of(tmp_path, ROOT / "tests" / "faults" / "fake_driver.py", FAKE_HARM=word, REAL_ENGINE="1")
    failed = {name: each for name, each in poisoned.items() if each.failed}
    assert {each.training.configuration["activation"] for each in failed.values()} == {"selu"}
    assert len(failed) == 2
    assert all(each.error.startswith(SAYS[word]) and "harm.py" in each.error for each in failed.values())
    innocent = {name: each for name, each in calm.items() if name not in failed}
    assert facts(innocent) == facts({name: each for name, each in poisoned.items() if name not in failed})


def test_sigterm_to_the_group_keeps_what_finished(tmp_path):
    with running(command(tmp_path, REAL, epochs="50"), tmp_path, tmp_path / "output.txt") as run:
        wait_for(lambda: lines(tmp_path) > 6, 200)
        run.send_group(signal.SIGTERM)
        assert run.driver.wait(60) == 143
        sound(tmp_path, run)


@pytest.mark.long
@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.soak)])
def test_random_kills_of_a_real_study_lose_nothing(tmp_path, kills):
    """The command of the README, with few kills."""
    words = ["--kills", str(kills), "--seed", "3", "--slots", "cpu:2", "--folder", str(tmp_path / "chaos")]
    report = tmp_path / "found.json"
    smaller = ["--", "--configurations", "4", "--calls", "1", "--repeats", "2"]
    answer = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "chaos.py"), *words, "--json", str(report), *smaller],
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    found = json.loads(report.read_text())
    assert found["kills"] >= kills
    assert [found[name] for name in ("lost", "doubled", "orphans", "damaged", "differing", "ended")] == [[]] * 6
    assert "lost 0, doubled 0, orphans 0" in answer.stdout
