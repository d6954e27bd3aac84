"""Reading what anybody may have written: a study folder can come from a stranger, or from a failing disk.

Nothing that is read is executed, no link is followed, and the memory that is taken follows from what the caller expects
and from what is really on the disk, never from what a file claims about itself.
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
from pathlib import Path
from typing import IO, Any, Final, NoReturn

import numpy as np

from pipeline.errors import DamagedFile

DIRECTORY: Final = 1 << 20  # bytes: a zip archive's table of contents, twenty thousand members
NPY_HEADER: Final = 10_240  # bytes: what stands before the numbers of an array, as NumPy limits it and a little more
SHOWN: Final = 200  # characters of a stranger's text in a message
_END: Final = struct.Struct("<4s4H2LH")  # a zip archive's last record, without comment


def content(path: Path, largest: int, hint: str) -> bytes:
    """The bytes of a plain file of at most `largest` bytes; DamagedFile with `hint` for a link or anything else."""
    with opened(path, largest, hint) as file:
        # Not read(largest): that takes the memory before it looks at the file.
        return file.read(os.fstat(file.fileno()).st_size)


def sha256(path: Path, largest: int, hint: str) -> str:
    """The SHA-256 of a plain file of at most `largest` bytes; DamagedFile with `hint` for a link or anything else."""
    with opened(path, largest, hint) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def opened(path: Path, largest: int, hint: str) -> io.BufferedReader:
    """A plain file of at most `largest` bytes, open for reading; DamagedFile with `hint` for anything else."""
    # Without O_NONBLOCK a named pipe would be waited for.
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
        raise DamagedFile(f"{path} is no plain file", hint=hint)
    got = f"{found.st_size} bytes"
    raise DamagedFile(f"{path} is too large", expected=f"at most {largest} bytes", got=got, hint=hint)


def plain(study: Path) -> None:
    """Nothing happens for a folder of plain files and folders; DamagedFile names a link or device in it.

    What a run reads, writes and appends to in the folder is then in the folder, wherever that came from.
    """
    folders = [study]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False) and not entry.name.startswith(".#"):  # Emacs's marks
                    raise DamagedFile(
                        f"{entry.path} is {'a link' if entry.is_symlink() else 'no plain file'}",
                        expected="a study folder of plain files and folders, so that nothing outside it is touched",
                        hint="remove it, or put what it leads to in its place",
                    )


def shown(value: object) -> str:
    """A stranger's value as one short line of a message, in ASCII: terminals obey some characters."""
    try:
        text = ascii(value)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} that is too large to show"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"


# --------------------------------------------------------------------------------------------------------------- JSON


def json_object(data: bytes) -> dict[str, Any]:
    """The object that a JSON text holds; ValueError for anything else, NaN, infinity and bottomless nesting."""
    try:
        found = _JSON.decode(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it holds no JSON object")  # noqa: TRY004 - one kind of error for all damage
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
    """The members of a zip archive, one after the other, together at most `largest` bytes.

    ValueError for a name that does not match `names`, a name that comes twice, an archive that unpacks to more, is
    encrypted, or is no archive; nothing is unpacked before all names and sizes were looked at.
    """
    _check_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            found = archive.infolist()
            _check_members(found, names, largest)
            for each in found:
                yield each.filename, archive.read(each)
    except Exception as error:  # a compressed stream that is none ends in errors of its library's own
        raise ValueError(str(error) or type(error).__name__) from error


def _check_members(found: Sequence[zipfile.ZipInfo], names: str, largest: int) -> None:
    wrong = [each.filename for each in found if not re.fullmatch(names, each.filename, re.ASCII)]
    if wrong or len({each.filename for each in found}) < len(found):
        raise ValueError(f"its members are not the ones of such a file ({shown((wrong or ['a name twice'])[0])})")
    if sum(each.file_size for each in found) > largest:
        raise ValueError(f"it unpacks to more than {largest} bytes")


def _check_directory(file: IO[bytes]) -> None:
    # zipfile reads the whole table of contents, as long as the archive says that it is, before one can ask for names.
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size))
    end = file.read(_END.size)
    file.seek(0)
    if len(end) < _END.size:
        raise ValueError("it is too short to be an archive")
    mark, *_, length, start, comment = _END.unpack(end)
    if mark != b"PK\5\6" or comment or length > DIRECTORY or start + length + _END.size != size:
        raise ValueError("it does not end as an archive does")


def array(data: bytes, kind: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """The array of an .npy file, of exactly this type and shape (None: any); ValueError for anything else.

    What the header claims is compared with the bytes that are there before memory is taken.
    """
    stream = io.BytesIO(data)
    found, fortran, dtype = _header(stream)
    if dtype != np.dtype(kind) or dtype.hasobject:
        raise ValueError(f"it holds values of type {shown(str(dtype))} instead of {np.dtype(kind)}")
    if shape is not None and found != shape:
        raise ValueError(f"it has the shape {shown(found)} instead of {shape}")
    if min(found, default=0) < 0 or math.prod(found) * dtype.itemsize != len(data) - stream.tell():
        raise ValueError(f"it has {len(data) - stream.tell()} bytes for the shape {shown(found)}")
    flat = np.frombuffer(data, dtype, offset=stream.tell())
    return flat.reshape(found, order="F" if fortran else "C").copy(order="K")


def _header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            version = np.lib.format.read_magic(stream)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            shape, fortran, dtype = read[version](stream)
    except Exception as error:  # a header is a Python literal: there are many ways to be none
        raise ValueError(f"it is no array ({type(error).__name__})") from error
    return tuple(shape), bool(fortran), dtype


def arrays(data: bytes, expected: Mapping[str, tuple[int, ...]], kind: str) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, exactly these, of these shapes and this type; ValueError for anything else."""
    # A stored archive unpacks to less than its own size: one that claims more was made to fill the memory.
    found = {
        name.removesuffix(".npy"): member for name, member in members(io.BytesIO(data), r"\w{1,40}\.npy", len(data))
    }
    if set(found) != set(expected):
        raise ValueError(f"it holds the arrays {shown(sorted(found))} instead of {shown(sorted(expected))}")
    return {name: array(found[name], kind, shape) for name, shape in expected.items()}
