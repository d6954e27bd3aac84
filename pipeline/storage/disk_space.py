"""Room on the disk: a run stops in order while there is enough left to keep what is being trained."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Final

from pipeline.errors import UserError

FLOOR: Final = 32 << 20  # bytes: the journal of 30,000 repeats, the pictures, the summary
EACH: Final = 64 << 10  # bytes of a saved repeat besides its weights: probe, scalers, manifest, blocks half full
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FAILING: Final = _FULL | {errno.EIO}  # what a disk says that is full or broken, and nobody who merely has a file open


class DiskFailed(UserError):
    """The disk refused; everything that was committed is safe, and the same command goes on."""


class Room:
    """Answers whether the disk of a study still has the room that a run needs, and remembers when it had not.

    Needed are a floor, the models that are being trained and those that are exported at the end, with `weights`
    numbers each, and twice the workbook: it is written beside the old one.
    """

    def __init__(self, study: Path, workbook: Path, models: int, weights: int) -> None:
        self._study = study
        self._workbook = workbook
        self._models = models * (4 * weights + EACH)
        self._found: DiskFailed | None = None

    @property
    def needed(self) -> int:
        """Bytes that have to be free for a run to go on."""
        twice = 2 * self._workbook.stat().st_size if self._workbook.is_file() else 0
        return FLOOR + self._models + twice

    def short(self) -> bool:
        """True once the disk has less room than needed, also when somebody makes room afterwards."""
        if self._found is None:
            room, needed = free(self._study), self.needed
            if room < needed:
                self._found = DiskFailed(
                    f"The disk of {self._study} is nearly full",
                    expected=f"{megabytes(needed)} free, for the models in training, the workbook and the journal",
                    got=f"{megabytes(room)} free",
                    hint="make room",
                )
        return self._found is not None

    def check(self) -> None:
        """Nothing happens while there is room; DiskFailed says how much is free and how much is needed."""
        if self.short():
            assert self._found is not None
            raise self._found


def free(folder: Path) -> int:
    """Bytes that are free where a folder is, or will be made."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free


def megabytes(size: int) -> str:
    """A number of bytes as people read it."""
    return f"{size / 1e6:,.1f} MB"


def refused(study: Path, error: OSError) -> DiskFailed:
    """What to tell a user of a disk that refused."""
    if error.errno not in _FULL:
        where = f" ({error.filename})" if error.filename else ""
        return DiskFailed(
            f"The study folder {study} cannot be written: {error.strerror or error}{where}",
            hint="check its place and permissions",
        )
    return DiskFailed(
        f"The disk of {study} is full: {error.strerror}",
        expected=f"at least {megabytes(FLOOR)} free",
        got=f"{megabytes(free(study))} free",
        hint="make room, or raise the quota",
    )
