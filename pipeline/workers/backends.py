"""The backends by name, and one from outside as `module:object`: a backend is a file, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from pipeline.errors import UserError
from pipeline.plugins import is_reference, load_object
from pipeline.workers.places import OpenPlaces

LOCAL: Final = "local"
BACKENDS: Final[Mapping[str, str]] = {LOCAL: "pipeline.workers.local:LocalPlaces"}

_EXPECTED: Final = f"{', '.join(BACKENDS)}, or a backend of yours as module:object"


def load(name: str) -> OpenPlaces:
    """What opens the places of the backend with that name; UserError for one that is not there.

    The module of a `module:object` is imported, so the name has to come from the user, never from a study folder. It
    is looked for where Python looks, and then in the working directory.
    """
    if name not in BACKENDS and not is_reference(name):
        raise UserError("There is no such backend", expected=_EXPECTED, got=repr(name), hint="check --cluster")
    found = load_object(BACKENDS.get(name, name), expected=_EXPECTED, what="backend")
    if not callable(found):
        raise UserError(f"The backend {name} cannot be called", expected="a function (slots, folder of logs) -> Places")
    return cast("OpenPlaces", found)
