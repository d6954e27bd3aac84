"""The pictures of a study: one file per family; a new picture is a new function in `FAMILIES`."""

from __future__ import annotations

from pathlib import Path

from pipeline.report.contents import Contents
from pipeline.report.figures.beliefs import beliefs
from pipeline.report.figures.depth import mae_by_depth
from pipeline.report.figures.predictions import predicted_against_measured
from pipeline.report.figures.progress import best_so_far
from pipeline.report.figures.searches import searched_points
from pipeline.report.figures.theme import save, styled

FAMILIES = (mae_by_depth, best_so_far, searched_points, beliefs, predicted_against_measured)


def draw(contents: Contents, folder: Path) -> tuple[Path, ...]:
    """Write every picture that the contents have something for, as PNG; equal contents give equal bytes.

    Pictures of searches that an earlier run left in the folder are removed. OSError for a folder that is not writable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for family in FAMILIES:
        with styled():
            written.extend(save(figure, folder / name) for name, figure in family(contents))
    for stale in {*folder.glob("search_*.png"), *folder.glob("belief*.png")} - set(written):
        stale.unlink()
    return tuple(written)
