"""Code of the user's, named as `module:object`: the one way in which the package imports what it does not ship.

A module is imported only because the user has named it: nothing that a study's folder holds leads to an import. It is
looked for where Python looks, and then in the working directory.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib import import_module, machinery
from pathlib import Path
from typing import Final

from pipeline.errors import UserError

_REFERENCE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_LISTED: Final = 300  # characters of the names that a module has


def is_reference(name: str) -> bool:
    """True for a text of the form `module:object`, or `package.module:object`."""
    return bool(_REFERENCE.fullmatch(name))


def load_object(reference: str, *, expected: str, what: str = "object") -> object:
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


def source_path(module: str) -> Path:
    """The source file of a module, found without executing anything of it.

    Raises:
        UserError: Where there is no such module, or no file that holds its source.
    """
    places: Sequence[str] | None = [*sys.path, str(Path.cwd())]
    origin = None
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        spec = machinery.PathFinder.find_spec(".".join(parts[:depth]), places)
        if spec is None:
            raise _missing(module)
        origin, places = spec.origin, spec.submodule_search_locations
    if origin is None or not Path(origin).is_file():
        raise _missing(module)
    return Path(origin)


def _missing(module: str) -> UserError:
    return UserError(
        f"There is no module {module}",
        expected=f"{module.replace('.', '/')}.py in the working directory, or an installed package",
        hint="check its name, and where you start the command",
    )
