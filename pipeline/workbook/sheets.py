"""The workbook's three sheets, in their order."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.workbook.columns import STUDY, Column, Table
from pipeline.workbook.configurations_sheet import configurations
from pipeline.workbook.repeats_sheet import repeats
from pipeline.workbook.view import View


def tables(view: View) -> tuple[Table, ...]:
    """The sheets of the workbook, in their order."""
    return configurations(view), repeats(view), study(view.study)


def study(rows: Sequence[tuple[str, str]]) -> Table:
    """The sheet *Study*: names and values of settings, hash of the data, versions."""
    columns = (Column("name", "text", 30, "place"), Column("value", "wide", 100, "objective"))
    return Table(STUDY, columns, tuple(dict(rows).items()), ("name",))
