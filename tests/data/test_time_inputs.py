"""Dates and times as inputs: the same from every format, cycles by the training rows alone, refused where in doubt."""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io

from pipeline.data import preprocessing_file, time_inputs
from pipeline.data.new_rows import new_rows, texts_of
from pipeline.data.preprocessing import Preprocessing, fit, typed
from pipeline.data.readers import read_frame
from pipeline.data.rows import prepare_rows
from pipeline.data.tables import Table, read
from pipeline.data.time_inputs import cycles_of, days, named, positions, written
from pipeline.data.unlike import unlike
from pipeline.errors import DamagedFile, UserError

HOURS = pd.date_range("2019-03-01", periods=3000, freq="7h")
CUT: dict[str, Any] = {"validation": 0.2, "test": 0.2, "seed": 1}


def frame(when: Any, **more: Any) -> pd.DataFrame:
    rows = len(when)
    return pd.DataFrame({"when": when, "x": np.arange(rows) % 7 / 2, **more, "y": np.arange(rows) * 1.5})


def saved(table: pd.DataFrame, folder: Path, name: str = "t.csv") -> str:
    path = folder / name
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    elif path.suffix == ".xlsx":
        table.to_excel(path, index=False)
    else:
        table.to_parquet(path, index=False)
    return str(path)


def table(when: Any, folder: Path, times: str = "when", **options: Any) -> Table:
    return read(saved(frame(when), folder), targets=["y"], times=[times], **options)


def fitted(given: Table, rows: slice = slice(None)) -> Preprocessing:
    return fit(given.frame.iloc[rows], given.columns, input_scaler="none")


def refused(folder: Path, when: Any, times: str = "when", **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        table(when, folder, times, **options)
    return str(caught.value)


def days_of(*texts: str) -> np.ndarray:
    return days(np.array(texts, dtype="datetime64[us]"))


# ------------------------------------------------------------------------------------------------------------- inputs


def test_a_moment_is_elapsed_days_and_its_positions_as_sine_and_cosine(tmp_path: Path) -> None:
    given = table(HOURS, tmp_path)
    own = fitted(given, slice(10, 3000))
    cycles = [f"when: {cycle} {part}" for cycle in ("year", "week", "day") for part in ("sine", "cosine")]
    assert own.features == ("when: days", *cycles, "x")
    found = own.inputs(given.frame.iloc[:2])
    assert found[:, 0] == pytest.approx([-10 * 7 / 24, -9 * 7 / 24])  # since the first training row
    moment = HOURS[1].to_pydatetime()
    elapsed = (moment - dt.datetime(2019, 1, 1)).total_seconds()  # noqa: DTZ001
    for place, position in enumerate([elapsed / (365 * 86_400), (moment.weekday() + 7 / 24) / 7, 7 / 24]):
        angle = 2 * math.pi * position
        assert found[1, 1 + 2 * place : 3 + 2 * place] == pytest.approx([math.sin(angle), math.cos(angle)], abs=1e-6)


def test_positions_begin_with_the_year_the_monday_and_the_day() -> None:
    begins = days_of("1969-12-31T12:00", "2024-01-01", "2024-02-05T06:00", "NaT")
    assert positions(begins, "day") == pytest.approx([0.5, 0, 0.25, np.nan], nan_ok=True)
    assert positions(begins, "week") == pytest.approx([2.5 / 7, 0, 0.25 / 7, np.nan], nan_ok=True)
    assert positions(begins, "year") == pytest.approx([364.5 / 365, 0, 35.25 / 366, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("training", "cycles"),
    [
        (pd.date_range("2020-01-01", periods=9000, freq="h"), ("year", "week", "day")),
        (pd.date_range("2020-01-01", periods=24, freq="h"), ("day",)),
        (pd.date_range("2020-01-01", periods=17, freq="h"), ()),
        (pd.date_range("2020-01-01", periods=7, freq="D"), ("week",)),
        (pd.date_range("2020-01-01", periods=5, freq="D"), ()),
        (pd.date_range("2020-01-01", periods=365, freq="D"), ("year", "week")),
        (pd.date_range("2020-01-01", periods=200, freq="D"), ("week",)),
        (pd.date_range("2020-01-04", periods=99, freq="7D"), ("year",)),
        (pd.date_range("2020-01-01", periods=12, freq="MS"), ("year",)),
        (pd.date_range("2020-01-01", periods=30, freq="ME"), ("year",)),
        (pd.date_range("1990-01-01", periods=30, freq="YS"), ()),
        (pd.date_range("2020-01-01 10:00", periods=400, freq="D"), ("year", "week")),
        (pd.DatetimeIndex(["2020-01-01 09:00", "2020-01-01 17:00", "2020-01-02 09:00"]), ("day",)),
        (pd.DatetimeIndex(["2020-01-01", None]), ()),
        (pd.DatetimeIndex([None]), ()),
    ],
)
def test_cycles_are_those_that_the_training_rows_span(training: pd.DatetimeIndex, cycles: tuple[str, ...]) -> None:
    assert cycles_of(days(training.to_numpy())) == cycles


def test_only_training_rows_decide_origin_and_cycles(tmp_path: Path) -> None:
    given = table(pd.date_range("2020-01-01", periods=900, freq="D"), tmp_path)
    first = fitted(given, slice(100, 160))
    assert first.cycles == {"when": ("week",)}
    assert first.inputs(given.frame.iloc[[100]])[0, 0] == 0
    assert fitted(given).cycles == {"when": ("year", "week")}


def test_folds_have_the_cycles_of_their_own_training_rows(tmp_path: Path) -> None:
    days_ = pd.date_range("2020-01-01", periods=60, freq="D").repeat(2)
    late = pd.date_range("2021-06-01", periods=4, freq="D")
    path = saved(frame(days_.append(late)).assign(fold=[0] * 120 + [1, 1, "test", "test"]), tmp_path)
    given = read(path, targets=["y"], times=["when"], split="fold")
    options: dict[str, Any] = {**CUT, "input_scaler": "standard", "output_scaler": "standard", "folds": 2}
    cycles = [prepare_rows(given, **options, index=index)[1].cycles["when"] for index in range(2)]
    assert cycles == [(), ("week",)]


def test_a_gap_has_an_indicator_and_the_medians(tmp_path: Path) -> None:
    when = [f"{each:%Y-%m-%d %H:%M}" for each in HOURS]
    when[3], when[5], when[9] = "", "NA", "  "
    given = table(when, tmp_path)
    assert given.words["when"] == {"NA": 1}
    assert np.flatnonzero(given.frame["when"].isna()).tolist() == [3, 5, 9]
    own = fitted(given)
    assert "when is missing" in own.features
    found = dict(zip(own.features, own.inputs(given.frame).T, strict=True))
    assert np.flatnonzero(found["when is missing"]).tolist() == [3, 5, 9]
    for name in ("when: days", "when: year sine", "when: day cosine"):
        assert found[name][5] == pytest.approx(np.median(np.delete(found[name], [3, 5, 9])), abs=1e-5)


@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust", "quantile", "none"])
def test_stored_and_alone_rows_have_the_same_bits(scaler: Any, tmp_path: Path) -> None:
    given = table(HOURS[:500], tmp_path)
    own = fit(given.frame, given.columns, input_scaler=scaler)
    again = preprocessing_file.loads(preprocessing_file.dumps(own))
    batch = own.inputs(given.frame)
    assert np.isfinite(batch).all()
    assert np.array_equal(again.inputs(given.frame), batch)
    assert all(np.array_equal(again.inputs(given.frame.iloc[[row]])[0], batch[row]) for row in range(0, 500, 37))
    assert (again.columns, again.cycles, again.seen, again.features) == (
        own.columns,
        own.cycles,
        own.seen,
        own.features,
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about["cycles"].update(when=["year", "month"]),
        lambda about: about["cycles"].update(when=["week", "year"]),
        lambda about: about.pop("cycles"),
        lambda about: about["columns"]["times"].update(when="number"),
        lambda about: about["columns"]["times"].update(when=7),
        lambda about: about["columns"].update(times={"x": "%Y", "z": "%Y"}),
        lambda about: about["columns"].update(times=["when"]),
        lambda about: about["columns"].update(zoned=["x"]),
        lambda about: about["seen"].pop("when"),
    ],
)
def test_altered_times_are_refused(change: Any, tmp_path: Path) -> None:
    data = preprocessing_file.dumps(fitted(table(HOURS[:500], tmp_path)))
    stored = skops.io.loads(data, trusted=["numpy.dtype"])
    about = json.loads(stored["about"])
    assert about["columns"]["times"] == {"when": "%Y-%m-%d"}
    assert about["cycles"] == {"when": ["week", "day"]}
    preprocessing_file.loads(skops.io.dumps({**stored, "about": json.dumps(about)}))
    change(about)
    with pytest.raises(DamagedFile):
        preprocessing_file.loads(skops.io.dumps({**stored, "about": json.dumps(about)}))


# ------------------------------------------------------------------------------------------------------------ formats


def test_csv_excel_and_parquet_are_the_same_table(tmp_path: Path) -> None:
    when = HOURS[:60].to_series().reset_index(drop=True)
    when[4] = None
    whole = frame(when)
    local = whole.assign(when=when.dt.strftime("%d.%m.%Y %H:%M"))
    sources = [saved(whole, tmp_path, name) for name in ("a.csv", "a.xlsx", "a.parquet")]
    sources.append(saved(local, tmp_path, "local.csv"))
    read_by = [read(each, targets=["y"], times=["when"]) for each in sources]
    assert len({each.sha256 for each in read_by}) == 1
    assert [each.columns.times["when"] for each in read_by] == ["%Y-%m-%d"] * 3 + ["%d.%m.%Y"]
    own = fitted(read_by[0])
    expected = own.inputs(read_by[0].frame)
    for source in sources[:3]:
        cells = typed(new_rows(read_frame(source, texts=texts_of(own.columns)), own.columns).frame, own.columns)
        assert np.array_equal(own.scaled(cells), expected)
    cells = typed(new_rows(whole.convert_dtypes(), own.columns).frame, own.columns)
    assert np.array_equal(own.scaled(cells), expected)


@pytest.mark.parametrize(
    ("texts", "given", "found"),
    [
        (["04/05/2020", "06/05/2020"], "%d/%m/%Y", "2020-05-04"),
        (["04/05/2020", "06/05/2020"], "%m/%d/%Y", "2020-04-05"),
        (["20200504", "20200506"], "%Y%m%d", "2020-05-04"),
        (["1052020", "12052020"], "%d%m%Y", "2020-05-01"),
        (["10:30", "7:15"], "%H:%M", "1900-01-01T10:30"),
        (["1995", "2001"], "%Y", "1995-01-01"),
        (["2020-05-04T01:00+02:00", "2020-05-05T00:00Z"], "", "2020-05-03T23:00"),
    ],
)
def test_a_format_says_how_cells_are_written(texts: list[str], given: str, found: str, tmp_path: Path) -> None:
    for name in ("t.csv", "t.parquet"):
        path = saved(frame(texts), tmp_path, name)
        one = read(path, targets=["y"], times=[f"when={given}" if given else "when"])
        assert one.frame["when"].iloc[0] == pd.Timestamp(found)


def test_names_and_formats_are_told_apart() -> None:
    assert named(["a", "b=%d/%m/%Y", "c=number", " d = %Y ", "e=1", "a=b=%Y"]) == {
        "a": "",
        "b": "%d/%m/%Y",
        "c": "number",
        "d": "%Y",
        "e=1": "",
        "a=b": "%Y",
    }
    with pytest.raises(UserError, match="names 'a' twice"):
        named(["a", "a=%Y"])


def test_moments_are_written_as_in_the_table() -> None:
    (noon,) = days_of("2020-05-04T12:00")
    assert written(noon, "%d.%m.%Y") == "04.05.2020 12:00:00"
    assert written(noon - 0.5, "%d.%m.%Y") == "04.05.2020"
    assert written(noon, "%H:%M") == "12:00"
    assert written(1e7, "%Y").startswith("29349")


def test_new_rows_are_read_by_the_format_of_the_training(tmp_path: Path) -> None:
    given = table(["04/05/2020", "06/05/2020", "13/05/2020"], tmp_path)
    own = fitted(given)
    new = frame(["05/04/2020", "", "01/05/2021"])
    assert unlike([own], typed(new_rows(new, own.columns).frame, own.columns))["when"].low == days_of("2020-05-04")[0]
    for wrong in (["2020-05-04"] * 3, [18000] * 3, [43955.0] * 3, ["13/13/2020"] * 3):
        with pytest.raises(UserError, match=r"'when' does not fit its format in row 2"):
            new_rows(frame(wrong), own.columns)
    with pytest.raises(UserError, match=r"lacks 1 column.*'when'"):
        typed(new_rows(new.drop(columns="when"), own.columns).frame, own.columns)


def test_zones_are_those_of_the_training(tmp_path: Path) -> None:
    zoned = fitted(table(HOURS[:40].tz_localize("Europe/Vienna"), tmp_path))
    plain = fitted(table(HOURS[:40], tmp_path))
    assert zoned.columns.zoned == ("when",)
    with pytest.raises(UserError, match="moments with no zone"):
        new_rows(frame(HOURS[:5]), zoned.columns)
    with pytest.raises(UserError, match="moments with a zone"):
        new_rows(frame(HOURS[:5].tz_localize("UTC")), plain.columns)
    utc = new_rows(frame(HOURS[:5].tz_localize("Europe/Vienna")), zoned.columns).frame["when"]
    assert utc.tolist() == (HOURS[:5] - pd.Timedelta("1h")).tolist()
    assert new_rows(frame([None, None]), zoned.columns).frame["when"].isna().all()


def test_the_files_of_parts_are_read_like_the_training_file(tmp_path: Path) -> None:
    local = [f"{each:%d.%m.%Y %H:%M}" for each in HOURS[:30]]
    train = saved(frame(local), tmp_path)
    more = saved(frame(HOURS[30:40]), tmp_path, "more.parquet")
    given = read(train, targets=["y"], times=["when"], test_data=more)
    assert given.frame["when"].tolist() == HOURS[:40].tolist()
    other = saved(frame(HOURS[30:40]), tmp_path, "other.csv")
    with pytest.raises(UserError, match=r"other.csv: Input 'when' does not fit its format in row 2"):
        read(train, targets=["y"], times=["when"], test_data=other)
    zoned = saved(frame(HOURS[30:40].tz_localize("UTC")), tmp_path, "zoned.parquet")
    with pytest.raises(UserError, match=r"zoned.parquet: Input 'when' has moments with a zone"):
        read(train, targets=["y"], times=["when"], test_data=zoned)


def test_new_rows_far_outside_are_told_as_moments(tmp_path: Path) -> None:
    own = fitted(table(HOURS, tmp_path))
    new = frame(["2019-04-01", "2050-01-01", None])
    found = unlike([own], typed(new_rows(new, own.columns).frame, own.columns))["when"]
    assert (found.outside, found.missing, found.time_format) == (1, 1, "%Y-%m-%d")
    assert [written(each, found.time_format) for each in (found.low, *found.values)]  # noqa: PD011 == ["2019-03-01", "2050-01-01"]


# ----------------------------------------------------------------------------------------------------------- refusals


def test_a_format_that_is_in_doubt_is_refused_with_both_readings(tmp_path: Path) -> None:
    text = refused(tmp_path, ["", "04/05/2020", "06/05/2020"])
    assert "'04/05/2020' in row 3 is 4 May 2020 (%d/%m/%Y), or 5 April 2020 (%m/%d/%Y)" in text
    assert "Try: say which it is: --times when=%d/%m/%Y, or --times when=%m/%d/%Y." in text


@pytest.mark.parametrize(
    ("when", "times", "message"),
    [
        (["", "2020-01-01", "soon"], "when", r"does not fit its format in row 4.*'soon'.*leave it empty"),
        (["2020-01-01", "1.2.2020"], "when=%Y-%m-%d", "does not fit its format in row 3"),
        (["2020-01-01", "2020-01-02"], "when=%Q", "cannot be read by --times when='%Q'"),
        ([1, 2], "when", r"has numbers, and not dates or times.*leave it out of --times: [a-z ]*\.$"),
        ([20200131, 20200201], "when", r"has numbers, and not dates or times.*are written: --times when=%Y%m%d"),
        (["", "01022020", "13022020"], "when", r"1022020|01022020 in row 3[^$]*--times when=%d%m%Y"),
        ([["a"], ["b"]], "when", r"is not a moment in row 2.*dates in one format such as 2020-12-31"),
        (["1", "2"], "when=number", "has numbers, and not dates or times"),
        ([None, None], "when", "'when' is empty"),
        ([True, False], "when", "is not a moment in row 2"),
        (["2020-01-01", "2020-01-02"], "wann", "no column 'wann' .named as times"),
        (["2020-01-01T01:00Z", "2020-01-02"], "when", "has no zone in row 3"),
    ],
)
def test_other_cells_are_refused_by_their_row(when: list[Any], times: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"(?s){message}"):
        table(when, tmp_path, times)


@pytest.mark.parametrize(
    ("role", "word"),
    [
        ("targets", "target"),
        ("ignore", "ignored"),
        ("weight", "weight"),
        ("groups", "group"),
        ("split", "split"),
        ("categories", "category"),
    ],
)
def test_a_time_has_no_other_role(role: str, word: str, tmp_path: Path) -> None:
    path = saved(frame(["2020-01-01", "2020-01-02"]), tmp_path)
    given = {"targets": ["y"], role: "when" if role in ("weight", "split") else ["when"]}
    with pytest.raises(UserError, match=f"Column 'when' is named as {word} and as times"):
        read(path, **given, times=["when"])  # type: ignore[arg-type]


def test_what_is_no_input_of_a_table_cannot_be_a_time(tmp_path: Path) -> None:
    text = refused(tmp_path, ["2020-01-01", "2020-01-02"], inputs=["x"])
    assert text.startswith("'when' cannot be a time: it is not an input")
    assert refused(tmp_path, HOURS[:60], time="x").startswith("times cannot be used with a series")
    other = saved(frame(["2020-01-01"] * 3).rename(columns={"x": "when: day sine"}), tmp_path)
    with pytest.raises(UserError, match="'when: day sine' is called like an input that is made of the time 'when'"):
        read(other, targets=["y"], times=["when"])
    np.savez(tmp_path / "images.npz", images=np.zeros((4, 3, 3)), labels=np.arange(4))
    with pytest.raises(UserError, match="has images, whose inputs are pixels"):
        read(str(tmp_path / "images.npz"), targets=["label"], times=["label"])


@pytest.mark.parametrize(
    ("when", "offer"),
    [
        (["2020-01-01", "2020-02-01"], "--times when makes it an input"),
        (["04/05/2020", "06/05/2020"], "--times when makes it an input"),
        ([*["2020-01-01"] * 11, "unknown"], "--times when makes it an input"),
        (["10:30", "7:15"], "--times when=%H:%M makes it an input"),
        (["10:30 am", "7:15 pm"], "--times when=%I:%M %p makes it an input"),
        (HOURS[:5], "--times when makes it an input"),
        ([dt.time(10, 30), dt.time(7)], "--times when=%H:%M:%S makes it an input"),
        (pd.to_timedelta([1, 2], unit="h"), "convert it to a number (days since a date, hour of the day)"),
    ],
)
def test_a_column_that_looks_like_dates_and_was_not_named_is_refused_with_the_option(
    when: Any, offer: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="'when' holds dates or times") as caught:
        read(saved(frame(when), tmp_path, "t.parquet"), targets=["y"])
    assert f"Try: {offer}; or name 'when' in `ignore`" in str(caught.value)
    if isinstance(when, list) and isinstance(when[0], str):
        assert "; or name 'when' in `categories` if its texts are categories" in str(caught.value)


def test_what_is_not_named_is_described_as_before(tmp_path: Path) -> None:
    plain = read(saved(frame([1.0, 2.0, 3.0]), tmp_path), targets=["y"])
    assert {"times", "zoned"} & plain.columns.describe().keys() == set()
    own = fitted(plain)
    assert own.cycles == {}
    assert replace(own, cycles={}).features == ("when", "x")
    assert time_inputs.with_positions(["a", "b"], {"a": ("day",)}) == ["a", "a: day sine", "a: day cosine", "b"]
