"""Opens study folders one after the other in a process of bounded memory, and says what each took.

    python tests/faults/open_them.py SOUND_STUDY STUDY...

One line of JSON for each: the kind of error and its text, seconds, and how many MB the process grew above what it had
before.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from pipeline import saved_models
from pipeline.errors import UserError
from pipeline.maintenance.audit import audit
from pipeline.study_folder import identity
from pipeline.workbook import book

LIMIT = 700 << 20  # bytes of address space beyond what opening a sound study takes


def open_it(study: Path) -> None:
    """Everything that a command reads of a study folder before it does anything with it."""
    identity.read(study / "study.json")
    saved_models.load_top_models(study, 1)
    found = audit(study)
    if found:
        raise UserError(str(found[0]), hint="see the finding")
    book.unknown(study / "ledger.xlsx", (), 5)


def memory(field: str) -> float:
    """What the kernel says of this process's memory, in MB: VmRSS now, VmHWM the most since the last `forget`."""
    # Not ru_maxrss: it begins with the memory of the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def forget() -> None:
    """Let the most memory be the present one."""
    Path("/proc/self/clear_refs").write_text("5")


def virtual() -> int:
    """The address space of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def main(sound: str, *others: str) -> None:
    """Open all of them."""
    open_it(Path(sound))
    open_it(Path(sound))
    resource.setrlimit(resource.RLIMIT_AS, (virtual() + LIMIT, resource.RLIM_INFINITY))
    for each in others:
        forget()
        before, began = memory("VmRSS"), time.monotonic()
        kind, text = "", ""
        try:
            open_it(Path(each))
        except UserError as error:
            kind, text = "UserError", str(error)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what a user would see
            kind, text = type(error).__name__, str(error)
        said = {
            "study": each,
            "kind": kind,
            "text": text,
            "seconds": time.monotonic() - began,
            "mb": memory("VmHWM") - before,
        }
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
