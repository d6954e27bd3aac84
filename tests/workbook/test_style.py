"""The colours of the workbook reach the columns that they are about."""

import itertools
from typing import get_args

import openpyxl

from pipeline.workbook import ooxml
from pipeline.workbook.columns import CONFIGURATIONS, Column, Group, Kind, Table
from pipeline.workbook.merge import draw
from pipeline.workbook.style import Palette, header_look, layout, look

COLUMNS = (
    Column("rank", "count", 6, "place"),
    Column("stage", "text", 10, "place"),
    Column("elite", "mark", 6, "place"),
    Column("neurons", "text", 18, "place"),
    Column("log loss mean", "fraction", 10, "objective"),
    Column("key", "exact", 19, "exact"),
)


def test_the_objective_has_a_scale_and_what_stands_before_it_the_marks(tmp_path):
    table = Table(CONFIGURATIONS, COLUMNS, ((1, "explore", "★", "[3]", 0.5, "k"),), ("key",), ranked=True)
    book = ooxml.Book.new("me")
    draw(book.add(table.title), table)
    path = tmp_path / "book.xlsx"
    ooxml.save(book, path, None, sealed=True)
    sheet = openpyxl.load_workbook(path)[CONFIGURATIONS]
    rules = {str(area.sqref): [rule.type for rule in area.rules] for area in sheet.conditional_formatting}
    assert rules == {"E2:E1048576": ["colorScale"], "A2:D1048576": ["expression"] * 4}
    formulas = [rule.formula for area in sheet.conditional_formatting for rule in area.rules if rule.formula]
    assert ['AND($B2<>"",ISBLANK($E2))'] in formulas
    assert sheet.freeze_panes == "E2"
    assert sheet.auto_filter.ref == "A1:F2"
    assert sheet.row_dimensions[1].height == 48
    assert sheet["A1"].fill.fgColor.rgb == "00263238"


def test_other_sheets_have_no_colours_and_their_first_column_stays_in_sight():
    plain = layout(Table("Study", (Column("name", "text", 30, "place"),), (), ("name",)))
    assert (plain.rules, plain.frozen, plain.rows) == ((), 1, 1)


def test_rows_are_one_line_high_but_for_what_people_type():
    """A wrapped text in a row of one line is drawn over the rows above and below it."""
    wraps = {
        name: look(Column(name, "wide", 28, "exact")).alignment for name in ("notes", "error", "versions", "value")
    }
    assert [name for name, alignment in wraps.items() if alignment and alignment.wrap_text] == ["notes"]


def test_a_style_that_was_looked_up_for_another_column_is_the_one_of_this_column():
    sheet = ooxml.Book.new("me").add("S")
    palette = Palette(sheet)
    for header, kind, group in itertools.product(
        ("key", "configuration", "notes", "seconds"), get_args(Kind), get_args(Group)
    ):
        column = Column(header, kind, 10, group)
        assert palette.of(column) == sheet.style(look(column))
        assert palette.header(column) == sheet.style(header_look(column))
