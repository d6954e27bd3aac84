"""The page and the table of a comparison."""

import csv
import io

import pytest

from pipeline.compare import figures, tables
from tests.compare.outcomes import OUTCOMES, comparison


def test_significant_differences_are_named():
    text = tables.page(comparison())
    assert "2 of 3 pairs differ significantly at 5 %" in text
    assert "gp is better than random, grid" in text
    assert "random is better" not in text
    assert "| grid - gp |" in text
    assert "4 configurations trained in full: too few to say" in text


def test_where_no_difference_is_significant_the_page_says_so():
    even = figures.pairs_of(dict.fromkeys(("gp", "random"), OUTCOMES["gp"]))
    assert figures.apart(even, {}).startswith("No pair of methods differs significantly at 5 %")


def test_the_csv_has_every_method():
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(comparison().lines))))
    assert [row["method"] for row in rows] == list(OUTCOMES)
    assert float(rows[1]["test"]) == pytest.approx(0.51)
