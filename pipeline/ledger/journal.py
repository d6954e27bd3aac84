"""The journal: the truth of a study, with one checksummed line for each fact. Lines are only ever appended.

A line counts as soon as its newline is written. An incomplete last line (after a power cut, or on a full disk) is never
removed: the next run appends a fence line, and readers skip the incomplete one. Damage anywhere else is an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from pipeline.errors import DamagedFile, UserError
from pipeline.ledger.records import (
    FENCE,
    FORMAT,
    HEADER,
    LONGEST,
    Begun,
    Known,
    Name,
    Raw,
    Record,
    decode,
    encode,
    frame,
    name,
    parse,
    unframe,
)
from pipeline.storage import untrusted
from pipeline.storage.atomic import sync_folder
from pipeline.trial import Imported, Repeat, Stage

# The mark keeps a torn line torn: without it, a line that lacks only its newline would become complete.
CLOSE: Final = b"~\n" + FENCE
LARGEST: Final = 16 << 30  # bytes: twenty million trainings


@dataclass(frozen=True, slots=True)
class Contents:
    """The facts of a journal, each once, in the order in which they were written."""

    records: tuple[Record, ...] = ()
    header: bool = False  # the journal has its header
    torn: bool = False  # the last line is torn and no fence follows it

    @property
    def repeats(self) -> tuple[Repeat, ...]:
        """The trainings, in file order."""
        return tuple(record for record in self.records if isinstance(record, Repeat))

    @property
    def imported(self) -> tuple[Imported, ...]:
        """The imported results, in file order."""
        return tuple(record for record in self.records if isinstance(record, Imported))

    @property
    def stages(self) -> tuple[Begun, ...]:
        """The stages that have begun, in file order."""
        return tuple(record for record in self.records if isinstance(record, Begun))


def before(contents: Contents, stage: Stage, identity: str) -> Contents:
    """The records before the beginning of a stage; all records if it has not begun."""
    for position, record in enumerate(contents.records):
        if isinstance(record, Begun) and (record.stage, record.identity) == (stage, identity):
            return Contents(contents.records[:position], contents.header)
    return contents


def read(path: Path) -> Contents:
    """Read a journal; a missing file has no contents. The file is never changed.

    Raise DamagedFile, naming the line, if a line was altered, and UserError for a newer format.
    """
    found, header, torn = _scan(path)
    return Contents(tuple(record for _, record in found.values()), header, torn)


Found = dict[Name, tuple[int, Record]]
"""Each fact once, with the hash of its bytes, in file order."""


def _scan(path: Path) -> tuple[Found, bool, bool]:
    """The facts, whether there is a header, and whether the last line is incomplete."""
    if not path.exists() and not path.is_symlink():
        return {}, False, False
    with untrusted.opened(path, LARGEST, "check the path and its permissions, or restore the file from a copy") as file:
        return _replay(_lines(file), path)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a journal; of an overlong line only pieces, so that memory is bounded."""
    while line := file.readline(LONGEST):
        yield line


def _replay(lines: Iterable[bytes], path: Path) -> tuple[Found, bool, bool]:
    known: Known = {}
    found: Found = {}
    header = False
    torn = 0  # number of an incomplete line, after which only a fence or the end of the file may come
    for number, line in enumerate(lines, 1):
        body = unframe(line)
        if body is None:
            if not (header or _begins(line, HEADER) or _begins(line, FENCE)):
                raise _damaged(path, number, line, "a journal begins with a header")
            # Appending a fence can be interrupted as well, any number of times.
            if torn and not _begins(line, FENCE):
                raise _damaged(path, torn, b"", "its checksum does not match")
            torn = torn or number
        elif line == FENCE:
            torn = 0
        elif torn:
            raise _damaged(path, torn, b"", "its checksum does not match")
        elif not header:
            header = _check_header(path, number, line, body)
        else:
            _take(path, number, body, found, known)
    return found, header, torn > 0


def _take(path: Path, number: int, body: bytes, found: Found, known: Known) -> None:
    try:
        raw = parse(body)
        record = decode(raw, known)
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, number, body, f"its record is not valid ({error})") from error
    first = found.setdefault(name(raw), (hash(body), record))
    if first[0] != hash(body):
        raise _damaged(path, number, body, "it contradicts an earlier line about the same fact")


def _check_header(path: Path, number: int, line: bytes, body: bytes) -> bool:
    if line == HEADER:
        return True
    try:
        raw = parse(body)
    except (ValueError, RecursionError):
        raw = {}
    if raw.get("kind") != "header":
        raise _damaged(path, number, body, "a journal begins with a header")
    raise UserError(
        f"The journal {path} was written in format {raw.get('format')!r:.40}",
        expected=f"format {FORMAT}, the one that this version reads and writes",
        hint="use the version of the program that wrote it, or name another study folder",
    )


def _begins(line: bytes, whole: bytes) -> bool:
    """True for a beginning of `whole` followed by zeros (the file grew, but its data was not written) or marks."""
    return whole.startswith(line.rstrip(b"\0~\n"))


def _damaged(path: Path, number: int, line: bytes, why: str) -> DamagedFile:
    return DamagedFile(
        f"The journal {path} is damaged in line {number}: {why}",
        expected="lines exactly as they were written",
        got=ascii(line[:80].decode("latin-1")) if line else "",
        hint=f"restore the file from a copy; or delete line {number} alone, and the next run repeats its training",
    )


class Journal:
    """A journal opened for appending; its properties always show what a reader of the file would see."""

    __slots__ = ("_descriptor", "_found", "_known", "_path", "_torn")

    def __init__(self, path: Path, descriptor: int, found: Found) -> None:
        self._path = path
        self._descriptor = descriptor
        self._torn = False
        self._known: Known = {}
        self._found = found

    @property
    def contents(self) -> Contents:
        """Everything recorded so far, as a value."""
        return Contents(self.records, header=True, torn=self._torn)

    @property
    def records(self) -> tuple[Record, ...]:
        """Everything recorded so far, in file order."""
        return tuple(record for _, record in self._found.values())

    @property
    def repeats(self) -> tuple[Repeat, ...]:
        """The trainings, in file order."""
        return self.contents.repeats

    @property
    def imported(self) -> tuple[Imported, ...]:
        """The imported results, in file order."""
        return self.contents.imported

    @property
    def stages(self) -> tuple[Begun, ...]:
        """The stages that have begun, in file order."""
        return self.contents.stages

    def append_repeat(self, repeat: Repeat) -> None:
        """Record a training and fsync it; for errors see `_append`."""
        self._append(encode(repeat))

    def append_imported(self, row: Imported) -> None:
        """Record an imported result and fsync it; for errors see `_append`."""
        self._append(encode(row))

    def append_stage(self, stage: Stage, identity: str, facts: Mapping[str, Any]) -> None:
        """Record the beginning of a stage and fsync it; for errors see `_append`."""
        self._append(encode(Begun(stage, identity, facts)))

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _append(self, raw: Raw) -> None:
        """Write one line and fsync it; a fact that is already recorded is not written again.

        Raise ValueError for NaN, infinity or a fact that contradicts the recorded one, TypeError for values that JSON
        does not have, and OSError if the disk fails: then the fact does not count, or it counts but may be lost in a
        power cut. Appending can continue afterwards.
        """
        line = frame(raw)
        body = line[27:-2]
        record = decode(parse(body), self._known)  # as a reader will see it: lists for tuples, plain dictionaries
        known = self._found.get(name(raw))
        if known is None:
            line = CLOSE + line if self._torn else line
            self._torn = True
            _write(self._descriptor, line)
            self._torn = False
            self._found[name(raw)] = (hash(body), record)
        elif known[0] != hash(body):
            raise ValueError(f"the journal {self._path} already has another record of {name(raw)}")
        os.fsync(self._descriptor)


def open_journal(path: Path) -> Journal:
    """Open a journal for appending, and create it if it is missing. An incomplete last line gets its fence.

    Raise DamagedFile and UserError like `read`, and OSError if the disk fails.
    """
    found, header, torn = _scan(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except (PermissionError, FileNotFoundError) as error:
        raise UserError(
            f"The journal {path} cannot be written",
            got=str(error.strerror),
            hint="make the folder and the file writable, or name another study folder",
        ) from error
    try:
        repair = (CLOSE if torn else b"") + (b"" if header else HEADER)
        if repair:
            _write(descriptor, repair)
        # Also for an existing file: the process that made it may have been killed before this line.
        os.fsync(descriptor)
        sync_folder(path.parent)
    except BaseException:
        os.close(descriptor)
        raise
    return Journal(path, descriptor, found)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.write(descriptor, view)
        if written <= 0:
            raise OSError("the disk did not accept any bytes")
        view = view[written:]
