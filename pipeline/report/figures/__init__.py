"""The pictures of a study: one file per family; a new picture is a new function in `FAMILIES`, or in `OF_TASKS`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.report.contents import Contents
from pipeline.report.figures.beliefs import beliefs
from pipeline.report.figures.classes import calibration, confusion_matrix
from pipeline.report.figures.depth import mae_by_depth
from pipeline.report.figures.front import front
from pipeline.report.figures.predictions import predicted_against_measured
from pipeline.report.figures.progress import best_so_far
from pipeline.report.figures.searches import searched_points
from pipeline.report.figures.theme import Family, save, styled

FAMILIES = (mae_by_depth, best_so_far, front, searched_points, beliefs)
OF_TASKS: Mapping[str, Family] = {
    "predicted_against_measured": predicted_against_measured,
    "confusion_matrix": confusion_matrix,
    "calibration": calibration,
}
"""The pictures that a task names as its own."""


def draw(contents: Contents, folder: Path) -> tuple[Path, ...]:
    """Write every picture that the contents have something for, as PNG; equal contents give equal bytes.

    Pictures of searches that an earlier run left in the folder are removed. OSError for a folder that is not writable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for family in (*FAMILIES, *(OF_TASKS[name] for name in contents.task.pictures)):
        with styled():
            written.extend(save(figure, folder / name) for name, figure in family(contents))
    for stale in {*folder.glob("search_*.png"), *folder.glob("belief*.png")} - set(written):
        stale.unlink()
    return tuple(written)
