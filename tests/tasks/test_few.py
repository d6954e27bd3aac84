"""Whole numbers of few values could be classes, and only those."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.tasks import few_values, regression


@pytest.mark.parametrize(
    ("distinct", "rows", "found"),
    [
        ([0, 1], 60, 2),
        ([0, 1], 9, 0),  # hardly seen twice
        ([3, 4, 5, 6, 7, 8, 9], 1600, 7),
        (range(20), 100, 20),
        (range(20), 99, 0),
        (range(21), 10_000, 0),
        ([0.5, 1], 60, 0),
        ([], 60, 0),
    ],
)
def test_few_are_whole_and_met_again_and_again(distinct, rows, found):
    assert few_values(np.array([*distinct], dtype=float), rows) == found


def test_one_target_of_few_whole_numbers_could_be_classes():
    truth, other = np.arange(60) % 2.0, np.arange(60) / 7
    assert regression.doubt({"y": truth}) == "2 distinct values; --task classification takes them as classes"
    assert regression.doubt({"y": other}) == ""
    assert regression.doubt({"y": truth, "z": truth}) == ""  # several columns are no classes
