import psutil
import pytest

from pipeline.errors import UserError
from pipeline.workers import slots
from pipeline.workers.slots import Slot, parse

CORES = (0, 1, 4, 5)


def test_auto_gives_every_core_a_slot_of_its_own_where_there_is_no_gpu():
    assert parse("auto", cores=CORES, gpus=()) == tuple(Slot(f"cpu{n}", (core,)) for n, core in enumerate(CORES))


def test_auto_takes_every_gpu():
    assert parse("auto", cores=CORES, gpus=("0", "1")) == (Slot("gpu0", (0,), "0"), Slot("gpu1", (1,), "1"))


def test_cores_of_slots_do_not_overlap():
    assert parse("cpu:2x2", cores=CORES, gpus=()) == (Slot("cpu0", (0, 1)), Slot("cpu1", (4, 5)))
    assert parse("cpu:3", cores=CORES, gpus=())[2].cores == (4,)


def test_named_gpus_are_taken():
    assert parse("gpu:1", cores=CORES, gpus=("0", "1")) == (Slot("gpu1", (0,), "1"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cpu:5", "at most 4"),
        ("cpu:4x2", "8 cores"),
        ("cpu:0", "needs a core"),
        ("gpu:0,0", "twice"),
        ("gpu:7", "no GPU 7"),
        ("tpu:1", "cpu:4x2"),
        ("", "auto"),
        ("cpu:two", "auto"),
    ],
)
def test_what_is_not_there_is_refused_with_a_hint(text, says):
    with pytest.raises(UserError, match=says):
        parse(text, cores=CORES, gpus=("0",))


def test_gpu_on_a_machine_without_one_says_so():
    with pytest.raises(UserError, match="no GPU was found"):
        parse("gpu:0", cores=CORES, gpus=())


def test_gpus_are_found_through_the_driver_program_and_limited_by_the_environment(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 0\necho 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert slots.available_gpus() == ("0", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert slots.available_gpus() == ("1",)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert slots.available_gpus() == ()


def test_idle_cores_are_taken_first_and_equally_busy_ones_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval, percpu: [97.0, 3.0, 60.0, 8.0])
    assert slots.idle_first((0, 1, 2, 3)) == (1, 3, 2, 0)
    assert slots.idle_first((0, 2, 7)) == (7, 2, 0)
    assert slots.idle_first((5,)) == (5,)
    monkeypatch.setattr(slots, "available_cores", lambda: (0, 1))
    assert slots.parse("cpu:1", gpus=()) == (Slot("cpu0", (1,)),)
