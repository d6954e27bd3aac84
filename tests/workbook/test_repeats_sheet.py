"""The sheet of trainings: workbooks of before stay as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl

from pipeline.maintenance.rebuild import rebuild
from tests.golden.golden_studies import HERE as GOLDEN


def test_a_workbook_of_before_keeps_its_columns(tmp_path):
    """What the journal has learned to say since (when a training began) is not repeated here."""
    study = Path(shutil.copytree(GOLDEN / "gaps" / "study", tmp_path / "study"))

    def headers() -> list[object]:
        return [cell.value for cell in openpyxl.load_workbook(study / "ledger.xlsx")["Repeats"][1]]

    before = headers()
    rebuild(study, print)
    assert headers() == before
