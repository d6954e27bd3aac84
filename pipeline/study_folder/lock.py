"""One run at a time: the lock of a study folder, which the kernel releases when its process dies."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import platform
import re
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from pipeline.errors import UserError
from pipeline.storage import atomic, disk_space, untrusted
from pipeline.study_folder.layout import SIGNED, StudyFolder, belongs_to_study


def _sign(study: Path) -> None:
    since = dt.datetime.now().astimezone().isoformat(" ", "seconds")
    StudyFolder(study).holder.write_text(f"{SIGNED}{os.getpid()} on {platform.node()}, since {since}", encoding="utf-8")


def _holder(study: Path) -> str:
    """The process that holds the folder. A name that a killed run left there is ignored."""
    for _ in range(20):
        try:
            text = StudyFolder(study).holder.read_text(encoding="utf-8")
        except OSError:
            text = ""
        found = re.match(rf"{SIGNED}(\d+) on (.*), since ", text)
        if found and (found[2] != platform.node() or psutil.pid_exists(int(found[1]))):
            return text
        time.sleep(0.05)  # it has the lock and is about to write its name
    return "another process"


@contextlib.contextmanager
def held(study: Path) -> Iterator[None]:
    """Lock the folder, creating it if it is missing. Raise UserError naming the process that has locked it already."""
    begun = False
    try:
        atomic.make_folder(study)
        untrusted.plain(study)  # before the lock: a link in its place would be followed
        lock = FileLock(StudyFolder(study).lock)
        with lock.acquire(timeout=0):
            _sign(study)
            for left in temporaries(study):
                left.unlink()
            begun = True
            try:
                yield
            finally:
                StudyFolder(study).holder.unlink(missing_ok=True)
    except Timeout:
        who = _holder(study)
        raise UserError(f"The study {study} is in use by {who}", hint="wait for it, or use another --study") from None
    except OSError as error:
        told = disk_space.refused if begun or error.errno in disk_space.FAILING else disk_space.unusable
        raise told(study, error) from error


def temporaries(study: Path) -> Iterator[Path]:
    """Temporary files that killed runs left in the study folder; they can be deleted."""
    folder = StudyFolder(study)
    kept = sorted(folder.models.iterdir()) if folder.models.is_dir() else []
    yield from (
        each for each in atomic.temporaries(study) if belongs_to_study(each.name)
    )  # the user's own may be beside them
    for each in (folder.figures, folder.models, *(each for each in kept if not each.is_symlink())):
        yield from atomic.temporaries(each)
