"""Preprocessing: learns from training rows only, survives storage bit by bit, and never executes what it reads."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from pipeline.data import preprocessing_file as module
from pipeline.data.preprocessing import InputScaler, Preprocessing, Scaler, fit, typed
from pipeline.data.preprocessing_file import dumps, loads
from pipeline.data.roles import Columns
from pipeline.data.unlike import unknown_categories
from pipeline.errors import DamagedFile, UserError
from pipeline.tasks.regression import Quantities

COLUMNS = Columns(targets=("y",), inputs=("a", "b", "c", "k"), categories=("c", "k"))
FRAME = pd.DataFrame(
    {
        "y": [1.0, 2.0, 4.0, 8.0],
        "a": [1.0, 2.0, np.nan, 30.0],
        "b": [5.0, 5.0, 5.0, 5.0],
        "c": ["x", "y", None, "x"],
        "k": [1, 2, 1, 2],
    }
)


def fitted(scaler: Scaler = "standard", output: Scaler = "standard") -> Preprocessing:
    return fit(FRAME, COLUMNS, input_scaler=scaler, output_scaler=output)


def test_median_indicator_constant_and_one_hot() -> None:
    preprocessing = fitted("none")
    assert preprocessing.features == ("a", "b", "a is missing", "c = (empty)", "c = x", "c = y", "k = 1", "k = 2")
    values = preprocessing.inputs(FRAME)
    assert values.dtype == np.float32
    assert values[2].tolist() == [2.0, 5.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0]
    assert values[3].tolist() == [30.0, 5.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust", "quantile", "none"])
def test_stored_and_alone_rows_have_the_same_bits(scaler: InputScaler) -> None:
    frame = pd.concat([FRAME] * 25, ignore_index=True)
    frame["a"] = np.random.default_rng(1).normal(1e3, 7.7, len(frame))
    output: Scaler = "standard" if scaler == "quantile" else scaler
    preprocessing = fit(frame, COLUMNS, input_scaler=scaler, output_scaler=output)
    again = loads(dumps(preprocessing))
    batch = preprocessing.inputs(frame)
    assert np.isfinite(batch).all()
    assert np.array_equal(again.inputs(frame), batch)
    assert all(np.array_equal(again.inputs(frame.iloc[[row]])[0], batch[row]) for row in range(0, 100, 9))
    assert (again.target, again.columns, again.features) == (
        preprocessing.target,
        preprocessing.columns,
        preprocessing.features,
    )


@pytest.mark.parametrize(
    ("scaler", "low", "high"), [("standard", -1.0257, 1.5852), ("minmax", 0.0, 1.0), ("robust", -0.6154, 1.5385)]
)
def test_outputs_are_scaled_as_named(scaler: Scaler, low: float, high: float) -> None:
    target = fitted(output=scaler).target
    scaled = target.to_scaled(FRAME[["y"]].to_numpy())
    assert [scaled.min(), scaled.max()] == pytest.approx([low, high], abs=1e-4)
    assert np.allclose(target.to_units(scaled), FRAME[["y"]], rtol=1e-15)


def test_robust_scaling_of_mostly_zeros_uses_the_deviation() -> None:
    frame = pd.DataFrame({"a": [0.0] * 9 + [1000.0], "y": [0.0] * 9 + [500.0]})
    preprocessing = fit(frame, Columns(("y",), ("a",), ()), input_scaler="robust", output_scaler="robust")
    assert preprocessing.inputs(frame).max() == pytest.approx(1000 / 300)
    assert isinstance(preprocessing.target, Quantities)
    assert preprocessing.target.scale == pytest.approx((150.0,))


def test_quantiles_are_a_bell_curve_whatever_the_tails() -> None:
    rng = np.random.default_rng(0)
    skewed, spiked = np.exp(3 * rng.normal(size=3000)), np.where(rng.random(3000) < 0.5, 0.0, rng.random(3000))
    frame = pd.DataFrame({"skewed": skewed, "spiked": spiked, "constant": 7.0, "y": rng.normal(size=3000)})
    inputs = ("skewed", "spiked", "constant")
    preprocessing = fit(frame, Columns(("y",), inputs, ()), input_scaler="quantile")
    values = preprocessing.inputs(frame)
    assert np.percentile(values[:, 0], [2.5, 50, 97.5]) == pytest.approx([-1.96, 0, 1.96], abs=0.1)
    assert values[:, :2].std(axis=0) == pytest.approx(1, abs=1e-3)
    assert np.abs(values[:, 1]).max() < 4
    assert np.abs(values[:, 2]).max() < 1e-6
    beyond = preprocessing.inputs(pd.DataFrame({"skewed": [1e300], "spiked": [-9.0], "constant": [8.0]}))
    assert np.isfinite(beyond).all()


def test_bytes_are_the_same_in_every_process() -> None:
    code = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1]); import test_preprocessing as t;"
        "print(hashlib.sha256(t.dumps(t.fitted('robust'))).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {hashlib.sha256(dumps(fitted("robust"))).hexdigest() + "\n"}
    assert dumps(loads(dumps(fitted()))) == dumps(fitted())


def test_order_extra_columns_and_types_do_not_matter() -> None:
    preprocessing = fitted()
    other = FRAME[["k", "c", "b", "a"]].assign(extra="?", k=["1.0", "2", 1.0, 2])
    other["a"] = other["a"].astype(object).where(other["a"].notna(), "")
    assert np.array_equal(preprocessing.inputs(other), preprocessing.inputs(FRAME))


def test_unknown_categories_are_zeros_and_named() -> None:
    preprocessing = fitted()
    frame = FRAME.assign(c=["new", "x", "", "older"], k=[1, 2, np.nan, 7])
    assert unknown_categories([preprocessing], typed(frame, COLUMNS)) == {"c": ("new", "older"), "k": ("(empty)", "7")}
    assert preprocessing.inputs(frame)[0, 3:6].tolist() == [0.0, 0.0, 0.0]
    assert unknown_categories([preprocessing], typed(FRAME, COLUMNS)) == {}


def test_missing_cells_that_training_did_not_have_get_the_median() -> None:
    frame = FRAME.assign(b=[np.nan] * 4)
    assert np.array_equal(fitted().inputs(frame), fitted().inputs(FRAME))


@pytest.mark.parametrize(
    ("frame", "fragment"),
    [
        (FRAME.drop(columns=["a", "c"]), "lacks 2 column.*'a', 'c'"),
        (FRAME.drop(columns=["k"]).rename(columns={"c": "C"}), "lacks 2 column.*'c', 'k'.*did you mean 'C'"),
        (FRAME.assign(a=["1", "2", "many", "4"]), "Input 'a' has text.*'many' in row 4"),
        (FRAME.assign(a=[1, 2, np.inf, 4]), "Input 'a' has an infinite value in row 4"),
        (FRAME.assign(a=[1, 2, 1e300, 4]), "Input 'a' is too large in row 4"),
        (FRAME.assign(a=pd.to_datetime(["2024-01-01"] * 4)), "Input 'a' has text"),
        (FRAME.iloc[:0], "no rows"),
        (pd.concat([FRAME, FRAME[["a"]]], axis=1), "more than one column 'a'"),
    ],
)
def test_bad_prediction_input_is_refused(frame: pd.DataFrame, fragment: str) -> None:
    with pytest.raises(UserError, match=f"(?s){fragment}"):
        fitted().inputs(frame)


def test_training_rows_that_teach_nothing_are_refused() -> None:
    with pytest.raises(UserError, match="Target 'y' is constant on the 4 training rows"):
        fit(FRAME.assign(y=3.0), COLUMNS, input_scaler="standard", output_scaler="standard")
    with pytest.raises(UserError, match="Input 'a' has no value on the training rows"):
        fit(FRAME.assign(a=np.nan), COLUMNS, input_scaler="standard", output_scaler="standard")


def test_damaged_foreign_and_hostile_files_are_refused() -> None:
    import skops.io

    good = dumps(fitted())

    class Evil:
        pass

    buffer = io.BytesIO(good)
    with zipfile.ZipFile(buffer, "a") as archive:
        schema = archive.read("schema.json").replace(b'"StandardScaler"', b'"StandardScalar"')
    rewritten = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(rewritten, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, schema if name == "schema.json" else source.read(name))
    for data in (
        b"",
        b"nonsense",
        good[: len(good) // 2],
        good[:200] + bytes([good[200] ^ 1]) + good[201:],
        rewritten.getvalue(),
        skops.io.dumps(LinearRegression()),
        skops.io.dumps({"about": "{}", "transformer": Evil()}),
        skops.io.dumps({"about": "{}", "transformer": 1}),
    ):
        with pytest.raises(DamagedFile):
            loads(data)


def test_a_type_that_skops_does_not_trust_is_refused_beside_good_content() -> None:
    import skops.io

    stored = skops.io.loads(dumps(fitted()), trusted=["numpy.dtype"])
    assert loads(skops.io.dumps(stored)).features == fitted().features
    with pytest.raises(DamagedFile, match=r"[Uu]ntrusted"):
        loads(skops.io.dumps({**stored, "more": os.getcwd}))


def test_another_format_or_estimator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import skops.io

    good = skops.io.loads(dumps(fitted()), trusted=["numpy.dtype"])
    good["transformer"] = LinearRegression()
    with pytest.raises(DamagedFile, match="not written by this program"):
        loads(skops.io.dumps(good))
    data = dumps(fitted())
    monkeypatch.setattr(module, "FORMAT", 2)
    with pytest.raises(DamagedFile, match="format 1"):
        loads(data)


def test_ranges_of_the_training_rows_are_stored_and_studies_of_before_have_none() -> None:
    columns = replace(COLUMNS, reading=2)
    now = fit(FRAME, columns, input_scaler="standard")
    assert now.seen == {"a": (1.0, 30.0), "b": (5.0, 5.0)}
    assert loads(dumps(now)).seen == now.seen
    assert dumps(loads(dumps(now))) == dumps(now)
    assert fitted().seen == loads(dumps(fitted())).seen == {}
    assert about_of(dumps(fitted())).keys() == {"format", "columns", "target"}


@pytest.mark.parametrize(
    "seen",
    [
        {"a": [1.0, 30.0], "z": [0.0, 1.0]},
        {"c": [0.0, 1.0]},
        {"a": [30.0, 1.0]},
        {"a": [1.0]},
        {"a": [1.0, 2.0, 3.0]},
        {"a": ["1", "2"]},
        {"a": [1, True]},
        {"a": [1.0, float("inf")]},
        {"a": [float("nan"), 1.0]},
        {"a": None},
        [1.0],
        None,
    ],
)
def test_ranges_that_nobody_wrote_are_refused(seen: object) -> None:
    import skops.io

    stored = skops.io.loads(
        dumps(fit(FRAME, replace(COLUMNS, reading=2), input_scaler="standard")), trusted=["numpy.dtype"]
    )
    about = {**json.loads(stored["about"]), "seen": seen}
    with pytest.raises(DamagedFile):
        loads(skops.io.dumps({**stored, "about": json.dumps(about)}))


def about_of(data: bytes) -> dict[str, object]:
    import skops.io

    found: dict[str, object] = json.loads(skops.io.loads(data, trusted=["numpy.dtype"])["about"])
    return found
