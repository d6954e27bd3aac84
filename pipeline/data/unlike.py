"""New rows that are unlike the training rows: categories and gaps that those do not have, and numbers far outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.data.cells import SHOWN_MISSING
from pipeline.data.layout import quantities
from pipeline.data.preprocessing import Preprocessing, known_categories, with_gaps


@dataclass(frozen=True, slots=True)
class Unlike:
    """How the numbers of one column differ from those that networks were trained with.

    Attributes:
        missing: Number of rows in which the column is missing, if it never was in training; else 0.
        outside: Number of rows that are far outside: further below the lowest number of the training rows, or above the
            highest, than these are apart. Where all training rows have one number, any other one is far outside.
        values: The distinct numbers of those rows that are far outside, the furthest first.
        low: The lowest number that all networks had in training, NaN where the study does not say it.
        high: The highest one.
        time_format: How the cells of a column of times are written; numbers are then days since 1970. "" for others.
    """

    missing: int
    outside: int
    values: tuple[float, ...]
    low: float
    high: float
    time_format: str = ""


def unknown_categories(preprocessings: Iterable[Preprocessing], cells: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """The categories of `typed` cells, by column, that some training rows do not have: they are scaled to zeros.

    The preprocessings are of one study: with folds, each network has its own.
    """
    found: dict[str, dict[str, None]] = {}  # in order, each once
    for each in preprocessings:
        known = known_categories(each)
        for base, names in quantities(each.columns.inputs).items():
            for name in (one for one in names if one in known):
                unseen = sorted(set(cells[name].unique()) - set(known[name]))
                found.setdefault(base, {}).update(dict.fromkeys(text or SHOWN_MISSING for text in unseen))
    return {name: tuple(values) for name, values in found.items() if values}


def unlike(preprocessings: Iterable[Preprocessing], cells: pd.DataFrame) -> dict[str, Unlike]:
    """How the numbers of `typed` cells differ from some training rows, by column, for columns that do.

    All steps of a window are one column, and so are all pixels, of which only gaps are known.
    """
    own = tuple(preprocessings)
    columns = own[0].columns
    found = {}
    for base, names in quantities(columns.inputs).items():
        numbers = [name for name in names if name not in columns.categories]
        if numbers:
            found[base] = _compared(own, base, cells[numbers].to_numpy(), numbers)
    return {base: each for base, each in found.items() if each.missing or each.outside}


def _compared(own: Sequence[Preprocessing], base: str, numbers: np.ndarray, names: Sequence[str]) -> Unlike:
    gaps = np.isnan(numbers)
    expected = all(set(names) & set(with_gaps(each)) for each in own)
    ranges = [each.seen[base] for each in own if base in each.seen]
    low, high = max((one for one, _ in ranges), default=np.nan), min((one for _, one in ranges), default=np.nan)
    far = np.zeros(numbers.shape, dtype=bool)
    with np.errstate(over="ignore"):
        for least, most in ranges:
            far |= np.maximum(least - numbers, numbers - most) > most - least
    values = np.unique(numbers[far])
    furthest = values[np.argsort(-np.maximum(low - values, values - high), kind="stable")]
    missing = 0 if expected else int(gaps.any(axis=1).sum())
    time_format = own[0].columns.times.get(base, "")
    return Unlike(missing, int(far.any(axis=1).sum()), tuple(furthest.tolist()), low, high, time_format)
