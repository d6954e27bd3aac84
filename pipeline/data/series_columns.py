"""The columns of a series: of its steps as the user names them, and of the windows that become the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from pipeline.data import first_rules, series
from pipeline.data.roles import Columns, Named


def by_first_rules(frame: pd.DataFrame, named: Named, window: int, horizon: int) -> pd.DataFrame:
    """The windows of a series as studies of before have them, of cells that were not checked yet."""
    kept = [*named.targets, *([named.split] if named.split else [])]  # as they are, and not in windows
    ordered = first_rules.in_order(frame, named.time)
    others = {named.time, named.split, *named.ignore}
    return series.windowed(ordered, others, ordered.frame[kept], window, horizon)


def of_steps(frame: pd.DataFrame, named: Named) -> Named:
    """The roles of the columns of a series, of which all are inputs that are not left out, targets too.

    All cells are checked before rows are sorted and repeated in windows: an error names the column and the row of the
    file, and a column is one thing in every step of a window.
    """
    used = replace(named, targets=(), ignore=(*named.ignore, named.time)).inputs_of([*frame.columns])
    return replace(named, inputs=used)


def of_windows(steps: Columns, windows: pd.DataFrame) -> Columns:
    """The columns of the windows of a series."""
    inputs = tuple(name for name in windows.columns if name not in steps.targets)

    def of(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in inputs if series.base(name) in names)

    targets = tuple(name for name in steps.targets if name in steps.spelled)
    return replace(
        steps,
        inputs=inputs,
        categories=of(steps.categories),
        truths=of(steps.truths),
        spelled=(*of(steps.spelled), *targets),
    )
