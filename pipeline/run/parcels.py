"""The parcels that the jobs of a run need: user-defined modules and the rows, each named by its SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.plugins import Source, is_reference, sources_of
from pipeline.workers.places import Module, Parcel


def code_of(reference: str) -> tuple[Parcel, ...]:
    """The current source of a `module:object` of the user's: last, after the packages around it.

    Empty for built-in names. Raise UserError if there is no such module. Nothing is executed.
    """
    return tuple(_code(each) for each in sources_of(reference.partition(":")[0])) if is_reference(reference) else ()


def _code(source: Source) -> Parcel:
    return Parcel(
        digest=hashlib.sha256(source.content).hexdigest(),
        kind="code",
        content=lambda: source.content,
        module=Module(source.module, source.origin, source.folders),
    )


def rows_parcel(path: Path, digest: str) -> Parcel:
    """A file of rows with that SHA-256; the machine of the run needs no copy of it."""
    return Parcel(digest, "rows", path.read_bytes, file=path)
