"""What the operating system refuses is told as what it is, with advice for that and nothing else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pipeline.storage import disk_space
from pipeline.storage.disk_space import FLOOR, advice_for, refused, unusable

STUDY = Path("results/housing")


def error(number: int, file: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), file)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_space, "free", lambda _: 71_439_000_000)


@pytest.mark.parametrize(
    ("number", "what", "hint"),
    [
        (errno.EFBIG, "A file of results/housing would be larger than files may be here: File too large", "ulimit -f"),
        (errno.EDQUOT, "The disk quota for results/housing is used up: Disk quota exceeded", "larger quota"),
        (errno.ENOSPC, "The disk of results/housing takes nothing more: No space left on device", "df -i"),
        (errno.EIO, "The study folder results/housing cannot be written: Input/output error", "check the disk"),
        (errno.EROFS, "The study folder results/housing cannot be written: Read-only file system", "another folder"),
        (errno.EMFILE, "The study folder results/housing cannot be written: Too many open files", "ulimit -n"),
        (errno.EACCES, "The study folder results/housing cannot be written: Permission denied", "permissions"),
    ],
)
@pytest.mark.usefixtures("free")
def test_a_refused_write_says_what_was_really_in_the_way(number, what, hint):
    text = str(refused(STUDY, error(number)))
    assert text.startswith(what)
    assert hint in text
    assert "is full" not in text
    assert ("MB free" in text) == (number == errno.ENOSPC)


def test_a_full_disk_says_how_much_is_free_and_needed(monkeypatch):
    monkeypatch.setattr(disk_space, "free", lambda _: FLOOR - 1)
    text = str(refused(STUDY, error(errno.ENOSPC)))
    assert text.startswith(
        "The disk of results/housing is full: No space left on device.\n  Expected: at least 33.6 MB"
    )
    assert "Got: 33.6 MB free" in text
    assert "Try: free some space" in text


def test_the_file_is_named_where_it_is_another_one():
    assert "(results/housing/best.txt)" in str(refused(STUDY, error(errno.EACCES, "results/housing/best.txt")))
    assert str(unusable(STUDY, error(errno.ENAMETOOLONG, str(STUDY)))) == (
        "results/housing cannot be used: File name too long.\n  Try: use a shorter name."
    )


def test_errors_of_libraries_without_a_number_are_told_too():
    assert "cannot be used: no such thing" in str(unusable(STUDY, OSError("no such thing")))
    assert "cannot be used: OSError" in str(unusable(STUDY, OSError()))
    assert advice_for(OSError()) == "check the path and its permissions"
