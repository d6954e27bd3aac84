"""Spreadsheet files, with two main functions: `load` a workbook to edit it, `save` it completely or not at all.

The rest of the file format is hidden in this package: markup, zip, shared strings, and the private attributes of
openpyxl, which reads and writes everything except the rows. Other public functions only query a file (`values`,
`is_workbook`, `stamp`, `untouched`, `knows_only`), and the types are a `Book` of `Sheet`s, each with a `Grid` of cells
or drawn `Line`s, a `Look` for a cell, a `Layout` for a sheet. The package does not depend on the product's columns.

Why rows are written directly: openpyxl's public interface would replace this code if it kept the promises within twice
the time and memory. It does not yet. `scripts/benchmark_workbook.py --runs 3 --folder /dev/shm` measured openpyxl 3.1.5
as multiples of this package (processor time, and memory on top of the process; median of 3 runs):

    rows        a new workbook (write-only mode)    load, edit, save
     2,000      5.3 x time, 0.85 x memory           2.9 x time, 3.7 x memory
    20,000      5.5 x time, 0.82 x memory           5.7 x time, 5.3 x memory

Its load, edit and save also silently loses slicers, threaded comments, sparklines, text boxes and macros; here they are
reasons not to save (`Book.lost`). Both keep notes, comments, formulas, charts, images, names, rules, drop-down lists,
hidden columns and pivot tables; both leave the results of formulas to the program that opens the file.
openpyxl writes 16 digits of a number, this package all 17. `values` only reads, with openpyxl's read-only mode.
"""

from pipeline.workbook.ooxml.cells import LIMIT, Link, content, text
from pipeline.workbook.ooxml.grid import Cell, Grid, Line, height
from pipeline.workbook.ooxml.looks import Layout, Look
from pipeline.workbook.ooxml.package import BROKEN, is_workbook, load, save, values
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
    "is_workbook",
    "knows_only",
    "load",
    "save",
    "stamp",
    "text",
    "untouched",
    "values",
]
