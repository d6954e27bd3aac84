"""Categories that the training file of a table in several files lacks: networks know nothing of them."""

from __future__ import annotations

from pipeline.data.cells import SHOWN_MISSING
from pipeline.data.layout import step_of
from pipeline.data.tables import Table


def new_categories(table: Table) -> dict[str, tuple[str, ...]]:
    """The categories of the further files that the training file lacks, by column, sorted; no column without any."""
    first, *further = table.files.divided(table.frame)
    found: dict[str, set[str]] = {}
    for name in table.columns.categories:
        new = {text for each in further for text in each[name]} - {*first[name]}
        found.setdefault(step_of(name)[0], set()).update(text or SHOWN_MISSING for text in new)
    return {name: tuple(sorted(new)) for name, new in found.items() if new}
