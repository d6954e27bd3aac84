"""The backends by name, and one from outside as `module:object`: a backend is a file, and a line here."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final, cast

from pipeline.errors import UserError
from pipeline.workers.places import OpenPlaces

LOCAL: Final = "local"
BACKENDS: Final[Mapping[str, str]] = {LOCAL: "pipeline.workers.local:LocalPlaces"}

_EXPECTED: Final = f"{', '.join(BACKENDS)}, or a backend of yours as module:object"


def load(name: str) -> OpenPlaces:
    """Find the function that opens the places of a backend.

    Args:
        name: One of `BACKENDS`, or a `module:object`, which is imported: it has to come from the user, never from a
            study folder. Python's search path comes first, the working directory last.

    Returns:
        The function, from slots and the folder of logs to `Places`.

    Raises:
        UserError: There is no such backend, it cannot be imported, or it cannot be called.
    """
    module, colon, attribute = BACKENDS.get(name, name).partition(":")
    if not colon or not module or not attribute.isidentifier():
        raise UserError("There is no such backend", expected=_EXPECTED, got=repr(name), hint="check --cluster")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # at the end: a file beside the data must not stand in for an installed package
    try:
        found = getattr(import_module(module), attribute)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"The backend {name} cannot be loaded",
            expected=_EXPECTED,
            got=f"{type(error).__name__}: {str(error)[:500]}",
            hint="check --cluster, and where you start the command",
        ) from error
    if not callable(found):
        raise UserError(f"The backend {name} cannot be called", expected="a function (slots, folder of logs) -> Places")
    return cast("OpenPlaces", found)
