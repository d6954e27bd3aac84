"""The pictures of a comparison."""

from dataclasses import replace

import pytest

from pipeline.analysis.importance import Importance, Part
from pipeline.compare import pictures
from pipeline.compare.request import BASELINE
from tests.compare.outcomes import OUTCOMES, UNKNOWN


@pytest.mark.parametrize("seeds", [1, 3])
def test_pictures_are_drawn_and_equal_outcomes_give_equal_bytes(tmp_path, seeds):
    some = {method: each[:seeds] for method, each in OUTCOMES.items()}
    some[BASELINE] = [replace(each, method=BASELINE) for each in some["random"]]
    first, second = (pictures.draw(some, UNKNOWN, tmp_path / each) for each in "ab")
    assert [path.name for path in first] == ["progress.png", "scores.png"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_importance_is_drawn_where_it_means_something(tmp_path):
    found = Importance(40, 0.6, (Part(("learning_rate",), 0.7, 0.1), Part(("batch_size", "learning_rate"), 0.1, 0.1)))
    drawn = pictures.draw(OUTCOMES, found, tmp_path)
    assert drawn[-1].name == "importance.png"
    assert drawn[-1].stat().st_size > 0
    pictures.draw(OUTCOMES, UNKNOWN, tmp_path)
    assert not drawn[-1].exists()  # that of an earlier comparison would contradict the page
