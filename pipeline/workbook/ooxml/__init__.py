"""Spreadsheet files behind one wall, with two doors: `load` and `save`."""

from pipeline.workbook.ooxml.cells import LIMIT, Link, content, text
from pipeline.workbook.ooxml.grid import Cell, Grid, Line, height
from pipeline.workbook.ooxml.looks import Layout, Look
from pipeline.workbook.ooxml.package import BROKEN, load, save, values
from pipeline.workbook.ooxml.seal import Stamp, knows_only, stamp, untouched
from pipeline.workbook.ooxml.sheet import Area, Book, Immovable, Sheet

__all__ = [
    "BROKEN",
    "LIMIT",
    "Area",
    "Book",
    "Cell",
    "Grid",
    "Immovable",
    "Layout",
    "Line",
    "Link",
    "Look",
    "Sheet",
    "Stamp",
    "content",
    "height",
    "knows_only",
    "load",
    "save",
    "stamp",
    "text",
    "untouched",
    "values",
]
