"""Runs the fake study in a fork of a process that has imported everything: tens of milliseconds a run.

Reads one JSON object a line: the words of the command line, and a fault of the disk where there is to be one. Answers
with one line each: the wait status, the operations that the disk saw, and what was printed.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.faults import fake_study
from tests.faults.disk import Disk, Fault, room


def fork(request: dict[str, Any]) -> dict[str, Any]:
    """One run and how it ended."""
    with tempfile.TemporaryDirectory() as scratch:
        counted = Path(scratch) / "counted"
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reads)
            _run(request, writes, counted)
        os.close(writes)
        with os.fdopen(reads, errors="replace") as output:
            said = output.read()
        _, status = os.waitpid(child, 0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "said": said,
            "operations": counted.read_text().split() if counted.exists() else None,
        }


def _run(request: dict[str, Any], output: int, counted: Path) -> None:
    code = 1
    disk = Disk(Fault(**request["fault"])) if request.get("fault") else None
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        if request.get("largest"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest"], request["largest"]))
        if request.get("free"):
            free = iter(request["free"])
            last = request["free"][-1]
            room(lambda: next(free, last))
        if disk:
            disk.install()
        fake_study.run(request["words"])
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:  # noqa: BLE001 - what is not caught shows as a traceback
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if disk:
            disk.fault = Fault("short", -1, disk.fault.below)
            counted.write_text(" ".join(disk.seen))
        os._exit(code)


def main() -> None:
    """Answer until the input ends."""
    fake_study.stage()
    silent = contextlib.redirect_stdout(io.StringIO())
    with tempfile.TemporaryDirectory() as scratch, silent, contextlib.suppress(SystemExit):
        fake_study.run(fake_study.command(Path(scratch)))  # for all that is imported on the way
    gc.freeze()  # a fork copies only the pages that it changes
    for line in sys.stdin:
        sys.stdout.write(json.dumps(fork(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
