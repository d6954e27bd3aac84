"""A box as gp_minimize sees it: its unit cube within the whole space, and the known points outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.space import Choice, Domain
from pipeline.space.unit_cube import Axis, features, groups


@dataclass(frozen=True, slots=True)
class Frame:
    """The position of gp_minimize's unit cube, one dimension for each free axis of a box, in the whole space."""

    axes: tuple[Axis, ...]  # of the space
    centre: np.ndarray  # (axes,) the values of the axes that are not free
    free: tuple[int, ...]  # numbers of the free axes
    low: np.ndarray  # (free,) coordinates of the lower corner
    span: np.ndarray  # (free,) edge lengths; for a choice the number of its last value

    def rows(self, unit: np.ndarray) -> np.ndarray:
        """(points, axes) coordinates of points of the cube, (points, free)."""
        rows = np.repeat(self.centre[None, :], len(unit), axis=0)
        rows[:, self.free] = self.low + unit * self.span
        for position in self.free:
            if isinstance(self.axes[position].domain, Choice):
                rows[:, position] = np.round(rows[:, position])
        return rows

    def features(self, unit: np.ndarray) -> np.ndarray:
        """(points, features) of points of the cube."""
        return features(self.axes, self.rows(unit))

    def slope(self, by_feature: np.ndarray) -> np.ndarray:
        """(free,) a gradient with respect to features as one with respect to the cube; choices have none."""
        group = groups(self.axes)
        return np.array(
            [
                0.0
                if isinstance(self.axes[position].domain, Choice)
                else float(by_feature[group == position][0]) * span
                for position, span in zip(self.free, self.span, strict=True)
            ]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    """The known points outside of a box."""

    columns: np.ndarray  # (n, features)
    targets: np.ndarray  # (n,)
    repeats: np.ndarray  # (n,)


def frame_of(axes: tuple[Axis, ...], centre: np.ndarray, box: dict[str, Domain]) -> Frame:
    """The frame of a box, given by the domains of its free axes."""
    free = tuple(position for position, axis in enumerate(axes) if axis.name in box)
    low, span = [], []
    for position in free:
        axis, domain = axes[position], box[axes[position].name]
        if isinstance(domain, Choice):
            low.append(0.0)
            span.append(float(domain.size - 1))
        else:
            low.append(axis.coordinate(domain.low))
            span.append(axis.coordinate(domain.high) - low[-1])
    return Frame(axes, centre, free, np.array(low), np.array(span))
