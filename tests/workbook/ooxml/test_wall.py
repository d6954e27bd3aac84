"""The wall around the file format: two doors, nothing of the format outside, nothing of the product inside."""

import ast
from collections.abc import Iterator
from pathlib import Path

from pipeline.workbook import ooxml

ROOT = Path(__file__).parents[3]
WALL = ROOT / "pipeline" / "workbook" / "ooxml"
OUTSIDE = [
    path for folder in ("pipeline", "scripts", "tests") for path in (ROOT / folder).rglob("*.py") if path.parent != WALL
]
INJECTS = ROOT / "tests" / "faults" / "test_workbook_file.py"  # faults between two blocks of a file
STYLE = ROOT / "pipeline" / "workbook" / "style.py"
WORDS = {"openpyxl.styles", "openpyxl.formatting.rule", "openpyxl.utils"}  # public values, which act on no workbook


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, and every name that it imports from one, with dots."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_others_come_through_the_doors():
    rooms = {f"pipeline.workbook.ooxml.{path.stem}" for path in WALL.glob("*.py")}
    offenders = [
        f"{path} imports {name}" for path in OUTSIDE if path != INJECTS for name in imported(path) if name in rooms
    ]
    assert not offenders


def test_what_openpyxl_holds_is_touched_inside_alone():
    offenders = [
        f"{path}:{node.lineno} uses .{node.attr}"
        for path in WALL.parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("worksheet", "workbook")
    ]
    assert not offenders


def test_the_product_knows_openpyxl_by_its_words_for_looks_alone():
    offenders = []
    for path in (ROOT / "pipeline" / "workbook").glob("*.py"):
        names = {name for name in imported(path) if name.split(".")[0] == "openpyxl"}
        allowed = WORDS if path == STYLE else set()
        offenders += [f"{path} imports {name}" for name in names if not any(name.startswith(each) for each in allowed)]
    assert not offenders


def test_the_wall_knows_nothing_of_the_product():
    """Nothing inside depends on columns, tables or studies; durable files are the one thing it shares."""
    offenders = [
        f"{path} imports {name}"
        for path in WALL.glob("*.py")
        for name in imported(path)
        if name.startswith("pipeline.") and not name.startswith(("pipeline.workbook.ooxml", "pipeline.storage"))
    ]
    assert not offenders


def test_every_exported_word_is_there():
    assert {"load", "save"} <= set(ooxml.__all__)
    assert all(hasattr(ooxml, name) for name in ooxml.__all__)
