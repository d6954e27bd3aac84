"""The same promises with TensorFlow and the packed engine: a poison configuration, a hang, kills, signals."""

import json
import signal

import pytest

from pipeline.workers.slots import available_cores
from scripts.faults import command as chaos
from scripts.faults.evidence import facts
from scripts.faults.processes import running
from tests.faults.commands import FAKE, REAL, command, lines, sound, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.skipif(len(available_cores()) < 2, reason="needs two cores")]
ONE = {"slots": "cpu:1"}  # each worker that starts imports TensorFlow; two of them stand in test_real_engine.py
TINY = {"configurations": "3", "repeats": "1", "max_repeats": "1", "calls": "0", "top": "1", "seed": "8", **ONE}
LIMITS = {"segfault": {}, "held": {"job_limit": "20"}}
SAYS = {
    "segfault": "killed its worker 3 times: signal SIGSEGV, exit code -11",
    "held": "ran past its limit 3 times",
}


def known_of(folder, script, options=TINY, **given):
    with running(command(folder, script, **options), folder, folder / "output.txt", **given) as run:
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
    poisoned = known_of(tmp_path, FAKE, {**TINY, **LIMITS[word]}, FAKE_HARM=word, REAL_ENGINE="1")
    failed = {name: each for name, each in poisoned.items() if each.failed}
    assert {each.training.configuration["activation"] for each in failed.values()} == {"selu"}
    assert len(failed) == 1
    assert all(each.error.startswith(SAYS[word]) and "harm.py" in each.error for each in failed.values())
    innocent = {name: each for name, each in calm.items() if name not in failed}
    (program,) = {calm[name].program for name in failed}
    assert program in {each.program for each in innocent.values() if each.stage == "explore"}
    assert facts(innocent) == facts({name: each for name, each in poisoned.items() if name not in failed})


def test_sigterm_to_the_group_keeps_what_finished(tmp_path):
    with running(command(tmp_path, REAL, epochs="50", **ONE), tmp_path, tmp_path / "output.txt") as run:
        wait_for(lambda: lines(tmp_path) > 6, 200)
        run.send_group(signal.SIGTERM)
        assert run.driver.wait(60) == 143
        sound(tmp_path, run)


@pytest.mark.long
@pytest.mark.parametrize(("kills", "slots"), [(3, "cpu:1"), pytest.param(40, "cpu:2", marks=pytest.mark.soak)])
def test_random_kills_of_a_real_study_lose_nothing(tmp_path, monkeypatch, capsys, kills, slots):
    """What `scripts/chaos.py` does, with few kills and without pictures; in `make soak` with them."""
    if kills < 10:
        monkeypatch.setattr(chaos, "SCRIPT", REAL)
    words = ["--kills", str(kills), "--seed", "3", "--slots", slots, "--folder", str(tmp_path / "chaos")]
    report = tmp_path / "found.json"
    smaller = ["--", "--configurations", "4", "--calls", "1", "--repeats", "2"]
    code = chaos.main([*words, "--json", str(report), *smaller])
    said = capsys.readouterr().out
    assert code == 0, said
    found = json.loads(report.read_text())
    assert found["kills"] >= kills
    assert [found[name] for name in ("lost", "doubled", "orphans", "damaged", "differing", "ended")] == [[]] * 6
    assert "lost 0, doubled 0, orphans 0" in said
