from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from pipeline.analysis import verdict as verdicts
from pipeline.report import rows
from pipeline.tasks.regression import Quantities
from pipeline.trial import Configuration, Summary


def answered(predictions: list[list[list[float]]]) -> verdicts.Tested:
    known = Summary(Configuration.of({"units": 8}), "explore", 10, len(predictions), 0, 0.5)
    return verdicts.Tested(known, np.array(predictions), (0.5,) * len(predictions), {})


@pytest.fixture
def verdict() -> verdicts.Verdict:
    measured = np.array([[1.0, 100.0], [2.0, 200.0], [3.0, 300.0]])
    first = answered([[[1.0, 100.0], [2.0, 220.0], [5.0, 300.0]], [[2.0, 100.0], [2.0, 240.0], [5.0, 300.0]]])
    second = answered([[[1.5, 100.0], [2.0, 230.0], [3.0, 300.0]]])
    target = Quantities(("a", "b,c"), (2.0, 10.0), (0.0, 0.0))
    rows_of = np.array([7, 4, 9])
    return verdicts.Verdict(target.names, rows_of, measured, 1.0, {}, first, (first, second), target, np.ones(3))


def scaled(verdict: verdicts.Verdict, *scale: float) -> verdicts.Verdict:
    return replace(verdict, target=Quantities(verdict.outputs, scale, (0.0, 0.0)))


def test_the_largest_mean_scaled_error_of_the_group_comes_first(verdict: verdicts.Verdict) -> None:
    # Group means: row 7 a 1.5, row 4 b 230, row 9 a 4.0; scaled by (2, 10) and averaged: 0.125, 1.5, 0.25.
    found = rows.worst_rows(verdict)
    assert [each.row for each in found] == [4, 9, 7]
    assert [each.where for each in found] == [("4", "6"), ("9", "11"), ("7", "9")]
    assert [each.error for each in found] == pytest.approx([1.5, 0.25, 0.125])
    assert found[0].measured == (2.0, 200.0)
    assert found[0].predicted == pytest.approx((2.0, 230.0))
    assert found[0].errors == pytest.approx((0.0, 30.0))
    assert len(rows.worst_rows(verdict, 2)) == 2


def test_rows_of_several_files_are_told_by_their_file(verdict: verdicts.Verdict) -> None:
    found = replace(verdict, places=(("b.csv", 1), ("a.csv", 4), ("b.csv", 3)))
    assert [each.where for each in rows.worst_rows(found)] == [
        ("a.csv", "4", "6"),
        ("b.csv", "3", "5"),
        ("b.csv", "1", "3"),
    ]
    lines = list(csv.DictReader(io.StringIO(rows.test_predictions_csv(found))))
    assert [(line["file"], line["row"], line["spreadsheet row"]) for line in lines] == [
        ("a.csv", "4", "6"),
        ("b.csv", "1", "3"),
        ("b.csv", "3", "5"),
    ]


def test_the_scale_decides_what_is_worst(verdict: verdicts.Verdict) -> None:
    assert rows.worst_rows(scaled(verdict, 0.01, 1000.0))[0].row == 9


def test_equal_errors_are_ordered_by_row(verdict: verdicts.Verdict) -> None:
    exact = replace(verdict, best=(answered([verdict.measured.tolist()]),))
    assert [each.row for each in rows.worst_rows(exact)] == [4, 7, 9]


def test_csv_texts_hold_every_test_row_in_order(verdict: verdicts.Verdict) -> None:
    lines = list(csv.DictReader(io.StringIO(rows.test_predictions_csv(verdict))))
    assert [line["row"] for line in lines] == ["4", "7", "9"]
    assert lines[1]["measured a"] == "1"
    assert float(lines[1]["predicted a"]) == 1.5
    assert float(lines[1]["spread a"]) == pytest.approx(np.sqrt(0.5), rel=1e-5)
    assert float(lines[0]["predicted b,c"]) == 230.0


def test_the_spread_of_one_training_is_unknown(verdict: verdicts.Verdict) -> None:
    single = replace(verdict, best=verdict.best[1:])
    (line, *_) = csv.DictReader(io.StringIO(rows.test_predictions_csv(single)))
    assert line["spread a"] == ""


def test_worst_rows_as_csv(verdict: verdicts.Verdict) -> None:
    (line, *rest) = csv.DictReader(io.StringIO(rows.worst_rows_csv(verdict)))
    assert (line["row"], line["spreadsheet row"], line["mean scaled error"], line["error b,c"]) == (
        "4",
        "6",
        "1.5",
        "30",
    )
    assert len(rest) == 2


def test_without_a_best_configuration_only_headers_remain(verdict: verdicts.Verdict) -> None:
    none = replace(verdict, best=())
    assert rows.worst_rows(none) == ()
    assert len(rows.worst_rows_csv(none).splitlines()) == 1
    assert len(rows.test_predictions_csv(none).splitlines()) == 1
