"""Reading untrusted files: a study folder can come from a stranger, or from a failing disk.

Nothing that is read is executed and no link is followed. Memory is allocated for what the caller expects and for what
is really on the disk, never for what a file claims about itself.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import stat
import struct
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NoReturn

import numpy as np

from pipeline.errors import DamagedFile, UserError

DIRECTORY: Final = 1 << 20  # bytes: a zip archive's table of contents, twenty thousand members
NPY_HEADER: Final = 10_240  # bytes: the header before the numbers of an array, as NumPy limits it and a little more
SHOWN: Final = 200  # characters of an untrusted text in a message
_END: Final = struct.Struct("<4s4H2LH")  # a zip archive's last record, without comment


class Damage(Exception):
    """Bytes are not what they should be; the text says how. Callers, who know the file, make a DamagedFile of it."""


def content(path: Path, largest: int, hint: str) -> bytes:
    """Read a plain file of at most `largest` bytes. Raise DamagedFile with `hint` for a link or anything else."""
    with opened(path, largest, hint) as file:
        # Not read(largest), which allocates that much memory before it reads.
        return file.read(os.fstat(file.fileno()).st_size)


def sha256(path: Path, largest: int, hint: str) -> str:
    """The SHA-256 of a plain file of at most `largest` bytes. Raise DamagedFile with `hint` for anything else."""
    with opened(path, largest, hint) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def opened(path: Path, largest: int, hint: str) -> io.BufferedReader:
    """Open a plain file of at most `largest` bytes for reading. Raise DamagedFile with `hint` for anything else."""
    # Without O_NONBLOCK opening a named pipe would block.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        why = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        why = "is a link" if path.is_symlink() else why
        raise DamagedFile(f"{path} {why}", expected="a plain file", hint=hint) from error
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_size <= largest:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise DamagedFile(f"{path} is not a plain file", hint=hint)
    got = f"{found.st_size} bytes"
    raise DamagedFile(f"{path} is too large", expected=f"at most {largest} bytes", got=got, hint=hint)


def plain(study: Path) -> None:
    """Raise DamagedFile, naming a link, device or pipe, unless a folder holds plain files and folders only.

    Afterwards everything that a run reads or writes there is really inside the folder, whatever its source.
    """
    folders = [study]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in sorted(entries, key=lambda each: each.name):  # of several links the same one is named always
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False) and not entry.name.startswith(".#"):  # Emacs's marks
                    raise DamagedFile(
                        f"{entry.path} is {'a link' if entry.is_symlink() else 'not a plain file'}",
                        expected="plain files and folders only, so that nothing outside the study folder is touched",
                        hint="remove it, or replace a link by the file that it points to",
                    )


def shown(value: object) -> str:
    """Show an untrusted value in one short line of ASCII: terminals interpret some characters as commands."""
    try:
        text = ascii(value)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} that is too large to show"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"


# --------------------------------------------------------------------------------------------------------------- JSON


def json_object(data: bytes) -> dict[str, Any]:
    """Parse a JSON object. Raise Damage for anything else, including NaN, infinity and very deep nesting."""
    try:
        found = _JSON.decode(data.decode("utf-8"))
    except RecursionError:
        raise Damage("it is nested too deeply") from None
    except ValueError as error:
        raise Damage(str(error)) from error
    if not isinstance(found, dict):
        raise Damage("it does not hold a JSON object")
    return found


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse(f"{text:.40}")
    return value


_JSON: Final = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


# ------------------------------------------------------------------------------------------------- archives and arrays


def members(file: IO[bytes], names: str, largest: int) -> Iterator[tuple[str, bytes]]:
    """Iterate over the names and contents of a zip archive's members, together at most `largest` bytes.

    Raise Damage if a name does not match `names` or occurs twice, or if the archive unpacks to more bytes, is encrypted
    or is not an archive. All names and sizes are checked before anything is unpacked.
    """
    _check_directory(file)
    with damage(), zipfile.ZipFile(file) as archive:
        found = archive.infolist()
        _check_members(found, names, largest)
        for each in found:
            yield each.filename, archive.read(each)


@contextmanager
def damage() -> Iterator[None]:
    """Raise Damage for whatever a library raises; UserErrors and Damage itself come out as they are.

    Malformed bytes lead zlib and NumPy into errors of many kinds, which neither of them documents.
    """
    try:
        yield
    except (Damage, UserError):
        raise
    except Exception as error:
        raise Damage(str(error) or type(error).__name__) from error


def _check_members(found: Sequence[zipfile.ZipInfo], names: str, largest: int) -> None:
    wrong = [each.filename for each in found if not re.fullmatch(names, each.filename, re.ASCII)]
    if wrong or len({each.filename for each in found}) < len(found):
        raise Damage(f"its members are not those of such a file ({shown((wrong or ['a name twice'])[0])})")
    if sum(each.file_size for each in found) > largest:
        raise Damage(f"it unpacks to more than {largest} bytes")


def _check_directory(file: IO[bytes]) -> None:
    # zipfile reads the whole table of contents, whatever its claimed length, before one can ask for names.
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size))
    end = file.read(_END.size)
    file.seek(0)
    if len(end) < _END.size:
        raise Damage("it is too short to be an archive")
    mark, *_, length, start, comment = _END.unpack(end)
    if mark != b"PK\5\6" or comment or length > DIRECTORY or start + length + _END.size != size:
        raise Damage("it does not end as an archive does")


def array(data: bytes, kind: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Read an .npy file of exactly this type and shape (None: any shape). Raise Damage for anything else.

    The size that the header claims is compared with the number of bytes before memory is allocated.
    """
    stream = io.BytesIO(data)
    found, fortran, dtype = _header(stream)
    if dtype != np.dtype(kind) or dtype.hasobject:
        raise Damage(f"it holds values of type {shown(str(dtype))} instead of {np.dtype(kind)}")
    if shape is not None and found != shape:
        raise Damage(f"it has the shape {shown(found)} instead of {shape}")
    if min(found, default=0) < 0 or math.prod(found) * dtype.itemsize != len(data) - stream.tell():
        raise Damage(f"it has {len(data) - stream.tell()} bytes for the shape {shown(found)}")
    flat = np.frombuffer(data, dtype, offset=stream.tell())
    return flat.reshape(found, order="F" if fortran else "C").copy(order="K")


def _header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            version = np.lib.format.read_magic(stream)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            shape, fortran, dtype = read[version](stream)
    except UserError:
        raise
    except Exception as error:  # the header is a Python literal, which can be malformed in many ways
        raise Damage(f"it is not an array ({type(error).__name__})") from error
    return tuple(shape), bool(fortran), dtype


def arrays(data: bytes, expected: Mapping[str, tuple[int, ...]], kind: str) -> dict[str, np.ndarray]:
    """Read an .npz file of exactly these arrays, by shape and type. Raise Damage for anything else."""
    # A stored archive unpacks to less than its own size: one that claims more was made to fill the memory.
    found = {
        name.removesuffix(".npy"): member for name, member in members(io.BytesIO(data), r"\w{1,40}\.npy", len(data))
    }
    if set(found) != set(expected):
        raise Damage(f"it holds the arrays {shown(sorted(found))} instead of {shown(sorted(expected))}")
    return {name: array(found[name], kind, shape) for name, shape in expected.items()}
