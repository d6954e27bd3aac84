"""Objects of the user's, named as `module:object`: imported because the user named them, and for no other reason.

A study folder may come from a stranger. What it says of such a name is compared with what the user says; nothing that
is read from a file is ever handed to `load_object`.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from pipeline.errors import UserError

_REFERENCE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def is_reference(name: object) -> bool:
    """True for a text of the form `module:object`, the module with or without dots."""
    return isinstance(name, str) and bool(_REFERENCE.fullmatch(name))


def load_object(reference: str, *, expected: str) -> Any:
    """The object of a module that is installed or in the working directory; the module is imported.

    Args:
        reference: `module:object`, as the user gave it.
        expected: What the object should be, in the words of an error.

    Raises:
        UserError: There is no such module, it cannot be imported, or it has no such object.
    """
    module, _, name = reference.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # at the end: a file beside the data must not stand in for an installed package
    try:
        found = import_module(module)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
            raise UserError(
                f"There is no module {module}",
                expected=f"{module.replace('.', '/')}.py in the working directory, or an installed package",
                hint=f"check {reference}, and where you start the command",
            ) from error
        raise UserError(
            f"The module {module} cannot be imported",
            got=f"{type(error).__name__}: {str(error)[:500]}",
            hint=f"python -c 'import {module}' shows where it fails",
        ) from error
    if not hasattr(found, name):
        raise UserError(f"The module {module} has no object {name}", expected=expected)
    return getattr(found, name)
