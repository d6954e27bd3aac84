"""Jobs that do every harm to their workers: tried three times, then given up with the reason; the others go on."""

import contextlib
import itertools
import math
import os
import signal
import threading
import time
import warnings

import psutil
import pytest

from pipeline.workers.local import LocalPlaces
from pipeline.workers.pool import Workers
from pipeline.workers.slots import available_cores, parse
from tests.faults import harm

pytestmark = pytest.mark.skipif(len(available_cores()) < 2, reason="needs two cores")
LIMIT = 0.6


def children() -> list[psutil.Process]:
    found = []
    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any("popen_loky" in word for word in each.cmdline()) and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return found


@pytest.fixture
def workers(tmp_path):
    with Workers(LocalPlaces(parse("cpu:2"), tmp_path), stop=lambda: False, margin=6.0) as pool:
        yield pool
    assert not children()


def run(workers, jobs, limit=math.inf, **options):
    return {each.job: each for each in workers.run(harm.work, jobs, limit=lambda _: limit, **options)}


# Each harm, and what the ledger has to say of it: what happened, signal or exit code, where.
HARMS = {
    "SIGKILL": ("killed its worker 3 times: signal SIGKILL, exit code -9", ""),
    "SIGBUS": ("killed its worker 3 times: signal SIGBUS, exit code -7", "in <lambda>"),
    "segfault": ("killed its worker 3 times: signal SIGSEGV, exit code -11", "in _segfault"),
    "abort": ("killed its worker 3 times: signal SIGABRT, exit code -6", "in do"),
    "os._exit": ("killed its worker 3 times: exit code 7", ""),
    "sys.exit": ("raised 3 times: SystemExit: 3", "sys.exit(3)"),
    "MemoryError": ("raised 3 times: MemoryError", "in _fill_memory"),
    "spite": ("raised 3 times: SpitefulError", ""),
    "unsendable": ("gave an answer that cannot be sent 3 times: ", ""),
    "unreadable": ("killed its worker 3 times: ", ""),
    "half": ("killed its worker 3 times: ", ""),
}
HANGS = {"loop": "in _python_loop", "lock": "in _wait_for_a_lock", "held": "in _hold_the_interpreter"}


@pytest.mark.parametrize("word", HARMS)
def test_a_harmful_job_is_given_up_with_its_reason_and_the_others_finish(workers, word):
    done = run(workers, [word, *range(8)])
    reason, stack = HARMS[word]
    assert done[word].answer is None
    assert done[word].lost.startswith(reason)
    assert stack in done[word].stack
    assert all(done[number].answer == 2 * number for number in range(8))


@pytest.mark.parametrize("hang", HANGS)
def test_a_hanging_job_is_ended_at_its_limit_with_its_stack(workers, hang):
    began = time.monotonic()
    done = run(workers, [hang, *range(8)], limit=LIMIT)
    assert done[hang].lost == f"ran past its limit 3 times: {LIMIT:g} s"
    assert HANGS[hang] in done[hang].stack
    assert all(done[number].answer == 2 * number for number in range(8))
    assert time.monotonic() - began < 3 * LIMIT + 20


def test_a_job_whose_process_cannot_end_itself_is_ended_by_the_driver(tmp_path):
    def limit(job):
        return 0.5 if job == "stopped" else 60.0

    with Workers(LocalPlaces(parse("cpu:2"), tmp_path), stop=lambda: False, margin=1.0) as workers:
        done = {each.job: each for each in workers.run(harm.work, ["stopped", *range(4)], limit=limit)}
    assert done["stopped"].lost.startswith("hung 3 times: no sign of life")
    assert all(done[number].answer == 2 * number for number in range(4))
    assert not children()


@pytest.mark.slow
def test_innocent_jobs_are_answered_at_their_usual_pace_while_one_hangs(workers):
    run(workers, ["ready", "ready"])  # both processes have started
    got = {}
    began = time.monotonic()
    for each in workers.run(harm.work, ["loop", *range(20)], limit=lambda _: 2.0):
        got[each.job] = time.monotonic() - began
    assert max(got[number] for number in range(20)) < 2.0  # before the hanging job was ended for the first time
    assert got["loop"] > 6.0


@pytest.mark.parametrize("word", ["SIGKILL", "sys.exit", "held"])
def test_a_harmful_part_of_a_job_does_not_take_its_mates_with_it(workers, word):
    job = ((1, 2, 3), (word, 4), (5, 6))
    done = run(workers, [job, 7], limit=LIMIT, parts=harm.halves)
    assert done[word].answer is None
    assert " 3 times: " in done[word].lost
    answers = {name: each.answer for name, each in done.items() if name != word}
    assert answers == {(1, 2, 3): (2, 4, 6), 4: 8, (5, 6): (10, 12), 7: 14}


@pytest.mark.parametrize("stage", ["importing", "training", "answering"])
def test_a_kill_at_any_stage_on_any_slot_costs_one_attempt(workers, tmp_path, stage):
    jobs = [(stage, tmp_path), (stage, tmp_path)]
    done = list(workers.run(harm.once_at, jobs))
    assert [each.answer and each.answer[0] for each in done] == [stage, stage]
    found = {each.name for each in tmp_path.glob("core-*")}
    assert len(found) == 2
    assert found <= {f"core-{core}" for core in available_cores()}


def test_a_kill_before_a_job_starts_costs_one_attempt(workers):
    killed: set[int] = set()

    def kill() -> None:
        """End the first two processes, one of each slot, as soon as they are born."""
        while len(killed) < 2:
            for each in children():
                if len(killed) < 2 and each.pid not in killed:
                    killed.add(each.pid)
                    each.kill()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    done = run(workers, list(range(8)))
    killer.join(10)
    assert len(killed) == 2
    assert all(done[number].answer == 2 * number for number in range(8))


def test_workers_that_die_while_they_have_nothing_to_do_cost_nothing(workers):
    run(workers, list(range(4)))
    idle = children()
    assert len(idle) == 2
    for each in idle:
        each.kill()
    psutil.wait_procs(idle, 5)
    done = run(workers, list(range(4)))
    assert all(done[number].answer == 2 * number for number in range(4))


def test_a_worker_that_leaks_is_replaced_by_one_that_owns_the_same_slot(tmp_path):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with Workers(LocalPlaces(parse("cpu:2"), tmp_path), stop=lambda: False) as workers:
            done = list(workers.run(harm.describe, [320] * 6))
            assert len(children()) <= 2
    assert not children()
    assert not said  # loky remarks on the replacement, which is no news for a user
    slots = {each.place.slot.name: each.place.slot for each in done}
    assert len(slots) == 2
    for name, slot in slots.items():
        own = (each.answer for each in done if each.answer and each.place.slot.name == name)
        mine = sorted(own, key=lambda one: one["began"])
        assert len({one["pid"] for one in mine}) > 1, "the worker was not replaced"
        for one in mine:
            assert one["cores"] == list(slot.cores)
            assert one["CUDA_VISIBLE_DEVICES"] == ""
            assert one["TF_NUM_INTRAOP_THREADS"] == one["OMP_NUM_THREADS"] == "1"
            assert one["ignores"]
        assert all(one["ended"] <= after["began"] for one, after in itertools.pairwise(mine))


def test_signals_to_the_whole_group_are_the_drivers_business(workers):
    """Sent to every worker every few milliseconds, from its birth on: the trackers of the pool live as well."""
    ended = threading.Event()
    others = set(psutil.Process().children(recursive=True))  # what other tests keep: launchers, say

    def pester() -> None:
        while not ended.wait(0.005):
            for each in set(psutil.Process().children(recursive=True)) - others:
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    with contextlib.suppress(psutil.Error):
                        os.kill(each.pid, number)

    pest = threading.Thread(target=pester, daemon=True)
    pest.start()
    done = run(workers, list(range(20)))
    ended.set()
    pest.join()
    assert all(done[number].answer == 2 * number for number in range(20))
