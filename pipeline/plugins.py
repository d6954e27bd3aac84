"""Code of the user's, named as `module:object`: the one way in which the package imports what it does not ship.

A module is imported only because the user has named it: nothing that a study's folder holds leads to an import. It is
looked for where Python looks, and then in the working directory.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module, machinery
from pathlib import Path
from typing import Any, Final

from pipeline.errors import UserError

_REFERENCE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_LISTED: Final = 300  # characters of the names that a module has


def is_reference(name: object) -> bool:
    """True for a text of the form `module:object`, or `package.module:object`."""
    return isinstance(name, str) and bool(_REFERENCE.fullmatch(name))


def load_object(reference: str, *, expected: str, what: str = "object") -> Any:
    """Import the module of a reference and return the object that it names.

    Args:
        reference: A text for which `is_reference` holds.
        expected: What the user should have named, for the error.
        what: One word for that, such as "function".

    Raises:
        UserError: Where there is no such module, where it cannot be imported, and where it has no such object.
    """
    module, _, name = reference.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # at the end: a file beside the data must not stand in for an installed package
    try:
        found = import_module(module)
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
            raise _missing(module) from error
        raise UserError(
            f"The module {module} cannot be imported",
            got=f"{type(error).__name__}: {str(error)[:500]}",
            hint=f"mend it: python -c 'import {module}' shows where",
        ) from error
    if not hasattr(found, name):
        public = sorted(each for each, value in vars(found).items() if callable(value) and not each.startswith("_"))
        got = f"it has {', '.join(public)[:_LISTED]}" if public else "it has none"
        raise UserError(f"The module {module} has no {what} {name}", expected=expected, got=got)
    return getattr(found, name)


@dataclass(frozen=True, slots=True)
class Source:
    """A module as it was found, without executing anything of it."""

    module: str  # "package.module"
    origin: str  # its file; empty for a package that is a folder and no more
    folders: tuple[str, ...] | None  # of a package: where its modules lie
    content: bytes


def sources_of(module: str) -> tuple[Source, ...]:
    """The packages around a module, outermost first, and last the module itself; nothing of them is executed.

    Raises:
        UserError: Where there is no such module, or no file that holds its source.
    """
    places: Sequence[str] = [*sys.path, str(Path.cwd())]
    found: list[Source] = []
    parts = module.split(".")
    for depth, part in enumerate(parts, 1):
        # By its last name, for a package without a file is not found by its whole name before its parent is imported.
        spec = machinery.PathFinder.find_spec(part, places)
        if spec is None:
            raise _missing(module)
        folders = spec.submodule_search_locations
        places = tuple(folders or ())
        whole = ".".join(parts[:depth])
        found.append(
            Source(whole, spec.origin or "", None if folders is None else places, _content(spec.origin, module))
        )
    if not found[-1].origin:
        raise _missing(module)
    return tuple(found)


def _content(origin: str | None, module: str) -> bytes:
    if origin is None:
        return b""
    try:
        return Path(origin).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(module) from None
    except OSError as error:
        raise UserError(
            f"The module {module} cannot be read", got=f"{error.strerror}: {origin}", hint="check its permissions"
        ) from error


def _missing(module: str) -> UserError:
    return UserError(
        f"There is no module {module}",
        expected=f"{module.replace('.', '/')}.py in the working directory, or an installed package",
        hint="check its name, and where you start the command",
    )
