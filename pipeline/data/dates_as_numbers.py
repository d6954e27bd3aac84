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


_DAYS, _MONTHS, _NONE, _YEARS, _SHORT_YEARS = (1, 31), (1, 12), (0, 0), (1900, 2099), (0, 99)
_DOUBTS: Final = (
    _Doubt("%d%m%Y", 1, 10**6, 10**4, (_DAYS, _MONTHS, _YEARS)),
    _Doubt("%m%d%Y", 1, 10**6, 10**4, (_MONTHS, _DAYS, _YEARS)),
    _Doubt("%m.%Y", 10**4, 10**4, 10**4, (_MONTHS, _NONE, _YEARS)),
    _Doubt("%d.%m", 10**2, 10**2, 10**2, (_DAYS, _NONE, _MONTHS)),
    _Doubt("%m%Y", 1, 10**4, 10**4, (_MONTHS, _NONE, _YEARS)),
)
_LARGE: Final = 10_000  # whole numbers below it are counted, and have no day, month and year
# Many counters have such values, but not in an order that goes up and down.
_DOUBTS_OUT_OF_ORDER: Final = (
    _Doubt("%d%m%y", 1, 10**4, 10**2, (_DAYS, _MONTHS, _SHORT_YEARS)),
    _Doubt("%m.%y", 10**2, 10**2, 10**2, (_MONTHS, _NONE, _SHORT_YEARS)),
)


_YEAR_FIRST: Final = _Doubt("%y%m%d", 1, 10**4, 10**2, (_SHORT_YEARS, _MONTHS, _DAYS))
_PIVOT: Final = 69  # of years with two digits: 69 is 1969, 68 is 2068


def _is_across_2000(values: np.ndarray) -> bool:
    """True for dates that begin with two digits of the year, of both centuries: 991231 would stand after 000101."""
    years = values // 10**4
    return bool((years >= _PIVOT).any() and (years < _PIVOT).any()) and _YEAR_FIRST.fits(values)


def pattern_of(values: np.ndarray) -> str:
    """The pattern of dates that all of these numbers could be, if one of those that are sorted wrongly; or "".

    The numbers are in the order of the file.
    """
    steps = np.diff(values)
    in_order = bool((steps > 0).all() or (steps < 0).all())
    small = bool((np.abs(values) < _LARGE).all() and (values == np.round(values)).all())
    if not (steps > 0).all() and not small and _is_across_2000(values):
        return _YEAR_FIRST.pattern
    doubts = _DOUBTS if in_order or small else (*_DOUBTS, *_DOUBTS_OUT_OF_ORDER)
    return next((each.pattern for each in doubts if each.fits(values)), "")
