"""Dates as inputs from the command line: run, resumed from another format, refused when changed, predicted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import settings
from pipeline.run.prepare import prepare
from pipeline.run.understood import understood
from tests.faults import small_study

ROWS = 90


def table() -> pd.DataFrame:
    rows = np.arange(ROWS)
    when = pd.date_range("2020-01-01", periods=ROWS, freq="5D").to_series().reset_index(drop=True)
    when[7], when[8] = None, None
    frame = pd.DataFrame({"when": when, "town": rows % 3, "g": rows // 3, "w": 1 + rows % 2})
    return frame.assign(y=np.sin(rows).round(3), z=rows * 1.0)


def test_a_run_with_dates_is_resumed_from_another_format_and_predicts(tmp_path, monkeypatch):
    small_study.stand_in(monkeypatch)
    sources = {name: str(tmp_path / f"t.{name}") for name in ("csv", "xlsx", "parquet")}
    frame = table()
    frame.assign(when=frame["when"].dt.strftime("%d.%m.%Y")).to_csv(sources["csv"], index=False)
    frame.to_excel(sources["xlsx"], index=False)
    frame.to_parquet(sources["parquet"], index=False)
    options = {"times": "when", "weight": "w", "group": "g", "categories": "town", "folds": "2"}
    first = small_study.run(tmp_path, data=sources["csv"], **options)
    assert first.exit_code == 0, first.output
    facts, weights = small_study.facts(tmp_path / "study"), small_study.weights(tmp_path / "study")
    for name in ("xlsx", "parquet"):
        again = small_study.run(tmp_path, data=sources[name], **options)
        assert again.exit_code == 0, again.output
    assert small_study.facts(tmp_path / "study") == facts
    assert small_study.weights(tmp_path / "study") == weights

    stored = json.loads((tmp_path / "study" / "study.json").read_text())["fingerprint"]
    assert stored["times"] == {"when": "2020-01-01T00:00:00 to 2021-03-21T00:00:00"}
    changed = small_study.run(tmp_path, data=sources["csv"], **{**options, "times": "when=%d.%m.%y"})
    assert changed.exit_code == 2
    assert "does not fit its format in row 2" in changed.stderr
    other = small_study.run(tmp_path, data=sources["csv"], **{**options, "times": "", "ignore": "when"})
    assert other.exit_code == 2
    assert "the same data, inputs, times" in " ".join(other.stderr.split())

    assert small_study.command("ledger", "verify", str(tmp_path / "study")).exit_code == 0
    frame.loc[0, "when"] = pd.Timestamp("2029-05-06 12:00")
    frame.assign(when=frame["when"].dt.strftime("%d.%m.%Y %H:%M")).to_csv(tmp_path / "table.csv", index=False)
    predicted = small_study.predict(tmp_path)
    assert predicted.exit_code == 0, predicted.output
    said = " ".join(predicted.stdout.split())
    assert "when: far outside of what training saw (" in said
    assert ") in 1 row: 06.05.2029 12:00:00" in said
    texts = pd.read_csv(tmp_path / "predicted.csv")
    frame.to_parquet(tmp_path / "new.parquet")
    words = ["--study", str(tmp_path / "study"), "--input", str(tmp_path / "new.parquet")]
    assert small_study.command("predict", *words, "--output", str(tmp_path / "p.csv"), "--top", "2").exit_code == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "p.csv"), texts)


def prepared_lines(frame: pd.DataFrame, folder: Path, **options: object) -> dict[str, str]:
    source, space = folder / "t.csv", folder / "space.toml"
    frame.to_csv(source, index=False)
    space.write_text(small_study.SPACE)
    given = {"data": str(source), "space": space, "study": folder / "study", "slots": "cpu:1", "target": ["y"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.run.model_size.most_weights", lambda *_: 1)
        found = understood(prepare(settings.read(None, {**given, **options})))
    return dict(each.split(": ", 1) for each in found)


def test_a_run_says_how_dates_were_understood_what_they_span_and_what_they_become(tmp_path):
    frame = table().assign(
        when=lambda each: each["when"].dt.strftime("%d/%m/%Y"), shift=["06:30", "14:30", "22:30"] * 30
    )
    frame.loc[3, "when"], frame.loc[5, "shift"], frame["since"] = "31/12/9999", "NA", "2001-02-03"
    found = prepared_lines(frame, tmp_path, times=["when", "shift=%H:%M", "since"])
    assert found["Inputs"].startswith("4 numbers (town of 3 values, g, w, z), 3 times (when, shift, since);")
    assert found["Times"] == (
        "when, day/month/year (%d/%m/%Y), 01/01/2020 to 21/03/2021: elapsed days and position in the year and week;"
        " shift, %H:%M, 06:30 to 22:30: elapsed days;"
        " since, year-month-day (%Y-%m-%d), 2001-02-03 to 2001-02-03: elapsed days"
        " (--times COLUMN=FORMAT says how a column is written)"
    )
    assert found["Missing cells"].startswith('when 2, shift 1 ("NA" in 1 cell), of 90 rows')
    assert "when: 31/12/9999 in row 5, far off from all others (01/01/2020 to 21/03/2021)" in found["Suspicious values"]
    assert found["Constant"].startswith("since (2001-02-03)")
    assert found["Never repeated"].startswith("z (")
