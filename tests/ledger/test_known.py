"""Score against cost in a whole study: workbook, page and function, and a stage 2 that starts from the front."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline import pareto_front
from pipeline.errors import UserError
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from tests.faults import small_study as small

OPTIONS = {"configurations": "8", "elite": "3", "calls": "2", "elite-from": "front"}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("front")
    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        answer = small.run(folder, **OPTIONS)
    assert answer.exit_code == 0, answer.output
    return folder / "study"


def test_workbook_page_and_function_tell_the_same(study):
    front = pareto_front(study)
    assert len(front) > 1
    assert [each.weights for each in front] == sorted((each.weights for each in front), reverse=True)
    sheet = pd.read_excel(study / "ledger.xlsx", sheet_name="Configurations")
    marked = sheet[sheet["front"].fillna("").str.contains("weights")]
    assert set(marked["key"]) == {each.key for each in front}
    assert sheet.loc[sheet["stage"] == "baseline", "front"].isna().all()
    page = (study / "summary.md").read_text().split("## Score against cost")[1]
    assert all(f"{each.weights:,}" in page for each in front[:10])
    with pytest.raises(UserError, match="weights or seconds"):
        pareto_front(study, "price")


def test_the_elite_is_on_the_front_of_stage_1_and_a_rerun_takes_the_same(study, monkeypatch):
    stage = [each for each in journal.read(study / "ledger.jsonl").stages if each.stage == "refine"]
    assert len(stage) == 1
    assert stage[0].facts["joint"] is False
    explored = {each.training.configuration.key: each for each in journal.read(study / "ledger.jsonl").repeats}
    elite = [explored[key] for key in stage[0].facts["elite"]]
    sizes = [each.weights for each in elite]
    assert len(sizes) > 1
    assert sizes == sorted(sizes, reverse=True)
    before = small.facts(study)
    small.stand_in(monkeypatch, shuffle=5)
    assert small.run(study.parent, **OPTIONS).exit_code == 0
    assert small.facts(study) == before
    assert audit(study) == ()
