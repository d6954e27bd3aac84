"""The fingerprint of a study: what results must have in common to be in one ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.data.layout import shape_of
from pipeline.data.rows import Rows
from pipeline.data.tables import Table
from pipeline.run.deciding import costs_asked
from pipeline.settings import Settings
from pipeline.study_folder import identity
from pipeline.tasks import NOTHING_ASKED, Asked, Target
from pipeline.tasks.asked import of_target
from pipeline.tasks.decisions import described
from pipeline.tasks.tolerance import Tolerance
from pipeline.workers.places import Parcel

_SETTINGS: Final = (  # copied into the fingerprint unchanged
    "validation",
    "test",
    "input_scaler",
    "output_scaler",
    "model",
    "engine",
    "tf32",
    "epochs",
    "patience",
)


def fingerprint_of(
    settings: Settings, table: Table, rows: Rows, loss: str, code: Mapping[str, Sequence[Parcel]]
) -> dict[str, Any]:
    """The facts that a result depends on, by name. Later options appear only if they are not at their default.

    `code` is the source of the user's own model, task and engine, by setting, as workers get it.
    """
    columns = table.columns
    return {
        "format": identity.FORMAT,
        "data": table.sha256,
        "target": columns.targets,
        "inputs": columns.inputs,
        "categories": columns.categories,
        "weight": columns.weight,
        "group": columns.groups,
        "min_delta": settings.min_delta,
        "seed": settings.seed,
        "loss": loss,
        **{name: getattr(settings, name) for name in _SETTINGS},
        **rows.target.task.facts(settings.class_weights),
        **_optional(settings, table, rows, code),
    }


def _optional(settings: Settings, table: Table, rows: Rows, code: Mapping[str, Sequence[Parcel]]) -> dict[str, Any]:
    """Facts that most studies do not have: folds, user-defined code, a time column, rows with a shape."""
    shape = shape_of(rows.features)
    return {
        **({"folds": settings.folds} if settings.folds else {}),
        **{f"{name}_sha256": parcels[-1].digest for name, parcels in code.items()},
        **({"time": settings.time} if settings.time else {}),
        **({"time_format": settings.time_format} if settings.time_format else {}),
        **({"reading": table.columns.reading} if table.columns.reading > 1 else {}),
        **({"shape": shape} if shape else {}),
        **(table.split.facts if table.split else {}),
        **({"times": _times(table)} if table.columns.times else {}),
        **_asked(settings.asked, rows.target),
        **({"cost": described(costs, rows.target.labels)} if (costs := costs_asked(settings, rows.target)) else {}),
    }


def _times(table: Table) -> dict[str, str]:
    """What the columns of dates and times span, as ISO 8601: the same whichever way they are written."""
    found = {}
    for name in table.columns.times:
        first, last = table.frame[name].min(), table.frame[name].max()
        found[name] = f"{first.isoformat()} to {last.isoformat()}"
    return found


def _asked(asked: Asked, target: Target) -> dict[str, Any]:
    """What was asked of the target beyond its task, by target, whichever way it was written."""
    measure = target.task.measure
    usual = measure is None or measure.name == next(iter(target.task.measures))
    kinds = {name: kind for name, kind in of_target(asked.transforms, target.names).items() if kind != "none"}
    shares = of_target(asked.shares, target.names)
    even = len(set(shares.values())) < 2 and len(shares) in (0, len(target.names))
    limits = of_target(asked.tolerances, target.names)
    facts: dict[str, Any] = {
        "objective": "" if usual or measure is None else measure.name,
        "target_transform": kinds,
        "judge_on": asked.judge_on if kinds and asked.judge_on != NOTHING_ASKED.judge_on else "",
        "target_weights": {} if even else shares,
        "tolerance": {name: Tolerance.of(name, limit).words for name, limit in limits.items()},
    }
    return {name: value for name, value in facts.items() if value}
