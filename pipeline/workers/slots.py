"""Slots: what a worker process owns, read from `auto`, `gpu:0,1` or `cpu:4x2`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import joblib
import psutil

from pipeline.errors import UserError

EXPECTED: Final = "auto, gpu:0,1 (these GPUs), cpu:4 (four workers of one core) or cpu:4x2 (four workers of two cores)"
LOOK: Final = 0.1  # seconds in which the load of the cores is measured


@dataclass(frozen=True, slots=True)
class Slot:
    """One GPU with some cores, or some cores only; no two slots of a run share any."""

    name: str  # "gpu0", "cpu1": the name in the ledger
    cores: tuple[int, ...]
    gpu: str = ""  # as CUDA_VISIBLE_DEVICES names it; empty for a CPU slot

    @property
    def threads(self) -> int:
        """Intra-operation threads of its trainings: the number of its cores. Bit-equal results need equal numbers."""
        return len(self.cores)


def parse(text: str, *, cores: Sequence[int] | None = None, gpus: Sequence[str] | None = None) -> tuple[Slot, ...]:
    """Parse a text into slots, at least one. Raise UserError for a GPU or core that this machine does not have.

    `auto` takes every GPU, with one core for each. Without GPUs every core is a slot, so that the number of threads of
    a training, and so its bits, does not depend on the machine's size. Idle cores are taken first, so that two studies
    side by side do not share one.
    """
    cores = idle_first(available_cores()) if cores is None else cores
    gpus = available_gpus() if gpus is None else gpus
    if text == "auto":
        return _gpu_slots(gpus, cores, gpus) if gpus else _cpu_slots(len(cores), 1, cores)
    if match := re.fullmatch(r"gpu:(\w+(?:-[\w-]+)?(?:,\w+(?:-[\w-]+)?)*)", text):
        return _gpu_slots(match[1].split(","), cores, gpus)
    if match := re.fullmatch(r"cpu:(\d+)(?:x(\d+))?", text):
        return _cpu_slots(int(match[1]), int(match[2] or 1), cores)
    raise UserError("The slots cannot be read", expected=EXPECTED, got=repr(text))


def _gpu_slots(wanted: Sequence[str], cores: Sequence[int], gpus: Sequence[str]) -> tuple[Slot, ...]:
    missing = [each for each in wanted if each not in gpus]
    if missing:
        raise UserError(
            f"This machine has no GPU {missing[0]}",
            expected=f"one of {', '.join(gpus)}" if gpus else "no gpu slots, because no GPU was found",
            hint="use --slots auto, or --slots cpu:N",
        )
    if len(set(wanted)) < len(wanted):
        raise UserError("A GPU is named twice in the slots", got=",".join(wanted), hint="name each once")
    if len(wanted) > len(cores):
        raise UserError(f"{len(wanted)} GPUs need a core each", got=f"{len(cores)} cores", hint="use fewer GPUs")
    return tuple(Slot(f"gpu{gpu}", (cores[position],), gpu) for position, gpu in enumerate(wanted))


def _cpu_slots(count: int, each: int, cores: Sequence[int]) -> tuple[Slot, ...]:
    if count < 1 or each < 1:
        raise UserError("A slot needs a core", expected=EXPECTED, got=f"cpu:{count}x{each}")
    if count * each > len(cores):
        raise UserError(
            f"The slots need {count * each} cores",
            expected=f"at most {len(cores)}, the number that may be used here",
            got=f"cpu:{count}x{each}",
            hint=f"use --slots cpu:{len(cores)}, or fewer",
        )
    return tuple(Slot(f"cpu{n}", tuple(cores[n * each : (n + 1) * each])) for n in range(count))


def available_cores() -> tuple[int, ...]:
    """The numbers of the cores that this process may use; at most as many as a container's processor quota."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return tuple(allowed)[: joblib.cpu_count()]


def idle_first(cores: Sequence[int]) -> tuple[int, ...]:
    """The cores sorted by their current load, in quarters; equally busy ones in their order."""
    busy = psutil.cpu_percent(LOOK, percpu=True) if len(cores) > 1 else []
    return tuple(sorted(cores, key=lambda core: round(busy[core] / 25) if core < len(busy) else 0))


def available_gpus() -> tuple[str, ...]:
    """The NVIDIA GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; found without TensorFlow."""
    present = _installed_gpus()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None or not present:
        return present
    return tuple(name for name in visible.split(",") if name in present or name.startswith(("GPU-", "MIG-")))


def _installed_gpus() -> tuple[str, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command without input from outside
            [program, "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(answer.stdout.split()) if answer.returncode == 0 else ()
