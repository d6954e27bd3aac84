"""Free disk space: a run stops in order while there is still enough of it to save the models in training."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline.errors import UserError

FLOOR: Final = 32 << 20  # bytes: the journal of 30,000 repeats, the pictures, the summary
EACH: Final = 64 << 10  # bytes of a saved repeat besides its weights: probe, scalers, manifest, half-full blocks
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FAILING: Final = _FULL | {errno.EIO}  # a full or broken disk; not a file that another program has open

_ADVICE: Final[Mapping[int, str]] = {
    errno.EDQUOT: "delete files of yours, or ask for a larger quota",
    errno.EFBIG: "raise the limit of the size of a file (`ulimit -f` shows it), or use another file system",
    errno.EIO: "check the disk: it reports errors",
    errno.EROFS: "use another folder: this file system can only be read",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.EMFILE: "raise the number of files that a process may open (`ulimit -n` shows it)",
    errno.ENFILE: "end other programs: the machine has too many open files",
    errno.ENOTDIR: "check the path: a part of it is not a folder",
    errno.ENOENT: "check the path: its folder does not exist",
}
"""What helps against each error of the operating system; nothing but what fits it."""


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


def reason_of(error: OSError) -> str:
    """What the operating system says, without its number; never empty."""
    return error.strerror or str(error) or type(error).__name__


def advice_for(error: OSError) -> str:
    """What the user can do about a file that the operating system refuses."""
    return _ADVICE.get(error.errno or 0, "check the path and its permissions")


def unusable(path: Path, error: OSError) -> UserError:
    """Make the error for a path that the operating system refuses before anything was written there."""
    return UserError(f"{path} cannot be used: {reason_of(error)}{_where(error, path)}", hint=advice_for(error))


def refused(study: Path, error: OSError) -> DiskFailed:
    """Make the error for a write to a study that the operating system refused: it says what was really in the way."""
    if error.errno == errno.ENOSPC:
        return _full(study, error)
    what = {
        errno.EDQUOT: f"The disk quota for {study} is used up: {reason_of(error)}",
        errno.EFBIG: f"A file of {study} would be larger than files may be here: {reason_of(error)}",
    }.get(error.errno or 0, f"The study folder {study} cannot be written: {reason_of(error)}{_where(error, study)}")
    return DiskFailed(what, hint=advice_for(error))


def _full(study: Path, error: OSError) -> DiskFailed:
    room = free(study)
    if room < FLOOR:
        return DiskFailed(
            f"The disk of {study} is full: {reason_of(error)}",
            expected=f"at least {megabytes(FLOOR)} free",
            got=f"{megabytes(room)} free",
            hint="free some space",
        )
    return DiskFailed(
        f"The disk of {study} takes nothing more: {reason_of(error)}",
        got=f"{megabytes(room)} free",
        hint="delete files: there are too many of them (`df -i` shows it), or what is free is reserved",
    )


def _where(error: OSError, path: Path) -> str:
    return f" ({error.filename})" if error.filename and str(error.filename) != str(path) else ""
