"""The backends by name, or from outside as `module:object`. A new backend is a file, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from pipeline.errors import UserError
from pipeline.plugins import is_reference, load_object
from pipeline.workers.places import OpenPlaces

LOCAL: Final = "local"
BACKENDS: Final[Mapping[str, str]] = {LOCAL: "pipeline.workers.local:LocalPlaces"}

_EXPECTED: Final = f"{', '.join(BACKENDS)}, or your own backend as module:object"


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
    if name not in BACKENDS and not is_reference(name):
        raise UserError("There is no such backend", expected=_EXPECTED, got=repr(name), hint="check --cluster")
    found = load_object(BACKENDS.get(name, name), expected=_EXPECTED, what="backend")
    if not callable(found):
        raise UserError(f"The backend {name} cannot be called", expected="a function (slots, folder of logs) -> Places")
    return cast("OpenPlaces", found)
