"""The figures of a study. Each kind of figure is one file: every module here that has a `FIGURE` is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from pipeline.errors import UserError
from pipeline.plugins import load_object
from pipeline.report.contents import Contents
from pipeline.report.figures.theme import FigureKind, save, styled

__all__ = ["FigureKind", "draw", "known", "own"]


def known() -> tuple[FigureKind, ...]:
    """The figures of this folder, in the order of their modules' names."""
    modules = (import_module(f"{__name__}.{name}") for name in sorted(each.name for each in iter_modules(__path__)))
    return tuple(module.FIGURE for module in modules if hasattr(module, "FIGURE"))


def own(names: Sequence[str]) -> tuple[FigureKind, ...]:
    """The user's own figures, named as `module:object`; their modules are imported.

    Raises:
        UserError: A name leads to no `FigureKind`.
    """
    found = {name: load_object(name, expected="a pipeline.report.figures.FigureKind") for name in names}
    wrong = [name for name, each in found.items() if not isinstance(each, FigureKind)]
    if wrong:
        raise UserError(f"{wrong[0]} is not a figure", expected="a pipeline.report.figures.FigureKind")
    return tuple(found.values())


def draw(contents: Contents, folder: Path, further: Sequence[FigureKind] = ()) -> tuple[Path, ...]:
    """Write every figure that has something to show, as PNG; equal contents give equal bytes.

    Numbered figures of an earlier run are removed from the folder. Raise UserError for a figure of the user's that has
    the file of another one, or of another folder, and OSError if the folder is not writable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures, written = (*known(), *further), list[Path]()
    for figure in figures:
        if figure.fits(contents):
            with styled():
                for name, picture in figure.draw(contents):
                    written.append(save(picture, _free(folder, name, written, figure)))
    patterns = [pattern for figure in figures for pattern in figure.numbered]
    for stale in {path for pattern in patterns for path in folder.glob(pattern)} - set(written):
        stale.unlink()
    return tuple(written)


def _free(folder: Path, name: str, written: Sequence[Path], figure: FigureKind) -> Path:
    """The path of a picture, which nothing else has."""
    path = folder / name
    if path.parent != folder or path.suffix != ".png" or path in written:
        raise UserError(
            f"The figure {figure.name} cannot be written as {name!r}",
            expected="the name of a .png file that no other figure has",
            hint="rename it there, and give the same command again: all trainings so far are kept",
        )
    return path
