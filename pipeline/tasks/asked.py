"""What a user asks of a target beyond its task: a measure, and for numbers scales, weights and tolerances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from pipeline.errors import UserError

JudgeOn = Literal["transformed", "original"]
ALL: Final = ""  # the name of a value that is for all targets: it was given without one


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of a target; without any of them it is what it always was.

    Each mapping is by target, with `ALL` for every target that is not named.
    """

    objective: str = "auto"
    transforms: Mapping[str, object] = field(default_factory=dict)  # names of `transforms.KINDS`, or "auto"
    judge_on: JudgeOn = "transformed"
    shares: Mapping[str, object] = field(default_factory=dict)  # weights of the targets in the score
    tolerances: Mapping[str, object] = field(default_factory=dict)  # as `tolerance.Tolerance.of` reads them

    @property
    def only_the_objective(self) -> bool:
        """True if nothing is asked that numbers alone have."""
        return replace(self, objective="auto") == Asked()


NOTHING_ASKED: Final = Asked()


def of_target(values: Mapping[str, object], targets: Sequence[str], option: str = "") -> dict[str, Any]:
    """The values of an option by target, in the order of the targets; those without one are left out.

    Raises:
        UserError: A name is none of a target.
    """
    strange = [name for name in values if name != ALL and name not in targets]
    if strange:
        raise UserError(
            f"{option} names {strange[0]!r}, which is not a target",
            expected=", ".join(targets),
            hint=f"write {option} TARGET=VALUE, or {option} VALUE for all targets",
        )
    found = {name: values.get(name, values.get(ALL)) for name in targets}
    return {name: value for name, value in found.items() if value is not None}
