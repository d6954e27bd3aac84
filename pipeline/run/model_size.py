"""The size of the largest network of a study, which determines the limits of jobs and the disk space."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline import models
from pipeline.errors import UserError
from pipeline.models import Signature
from pipeline.space import Space
from pipeline.workers.local import LocalPlaces
from pipeline.workers.places import Parcel
from pipeline.workers.pool import Workers
from pipeline.workers.slots import Slot

LIMIT: Final = 600.0  # seconds for a user-defined function to make its networks


@dataclass(frozen=True, slots=True)
class Measure:
    """A function for workers, from the name of a model to its most weights, or to an error that the user can fix."""

    space: Space
    signature: Signature

    def __call__(self, name: str) -> tuple[int, str]:
        """Build networks of the space, in a process that may import Keras."""
        try:
            return models.load(name).most_weights(self.space, self.signature), ""
        except UserError as error:
            return 0, str(error)


def most_weights(name: str, space: Space, signature: Signature, slot: Slot, code: Sequence[Parcel] = ()) -> int:
    """The number of weights of the largest network; a user-defined function is called by a worker on the slot.

    `code` is the source of that function. Raise UserError with the reason if it does not make networks that this
    program can train.
    """
    if not models.is_own(name):
        return models.load(name).most_weights(space, signature)
    with tempfile.TemporaryDirectory() as logs, Workers(LocalPlaces((slot,), Path(logs)), lambda: False) as workers:
        (finished,) = workers.run(Measure(space, signature), [name], limit=lambda _: LIMIT, needs=lambda _: code)
    if finished.answer is None:
        raise UserError(
            f"{name} cannot be called by a worker",
            expected="a function that returns a network",
            got=finished.lost,
            hint="call it in a separate Python process: that shows where it fails",
        )
    largest, error = finished.answer
    if error:
        raise UserError(error)
    return largest
