"""The user's own code, named as `module:object`: the only way in which the package imports what it does not ship.

A module is imported only if the user names it: nothing in a study folder leads to an import. Python's search path comes
first, the working directory last.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module, machinery
from pathlib import Path
from typing import Any, Final

from pipeline.errors import UserError

_REFERENCE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_LISTED: Final = 300  # characters of the names that a module has

_named: Final[
    dict[str, str]
] = {}  # modules that were imported because the user named them, and what they were named as


def is_reference(name: object) -> bool:
    """True for a text of the form `module:object`, or `package.module:object`."""
    return isinstance(name, str) and bool(_REFERENCE.fullmatch(name))


def load_object(reference: str, *, expected: str, what: str = "object") -> Any:
    """Import the module of a reference and return the object that it names.

    Args:
        reference: A text for which `is_reference` holds.
        expected: What the user should have named, for the error.
        what: One word for that, such as "function".

    Returns:
        The object, of whatever type it is.

    Raises:
        UserError: There is no such module, it cannot be imported, or it has no such object. A UserError that the module
            itself raises while it is imported comes out as it is.
    """
    module, _, name = reference.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # at the end: a file beside the data must not replace an installed package
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
            hint=f"correct the module: python -c 'import {module}' shows where it fails",
        ) from error
    if not hasattr(found, name):
        own = (each for each, value in vars(found).items() if getattr(value, "__module__", None) == module)
        public = sorted(each for each in own if not each.startswith("_"))
        got = f"it has {', '.join(public)[:_LISTED]}" if public else "it has none"
        raise UserError(f"The module {module} has no {what} {name}", expected=expected, got=got)
    _named[module] = reference
    return getattr(found, name)


def blame(error: BaseException) -> UserError | None:
    """Whose mistake an unexpected error is, where it was raised by code that the user named.

    Args:
        error: What was raised, with its traceback.

    Returns:
        The error to show instead, which names the user's object and the line; None where the package itself was the
        last to call whatever raised it.
    """
    package = f"{__name__.partition('.')[0]}."
    for frame, _ in reversed([*traceback.walk_tb(error.__traceback__)]):
        module = frame.f_globals.get("__name__", "")
        if module in _named:
            return raised(_named[module], error, module)
        if module.startswith(package):
            return None
    return None


def raised(what: str, error: BaseException, module: str, *, expected: str = "") -> UserError:
    """The error for what code of the user's own raised: it says where to mend it, and that nothing is lost.

    Args:
        what: The object, as the user names it.
        error: What it raised.
        module: The module of the object, in which the line is looked for.
        expected: What it should have done.
    """
    lines = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
             if frame.f_globals.get("__name__") == module]  # fmt: skip
    where = f", at line {lines[-1][1]} of {lines[-1][0]}" if lines else ""
    return UserError(
        f"{what} raised {type(error).__name__}",
        expected=expected,
        got=str(error)[:500],
        hint=f"mend it{where}, and give the same command again: all trainings so far are kept",
    )


@dataclass(frozen=True, slots=True)
class Source:
    """A module that was found without executing any of it."""

    module: str  # "package.module"
    origin: str  # its file; empty for a package without __init__.py
    folders: tuple[str, ...] | None  # of a package: the folders of its modules
    content: bytes


def sources_of(module: str) -> tuple[Source, ...]:
    """Find the packages around a module and the module itself, without executing any of them.

    Args:
        module: The full name of the module, such as "package.module".

    Returns:
        The packages, outermost first, and last the module.

    Raises:
        UserError: There is no such module, or no file with its source.
    """
    places: Sequence[str] = [*sys.path, str(Path.cwd())]
    found: list[Source] = []
    parts = module.split(".")
    for depth, part in enumerate(parts, 1):
        # By its last name: a package without a file is not found by its full name before its parent is imported.
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
