"""Free disk space: a run stops in order while there is still enough of it to save the models in training."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Final

from pipeline.errors import UserError

FLOOR: Final = 32 << 20  # bytes: the journal of 30,000 repeats, the pictures, the summary
EACH: Final = 64 << 10  # bytes of a saved repeat besides its weights: probe, scalers, manifest, half-full blocks
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FAILING: Final = _FULL | {errno.EIO}  # a full or broken disk; not a file that another program has open


class DiskFailed(UserError):
    """A write failed, or the disk is nearly full. Everything committed is safe; the same command resumes."""


class Room:
    """Checks that the disk of a study has enough free space for the run, and remembers once it had not.

    A run needs a fixed minimum, the models that are in training or exported at the end (`models` of them with `weights`
    numbers each), and twice the size of the workbook, because the new one is written beside the old one.
    """

    def __init__(self, study: Path, workbook: Path, models: int, weights: int) -> None:
        self._study = study
        self._workbook = workbook
        self._models = models * (4 * weights + EACH)
        self._found: DiskFailed | None = None

    @property
    def needed(self) -> int:
        """Free bytes that the run needs."""
        twice = 2 * self._workbook.stat().st_size if self._workbook.is_file() else 0
        return FLOOR + self._models + twice

    def short(self) -> bool:
        """True once there was too little free space, even if space is freed afterwards."""
        if self._found is None:
            room, needed = free(self._study), self.needed
            if room < needed:
                self._found = DiskFailed(
                    f"The disk of {self._study} is nearly full",
                    expected=f"{megabytes(needed)} free, for the models in training, the workbook and the journal",
                    got=f"{megabytes(room)} free",
                    hint="free some space",
                )
        return self._found is not None

    def check(self) -> None:
        """Raise DiskFailed, saying how much is free and how much is needed, if there is or was too little space."""
        if self.short():
            assert self._found is not None
            raise self._found


def free(folder: Path) -> int:
    """Free bytes on the disk of a folder, which need not exist yet."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free


def megabytes(size: int) -> str:
    """Format a number of bytes for people."""
    return f"{size / 1e6:,.1f} MB"


def refused(study: Path, error: OSError) -> DiskFailed:
    """Make the error for a write that the operating system refused."""
    if error.errno not in _FULL:
        where = f" ({error.filename})" if error.filename else ""
        return DiskFailed(
            f"The study folder {study} cannot be written: {error.strerror or error}{where}",
            hint="check the path and its permissions",
        )
    return DiskFailed(
        f"The disk of {study} is full: {error.strerror}",
        expected=f"at least {megabytes(FLOOR)} free",
        got=f"{megabytes(free(study))} free",
        hint="free some space, or raise the quota",
    )
