"""Which results from elsewhere may stand beside those of a study."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pipeline.ledger.imports import impossible, incomparable
from pipeline.trial import Configuration, Imported

ROW = Imported(Configuration.of({"units": 4}), 10, 2, 0.0, None)


@pytest.mark.parametrize("mean", [-5.0, -1e-300, math.nan, math.inf])
def test_scores_are_numbers_from_0_on(mean: float) -> None:
    assert "score" in impossible(replace(ROW, mean=mean))


def test_deviations_and_repeats_are_those_of_results() -> None:
    assert impossible(ROW) == impossible(replace(ROW, std=0.0)) == ""
    assert "deviation" in impossible(replace(ROW, std=-0.1))
    assert "0 repeats" in impossible(replace(ROW, repeats=0))


def test_only_results_of_as_many_epochs_are_compared() -> None:
    assert incomparable(ROW, 10) == ""
    assert "10 epochs" in incomparable(ROW, 20)
