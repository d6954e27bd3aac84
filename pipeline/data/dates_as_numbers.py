"""Numbers that are dates without separators, such as 31012020: sorted as numbers, the day or the month comes first.

Numbers that begin with the year, such as 20200131, are in order of time, and in no doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A pattern of dates, and how its parts are found in a number."""

    pattern: str
    scale: int  # that makes them whole
    high: int  # what stands above it is the first part
    low: int  # and what stands below it the last
    bounds: tuple[tuple[int, int], ...]  # of the parts, as days, months and years have them

    def fits(self, values: np.ndarray) -> bool:
        """True if all parts of all values are within their bounds."""
        scaled = values.astype(np.float64) * self.scale
        whole = np.round(scaled)
        if not np.allclose(scaled, whole, rtol=0.0, atol=1e-6):
            return False
        parts = whole // self.high, whole % self.high // self.low, whole % self.low
        return all(
            bool(((low <= part) & (part <= high)).all()) for part, (low, high) in zip(parts, self.bounds, strict=True)
        )


_DAYS, _MONTHS, _NONE, _YEARS = (1, 31), (1, 12), (0, 0), (1900, 2099)
_DOUBTS: Final = (
    _Doubt("%d%m%Y", 1, 10**6, 10**4, (_DAYS, _MONTHS, _YEARS)),
    _Doubt("%m%d%Y", 1, 10**6, 10**4, (_MONTHS, _DAYS, _YEARS)),
    _Doubt("%m.%Y", 10**4, 10**4, 10**4, (_MONTHS, _NONE, _YEARS)),
    _Doubt("%d.%m", 10**2, 10**2, 10**2, (_DAYS, _NONE, _MONTHS)),
)


def pattern_of(values: np.ndarray) -> str:
    """The pattern of dates that all of these numbers could be, if one of those that are sorted wrongly; or ""."""
    return next((each.pattern for each in _DOUBTS if each.fits(values)), "")
