"""Sentences about new rows that are unlike the training rows, before they are predicted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pipeline.data.time_inputs import written
from pipeline.data.unlike import Unlike
from pipeline.report.wording import count

LISTED: Final = 5  # values of a column


def unlike_training(categories: Mapping[str, Sequence[str]], numbers: Mapping[str, Unlike]) -> Iterator[str]:
    """A sentence for each column with unknown categories, gaps that training did not have, or numbers far outside."""
    for column, values in categories.items():
        seen = ", ".join(values)
        yield f"{column}: never seen in training, treated as none of the known categories: {seen}"
    for column, found in numbers.items():
        if found.missing:
            rows = count(found.missing, "row")
            yield f"{column}: missing in {rows}, never in training, treated as the median of the training rows"
        if found.outside:
            rows, listed = count(found.outside, "row"), ", ".join(_shown(each, found) for each in found.values[:LISTED])
            more = f" and {len(found.values) - LISTED} more values" if len(found.values) > LISTED else ""
            low, high = _shown(found.low, found), _shown(found.high, found)
            seen = f"{low} to {high}" if found.low < found.high else f"only {low}"
            yield f"{column}: far outside of what training saw ({seen}) in {rows}: {listed}{more}"


def _shown(value: float, of: Unlike) -> str:
    return written(value, of.time_format) if of.time_format else f"{value:.6g}"
