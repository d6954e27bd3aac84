"""What people see of a run is put into the order in which they read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.run.contents import _name, _timeline
from pipeline.trial import Summary
from pipeline.tuning.stages import Search
from pipeline.tuning.study import Result
from tests.fakes import few, summary_of


def test_the_timeline_is_stage_one_and_then_the_searches_taking_turns():
    def one(number: int) -> Summary:
        return summary_of({"units": (number,)}, 0.5)

    searches = (Search(one(1), few(), (one(11), one(12), one(13))), Search(one(2), few(), (one(21),)))
    result = Result(one(0), (one(1), one(2)), (one(1), one(2)), searches, None)
    found = [each.configuration["units"] for each in _timeline(result)]
    assert found == [(1,), (2,), (11,), (21,), (12,), (13,)]


@pytest.mark.parametrize(
    ("study", "name"),
    [(".", "housing"), ("", "housing"), ("deep/..", "housing"), ("..", "results"), ("x/y", "y"), ("/", "/")],
)
def test_a_study_is_called_like_its_folder_however_that_is_named(tmp_path, monkeypatch, study, name):
    folder = tmp_path / "results" / "housing"
    (folder / "deep").mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert _name(Path(study)) == name
