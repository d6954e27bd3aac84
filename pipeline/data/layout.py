"""The layout of a row's inputs, read from their names: pixels of an image, or steps of a window.

A table of pixels has the columns `pixel_0_0`, `pixel_0_1`, ... row by row, as scikit-learn names them, and with
channels `pixel_0_0_0`, `pixel_0_0_1`, ...; one of windows has the columns `load[t-3]`, `load[t-2]`, ... step by step.
Columns with such names have that shape, whatever their source, so that the shape need not be stored.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

PIXELS: Final = "pixels"  # the quantity that all inputs of an image are

_PIXEL: Final = re.compile(r"pixel_(\d{1,5})_(\d{1,5})(?:_(\d{1,4}))?", re.ASCII)
_STEP: Final = re.compile(r"(.+)\[t-(\d{1,6})\]", re.DOTALL)


def pixels(height: int, width: int, channels: int) -> list[str]:
    """The names of an image's inputs; with one channel they do not contain its number."""
    if channels == 1:
        return [f"pixel_{row}_{column}" for row, column in itertools.product(range(height), range(width))]
    places = itertools.product(range(height), range(width), range(channels))
    return [f"pixel_{row}_{column}_{channel}" for row, column, channel in places]


def steps(columns: Sequence[str], first: int, last: int) -> list[str]:
    """The names of a window's inputs: all columns from `first` steps back, then one step less, down to `last`."""
    return [f"{name}[t-{back}]" for back in range(first, last - 1, -1) for name in columns]


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout of the inputs of a row. The `check` of a model says which layouts it takes."""

    shape: Callable[[Sequence[str]], tuple[int, ...]]  # from the names, at least one; () for another layout
    alike: bool = False  # all inputs are the same quantity and get the same scale


def layout_of(names: Sequence[str]) -> Layout | None:
    """The layout of inputs with these names; None if they have none."""
    return next((layout for layout in LAYOUTS if layout.shape(names)), None) if names else None


def shape_of(names: Sequence[str]) -> tuple[int, ...]:
    """(height, width, channels) for an image, (steps, columns) for a window, () for other inputs."""
    found = layout_of(names)
    return found.shape(names) if found else ()


def quantities(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The inputs that are one quantity, by its name: all pixels, or a column at each step of a window, first to last.

    Inputs without a layout are a quantity each.
    """
    found = layout_of(names)
    if found is None:
        return {name: (name,) for name in names}
    if found.alike:
        return {PIXELS: tuple(names)}
    grouped: dict[str, list[str]] = {}
    for name in names:
        grouped.setdefault(step_of(name)[0], []).append(name)
    return {base: tuple(each) for base, each in grouped.items()}


def step_of(name: str) -> tuple[str, int]:
    """The column, and how many steps before the row: ("load", 3) for `load[t-3]`, ("load", 0) for `load`."""
    found = _STEP.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, 0)


def _image(names: Sequence[str]) -> tuple[int, ...]:
    found = _PIXEL.fullmatch(names[-1])
    if not found:
        return ()
    shape = tuple(int(size) + 1 if size else 1 for size in found.groups())
    height, width, channels = shape
    # Compared before the names are made: a last name can claim ten billion pixels.
    whole = height * width * channels == len(names)
    return shape if whole and list(names) == pixels(height, width, channels) else ()


def _window(names: Sequence[str]) -> tuple[int, ...]:
    begin, end = _STEP.fullmatch(names[0]), _STEP.fullmatch(names[-1])
    if not begin or not end:
        return ()
    first, last = int(begin[2]), int(end[2])
    count = first - last + 1
    if count < 1 or len(names) % count:
        return ()
    columns = []
    for name in names[: len(names) // count]:
        found = _STEP.fullmatch(name)
        if not found:
            return ()
        columns.append(found[1])
    return (count, len(columns)) if list(names) == steps(columns, first, last) else ()


LAYOUTS: Final = (Layout(_image, alike=True), Layout(_window))
