"""Write files so that neither a crash nor a full disk ever leaves half of one, and no reader sees half of one."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_SUFFIX: Final = ".tmp"


def replace(path: Path, content: bytes) -> str:
    """Write `content` to `path`, completely or not at all, and fsync it. Return its SHA-256 in hexadecimal digits."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_SUFFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return hashlib.sha256(content).hexdigest()


def replace_text(path: Path, text: str) -> None:
    """Write a text as UTF-8 as `replace` does; half characters, as undecodable file names have them, by their code."""
    replace(path, text.encode(errors="backslashreplace"))


def temporaries(folder: Path) -> Iterator[Path]:
    """Temporary files in a folder (not below it) that a killed writer left, sorted; none if there is no folder."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if entry.name.startswith(".") and entry.name.endswith(_SUFFIX) and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, and fsync their names."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Fsync a folder: the names of its files survive a power cut."""
    if os.name == "nt":
        return  # Windows has no handle for a folder
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
