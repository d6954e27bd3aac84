"""How large the networks of a study are, and what else the choice of a model brings with it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline import models
from pipeline.data.layout import shape_of
from pipeline.data.rows import Rows
from pipeline.errors import UserError
from pipeline.models import Signature
from pipeline.models.custom_keras import source_sha256
from pipeline.plugins import is_reference
from pipeline.settings import Settings
from pipeline.space import Space
from pipeline.workers.pool import Workers
from pipeline.workers.slots import Slot

_CODE: Final = ("model", "task", "engine")  # settings that may name code of the user's, which results depend on
LIMIT: Final = 600.0  # seconds in which a function of the user's has made its networks


@dataclass(frozen=True, slots=True)
class Measure:
    """A function for workers, from the name of a model to its most weights, or to what a user has to mend."""

    space: Space
    signature: Signature

    def __call__(self, name: str) -> tuple[int, str]:
        """Build networks of the space, in a process that may import Keras."""
        try:
            return models.load(name).most_weights(self.space, self.signature), ""
        except UserError as error:
            return 0, str(error)


def most_weights(name: str, space: Space, signature: Signature, slot: Slot) -> int:
    """How many numbers the largest network has; a function of the user's is called for that by a worker on the slot.

    UserError says why it makes no network that this program can train.
    """
    if not models.is_own(name):
        return models.load(name).most_weights(space, signature)
    source_sha256(name)  # no worker has to start to see that there is no such module
    with tempfile.TemporaryDirectory() as logs, Workers((slot,), Path(logs), lambda: False) as workers:
        (finished,) = workers.run(Measure(space, signature), [name], limit=lambda _: LIMIT)
    if finished.answer is None:
        raise UserError(f"{name} cannot be called by a worker", got=finished.lost)
    largest, error = finished.answer
    if error:
        raise UserError(error)
    return largest


def facts(asked: Settings, rows: Rows) -> dict[str, Any]:
    """What results must share that most studies do not have: a user's source, a time, rows with a shape."""
    shape = shape_of(rows.features)
    return {
        **{f"{name}_sha256": source_sha256(own) for name in _CODE if is_reference(own := getattr(asked, name))},
        **({"time": asked.time} if asked.time else {}),
        **({"shape": shape} if shape else {}),
    }
