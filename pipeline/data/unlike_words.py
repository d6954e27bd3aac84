"""Sentences about new rows that are unlike the training rows, told before they are predicted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pipeline.data.time_inputs import written
from pipeline.data.unlike import Unlike

LISTED: Final = 5  # values of a column


def sentences(categories: Mapping[str, Sequence[str]], numbers: Mapping[str, Unlike]) -> tuple[str, ...]:
    """A sentence for each column with unknown categories, gaps that training did not have, or numbers far outside."""
    return (*_of_categories(categories), *_of_numbers(numbers))


def _of_categories(categories: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for column, values in categories.items():
        seen = ", ".join(values)
        yield f"{column}: never seen in training, treated as none of the known categories: {seen}"


def _of_numbers(numbers: Mapping[str, Unlike]) -> Iterator[str]:
    for column, found in numbers.items():
        if found.missing:
            rows = _rows(found.missing)
            yield f"{column}: missing in {rows}, never in training, treated as the median of the training rows"
        if found.outside:
            rows, listed = _rows(found.outside), ", ".join(_shown(each, found) for each in found.values[:LISTED])
            more = f" and {len(found.values) - LISTED} more values" if len(found.values) > LISTED else ""
            low, high = _shown(found.low, found), _shown(found.high, found)
            seen = f"{low} to {high}" if found.low < found.high else f"only {low}"
            yield f"{column}: far outside of what training saw ({seen}) in {rows}: {listed}{more}"


def _rows(many: int) -> str:
    return f"{many} row{'' if many == 1 else 's'}"


def _shown(value: float, of: Unlike) -> str:
    return written(value, of.time_format) if of.time_format else f"{value:.6g}"
