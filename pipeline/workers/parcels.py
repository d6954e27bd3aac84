"""Parcels in a worker: rows and modules are found by content, whatever is on the disk by then."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import SOURCE_SUFFIXES, ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from pipeline.errors import DamagedFile
from pipeline.storage import atomic
from pipeline.workers.places import Module, Parcel

AGAIN: Final = "run the same command again: it is written again"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A parcel on its way to a process of this machine."""

    digest: str
    content: bytes | Path  # a path for what this machine has as a file
    module: Module | None

    @classmethod
    def of(cls, parcel: Parcel) -> Delivery:
        """The parcel as its file, if this machine has one, otherwise as its bytes."""
        return cls(parcel.digest, parcel.file or parcel.content(), parcel.module)


def hold(deliveries: Sequence[Delivery]) -> None:
    """Make parcels known to this process; raise DamagedFile if one does not have its digest.

    A file is read only once in the life of a process.
    """
    for each in deliveries:
        if isinstance(each.content, Path):
            _hold_file(each.digest, each.content)
        elif hashlib.sha256(each.content).hexdigest() != each.digest:
            raise DamagedFile("A parcel arrived with other bytes than were sent", got=each.digest, hint=AGAIN)
        elif each.module is not None:
            _MODULES.hold(each.module, each.digest, each.content)


_FILES: Final[dict[str, Path]] = {}


def _hold_file(digest: str, path: Path) -> None:
    if _FILES.get(digest) == path:
        return
    try:
        found = atomic.sha256(path)
    except OSError as error:
        raise DamagedFile(f"{path} cannot be read", got=str(error), hint=AGAIN) from error
    if found != digest:
        raise DamagedFile(f"{path} is not what was written", hint=AGAIN)
    _FILES[digest] = path


def path_of(digest: str) -> Path:
    """The file of a parcel in this process. Raise KeyError if no job needed it here."""
    return _FILES[digest]


# -------------------------------------------------------------------------------------------------------------- modules


class _Loader(SourceFileLoader):
    """Loads a module from the source that was sent; its file may have changed or be missing."""

    def __init__(self, module: Module, source: bytes) -> None:
        super().__init__(module.name, module.origin)
        self._source = source

    def get_data(self, path: str) -> bytes:
        """The source for the module's own file, for tracebacks; other files are read."""
        return self._source if path == self.path else super().get_data(path)

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - as Python calls it
        """The compiled source: byte code beside the file may be of another source."""
        code: CodeType = self.source_to_code(self._source, self.path)
        return code


class _Modules:
    """A finder, in the sense of `sys.meta_path`, of the modules that were sent."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Module, str, bytes]] = {}

    def hold(self, module: Module, digest: str, source: bytes) -> None:
        """Make the next import of the module use this source."""
        if not _has_source(module):
            return
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        held = self._held.get(module.name)
        self._held[module.name] = module, digest, source
        # An imported package stays, because others may use it; the module of a user's function is imported again.
        if module.folders is None if held is None else held[1] != digest:
            sys.modules.pop(module.name, None)

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002 - as Python calls it
        """The import specification of a module that was sent; None for all others."""
        if name not in self._held:
            return None
        module, _, source = self._held[name]
        if not module.origin:
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = list(module.folders or ())
            return spec
        folders = None if module.folders is None else list(module.folders)
        return spec_from_file_location(
            name, module.origin, loader=_Loader(module, source), submodule_search_locations=folders
        )


def _has_source(module: Module) -> bool:
    """False for compiled extensions and the like, which Python imports from their files."""
    return not module.origin or module.origin.endswith(tuple(SOURCE_SUFFIXES))


_MODULES: Final = _Modules()
