"""The section of hyperparameters: the large parts with their deviation, or why nothing can be said."""

from dataclasses import replace

import pytest

from pipeline.analysis.importance import Importance, Part
from pipeline.report.importance import section

FOUND = Importance(
    40,
    0.7312,
    (
        Part(("learning_rate",), 0.4512, 0.0812),
        Part(("units[0]",), 0.2, 0.05),
        Part(("learning_rate", "units[0]"), 0.1, 0.03),
        Part(("batch_size", "units[0]"), 0.019, 0.03),
        Part(("batch_size",), 0.01, 0.02),
    ),
)


def told(contents, found):
    return section(replace(contents, importance=found))


def test_large_parts_are_listed_single_ones_first_and_the_rest_is_one_line(study):
    lines = told(study(many=5, calls=0), FOUND).splitlines()
    assert lines[0] == "## What mattered"
    assert lines[4:8] == [
        "| learning_rate | 45 ± 8 % |",
        r"| units\[0\] | 20 ± 5 % |",
        r"| learning_rate with units\[0\], beyond both alone | 10 ± 3 % |",
        "| all else | 25 % |",
    ]
    assert "fitted to 40 configurations" in lines[-1]
    assert "the forest explains 73 % of the variance" in lines[-1]
    assert lines[-1].endswith("Names with [0] are of the first layer.")


def test_small_parts_alone_leave_the_largest(study):
    flat = replace(FOUND, parts=tuple(Part((name,), 0.015, 0.01) for name in ("a", "b", "c")))
    assert told(study(many=5, calls=0), flat).splitlines()[4:6] == ["| a | 2 ± 1 % |", "| all else | 98 % |"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (replace(FOUND, explained=0.02), "does not explain the scores of the others (out-of-bag R² 0.02)"),
        (replace(FOUND, explained=-0.4), "does not explain the scores of the others (out-of-bag R² -0.40)"),
        (Importance(1, lacking="configurations"), "1 configuration trained in full: too few to say"),
        (Importance(30, lacking="differences"), "All 30 configurations have the same score"),
        (Importance(0, lacking="choices"), "there was nothing to choose"),
    ],
)
def test_where_nothing_can_be_said_a_sentence_says_why(study, found, said):
    text = told(study(many=5, calls=0), found)
    assert said in text
    assert "|" not in text
