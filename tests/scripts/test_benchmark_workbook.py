"""The workbook's benchmark compares like with like, and says truly what becomes of a user's things."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.workbook import book
from pipeline.workbook.sheets import tables
from scripts import benchmark_workbook as benchmark
from scripts.benchmark import openpyxl_alone
from scripts.benchmark.users_things import THINGS, opened, user_made


def plain(value: object) -> object:
    """A number to 14 digits: openpyxl writes 16, and 90.0 as 90, the product all of them."""
    return float(f"{value:.14g}") if isinstance(value, int | float) else value


def cells(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What is in each cell of a sheet, and how it looks, row by row in the order of the keys."""
    found = {}
    for sheet in opened(path):
        rows = [
            tuple(
                (plain(cell.value), cell.data_type, cell.number_format, cell.font.name, cell.font.b,
                 cell.fill.fgColor.rgb, cell.alignment.horizontal, cell.hyperlink and cell.hyperlink.target)
                for cell in row
            )
            for row in sheet.rows
        ]  # fmt: skip
        found[sheet.title] = sorted(rows, key=repr)
    return found


def test_both_draw_the_same_cells_widths_filters_and_rules(tmp_path):
    ours, theirs = tmp_path / "ours.xlsx", tmp_path / "theirs.xlsx"
    made = tables(benchmark.view(8))
    benchmark.draw_ours(ours, made)
    openpyxl_alone.draw(theirs, made)
    assert cells(ours) == cells(theirs)
    for a, b in zip(opened(ours), opened(theirs), strict=True):
        assert (a.title, a.freeze_panes, a.auto_filter.ref) == (b.title, b.freeze_panes, b.auto_filter.ref)
        widths = [{name: each.width for name, each in sheet.column_dimensions.items()} for sheet in (a, b)]
        assert widths[0] == widths[1]
        rules = [sorted((str(area.sqref), len(area.rules)) for area in s.conditional_formatting) for s in (a, b)]
        assert rules[0] == rules[1]


def test_both_refresh_the_same_cells(tmp_path):
    ours, theirs = tmp_path / "ours.xlsx", tmp_path / "theirs.xlsx"
    book.write(ours, benchmark.view(8))
    user_made(ours)
    shutil.copy(ours, theirs)
    more = benchmark.view(9)
    assert book.write(ours, more) == ours
    openpyxl_alone.edit(theirs, tables(more))
    found = {path: cells(path) for path in (ours, theirs)}
    assert found[ours].keys() == found[theirs].keys() == {"Configurations", "Repeats", "Study", "Mine"}
    for title in ("Configurations", "Repeats"):
        values = [
            # The formulas of rows that were sorted are about other cells.
            sorted(repr([cell[0] for cell in row if not str(cell[0]).startswith("=")]) for row in sheets[title])
            for sheets in found.values()
        ]
        assert values[0] == values[1], title


def test_what_becomes_of_a_users_things(tmp_path):
    fates = benchmark.survival(tmp_path)
    assert fates.keys() == THINGS.keys()
    lost = {name for name, fate in fates.items() if fate["product"] == "LOST"}
    assert lost == {"formulas' cached values"}  # the spreadsheet computes them when it opens the file
    refused = {name for name, fate in fates.items() if fate["product"] == "refused"}
    assert refused == {"slicer", "threaded comment", "sparkline", "text box", "macro"}
    assert {fates[name]["openpyxl"] for name in refused} == {"LOST"}


def test_it_prints_ratios_and_writes_json(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "survival", lambda home: {"note": {"product": "kept", "openpyxl": "kept"}})
    figures = tmp_path / "figures.json"
    benchmark.main(["--rows", "10", "--runs", "1", "--folder", str(tmp_path), "--json", str(figures)])
    printed = capsys.readouterr().out
    assert "draw" in printed
    assert "edit" in printed
    assert "note" in printed
    first = json.loads(figures.read_text())["comparisons"][0]
    (ours,), (theirs,) = first["figures"]["product"], first["figures"]["openpyxl"]
    assert first["ratios"]["seconds"] == [pytest.approx(theirs["seconds"] / ours["seconds"])]
