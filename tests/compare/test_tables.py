"""The page and the table of a comparison."""

import csv
import io

import pytest

from pipeline.compare import figures, tables
from tests.compare.outcomes import OUTCOMES, comparison, outcome


def test_significant_differences_are_named():
    text = tables.page(comparison())
    assert "2 of 3 pairs differ significantly at 5 %" in text
    assert "gp is better than random, grid" in text
    assert "random is better" not in text
    assert "| grid - gp |" in text
    assert "4 configurations trained in full: too few to say" in text


def test_where_no_difference_is_significant_the_page_says_so():
    def said(*methods: str, seeds: int = 3) -> str:
        scores = [0.5, 0.8, 0.6, 0.9]
        outcomes = {
            each: [outcome(each, seed, 0.5, test=scores[(seed + place) % 4]) for seed in range(seeds)]
            for place, each in enumerate(methods)
        }
        return figures.apart(figures.pairs_of(outcomes), {})

    assert said("gp", "random").startswith("The two methods do not differ significantly at 5 %")
    assert said("gp", "random", "grid").startswith("None of the 3 pairs differs significantly at 5 %")
    assert said("gp", "random", seeds=1).startswith("No difference can be tested")
    assert said("gp").startswith("No difference can be tested")


def test_the_csv_has_every_method():
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(comparison().lines))))
    assert [row["method"] for row in rows] == list(OUTCOMES)
    assert float(rows[1]["test"]) == pytest.approx(0.51)
