import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from pipeline.workers.local import LocalPlaces
from pipeline.workers.pool import StoppedError, Workers
from pipeline.workers.slots import available_cores, parse
from tests.workers import chores

TWO = pytest.mark.skipif(len(available_cores()) < 2, reason="needs two cores")


@pytest.fixture
def workers(tmp_path):
    with Workers(LocalPlaces(parse("cpu:1"), tmp_path), stop=lambda: False) as pool:
        yield pool


def test_every_job_is_answered_once(workers):
    assert sorted(done.answer for done in workers.run(chores.double, list(range(10)))) == [2 * n for n in range(10)]


def test_what_a_job_prints_costs_nothing_whatever_the_encoding(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    with Workers(LocalPlaces(parse("cpu:1"), tmp_path), stop=lambda: False) as pool:
        (done,) = pool.run(chores.say, ["größe"])
    assert (done.answer, done.lost) == ("größe", "")
    assert "gr??e" in (tmp_path / f"worker-{done.place.slot.name}.log").read_text()


@TWO
def test_a_worker_is_pinned_before_it_imports_anything(tmp_path):
    slots = parse("cpu:2")
    with Workers(LocalPlaces(slots, tmp_path), stop=lambda: False) as pool:
        done = list(pool.run(chores.describe, list(range(8))))
    for each in done:
        assert each.answer is not None
        assert each.answer["cores"] == sorted(each.place.slot.cores)
        assert each.answer["threads"] == "1"
        assert each.answer["gpu"] == ""
        assert not each.answer["tensorflow"]
    by_slot = {
        each.place.slot.name: {
            other.answer["pid"] for other in done if other.answer and other.place.slot == each.place.slot
        }
        for each in done
    }
    assert all(len(pids) == 1 for pids in by_slot.values())


def test_a_job_that_raises_is_lost_alone_after_three_tries(workers):
    (done,) = workers.run(chores.refuse, [4])
    assert done.answer is None
    assert done.lost == "raised 3 times: ValueError: 4 is refused"
    assert "in refuse" in done.stack


@TWO
def test_a_job_that_kills_its_worker_is_given_up_after_three_tries_and_the_others_finish(tmp_path):
    with Workers(LocalPlaces(parse("cpu:2"), tmp_path), stop=lambda: False) as pool:
        done = {each.job: each for each in pool.run(chores.die_on_three, list(range(8)))}
    assert done[3].answer is None
    assert "killed its worker 3 times" in done[3].lost
    assert "SIGKILL" in done[3].lost
    assert all(done[number].answer == number for number in range(8) if number != 3)


def test_a_job_whose_worker_died_once_is_tried_again(workers, tmp_path):
    (done,) = workers.run(chores.die_once, [tmp_path / "flag"])
    assert done.answer == "survived"


def test_a_stop_delivers_what_finishes_in_the_grace_time(tmp_path):
    asked: list[bool] = []
    with Workers(LocalPlaces(parse("cpu:1"), tmp_path), stop=lambda: bool(asked)) as pool:
        outcomes = pool.run(chores.sleep, [0.3, 0.3, 30.0])
        first = next(outcomes)
        asked.append(True)
        assert first.answer == 0.3
        with pytest.raises(StoppedError):
            for each in outcomes:
                assert each.answer == 0.3


def test_no_worker_outlives_a_killed_driver(tmp_path):
    script = f"""
        from pathlib import Path
        from pipeline.workers.local import LocalPlaces
        from pipeline.workers.pool import Workers
        from pipeline.workers.slots import parse
        from tests.workers import chores
        if __name__ == "__main__":
            with Workers(LocalPlaces(parse("cpu:1"), Path({str(tmp_path)!r})), stop=lambda: False) as pool:
                list(pool.run(chores.write_pid_and_sleep, [Path({str(tmp_path / "pid")!r})]))
    """
    root = Path(__file__).parents[2]
    driver = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    try:
        pid = _wait_for(lambda: (tmp_path / "pid").exists() and int((tmp_path / "pid").read_text() or 0))
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    assert _wait_for(lambda: not _alive(pid), seconds=5)


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]
    except FileNotFoundError:
        return False


def _wait_for(condition, seconds: float = 30.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.05)
    return False
