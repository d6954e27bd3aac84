"""Runs without their pictures, which take longer than all else in a small run: matplotlib alone starts for a second."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.storage import atomic
from pipeline.workers import slots

FIGURES = "pipeline.report.figures"


def picture(_: object, folder: Path, _further: object = ()) -> tuple[Path, ...]:
    """In the place of `figures.draw`: one file."""
    atomic.replace(folder / "picture.png", b"a picture")
    return (folder / "picture.png",)


def install() -> None:
    """Let the runs of this process draw nothing, and take any cores at once; only for a process of its own."""
    slots.LOOK = 0.0  # type: ignore[misc]
    assert FIGURES not in sys.modules
    figures: Any = ModuleType(FIGURES)
    figures.draw, figures.own = picture, tuple
    sys.modules[FIGURES] = figures


if __name__ == "__main__":
    import typer

    from pipeline.cli.commands import run

    install()
    typer.run(run)
