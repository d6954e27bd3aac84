"""One reading of a column of times that fits every cell, and none where two do."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.data.column_kinds import local_spelling
from pipeline.data.time_patterns import DATES
from pipeline.data.times import is_format, moments, spelled
from pipeline.errors import UserError

STAMPS = st.datetimes(pd.Timestamp(1971, 1, 1).to_pydatetime(), pd.Timestamp(2060, 1, 1).to_pydatetime())
BERLIN = dt.timezone(dt.timedelta(hours=1))


def column(*cells: Any) -> pd.Series[Any]:
    return pd.Series([*cells], dtype=object)


def documented() -> Iterator[tuple[list[str], str]]:
    """Cells, and what docs/tables.md says that a column of them is read as."""
    page = (Path(__file__).parents[2] / "docs" / "tables.md").read_text()
    for line in page.split("## Times")[1].split("|---|---|\n")[1].split("\n\n")[0].splitlines():
        cells, found = line.strip("|").split("|")
        yield re.findall(r"`([^`]+)`", cells), found.strip()


@pytest.mark.parametrize(("cells", "found"), [*documented()])
def test_columns_are_read_as_the_page_says(cells, found):
    if found.startswith("refused"):
        with pytest.raises(UserError):
            moments(column(*cells), "Time 't'")
    else:
        read = moments(column(*cells), "Time 't'").format
        assert read == ("number" if found == "numbers" else re.findall(r"`([^`]+)`", found)[0])


def days(series: pd.Series[Any], time_format: str = "") -> tuple[str, list[str]]:
    read = moments(series, "Time 't'", time_format)
    return read.format, [str(each)[:10] for each in read.instants]


@pytest.mark.parametrize(
    ("cells", "pattern", "expected"),
    [
        (("01.02.2020", "13.01.2020"), "%d.%m.%Y", ["2020-02-01", "2020-01-13"]),
        (("01.02.2020", "02.01.2020"), "%d.%m.%Y", ["2020-02-01", "2020-01-02"]),
        (("29.04.20", "1.5.99"), "%d.%m.%y", ["2020-04-29", "1999-05-01"]),
        (("04/05/2020", "13/05/2020"), "%d/%m/%Y", ["2020-05-04", "2020-05-13"]),
        (("04/05/2020", "05/13/2020"), "%m/%d/%Y", ["2020-04-05", "2020-05-13"]),
        (("04-05-2020", "13-05-2020"), "%d-%m-%Y", ["2020-05-04", "2020-05-13"]),
        (("04/05/20", "05/13/20"), "%m/%d/%y", ["2020-04-05", "2020-05-13"]),
        (("22-Mar-20", "1-Apr-20"), "%d %b %y", ["2020-03-22", "2020-04-01"]),
        (("22 March 2020", "1. Mai 2020", "3 Okt. 2020"), "%d %b %Y", ["2020-03-22", "2020-05-01", "2020-10-03"]),
        (("22. März 2020", "1 août 2020"), "%d %b %Y", ["2020-03-22", "2020-08-01"]),
        (("March 22, 2020", "Wed, Apr 1 2020"), "%b %d %Y", ["2020-03-22", "2020-04-01"]),
        (("Mar 2020", "Apr 2020"), "%b %Y", ["2020-03-01", "2020-04-01"]),
        (("2020-03", "2020-04"), "%Y-%m", ["2020-03-01", "2020-04-01"]),
        (("03/2020", "04/2020"), "%m/%Y", ["2020-03-01", "2020-04-01"]),
        (("2020-01-31", " 2020-2-1 "), "%Y-%m-%d", ["2020-01-31", "2020-02-01"]),
        (("2020/01/31", "2020/02/01"), "%Y/%m/%d", ["2020-01-31", "2020-02-01"]),
        (("20200131T1020", "20200201T102030"), "%Y%m%d", ["2020-01-31", "2020-02-01"]),
    ],
)
def test_a_column_is_read_by_the_one_format_that_fits_every_cell(cells, pattern, expected):
    assert days(column(*cells)) == (pattern, expected)
    assert days(column(*reversed(cells))) == (pattern, expected[::-1])  # whatever the first cell looks like


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (("05/05/2020", "04/05/2020"), ["'04/05/2020' in row 3", "4 May 2020 (%d/%m/%Y)", "5 April 2020 (%m/%d/%Y)"]),
        (("04-05-2020",), ["--time-format %d-%m-%Y", "--time-format %m-%d-%Y"]),
        (("13/04/20", "14/04/20"), ["13 April 2020 (%d/%m/%y)", "20 April 2013 (%y/%m/%d)"]),
        (("20-03-22", "20-03-31"), ["%d-%m-%y", "%y-%m-%d"]),
    ],
)
def test_a_column_that_fits_two_formats_is_refused_and_asked_for(cells, words):
    with pytest.raises(UserError) as refused:
        moments(column(*cells), "Time 't'")
    assert all(each in str(refused.value) for each in words)
    assert days(column("05/05/2020", "04/05/2020"), "%m/%d/%Y")[1] == ["2020-05-05", "2020-04-05"]


@pytest.mark.parametrize(
    ("cells", "row", "words"),
    [
        (("13.01.2020", "14.01.2020", "2020-01-15"), "row 4", "day.month.year (%d.%m.%Y)"),
        (("31.01.2020", "31.02.2020"), "row 3", "day.month.year"),
        (("2020-01-01 10:00", "2020-01-01 25:00"), "row 3", "year-month-day"),
        (("1", "2", "x"), "row 4", "numbers"),
        (("01.02.2020", "01.02.20"), "row 3", "day.month.year"),
        (("someday",), "row 2", "is not a moment"),
        (("05:20", "06:30"), "row 2", "--time-format %H:%M"),
        (("03.22.2020", "03.23.2020"), "row 2", "--time-format %m.%d.%Y"),
        (("Jan-20", "Feb-20"), "row 2", "--time-format %b %y"),
        (("2020-01-01", "", "2020-01-03"), "row 3", "1 empty cell(s)"),
        (("2020-01-01", None), "row 3", "a moment in every row"),
        (("2020-01-01 10:00Z", "2020-01-01 11:00"), "row 3", "no zone"),
        ((True, False), "row 2", "not a moment"),
        ((dt.timedelta(1),), "row 2", "not a moment"),
        (([1],), "row 2", "not a moment"),
        ((pd.Timestamp(2020, 2, 1).to_pydatetime(), "13.01.2020"), "row 3", "dates in some cells and something else"),
        ((pd.Timestamp(2020, 2, 1).to_pydatetime(), 43_000), "row 3", "dates in some cells and something else"),
        ((1.0, float("inf")), "row 3", "numbers"),
    ],
)
def test_a_cell_that_does_not_fit_is_named_with_its_row(cells, row, words):
    with pytest.raises(UserError) as refused:
        moments(column(*cells), "Time 't'")
    assert f"{row}" in str(refused.value)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("values", "say"),
    [
        ([31012020, 1022020], "--time-format %d%m%Y"),
        ([1312020, 2012020], "--time-format %m%d%Y"),
        ([1.2020, 2.2020], "--time-format %m.%Y"),
        ([13.01, 14.01, 1.02], "add the year"),
    ],
)
def test_numbers_that_are_dates_without_the_year_in_front_are_refused(values, say):
    with pytest.raises(UserError, match=say):
        moments(pd.Series(values), "Time 't'")
    assert moments(pd.Series(values), "Time 't'", "number").instants.tolist() == values


def test_a_number_that_lost_its_first_zero_is_read_by_its_pattern():
    assert days(pd.Series([31012020, 1022020]), "%d%m%Y")[1] == ["2020-01-31", "2020-02-01"]
    assert days(column("31012020", "1022020"), "%d%m%Y")[1] == ["2020-01-31", "2020-02-01"]
    assert days(pd.Series([20200131, 20200201]))[0] == "number"


def test_fractions_zones_and_halves_of_a_day_count():
    read = moments(column("2020-01-01T10:00:00.5+01:00", "2020-01-01 09:00:00,25Z", "2020-01-01T04:00-0500"), "t")
    assert [str(each)[11:23] for each in read.instants] == ["09:00:00.500", "09:00:00.250", "09:00:00.000"]
    halves = moments(column("13/2/2020 3:04 PM", "13/2/2020 12:04 a.m."), "t").instants
    assert halves[1] < halves[0]
    assert str(halves[0])[:16] == "2020-02-13T15:04"


def test_typed_moments_are_those_of_the_texts_that_a_text_file_has():
    texts = moments(column("2020-01-01", "2020-01-02 03:04:05"), "t")
    stamps = [pd.Timestamp(2020, 1, 1).to_pydatetime(), pd.Timestamp(2020, 1, 2, 3, 4, 5).to_pydatetime()]
    for typed in (column(*stamps), pd.Series(stamps), column(dt.date(2020, 1, 1), "2020-01-02 03:04:05")):
        read = moments(typed, "t")
        assert read.format == texts.format == "%Y-%m-%d"
        assert (read.instants == texts.instants).all()
    assert days(pd.Series(stamps), "%d.%m.%Y")[1] == ["2020-01-01", "2020-01-02"]  # a model of texts, and typed rows
    local = pd.Series(pd.to_datetime(["2020-01-01 10:00"])).dt.tz_localize(BERLIN)
    assert str(moments(local, "t").instants[0])[:16] == "2020-01-01T09:00"
    assert (
        moments(column(dt.datetime(2020, 1, 1, 10, tzinfo=BERLIN)), "t").instants[0] == moments(local, "t").instants[0]
    )


def test_moments_beyond_the_nanoseconds_of_pandas_are_in_order():
    read = moments(column("9999-12-31", "0001-01-01", "2020-01-01"), "t").instants
    assert np.argsort(read).tolist() == [1, 2, 0]


def test_whole_numbers_are_compared_to_the_last_digit():
    large = [1_700_000_000_000_000_001, 1_700_000_000_000_000_002]
    assert moments(pd.Series(large), "t").instants.tolist() == large
    assert moments(pd.Series(large, dtype="Int64"), "t").instants.tolist() == large


def test_times_of_day_are_read_where_the_user_says_so():
    texts = moments(column("05:20", "06:30"), "t", "%H:%M").instants
    assert (moments(column(dt.time(5, 20), dt.time(6, 30)), "t", "%H:%M").instants == texts).all()


@pytest.mark.parametrize("pattern", ["%d/%m", "dd.mm.yyyy", "%", "%Q", "%Y" * 40, "%d/%d/%Y", "%Y\n"])
def test_a_format_that_is_not_one_is_refused(pattern):
    assert not is_format(pattern)
    with pytest.raises(UserError, match="a pattern with a year"):
        moments(column("01.02.2020"), "t", pattern)


@pytest.mark.parametrize("pattern", ["number", "%d/%m/%Y", "%H:%M", "%Y-%m-%d %I-%p", "%d%m%Y", "%Y-W%W-%w", *DATES])
def test_a_format_is_a_pattern_with_a_year_or_a_time_of_day(pattern):
    assert is_format(pattern)


@given(st.lists(STAMPS, min_size=1, max_size=9), st.data())
def test_whatever_is_written_by_a_pattern_is_read_by_it(stamps, data):
    pattern = data.draw(st.sampled_from(DATES))
    written = [f"{each:{pattern}}" + data.draw(st.sampled_from(["", f" {each:%H:%M:%S.%f}"])) for each in stamps]
    read = moments(column(*written), "t", pattern).instants
    for stamp, text, found in zip(stamps, written, read, strict=True):
        day = dt.datetime.strptime(f"{stamp:{pattern}}", pattern)  # noqa: DTZ007 - there are no zones here
        time = stamp.time() if ":" in text else dt.time()
        assert found == np.datetime64(dt.datetime.combine(day, time), "ns")


@pytest.mark.parametrize(
    ("texts", "held"),
    [
        (["22-Mar-20", "1-Apr-20"], "dates or times"),
        (["04/05/20"], "dates or times"),
        (["29.04.20", ""], "dates or times"),
        (["2020-01-01 10:00"], "dates or times"),
        (["05:20", "6:10 pm"], "dates or times"),
        ([*["2020-01-01"] * 9, "unknown"], "dates or times"),
        (["2020-01-01", "unknown"], None),
        (["red", "blue"], None),
        (["16:9", "4:3"], None),
        (["1/2", "12-34"], None),
    ],
)
def test_texts_that_are_dates_or_times_are_no_categories(texts, held):
    found = local_spelling(column(*texts))
    assert (found.holds if found else None) == held


def test_times_are_spelled_as_in_the_table():
    assert spelled(column(" 13.01.2020", "1")) == ("13.01.2020", "1")
    assert spelled(pd.Series([1.0, 2.5])) == ("1", "2.5")
    assert spelled(pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"]))) == ("2020-01-01", "2020-01-02")
    hours = pd.to_datetime(["2020-01-01 00:00", "2020-01-02 10:00"])
    assert spelled(pd.Series(hours)) == ("2020-01-01 00:00:00", "2020-01-02 10:00:00")


@pytest.mark.parametrize("pattern", ["%m%Y", "%d%m%y", "%m.%y"])
def test_short_dates_of_digits_are_not_sorted_as_numbers(pattern):
    days = [dt.date(2015 + place // 12, place % 12 + 1, 5 + place % 20) for place in range(40)]
    with pytest.raises(UserError, match=re.escape(pattern)):
        moments(pd.Series([float(f"{day:{pattern}}") for day in days]), "Time 't'")
    counted = moments(pd.Series(np.arange(10100.0, 10112.0)), "Time 't'")  # a counter, in its order
    assert counted.format == "number"
