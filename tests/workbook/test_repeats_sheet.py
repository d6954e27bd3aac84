"""The sheet of trainings: what later versions add comes at its end, and workbooks of before stay as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl

from pipeline.maintenance.rebuild import rebuild
from pipeline.trial import Configuration, Repeat, Training
from pipeline.workbook.repeats_sheet import repeats
from pipeline.workbook.view import View
from tests.golden.golden_studies import HERE as GOLDEN


def test_when_a_training_began_stands_in_the_last_column():
    training = Training(Configuration.of({"hidden_layers": 1, "units": (8,)}), 5, 0)
    began = Repeat(training, "explore", 0, 0.5, started="2026-11-27T05:12:00.123Z")
    made = repeats(View(ranking=(), repeats=(began, Repeat(training, "explore", 1, 0.5))))
    assert made.headers[-1] == "started"
    assert [row[-1] for row in made.rows] == ["2026-11-27T05:12:00.123Z", ""]


def test_a_workbook_of_before_keeps_its_columns_and_gets_the_new_one_at_the_end(tmp_path):
    study = Path(shutil.copytree(GOLDEN / "gaps" / "study", tmp_path / "study"))

    def headers() -> list[object]:
        return [cell.value for cell in openpyxl.load_workbook(study / "ledger.xlsx")["Repeats"][1]]

    before = headers()
    rebuild(study)
    assert headers() == [*before, "started"]
