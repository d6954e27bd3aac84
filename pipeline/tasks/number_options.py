"""What a user may ask of targets that are numbers, checked before anything is fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from pipeline.errors import UserError
from pipeline.tasks import transforms
from pipeline.tasks.asked import Asked, of_target
from pipeline.tasks.task import Columns
from pipeline.tasks.tolerance import Tolerance

TRANSFORM: Final = "--target-transform"
SHARES: Final = "--target-weights"
TOLERANCE: Final = "--tolerance"


def check_asked(columns: Columns, rows: Sequence[str], *, asked: Asked) -> None:
    """Raise UserError for a mistake in the options for these whole target columns, naming rows that they cannot take.

    `rows` say where each of the values stands.
    """
    names = [*columns]
    for name, kind in of_target(asked.transforms, names, TRANSFORM).items():
        transforms.known(kind, name)
    given = of_target(asked.shares, names, SHARES)
    for name, share in given.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < math.inf:
            raise UserError(f"The weight of target {name!r} is wrong", expected="a number above 0", got=str(share))
    limits = of_target(asked.tolerances, names, TOLERANCE)
    for name, limit in limits.items():
        Tolerance.of(name, limit)
    lacking = [name for name in names if limits and name not in limits]
    if lacking:
        raise UserError(
            f"Target {lacking[0]!r} has no tolerance",
            expected="one for each target: a row is within if all its targets are",
            hint=f'write --tolerance "{", ".join(f"{name}=..." for name in names)}"',
        )
    if asked.objective == "within-tolerance" and not limits:
        raise UserError(
            "The objective within-tolerance has no tolerance",
            expected="how far off a prediction may be",
            hint="write --tolerance 5%, or TARGET=5%, for each target",
        )
    for name, kind in of_target(asked.transforms, [*columns], TRANSFORM).items():
        transforms.check(str(kind), name, columns[name], rows)
    for name, limit in of_target(asked.tolerances, [*columns], TOLERANCE).items():
        Tolerance.of(name, limit).check(name, columns[name], rows)
