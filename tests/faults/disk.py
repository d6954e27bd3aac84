"""A disk that fails at the n-th operation: what Python itself writes, syncs, renames and removes goes through here."""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["kill", "kill-half", "full", "error", "short", "short-full"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at operation `at` (from 1) of a process.

    kill: SIGKILL before it; kill-half: after half of a write; full: ENOSPC there and at every later write; error: EIO
    there alone; short: half of a write, as kernels may; short-full: half of it, and ENOSPC ever after.
    """

    kind: Kind
    at: int
    below: str  # only what happens to files below this folder counts


class Disk:
    """Counts operations and lets one of them fail."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen: list[str] = []  # names of the operations
        self._full = False

    def write(self, write: Callable[[Any], int], data: Any) -> int:
        """A write through the fault."""
        self.seen.append("write")
        kind = self.fault.kind
        if self._full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if len(self.seen) != self.fault.at:
            return write(data)
        half = memoryview(data).cast("B")[: len(data) // 2]
        self._full = kind in ("full", "short-full")
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "kill-half":
            write(half)
            os.kill(os.getpid(), signal.SIGKILL)
        if kind in ("full", "error"):
            number = errno.ENOSPC if kind == "full" else errno.EIO
            raise OSError(number, os.strerror(number))
        return write(half or data)

    def other(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """A sync, rename or removal through the fault."""

        def through(*arguments: Any, **options: Any) -> Any:
            if self._concerns(arguments[0]):
                self.seen.append(name)
                if len(self.seen) == self.fault.at:
                    if self.fault.kind in ("kill", "kill-half"):
                        os.kill(os.getpid(), signal.SIGKILL)
                    # Removing a file and renaming it need no room; a sync may find out what a write left undone.
                    if self.fault.kind == "error" or (self.fault.kind == "full" and name == "fsync"):
                        number = errno.EIO if self.fault.kind == "error" else errno.ENOSPC
                        raise OSError(number, os.strerror(number))
            return call(*arguments, **options)

        return through

    def _concerns(self, target: Any) -> bool:
        if isinstance(target, int):
            target = Path(f"/proc/self/fd/{target}").readlink()
        return str(target).startswith(self.fault.below)

    def install(self) -> None:
        """Put the fault between this process and its disk."""
        disk, write, opened = self, os.write, io.open

        class Raw(io.FileIO):
            """A file whose writes count."""

            def write(self, data: Any) -> int:
                return disk.write(super().write, data)

        def open_(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any) -> Any:
            writes = any(letter in mode for letter in "wxa+")
            if not writes or not self._concerns(file if isinstance(file, int) else os.path.abspath(file)):  # noqa: PTH100
                return opened(file, mode, buffering, *rest, **options)
            closefd = options.pop("closefd", True)
            raw = Raw(file, mode.replace("b", "").replace("t", ""), closefd=closefd)
            buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, *rest, **options)

        def write_(descriptor: int, data: Any) -> int:
            if not self._concerns(descriptor):
                return write(descriptor, data)
            return self.write(lambda part: write(descriptor, part), data)

        patched: Any = os
        for name in ("fsync", "replace", "rename", "unlink", "mkdir"):
            setattr(patched, name, self.other(name, getattr(os, name)))
        patched.write = write_
        replaced: Any = io
        replaced.open = open_
        replaced = builtins
        replaced.open = open_


def room(free: Callable[[], int]) -> None:
    """Let every disk say that it has so many bytes free; only for a process of its own."""
    import shutil

    usage = shutil.disk_usage
    patched: Any = shutil
    patched.disk_usage = lambda path: usage(Path(path))._replace(free=free())
